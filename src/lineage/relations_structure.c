/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was done to a model's structure between A and B, in words: units, heads, layers and experts
 * left out, doubled, moved, renumbered, turned, scaled. In: what disguised.c, blocks.c and heads.c
 * saw. Out: relations.
 */
#include "lineage/relations.h"

#include <math.h>

static const char *plural(size_t n)
{
    return n == 1 ? "" : "s";
}

static void smaller_is_later(struct relation_writer *w, bool b_is_smaller)
{
    relation_direction(
        w, b_is_smaller ? ASSAY_DIRECTION_A_TO_B : ASSAY_DIRECTION_B_TO_A,
        "Leaving out is common and easy; growing a model so that the smaller one is a part of "
        "it is not, but it is done.");
}

/* Shapes that differ without a layer map: a run in order found among more. */
static void pruned(struct relation_writer *w)
{
    const struct disguise_seen *d = &w->c->seen;
    if (d->matched_layers > 0) {
        if (d->units_a != d->units_b)
            relation_add(
                w, "pruned", (double)d->matched_layers / (double)d->layers_b,
                assay_arena_print(w->c->arena,
                                  "%s has %zu feed-forward units in the matched layers, the "
                                  "other %zu.",
                                  d->units_a > d->units_b ? "B" : "A",
                                  d->units_a > d->units_b ? d->units_b : d->units_a,
                                  d->units_a > d->units_b ? d->units_a : d->units_b));
        if (d->units_a != d->units_b)
            smaller_is_later(w, d->units_a > d->units_b);
        return;
    }
    for (size_t i = 0; i < w->c->match_count; i++) {
        const struct assay_lineage_match *m = &w->c->matches[i];
        if (m->units_a == m->units_b || !isnan(m->cosine) || m->log10_p > COMPARE_SIGNIFICANT)
            continue;
        relation_add(w, "pruned", (double)m->increasing / (double)m->units_a,
                     assay_arena_print(w->c->arena,
                                       "%zu of %zu units of %s are found in order among %zu of the "
                                       "other side.",
                                       m->increasing, m->units_a, m->a, m->units_b));
        return;
    }
}

/* ---- units and the residual stream --------------------------------------------------- */

static void renumbered(struct relation_writer *w, double share)
{
    const struct disguise_seen *d = &w->c->seen;
    struct assay_arena *arena = w->c->arena;
    if (d->units_renumbered || d->residual_renumbered)
        relation_add(
            w, "permuted", share,
            assay_arena_print(arena,
                              "%s; %.1f%% of feed-forward units are found by gate, up and down "
                              "alike, at a cosine of %.3f.",
                              d->units_renumbered && d->residual_renumbered
                                  ? "Units and the residual stream are renumbered"
                              : d->units_renumbered ? "Units are renumbered"
                                                    : "The residual stream is renumbered",
                              100 * d->agreement, d->cosine));
    if (d->residual_turned)
        relation_add(w, "rotated", share,
                     assay_arena_print(arena,
                                       "With the residual stream turned to fit the embeddings, "
                                       "%.1f%% of feed-forward units are found by gate, up and "
                                       "down alike, at a cosine of %.3f.",
                                       100 * d->agreement, d->cosine));
    if (d->negated > 0.05 || d->length_spread > 0.25)
        relation_add(w, "rescaled", share,
                     assay_arena_print(arena,
                                       "%.1f%% of feed-forward units are negated, and their "
                                       "lengths differ by a factor that spreads by %.2f in its "
                                       "logarithm.",
                                       100 * d->negated, d->length_spread));
}

static void attention(struct relation_writer *w)
{
    const struct disguise_seen *d = &w->c->seen;
    double share = d->heads ? (double)d->heads_found / (double)d->heads : 0;
    if (d->heads_renumbered)
        relation_add(w, "heads-permuted", share,
                     assay_arena_print(w->c->arena,
                                       "%zu of %zu attention heads that were looked at read and "
                                       "write like one of the other's of another number.",
                                       d->heads_found, d->heads));
    if (d->heads_mixed)
        relation_add(w, "heads-mixed", share,
                     assay_arena_print(w->c->arena,
                                       "%zu of %zu attention heads read and write alike, but "
                                       "their values, row by row, do not: a matrix was put between "
                                       "values and output.",
                                       d->heads_found, d->heads));
}

/* ---- layers -------------------------------------------------------------------------- */

