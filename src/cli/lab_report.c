/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a lab found, beside its models: report.json, and report.html, the page of web/ with the
 * result as a finding. In: a result. What can go wrong: the disk, memory.
 */
#include "cli/lab.h"

#include "base/json.h"

#include <assay/report.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static assay_status write_beside(struct cli_call *call, const char *folder, const char *name,
                                 const char *text)
{
    char path[4096];
    int n = snprintf(path, sizeof path, "%s/%s", folder, name);
    if (n < 0 || (size_t)n >= sizeof path)
        return assay_error_at(&call->error, ASSAY_ERROR_LIMIT, folder, 0,
                              "the folder's name is too long");
    return assay_file_write(path, text, strlen(text), &call->error);
}

static assay_status make_page(struct cli_call *call, const struct assay_lab_result *r, char **page)
{
    struct assay_finding finding;
    ASSAY_TRY(
        assay_lab_describe(r, call->positional[0], call->context.seed, &finding, &call->error));
    assay_status status = assay_report_finding(
        &finding, "What the lab's detectors see of distillation done on purpose", page,
        &call->error);
    assay_finding_free(&finding);
    return status;
}

assay_status cli_lab_report(struct cli_call *call, const char *folder,
                            const struct assay_lab_result *r)
{
    char *page = NULL;
    json_t *json = cli_lab_json(call, folder, r);
    char *text = json_print(json);
    json_decref(json);
    assay_status status =
        text ? write_beside(call, folder, "report.json", text)
             : assay_error_at(&call->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    free(text);
    bool drawn = status == ASSAY_OK && r->pair_count == 0; /* families have no curves */
    if (drawn)
        status = make_page(call, r, &page);
    if (drawn && status == ASSAY_OK)
        status = write_beside(call, folder, "report.html", page);
    free(page);
    return status;
}
