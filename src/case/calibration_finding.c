/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A calibration as a finding: Tippett's curves (shares of ratios above each; Meuwly, 2001), the
 * reliability diagram (what was so by what was stated), empirical cross-entropy, and what a ratio
 * is worth. Nothing is computed here.
 */
#include "finding/curves.h"

#include <assay/case_calibration.h>

#include <math.h>
#include <string.h>

typedef struct assay_case_calibration_row row_type;

#define MOST_FIGURES 16
#define MOST_SENTENCES 16
#define RATIO_AXIS "log10 likelihood ratio"

struct drawing {
    struct finding_writer *to;
    const struct assay_case_calibration *c;
    struct assay_figure *figures;
    size_t count;
};

static const row_type *row_of(const struct drawing *d, int world, int method)
{
    return &d->c->rows[world * ASSAY_CALIBRATION_METHODS + method];
}

static const char *joined(const struct drawing *d, const char *a, const char *b)
{
    char *text = assay_arena_print(d->to->arena, "%s, %s", a, b);
    return text ? text : finding_keep(d->to, NULL);
}

/* Ratios come from the network, from the plain product, from all that is known. */
static const char *method_words(const row_type *row)
{
    return strcmp(row->method, "product") == 0 ? "plain product" : row->method;
}

static const char *world_words(const row_type *row)
{
    return strcmp(row->world, "as graded") == 0 ? "sources as graded"
                                                : "every source one letter worse than graded";
}

static void end(struct drawing *d, const struct curves *s, const char *id, const char *title,
                const char *x, const char *y, double level)
{
    const struct curves_axes axes = {x, y, false, level};
    if (d->figures && d->count < MOST_FIGURES &&
        curves_end(s, id, title, &axes, &d->figures[d->count]))
        d->count++;
}

/* ---- curves -----------------------------------------------------------------------------------
 */

static void add_line(struct curves *s, const char *name, double x0, double y0, double x1, double y1)
{
    struct assay_point *points = curves_add(s, name, true, 2);
    if (points) {
        curves_put(s, points, x0, y0, NAN, NAN);
        curves_put(s, points, x1, y1, NAN, NAN);
    }
}

static void add_tippett(struct curves *s, const char *name, const struct assay_share *shares)
{
    struct assay_point *points = curves_add(s, name, false, ASSAY_TIPPETT_POINTS);
    for (size_t i = 0; points && i < ASSAY_TIPPETT_POINTS; i++)
        curves_put(s, points, assay_tippett_ratio(i), shares[i].share, shares[i].low,
                   shares[i].high);
}

/* Where ratios begin to mislead: at 1, and at 10 and 1/10. */
static void add_thresholds(struct curves *s)
{
    add_line(s, "ratio 1/10", -1, 0, -1, 1);
    add_line(s, "ratio 1", 0, 0, 0, 1);
    add_line(s, "ratio 10", 1, 0, 1, 1);
}

static void draw_tippett(struct drawing *d, int world)
{
    struct curves s = curves_begin(d->to, 8);
    for (int m = 0; m < 2; m++) { /* what is known of all is no method */
        const row_type *row = row_of(d, world, m);
        add_tippett(&s, joined(d, "true", method_words(row)), row->tippett_true);
        add_tippett(&s, joined(d, "false", method_words(row)), row->tippett_false);
    }
    add_thresholds(&s);
    end(d, &s, world ? "tippett-misgraded" : "tippett",
        assay_arena_print(d->to->arena,
                          "Tippett plot, %s: shares of hypotheses with a larger ratio",
                          world_words(row_of(d, world, 0))),
        RATIO_AXIS, "share with a larger ratio", 0.95);
}

static void add_reliability(struct curves *s, const char *name, const row_type *row)
{
    struct assay_point *points = curves_add(s, name, false, ASSAY_RELIABILITY_CELLS);
    for (size_t i = 0; points && i < ASSAY_RELIABILITY_CELLS; i++)
        if (row->cells[i].realised.n > 0)
            curves_put(s, points, row->cells[i].stated, row->cells[i].realised.share,
                       row->cells[i].realised.low, row->cells[i].realised.high);
}

