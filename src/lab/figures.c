/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/figures.h"

#include "finding/curves.h"

#include <math.h>
#include <string.h>

#define MOST_FIGURES 64
#define MOST_DEPTHS 8

struct drawing {
    struct finding_writer *to;
    const struct assay_lab_result *r;
    struct assay_figure *figures;
    size_t count;
    size_t all;     /* answers of a student: rows with fewer stand in one figure alone */
    bool one_width; /* then no name needs it */
};

static const char *named(struct drawing *d, const char *kind, const char *depth)
{
    char *id = assay_arena_print(d->to->arena, "%s %s", kind, depth);
    for (char *c = id; c && *c; c++)
        *c = *c == ' ' ? '-' : *c;
    return id ? id : finding_keep(d->to, NULL);
}

/* Kept if it has more than one place on its axis. */
static void end(struct drawing *d, const struct curves *s, const char *id, const char *title,
                const char *x, const char *y, bool logarithmic, double level)
{
    const struct curves_axes axes = {x, y, logarithmic, level};
    if (d->count < MOST_FIGURES && curves_end(s, id, title, &axes, &d->figures[d->count]))
        d->count++;
}

/* ---- power --------------------------------------------------------------------------------- */

static bool is_shown(const struct drawing *d, const struct assay_lab_power *p, const char *depth)
{
    return strcmp(p->depth, depth) == 0 && (p->answers == 0 || p->answers == d->all);
}

/* The rows of one curve have these in common. */
static bool is_of(const struct assay_lab_power *p, const struct assay_lab_power *like,
                  bool by_answers)
{
    return strcmp(p->depth, like->depth) == 0 && strcmp(p->method, like->method) == 0 &&
           strcmp(p->evasion, like->evasion) == 0 && p->width == like->width &&
           (p->further > 0) == (like->further > 0) &&
           (by_answers ? p->dose == like->dose : p->answers == like->answers);
}

/* The white box asks about further training; its distilled students, who have none, are said in
   words. */
static bool is_white(const char *depth)
{
    return strcmp(depth, "white box") == 0;
}

static const char *axis_of(const char *depth)
{
    return is_white(depth) ? "further training, in students' steps"
                           : "dose, share of training tokens";
}

static const char *name_of(const struct drawing *d, const struct assay_lab_power *p, bool place)
{
    const char *evasion = strcmp(p->evasion, "none") == 0 ? "" : p->evasion;
    char *name =
        assay_arena_print(d->to->arena, "%s%s%s", p->method, *evasion ? ", " : "", evasion);
    if (name && !d->one_width)
        name = assay_arena_print(d->to->arena, "%s, width %u", name, p->width);
    if (name && place)
        name =
            assay_arena_print(d->to->arena, p->further > 0 ? "%s, %.3g further" : "%s, dose %.3g",
                              name, p->further > 0 ? p->further : p->dose);
    return name ? name : finding_keep(d->to, NULL);
}

static void add_power(struct drawing *d, struct curves *s, const struct assay_lab_power *first,
                      bool by_answers)
{
    const struct assay_lab_result *r = d->r;
    struct assay_point *points =
        curves_add(s, name_of(d, first, by_answers), false, r->power_count);
    for (size_t i = 0; points && i < r->power_count; i++) {
        const struct assay_lab_power *p = &r->power[i];
        if (is_of(p, first, by_answers))
            curves_put(s, points,
                       by_answers       ? (double)p->answers
                       : p->further > 0 ? p->further
                                        : p->dose,
                       p->named.share, p->named.low, p->named.high);
    }
}

/* What chance would do: the level that a name is given at. */
static void add_level(const struct drawing *d, struct curves *s)
{
    double least = INFINITY, most = -INFINITY;
    for (size_t i = 0; i < s->count; i++)
        for (size_t k = 0; k < s->series[i].point_count; k++) {
            least = fmin(least, s->series[i].points[k].x);
            most = fmax(most, s->series[i].points[k].x);
        }
    struct assay_point *points = s->count ? curves_add(s, "the level", true, 2) : NULL;
    for (int k = 0; points && k < 2; k++)
        curves_put(s, points, k ? most : least, d->r->level, NAN, NAN);
}

