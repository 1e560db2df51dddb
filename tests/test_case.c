/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "case_folder.h"

static void assert_close(double value, double expected)
{
    if (!(fabs(value - expected) <= 1e-12))
        fail_msg("%.17g, expected %.17g", value, expected);
}

static assay_status read_text(const char *text, struct assay_case *subject,
                              struct assay_error *error)
{
    struct case_folder folder = case_folder_new(text);
    assay_status status = case_read_with(sample_table(), folder.path, subject, error);
    case_folder_free(&folder);
    return status;
}

static assay_status run_text(const char *text, struct assay_case *subject,
                             struct assay_assessment *assessment, struct assay_error *error)
{
    struct assay_context context = assay_context_default();
    assert_int_equal(read_text(text, subject, error), ASSAY_OK);
    return case_run_with(sample_table(), subject, shipped_data(), NULL, &context, assessment,
                         error);
}

static void a_case_is_read_with_the_digests_of_its_files(void **state)
{
    (void)state;
    struct assay_case subject;
    struct assay_error error;
    char sha256[65];
    assert_int_equal(read_text(SAMPLE_CASE, &subject, &error), ASSAY_OK);
    assert_string_equal(subject.title, "A case");
    assert_int_equal(subject.exhibit_count, 2);
    assert_string_equal(subject.exhibits[0].grade, "C3");
    assert_string_equal(subject.exhibits[0].sha256, "");
    assay_sha256_bytes("name: a run\n", 12, sha256);
    assert_string_equal(subject.exhibits[1].sha256, sha256);
    assert_int_equal(subject.question_count, 1);
    assert_ptr_equal(subject.questions[0].exhibits[1], &subject.exhibits[1]);
    assert_string_equal(subject.questions[0].tasks[0].instrument, "test.sample");
    assert_int_equal(subject.questions[0].stated_line, 9);
    assay_case_free(&subject);
    assay_case_free(&subject);
}

/* Replaces the first `from` in the sample case, appends `more`, and expects a refusal. */
static void expect_refusal(const char *from, const char *to, const char *more, long line,
                           const char *words)
{
    char text[4096];
    const char *at = strstr(SAMPLE_CASE, from);
    struct assay_case subject;
    struct assay_error error;
    assert_non_null(at);
    snprintf(text, sizeof text, "%.*s%s%s%s", (int)(at - SAMPLE_CASE), SAMPLE_CASE, to,
             at + strlen(from), more);
    assert_int_equal(read_text(text, &subject, &error), ASSAY_ERROR_INPUT);
    if (!strstr(error.message, words))
        fail_msg("'%s' does not say '%s'", error.message, words);
    assert_int_equal(error.line, line);
    assert_non_null(strstr(error.file, "/case.yaml"));
}

static void what_is_mistyped_is_refused_with_its_line(void **state)
{
    (void)state;
    expect_refusal("title:", "titel:", "", 1, "title");
    expect_refusal("    kind:", "    colour: blue\n    kind:", "", 8, "colour");
    expect_refusal("[E1, E2]", "[E1, E9]", "", 12, "no exhibit 'E9'");
    expect_refusal("id: E2", "id: E1", "", 4, "E1 stands twice: first on line 3");
    expect_refusal("test.sample", "test.other", "", 11, "expected one of test.sample");
    expect_refusal("file: claim.yaml", "file: other.yaml", "", 4, "other.yaml");
    expect_refusal("file: claim.yaml", "file: ../claim.yaml", "", 4, "inside the case's folder");
    expect_refusal("file: claim.yaml", "file: /etc/passwd", "", 4, "inside the case's folder");
    expect_refusal("input: claim.yaml", "input: none.yaml", "", 11, "none.yaml");
    expect_refusal("kind: hardware", "kind: software", "", 8, "hardware");
    expect_refusal("grade: C3", "grade: G3", "", 3, "expected a letter A to F");
    expect_refusal("2026-02-28", "2026-02-29", "", 4, "expected YYYY");
    expect_refusal("said_by: The makers, ", "", "", 3, "said_by");
    expect_refusal("id: hardware", "id: \"<b>\"", "", 6, "id '<b>'");
    expect_refusal("E1, statement: We used 64 Alpha.,", "E1,", "", 3, "a statement or a file");
}

static void a_question_may_not_stand_twice(void **state)
{
    (void)state;
    expect_refusal("title", "title",
                   "  - id: hardware\n"
                   "    text: Again?\n"
                   "    kind: hardware\n"
                   "    instruments: [{instrument: test.sample, input: claim.yaml}]\n",
                   13, "stands twice: first on line 6");
}

