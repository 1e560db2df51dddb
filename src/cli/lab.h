/* SPDX-License-Identifier: Apache-2.0 */
/* What the lab's commands share. */
#ifndef CLI_LAB_H
#define CLI_LAB_H

#include "cli/commands.h"

#include <assay/lab.h>

#include <jansson.h>

/* json_decref it. */
json_t *cli_lab_json(const struct cli_call *call, const char *folder,
                     const struct assay_lab_result *result);

/* report.json and report.html in the folder: the same, and charts of it. */
assay_status cli_lab_report(struct cli_call *call, const char *folder,
                            const struct assay_lab_result *result);

/* Writes `path`: what the style instrument's score of log-probabilities is worth on the lab's
 * students. *cllr: what its ratios cost, bits. */
assay_status cli_lab_calibrate(struct cli_call *call, const struct assay_lab_result *result,
                               const char *path, double *cllr);

#endif
