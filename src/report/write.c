/* SPDX-License-Identifier: Apache-2.0 */
/* The report's files. Both are made before either is written. */
#include <assay/report.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static assay_status write_text(const char *folder, const char *name, const char *text,
                               struct assay_error *error)
{
    char path[PATH_MAX];
    if ((size_t)snprintf(path, sizeof path, "%s/%s", folder, name) >= sizeof path)
        return assay_error_at(error, ASSAY_ERROR_INPUT, folder, 0, "the path is too long");
    return assay_file_write(path, text, strlen(text), error);
}

assay_status assay_report_write(const struct assay_assessment *assessment, const char *folder,
                                struct assay_error *error)
{
    char *html = NULL, *json = NULL;
    assay_status status = assay_report_html(assessment, &html, error);
    if (status == ASSAY_OK)
        status = assay_report_json(assessment, &json, error);
    if (status == ASSAY_OK)
        status = write_text(folder, "report.html", html, error);
    if (status == ASSAY_OK)
        status = write_text(folder, "report.json", json, error);
    free(html);
    free(json);
    return status;
}