static void priors_must_sum_to_one_and_say_whose_they_are(void **state)
{
    (void)state;
    expect_refusal("title", "title",
                   "    priors:\n"
                   "      held_by: A reader\n"
                   "      reason: None\n"
                   "      probabilities: [{hypothesis: 64 x Alpha, probability: 70 %}]\n",
                   13, "sum to 70 %");
    expect_refusal("title", "title",
                   "    priors:\n"
                   "      reason: None\n"
                   "      probabilities: [{hypothesis: 64 x Alpha, probability: 100 %}]\n",
                   13, "held_by");
}

static const struct assay_comparison *find(const struct assay_case_result *result, const char *name)
{
    for (size_t i = 0; i < result->comparison_count; i++)
        if (strcmp(result->comparisons[i].hypothesis, name) == 0)
            return &result->comparisons[i];
    fail_msg("no comparison of %s", name);
    return NULL;
}

static void hypotheses_are_compared_with_the_stated_one(void **state)
{
    (void)state;
    struct assay_case subject;
    struct assay_assessment assessment;
    struct assay_error error;
    assert_int_equal(run_text(SAMPLE_CASE, &subject, &assessment, &error), ASSAY_OK);
    const struct assay_case_result *result = &assessment.replies[0].results[0];

    assert_string_equal(result->reference, "64 x Alpha");
    assert_false(result->reference_is_best);
    assert_int_equal(result->comparison_count, 5);
    assert_string_equal(result->comparisons[0].hypothesis, "128 x Beta");
    assert_true(find(result, "64 x Alpha")->reference);
    assert_true(find(result, "128 x Beta")->tied);
    assert_string_equal(find(result, "128 x Beta")->words, "no support");
    assert_int_equal(find(result, "128 x Beta")->favours, 0);

    /* -2.5 - -0.05; half-widths 0.4 and 0.1 in quadrature. */
    const struct assay_comparison *few = find(result, "16 x Alpha");
    assert_close(few->log10_likelihood_ratio.median, -2.45);
    assert_close(few->log10_likelihood_ratio.low, -2.45 - 0.412310562561766);
    assert_close(few->log10_likelihood_ratio.high, -2.45 + 0.412310562561766);
    assert_string_equal(few->words, "moderately strong support");
    assert_int_equal(few->favours, -1);
    assert_true(isnan(few->posterior));
    assert_null(few->posterior_words);

    assert_false(result->comparisons[4].weighed);
    assert_string_equal(result->comparisons[4].note, "does not fit");
    assert_string_equal(result->stated[0].source, "A report, p. 3");
    assay_assessment_free(&assessment);
    assay_assessment_free(&assessment);
    assay_case_free(&subject);
}

static void without_a_stated_hypothesis_the_best_is_the_reference(void **state)
{
    (void)state;
    char text[2048];
    const char *at = strstr(SAMPLE_CASE, "    stated:");
    struct assay_case subject;
    struct assay_assessment assessment;
    struct assay_error error;
    snprintf(text, sizeof text, "%.*s%s", (int)(at - SAMPLE_CASE), SAMPLE_CASE,
             strchr(at, '\n') + 1);
    assert_int_equal(run_text(text, &subject, &assessment, &error), ASSAY_OK);
    assert_true(assessment.replies[0].results[0].reference_is_best);
    assert_string_equal(assessment.replies[0].results[0].reference, "128 x Beta");
    assay_assessment_free(&assessment);
    assay_case_free(&subject);
}

static void probabilities_follow_from_stated_priors_by_bayes(void **state)
{
    (void)state;
    struct assay_case subject;
    struct assay_assessment assessment;
    struct assay_error error;
    assert_int_equal(run_text(SAMPLE_CASE SAMPLE_PRIORS, &subject, &assessment, &error), ASSAY_OK);
    const struct assay_case_result *result = &assessment.replies[0].results[0];
    double odds = pow(10, -2.45);
    assert_close(find(result, "16 x Alpha")->posterior, odds / (1 + odds));
    assert_close(find(result, "64 x Alpha")->posterior, 1 / (1 + odds));
    assert_string_equal(find(result, "64 x Alpha")->posterior_words, "almost certain");
    assert_true(isnan(find(result, "128 x Beta")->posterior));
    assay_assessment_free(&assessment);
    assay_case_free(&subject);
}

