/* SPDX-License-Identifier: Apache-2.0 */
/* compare: a finding's weights as likelihood ratios against a reference, and as probabilities. */
#ifndef CASE_COMPARE_H
#define CASE_COMPARE_H

#include <assay/case.h>

/*
 * Fills the reference and the comparisons of `result` from its finding. `path` places the
 * refusal of a stated hypothesis or a prior that the finding does not list.
 */
ASSAY_MUST_USE assay_status compare_result(const char *path,
                                           const struct assay_case_question *question,
                                           struct assay_arena *arena,
                                           struct assay_case_result *result,
                                           struct assay_error *error);

#endif
