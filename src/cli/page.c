/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/page.h"

#include <assay/report.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

assay_status cli_page_check(struct cli_call *call, const char *path)
{
    char folder[4096] = ".";
    const char *slash = strrchr(path, '/');
    size_t length = slash ? (size_t)(slash - path) + (slash == path) : 0;
    if (length >= sizeof folder)
        return assay_error_at(&call->error, ASSAY_ERROR_LIMIT, path, 0, "the path is too long");
    if (length)
        snprintf(folder, sizeof folder, "%.*s", (int)length, path);
    return access(folder, W_OK) == 0
               ? ASSAY_OK
               : assay_error_at(&call->error, ASSAY_ERROR_IO, path, 0,
                                "cannot be written: expected a folder \"%s\" that can be "
                                "written to",
                                folder);
}

assay_status cli_page_write(struct cli_call *call, const struct assay_finding *finding,
                            const char *title, const char *path)
{
    char *page = NULL;
    assay_status status = assay_report_finding(finding, title, &page, &call->error);
    if (status == ASSAY_OK)
        status = assay_file_write(path, page, strlen(page), &call->error);
    free(page);
    return status;
}
