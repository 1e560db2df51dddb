/* SPDX-License-Identifier: Apache-2.0 */
/* matrices: the weights of a checkpoint that can be evidence, and which of their axes are units. */
#ifndef LINEAGE_MATRICES_H
#define LINEAGE_MATRICES_H

#include "lineage/match.h"
#include "lineage/roles.h"

enum axis { AXIS_FIRST, AXIS_SECOND };

struct matrix {
    const struct assay_tensor *tensor;
    struct named_role name;
    struct shaped shape;
    bool testable[2];       /* by enum axis: its units are hidden units, interchangeable */
    bool input_first;       /* the first axis is the input (an ONNX MatMul) */
    uint64_t blocks;        /* of the first axis: the gates of a recurrent cell, else 1 */
    bool own_units;         /* both axes may be the same units: entry (i, i) is left out */
    const char *ignored;    /* NULL, or why it is no evidence */
    struct matrix *partner; /* on the other side, where names did not tell; NULL: none */
};

struct matrices {
    struct matrix *list;
    size_t count;
    uint64_t bytes_read;
};

/*
 * All real tensors of rank 2 and more. In `arena`. With `look`, those that a formula made are
 * found and ignored; without, only what names and shapes tell.
 */
ASSAY_MUST_USE assay_status matrices_list(const struct assay_checkpoint *checkpoint,
                                          const struct assay_context *context, bool look,
                                          struct assay_arena *arena, struct matrices *matrices,
                                          struct assay_error *error);

/* Sets which axes are testable and how, from the role alone: for a role that was lent. */
void matrix_set_axes(struct matrix *matrix);

/* Units along an axis, and how long a unit's vector is. */
uint64_t matrix_units(const struct matrix *matrix, enum axis axis);
uint64_t matrix_width(const struct matrix *matrix, enum axis axis);

/* Which part of a matrix is read as units. */
struct selection {
    enum axis axis;
    const uint64_t *numbers; /* of units, ascending; NULL: all from `first` on */
    uint64_t first, count;
    uint64_t most_coordinates; /* fewer are read, evenly spaced, if there are more */
};

/* An even sample of 0 .. all-1; everything if it is no more than `wanted`. To be freed; or NULL. */
uint64_t *matrix_sample(uint64_t all, uint64_t wanted, uint64_t *count);

/*
 * Reads the selected units, centred and packed. Adds to *bytes_read what was read of the file.
 * Values that are not finite count as 0.
 */
ASSAY_MUST_USE assay_status matrix_pack_units(const struct assay_context *context,
                                              const struct matrix *matrix,
                                              const struct selection *selection,
                                              struct packed *packed, uint64_t *bytes_read,
                                              struct assay_error *error);

/* Has what matrix_pack_units would read fetched from disk, without waiting. */
void matrix_expect_units(const struct matrix *matrix, const struct selection *selection);

#endif
