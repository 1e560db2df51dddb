/* SPDX-License-Identifier: Apache-2.0 */
/* The report's files. Both are made before either is written. */
#include <assay/report.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Whether the file says this already: then it is left alone. */
static bool is_written(const char *path, const char *text)
{
    struct assay_file file;
    size_t size = strlen(text);
    if (access(path, R_OK) != 0 || assay_file_open(path, SIZE_MAX, &file, NULL) != ASSAY_OK)
        return false;
    bool same = file.size == size && memcmp(file.bytes, text, size) == 0;
    assay_file_close(&file);
    return same;
}

static assay_status write_text(const char *folder, const char *name, const char *text,
                               struct assay_error *error)
{
    char path[PATH_MAX];
    if ((size_t)snprintf(path, sizeof path, "%s/%s", folder, name) >= sizeof path)
        return assay_error_at(error, ASSAY_ERROR_INPUT, folder, 0, "the path is too long");
    return is_written(path, text) ? ASSAY_OK : assay_file_write(path, text, strlen(text), error);
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