static void draw_reliability(struct drawing *d)
{
    struct curves s = curves_begin(d->to, ASSAY_WORLD_COUNT + 1);
    for (int w = 0; w < ASSAY_WORLD_COUNT; w++)
        add_reliability(&s, world_words(row_of(d, w, 0)), row_of(d, w, 0));
    add_line(&s, "true as often as stated", 0, 0, 1, 1);
    end(d, &s, "reliability",
        "Reliability diagram: how often hypotheses are true, by their stated probability from "
        "equal priors",
        "stated probability", "share that is true", 0.95);
}

static void draw_entropy(struct drawing *d, int world)
{
    const row_type *row = row_of(d, world, 0);
    static const char *const names[] = {"ratios as stated", "best recalibration (PAV)",
                                        "without evidence"};
    struct curves s = curves_begin(d->to, 3);
    for (int k = 0; k < 3; k++) {
        struct assay_point *points = curves_add(&s, names[k], k == 2, ASSAY_ENTROPY_POINTS);
        for (size_t i = 0; points && i < ASSAY_ENTROPY_POINTS; i++)
            curves_put(&s, points, assay_entropy_odds(i),
                       k == 0   ? row->entropy[i].as_stated
                       : k == 1 ? row->entropy[i].least
                                : row->entropy[i].without,
                       NAN, NAN);
    }
    end(d, &s, world ? "entropy-misgraded" : "entropy",
        assay_arena_print(d->to->arena,
                          "Empirical cross-entropy by prior, network, %s: what the ratios leave "
                          "unknown; at even odds it is Cllr",
                          world_words(row)),
        "log10 prior odds", "bits", NAN);
}

/* What a ratio turned out to be worth; pooled ratios of one kind alone have no finite one. */
static void draw_worth(struct drawing *d)
{
    struct curves s = curves_begin(d->to, ASSAY_WORLD_COUNT + 1);
    double least = 0, most = 0;
    for (int w = 0; w < ASSAY_WORLD_COUNT; w++) {
        const row_type *row = row_of(d, w, 0);
        struct assay_point *points = curves_add(&s, world_words(row), false, ASSAY_TIPPETT_POINTS);
        for (size_t i = 0; points && i < ASSAY_TIPPETT_POINTS; i++)
            if (isfinite(row->worth[i])) {
                double x = assay_tippett_ratio(i);
                least = fmin(least, x);
                most = fmax(most, x);
                curves_put(&s, points, x, row->worth[i], NAN, NAN);
            }
    }
    add_line(&s, "worth what it says", least, least, most, most);
    end(d, &s, "worth", "What stated ratios are worth, pooled (PAV), network",
        "log10 of the stated ratio", "log10 of what it is worth", NAN);
}

/* By kind: one side of Tippett's curves, or reliability. */
static void draw_kinds(struct drawing *d, const char *id, const char *title,
                       void (*add)(struct curves *, const char *, const row_type *))
{
    struct curves s = curves_begin(d->to, ASSAY_FORM_COUNT + 3);
    for (size_t k = 0; k < ASSAY_FORM_COUNT; k++)
        add(&s, d->c->kinds[k].kind, &d->c->kinds[k]);
    bool reliability = add == add_reliability;
    if (reliability)
        add_line(&s, "true as often as stated", 0, 0, 1, 1);
    else
        add_thresholds(&s);
    end(d, &s, id, title, reliability ? "stated probability" : RATIO_AXIS,
        reliability ? "share that is true" : "share with a larger ratio", 0.95);
}

static void add_true_side(struct curves *s, const char *name, const row_type *row)
{
    add_tippett(s, name, row->tippett_true);
}

static void add_false_side(struct curves *s, const char *name, const row_type *row)
{
    add_tippett(s, name, row->tippett_false);
}

