/* SPDX-License-Identifier: Apache-2.0 */
/* assay case diff */
#include "cli/case_kept.h"
#include "cli/commands.h"

#include <assay/case.h>

#include "base/escape.h"
#include "base/json.h"
#include "custody/json_difference.h"
#include "custody/outline.h"
#include "report/report_json.h"

#include <string.h>

/* The report of the case in `folder`, or NULL with the reason in the call. */
static json_t *report_of(struct cli_call *call, const char *folder, assay_status *status)
{
    struct assay_case subject;
    struct assay_assessment assessment;
    json_t *report = NULL;
    *status = assay_case_read(folder, &subject, &call->error);
    if (*status != ASSAY_OK)
        return NULL;
    *status = cli_case_run_kept(call, folder, &subject, &assessment);
    if (*status == ASSAY_OK) {
        report = report_to_json(&assessment);
        assay_assessment_free(&assessment);
        if (!report)
            *status = assay_error_at(&call->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    }
    assay_case_free(&subject);
    return report;
}

/* ---- what is printed ----------------------------------------------------------------------- */

static json_t *differences_to_json(const struct json_differences *found, const json_t *names)
{
    json_t *list = json_array(), *renamed = json_array(), *o = json_object();
    for (size_t i = 0; i < found->count; i++) {
        const struct json_difference *d = &found->list[i];
        json_t *entry = json_object();
        json_set_text(entry, "section", d->section);
        json_set_text(entry, "place", d->place);
        json_object_set_new(entry, "first", d->first ? json_deep_copy(d->first) : json_null());
        json_object_set_new(entry, "second", d->second ? json_deep_copy(d->second) : json_null());
        json_array_append_new(list, entry);
    }
    void *i = json_object_iter((json_t *)(uintptr_t)names);
    for (; i; i = json_object_iter_next((json_t *)(uintptr_t)names, i))
        if (strcmp(json_object_iter_key(i), json_string_value(json_object_iter_value(i))) != 0)
            json_array_append_new(renamed,
                                  json_pack("{s:O,s:s}", "first", json_object_iter_value(i),
                                            "second", json_object_iter_key(i)));
    json_object_set_new(o, "same", json_boolean(found->count == 0));
    json_object_set_new(o, "exhibits_under_other_ids", renamed);
    json_object_set_new(o, "differences", list);
    return o;
}

static void print_value(const char *which, const json_t *value)
{
    char text[400];
    json_difference_value(value, text, sizeof text);
    cli_say("      %s: ", which);
    escape_plain(stdout, text, strlen(text));
    cli_say("\n");
}

static void print_text(const struct json_differences *found, const json_t *result)
{
    static const struct {
        const char *section, *title;
    } titles[] = {{"case", "The case"},
                  {"exhibits", "Exhibits"},
                  {"grades", "Grades of exhibits"},
                  {"reliability", "How far grades are trusted"},
                  {"questions", "Questions and hypotheses"},
                  {"findings", "Findings (likelihoods relative to the best hypothesis)"},
                  {"dependence", "What is not counted as independent"},
                  {"priors", "Priors"},
                  {"results", "Results"}};
    const json_t *renamed = json_object_get(result, "exhibits_under_other_ids");
    for (size_t i = 0; i < json_array_size(renamed); i++)
        cli_say("The same exhibit: %s in the first, %s in the second\n",
                json_string_value(json_object_get(json_array_get(renamed, i), "first")),
                json_string_value(json_object_get(json_array_get(renamed, i), "second")));
    if (found->count == 0)
        cli_say("The two cases say the same.\n");
    for (size_t t = 0; t < sizeof titles / sizeof titles[0]; t++) {
        bool any = false;
        for (size_t i = 0; i < found->count; i++) {
            if (strcmp(found->list[i].section, titles[t].section) != 0)
                continue;
            if (!any)
                cli_say("%s\n", titles[t].title);
            any = true;
            const char *place = found->list[i].place + strlen(titles[t].section);
            cli_say("  ");
            escape_plain(stdout, place + (*place == '.'), strlen(place + (*place == '.')));
            cli_say("\n");
            print_value("first ", found->list[i].first);
            print_value("second", found->list[i].second);
        }
    }
}

/* ---- the command --------------------------------------------------------------------------- */

static assay_status compare(struct cli_call *call, const json_t *first, const json_t *second)
{
    struct json_differences found = {0};
    json_t *names = outline_same_exhibits(first, second);
    json_t *a = outline_of(first, NULL), *b = outline_of(second, names);
    assay_status status = names && a && b ? json_differences_find(a, b, &found, &call->error)
                                          : assay_error_at(&call->error, ASSAY_ERROR_MEMORY, NULL,
                                                           0, "out of memory");
    if (status == ASSAY_OK) {
        json_t *result = differences_to_json(&found, names);
        cli_progress_end();
        if (call->json) {
            status = cli_print_json(call, result);
        } else {
            print_text(&found, result);
            json_decref(result);
            status = cli_finish_output(call);
        }
        json_differences_free(&found);
    }
    json_decref(names);
    json_decref(a);
    json_decref(b);
    return status;
}

static assay_status diff_cases(struct cli_call *call)
{
    assay_status status;
    json_t *first = report_of(call, call->positional[0], &status), *second = NULL;
    if (first)
        second = report_of(call, call->positional[1], &status);
    if (second)
        status = compare(call, first, second);
    json_decref(first);
    json_decref(second);
    return status;
}

const struct cli_command cli_case_diff = {
    .room = "case",
    .verb = "diff",
    .arguments = "DIR DIR",
    .summary = "Compare two cases: exhibits, grades, findings, priors, results",
    .text =
        "Runs both and names each place where they differ, with both values. Exhibits are\n"
        "paired by what they are (a file's bytes, a statement and who made it), whatever their\n"
        "ids; questions, hypotheses, findings and holders of priors by their names.\n"
        "Writes nothing. Exit status 0 whether they differ or not; --json says `same`.\n",
    .least = 2,
    .most = 2,
    .run = diff_cases,
};
