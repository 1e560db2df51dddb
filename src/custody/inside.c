/* SPDX-License-Identifier: Apache-2.0 */
#define _XOPEN_SOURCE 700 /* realpath */
#include "custody/inside.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The real path of the folder that holds `file`; free() it. */
static char *holder(const char *file)
{
    const char *slash = strrchr(file, '/');
    if (!slash)
        return realpath(".", NULL);
    char *copy = strdup(file);
    if (!copy)
        return NULL;
    copy[slash == file ? 1 : slash - file] = '\0';
    char *real = realpath(copy, NULL);
    free(copy);
    return real;
}

assay_status path_inside(const char *folder, const char *file, char *inside, size_t size,
                         struct assay_error *error)
{
    assay_status status = ASSAY_OK;
    const char *slash = strrchr(file, '/'), *name = slash ? slash + 1 : file;
    char *outer = realpath(folder, NULL);
    if (!outer)
        return assay_error_at(error, ASSAY_ERROR_IO, folder, 0, "cannot open: %s", strerror(errno));
    char *inner = holder(file);
    if (!inner) {
        status = assay_error_at(error, ASSAY_ERROR_IO, file, 0, "cannot open its folder: %s",
                                strerror(errno));
    } else {
        size_t length = strcmp(outer, "/") == 0 ? 0 : strlen(outer);
        inside[0] = '\0';
        if (strncmp(inner, outer, length) == 0 && (inner[length] == '/' || !inner[length])) {
            const char *rest = inner[length] == '/' ? inner + length + 1 : "";
            int written = snprintf(inside, size, "%s%s%s", rest, rest[0] ? "/" : "", name);
            if (written < 0 || (size_t)written >= size)
                status = assay_error_at(error, ASSAY_ERROR_LIMIT, file, 0, "the path is too long");
        }
    }
    free(outer);
    free(inner);
    return status;
}