/* ---- bars -------------------------------------------------------------------------------------
 */

static void add_bars(struct drawing *d, const char *id, const char *title, const char *unit,
                     struct assay_bar *bars, size_t count)
{
    if (d->figures && bars && d->count < MOST_FIGURES)
        d->figures[d->count++] = (struct assay_figure){
            .id = id, .title = title, .unit = unit, .bars = bars, .bar_count = count};
}

static void draw_counts(struct drawing *d)
{
    struct assay_bar *bars = finding_room(d->to, ASSAY_RELIABILITY_CELLS, sizeof *bars);
    const row_type *row = row_of(d, 0, 0);
    for (size_t i = 0; bars && i < ASSAY_RELIABILITY_CELLS; i++) {
        double n = (double)row->cells[i].realised.n;
        char *label =
            assay_arena_print(d->to->arena, "%zu to %zu%%", 100 * i / ASSAY_RELIABILITY_CELLS,
                              100 * (i + 1) / ASSAY_RELIABILITY_CELLS);
        bars[i] = (struct assay_bar){label ? label : "", NULL, n, n, n};
    }
    add_bars(d, "counts", "How many hypotheses had such a stated probability, sources as graded",
             "hypotheses", bars, ASSAY_RELIABILITY_CELLS);
}

/* The rows that are compared: the network's by world, then by kind, sources as graded. */
static size_t compared(const struct drawing *d, const row_type *rows[], const char *labels[])
{
    size_t n = 0;
    for (int w = 0; w < ASSAY_WORLD_COUNT; w++) {
        rows[n] = row_of(d, w, 0);
        labels[n] = rows[n]->world;
        n++;
    }
    for (size_t k = 0; k < d->c->kind_count && k < ASSAY_FORM_COUNT; k++) {
        rows[n] = &d->c->kinds[k];
        labels[n] = d->c->kinds[k].kind;
        n++;
    }
    return n;
}

static void draw_pairs(struct drawing *d, bool cost)
{
    const row_type *rows[ASSAY_WORLD_COUNT + ASSAY_FORM_COUNT];
    const char *labels[ASSAY_WORLD_COUNT + ASSAY_FORM_COUNT];
    size_t n = compared(d, rows, labels);
    struct assay_bar *bars = finding_room(d->to, 2 * n, sizeof *bars);
    for (size_t i = 0; bars && i < n; i++) {
        const row_type *r = rows[i];
        const struct assay_share *wrong = &r->wrong_above_ten;
        bars[2 * i] =
            cost ? (struct assay_bar){joined(d, labels[i], "Cllr"), "as stated", r->cllr,
                                      r->cllr_interval[0], r->cllr_interval[1]}
                 : (struct assay_bar){joined(d, labels[i], "wrong"), "wrong", 100 * wrong->share,
                                      100 * wrong->low, 100 * wrong->high};
        double said = 100 * r->claimed_above_ten;
        bars[2 * i + 1] =
            cost ? (struct assay_bar){joined(d, labels[i], "least"), "best recalibration",
                                      r->min_cllr, r->min_cllr_interval[0], r->min_cllr_interval[1]}
                 : (struct assay_bar){joined(d, labels[i], "said"), "said to be wrong", said, said,
                                      said};
    }
    if (cost)
        add_bars(d, "cost",
                 "What ratios cost (Cllr), and after the best recalibration, with 95% intervals",
                 "bits", bars, 2 * n);
    else
        add_bars(
            d, "wrong",
            "Of hypotheses with a ratio above 10, how many are false (95% intervals), and were "
            "said to be",
            "% of them", bars, 2 * n);
}

