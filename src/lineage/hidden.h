/* SPDX-License-Identifier: Apache-2.0 */
/* hidden: roles for feed-forward parts and embeddings whose names say nothing. */
#ifndef LINEAGE_HIDDEN_H
#define LINEAGE_HIDDEN_H

#include "lineage/compare.h"

/*
 * Gives roles, numbers and partners to feed-forward matrices and embeddings of `y`, whose names
 * are hidden, from those of `x`; and to x's own where `x_named` is false. Does nothing (and leaves
 * c->lent as it is) where shapes are not those of transformers of one width, or the work is too
 * much. Errors: of reading; memory.
 */
ASSAY_MUST_USE assay_status hidden_blocks(struct comparing *c, struct matrices *x, bool x_named,
                                          struct matrices *y);

#endif
