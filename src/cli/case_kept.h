/* SPDX-License-Identifier: Apache-2.0 */
/*
 * case_kept: a case run with the findings that earlier runs kept in FOLDER/out/findings. Makes no
 * folder, so that a command that only reads writes nothing of its own where nothing is kept.
 */
#ifndef CLI_CASE_KEPT_H
#define CLI_CASE_KEPT_H

#include "cli/cli.h"

#include <assay/case.h>

assay_status cli_case_run_kept(struct cli_call *call, const char *folder,
                               const struct assay_case *subject,
                               struct assay_assessment *assessment);

#endif