static void draw_power(struct drawing *d, const char *depth, bool by_answers)
{
    const struct assay_lab_result *r = d->r;
    struct curves s = curves_begin(d->to, r->power_count + 1);
    for (size_t i = 0; i < r->power_count; i++) {
        bool begins = by_answers ? strcmp(r->power[i].depth, depth) == 0 && r->power[i].answers > 0
                                 : is_shown(d, &r->power[i], depth) &&
                                       (!is_white(depth) || r->power[i].further > 0);
        for (size_t k = 0; k < i; k++)
            begins = begins && !is_of(&r->power[k], &r->power[i], by_answers);
        if (begins)
            add_power(d, &s, &r->power[i], by_answers);
    }
    add_level(d, &s);
    end(d, &s, named(d, by_answers ? "answers" : "power", depth),
        assay_arena_print(d->to->arena, "Power, %s: how many %s are found by %s", depth,
                          is_white(depth) ? "descendants" : "taught students",
                          by_answers        ? "the number of answers read"
                          : is_white(depth) ? "further training"
                                            : "dose"),
        by_answers ? "answers read" : axis_of(depth), "share named", true, 0.95);
}

/* ---- false positives ----------------------------------------------------------------------- */

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool is_wrong_of(const struct assay_lab_wrong *w, const struct assay_lab_wrong *like)
{
    return strcmp(w->depth, like->depth) == 0 && strcmp(w->who, like->who) == 0 &&
           same_text(w->method, like->method) && same_text(w->evasion, like->evasion) &&
           w->width == like->width;
}

/* Where it stands; 0: nowhere, it is in the quantities. */
static double place_of_wrong(const struct assay_lab_wrong *w)
{
    return is_white(w->depth) ? w->further : w->dose;
}

static const char *name_of_wrong(const struct drawing *d, const struct assay_lab_wrong *w)
{
    char *name = assay_arena_print(d->to->arena, "%s%s%s", w->who, w->method ? ", " : "",
                                   w->method ? w->method : "");
    if (name && w->evasion && strcmp(w->evasion, "none") != 0)
        name = assay_arena_print(d->to->arena, "%s, %s", name, w->evasion);
    if (name && !d->one_width)
        name = assay_arena_print(d->to->arena, "%s, width %u", name, w->width);
    return name ? name : finding_keep(d->to, NULL);
}

static void draw_wrong(struct drawing *d, const char *depth)
{
    const struct assay_lab_result *r = d->r;
    struct curves s = curves_begin(d->to, r->wrong_count + 1);
    for (size_t i = 0; i < r->wrong_count; i++) {
        const struct assay_lab_wrong *first = &r->wrong[i];
        bool begins = strcmp(first->depth, depth) == 0 && place_of_wrong(first) > 0;
        for (size_t k = 0; k < i; k++)
            begins =
                begins && !(place_of_wrong(&r->wrong[k]) > 0 && is_wrong_of(&r->wrong[k], first));
        struct assay_point *points =
            begins ? curves_add(&s, name_of_wrong(d, first), false, r->wrong_count) : NULL;
        for (size_t k = i; points && k < r->wrong_count; k++)
            if (place_of_wrong(&r->wrong[k]) > 0 && is_wrong_of(&r->wrong[k], first))
                curves_put(&s, points, place_of_wrong(&r->wrong[k]), r->wrong[k].named.share,
                           r->wrong[k].named.low, r->wrong[k].named.high);
    }
    add_level(d, &s);
    end(d, &s, named(d, "wrong", depth),
        assay_arena_print(
            d->to->arena,
            "False positives, %s: students named for a teacher that they did not have", depth),
        axis_of(depth), "share named", true, 0.95);
}

/* ---- ROC and Tippett's curves ---------------------------------------------------------------- */

static void draw_roc(struct drawing *d, const char *depth)
{
    struct curves s = curves_begin(d->to, d->r->power_count + 1);
    for (size_t i = 0; i < d->r->power_count; i++) {
        const struct assay_lab_power *p = &d->r->power[i];
        struct assay_point *points = is_shown(d, p, depth) && p->roc_count > 0
                                         ? curves_add(&s, name_of(d, p, true), false, p->roc_count)
                                         : NULL;
        for (size_t k = 0; points && k < p->roc_count; k++)
            curves_put(&s, points, p->roc[2 * k], p->roc[2 * k + 1], NAN, NAN);
    }
    struct assay_point *chance = s.count ? curves_add(&s, "chance", true, 2) : NULL;
    for (int k = 0; chance && k < 2; k++)
        curves_put(&s, chance, k, k, NAN, NAN);
    end(d, &s, named(d, "roc", depth),
        assay_arena_print(d->to->arena, "ROC, %s: taught students against both kinds of others",
                          depth),
        "share of others at or above a score", "share of taught students", false, NAN);
}