static void draw(struct drawing *d)
{
    for (int w = 0; w < ASSAY_WORLD_COUNT; w++)
        draw_tippett(d, w);
    draw_reliability(d);
    draw_counts(d);
    draw_pairs(d, false);
    draw_pairs(d, true);
    for (int w = 0; w < ASSAY_WORLD_COUNT; w++)
        draw_entropy(d, w);
    draw_worth(d);
    if (d->c->kind_count > 0) {
        draw_kinds(d, "true-by-kind",
                   "Tippett plot of true hypotheses by kind of case, network, sources as graded",
                   add_true_side);
        draw_kinds(d, "false-by-kind",
                   "Tippett plot of false hypotheses by kind of case, network, sources as graded",
                   add_false_side);
        draw_kinds(d, "reliability-by-kind",
                   "Reliability diagram by kind of case, network, sources as graded",
                   add_reliability);
    }
}

/* ---- words and numbers ------------------------------------------------------------------------
 */

static const char *share_words(const struct drawing *d, const struct assay_share *share)
{
    char *text = assay_arena_print(d->to->arena, "%.3g%% (%.3g to %.3g%%)", 100 * share->share,
                                   100 * share->low, 100 * share->high);
    return text ? text : "";
}

static void write_answers(struct drawing *d)
{
    const char **list = finding_room(d->to, MOST_SENTENCES, sizeof *list);
    size_t n = 0;
    for (int w = 0; list && w < ASSAY_WORLD_COUNT; w++) {
        const row_type *r = row_of(d, w, 0);
        list[n++] = finding_keep(
            d->to,
            assay_arena_print(
                d->to->arena,
                "Network, %s: of %zu true hypotheses %s have a ratio below 1 and %s one below "
                "1/10; of %zu false ones %s have a ratio above 1 and %s one above 10.",
                world_words(r), r->true_ratios, share_words(d, &r->below_one_true),
                share_words(d, &r->misleading_true), r->false_ratios,
                share_words(d, &r->above_one_false), share_words(d, &r->misleading_false)));
        list[n++] = finding_keep(
            d->to,
            assay_arena_print(d->to->arena,
                              "Network, %s: of %zu hypotheses with a ratio above 10, %s are "
                              "false; their stated probabilities, from equal priors, "
                              "expect %.3g%%.",
                              world_words(r), r->wrong_above_ten.n,
                              share_words(d, &r->wrong_above_ten), 100 * r->claimed_above_ten));
        list[n++] = finding_keep(
            d->to,
            assay_arena_print(d->to->arena,
                              "Network, %s: Cllr is %.3f bits (%.3f to %.3f; 0 is perfect, "
                              "1 is worth nothing); the best recalibration would leave "
                              "%.3f (%.3f to %.3f).",
                              world_words(r), r->cllr, r->cllr_interval[0], r->cllr_interval[1],
                              r->min_cllr, r->min_cllr_interval[0], r->min_cllr_interval[1]));
    }
    d->to->finding->answers = list;
    d->to->finding->answer_count = list ? n : 0;
}

static void write_limits(struct assay_finding *finding)
{
    static const char *const cannot_tell[] = {
        "Whether a person's grades and likelihoods are right. The simulation takes the forms of "
        "the method for true: sources that fail as a whole, errors of judgement that intervals "
        "cover. It shows that the arithmetic does what it says, and what happens when grades are "
        "too kind.",
        "How real cases come out: none of these is one.",
    };
    static const char *const limits[] = {
        "Intervals of shares and of Tippett's curves cover 95% (Clopper and Pearson) and take the "
        "hypotheses of one case for independent. Above a ratio of about 1 at most few of a case "
        "stand together; below, false ones fall together, and an interval may be too narrow, by a "
        "factor of 1.7 at most (three false ones in a case). Those of Cllr leave out a twentieth "
        "of the cases at a time.",
        "Instruments' findings are drawn again and again from the same claims, curves and pairs "
        "of small models: what is uncertain about those is not in the intervals.",
        "The best recalibration is fitted to the very cases that it is judged by: it is the least "
        "that any monotone recalibration could leave of them, not what one would leave of new "
        "ones.",
        "The plain product multiplies the same findings without grades and dependence, for "
        "comparison. \"All known\", in --json, is told which sources misled.",
    };
    finding->cannot_tell = cannot_tell;
    finding->cannot_tell_count = sizeof cannot_tell / sizeof cannot_tell[0];
    finding->limits = limits;
    finding->limit_count = sizeof limits / sizeof limits[0];
}

