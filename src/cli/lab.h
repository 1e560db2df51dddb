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

/* A share with its n and interval, as members of an object or as an object of its own. */
void cli_lab_set_rate(json_t *to, const char *share, const struct assay_lab_rate *rate);
json_t *cli_lab_rate(const struct assay_lab_rate *rate);

/* Keys of the white box's rows: "white_box" and "white_box_worth" (lab_white_out.c). */
void cli_lab_white_json(json_t *to, const struct assay_lab_result *result);
void cli_lab_white_print(const struct assay_lab_result *result);

/* The same of a design of families (lab_families.c), and what `assay lineage` loads of it. */
json_t *cli_lab_families_json(const struct assay_lab_result *result);
void cli_lab_families_print(const struct assay_lab_result *result);
assay_status cli_lab_families_write(struct cli_call *call, const struct assay_lab_result *result,
                                    const char *path);

/* For assay_lab_settings: the lineage instrument; `data` is the call (lab_white.c). */
assay_lab_compare cli_lab_compare;

/* report.json and report.html in the folder: the same, and charts of it. */
assay_status cli_lab_report(struct cli_call *call, const char *folder,
                            const struct assay_lab_result *result);

/* Writes `path`: what the style instrument's score of log-probabilities is worth on the lab's
 * students. *cllr: what its ratios cost, bits. */
assay_status cli_lab_calibrate(struct cli_call *call, const struct assay_lab_result *result,
                               const char *path, double *cllr);

#endif
