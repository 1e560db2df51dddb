/* SPDX-License-Identifier: Apache-2.0 */
/* The commands, in the order in which help lists them. */
#include "cli/commands.h"

#include <stddef.h>

/* a row a line, NULL last */
/* clang-format off */
const struct cli_command *const cli_commands[] = {
    &cli_case_run,
    &cli_case_check,
    &cli_case_show,
    &cli_case_new,
    &cli_case_diff,
    &cli_case_export,
    &cli_case_calibrate,
    &cli_case_verify,
    &cli_case_sign,
    &cli_claim_predict,
    &cli_claim_validate,
    &cli_claim_search,
    &cli_claim_infer,
    &cli_claim_simulate,
    &cli_claim_explain,
    &cli_claim_fence,
    &cli_claim_calibrate,
    &cli_model,
    &cli_chips,
    &cli_serve,
    &cli_lab_run,
    &cli_lab_train,
    &cli_lab_export,
    &cli_lab_score,
    &cli_lineage_compare,
    &cli_lineage_disguise,
    &cli_lineage_fingerprint,
    &cli_lineage_inspect,
    &cli_lineage_scan,
    &cli_lineage_stages,
    &cli_lineage_config,
    &cli_lineage_merge,
    &cli_lineage_tokenizers,
    &cli_style_collect,
    &cli_style_copies,
    &cli_style_identify,
    &cli_style_inspect,
    &cli_style_fingerprint,
    &cli_style_parent,
    &cli_style_power,
    &cli_style_rank,
    &cli_style_tree,
    &cli_style_validate,
    NULL,
};
/* clang-format on */
