/* SPDX-License-Identifier: Apache-2.0 */
/* compare: a comparison in the making; each file of the room adds a part. */
#ifndef LINEAGE_COMPARE_H
#define LINEAGE_COMPARE_H

#include "lineage/matrices.h"

#include <assay/lineage.h>

/* What two tensors of a pair have in common, element by element. */
struct likeness {
    double elements, equal;            /* counts, finite on both sides */
    double dot, aa, bb, difference;    /* sums; difference: of squares */
    double typed;                      /* elements whose types were looked at; of these: */
    double half_equal, bfloat16_equal; /* equal once rounded */
    double a_half, a_bfloat16, b_half, b_bfloat16; /* that fit the type */
    double blocks, grid_a[2], grid_b[2]; /* runs of 32; those on a grid of 127 and of 8 steps */
};

struct pair {
    const struct matrix *a, *b;
    bool same_shape;
    struct likeness like;
    double best_log10_p;
    size_t fixed, units;
    struct assay_lineage_match matches[2]; /* along either axis */
    size_t match_count;
    uint64_t bytes_read;
    assay_status status;       /* of looking at it */
    struct assay_error *error; /* NULL while several threads look at pairs */
};

/* What was seen behind a disguise (disguised.c, blocks.c, heads.c); layer_map NULL: not looked. */
struct disguise_seen {
    const char *layer_map; /* for each layer of B the one of A, "?" for none */
    size_t matched_layers, layers_a, layers_b;
    size_t repeated_in_a, repeated_in_b; /* layers that stand for one that another stands for */
    size_t missing_in_a, missing_in_b;   /* layers of the other side that have no partner here */
    size_t replaced;                     /* layers of B without a partner, none being missing */
    bool reordered, units_renumbered, residual_renumbered, residual_turned;
    double agreement, cosine;
    double negated, length_spread; /* of up rows: share negated; deviation of ln(length ratio) */
    size_t units_a, units_b;       /* of the matched blocks */
    size_t experts, experts_found; /* where one side has them: those that are the other's layers */
    bool experts_in_b, experts_renumbered;
    size_t heads, heads_found; /* of attention, compared; alike in what they read and write */
    bool heads_renumbered, heads_mixed;
    size_t differences, low_differences, most_rank; /* of units found: blocks; of low rank; it */
};

/* Signed bytes of one side against the other's weights (scales.c): what one scale each would
 * explain, of what was looked at. */
struct scales_seen {
    size_t tensors, tensor_fits, rows, row_fits, columns, column_fits;
    double deviation, values; /* squares of a/s - q; their number */
};

/* Floats that are whole multiples of a step (scales.c), up to 127 or 128: rows looked at, those on
 * a grid of their own, those that the other side's rounds to; tensors, those with one step for all
 * rows, those that the other's round to. */
struct grid_seen {
    size_t rows, on_grid, rounded, tensors, one_step, one_step_rounded;
};

#define COMPARE_SIGNIFICANT -6.0   /* log10 p from which a relation is put into words */
#define COMPARE_TRAINED_COSINE 0.5 /* over all weights, from which training was common */

/* All that is alike, over each of A's tensors and the partner that is most like it. */
struct compare_summary {
    struct likeness all;
    size_t same_shape, unchanged, block_a, block_b, ignored_a, ignored_b;
    const char *block_type_a, *block_type_b;
    double cosine, least_cosine;
};

struct comparing {
    const struct assay_checkpoint *file_a, *file_b;
    const struct assay_lineage_settings *settings;
    const struct assay_context *context;
    struct assay_lineage_comparison *result;
    struct assay_arena *arena;
    struct matrices a, b;
    struct pair *pairs;
    size_t pair_count;
    struct assay_lineage_match *matches;
    size_t match_count, match_room;
    struct disguise_seen seen;
    struct scales_seen bytes[2]; /* by the side that holds signed bytes */
    size_t planned;              /* tests, where not all of them were made; 0: they were */
    bool lent;                   /* names of a side were hidden: its layer numbers mean nothing */
    double log10_choices; /* ways in which hidden parts could have been put together; 0: none */
    struct assay_error *error;
};

assay_status compare_no_memory(struct comparing *c);

/* lend.c: roles for the tensors of one side, if all its names are hidden. */
ASSAY_MUST_USE assay_status compare_lend_roles(struct comparing *c);
/* pair.c: which tensors of A and B to set side by side. */
ASSAY_MUST_USE assay_status compare_pair_up(struct comparing *c);
/* likeness.c: element by element, for all pairs of one shape. */
ASSAY_MUST_USE assay_status compare_likeness(struct comparing *c);
/* scales.c: what scales make of signed bytes; the pair's sums are then of rows scaled to fit. */
ASSAY_MUST_USE assay_status compare_scales(struct comparing *c);
/* scales.c: grids of whole rows and tensors, of A and of B. */
ASSAY_MUST_USE assay_status compare_grids(struct comparing *c, struct grid_seen grids[2]);
void likeness_add(struct likeness *sum, const struct likeness *like);
/* axes.c: the exact tests on the axes of a pair. Writes to it alone, so that threads may take one
 * each. */
ASSAY_MUST_USE assay_status compare_axes(const struct comparing *c, struct pair *pair);
/* axes.c: the exact test on 64 units with the same numbers on both sides; NaN where there is none.
 */
ASSAY_MUST_USE assay_status compare_sampled_axis(const struct comparing *c, struct pair *pair,
                                                 enum axis axis, uint64_t coordinates,
                                                 struct assay_lineage_match *match);
/* Has what that test would read of the file fetched, without waiting. */
void compare_expect_sampled_axis(const struct pair *pair, enum axis axis, uint64_t coordinates);
/* quick.c: such tests on some pairs, until one is enough. */
ASSAY_MUST_USE assay_status compare_quick(struct comparing *c);
/* disguised.c: renumbered, turned, moved: for transformers known by their tensors' names. */
ASSAY_MUST_USE assay_status compare_disguised(struct comparing *c);
/* rank.c: the rank of B - A, if it is at most 64 and half the smaller side; else 0. */
ASSAY_MUST_USE assay_status compare_difference_rank(struct comparing *c, const struct pair *pair,
                                                    size_t *rank);
/* The same of `count` rows of `width` values. */
ASSAY_MUST_USE assay_status compare_rows_rank(struct comparing *c, const float *rows, size_t count,
                                              size_t width, size_t *rank);
/* stages.c: which stages of development are shared. */
ASSAY_MUST_USE assay_status compare_stages(struct comparing *c,
                                           const struct compare_summary *summary);
/* relations.c: what was done, the direction, the limits; then the stages. */
ASSAY_MUST_USE assay_status compare_conclude(struct comparing *c);

/* Adds a match and counts its test. */
ASSAY_MUST_USE assay_status compare_add_match(struct comparing *c,
                                              const struct assay_lineage_match *match);

#endif
