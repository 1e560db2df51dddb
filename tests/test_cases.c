/* SPDX-License-Identifier: Apache-2.0 */
/* The shipped cases: a true claim is not doubted, and one that is false by construction is. */
#include <assay/case.h>
#include <assay/report.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct ran {
    struct assay_case subject;
    struct assay_assessment assessment;
};

static void run_case(const char *name, struct ran *ran)
{
    char folder[4200], facts[4200];
    struct assay_context context = assay_context_default();
    struct assay_error error = {0};
    snprintf(folder, sizeof folder, "%s/cases/%s", getenv("ASSAY_SOURCE"), name);
    snprintf(facts, sizeof facts, "%s/data", getenv("ASSAY_SOURCE"));
    if (assay_case_read(folder, &ran->subject, &error) != ASSAY_OK)
        fail_msg("%s", error.message);
    if (assay_case_run(&ran->subject, facts, &context, &ran->assessment, &error) != ASSAY_OK)
        fail_msg("%s", error.message);
}

static void end_case(struct ran *ran)
{
    assay_assessment_free(&ran->assessment);
    assay_case_free(&ran->subject);
}

static const struct assay_case_result *result(const struct ran *ran, size_t question)
{
    assert_true(question < ran->assessment.reply_count);
    assert_int_equal(ran->assessment.replies[question].result_count, 1);
    return &ran->assessment.replies[question].results[0];
}

/* log10 of the best hypothesis's likelihood over the stated one's. */
static double best_over_stated(const struct assay_case_result *r)
{
    assert_true(r->comparison_count > 0 && r->comparisons[0].weighed);
    assert_false(r->reference_is_best);
    return r->comparisons[0].log10_likelihood_ratio.median;
}

static bool answers_say(const struct assay_case_result *r, const char *text)
{
    for (size_t i = 0; i < r->finding.answer_count; i++)
        if (strstr(r->finding.answers[i], text))
            return true;
    return false;
}

static void the_public_truth_of_llama_is_not_doubted(void **state)
{
    struct ran ran;
    (void)state;
    run_case("llama-3.1-405b", &ran);
    const struct assay_case_result *r = result(&ran, 0);
    assert_string_equal(r->reference, "16384 x H100-SXM");
    assert_true(best_over_stated(r) < 0.7);
    assert_true(answers_say(r, "lies inside that interval"));
    end_case(&ran);
}

static void a_quarter_of_the_hardware_is_doubted_by_hours_and_found_by_days(void **state)
{
    struct ran ran;
    char *text = NULL;
    (void)state;
    run_case("understated", &ran);
    const struct assay_case_result *hours = result(&ran, 0), *days = result(&ran, 1);
    assert_true(answers_say(hours, "lies below that interval"));
    assert_true(answers_say(hours, "Other hardware predicts the claim better"));
    assert_true(best_over_stated(hours) > 1);
    assert_true(best_over_stated(days) > 1);

    /* Of all counts of H100s, the true one predicts the days best. */
    const char *first = NULL;
    for (size_t i = 0; i < days->comparison_count && !first; i++)
        if (strstr(days->comparisons[i].hypothesis, " x H100-SXM"))
            first = days->comparisons[i].hypothesis;
    assert_string_equal(first, "16384 x H100-SXM");

    assert_int_equal(assay_report_text(&ran.assessment, &text, NULL), ASSAY_OK);
    assert_non_null(strstr(text, "lies below")); /* a reader sees it */
    free(text);
    end_case(&ran);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_public_truth_of_llama_is_not_doubted),
        cmocka_unit_test(a_quarter_of_the_hardware_is_doubted_by_hours_and_found_by_days),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
