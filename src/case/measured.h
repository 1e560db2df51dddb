/* SPDX-License-Identifier: Apache-2.0 */
/*
 * measured: what obtainables would show, by how often an instrument was seen to be right
 * (data/instrument_power.csv). In: obtainables that name a measurement, and under each hypothesis
 * the conditions of it that would be so. Out: outcomes with P(o | h) = sum over conditions c of
 * share(c | h) P(o | c). What can go wrong: a measurement or condition that the table lacks.
 */
#ifndef CASE_MEASURED_H
#define CASE_MEASURED_H

#include <assay/case.h>

/* Fills reply->obtainables; `path` is the table. */
ASSAY_MUST_USE assay_status measured_resolve(const struct assay_case *subject, const char *path,
                                             struct assay_arena *arena,
                                             struct assay_case_reply *reply,
                                             struct assay_error *error);

#endif
