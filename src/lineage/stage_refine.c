/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stages with what lies beyond two files' matrices: shared tokens' embeddings, norms' gains, a
 * common base, pairs of known history. Adds to a comparison and mends its notes.
 */
#include "lineage/stage_parts.h"

#include <math.h>
#include <string.h>

#define SIGNIFICANT -6.0
#define LEAST_LENGTH 0.001 /* ln of a ratio: siblings differ by as much */

struct refining {
    struct assay_lineage_comparison *r;
    struct stage_input in;
    const struct stage_table *table; /* NULL: no calibration */
    struct assay_lineage_stage *stages;
    bool short_of_memory;
};

static struct assay_lineage_stage *find(struct refining *f, const char *name)
{
    for (size_t i = 0; i < f->r->stage_count; i++)
        if (strcmp(f->stages[i].stage, name) == 0)
            return &f->stages[i];
    return NULL;
}

static const char *keep(struct refining *f, const char *note)
{
    f->short_of_memory = f->short_of_memory || !note;
    return note ? note : "";
}

/* ---- embedding ------------------------------------------------------------------------- */

/* Before the initialisation: what is read first. */
static void add_embedding(struct refining *f, const struct embedding_test *t)
{
    struct assay_arena *arena = f->r->arena;
    size_t at = 0;
    while (at < f->r->stage_count && strcmp(f->stages[at].stage, "initialisation") != 0)
        at++;
    memmove(f->stages + at + 1, f->stages + at, (f->r->stage_count - at) * sizeof *f->stages);
    f->r->stage_count++;
    struct assay_lineage_stage *s = &f->stages[at];
    *s = (struct assay_lineage_stage){"embedding", t->log10_p, NAN, true, t->why};
    if (t->why)
        return;
    s->log10_lr = -0.5 * t->log10_p - log10(2);
    s->note = keep(
        f, assay_arena_print(
               arena,
               "%zu of %zu columns find their own number over %zu of %zu shared tokens (%s). Like "
               "meanings alone do not number columns alike%s.",
               t->fixed, t->columns, t->tokens, t->shared,
               t->by_pieces ? "by their texts" : "by their numbers, for no vocabulary is known",
               t->log10_p < SIGNIFICANT ? ": the residual stream is shared, or its embeddings are"
                                        : ""));
}

/* ---- pre-training ---------------------------------------------------------------------- */

static assay_status weigh_training(struct refining *f, double embedding_log10_p,
                                   struct assay_error *error)
{
    struct assay_lineage_stage *s = find(f, "pre-training");
    struct training_evidence e;
    if (!s)
        return ASSAY_OK;
    ASSAY_TRY(stage_training(&f->in, f->r, embedding_log10_p, f->table, &e, error));
    if (e.why) {
        s->note =
            keep(f, assay_arena_print(f->r->arena, "%s No likelihood ratio: %s.", s->note, e.why));
    } else {
        s->log10_lr = e.other_data;
        s->note = keep(
            f, assay_arena_print(
                   f->r->arena,
                   "Gains of %zu norms, which start alike whatever the seed, correlate by %.3f: "
                   "the ratio is of shared training against one seed and other data, in %zu "
                   "families of the lab's small models (stage_pairs.csv; capped at their number). "
                   "Against one seed and like data it is "
                   "10^%.2f, for the two overlap widely. %s",
                   e.gains.norms, e.gains.correlation, f->table->groups, e.like_data, s->note));
    }
    return stage_name_training(f->r, &e, error);
}

/* ---- tuning ---------------------------------------------------------------------------- */

