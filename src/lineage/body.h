/* SPDX-License-Identifier: Apache-2.0 */
/*
 * body: a transformer as an embedding and feed-forward units, each unit as three vectors in the
 * residual stream (what its gate and up rows read, what its down column writes), norms folded in.
 */
#ifndef LINEAGE_BODY_H
#define LINEAGE_BODY_H

#include "lineage/matrices.h"

enum part { PART_GATE, PART_UP, PART_DOWN, PART_COUNT };

/* The feed-forward part of a layer, or of one of its experts. */
struct body_block {
    const struct matrix *part[PART_COUNT]; /* gate may be NULL */
    const struct assay_tensor *norm;       /* before the feed-forward part; NULL: unknown */
    uint64_t units;
    long layer, expert; /* expert -1: the layer has one part */
};

struct body {
    const struct matrix *embedding;
    uint64_t width;                  /* of the residual stream */
    struct body_block *blocks;       /* by layer, then by expert */
    size_t block_count, layer_count; /* layers that have a block */
    bool gated, experts;
};

/* False where there is no embedding or no feed-forward part known by its role, or too many. */
ASSAY_MUST_USE bool body_find(const struct assay_checkpoint *checkpoint,
                              const struct matrices *matrices, struct assay_arena *arena,
                              struct body *body);

/* How A's residual stream lies in B's: coordinate c of B is `to`[c] of A, or A's row times q. */
struct turn {
    uint64_t width;
    size_t *to;   /* NULL if q is used */
    float *q;     /* width x width; NULL if `to` is used */
    double fit;   /* cosine of all of A's embeddings, turned, with B's; 0 where q is partial */
    bool partial; /* q turns only what the embeddings of some tokens span, and drops the rest */
};

/*
 * `count` evenly spaced units of a block (all if there are fewer), one part of them, turned if
 * `turn` is not NULL, of length 1. `both_signs`: every unit twice, the second `count` negated.
 * `numbers` (room for count) gets which units they are, `lengths` (likewise) how long they were.
 * Not centred.
 */
ASSAY_MUST_USE assay_status body_units(const struct body_block *block, enum part part,
                                       uint64_t count, bool both_signs, const struct turn *turn,
                                       struct units *units, size_t *numbers, float *lengths,
                                       uint64_t *bytes_read, struct assay_error *error);

/* The norm before a layer's attention, or NULL. */
const struct assay_tensor *body_attention_norm(const struct assay_checkpoint *checkpoint,
                                               long layer, uint64_t width);

/* All rows (or columns) of a matrix as vectors in the residual stream, with their lengths; the
 * norm folded in and turned where those are not NULL. Free with units_free. */
ASSAY_MUST_USE assay_status body_vectors(const struct matrix *matrix, bool columns,
                                         const struct assay_tensor *norm, const struct turn *turn,
                                         struct units *units, struct assay_error *error);

#endif