static void a_name_that_no_instrument_lists_is_refused(void **state)
{
    (void)state;
    char text[2048];
    const char *at = strstr(SAMPLE_CASE, "stated: 64");
    struct assay_case subject;
    struct assay_assessment assessment;
    struct assay_error error;
    snprintf(text, sizeof text, "%.*sstated: 65%s", (int)(at - SAMPLE_CASE), SAMPLE_CASE,
             at + strlen("stated: 64"));
    assert_int_equal(run_text(text, &subject, &assessment, &error), ASSAY_ERROR_INPUT);
    assert_int_equal(error.line, 9);
    assert_non_null(strstr(error.message, "65 x Alpha"));
    assay_case_free(&subject);
}

/* ---- the grammar of findings, groups, outcomes ------------------------------------------------
 */

#define GRAMMAR                                                                                    \
    "title: A case\n"                                                                              \
    "exhibits:\n"                                                                                  \
    "  - {id: E1, statement: S, said_by: X, source: P, date: 2026, grade: C3}\n"                   \
    "  - {id: E2, statement: S, said_by: Y, source: P, date: 2026, grade: B2, repeats: E1}\n"      \
    "questions:\n"                                                                                 \
    "  - id: q\n"                                                                                  \
    "    text: Which?\n"                                                                           \
    "    kind: other\n"                                                                            \
    "    stated: a\n"                                                                              \
    "    hypotheses:\n"                                                                            \
    "      - {id: a}\n"                                                                            \
    "      - {id: b, none_of_these: true}\n"                                                       \
    "    findings:\n"                                                                              \
    "      - id: F1\n"                                                                             \
    "        text: O\n"                                                                            \
    "        because: B\n"                                                                         \
    "        exhibits: [E1]\n"                                                                     \
    "        likelihoods: {a: 0.5 (0.4 to 0.6), b: 20 % (10 % to 30 %)}\n"                         \
    "      - {id: F2, text: O, because: B, exhibits: [E2], likelihoods: {others: 1 (1 to 1)}}\n"   \
    "    dependence:\n"                                                                            \
    "      - {id: G, findings: [F1, F2], because: B}\n"                                            \
    "    obtainable:\n"                                                                            \
    "      - id: O1\n"                                                                             \
    "        text: T\n"                                                                            \
    "        because: B\n"                                                                         \
    "        cost: 3 days\n"                                                                       \
    "        outcomes:\n"                                                                          \
    "          - {text: x, probabilities: {a: 80 %, b: 30 %}}\n"                                   \
    "          - {text: y, probabilities: {a: 20 %, b: 70 %}}\n"

/* Replaces the first `from` and expects a refusal at that line. */
static void expect_grammar(const char *from, const char *to, long line, const char *words)
{
    char text[8192];
    const char *at = strstr(GRAMMAR, from);
    struct assay_case subject;
    struct assay_error error;
    assert_non_null(at);
    snprintf(text, sizeof text, "%.*s%s%s", (int)(at - GRAMMAR), GRAMMAR, to, at + strlen(from));
    if (read_text(text, &subject, &error) != ASSAY_ERROR_INPUT)
        fail_msg("'%s' is accepted", to);
    if (!strstr(error.message, words))
        fail_msg("'%s' does not say '%s'", error.message, words);
    if (error.line != line)
        fail_msg("'%s' is refused on line %ld: %s", to, error.line, error.message);
}

static void findings_by_hand_are_read(void **state)
{
    (void)state;
    struct assay_case subject;
    struct assay_error error;
    assert_int_equal(read_text(GRAMMAR, &subject, &error), ASSAY_OK);
    const struct assay_case_question *q = &subject.questions[0];
    assert_close(q->entries[0].log10_likelihoods[1].median, log10(0.2));
    assert_close(q->entries[0].log10_likelihoods[1].high, log10(0.3));
    assert_true(q->entries[1].others[0]);
    assert_ptr_equal(subject.exhibits[1].repeats, &subject.exhibits[0]);
    assert_string_equal(q->obtainables[0].cost_unit, "days");
    assert_close(q->groups[0].correlation, 1);
    assay_case_free(&subject);
}

