/* SPDX-License-Identifier: Apache-2.0 */
/*
 * evidence: hypotheses weighed by claim and clues (evidence.c). Sorts them best first and fills
 * `e`, which lives in `arena`, in that order.
 */
#ifndef CLAIM_EVIDENCE_H
#define CLAIM_EVIDENCE_H

#include "claim/infer.h"

assay_status evidence_weigh(const struct assay_claim_data *data, const struct assay_run *run,
                            const struct assay_context *context, struct assay_arena *arena,
                            struct hypothesis *hypotheses, size_t count, struct assay_evidence *e,
                            struct assay_error *error);

#endif