static void weigh_tuning(struct refining *f, const struct difference_likeness *d)
{
    struct assay_lineage_stage *s = find(f, "tuning");
    if (!s || !f->in.base) {
        if (s)
            s->note =
                keep(f, assay_arena_print(
                            f->r->arena, "%s No likelihood ratio without a common base.", s->note));
        return;
    }
    if (isnan(d->cosine)) {
        s->note = keep(f, assay_arena_print(f->r->arena,
                                            "%s No tensor has one name and shape in both and the "
                                            "base, or one of them is the base.",
                                            s->note));
        return;
    }
    if (f->table)
        s->log10_lr =
            stage_table_lr(f->table, &f->table->tuning_shared, &f->table->tuning_apart, d->cosine);
    s->note = keep(
        f, assay_arena_print(
               f->r->arena,
               "What was changed since the base has a cosine of %.3f (A changed %.3g of the base's "
               "energy, B %.3g; %zu tensors). Tunings of one base that had nothing else in common "
               "reached %.2f in the middle of such pairs of small models, those that shared "
               "tuning %.2f: high cosines alone say little.",
               d->cosine, d->changed_a, d->changed_b, d->tensors,
               f->table ? tanh(f->table->tuning_apart.mean) : (double)NAN,
               f->table ? tanh(f->table->tuning_shared.mean) : (double)NAN));
}

/* ---- direction -------------------------------------------------------------------------- */

static void weigh_direction(struct refining *f, const struct difference_likeness *d)
{
    struct assay_lineage_comparison *r = f->r;
    const struct assay_lineage_stage *training = find(f, "pre-training");
    if (r->direction != ASSAY_DIRECTION_UNKNOWN || !f->table || !isfinite(d->length) ||
        fabs(d->length) < LEAST_LENGTH || !training || !(training->log10_lr > 0))
        return; /* which is longer says something only of two that were trained together */
    double odds = log10(((double)f->table->longer + 1) /
                        ((double)(f->table->steps_on - f->table->longer) + 1));
    r->direction_log10_lr = d->length > 0 ? odds : -odds;
    r->direction_note = keep(
        f, assay_arena_print(
               r->arena,
               "%s is longer, by %.3g%%. Of %zu small models that were trained on from another, "
               "%zu were the longer one: if one was made from the other, a weak sign that %s is "
               "the later one. Strong weight decay turns it round. %s",
               d->length > 0 ? "B" : "A", 100 * (exp(fabs(d->length)) - 1), f->table->steps_on,
               f->table->longer, d->length > 0 ? "B" : "A", r->direction_note));
}

/* ---- the whole ----------------------------------------------------------------------- */

static assay_status refine(struct refining *f, struct assay_error *error)
{
    struct assay_lineage_comparison *r = f->r;
    struct embedding_test embedding;
    struct difference_likeness differences = {.cosine = NAN, .length = NAN};
    bool related = r->log10_p < SIGNIFICANT;
    f->stages = assay_arena_alloc(r->arena, r->stage_count + 1, sizeof *f->stages);
    if (!f->stages)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    if (r->stage_count)
        memcpy(f->stages, r->stages, r->stage_count * sizeof *f->stages);
    r->stages = f->stages;
    ASSAY_TRY(stage_embedding(&f->in, &embedding, error));
    add_embedding(f, &embedding);
    if (related || f->in.base)
        ASSAY_TRY(stage_differences(&f->in, &differences, error));
    if (related) {
        ASSAY_TRY(weigh_training(f, embedding.log10_p, error));
        weigh_tuning(f, &differences);
        weigh_direction(f, &differences);
    }
    return f->short_of_memory ? assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory")
                              : ASSAY_OK;
}

assay_status assay_lineage_refine_stages(struct assay_lineage_comparison *comparison,
                                         const struct assay_checkpoint *a,
                                         const struct assay_checkpoint *b,
                                         const struct assay_stage_sources *sources,
                                         const struct assay_context *context,
                                         struct assay_error *error)
{
    struct stage_table table;
    struct refining f = {.r = comparison,
                         .in = {.a = a,
                                .b = b,
                                .base = sources->base,
                                .vocabulary_a = sources->vocabulary_a,
                                .vocabulary_b = sources->vocabulary_b,
                                .context = context}};
    if (sources->pairs) {
        ASSAY_TRY(stage_table_read(sources->pairs, &table, error));
        f.table = &table;
    }
    return refine(&f, error);
}
