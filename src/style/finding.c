/* SPDX-License-Identifier: Apache-2.0 */
/* A comparison as a finding: what follows, what does not, weights, figures, limits. */
#include "style/offers.h"

#include <assay/style.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_PATHS 1024
#define MOST_IN_TREE 64
#define TREE_REPLICATES 100
#define MOST_BARS 24

static const char *const questions[] = {"identify", "parent", "rank"};
static const char *const ids[] = {"writer", "parent", "teacher"};
static const char *const none = "none of these";

struct writer {
    struct finding_writer to;
    const struct assay_style_comparison *r;
    struct assay_figure *figures; /* room for two */
};

/* ---- from the result ------------------------------------------------------------------- */

/* Each candidate against "none of these", then all against the best. */
static void write_weights(struct writer *w)
{
    const struct assay_style_comparison *r = w->r;
    struct assay_weight *weights = finding_room(&w->to, r->count + 1, sizeof *weights);
    double best = 0;
    if (!weights)
        return;
    for (size_t i = 0; i < r->count; i++)
        best = fmax(best, r->results[i].log10_lr.median); /* fmax ignores NaN */
    for (size_t i = 0; i <= r->count; i++) {
        bool last = i == r->count;
        struct assay_interval lr =
            last ? (struct assay_interval){0, 0, 0, 0.8} : r->results[i].log10_lr;
        bool weighed = !isnan(r->results[0].log10_lr.median) && !isnan(lr.median);
        weights[i] = (struct assay_weight){
            .hypothesis = last ? none : finding_keep(&w->to, r->results[i].name),
            .log10_likelihood = {lr.median - best, lr.low - best, lr.high - best, 0.8},
            .weighed = weighed,
            .note = weighed ? NULL : "there is no calibration for this question"};
    }
    w->to.finding->weights = weights;
    w->to.finding->weight_count = r->count + 1;
}

static void write_sentences(struct writer *w)
{
    static const char *const always[] = {
        "Whether the candidate taught the suspect itself, or both had one teacher.",
        "Whether a teacher that is not among the candidates did.",
        "Who did it, when, and whether they were allowed to."};
    const struct assay_style_comparison *r = w->r;
    const char **answers = finding_room(&w->to, 1 + r->left_out_count, sizeof *answers);
    const char **limits = finding_room(&w->to, r->limit_count, sizeof *limits);
    if (!answers || !limits)
        return;
    answers[0] = finding_keep(&w->to, r->reason);
    for (size_t i = 0; i < r->left_out_count; i++)
        answers[1 + i] =
            finding_keep(&w->to, assay_arena_print(w->to.arena, "Left out: %s", r->left_out[i]));
    for (size_t i = 0; i < r->limit_count; i++)
        limits[i] = finding_keep(&w->to, r->limits[i]);
    w->to.finding->answers = answers;
    w->to.finding->answer_count = 1 + r->left_out_count;
    w->to.finding->cannot_tell = always;
    w->to.finding->cannot_tell_count = 3;
    w->to.finding->limits = limits;
    w->to.finding->limit_count = r->limit_count;
}

static void write_numbers(struct writer *w)
{
    const struct assay_style_comparison *r = w->r;
    const struct {
        const char *name;
        double value;
    } numbers[] = {
        {"chance that an unrelated model is as alike to any candidate", r->results[0].q_value},
        {"unrelated lineages", (double)r->null_lineages},
        {"prompts answered by the suspect", (double)r->prompts}};
    size_t n = sizeof numbers / sizeof numbers[0];
    struct assay_quantity *list = finding_room(&w->to, n, sizeof *list);
    for (size_t i = 0; list && i < n; i++)
        list[i] = (struct assay_quantity){
            numbers[i].name, "", {numbers[i].value, numbers[i].value, numbers[i].value, 0.8}};
    w->to.finding->quantities = list;
    w->to.finding->quantity_count = list ? n : 0;
}

static void write_figure(struct writer *w)
{
    const struct assay_style_comparison *r = w->r;
    size_t n = 0;
    struct assay_bar *bars = finding_room(&w->to, r->count, sizeof *bars);
    struct assay_figure *figure = finding_room(&w->to, 2, sizeof *figure);
    for (size_t i = 0; bars && i < r->count && n < MOST_BARS; i++) {
        const struct assay_style_result *c = &r->results[i];
        if (!isnan(c->score))
            bars[n++] = (struct assay_bar){finding_keep(&w->to, c->name),
                                           c->q_value <= 0.05 ? "stands out" : "does not", c->score,
                                           c->score_low, c->score_high};
    }
    w->figures = figure;
    w->to.finding->figures = figure;
    if (!figure || n == 0)
        return;
    *figure = (struct assay_figure){
        .id = "likeness",
        .title = "How alike the suspect is to each candidate, beyond what is usual",
        .unit = "standard deviations",
        .bars = bars,
        .bar_count = n,
    };
    w->to.finding->figure_count = 1;
}

