/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "case_folder.h"

#include <assay/report.h>

#include <sys/stat.h>

/* Markup, quotes, a terminal escape, overrides of direction, a C1 control. */
#define HOSTILE                                                                                    \
    "<script>alert(1)</script>\\\" onload='x' &amp; \\e[31m \\u202Efdp.exe \\u2066 \\u0085 "       \
    "</style>"

static const char hostile_case[] =
    "title: \"T " HOSTILE "\"\n"
    "summary: \"S " HOSTILE "\"\n"
    "exhibits:\n"
    "  - id: E1\n"
    "    statement: \"W " HOSTILE "\"\n"
    "    said_by: \"B " HOSTILE "\"\n"
    "    source: \"Q " HOSTILE "\"\n"
    "    date: 2026-01\n"
    "    grade: C3\n"
    "questions:\n"
    "  - id: q\n"
    "    text: \"X " HOSTILE "\"\n"
    "    kind: teacher\n"
    "    instruments: [{instrument: test.hostile, input: claim.yaml}]\n"
    "    exhibits: [E1]\n"
    "    confidence: {level: low, because: \"Y " HOSTILE "\"}\n";

/* The same hostile text in every string of a finding. */
static assay_status hostile_instrument(const char *path, const char *data_folder,
                                       const char *kept_folder, const struct assay_context *context,
                                       struct assay_arena *arena, struct assay_finding *finding,
                                       const struct assay_case_stated **stated,
                                       size_t *stated_count, struct assay_error *error)
{
    static const char text[] = "<script>alert(1)</script>\" onload='x' \x1b[31m \xE2\x80\xAE"
                               "fdp.exe \xE2\x81\xA6 \xC2\x85 </title></svg></style>";
    ASSAY_TRY(sample_instrument(path, data_folder, kept_folder, context, arena, finding, stated,
                                stated_count, error));
    static const char *const texts[] = {text, text};
    static const struct assay_weight weights[] = {{text, {0, -1, 1, 0.8}, text, true},
                                                  {"b", {-9, -10, -8, 0.8}, text, false}};
    static const struct assay_quantity quantities[] = {{text, text, {1, 0, 2, 0.8}}};
    static const struct assay_bar bars[] = {{text, text, 1, 0.5, 2}, {"b", "g", -20, -30, -10}};
    static const struct assay_figure figures[] = {
        {.id = text, .title = text, .unit = text, .bars = bars, .bar_count = 2}};
    static const struct assay_case_stated said = {text, text, text, text, text, 1};
    finding->method = finding->method_version = finding->id = text;
    finding->answers = finding->cannot_tell = finding->limits = texts;
    finding->answer_count = finding->cannot_tell_count = finding->limit_count = 2;
    finding->weights = weights;
    finding->weight_count = 2;
    finding->tie_count = 0;
    finding->quantities = quantities;
    finding->quantity_count = 1;
    finding->figures = figures;
    finding->figure_count = 1;
    *stated = &said;
    *stated_count = 1;
    return ASSAY_OK;
}

typedef assay_status writer(const struct assay_assessment *, char **, struct assay_error *);

/* The report of a case by one of the three writers; free() it. */
static char *report_of(const char *text, const struct instrument_table *table, writer *write)
{
    struct case_folder folder = case_folder_new(text);
    struct assay_context context = assay_context_default();
    struct assay_case subject;
    struct assay_assessment assessment;
    struct assay_error error;
    char *report = NULL;
    if (case_read_with(table, folder.path, &subject, &error) != ASSAY_OK)
        fail_msg("%ld: %s", error.line, error.message);
    case_folder_free(&folder);
    assert_int_equal(
        case_run_with(table, &subject, shipped_data(), NULL, &context, &assessment, &error),
        ASSAY_OK);
    assert_int_equal(write(&assessment, &report, &error), ASSAY_OK);
    assay_assessment_free(&assessment);
    assay_case_free(&subject);
    return report;
}

static char *hostile_report(writer *write)
{
    static const struct instrument entries[] = {{"test.hostile", "1", hostile_instrument}};
    const struct instrument_table table = {entries, 1};
    return report_of(hostile_case, &table, write);
}

static void assert_has(const char *text, const char *words)
{
    if (!strstr(text, words))
        fail_msg("no '%s'", words);
}

static void assert_lacks(const char *text, const char *words)
{
    const char *at = strstr(text, words);
    if (at)
        fail_msg("found '%s' in '%.60s'", words, at);
}

static size_t times(const char *text, const char *words)
{
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, words)) != NULL; at++)
        n++;
    return n;
}

/* The report's JSON as it stands in the page; what follows it is the page's own. */
static char *json_in(const char *page)
{
    static const char opening[] = "<script type=\"application/json\" id=\"report\">";
    const char *from = strstr(page, opening);
    assert_non_null(from);
    from += strlen(opening);
    const char *to = strstr(from, "</script>");
    assert_non_null(to);
    return strndup(from, (size_t)(to - from));
}