static void what_is_wrong_with_findings_is_refused_with_its_line(void **state)
{
    (void)state;
    static const char none[] = "a: 0.5 (0.4 to 0.6), b: 20 % (10 % to 30 %)";
    expect_grammar("B2, repeats: E1", "B2, repeats: E2", 4, "goes back to E2 itself");
    expect_grammar("C3}", "C3, repeats: E2}", 3, "goes back to E1 itself");
    expect_grammar("repeats: E1", "repeats: E7", 4, "no exhibit 'E7'");
    expect_grammar("stated: a", "stated: z", 9, "no hypothesis 'z'");
    expect_grammar("      - {id: b, none_of_these: true}\n", "      - {id: b}\n", 10,
                   "exactly one of them");
    expect_grammar("{id: b, none", "{id: a, none", 12, "hypothesis a stands twice");
    expect_grammar("{id: b, none", "{id: others, none", 12, "not 'others'");
    expect_grammar("0.5 (0.4 to 0.6)", "0.5", 18, "its 80% interval");
    expect_grammar("0.5 (0.4 to 0.6)", "0.5 (0.6 to 0.7)", 18, "low <= middle <= high");
    expect_grammar("0.5 (0.4 to 0.6)", "0.5 (0.4 to 1.6)", 18, "at most 1");
    expect_grammar("0.5 (0.4 to 0.6)", "0.5 (0.4 to 0.6) or so", 18, "such as 0.3");
    expect_grammar("0.5 (0.4 to 0.6)", "0.5 (0 to 0.6)", 18, "impossible");
    expect_grammar("0.5 (0.4 to 0.6)", "0 (0 to 0.1)", 18, "impossible");
    expect_grammar("0.5 (0.4 to 0.6)", "nan (0 to 1)", 18, "such as 0.3");
    expect_grammar(none, "others: 0 (0 to 0)", 18, "0 under every hypothesis");
    expect_grammar(none, "a: 0.5 (0.4 to 0.6)", 18, "no likelihood for 'b'");
    expect_grammar(none, "c: 0.5 (0.4 to 0.6)", 18, "no hypothesis 'c'");
    expect_grammar("        exhibits: [E1]\n", "", 14, "that it rests on");
    expect_grammar("{id: F2", "{id: F1", 19, "finding F1 stands twice");
    expect_grammar("[F1, F2]", "[F1, F9]", 21, "no finding 'F9'");
    expect_grammar("[F1, F2]", "[F1, F1]", 21, "named twice");
    expect_grammar("[F1, F2]", "[F1]", 21, "two findings or more");
    expect_grammar("because: B}\n    obtainable",
                   "because: B}\n      - {id: H, findings: [F2, F1], because: B}\n    obtainable",
                   22, "in two groups");
    expect_grammar("cost: 3 days", "cost: 3", 26, "3 days");
    expect_grammar("cost: 3 days", "cost: free", 26, "a number above 0");
    expect_grammar("b: 30 %", "b: 40 %", 23, "sum to 110 %");
    expect_grammar("b: 30 %", "c: 30 %", 28, "no hypothesis 'c'");
    expect_grammar("cost: 3 days", "from: F1/power", 26, "one alone");
    expect_grammar("cost: 3 days", "measured: lineage.compare", 23, "if_true");
    expect_grammar("cost: 3 days", "measured: m\n        if_true: {others: c}", 23, "one alone");
    expect_grammar("title: A case", "title: T\ncosts: {days: 3}", 2, "an amount such as");
    expect_grammar("title: A case", "title: T\ncosts: {USD: 3 USD}", 2,
                   "what the others are given in");
}

/* The sample with an obtainable that is measured, or from its instrument, and its refusal. */
static void expect_unknown_offer(const char *obtainable, const char *words)
{
    char text[8192];
    struct assay_case subject;
    struct assay_assessment assessment;
    struct assay_error error;
    snprintf(text, sizeof text,
             "%s    hypotheses: [{id: a, matches: ['64 x Alpha']}, {id: b, none_of_these: true}]\n"
             "    obtainable:\n      - {id: O, text: T, because: B, %s}\n",
             SAMPLE_CASE, obtainable);
    char *stated = strstr(text, "    stated: 64 x Alpha\n");
    memset(stated, ' ', 22);
    assay_status status = read_text(text, &subject, &error);
    if (status != ASSAY_OK)
        fail_msg("line %ld: %s", error.line, error.message);
    struct assay_context context = assay_context_default();
    assert_int_equal(case_run_with(sample_table(), &subject, shipped_data(), NULL, &context,
                                   &assessment, &error),
                     ASSAY_ERROR_INPUT);
    if (!strstr(error.message, words))
        fail_msg("'%s' does not say '%s'", error.message, words);
    assert_int_equal(error.line, 15);
    assay_case_free(&subject);
}