static assay_status write_finding(struct writer *w, enum assay_style_question question,
                                  const struct assay_context *context, struct assay_error *error)
{
    finding_entitle(&w->to, ids[question], "style.rank", ASSAY_STYLE_RANK_VERSION, context->seed);
    write_weights(w);
    write_sentences(w);
    write_numbers(w);
    write_figure(w);
    return w->to.short_of_memory
               ? assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory")
               : ASSAY_OK;
}

/* Who writes like whom, where they are few enough to be read and to cost little. */
static assay_status write_tree(struct writer *w, struct assay_responses *const *sets, size_t count,
                               const struct assay_context *context, struct assay_error *error)
{
    struct assay_style_tree tree;
    if (count < 3 || count > MOST_IN_TREE)
        return ASSAY_OK;
    ASSAY_TRY(assay_style_tree_make(context, sets, count, TREE_REPLICATES, &tree, error));
    const char *newick = finding_keep(&w->to, tree.newick);
    assay_style_tree_free(&tree);
    if (!newick)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    w->figures[w->to.finding->figure_count++] =
        (struct assay_figure){.id = "tree",
                              .title = "Who writes like whom: likeness of texts, not descent",
                              .unit = "1 - cosine of words",
                              .newick = newick};
    return ASSAY_OK;
}

/* ---- from the file -------------------------------------------------------------------- */

struct request {
    size_t question;
    const char *suspect;
    const char *candidates[MOST_PATHS], *panel[MOST_PATHS];
    size_t candidate_count, panel_count;
};

static assay_status read_path(const char *from, const struct assay_yaml *node,
                              struct assay_arena *arena, const char **path,
                              struct assay_error *error)
{
    const char *name;
    ASSAY_TRY(assay_yaml_text(node, &name, error));
    char *beside = assay_path_beside(arena, from, name);
    if (!beside)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, from, 0, "out of memory");
    size_t end = strlen(beside);
    while (end > 1 && beside[end - 1] == '/')
        beside[--end] = 0;
    *path = beside;
    return ASSAY_OK;
}

/* A path, or a list of paths. */
static assay_status read_paths(const char *from, const struct assay_yaml *node,
                               struct assay_arena *arena, const char **paths, size_t *count,
                               struct assay_error *error)
{
    *count = 0;
    if (node->kind == ASSAY_YAML_SCALAR) {
        *count = 1;
        return read_path(from, node, arena, &paths[0], error);
    }
    for (const struct assay_yaml *n = node->child; n; n = n->next) {
        if (*count == MOST_PATHS)
            return assay_error_at(error, ASSAY_ERROR_LIMIT, from, n->line, "more than %d paths",
                                  MOST_PATHS);
        ASSAY_TRY(read_path(from, n, arena, &paths[(*count)++], error));
    }
    return ASSAY_OK;
}

static assay_status read_request(const char *path, struct assay_arena *arena, struct request *r,
                                 struct assay_error *error)
{
    struct assay_yaml *root, *node;
    *r = (struct request){.question = 0};
    ASSAY_TRY(assay_yaml_read(path, arena, &root, error));
    ASSAY_TRY(assay_yaml_need(root, "question", &node, error));
    ASSAY_TRY(assay_yaml_choice(node, questions, 3, &r->question, error));
    ASSAY_TRY(assay_yaml_need(root, "suspect", &node, error));
    ASSAY_TRY(read_path(path, node, arena, &r->suspect, error));
    ASSAY_TRY(assay_yaml_need(root, "candidates", &node, error));
    ASSAY_TRY(read_paths(path, node, arena, r->candidates, &r->candidate_count, error));
    if ((node = assay_yaml_get(root, "panel")) != NULL)
        ASSAY_TRY(read_paths(path, node, arena, r->panel, &r->panel_count, error));
    return assay_yaml_finish(root, error);
}

/* Everything read: the suspect, then candidates, then the panel. */
struct read {
    struct assay_responses **sets;
    size_t n, candidates; /* sets of candidates */
};

