/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared stages as a finding: were two checkpoints trained together, did they share no more than
 * an initialisation, or nothing? Chance is excluded by the exact test; what is left between the
 * other two comes from norms' gains in pairs of known history.
 */
#include "lineage/finding_files.h"
#include "lineage/stage_parts.h"

#include <math.h>
#include <string.h>

#define SIGNIFICANT -6.0

struct writer {
    struct finding_writer to;
    const struct assay_lineage_comparison *r;
    double other_data, like_data; /* log10 of the ratio for shared training; NaN: none */
};

static const char *const together = "trained together";
static const char *const seed_only = "one initialisation, trained apart";
static const char *const independent = "made independently";

/* Relative to shared training. An initialisation alone: other data or like, who knows, so the mean
 * of the two likelihoods, between them. */
void stage_weights(double other_data, double like_data, double log10_lr_related, bool tested,
                   struct assay_weight weights[3])
{
    bool known = isfinite(other_data) && isfinite(like_data);
    double less = fmax(other_data, like_data), more = fmin(other_data, like_data);
    const double apart[3] = {known ? log10((pow(10, -less) + pow(10, -more)) / 2) : 0,
                             known ? -less : 0, known ? -more : 0};
    double chance = -log10_lr_related, best = fmax(0, fmax(known ? apart[0] : 0, chance));
    weights[0] = (struct assay_weight){together, {-best, -best, -best, 0.8}, NULL, true};
    weights[1] = (struct assay_weight){
        seed_only, {apart[0] - best, apart[1] - best, apart[2] - best, 0.8}, NULL, known};
    weights[2] = (struct assay_weight){
        independent, {chance - best, chance - best, chance - best, 0.8}, NULL, tested};
    if (!known)
        weights[1].note = "gains of norms cannot be compared";
    if (!tested)
        weights[2].note = "no axis of interchangeable units is common to the two";
}

static void write_weights(struct writer *w)
{
    struct assay_weight *weights = finding_room(&w->to, 3, sizeof *weights);
    if (w->to.short_of_memory)
        return;
    stage_weights(w->other_data, w->like_data, w->r->log10_lr, w->r->tests > 0, weights);
    w->to.finding->weights = weights;
    w->to.finding->weight_count = 3;
}

static void write_answers(struct writer *w)
{
    const struct assay_lineage_comparison *r = w->r;
    const char **answers = finding_room(&w->to, r->stage_count + 1, sizeof *answers);
    for (size_t i = 0; answers && i < r->stage_count; i++)
        answers[i] = finding_keep(&w->to, assay_arena_print(w->to.arena, "%s: %s",
                                                            r->stages[i].stage, r->stages[i].note));
    if (answers)
        answers[r->stage_count] = finding_keep(
            &w->to, assay_arena_print(w->to.arena, "direction: %s", r->direction_note));
    w->to.finding->answers = answers;
    w->to.finding->answer_count = answers ? r->stage_count + 1 : 0;
}

static void write_rest(struct writer *w)
{
    static const char *const cannot_tell[] = {
        "Whether one was made from the other or both from a third.",
        "One initialisation with like data from shared training, in short trainings."};
    static const char *const limits[] = {
        ("The ratio between shared training and a shared initialisation comes from families of "
         "small transformers of the lab (stage_pairs.csv, by `assay lab run "
         "designs/families.yaml`), "
         "tuned for up to four times as long as they had been trained; no real model is among "
         "them, and it is capped at the number of families."),
        ("Gains of norms can be compared only where the residual stream is numbered alike: a "
         "renumbered or turned stream takes this evidence away, and scaling gains into the "
         "weights beside them does, too.")};
    struct assay_quantity *list = finding_room(&w->to, w->r->stage_count, sizeof *list);
    size_t n = 0;
    for (size_t i = 0; list && i < w->r->stage_count; i++) {
        const struct assay_lineage_stage *s = &w->r->stages[i];
        if (!isfinite(s->log10_lr))
            continue;
        list[n++] = (struct assay_quantity){
            finding_keep(&w->to,
                         assay_arena_print(w->to.arena, "log10 likelihood ratio, %s", s->stage)),
            "",
            {s->log10_lr, s->log10_lr, s->log10_lr, 0.8}};
    }
    w->to.finding->quantities = list;
    w->to.finding->quantity_count = n;
    w->to.finding->cannot_tell = cannot_tell;
    w->to.finding->cannot_tell_count = 2;
    w->to.finding->limits = limits;
    w->to.finding->limit_count = 2;
}

/* ---- the whole ----------------------------------------------------------------------- */

static assay_status weigh_gains(struct writer *w, const struct stage_input *in, const char *pairs,
                                struct assay_error *error)
{
    struct stage_table table;
    struct embedding_test embedding;
    struct training_evidence e;
    ASSAY_TRY(stage_table_read(pairs, &table, error));
    ASSAY_TRY(stage_embedding(in, &embedding, error));
    ASSAY_TRY(stage_training(in, w->r, embedding.log10_p, &table, &e, error));
    w->other_data = e.other_data;
    w->like_data = e.like_data;
    return ASSAY_OK;
}

static assay_status write_finding(struct writer *w, const struct stage_input *in, const char *pairs,
                                  struct assay_error *error)
{
    struct assay_lineage_settings settings = assay_lineage_settings_default();
    struct assay_lineage_comparison r;
    const struct assay_stage_sources sources = {.base = in->base, .pairs = pairs};
    ASSAY_TRY(assay_lineage_compare(in->a, in->b, &settings, in->context, &r, error));
    assay_status status =
        assay_lineage_refine_stages(&r, in->a, in->b, &sources, in->context, error);
    w->r = &r;
    if (status == ASSAY_OK && r.log10_p < SIGNIFICANT)
        status = weigh_gains(w, in, pairs, error);
    finding_entitle(&w->to, "stages", "lineage.stages", ASSAY_LINEAGE_STAGES_VERSION,
                    in->context->seed);
    if (status == ASSAY_OK) {
        write_weights(w);
        write_answers(w);
        write_rest(w);
    }
    assay_lineage_comparison_free(&r);
    w->r = NULL;
    if (status == ASSAY_OK && w->to.short_of_memory)
        status = assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    return status;
}

static assay_status open_all(struct writer *w, const struct finding_files *files, const char *pairs,
                             const struct assay_context *context, struct assay_error *error)
{
    struct assay_checkpoint c[3] = {{0}};
    assay_status status = ASSAY_OK;
    size_t given = files->count - 1;
    for (size_t i = 0; i < given && status == ASSAY_OK; i++)
        status = assay_checkpoint_open(files->paths[1 + i], &c[i], error);
    const struct stage_input in = {
        .a = &c[0], .b = &c[1], .base = given > 2 ? &c[2] : NULL, .context = context};
    if (status == ASSAY_OK)
        status = write_finding(w, &in, pairs, error);
    for (size_t i = 0; i < given; i++)
        assay_checkpoint_close(&c[i]);
    return status == ASSAY_OK ? finding_files_digest(&w->to, files, error) : status;
}

assay_status assay_lineage_stages_finding(const char *path, const char *pairs,
                                          const struct assay_context *context,
                                          struct assay_finding *finding, struct assay_error *error)
{
    struct finding_files files;
    struct writer w = {.other_data = NAN, .like_data = NAN};
    ASSAY_TRY(finding_files_start(path, true, finding, &w.to, &files, error));
    assay_status status = open_all(&w, &files, pairs, context, error);
    if (status != ASSAY_OK)
        assay_finding_free(finding);
    return status;
}
