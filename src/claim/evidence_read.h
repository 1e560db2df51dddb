/* SPDX-License-Identifier: Apache-2.0 */
/*
 * evidence_read: the sections `clues` and `priors` of a RUN.yaml (docs/claim.md has the keys). In:
 * the document's root, the run read so far. Out: run->clues and run->priors, in the run's arena.
 * What can go wrong: an unknown kind or key, a wrong unit, an accelerator that the table lacks, a
 * number that physics forbids on the stated machine: ASSAY_ERROR_INPUT with file and line.
 */
#ifndef CLAIM_EVIDENCE_READ_H
#define CLAIM_EVIDENCE_READ_H

#include <assay/evidence.h>

assay_status evidence_read(struct assay_run *run, struct assay_yaml *root,
                           const struct assay_claim_data *data, struct assay_error *error);

#endif
