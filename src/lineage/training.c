/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared training or one seed trained apart? Norms' gains are weighed against pairs of known
 * history, and what a comparison called by its cosine alone is called by that.
 */
#include "lineage/stage_parts.h"

#include <math.h>
#include <string.h>

#define SIGNIFICANT -6.0
#define SPEAKS 0.5 /* log10 of the ratio from which a kind is named by it */
#define LEAST_NORMS 2

/* Gains are paired by their layers' numbers. */
static bool layers_moved(const struct assay_lineage_comparison *r)
{
    for (size_t i = 0; i < r->relation_count; i++)
        if (strncmp(r->relations[i].kind, "layers-", 7) == 0)
            return true;
    return false;
}

assay_status stage_training(const struct stage_input *in, const struct assay_lineage_comparison *r,
                            double embedding_log10_p, const struct stage_table *table,
                            struct training_evidence *e, struct assay_error *error)
{
    *e = (struct training_evidence){.gains.correlation = NAN, .other_data = NAN, .like_data = NAN};
    if (!(embedding_log10_p < SIGNIFICANT))
        e->why = "nothing shows that the residual stream is numbered alike, without which gains of "
                 "norms cannot be compared";
    else if (layers_moved(r))
        e->why = "layers stand at other numbers, so that gains of norms cannot be compared";
    if (e->why)
        return ASSAY_OK;
    ASSAY_TRY(stage_gains(in, &e->gains, error));
    if (!isfinite(e->gains.correlation) || e->gains.norms < LEAST_NORMS)
        e->why = "no gains of norms vary on both sides";
    else if (!table)
        e->why = "the table of pairs was not given";
    if (e->why)
        return ASSAY_OK;
    e->other_data = stage_table_training_lr(table, &table->gains_seed, e->gains.correlation);
    e->like_data = stage_table_training_lr(table, &table->gains_like_data, e->gains.correlation);
    return ASSAY_OK;
}

/* ---- the kind --------------------------------------------------------------------------- */

static const char *const seed_only = "shared-initialisation";

static struct assay_lineage_relation *named_by_cosine(struct assay_lineage_relation *list,
                                                      size_t count)
{
    static const char *const kinds[] = {"fine-tuned", "continued-training",
                                        "shared-initialisation"};
    for (size_t i = 0; i < count; i++)
        for (int k = 0; k < 3; k++)
            if (strcmp(list[i].kind, kinds[k]) == 0)
                return &list[i];
    return NULL;
}

static const char *verdict(const struct training_evidence *e, struct assay_arena *arena)
{
    if (e->why)
        return assay_arena_print(arena, "The two are not told apart here: %s.", e->why);
    if (e->other_data <= -SPEAKS)
        return assay_arena_print(
            arena,
            "Gains of %zu norms, which are learnt, correlate by %.3f only: "
            "one seed, trained apart, by 10^%.2f to 1 (small models); noise put on the norms, or "
            "a stranger merged in, looks the same.",
            e->gains.norms, e->gains.correlation, -e->other_data);
    if (e->other_data >= SPEAKS)
        return assay_arena_print(arena,
                                 "Gains of %zu norms, which are learnt, correlate by %.3f: shared "
                                 "training, by 10^%.2f to 1 against one seed and other data, by "
                                 "10^%.2f against one seed and like data (small models).",
                                 e->gains.norms, e->gains.correlation, e->other_data, e->like_data);
    return assay_arena_print(arena,
                             "Gains of %zu norms correlate by %.3f, which decides between the two "
                             "for neither.",
                             e->gains.norms, e->gains.correlation);
}

assay_status stage_name_training(struct assay_lineage_comparison *r,
                                 const struct training_evidence *e, struct assay_error *error)
{
    size_t n = r->relation_count;
    bool apart = e->other_data <= -SPEAKS, together = e->other_data >= SPEAKS;
    if (n > 0 && strcmp(r->relations[0].kind, "identical") == 0)
        return ASSAY_OK;
    struct assay_lineage_relation *list = assay_arena_alloc(r->arena, n + 1, sizeof *list);
    const char *says = verdict(e, r->arena);
    if (!list || !says)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    if (n)
        memcpy(list, r->relations, n * sizeof *list);
    struct assay_lineage_relation *own = named_by_cosine(list, n);
    if (own) {
        own->note = assay_arena_print(r->arena, "%s %s", own->note, says);
        if (!own->note)
            return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
        if (apart)
            own->kind = seed_only;
        else if (together && strcmp(own->kind, seed_only) == 0)
            own->kind = "continued-training";
    } else if (apart) { /* rounding or renumbering seemed to be all */
        list[r->relation_count++] = (struct assay_lineage_relation){
            .kind = seed_only, .note = says, .share = 1, .rank = NAN};
    }
    r->relations = list;
    return ASSAY_OK;
}