static void add_tippett(struct curves *s, const char *name, const double *lr, size_t n)
{
    struct assay_point *points = n > 0 ? curves_add(s, name, false, 2 * n) : NULL;
    for (size_t k = 0; points && k < n; k++) { /* steps: at lr[k] the share falls */
        curves_put(s, points, lr[k], 1 - (double)k / (double)n, NAN, NAN);
        curves_put(s, points, lr[k], 1 - (double)(k + 1) / (double)n, NAN, NAN);
    }
}

static void draw_tippett(struct drawing *d, const char *depth)
{
    struct curves s = curves_begin(d->to, 2 * d->r->power_count);
    for (size_t i = 0; i < d->r->power_count; i++) {
        const struct assay_lab_power *p = &d->r->power[i];
        if (!is_shown(d, p, depth) || !p->dosed_lr)
            continue;
        const char *name = name_of(d, p, true);
        char *taught = assay_arena_print(d->to->arena, "%s: taught", name ? name : "");
        char *others = assay_arena_print(d->to->arena, "%s: others", name ? name : "");
        add_tippett(&s, taught, p->dosed_lr, p->named.n);
        add_tippett(&s, others, p->null_lr, p->null_count);
    }
    end(d, &s, named(d, "tippett", depth),
        assay_arena_print(d->to->arena, "Tippett, %s: shares with a larger likelihood ratio",
                          depth),
        "log10 likelihood ratio", "share with a larger one", false, NAN);
}

/* ---- what students took ---------------------------------------------------------------------- */

static void draw_taken(struct drawing *d, const char *id, const char *title, const char *axis,
                       const double *(*of)(const struct assay_lab_capability *))
{
    const struct assay_lab_result *r = d->r;
    struct curves s = curves_begin(d->to, r->capability_count);
    for (size_t i = 0; i < r->capability_count; i++) {
        bool begins = true;
        for (size_t k = 0; k < i; k++)
            begins = begins && strcmp(r->capability[k].method, r->capability[i].method) != 0;
        struct assay_point *points =
            begins ? curves_add(&s, finding_keep(d->to, r->capability[i].method), false,
                                r->capability_count)
                   : NULL;
        for (size_t k = i; points && k < r->capability_count; k++) {
            const double *mean = of(&r->capability[k]);
            if (strcmp(r->capability[k].method, r->capability[i].method) == 0 && !isnan(mean[0]))
                curves_put(&s, points, r->capability[k].dose, mean[0], mean[1], mean[2]);
        }
    }
    if (s.count && s.series[0].point_count)
        end(d, &s, id, title, "dose, share of training tokens", axis, true, 0.95);
}

static const double *manner_of(const struct assay_lab_capability *c)
{
    return c->manner;
}

static const double *facts_of(const struct assay_lab_capability *c)
{
    return c->fact_bits;
}

/* ---- what the instrument for weights said -----------------------------------------------------
 */

static const char *name_of_white(const struct drawing *d, const struct assay_lab_white *w,
                                 bool place)
{
    char *name = assay_arena_print(d->to->arena, "%s, %s", w->arm,
                                   strcmp(w->disguise, "none") == 0 ? "as it is" : w->disguise);
    if (name && place && w->further > 0)
        name = assay_arena_print(d->to->arena, "%s, %.3g further", name, w->further);
    return name ? name : finding_keep(d->to, NULL);
}

static void draw_white(struct drawing *d, const char *id, const char *title, bool seed)
{
    const struct assay_lab_result *r = d->r;
    struct curves s = curves_begin(d->to, r->white_count);
    for (size_t i = 0; i < r->white_count; i++) {
        const struct assay_lab_white *first = &r->white[i];
        bool begins = first->further > 0;
        for (size_t k = 0; k < i; k++)
            begins = begins && (strcmp(r->white[k].arm, first->arm) != 0 ||
                                strcmp(r->white[k].disguise, first->disguise) != 0);
        struct assay_point *points =
            begins ? curves_add(&s, name_of_white(d, first, false), false, r->white_count) : NULL;
        for (size_t k = i; points && k < r->white_count; k++) {
            const struct assay_lab_white *w = &r->white[k];
            const struct assay_lab_rate *rate = seed ? &w->seed_alone : &w->shared_training;
            if (strcmp(w->arm, first->arm) == 0 && strcmp(w->disguise, first->disguise) == 0)
                curves_put(&s, points, w->further, rate->share, rate->low, rate->high);
        }
    }
    end(d, &s, id, title, axis_of("white box"), "share of students", true, 0.95);
}

