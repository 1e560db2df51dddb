/* SPDX-License-Identifier: Apache-2.0 */
/* assay case diff: of folders, which are run, and of reports, which are taken as they stand. */
#include "cli/case_kept.h"
#include "cli/commands.h"

#include <assay/case.h>

#include "base/escape.h"
#include "base/json.h"
#include "custody/json_difference.h"
#include "custody/outline.h"
#include "custody/versions.h"
#include "report/report_json.h"

#include <string.h>
#include <sys/stat.h>

#define MOST_REPORT ((size_t)1 << 30)

/* One of the two that are compared. */
struct side {
    const char *path;
    bool stored; /* a report that was made before; else the case is run now */
    json_t *report, *versions;
};

static json_t *stored_report(struct cli_call *call, const char *path, assay_status *status)
{
    json_t *report = NULL;
    *status = json_read(path, MOST_REPORT, &report, &call->error);
    if (*status != ASSAY_OK)
        return NULL;
    const char *form = json_string_value(json_object_get(report, "assay"));
    if (form && strcmp(form, "report/2") == 0)
        return report;
    *status =
        assay_error_at(&call->error, ASSAY_ERROR_INPUT, path, 0,
                       "\"assay\": found \"%.40s\", expected \"report/2\": a case's folder, or "
                       "the report.json of one",
                       form ? form : "nothing");
    json_decref(report);
    return NULL;
}

/* The report of the case in `folder`, or NULL with the reason in the call. */
static json_t *computed_report(struct cli_call *call, const char *folder, assay_status *status)
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

static json_t *side_to_json(const struct side *side)
{
    json_t *o = json_deep_copy(side->versions);
    json_object_set_new(o, "stored", json_boolean(side->stored));
    return o;
}

/* What a program computes; the rest stands in case.yaml. */
static bool is_computed(const char *section)
{
    return strcmp(section, "findings") == 0 || strcmp(section, "dependence") == 0 ||
           strcmp(section, "results") == 0;
}

static json_t *differences_to_json(const struct json_differences *found, const json_t *names,
                                   const struct side sides[2])
{
    bool same_version = versions_same(sides[0].versions, sides[1].versions);
    json_t *list = json_array(), *renamed = json_array(), *o = json_object();
    for (size_t i = 0; i < found->count; i++) {
        const struct json_difference *d = &found->list[i];
        json_t *entry = json_object();
        json_set_text(entry, "section", d->section);
        json_set_text(entry, "place", d->place);
        json_object_set_new(entry, "first", d->first ? json_deep_copy(d->first) : json_null());
        json_object_set_new(entry, "second", d->second ? json_deep_copy(d->second) : json_null());
        json_object_set_new(entry, "perhaps_by_version",
                            json_boolean(!same_version && is_computed(d->section)));
        json_array_append_new(list, entry);
    }
    void *i = json_object_iter((json_t *)(uintptr_t)names);
    for (; i; i = json_object_iter_next((json_t *)(uintptr_t)names, i))
        if (strcmp(json_object_iter_key(i), json_string_value(json_object_iter_value(i))) != 0)
            json_array_append_new(renamed,
                                  json_pack("{s:O,s:s}", "first", json_object_iter_value(i),
                                            "second", json_object_iter_key(i)));
    json_object_set_new(o, "same", json_boolean(found->count == 0));
    json_object_set_new(o, "versions",
                        json_pack("{s:b,s:o,s:o}", "same", same_version, "first",
                                  side_to_json(&sides[0]), "second", side_to_json(&sides[1])));
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

static void print_version(const char *what, const json_t *first, const json_t *second)
{
    const char *a = json_string_value(first), *b = json_string_value(second);
    if (json_equal(first, second) || (what && (!a || !b)))
        return;
    cli_say("  %s: %s in the first, %s in the second\n", what ? what : "assay", a ? a : "not said",
            b ? b : "not said");
}

static void print_versions(const struct side sides[2])
{
    const json_t *a = sides[0].versions, *b = sides[1].versions;
    json_t *methods = json_object_get(a, "methods"), *version;
    const char *method;
    if (versions_same(a, b))
        return;
    cli_say("The two were made by different versions\n");
    print_version(NULL, json_object_get(a, "program"), json_object_get(b, "program"));
    json_object_foreach(methods, method, version)
        print_version(method, version, json_object_get(json_object_get(b, "methods"), method));
    cli_say("  What is computed (findings, dependence, results) may differ for that alone, and it\n"
            "  cannot be told from reports: run both cases with one version, by naming folders.\n");
}

static void print_same_exhibits(const json_t *renamed)
{
    for (size_t i = 0; i < json_array_size(renamed); i++) {
        const json_t *o = json_array_get(renamed, i);
        cli_say("The same exhibit: %s in the first, %s in the second\n",
                json_string_value(json_object_get(o, "first")),
                json_string_value(json_object_get(o, "second")));
    }
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
    print_same_exhibits(json_object_get(result, "exhibits_under_other_ids"));
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

static assay_status compare(struct cli_call *call, const struct side sides[2])
{
    struct json_differences found = {0};
    json_t *names = outline_same_exhibits(sides[0].report, sides[1].report);
    json_t *a = outline_of(sides[0].report, NULL), *b = outline_of(sides[1].report, names);
    assay_status status = names && a && b ? json_differences_find(a, b, &found, &call->error)
                                          : assay_error_at(&call->error, ASSAY_ERROR_MEMORY, NULL,
                                                           0, "out of memory");
    if (status == ASSAY_OK) {
        json_t *result = differences_to_json(&found, names, sides);
        cli_progress_end();
        if (call->json) {
            status = cli_print_json(call, result);
        } else {
            print_versions(sides);
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

static assay_status read_side(struct cli_call *call, struct side *side)
{
    struct stat what;
    assay_status status;
    side->stored = stat(side->path, &what) == 0 && !S_ISDIR(what.st_mode);
    side->report = (side->stored ? stored_report : computed_report)(call, side->path, &status);
    if (!side->report)
        return status;
    side->versions = versions_of(side->report);
    return side->versions
               ? ASSAY_OK
               : assay_error_at(&call->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

static assay_status diff_cases(struct cli_call *call)
{
    struct side sides[2] = {{.path = call->positional[0]}, {.path = call->positional[1]}};
    assay_status status = ASSAY_OK;
    for (int i = 0; i < 2 && status == ASSAY_OK; i++)
        status = read_side(call, &sides[i]);
    if (status == ASSAY_OK)
        status = compare(call, sides);
    for (int i = 0; i < 2; i++) {
        json_decref(sides[i].report);
        json_decref(sides[i].versions);
    }
    return status;
}

const struct cli_command cli_case_diff = {
    .room = "case",
    .verb = "diff",
    .arguments = "DIR|FILE DIR|FILE",
    .summary = "Compare two cases: exhibits, grades, findings, priors, results",
    .text =
        "Runs the case of a folder; takes a report.json as it stands. Names each place where the\n"
        "two differ, with both values, and says if they were made by different versions, of which\n"
        "what is computed may differ for that alone. Exhibits are\n"
        "paired by what they are (a file's bytes, a statement and who made it), whatever their\n"
        "ids; questions, hypotheses, findings and holders of priors by their names.\n"
        "Writes nothing. Exit status 0 whether they differ or not; --json says `same`.\n",
    .least = 2,
    .most = 2,
    .run = diff_cases,
};
