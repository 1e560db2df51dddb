/* SPDX-License-Identifier: Apache-2.0 */
#include "base/folder.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

assay_status folder_make(const char *path, struct assay_error *error)
{
    struct stat info;
    if (mkdir(path, 0777) != 0 && errno != EEXIST)
        return assay_error_at(error, ASSAY_ERROR_IO, path, 0, "cannot make the folder: %s",
                              strerror(errno));
    if (stat(path, &info) != 0 || !S_ISDIR(info.st_mode))
        return assay_error_at(error, ASSAY_ERROR_IO, path, 0,
                              "is there and is no folder: expected one to write to");
    if (access(path, W_OK | X_OK) != 0)
        return assay_error_at(error, ASSAY_ERROR_IO, path, 0, "cannot write to this folder: %s",
                              strerror(errno));
    return ASSAY_OK;
}
