/* SPDX-License-Identifier: Apache-2.0 */
/* turn: how the residual stream of one model lies in that of another. */
#ifndef LINEAGE_TURN_H
#define LINEAGE_TURN_H

#include "lineage/body.h"

/*
 * Finds the turn from A's residual stream to B's, from their embeddings alone. `found` is false
 * where widths differ or nothing fits. Free it with turn_free.
 */
ASSAY_MUST_USE assay_status turn_find(const struct assay_context *context, const struct matrix *a,
                                      const struct matrix *b, struct turn *turn, bool *found,
                                      uint64_t *bytes_read, struct assay_error *error);
void turn_free(struct turn *turn);

/* Whether it leaves every coordinate where it is. */
bool turn_is_identity(const struct turn *turn);

#endif
