/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rounding in words: which side's weights are the other's, rounded to a type, to blocks, to a grid
 * or to signed bytes. In: what was measured (likeness.c, scales.c). Out: a relation "quantised",
 * the direction, and how much of a change rounding alone would explain. Whole numbers are never
 * said to fit a type of floats.
 */
#include "lineage/relations.h"

#include <math.h>

#define COARSE_COSINE 0.9945 /* 4 bits a weight leave .996 to .997, measured on trained models */
#define BLOCKS_COSINE 0.97   /* from which blocks are rounded weights of the other side */
#define ALL_EXPLAINED 1e-9   /* rounding was checked value by value: no cosine says more */
#define NEARLY_ALL 0.999
#define WHOLE_NUMBERS 0.1 /* root of the mean square from whole numbers: rounding leaves .29 */

static const char *const made_later =
    "Rounding loses what cannot be put back: the rounded side was made later.";

/* ---- types and blocks ----------------------------------------------------------------------- */

/* A type that all of one side fits and the other does not, and to which the other rounds. */
static bool rounded(struct relation_writer *w, const char *type, double a_fits, double b_fits,
                    double equal)
{
    double n = w->s.all.typed;
    bool to_b = b_fits >= 0.9999 * n && a_fits < 0.9 * n;
    bool to_a = a_fits >= 0.9999 * n && b_fits < 0.9 * n;
    if (n < 1 || equal < 0.999 * n || (!to_a && !to_b))
        return false;
    relation_add(w, "quantised", equal / n,
                 assay_arena_print(w->c->arena,
                                   "%.4f%% of weights in %s are those of the other rounded to %s.",
                                   100 * equal / n, to_b ? "B" : "A", type));
    relation_direction(w, to_b ? ASSAY_DIRECTION_A_TO_B : ASSAY_DIRECTION_B_TO_A, made_later);
    return true;
}

/* Of weights as they stand, or of units laid over each other. */
static double best_cosine(const struct relation_writer *w)
{
    return fmax(w->s.cosine, w->c->seen.layer_map ? w->c->seen.cosine : (double)NAN);
}

/* The cosine that it leaves at least, or 0. Runs of 32 in which every value is a whole multiple of
 * a step: what Q8_0 or Q4_0 leaves. */
static double on_a_grid(struct relation_writer *w)
{
    const struct likeness *l = &w->s.all;
    bool b8 = l->grid_b[0] > 0.9 * l->blocks && l->grid_a[0] < 0.1 * l->blocks;
    bool b4 = l->grid_b[1] > 0.9 * l->blocks && l->grid_a[1] < 0.1 * l->blocks;
    bool a8 = l->grid_a[0] > 0.9 * l->blocks && l->grid_b[0] < 0.1 * l->blocks;
    bool a4 = l->grid_a[1] > 0.9 * l->blocks && l->grid_b[1] < 0.1 * l->blocks;
    if (!(l->blocks > 0) || !(best_cosine(w) >= COMPARE_TRAINED_COSINE) || !(b8 || b4 || a8 || a4))
        return 0;
    relation_add(w, "quantised", 1,
                 assay_arena_print(
                     w->c->arena,
                     "Runs of 32 weights in %s lie on a grid of %s steps; cosine %.5f "
                     "to the other's weights.",
                     b8 || b4 ? "B" : "A", b8 || a8 ? "127 (8-bit)" : "8 (4-bit)", best_cosine(w)));
    relation_direction(w, b8 || b4 ? ASSAY_DIRECTION_A_TO_B : ASSAY_DIRECTION_B_TO_A, made_later);
    return b8 || a8 ? RELATION_SAME_COSINE : COARSE_COSINE;
}

