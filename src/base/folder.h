/* SPDX-License-Identifier: Apache-2.0 */
/*
 * folder: where results go. In: a path. Out: a folder that can be written to, made if it was not
 * there (its parent must be), before hours are spent on what is to lie in it. What can go wrong:
 * the path is a file's, the parent is missing, no permission: ASSAY_ERROR_IO with the path.
 */
#ifndef BASE_FOLDER_H
#define BASE_FOLDER_H

#include <assay/base.h>

ASSAY_MUST_USE assay_status folder_make(const char *path, struct assay_error *error);

#endif