static void what_nobody_offers_or_measured_is_refused_when_the_case_is_run(void **state)
{
    (void)state;
    expect_unknown_offer(
        "from: test.sample/telescope",
        "does not offer 'telescope': expected what is not known yet, such as meter");
    /* a finding that is not an instrument's offers nothing: refused when the case is read */
    expect_refusal("    exhibits: [E1, E2]\n",
                   "    obtainable: [{id: O, text: T, because: B, from: by-hand/power}]\n", "", 12,
                   "FINDING/OFFER, the finding of an instrument");
    expect_refusal(
        "    stated: 64 x Alpha\n",
        "    hypotheses: [{id: a}, {id: b, none_of_these: true}]\n"
        "    obtainable: [{id: O, text: T, because: B, measured: m, if_true: {others: {c: "
        "20 %, d: 70 %}}}]\n",
        "", 10, "sum to 90 %");
    expect_unknown_offer("measured: lineage.guess, if_true: {others: related}",
                         "no measurement 'lineage.guess'");
    expect_unknown_offer("measured: lineage.compare, if_true: {a: related, b: cousins}",
                         "not measured under 'cousins'");
}

static void an_exhibit_that_is_no_longer_the_recorded_file_is_refused(void **state)
{
    (void)state;
    expect_refusal("{id: E2, file: claim.yaml,",
                   "{id: E2, file: claim.yaml, sha256: "
                   "0000000000000000000000000000000000000000000000000000000000000000,",
                   "", 4, "no longer the file that was recorded");
}

static void a_prior_for_no_hypothesis_is_refused(void **state)
{
    (void)state;
    char text[8192];
    struct assay_case subject;
    struct assay_assessment assessment;
    struct assay_error error;
    snprintf(text, sizeof text,
             "%s    priors: {held_by: R, reason: B, probabilities: [{hypothesis: c, probability: "
             "100 %%}]}\n",
             GRAMMAR);
    assert_int_equal(run_text(text, &subject, &assessment, &error), ASSAY_ERROR_INPUT);
    assert_int_equal(error.line, 30);
    assert_non_null(strstr(error.message, "a prior for 'c'"));
    assay_case_free(&subject);
}

static void words_change_where_the_published_scales_do(void **state)
{
    (void)state;
    assert_string_equal(assay_words_likelihood_ratio(0.30), "no support");
    assert_string_equal(assay_words_likelihood_ratio(0.31), "weak support");
    assert_string_equal(assay_words_likelihood_ratio(-1), "moderate support");
    assert_string_equal(assay_words_likelihood_ratio(2), "moderately strong support");
    assert_string_equal(assay_words_likelihood_ratio(-3.5), "strong support");
    assert_string_equal(assay_words_likelihood_ratio(5), "very strong support");
    assert_string_equal(assay_words_likelihood_ratio(670), "extremely strong support");
    assert_string_equal(assay_words_likelihood_ratio(-(double)INFINITY),
                        "extremely strong support");
    assert_string_equal(assay_words_probability(0.01), "almost no chance");
    assert_string_equal(assay_words_probability(0.1), "very unlikely");
    assert_string_equal(assay_words_probability(0.5), "roughly even chance");
    assert_string_equal(assay_words_probability(0.6), "likely");
    assert_string_equal(assay_words_probability(1), "almost certain");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_case_is_read_with_the_digests_of_its_files),
        cmocka_unit_test(what_is_mistyped_is_refused_with_its_line),
        cmocka_unit_test(a_question_may_not_stand_twice),
        cmocka_unit_test(priors_must_sum_to_one_and_say_whose_they_are),
        cmocka_unit_test(hypotheses_are_compared_with_the_stated_one),
        cmocka_unit_test(without_a_stated_hypothesis_the_best_is_the_reference),
        cmocka_unit_test(probabilities_follow_from_stated_priors_by_bayes),
        cmocka_unit_test(a_name_that_no_instrument_lists_is_refused),
        cmocka_unit_test(findings_by_hand_are_read),
        cmocka_unit_test(what_is_wrong_with_findings_is_refused_with_its_line),
        cmocka_unit_test(what_nobody_offers_or_measured_is_refused_when_the_case_is_run),
        cmocka_unit_test(an_exhibit_that_is_no_longer_the_recorded_file_is_refused),
        cmocka_unit_test(a_prior_for_no_hypothesis_is_refused),
        cmocka_unit_test(words_change_where_the_published_scales_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
