/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LINEAGE_TURN_H
#define LINEAGE_TURN_H

#include "lineage/body.h"

/*
 * Finds the turn from A's residual stream to B's, from embeddings alone. `found` is false where
 * widths differ or nothing fits. Free it with turn_free.
 */
ASSAY_MUST_USE assay_status turn_find(const struct assay_context *context, const struct body *a,
                                      const struct body *b, struct turn *turn, bool *found,
                                      uint64_t *bytes_read, struct assay_error *error);
void turn_free(struct turn *turn);

#endif
