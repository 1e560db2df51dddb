/* SPDX-License-Identifier: Apache-2.0 */
/* check: the small forms that case.yaml uses; each refuses with the node's file and line. */
#ifndef CASE_CHECK_H
#define CASE_CHECK_H

#include <assay/base.h>

/* 1 to 64 of A-Z a-z 0-9 . _ - */
ASSAY_MUST_USE assay_status check_id(const struct assay_yaml *node, const char *id,
                                     struct assay_error *error);

/* YYYY, YYYY-MM or YYYY-MM-DD, of a day that exists. */
ASSAY_MUST_USE assay_status check_date(const struct assay_yaml *node, const char *date,
                                       struct assay_error *error);

/* A letter A to F and a digit 1 to 6. */
ASSAY_MUST_USE assay_status check_grade(const struct assay_yaml *node, const char *grade,
                                        struct assay_error *error);

/*
 * A file below the folder of the YAML file: relative, without "..", readable. Gives the path to
 * open it by and its digest.
 */
ASSAY_MUST_USE assay_status check_path(const struct assay_yaml *node, const char *name,
                                       struct assay_arena *arena, const char **path,
                                       char sha256[65], struct assay_error *error);

#endif
