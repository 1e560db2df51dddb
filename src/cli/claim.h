/* SPDX-License-Identifier: Apache-2.0 */
/* claim: what the commands of the claim room share. */
#ifndef CLI_CLAIM_H
#define CLI_CLAIM_H

#include "cli/cli.h"

#include <assay/claim.h>

/* A plan as JSON, one key a degree. */
json_t *cli_plan_json(const struct assay_plan *plan);

/* Puts the accelerator `name` in the place of the run's; its layout and devices stay. */
assay_status cli_set_accelerator(struct cli_call *call, const struct assay_claim_data *data,
                                 struct assay_run *run, const char *name);

/* Reads the tables and the run of the first argument, calls `function`, frees both. */
assay_status cli_with_run(struct cli_call *call,
                          assay_status (*function)(struct cli_call *call,
                                                   const struct assay_claim_data *data,
                                                   struct assay_run *run));

/*
 * Moves a run to `count` devices of the accelerator `name` (NULL: the same). The plan stays if it
 * multiplies to the count by its data degree and fits in memory; else one is chosen.
 */
assay_status cli_change_machine(struct cli_call *call, const struct assay_claim_data *data,
                                struct assay_run *run, const char *name, int64_t count);

/* `text` in lines of at most 80 columns, each after `indent`, and a newline. */
void cli_print_wrapped(const char *text, const char *indent);

#endif
