/* SPDX-License-Identifier: Apache-2.0 */
/* A comparison as a finding: what follows, what does not, weights, figures, limits. */
#include <assay/lineage.h>

#include <math.h>
#include <string.h>

#define MOST_BARS 24

struct writer {
    struct assay_finding *finding;
    struct assay_arena *arena;
    const struct assay_lineage_comparison *r;
    bool short_of_memory;
};

static const char *const common = "common origin";
static const char *const independent = "made independently";

static const char *kept(struct writer *w, const char *text)
{
    char *copy = text ? assay_arena_copy(w->arena, text) : NULL;
    w->short_of_memory = w->short_of_memory || !copy;
    return copy;
}

static void *room(struct writer *w, size_t count, size_t size)
{
    void *memory = assay_arena_alloc(w->arena, count, size);
    w->short_of_memory = w->short_of_memory || !memory;
    return memory;
}

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
    struct assay_weight *weights = room(w, 2, sizeof *weights);
    double least = w->r->log10_lr, most = fmax(least, most_it_is_worth(w->r->log10_p));
    if (w->short_of_memory)
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
    w->finding->weights = weights;
    w->finding->weight_count = 2;
}

/* ---- sentences ----------------------------------------------------------------------------------
 */

static void write_answers(struct writer *w)
{
    const struct assay_lineage_comparison *r = w->r;
    const char **answers = room(w, r->relation_count + 3, sizeof *answers);
    size_t n = 0;
    if (!answers)
        return;
    answers[n++] = kept(
        w, assay_arena_print(w->arena,
                             "That independently made models look so related has a probability of "
                             "at most 10^%.1f, over %zu tests, corrected for.",
                             r->log10_p, r->tests));
    for (size_t i = 0; i < r->relation_count; i++)
        answers[n++] = kept(
            w, assay_arena_print(w->arena, "%s: %s", r->relations[i].kind, r->relations[i].note));
    if (r->relation_count == 0)
        answers[n++] = "No relation was found.";
    answers[n++] = kept(w, r->direction_note);
    w->finding->answers = answers;
    w->finding->answer_count = n;
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
    w->finding->cannot_tell = related ? always : unrelated;
    w->finding->cannot_tell_count = 2;
    const char **limits = room(w, w->r->limit_count, sizeof *limits);
    for (size_t i = 0; limits && i < w->r->limit_count; i++)
        limits[i] = kept(w, w->r->limits[i]);
    w->finding->limits = limits;
    w->finding->limit_count = w->r->limit_count;
}

/* ---- numbers and a figure ------------------------------------------------------------ */

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
    struct assay_quantity *list = room(w, n, sizeof *list);
    for (size_t i = 0; list && i < n; i++)
        if (isfinite(numbers[i].value))
            list[w->finding->quantity_count++] = (struct assay_quantity){
                numbers[i].name,
                numbers[i].unit,
                {numbers[i].value, numbers[i].value, numbers[i].value, 0.8}};
    w->finding->quantities = list;
}

/* The axes that would surprise most, strongest first. */
static void write_figure(struct writer *w)
{
    const struct assay_lineage_comparison *r = w->r;
    size_t n = r->match_count < MOST_BARS ? r->match_count : MOST_BARS;
    struct assay_bar *bars = room(w, n, sizeof *bars);
    struct assay_figure *figure = room(w, 1, sizeof *figure);
    bool *used = room(w, r->match_count, sizeof *used);
    if (!bars || !figure || !used || n == 0)
        return;
    for (size_t i = 0; i < n; i++) {
        size_t best = SIZE_MAX;
        for (size_t k = 0; k < r->match_count; k++)
            if (!used[k] && (best == SIZE_MAX || r->matches[k].log10_p < r->matches[best].log10_p))
                best = k;
        used[best] = true;
        const struct assay_lineage_match *m = &r->matches[best];
        double value = fmax(0, round(-1000 * m->log10_p) / 1000);
        bars[i] = (struct assay_bar){kept(w, assay_arena_print(w->arena, "%s, %s", m->a, m->axis)),
                                     kept(w, m->method), value, value, value};
    }
    *figure = (struct assay_figure){"axes", "How much chance would have to explain, axis by axis",
                                    "-log10 p", bars, n};
    w->finding->figures = figure;
    w->finding->figure_count = 1;
}

/* ---- the whole ----------------------------------------------------------------------- */

static assay_status write_finding(struct writer *w, const struct assay_context *context,
                                  struct assay_error *error)
{
    w->finding->id = "descent";
    w->finding->question = "descent";
    w->finding->method = "lineage.compare";
    w->finding->method_version = "1";
    w->finding->seed = context->seed;
    write_weights(w);
    write_answers(w);
    write_cannot_tell(w);
    write_quantities(w);
    write_figure(w);
    return w->short_of_memory ? assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory")
                              : ASSAY_OK;
}

static assay_status write_exhibits(struct writer *w, const char *const paths[3],
                                   struct assay_error *error)
{
    struct assay_exhibit *list = room(w, 3, sizeof *list);
    if (!list)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    for (size_t i = 0; i < 3; i++) {
        list[i].path = kept(w, paths[i]);
        ASSAY_TRY(assay_sha256_file(paths[i], list[i].sha256, error));
    }
    w->finding->exhibits = list;
    w->finding->exhibit_count = 3;
    return ASSAY_OK;
}

static assay_status compare(struct writer *w, const char *const paths[3],
                            const struct assay_context *context, struct assay_error *error)
{
    struct assay_checkpoint a, b;
    struct assay_lineage_comparison r;
    struct assay_lineage_settings settings = assay_lineage_settings_default();
    ASSAY_TRY(assay_checkpoint_open(paths[1], &a, error));
    assay_status status = assay_checkpoint_open(paths[2], &b, error);
    if (status == ASSAY_OK) {
        status = assay_lineage_compare(&a, &b, &settings, context, &r, error);
        assay_checkpoint_close(&b);
    }
    assay_checkpoint_close(&a);
    ASSAY_TRY(status);
    w->r = &r;
    status = write_finding(w, context, error);
    assay_lineage_comparison_free(&r);
    w->r = NULL;
    return status == ASSAY_OK ? write_exhibits(w, paths, error) : status;
}

static assay_status read_pair(const char *path, struct assay_arena *arena, const char *paths[3],
                              struct assay_error *error)
{
    static const char *const keys[] = {"first", "second"};
    struct assay_yaml *root, *node;
    const char *name;
    ASSAY_TRY(assay_yaml_read(path, arena, &root, error));
    paths[0] = path;
    for (int i = 0; i < 2; i++) {
        ASSAY_TRY(assay_yaml_need(root, keys[i], &node, error));
        ASSAY_TRY(assay_yaml_text(node, &name, error));
        paths[1 + i] = assay_path_beside(arena, path, name);
        if (!paths[1 + i])
            return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    }
    return assay_yaml_finish(root, error);
}

assay_status assay_lineage_finding(const char *path, const struct assay_context *context,
                                   struct assay_finding *finding, struct assay_error *error)
{
    const char *paths[3];
    memset(finding, 0, sizeof *finding);
    finding->arena = assay_arena_new();
    if (!finding->arena)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    struct writer w = {.finding = finding, .arena = finding->arena};
    assay_status status = read_pair(path, finding->arena, paths, error);
    if (status == ASSAY_OK)
        status = compare(&w, paths, context, error);
    if (status != ASSAY_OK)
        assay_finding_free(finding);
    return status;
}
