/* SPDX-License-Identifier: Apache-2.0 */
/* Prints the report of the sample case as JSON, for tests of its schema. */
#include "case_folder.h"

#include <assay/report.h>

int main(void)
{
    struct case_folder folder = case_folder_new(SAMPLE_CASE SAMPLE_PRIORS);
    struct assay_context context = assay_context_default();
    struct assay_case subject;
    struct assay_assessment assessment;
    struct assay_error error;
    char *text = NULL;
    assay_status status = case_read_with(sample_table(), folder.path, &subject, &error);
    case_folder_free(&folder);
    if (status != ASSAY_OK)
        return 2;
    status = case_run_with(sample_table(), &subject, shipped_data(), NULL, &context, &assessment,
                           &error);
    if (status == ASSAY_OK) {
        status = assay_report_json(&assessment, &text, &error);
        assay_assessment_free(&assessment);
    }
    assay_case_free(&subject);
    if (status != ASSAY_OK)
        return 2;
    fputs(text, stdout);
    free(text);
    return 0;
}