static assay_status read_sets(const struct request *r, const struct assay_context *context,
                              struct assay_arena *arena, struct read *read,
                              struct assay_error *error)
{
    char **of, **beside = NULL;
    size_t n_of, n_beside = 0, left_out;
    ASSAY_TRY(assay_responses_list(r->candidates, r->candidate_count, arena, &of, &n_of, &left_out,
                                   error));
    if (r->panel_count > 0)
        ASSAY_TRY(assay_responses_list(r->panel, r->panel_count, arena, &beside, &n_beside,
                                       &left_out, error));
    size_t n = 1 + n_of + n_beside;
    char **paths = assay_arena_alloc(arena, n, sizeof *paths);
    read->sets = assay_arena_alloc(arena, n, sizeof *read->sets);
    if (!paths || !read->sets || !(paths[0] = assay_arena_copy(arena, r->suspect)))
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    memcpy(paths + 1, of, n_of * sizeof *paths);
    if (n_beside > 0)
        memcpy(paths + 1 + n_of, beside, n_beside * sizeof *paths);
    ASSAY_TRY(assay_responses_read_all(context, paths, n, read->sets, error));
    read->n = n;
    read->candidates = n_of;
    return ASSAY_OK;
}

static assay_status write_exhibits(struct writer *w, const char *path, const struct read *read,
                                   struct assay_error *error)
{
    struct assay_exhibit *list = finding_room(&w->to, read->n + 1, sizeof *list);
    if (!list)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    list[0].path = finding_keep(&w->to, path);
    ASSAY_TRY(assay_sha256_file(path, list[0].sha256, error));
    for (size_t i = 0; i < read->n; i++) {
        list[i + 1].path = finding_keep(&w->to, read->sets[i]->path);
        memcpy(list[i + 1].sha256, read->sets[i]->sha256, sizeof list[i + 1].sha256);
    }
    w->to.finding->exhibits = list;
    w->to.finding->exhibit_count = read->n + 1;
    return w->to.short_of_memory
               ? assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory")
               : ASSAY_OK;
}

/* Prompts that the suspect could be asked: as many as any candidate answered. */
static assay_status offer_answers(struct writer *w, const struct request *request,
                                  const struct read *read, const char *data_folder,
                                  struct assay_error *error)
{
    size_t most = 0;
    for (size_t i = 1; i <= read->candidates; i++)
        most = read->sets[i]->n > most ? read->sets[i]->n : most;
    return style_offer_answers(w->to.finding, questions[request->question], read->sets[0]->n, most,
                               data_folder, error);
}

static assay_status compare(struct writer *w, const struct request *request,
                            const struct read *read, const char *data_folder,
                            const struct assay_context *context, struct assay_error *error)
{
    struct assay_style_settings settings = assay_style_settings_default();
    struct assay_style_comparison r;
    struct assay_style_candidate *candidates;
    size_t count;
    settings.models = assay_arena_print(w->to.arena, "%s/style_models.csv", data_folder);
    settings.calibration = assay_arena_print(w->to.arena, "%s/style_calibration.csv", data_folder);
    if (!settings.models || !settings.calibration)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    ASSAY_TRY(assay_style_candidates_group(request->candidates, request->candidate_count,
                                           read->sets + 1, read->candidates, w->to.arena,
                                           &candidates, &count, error));
    ASSAY_TRY(assay_style_compare(
        context, (enum assay_style_question)request->question, read->sets[0], candidates, count,
        read->sets + 1 + read->candidates, read->n - 1 - read->candidates, &settings, &r, error));
    w->r = &r;
    assay_status status =
        write_finding(w, (enum assay_style_question)request->question, context, error);
    assay_style_comparison_free(&r);
    w->r = NULL;
    if (status == ASSAY_OK)
        status = offer_answers(w, request, read, data_folder, error);
    return status == ASSAY_OK ? write_tree(w, read->sets, read->n, context, error) : status;
}

assay_status assay_style_finding(const char *path, const char *data_folder,
                                 const struct assay_context *context, struct assay_finding *finding,
                                 struct assay_error *error)
{
    struct read read = {NULL, 0, 0};
    memset(finding, 0, sizeof *finding);
    finding->arena = assay_arena_new();
    struct request *request = malloc(sizeof *request);
    struct writer w = {.to = {finding, finding->arena, false}};
    assay_status status = request && finding->arena
                              ? read_request(path, finding->arena, request, error)
                              : assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    if (status == ASSAY_OK)
        status = read_sets(request, context, finding->arena, &read, error);
    if (status == ASSAY_OK)
        status = compare(&w, request, &read, data_folder, context, error);
    if (status == ASSAY_OK)
        status = write_exhibits(&w, path, &read, error);
    for (size_t i = 0; i < read.n; i++)
        assay_responses_free(read.sets[i]);
    free(request);
    if (status != ASSAY_OK)
        assay_finding_free(finding);
    return status;
}