/* A row for each kind of student, a column for each relation that was named. */
static void draw_called(struct drawing *d)
{
    const struct assay_lab_result *r = d->r;
    size_t most = r->white_count * 4 * ASSAY_LAB_MOST_KINDS, n = 0;
    const char **columns = finding_room(d->to, most, sizeof *columns);
    const char **rows = finding_room(d->to, r->white_count, sizeof *rows);
    for (size_t i = 0; columns && i < r->white_count; i++)
        for (size_t k = 0; k < r->white[i].kind_count; k++) {
            bool fresh = true;
            for (size_t c = 0; c < n; c++)
                fresh = fresh && strcmp(columns[c], r->white[i].kinds[k].kind) != 0;
            if (fresh)
                columns[n++] = r->white[i].kinds[k].kind; /* a literal of the instrument */
        }
    double *values = finding_room(d->to, r->white_count * n, sizeof *values);
    struct assay_grid *grid = finding_room(d->to, 1, sizeof *grid);
    if (n == 0 || !rows || !values || !grid || d->count == MOST_FIGURES)
        return;
    for (size_t i = 0; i < r->white_count; i++) {
        const struct assay_lab_white *w = &r->white[i];
        rows[i] = name_of_white(d, w, true);
        for (size_t k = 0; k < w->kind_count; k++)
            for (size_t c = 0; c < n; c++)
                if (w->by_p.n > 0 && strcmp(columns[c], w->kinds[k].kind) == 0)
                    values[i * n + c] = 100 * (double)w->kinds[k].n / (double)w->by_p.n;
    }
    *grid = (struct assay_grid){.row_axis = "how they were made",
                                .column_axis = "what they were called",
                                .rows = rows,
                                .row_count = r->white_count,
                                .columns = columns,
                                .column_count = n,
                                .values = values};
    d->figures[d->count++] =
        (struct assay_figure){.id = "called",
                              .title = "White box: what the instrument for weights called them",
                              .unit = "% of students",
                              .grid = grid};
}

/* ---- all of them ---------------------------------------------------------------------------- */

static size_t list_depths(const struct assay_lab_result *r, const char *depths[MOST_DEPTHS])
{
    size_t n = 0;
    for (size_t i = 0; i < r->power_count && n < MOST_DEPTHS; i++) {
        bool fresh = true;
        for (size_t k = 0; k < n; k++)
            fresh = fresh && strcmp(depths[k], r->power[i].depth) != 0;
        if (fresh)
            depths[n++] = r->power[i].depth;
    }
    return n;
}

void lab_figures_write(struct finding_writer *to, const struct assay_lab_result *r)
{
    const char *depths[MOST_DEPTHS];
    struct drawing d = {.to = to, .r = r, .one_width = true};
    d.figures = finding_room(to, MOST_FIGURES, sizeof *d.figures);
    for (size_t i = 0; i < r->power_count; i++) {
        d.all = r->power[i].answers > d.all ? r->power[i].answers : d.all;
        d.one_width = d.one_width && r->power[i].width == r->power[0].width;
    }
    size_t n = d.figures ? list_depths(r, depths) : 0;
    for (size_t i = 0; i < n; i++) {
        draw_power(&d, depths[i], false);
        draw_power(&d, depths[i], true);
        draw_wrong(&d, depths[i]);
        draw_roc(&d, depths[i]);
        draw_tippett(&d, depths[i]);
    }
    if (r->white_count > 0) {
        draw_called(&d);
        draw_white(&d, "shared-training", "White box: students said to share training", false);
        draw_white(&d, "seed-alone", "White box: students said to share a seed alone", true);
    }
    if (n > 0) {
        draw_taken(&d, "manner", "What students took of their teacher's manner",
                   "share of the teacher's own gain", manner_of);
        draw_taken(&d, "facts", "What students took of facts that their teacher alone knew",
                   "bits a fact", facts_of);
    }
    to->finding->figures = d.figures;
    to->finding->figure_count = d.count;
}
