/* SPDX-License-Identifier: Apache-2.0 */
/* A comparison as a finding: what follows, what does not, weights, figures, limits. */
#include "lineage/finding_files.h"

#include <assay/lineage.h>

#include <math.h>
#include <string.h>

#define MOST_BARS 24

struct writer {
    struct finding_writer to;
    const struct assay_lineage_comparison *r;
};

static const char *const common = "common origin";
static const char *const independent = "made independently";

/* ---- weights ------------------------------------------------------------------------------------
 */

/* log10 of -1/(e p ln p), the most that a p below 1/e can be worth; 0 above. */
static double most_it_is_worth(double log10_p)
{
    double ln_p = log10_p * 2.302585092994046;
    return ln_p < -1 ? -(ln_p + 1 + log(-ln_p)) / 2.302585092994046 : 0;
}

static void write_weights(struct writer *w)
{
    struct assay_weight *weights = finding_room(&w->to, 2, sizeof *weights);
    double least = w->r->log10_lr,
           most = fmax(least, w->r->exact ? most_it_is_worth(w->r->log10_p) : 0);
    if (w->to.short_of_memory)
        return;
    bool for_common = least > 0;
    weights[0] = (struct assay_weight){.hypothesis = for_common ? common : independent,
                                       .log10_likelihood = {0, 0, 0, 0.8},
                                       .weighed = w->r->tests > 0};
    weights[1] = (struct assay_weight){
        .hypothesis = for_common ? independent : common,
        .log10_likelihood = {for_common ? -least : least, for_common ? -most : least,
                             for_common ? -least : fmax(least, 0), 0.8},
        .weighed = w->r->tests > 0};
    for (int i = 0; i < 2 && w->r->tests == 0; i++)
        weights[i].note = "no axis of interchangeable units is common to the two";
    w->to.finding->weights = weights;
    w->to.finding->weight_count = 2;
}

/* ---- sentences ----------------------------------------------------------------------------------
 */

static void write_answers(struct writer *w)
{
    const struct assay_lineage_comparison *r = w->r;
    const char **answers = finding_room(&w->to, r->relation_count + 3, sizeof *answers);
    size_t n = 0;
    if (!answers)
        return;
    answers[n++] = finding_keep(
        &w->to,
        assay_arena_print(w->to.arena,
                          "That independently made models look so related has a probability of "
                          "at most 10^%.1f, over %zu tests, corrected for%s.",
                          r->log10_p, r->tests,
                          r->exact ? ""
                                   : "; it assumes that a tenth of units at most are found by "
                                     "every network"));
    for (size_t i = 0; i < r->relation_count; i++)
        answers[n++] =
            finding_keep(&w->to, assay_arena_print(w->to.arena, "%s: %s", r->relations[i].kind,
                                                   r->relations[i].note));
    if (r->relation_count == 0)
        answers[n++] = "No relation was found.";
    answers[n++] = finding_keep(&w->to, r->direction_note);
    w->to.finding->answers = answers;
    w->to.finding->answer_count = n;
}

static void write_cannot_tell(struct writer *w)
{
    static const char *const always[] = {
        "Whether one was made from the other or both from a third.",
        "Who did it, when, and whether they were allowed to."};
    static const char *const unrelated[] = {
        "Whether a disguise hides a relation that this did not look behind.",
        "Whether data, recipes or outputs were shared: only weights were compared."};
    bool related = w->r->log10_p < -6;
    w->to.finding->cannot_tell = related ? always : unrelated;
    w->to.finding->cannot_tell_count = 2;
    const char **limits = finding_room(&w->to, w->r->limit_count, sizeof *limits);
    for (size_t i = 0; limits && i < w->r->limit_count; i++)
        limits[i] = finding_keep(&w->to, w->r->limits[i]);
    w->to.finding->limits = limits;
    w->to.finding->limit_count = w->r->limit_count;
}

/* ---- numbers and figures ------------------------------------------------------------- */

static void write_quantities(struct writer *w)
{
    const struct {
        const char *name, *unit;
        double value;
    } numbers[] = {{"log10 p", "", w->r->log10_p},
                   {"tests in the family", "", (double)w->r->tests},
                   {"cosine over weights of one shape", "", w->r->cosine},
                   {"share of weights bit-equal", "", w->r->equal_share},
                   {"bytes read", "bytes", (double)w->r->bytes_read}};
    size_t n = sizeof numbers / sizeof numbers[0];
    struct assay_quantity *list = finding_room(&w->to, n, sizeof *list);
    for (size_t i = 0; list && i < n; i++)
        if (isfinite(numbers[i].value))
            list[w->to.finding->quantity_count++] = (struct assay_quantity){
                numbers[i].name,
                numbers[i].unit,
                {numbers[i].value, numbers[i].value, numbers[i].value, 0.8}};
    w->to.finding->quantities = list;
}

