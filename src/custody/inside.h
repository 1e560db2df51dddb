/* SPDX-License-Identifier: Apache-2.0 */
/* inside: where a file lies relative to a folder, through whatever links lead to either. */
#ifndef CUSTODY_INSIDE_H
#define CUSTODY_INSIDE_H

#include <assay/base.h>

/*
 * The path of `file`, which need not be there yet, relative to `folder`: "" if it lies elsewhere.
 * ASSAY_ERROR_IO if the folder or the file's own folder is not there.
 */
ASSAY_MUST_USE assay_status path_inside(const char *folder, const char *file, char *inside,
                                        size_t size, struct assay_error *error);

#endif
