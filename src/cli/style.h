/* SPDX-License-Identifier: Apache-2.0 */
/* style: the response sets that a style command names, read and grouped. */
#ifndef CLI_STYLE_H
#define CLI_STYLE_H

#include "cli/cli.h"

#include <assay/style.h>

struct style_inputs {
    struct assay_responses *suspect; /* NULL: none was asked for */
    struct assay_style_candidate *candidates;
    size_t candidate_count;
    struct assay_responses **panel;
    size_t panel_count;
    struct assay_responses **sets; /* all of them, freed by style_inputs_free */
    size_t set_count;
    size_t left_out; /* files that are no response sets */
    struct assay_arena *arena;
};

/*
 * Reads `suspect` (or NULL), what lies at `candidates` (or NULL) and at the positionals, and
 * `panel` (or NULL), grouped by assay_style_candidates_group.
 */
assay_status style_inputs_read(struct cli_call *call, const char *suspect, const char *candidates,
                               const char *panel, struct style_inputs *inputs);
void style_inputs_free(struct style_inputs *inputs);

#endif