static void hostile_text_cannot_end_the_element_that_it_stands_in(void **state)
{
    (void)state;
    char *page = hostile_report(assay_report_html), *json = json_in(page);
    json_error_t problem;
    json_t *report = json_loads(json, 0, &problem);
    assert_non_null(report); /* all of it, no more and no less */
    assert_true(json_is_array(json_object_get(report, "questions")));
    for (const char *c = json; *c; c++)
        assert_true((unsigned char)*c >= 0x20 && *c != '<' && *c != '>' && *c != '&');
    assert_has(json, "\\u003cscript\\u003ealert(1)\\u003c/script\\u003e");
    json_decref(report);
    free(json);
    free(page);
}

static void line_separators_are_escaped(void **state)
{
    (void)state;
    char *page = NULL;
    struct assay_error error;
    assert_int_equal(
        assay_report_page("{\"a\":\"\xE2\x80\xA8 \xE2\x80\xA9 \xE2\x82\xAC\"}", &page, &error),
        ASSAY_OK);
    assert_has(page, ">{\"a\":\"\\u2028 \\u2029 \xE2\x82\xAC\"}</script>");
    free(page);
}

static void hostile_text_sends_nothing_to_a_terminal(void **state)
{
    (void)state;
    char *text = hostile_report(assay_report_text);
    for (const char *c = text; *c; c++)
        assert_true((unsigned char)*c >= 0x20 || *c == '\n');
    assert_lacks(text, "\xE2\x80\xAE");
    assert_lacks(text, "\xC2\x85");
    free(text);
}

static void the_page_runs_its_own_script_alone_and_names_no_address(void **state)
{
    (void)state;
    char *page = report_of(SAMPLE_CASE, sample_table(), assay_report_html);
    assert_has(page, "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                     "script-src 'sha256-");
    assert_has(page, "connect-src 'self'; base-uri 'none'; form-action 'none'\">");
    assert_int_equal(times(page, "<script"), 2); /* the report and the page's own */
    assert_lacks(page, " src=");
    assert_lacks(page, "@import");
    assert_lacks(page, "https://");
    free(page);
}

static void a_report_holds_sources_grades_digests_and_reasons(void **state)
{
    (void)state;
    char *page = report_of(SAMPLE_CASE, sample_table(), assay_report_html), *json = json_in(page);
    char sha256[65];
    assay_sha256_bytes("name: a run\n", 12, sha256);
    assert_has(json, sha256);
    assert_has(json, "A report, p. 3");
    assert_has(json, "\"C3\"");
    assert_has(json, "does not fit");
    assert_lacks(json, "held by A reader");
    free(json);
    free(page);
}

/* Characters, not bytes. */
static size_t width(const char *line, size_t bytes)
{
    size_t n = 0;
    for (size_t i = 0; i < bytes; i++)
        n += ((unsigned char)line[i] & 0xC0) != 0x80;
    return n;
}

static void lines_for_a_terminal_keep_to_80_columns_and_end_without_blanks(void **state)
{
    (void)state;
    char *text = report_of(SAMPLE_CASE SAMPLE_PRIORS, sample_table(), assay_report_text);
    for (const char *line = text; *line;) {
        size_t bytes = strcspn(line, "\n");
        if (width(line, bytes) > 80)
            fail_msg("too wide: %.*s", (int)bytes, line);
        line += bytes + (line[bytes] == '\n');
    }
    assert_has(text, "What this cannot tell");
    assert_lacks(text, "\n\n\n");
    assert_lacks(text, " \n");
    free(text);
}

static void a_report_is_not_written_into_a_folder_that_is_not_there(void **state)
{
    (void)state;
    struct case_folder folder = case_folder_new(SAMPLE_CASE);
    struct assay_context context = assay_context_default();
    struct assay_case subject;
    struct assay_assessment assessment;
    struct assay_error error;
    struct stat there;
    char missing[96];
    assert_int_equal(case_read_with(sample_table(), folder.path, &subject, &error), ASSAY_OK);
    assert_int_equal(case_run_with(sample_table(), &subject, shipped_data(), NULL, &context,
                                   &assessment, &error),
                     ASSAY_OK);
    snprintf(missing, sizeof missing, "%s/out", folder.path);
    assert_int_equal(assay_report_write(&assessment, missing, &error), ASSAY_ERROR_IO);
    assert_int_not_equal(stat(missing, &there), 0);
    assay_assessment_free(&assessment);
    assay_case_free(&subject);
    case_folder_free(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostile_text_cannot_end_the_element_that_it_stands_in),
        cmocka_unit_test(line_separators_are_escaped),
        cmocka_unit_test(hostile_text_sends_nothing_to_a_terminal),
        cmocka_unit_test(the_page_runs_its_own_script_alone_and_names_no_address),
        cmocka_unit_test(a_report_holds_sources_grades_digests_and_reasons),
        cmocka_unit_test(lines_for_a_terminal_keep_to_80_columns_and_end_without_blanks),
        cmocka_unit_test(a_report_is_not_written_into_a_folder_that_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