static struct assay_interval share_interval(const struct assay_share *s)
{
    return (struct assay_interval){s->share, s->low, s->high, 0.95};
}

static void write_quantities(struct drawing *d)
{
    const row_type *rows[ASSAY_WORLD_COUNT + ASSAY_FORM_COUNT];
    const char *labels[ASSAY_WORLD_COUNT + ASSAY_FORM_COUNT];
    size_t n = compared(d, rows, labels), count = 0;
    struct assay_quantity *list = finding_room(d->to, 8 * n + 1, sizeof *list);
    for (size_t i = 0; list && i < n; i++) {
        const row_type *r = rows[i];
        double cases = (double)r->cases, said = r->claimed_above_ten;
        const struct {
            const char *name, *unit;
            struct assay_interval value;
        } numbers[] = {
            {"simulated cases", "", {cases, cases, cases, 0.95}},
            {"true with a ratio below 1", "", share_interval(&r->below_one_true)},
            {"true with a ratio below 1/10", "", share_interval(&r->misleading_true)},
            {"false with a ratio above 1", "", share_interval(&r->above_one_false)},
            {"false with a ratio above 10", "", share_interval(&r->misleading_false)},
            {"false, of those above 10", "", share_interval(&r->wrong_above_ten)},
            {"said to be false, of those above 10", "", {said, said, said, 0.95}},
            {"Cllr", "bits", {r->cllr, r->cllr_interval[0], r->cllr_interval[1], 0.95}},
        };
        for (size_t k = 0; k < sizeof numbers / sizeof numbers[0]; k++)
            if (isfinite(numbers[k].value.median))
                list[count++] = (struct assay_quantity){joined(d, labels[i], numbers[k].name),
                                                        numbers[k].unit, numbers[k].value};
    }
    d->to->finding->quantities = list;
    d->to->finding->quantity_count = list ? count : 0;
}

static assay_status write_exhibits(struct drawing *d, const char *claim_path,
                                   const char *data_folder, struct assay_error *error)
{
    static const char *const tables[] = {"source_reliability.csv", "style_calibration.csv",
                                         "stage_pairs.csv"};
    const size_t n = 1 + sizeof tables / sizeof tables[0];
    struct assay_exhibit *list = finding_room(d->to, n, sizeof *list);
    for (size_t i = 0; list && i < n; i++) {
        list[i].path = finding_keep(
            d->to, i == 0 ? claim_path
                          : assay_arena_print(d->to->arena, "%s/%s", data_folder, tables[i - 1]));
        if (list[i].path)
            ASSAY_TRY(assay_sha256_file(list[i].path, list[i].sha256, error));
    }
    d->to->finding->exhibits = list;
    d->to->finding->exhibit_count = list ? n : 0;
    return ASSAY_OK;
}

assay_status assay_case_calibration_describe(const struct assay_case_calibration *calibration,
                                             const char *claim_path, const char *data_folder,
                                             struct assay_finding *finding,
                                             struct assay_error *error)
{
    memset(finding, 0, sizeof *finding);
    finding->arena = assay_arena_new();
    if (!finding->arena)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    struct finding_writer to = {finding, finding->arena, false};
    struct drawing d = {.to = &to, .c = calibration};
    d.figures = finding_room(&to, MOST_FIGURES, sizeof *d.figures);
    finding_entitle(&to, "calibration", "case.calibrate", "1", calibration->seed);
    write_answers(&d);
    write_limits(finding);
    write_quantities(&d);
    draw(&d);
    finding->figures = d.figures;
    finding->figure_count = d.count;
    assay_status status = write_exhibits(&d, claim_path, data_folder, error);
    if (status == ASSAY_OK && to.short_of_memory)
        status = assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    if (status != ASSAY_OK)
        assay_finding_free(finding);
    return status;
}
