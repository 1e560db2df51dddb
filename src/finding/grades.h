/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grades: the table of how far graded sources are trusted, data/source_reliability.csv. In: its
 * path. Out: struct assay_grades. What can go wrong: the table is missing or malformed, lacks a
 * grade or has one twice.
 */
#ifndef FINDING_GRADES_H
#define FINDING_GRADES_H

#include <assay/finding.h>

ASSAY_MUST_USE assay_status grades_table_read(const char *path, struct assay_grades *grades,
                                              struct assay_error *error);

#endif
