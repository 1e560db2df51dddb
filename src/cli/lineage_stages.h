/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lineage_stages: what lies beside two checkpoints, as stages of a comparison. In: open
 * checkpoints. Out: the stages "tokenizer" and "configuration", each only if both sides have one.
 * What can go wrong: a tokenizer or a config.json that is there and broken.
 */
#ifndef CLI_LINEAGE_STAGES_H
#define CLI_LINEAGE_STAGES_H

#include "cli/cli.h"

#include <assay/lineage.h>

#define LINEAGE_STAGES 2

assay_status lineage_stages_beside(struct cli_call *call, const struct assay_checkpoint *a,
                                   const struct assay_checkpoint *b, struct assay_arena *arena,
                                   struct assay_lineage_stage stages[LINEAGE_STAGES],
                                   size_t *count);

/* "layers 32 (in 12 of 48 families), ..." for the keys that are equal, or that differ. */
char *lineage_keys(struct assay_arena *arena, const struct assay_configuration *a,
                   const struct assay_configuration *b,
                   const struct assay_configuration_likeness *likeness, bool equal);

#endif