static bool quantised_in_blocks(struct relation_writer *w)
{
    struct compare_summary *s = &w->s;
    bool b = s->block_b * 2 > s->same_shape && s->block_a == 0;
    bool a = s->block_a * 2 > s->same_shape && s->block_b == 0;
    bool both = s->block_a * 2 > s->same_shape && s->block_b * 2 > s->same_shape &&
                s->block_type_a != s->block_type_b && best_cosine(w) >= BLOCKS_COSINE;
    if (both) {
        relation_add(
            w, "quantised", 1,
            assay_arena_print(w->c->arena,
                              "A holds %s blocks and B %s, at a cosine of %.5f: rounded from "
                              "common weights, or one from the other.",
                              s->block_type_a, s->block_type_b, best_cosine(w)));
        return true;
    }
    if ((!a && !b) || best_cosine(w) < BLOCKS_COSINE)
        return false;
    relation_add(w, "quantised", 1,
                 assay_arena_print(
                     w->c->arena, "%s holds %s blocks, at a cosine of %.5f to the other's weights.",
                     b ? "B" : "A", b ? s->block_type_b : s->block_type_a, best_cosine(w)));
    relation_direction(w, b ? ASSAY_DIRECTION_A_TO_B : ASSAY_DIRECTION_B_TO_A, made_later);
    return true;
}

/* All weights of one side fit a type that those of the other do not, and units are alike. */
static bool fits_a_type(struct relation_writer *w)
{
    const struct likeness *l = &w->s.all;
    const struct {
        const char *type;
        double a, b;
    } types[] = {{"F16", l->a_half, l->b_half}, {"BF16", l->a_bfloat16, l->b_bfloat16}};
    double n = l->typed;
    bool related = w->c->result->log10_p < COMPARE_SIGNIFICANT;
    for (size_t i = 0; i < 2 && related; i++) {
        bool b = types[i].b >= 0.9999 * n && types[i].a < 0.9 * n;
        bool a = types[i].a >= 0.9999 * n && types[i].b < 0.9 * n;
        if (n < 1 || (!a && !b))
            continue;
        relation_add(w, "quantised", 1,
                     assay_arena_print(w->c->arena,
                                       "All weights of %s that were read fit %s, few of the "
                                       "other's do; the cosine is %.5f.",
                                       b ? "B" : "A", types[i].type, best_cosine(w)));
        if (best_cosine(w) > RELATION_SAME_COSINE)
            relation_direction(w, b ? ASSAY_DIRECTION_A_TO_B : ASSAY_DIRECTION_B_TO_A, made_later);
        return true;
    }
    return false;
}

/* ---- signed bytes, and grids of rows and tensors ----------------------------------------------
 */

static bool nearly_all(size_t some, size_t all)
{
    return all > 0 && (double)some >= NEARLY_ALL * (double)all;
}

/* What one scale each does for all that was looked at; NULL: nothing. */
static const char *scale_of(const struct scales_seen *s)
{
    return nearly_all(s->tensor_fits, s->tensors)   ? "tensor"
           : nearly_all(s->row_fits, s->rows)       ? "row"
           : nearly_all(s->column_fits, s->columns) ? "column"
                                                    : NULL;
}

static double bytes_explained(struct relation_writer *w, const struct scales_seen *s, int side)
{
    struct assay_arena *arena = w->c->arena;
    const char *scale = scale_of(s), *own = side ? "B" : "A", *other = side ? "A" : "B";
    double deviation = s->values > 0 ? sqrt(s->deviation / s->values) : 1;
    relation_add(
        w, "quantised", (double)s->row_fits / (double)s->rows,
        assay_arena_print(arena,
                          "%s holds signed bytes: one scale a %s makes them %s's weights, rounded, "
                          "in all of %zu rows of %zu tensors that were looked at%s.",
                          own, scale, other, s->rows, s->tensors,
                          deviation < WHOLE_NUMBERS
                              ? "; the other's are whole multiples of it, so that these are the "
                                "same rounded weights, written in two ways"
                              : ""));
    if (deviation >= WHOLE_NUMBERS)
        relation_direction(w, side ? ASSAY_DIRECTION_A_TO_B : ASSAY_DIRECTION_B_TO_A, made_later);
    return ALL_EXPLAINED;
}