static void layers(struct relation_writer *w, double share)
{
    const struct disguise_seen *d = &w->c->seen;
    struct assay_arena *arena = w->c->arena;
    size_t missing = d->missing_in_a + d->missing_in_b;
    size_t repeated = d->repeated_in_a + d->repeated_in_b;
    if (missing) {
        relation_add(w, "layers-dropped", share,
                     assay_arena_print(arena,
                                       "%zu layer%s of %s %s no partner in the other; for B's "
                                       "layers, those of A: %s.",
                                       missing, plural(missing), d->missing_in_b ? "A" : "B",
                                       missing == 1 ? "has" : "have", d->layer_map));
        smaller_is_later(w, d->missing_in_b > 0);
    }
    if (repeated) {
        relation_add(w, "layers-duplicated", share,
                     assay_arena_print(arena,
                                       "%zu layer%s of %s stand%s for one that another stands for "
                                       "already; for B's layers, those of A: %s.",
                                       repeated, plural(repeated), d->repeated_in_b ? "B" : "A",
                                       repeated == 1 ? "s" : "", d->layer_map));
        if (!missing)
            relation_direction(w,
                               d->repeated_in_b ? ASSAY_DIRECTION_A_TO_B : ASSAY_DIRECTION_B_TO_A,
                               "Two layers are copies of one: they were made from it.");
    }
    if (d->reordered)
        relation_add(w, "layers-reordered", share,
                     assay_arena_print(arena, "For B's layers, those of A: %s.", d->layer_map));
    if (d->replaced && !missing)
        relation_add(w, "layers-replaced", (double)d->replaced / (double)d->layers_b,
                     assay_arena_print(arena,
                                       "%zu of B's %zu layers are like none of A's, the others "
                                       "are; for B's layers, those of A: %s.",
                                       d->replaced, d->layers_b, d->layer_map));
}

/* ---- experts ------------------------------------------------------------------------- */

static void upcycled(struct relation_writer *w, size_t found, size_t of, bool in_b,
                     const char *what, double cosine)
{
    if (found < 2)
        return;
    relation_add(w, "upcycled", (double)found / (double)of,
                 assay_arena_print(w->c->arena,
                                   "%zu of %zu %s in %s are found in the other's dense layers, at "
                                   "a mean cosine of %.3f: experts that began as copies.",
                                   found, of, what, in_b ? "B" : "A", cosine));
    if (w->c->result->direction == ASSAY_DIRECTION_UNKNOWN)
        relation_direction(w, in_b ? ASSAY_DIRECTION_A_TO_B : ASSAY_DIRECTION_B_TO_A,
                           "Several experts are copies of one dense layer: they were made from "
                           "it.");
}

/* Where blocks were not matched: dense matrices that stand beside experts, by the exact test. */
static void upcycled_as_numbered(struct relation_writer *w)
{
    struct comparing *c = w->c;
    double cosine = 0;
    size_t beside = 0, found = 0;
    bool in_b = false;
    for (size_t i = 0; i < c->pair_count; i++) {
        const struct pair *p = &c->pairs[i];
        if ((p->a->name.expert < 0) == (p->b->name.expert < 0))
            continue;
        in_b = p->b->name.expert >= 0;
        beside++;
        if (p->best_log10_p < COMPARE_SIGNIFICANT) {
            found++;
            cosine += relation_cosine(&p->like);
        }
    }
    upcycled(w, found, beside, in_b, "feed-forward matrices of experts",
             found ? cosine / (double)found : 0);
}

/* ---- the whole ----------------------------------------------------------------------- */

bool relations_disguised(const struct disguise_seen *d)
{
    return d->layer_map && d->matched_layers > 0 &&
           (d->units_renumbered || d->residual_renumbered || d->residual_turned || d->reordered ||
            d->missing_in_a || d->missing_in_b || d->repeated_in_a || d->repeated_in_b ||
            d->replaced || d->units_a != d->units_b || d->experts_found || d->experts_renumbered ||
            d->heads_renumbered || d->heads_mixed || d->negated > 0.05 || d->length_spread > 0.25);
}

void relations_structure(struct relation_writer *w)
{
    const struct disguise_seen *d = &w->c->seen;
    pruned(w);
    if (!d->layer_map || d->matched_layers == 0) {
        upcycled_as_numbered(w);
        return;
    }
    double share = (double)d->matched_layers / (double)d->layers_b;
    renumbered(w, share);
    attention(w);
    layers(w, share);
    upcycled(w, d->experts_found, d->experts, d->experts_in_b, "experts", d->cosine);
    if (d->experts_renumbered)
        relation_add(w, "experts-permuted", share,
                     "Experts are found under other numbers in the other's layers.");
}
