/* SPDX-License-Identifier: Apache-2.0 */
/* commands: one definition in each file src/cli/ROOM_VERB.c. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "cli/cli.h"

extern const struct cli_command cli_case_sign, cli_case_verify, cli_case_export, cli_case_diff;
extern const struct cli_command cli_case_calibrate;
extern const struct cli_command cli_case_run, cli_case_check, cli_case_new, cli_case_show;
extern const struct cli_command cli_claim_predict, cli_claim_search, cli_claim_simulate;
extern const struct cli_command cli_claim_validate;
extern const struct cli_command cli_claim_infer, cli_claim_calibrate;
extern const struct cli_command cli_chips, cli_claim_explain, cli_claim_fence;
extern const struct cli_command cli_model, cli_serve;

extern const struct cli_command cli_lineage_stages;
extern const struct cli_command cli_lineage_compare, cli_lineage_disguise, cli_lineage_inspect,
    cli_lineage_scan, cli_lineage_tokenizers;
extern const struct cli_command cli_style_identify, cli_style_inspect, cli_style_parent,
    cli_style_rank, cli_style_collect, cli_style_copies, cli_style_tree, cli_style_validate,
    cli_style_power, cli_style_fingerprint, cli_lineage_fingerprint, cli_lineage_merge,
    cli_lineage_config, cli_lab_run;

extern const struct cli_command cli_lab_train, cli_lab_export, cli_lab_score;

#endif
