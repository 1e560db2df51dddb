/* SPDX-License-Identifier: Apache-2.0 */
/* rotation: the rotation of one residual stream into another. */
#ifndef LINEAGE_ROTATION_H
#define LINEAGE_ROTATION_H

#include "lineage/body.h"

#define ROTATION_TOKENS 1024

/*
 * Fills turn->q and turn->fit. `a` and `b` are embeddings of the same tokens, a coordinate of the
 * stream a row; their rows are centred. For as many tokens as coordinates at least. *found is false
 * where the iteration does not end in a rotation.
 */
ASSAY_MUST_USE assay_status rotation_find(const struct assay_context *context, struct units *a,
                                          struct units *b, struct turn *turn, bool *found,
                                          struct assay_error *error);

/* As far as an even sample of at most ROTATION_TOKENS of the `tokens` spans the stream:
 * turn->partial. */
ASSAY_MUST_USE assay_status rotation_find_partial(const struct assay_context *context,
                                                  const struct units *a, const struct units *b,
                                                  size_t tokens, struct turn *turn, bool *found,
                                                  struct assay_error *error);

#endif
