/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lineage_beside: the stages of a comparison together with what lies beside the files: tokenizers,
 * configurations, a common base, pairs of known history. In: open checkpoints and a comparison of
 * them. Out: one list of stages. What can go wrong: a tokenizer, a config.json or a base that is
 * there and broken.
 */
#ifndef CLI_LINEAGE_BESIDE_H
#define CLI_LINEAGE_BESIDE_H

#include "cli/cli.h"

#include <assay/lineage.h>

#define LINEAGE_MOST_STAGES 16

struct lineage_stages {
    struct assay_lineage_stage list[LINEAGE_MOST_STAGES]; /* texts in the comparison's arena */
    size_t count;
};

/* `base`: a path or NULL. `more`: embeddings, gains and ratios too, which reads the files again;
 * without it only what the comparison found and what lies beside. */
assay_status lineage_stages_of(struct cli_call *call, const struct assay_checkpoint *a,
                               const struct assay_checkpoint *b, const char *base,
                               struct assay_lineage_comparison *comparison, bool more,
                               struct lineage_stages *stages);
json_t *lineage_stages_json(const struct lineage_stages *stages);
void lineage_stages_print(const struct lineage_stages *stages);

/* Opens the two checkpoints that the command was given, hands them to `then`, and closes them. */
typedef assay_status lineage_of_both(struct cli_call *call, const struct assay_checkpoint *a,
                                     const struct assay_checkpoint *b);
assay_status lineage_open_both(struct cli_call *call, lineage_of_both *then);

const char *lineage_direction_name(enum assay_lineage_direction direction);

/* "layers 32 (in 12 of 48 families), ..." for the keys that are equal, or that differ. */
char *lineage_keys(struct assay_arena *arena, const struct assay_configuration *a,
                   const struct assay_configuration *b,
                   const struct assay_configuration_likeness *likeness, bool equal);

#endif
