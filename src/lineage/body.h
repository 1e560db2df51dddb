/* SPDX-License-Identifier: Apache-2.0 */
/*
 * body: a transformer as an embedding and feed-forward units, each unit as three vectors in the
 * residual stream (what its gate and up rows read, what its down column writes), norms folded in.
 */
#ifndef LINEAGE_BODY_H
#define LINEAGE_BODY_H

#include "lineage/matrices.h"

enum part { PART_GATE, PART_UP, PART_DOWN, PART_COUNT };

struct body_layer {
    const struct matrix *part[PART_COUNT]; /* gate may be NULL */
    const struct assay_tensor *norm;       /* before the feed-forward part; NULL: unknown */
    uint64_t units;
};

struct body {
    const struct matrix *embedding;
    uint64_t width; /* of the residual stream */
    struct body_layer *layers;
    size_t layer_count;
};

/* False (or an empty body) where there is no embedding or no feed-forward part known by name. */
ASSAY_MUST_USE bool body_find(const struct assay_checkpoint *checkpoint,
                              const struct matrices *matrices, struct assay_arena *arena,
                              struct body *body);

/* How A's residual stream lies in B's: coordinate c of B is `to`[c] of A, or A's row times q. */
struct turn {
    uint64_t width;
    size_t *to; /* NULL if q is used */
    float *q;   /* width x width; NULL if `to` is used */
};

/*
 * `count` evenly spaced units of a layer (all if there are fewer), one part of them, turned if
 * `turn` is not NULL, of length 1. `both_signs`: every unit twice, the second `count` negated.
 * `numbers` (room for count) gets which units they are, `lengths` (likewise) how long they were.
 * Not centred.
 */
ASSAY_MUST_USE assay_status body_units(const struct body_layer *layer, enum part part,
                                       uint64_t count, bool both_signs, const struct turn *turn,
                                       struct units *units, size_t *numbers, float *lengths,
                                       uint64_t *bytes_read, struct assay_error *error);

#endif
