/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grades: how far grades are trusted. In: data/source_reliability.csv and what a case changes.
 * Out: the chances in use. What can go wrong: the table is missing, malformed or lacks a grade.
 */
#ifndef CASE_GRADES_H
#define CASE_GRADES_H

#include <assay/case.h>

ASSAY_MUST_USE assay_status grades_read(const char *data_folder, const struct assay_case *subject,
                                        struct assay_case_reliability *reliability, char sha256[65],
                                        struct assay_error *error);

#endif
