/* SPDX-License-Identifier: Apache-2.0 */
/* Which stages of development the weights of two checkpoints share, each with its number. */
#include "lineage/compare.h"

#include <math.h>

#define MOST_STAGES 8

struct writer {
    struct assay_lineage_comparison *result;
    struct assay_lineage_stage *stages;
    bool short_of_memory;
};

static void stage(struct writer *w, const char *name, double log10_p, double log10_lr, bool exact,
                  const char *note)
{
    struct assay_lineage_comparison *r = w->result;
    if (!note)
        w->short_of_memory = true;
    else if (r->stage_count < MOST_STAGES)
        w->stages[r->stage_count++] =
            (struct assay_lineage_stage){name, log10_p, log10_lr, exact, note};
}

assay_status compare_stages(struct comparing *c, const struct compare_summary *s)
{
    struct assay_lineage_comparison *r = c->result;
    struct assay_arena *arena = c->arena;
    struct writer writer = {.result = r}, *w = &writer;
    bool related = r->log10_p < COMPARE_SIGNIFICANT;
    /* of weights as they stand, or of units laid over each other */
    double cosine = c->seen.matched_layers ? fmax(s->cosine, c->seen.cosine) : s->cosine;
    r->stages = w->stages = assay_arena_alloc(arena, MOST_STAGES, sizeof *w->stages);
    if (!w->stages)
        return compare_no_memory(c);
    stage(w, "architecture", NAN, NAN, false,
          assay_arena_print(arena,
                            "%zu of %zu weight matrices of A have a partner of the same "
                            "shape in B. Architectures are public recipes: no weight is "
                            "given to this.",
                            s->same_shape, c->a.count));
    stage(
        w, "initialisation", r->log10_p, r->log10_lr, r->exact,
        related && !r->exact
            ? "Parts of B's units find the same units of A: the same initial weights, or one from "
              "the other. The p-value rests on a margin for what independent models share, which "
              "is a judgement."
        : related ? "The numbering of hidden units is shared: the same initial weights, or one "
                    "from the other."
        : r->tests > 0 ? "No sign that the numbering of hidden units is shared."
                       : "Nothing to test: no axis of interchangeable units is common to the two.");
    if (!related || c->settings->quick)
        return w->short_of_memory ? compare_no_memory(c) : ASSAY_OK;
    stage(w, "pre-training", NAN, NAN, false,
          isnan(cosine)
              ? "Shapes differ: no element by element comparison."
              : assay_arena_print(arena,
                                  "The cosine over weights is %.3f; alone it does not tell: after "
                                  "a short training one seed with other data leaves as much.",
                                  cosine));
    stage(w, "tuning", NAN, NAN, false,
          assay_arena_print(arena,
                            "%.2f%% of weights are bit-equal; the difference has %.3g of "
                            "the energy of A's weights.",
                            100 * r->equal_share,
                            s->all.aa > 0 ? s->all.difference / s->all.aa : (double)NAN));
    return w->short_of_memory ? compare_no_memory(c) : ASSAY_OK;
}