/* The cosine that it leaves at least, or 0. */
static double in_signed_bytes(struct relation_writer *w)
{
    int side = w->c->bytes[1].rows > 0;
    const struct scales_seen *s = &w->c->bytes[side];
    if (s->rows == 0 || w->c->result->log10_p >= COMPARE_SIGNIFICANT)
        return 0;
    if (scale_of(s))
        return bytes_explained(w, s, side);
    if (!(best_cosine(w) >= BLOCKS_COSINE))
        return 0;
    relation_add(w, "quantised", (double)s->row_fits / (double)s->rows,
                 assay_arena_print(
                     w->c->arena,
                     "%s holds signed bytes, but no one scale a tensor, row or column makes them "
                     "the other's weights, rounded (one a row does in %zu of %zu rows): tuned "
                     "besides, or rounded with other scales. Each row scaled to fit, the cosine "
                     "is %.5f.",
                     side ? "B" : "A", s->row_fits, s->rows, best_cosine(w)));
    return RELATION_SAME_COSINE;
}

/* Floats of which all rows, or tensors, are whole multiples of one step, up to 127 or 128. */
static assay_status on_own_grids(struct relation_writer *w, double *explained)
{
    struct grid_seen g[2];
    *explained = 0;
    if (!(best_cosine(w) >= COMPARE_TRAINED_COSINE) || w->c->result->log10_p >= COMPARE_SIGNIFICANT)
        return ASSAY_OK;
    ASSAY_TRY(compare_grids(w->c, g));
    for (int side = 0; side < 2; side++) {
        const struct grid_seen *own = &g[side], *other = &g[!side];
        bool rows = nearly_all(own->on_grid, own->rows) && other->on_grid * 10 < other->rows;
        bool tensors = nearly_all(own->one_step, own->tensors) && other->one_step == 0;
        if (!rows && !tensors)
            continue;
        bool rounded_rows = rows && nearly_all(own->rounded, own->rows);
        bool all = rounded_rows || (tensors && nearly_all(own->one_step_rounded, own->tensors));
        relation_add(w, "quantised", 1,
                     assay_arena_print(
                         w->c->arena,
                         "Weights of %s are whole multiples of one step a %s, up to 128 (8-bit "
                         "integers with a scale), in all of %zu rows of %zu tensors that were "
                         "looked at; the other's %s. The cosine is %.5f.",
                         side ? "B" : "A", tensors ? "tensor" : "row", own->rows, own->tensors,
                         all ? "round to them" : "do not all round to them", best_cosine(w)));
        relation_direction(w, side ? ASSAY_DIRECTION_A_TO_B : ASSAY_DIRECTION_B_TO_A, made_later);
        *explained = all ? ALL_EXPLAINED : RELATION_SAME_COSINE;
        return ASSAY_OK;
    }
    return ASSAY_OK;
}

/* ---- any of them ------------------------------------------------------------------------------
 */

assay_status relations_rounding(struct relation_writer *w, double *explained)
{
    const struct likeness *l = &w->s.all;
    *explained = in_signed_bytes(w);
    if (*explained > 0)
        return ASSAY_OK;
    if (rounded(w, "F16", l->a_half, l->b_half, l->half_equal) ||
        rounded(w, "BF16", l->a_bfloat16, l->b_bfloat16, l->bfloat16_equal) ||
        quantised_in_blocks(w)) {
        *explained = COARSE_COSINE;
        return ASSAY_OK;
    }
    *explained = on_a_grid(w);
    if (!(*explained > 0))
        ASSAY_TRY(on_own_grids(w, explained));
    if (!(*explained > 0) && fits_a_type(w))
        *explained = RELATION_SAME_COSINE;
    return ASSAY_OK;
}