/* The axes that would surprise most, strongest first. */
static void write_axes(struct writer *w, struct assay_figure *figure)
{
    const struct assay_lineage_comparison *r = w->r;
    size_t n = r->match_count < MOST_BARS ? r->match_count : MOST_BARS;
    struct assay_bar *bars = finding_room(&w->to, n, sizeof *bars);
    bool *used = finding_room(&w->to, r->match_count, sizeof *used);
    if (!bars || !used)
        return;
    for (size_t i = 0; i < n; i++) {
        size_t best = SIZE_MAX;
        for (size_t k = 0; k < r->match_count; k++)
            if (!used[k] && (best == SIZE_MAX || r->matches[k].log10_p < r->matches[best].log10_p))
                best = k;
        used[best] = true;
        const struct assay_lineage_match *m = &r->matches[best];
        double value = fmax(0, round(-1000 * m->log10_p) / 1000);
        bars[i] = (struct assay_bar){
            finding_keep(&w->to, assay_arena_print(w->to.arena, "%s, %s", m->a, m->axis)),
            finding_keep(&w->to, m->method), value, value, value};
    }
    *figure = (struct assay_figure){
        .id = "axes",
        .title = "How much chance would have to explain, axis by axis",
        .unit = "-log10 p",
        .bars = bars,
        .bar_count = n,
    };
}

static const char *const *keep_names(struct writer *w, const char *const *names, size_t count)
{
    const char **kept = finding_room(&w->to, count, sizeof *kept);
    for (size_t i = 0; kept && i < count; i++)
        kept[i] = finding_keep(&w->to, names[i]);
    return kept;
}

/* Which layer of the second is which of the first, to a tenth of a percent. */
static void write_layers(struct writer *w, struct assay_figure *figure)
{
    const struct assay_lineage_comparison *r = w->r;
    size_t cells = r->layer_count_a * r->layer_count_b;
    struct assay_grid *grid = finding_room(&w->to, 1, sizeof *grid);
    double *values = finding_room(&w->to, cells, sizeof *values);
    if (!grid || !values)
        return;
    for (size_t i = 0; i < cells; i++)
        values[i] = round(1000 * r->layers_found[i]) / 10;
    *grid = (struct assay_grid){.row_axis = "layers of the first",
                                .column_axis = "layers of the second",
                                .rows = keep_names(w, r->layers_a, r->layer_count_a),
                                .row_count = r->layer_count_a,
                                .columns = keep_names(w, r->layers_b, r->layer_count_b),
                                .column_count = r->layer_count_b,
                                .values = values};
    *figure = (struct assay_figure){
        .id = "layers",
        .title = "Units of each layer of the first that are found in each of the second",
        .unit = "% of units",
        .grid = grid};
}

static void write_figures(struct writer *w)
{
    struct assay_figure *figures = finding_room(&w->to, 2, sizeof *figures);
    size_t n = 0;
    if (figures && w->r->match_count > 0)
        write_axes(w, &figures[n++]);
    if (figures && w->r->layer_count_a * w->r->layer_count_b > 1) /* one cell is no map */
        write_layers(w, &figures[n++]);
    w->to.finding->figures = figures;
    w->to.finding->figure_count = n;
}

/* ---- the whole ----------------------------------------------------------------------- */

static assay_status write_finding(struct writer *w, const struct assay_context *context,
                                  struct assay_error *error)
{
    finding_entitle(&w->to, "descent", "lineage.compare", ASSAY_LINEAGE_COMPARE_VERSION,
                    context->seed);
    write_weights(w);
    write_answers(w);
    write_cannot_tell(w);
    write_quantities(w);
    write_figures(w);
    return w->to.short_of_memory
               ? assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory")
               : ASSAY_OK;
}

static assay_status compare(struct writer *w, const struct finding_files *files, const char *pairs,
                            const struct assay_context *context, struct assay_error *error)
{
    const struct assay_stage_sources sources = {.pairs = pairs};
    struct assay_checkpoint a, b;
    struct assay_lineage_comparison r;
    struct assay_lineage_settings settings = assay_lineage_settings_default();
    ASSAY_TRY(assay_checkpoint_open(files->paths[1], &a, error));
    assay_status status = assay_checkpoint_open(files->paths[2], &b, error);
    if (status == ASSAY_OK) {
        status = assay_lineage_compare(&a, &b, &settings, context, &r, error);
        if (status == ASSAY_OK) { /* for what the stages say of how far training was shared */
            status = assay_lineage_refine_stages(&r, &a, &b, &sources, context, error);
            if (status != ASSAY_OK)
                assay_lineage_comparison_free(&r);
        }
        assay_checkpoint_close(&b);
    }
    assay_checkpoint_close(&a);
    ASSAY_TRY(status);
    w->r = &r;
    status = write_finding(w, context, error);
    assay_lineage_comparison_free(&r);
    w->r = NULL;
    return status == ASSAY_OK ? finding_files_digest(&w->to, files, error) : status;
}

assay_status assay_lineage_finding(const char *path, const char *pairs,
                                   const struct assay_context *context,
                                   struct assay_finding *finding, struct assay_error *error)
{
    struct finding_files files;
    struct writer w = {.r = NULL};
    ASSAY_TRY(finding_files_start(path, false, finding, &w.to, &files, error));
    assay_status status = compare(&w, &files, pairs, context, error);
    if (status != ASSAY_OK)
        assay_finding_free(finding);
    return status;
}
