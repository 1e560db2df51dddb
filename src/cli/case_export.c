/* SPDX-License-Identifier: Apache-2.0 */
/* assay case export */
#include "cli/case_kept.h"
#include "cli/commands.h"

#include <assay/custody.h>
#include <assay/exchange.h>
#include <assay/report.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FORMAT, MODEL, OUT };

static assay_status write_form(struct cli_call *call, const struct assay_assessment *assessment,
                               char **text)
{
    const char *format = call->value[FORMAT];
    if (strcmp(format, "json") == 0)
        return assay_report_json(assessment, text, &call->error);
    if (strcmp(format, "text") == 0)
        return assay_report_text(assessment, text, &call->error);
    if (strcmp(format, "stix") == 0)
        return assay_exchange_stix(assessment, text, &call->error);
    return assay_exchange_cyclonedx(assessment, call->value[MODEL], text, &call->error);
}

static assay_status give(struct cli_call *call, const struct assay_assessment *assessment)
{
    char *text = NULL;
    ASSAY_TRY(write_form(call, assessment, &text));
    cli_progress_end();
    assay_status status = ASSAY_OK;
    if (call->value[OUT])
        status = assay_file_write(call->value[OUT], text, strlen(text), &call->error);
    else
        fputs(text, stdout);
    free(text);
    if (status == ASSAY_OK && call->value[OUT] && call->json)
        return cli_print_json(call, json_pack("{s:s,s:s}", "format", call->value[FORMAT], "written",
                                              call->value[OUT]));
    if (status == ASSAY_OK && call->value[OUT])
        cli_say("Written: %s\n", call->value[OUT]);
    return status == ASSAY_OK ? cli_finish_output(call) : status;
}

static assay_status check_options(struct cli_call *call)
{
    static const char *const formats[] = {"json", "text", "stix", "cyclonedx"};
    const char *format = call->value[FORMAT];
    bool known = false;
    for (size_t i = 0; format && i < sizeof formats / sizeof formats[0]; i++)
        known = known || strcmp(format, formats[i]) == 0;
    if (!format)
        return assay_error_at(&call->error, ASSAY_ERROR_INPUT, NULL, 0,
                              "expected --format json, text, stix or cyclonedx");
    if (!known)
        return assay_error_at(&call->error, ASSAY_ERROR_INPUT, NULL, 0,
                              "--format: found \"%.40s\", expected json, text, stix or cyclonedx",
                              format);
    if (call->value[MODEL] && strcmp(format, "cyclonedx") != 0)
        return assay_error_at(&call->error, ASSAY_ERROR_INPUT, NULL, 0,
                              "--model: only --format cyclonedx names the model");
    if (call->json && strcmp(format, "text") == 0 && !call->value[OUT])
        return assay_error_at(&call->error, ASSAY_ERROR_INPUT, NULL, 0,
                              "--json with --format text: expected --out FILE for the text");
    return ASSAY_OK;
}

assay_status cli_case_run_kept(struct cli_call *call, const char *folder,
                               const struct assay_case *subject,
                               struct assay_assessment *assessment)
{
    char kept[4200];
    int length = snprintf(kept, sizeof kept, "%s/%s", folder, ASSAY_CUSTODY_KEPT);
    bool there = length > 0 && (size_t)length < sizeof kept && access(kept, W_OK) == 0;
    return assay_case_run_kept(subject, call->data_folder, there ? kept : NULL, &call->context,
                               assessment, &call->error);
}

static assay_status export_case(struct cli_call *call)
{
    struct assay_case subject;
    struct assay_assessment assessment;
    ASSAY_TRY(check_options(call));
    ASSAY_TRY(assay_case_read(call->positional[0], &subject, &call->error));
    assay_status status = cli_case_run_kept(call, call->positional[0], &subject, &assessment);
    if (status == ASSAY_OK) {
        status = give(call, &assessment);
        assay_assessment_free(&assessment);
    }
    assay_case_free(&subject);
    return status;
}

const struct cli_command cli_case_export = {
    .room = "case",
    .verb = "export",
    .arguments = "DIR",
    .summary = "Print a case's assessment in a form that other programs take",
    .text =
        "Forms: json (docs/report.schema.json), text, stix (a STIX 2.1 bundle: exhibits as\n"
        "notes, hypotheses with their likelihood ratios, questions as groupings), cyclonedx\n"
        "(a CycloneDX 1.6 bill of materials of the model: hypotheses as claims with evidence,\n"
        "descent as pedigree). Identifiers and times come from the case, so that the same case\n"
        "gives the same bytes. What is lost in each form: docs/exchange.md.\n",
    .least = 1,
    .most = 1,
    .options = {{"format", "FORM", "json, text, stix or cyclonedx"},
                {"model", "NAME", "the model's name in cyclonedx (default: the case's title)"},
                {"out", "FILE", "write there rather than print"}},
    .run = export_case,
};
