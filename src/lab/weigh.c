/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/weigh.h"

#include "lab/judge.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const black_box = "black box", *const grey_box = "grey box";

static assay_status no_memory(struct assay_error *error)
{
    return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

/* ---- scores -------------------------------------------------------------------------- */

static void near_one(void *data, size_t i)
{
    struct lab_marks *m = data;
    struct lab_student *one = &m->students[i];
    unsigned w = lab_width_index(m->study->d, one->cell->width);
    struct lab_undosed undosed = {m->study->undosed[w], m->undosed_log_p[w]};
    if (one->cell->role != LAB_REFERENCE)
        one->status = lab_detect_near(m->study, one->cell, &one->examined, &undosed, &one->scores,
                                      &one->error);
}

/* How near control teachers' students of a width are to each writer, but for those of `own`. */
static void mean_moved(const struct lab_marks *m, int depth, unsigned width, int own, double *moved)
{
    size_t n = 0, writers = lab_writers(m->study->d);
    memset(moved, 0, writers * sizeof *moved);
    for (size_t i = 0; i < m->count; i++) {
        const struct lab_cell *c = m->students[i].cell;
        if (c->role != LAB_CONTROL || c->width != width || c->writer == own)
            continue;
        n++;
        for (size_t w = 0; w < writers; w++)
            moved[w] += m->students[i].scores.near[depth][w];
    }
    for (size_t w = 0; w < writers; w++)
        moved[w] /= (double)n;
}

static assay_status score_students(struct lab_study *s, struct lab_marks *m)
{
    double *moved = assay_arena_alloc(s->r->arena, lab_writers(s->d), sizeof *moved);
    if (!moved)
        return no_memory(s->error);
    for (size_t i = 0; i < m->count; i++) {
        struct lab_student *one = &m->students[i];
        for (int depth = 0; depth < LAB_DEPTHS && one->cell->role != LAB_REFERENCE; depth++) {
            mean_moved(m, depth, one->cell->width, one->cell->writer, moved);
            for (unsigned t = 0; t < s->d->teacher_count; t++)
                one->scores.score[depth][t] =
                    lab_detect_score(s, one->cell, t, one->scores.near[depth], moved);
        }
    }
    return ASSAY_OK;
}

/* What reference students of a width are like. */
static assay_status know_undosed(struct lab_study *s, struct lab_marks *m, unsigned w)
{
    struct lab_text texts[100]; /* a design has at most 100 of them */
    size_t n = 0;
    m->undosed_log_p[w] =
        assay_arena_alloc(s->r->arena, lab_writers(s->d), sizeof *m->undosed_log_p[w]);
    if (!m->undosed_log_p[w])
        return no_memory(s->error);
    for (size_t i = 0; i < m->count; i++) {
        const struct lab_student *one = &m->students[i];
        if (one->cell->role != LAB_REFERENCE || one->cell->width != s->d->widths[w])
            continue;
        texts[n++] = (struct lab_text){one->examined.texts, one->examined.size};
        for (unsigned k = 0; k < lab_writers(s->d); k++)
            m->undosed_log_p[w][k] += one->examined.log_p[k] / s->d->reference_students;
    }
    return lab_grams_new(4, texts, n, &s->undosed[w], s->error);
}

static assay_status read_students(struct lab_study *s, struct lab_marks *m)
{
    struct assay_arena *arena = s->r->arena;
    m->students = assay_arena_alloc(arena, s->count, sizeof *m->students);
    if (!m->students)
        return no_memory(s->error);
    for (size_t i = 0; i < s->count; i++) {
        struct lab_student *one = &m->students[m->count];
        if (s->cells[i].role < LAB_REFERENCE || s->cells[i].role > LAB_STUDENT)
            continue;
        one->cell = &s->cells[i];
        ASSAY_TRY(lab_examined_read(s, one->cell, &one->examined, s->error));
        for (int depth = 0; depth < LAB_DEPTHS; depth++) {
            one->scores.near[depth] = assay_arena_alloc(arena, lab_writers(s->d), sizeof(double));
            one->scores.score[depth] =
                assay_arena_alloc(arena, s->d->teacher_count, sizeof(double));
            if (!one->scores.near[depth] || !one->scores.score[depth])
                return no_memory(s->error);
        }
        m->count++;
    }
    return ASSAY_OK;
}

static assay_status score_all(struct lab_study *s, struct lab_marks *m)
{
    ASSAY_TRY(read_students(s, m));
    for (unsigned w = 0; w < s->d->width_count; w++)
        ASSAY_TRY(know_undosed(s, m, w));
    ASSAY_TRY(assay_parallel_for(s->context, "scores", m->count, near_one, m, s->error));
    for (size_t i = 0; i < m->count; i++)
        if (m->students[i].status != ASSAY_OK) {
            if (s->error)
                *s->error = m->students[i].error;
            return m->students[i].status;
        }
    return score_students(s, m);
}

/* ---- students of a kind -------------------------------------------------------------- */

/* A group: the students of one row, and their nulls. */
struct group {
    int depth; /* a level, or LAB_LEVELS: the grey box */
    unsigned width;
    enum lab_method method;
    enum lab_evasion evasion;
    double dose;
};

enum kind { UNDOSED_NULL, OTHERS_NULL, FRESH, HUMANS, OF_OTHERS, OF_TWINS, DOSED, KINDS };

static bool is_of(const struct lab_design *d, const struct lab_cell *c, const struct group *g,
                  unsigned t, enum kind kind)
{
    bool same = c->method == g->method && c->dose == g->dose;
    bool plain = same && c->evasion == LAB_EVASION_NONE;
    bool alike = c->role == LAB_STUDENT && d->teachers[c->writer].manner == d->teachers[t].manner;
    if (c->width != g->width)
        return false;
    switch (kind) {
    case UNDOSED_NULL:
        return c->role == LAB_NULL;
    case OTHERS_NULL:
        return c->role == LAB_CONTROL && same;
    case FRESH:
        return c->role == LAB_FRESH;
    case HUMANS:
        return c->role == LAB_HUMAN && c->dose == g->dose;
    case OF_OTHERS:
        return c->role == LAB_STUDENT && plain && !alike;
    case OF_TWINS:
        return alike && plain && c->writer != (int)t;
    default:
        return c->role == LAB_STUDENT && c->writer == (int)t && same && c->evasion == g->evasion;
    }
}

static size_t gather(const struct lab_marks *m, const struct group *g, unsigned t, enum kind kind,
                     double *to)
{
    size_t n = 0;
    for (size_t i = 0; i < m->count; i++) {
        const struct lab_scores *scores = &m->students[i].scores;
        if (is_of(m->study->d, m->students[i].cell, g, t, kind))
            to[n++] = scores->score[g->depth][t];
    }
    return n;
}

/* All candidates together, in standard deviations of each one's undosed students. */
struct pooled {
    double *scores[KINDS];
    size_t n[KINDS];
    size_t named[KINDS], by_undosed[KINDS], by_others[KINDS]; /* how many of them */
};

static void standardise(const double *null, size_t n, double *values, size_t count)
{
    double mean = 0, square = 0;
    for (size_t i = 0; i < n; i++)
        mean += null[i] / (double)n;
    for (size_t i = 0; i < n; i++)
        square += (null[i] - mean) * (null[i] - mean) / (double)n;
    for (size_t i = 0; i < count; i++)
        values[i] = (values[i] - mean) / sqrt(fmax(square, 1e-18));
}

/* Adds one candidate's. `one` has a row of `most` for each kind. */
static void pool_one(const struct lab_marks *m, const struct group *g, unsigned t, double *one,
                     size_t most, struct pooled *p)
{
    double level = m->study->d->level;
    size_t n[KINDS];
    for (int kind = 0; kind < KINDS; kind++)
        n[kind] = gather(m, g, t, (enum kind)kind, one + (size_t)kind * most);
    double *undosed = one + UNDOSED_NULL * most, *others = one + OTHERS_NULL * most;
    for (int kind = FRESH; kind < KINDS; kind++)
        for (size_t i = 0; i < n[kind]; i++) {
            double score = one[(size_t)kind * most + i];
            bool a = lab_conformal_p(undosed, n[UNDOSED_NULL], score) <= level;
            bool b = lab_conformal_p(others, n[OTHERS_NULL], score) <= level;
            p->by_undosed[kind] += a;
            p->by_others[kind] += b;
            p->named[kind] += a && b;
        }
    for (int kind = KINDS; kind-- > 0;) { /* the undosed last, for they give the measure */
        standardise(undosed, n[UNDOSED_NULL], one + (size_t)kind * most, n[kind]);
        memcpy(p->scores[kind] + p->n[kind], one + (size_t)kind * most, n[kind] * sizeof *one);
        p->n[kind] += n[kind];
    }
}

static bool pool(const struct lab_marks *m, const struct group *g, struct assay_arena *arena,
                 struct pooled *p)
{
    const struct lab_design *d = m->study->d;
    double *one = malloc(KINDS * m->count * sizeof *one);
    bool good = one != NULL;
    *p = (struct pooled){.n = {0}};
    for (int kind = 0; good && kind < KINDS; kind++) {
        p->scores[kind] = assay_arena_alloc(arena, m->count * d->teacher_count, sizeof(double));
        good = p->scores[kind] != NULL;
    }
    for (unsigned t = 0; good && t < d->teacher_count; t++)
        pool_one(m, g, t, one, m->count, p);
    free(one);
    return good;
}

/* ---- rows ---------------------------------------------------------------------------- */

static struct assay_lab_rate rate(size_t hits, size_t n)
{
    struct lab_share share = lab_share_of(hits, n);
    return (struct assay_lab_rate){share.n, share.share, share.low, share.high};
}

static int rising(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int falling(const void *a, const void *b)
{
    return rising(b, a);
}

/* Points where a threshold falls past a score; both kinds of null weigh by their numbers. */
static bool draw_roc(const struct pooled *p, struct assay_arena *arena, struct assay_lab_power *row)
{
    size_t nulls = p->n[UNDOSED_NULL] + p->n[OTHERS_NULL], dosed = p->n[DOSED];
    double *null = assay_arena_alloc(arena, nulls, sizeof *null);
    double *of = assay_arena_alloc(arena, dosed, sizeof *of);
    row->roc = assay_arena_alloc(arena, 2 * (nulls + 2), sizeof *row->roc);
    if (!null || !of || !row->roc)
        return false;
    memcpy(null, p->scores[UNDOSED_NULL], p->n[UNDOSED_NULL] * sizeof *null);
    memcpy(null + p->n[UNDOSED_NULL], p->scores[OTHERS_NULL], p->n[OTHERS_NULL] * sizeof *null);
    memcpy(of, p->scores[DOSED], dosed * sizeof *of);
    qsort(null, nulls, sizeof *null, falling);
    qsort(of, dosed, sizeof *of, falling);
    for (size_t i = 0, k = 0; i <= nulls; i++) {
        while (k < dosed && (i == nulls || of[k] > null[i]))
            k++;
        row->roc[2 * i] = (double)i / (double)nulls;
        row->roc[2 * i + 1] = (double)k / (double)dosed;
    }
    row->roc_count = nulls + 1;
    return true;
}

/* Likelihood ratios of dosed students against both kinds of null students. */
static assay_status draw_ratios(struct lab_study *s, const struct pooled *p,
                                struct assay_lab_power *row)
{
    struct assay_arena *arena = s->r->arena;
    size_t dosed = p->n[DOSED], undosed = p->n[UNDOSED_NULL];
    size_t nulls = undosed + p->n[OTHERS_NULL], n = dosed + nulls;
    double bound = log10((double)s->d->null_students + 1);
    double *all = assay_arena_alloc(arena, n, sizeof *all);
    bool *of = assay_arena_alloc(arena, n, sizeof *of);
    double *ratios = assay_arena_alloc(arena, n, sizeof *ratios);
    if (!all || !of || !ratios)
        return no_memory(s->error);
    memcpy(all, p->scores[DOSED], dosed * sizeof *all);
    memcpy(all + dosed, p->scores[UNDOSED_NULL], undosed * sizeof *all);
    memcpy(all + dosed + undosed, p->scores[OTHERS_NULL], p->n[OTHERS_NULL] * sizeof *all);
    for (size_t i = 0; i < n; i++)
        of[i] = i < dosed;
    ASSAY_TRY(lab_ratios_left_out(all, of, n, ratios, s->error));
    for (size_t i = 0; i < n; i++) {
        ratios[i] = fmin(fmax(ratios[i], -bound), bound);
        row->most_log10_lr = fmax(row->most_log10_lr, fabs(ratios[i]));
    }
    row->cllr = lab_cllr(ratios, of, n);
    row->dosed_lr = ratios;
    row->null_lr = ratios + dosed;
    row->null_count = nulls;
    qsort(row->dosed_lr, dosed, sizeof *ratios, rising);
    qsort(row->null_lr, nulls, sizeof *ratios, rising);
    return ASSAY_OK;
}

static const char *depth_name(int depth)
{
    return depth < LAB_LEVELS ? black_box : grey_box;
}

static assay_status add_power(struct lab_study *s, const struct group *g, const struct pooled *p)
{
    struct assay_lab_power *row = &s->r->power[s->r->power_count++];
    size_t n = p->n[DOSED];
    *row = (struct assay_lab_power){
        .depth = depth_name(g->depth),
        .method = lab_method_name(g->method),
        .evasion = lab_evasion_name(g->evasion),
        .dose = g->dose,
        .width = g->width,
        .answers = g->depth < LAB_LEVELS ? lab_level_answers(s->d, g->depth) : 0,
        .named = rate(p->named[DOSED], n),
        .against_undosed = rate(p->by_undosed[DOSED], n),
        .against_others = rate(p->by_others[DOSED], n),
        .auc = lab_auc(p->scores[DOSED], n, p->scores[UNDOSED_NULL], p->n[UNDOSED_NULL]),
        .auc_others = lab_auc(p->scores[DOSED], n, p->scores[OTHERS_NULL], p->n[OTHERS_NULL]),
        .cllr = NAN,
    };
    if (!draw_roc(p, s->r->arena, row))
        return no_memory(s->error);
    return n < 2 ? ASSAY_OK : draw_ratios(s, p, row);
}

static void add_wrong(struct lab_study *s, const struct group *g, const struct pooled *p)
{
    static const struct {
        enum kind kind;
        const char *who;
    } kinds[] = {{FRESH, "undosed"},
                 {OF_OTHERS, "another teacher"},
                 {HUMANS, "human text"},
                 {OF_TWINS, "its twin"}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        enum kind k = kinds[i].kind;
        bool taught = k == OF_OTHERS || k == OF_TWINS;
        if (p->n[k] == 0)
            continue;
        s->r->wrong[s->r->wrong_count++] = (struct assay_lab_wrong){
            .depth = depth_name(g->depth),
            .who = kinds[i].who,
            .method = lab_method_name(g->method),
            .dose = g->dose,
            .width = g->width,
            .named = rate(p->named[k], p->n[k]),
            .against_own = rate(taught ? p->by_others[k] : p->by_undosed[k], p->n[k]),
        };
    }
}

static assay_status weigh_group(struct lab_study *s, const struct lab_marks *m,
                                const struct group *g)
{
    struct pooled p = {.n = {0}};
    struct assay_arena *room = assay_arena_new();
    assay_status status = room && pool(m, g, room, &p) ? ASSAY_OK : no_memory(s->error);
    if (status == ASSAY_OK)
        status = add_power(s, g, &p);
    if (status == ASSAY_OK && g->evasion == LAB_EVASION_NONE && g->depth >= LAB_LEVELS - 1)
        add_wrong(s, g, &p);
    assay_arena_free(room);
    return status;
}

/* What other instruments may be tried on. */
static assay_status hand_out(struct lab_study *s, const struct lab_marks *m)
{
    struct assay_lab_result *r = s->r;
    r->students = assay_arena_alloc(r->arena, m->count, sizeof *r->students);
    r->manners = assay_arena_alloc(r->arena, lab_writers(s->d), sizeof *r->manners);
    if (!r->students || !r->manners)
        return no_memory(s->error);
    r->candidates = s->d->teacher_count;
    r->writers = lab_writers(s->d);
    for (size_t w = 0; w < r->writers; w++)
        r->manners[w] = s->writers[w].manner;
    for (size_t i = 0; i < m->count; i++) {
        const struct lab_cell *c = m->students[i].cell;
        r->students[r->student_count++] = (struct assay_lab_student){
            .who = lab_role_name(c->role),
            .writer = c->writer,
            .method = c->writer >= 0 ? lab_method_name(c->method) : NULL,
            .evasion = c->writer >= 0 ? lab_evasion_name(c->evasion) : NULL,
            .dose = c->dose,
            .width = c->width,
            .log_p = m->students[i].examined.log_p,
        };
    }
    return ASSAY_OK;
}

assay_status lab_weigh(struct lab_study *s)
{
    const struct lab_design *d = s->d;
    struct lab_marks marks = {.study = s};
    size_t groups =
        (size_t)LAB_DEPTHS * d->width_count * d->method_count * d->evasion_count * d->dose_count;
    ASSAY_TRY(score_all(s, &marks));
    s->r->power = assay_arena_alloc(s->r->arena, groups, sizeof *s->r->power);
    s->r->wrong = assay_arena_alloc(s->r->arena, 4 * groups, sizeof *s->r->wrong);
    if (!s->r->power || !s->r->wrong)
        return no_memory(s->error);
    for (int depth = 0; depth < LAB_DEPTHS; depth++)
        for (unsigned w = 0; w < d->width_count; w++)
            for (unsigned m = 0; m < d->method_count; m++)
                for (unsigned e = 0; e < d->evasion_count; e++)
                    for (unsigned k = 0; k < d->dose_count; k++) {
                        struct group g = {depth, d->widths[w], d->methods[m], d->evasions[e],
                                          d->doses[k]};
                        ASSAY_TRY(weigh_group(s, &marks, &g));
                    }
    ASSAY_TRY(hand_out(s, &marks));
    return lab_weigh_learnt(s, &marks);
}
