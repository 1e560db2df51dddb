/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run: RUN.yaml from memory, for assay_run_read and the fuzzer (`path` is for messages), and what
 * follows from a run alone.
 */
#ifndef CLAIM_RUN_H
#define CLAIM_RUN_H

#include <assay/claim.h>

ASSAY_MUST_USE assay_status run_parse(const char *path, const void *bytes, size_t size,
                                      const struct assay_claim_data *data, struct assay_run *run,
                                      struct assay_error *error);

/* Device-hours of the whole run that it claims, by itself or a token; NaN if it claims none. */
double run_claimed_hours(const struct assay_run *run);

#endif
