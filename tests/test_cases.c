/* SPDX-License-Identifier: Apache-2.0 */
/* The shipped cases: a true claim is not doubted, and one that is false by construction is. */
#include <assay/case.h>
#include <assay/report.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "finding_curve.h"

struct ran {
    struct assay_case subject;
    struct assay_assessment assessment;
};

/* For the test of the page, which computes the same (test_page.mjs). */
static void keep_report(const char *name, const struct assay_assessment *assessment)
{
    const char *folder = getenv("ASSAY_REPORTS");
    char path[4200], *text;
    if (!folder)
        return;
    mkdir(folder, 0777);
    snprintf(path, sizeof path, "%s/%s.json", folder, name);
    assert_int_equal(assay_report_json(assessment, &text, NULL), ASSAY_OK);
    assert_int_equal(assay_file_write(path, text, strlen(text), NULL), ASSAY_OK);
    free(text);
}

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
    keep_report(name, &ran->assessment);
}

static void end_case(struct ran *ran)
{
    assay_assessment_free(&ran->assessment);
    assay_case_free(&ran->subject);
}

static const struct assay_case_result *result(const struct ran *ran, size_t question)
{
    assert_true(question < ran->assessment.reply_count);
    assert_true(ran->assessment.replies[question].result_count > 0);
    return &ran->assessment.replies[question].results[0];
}

static const struct assay_combination *combination(const struct ran *ran, const char *question)
{
    for (size_t q = 0; q < ran->assessment.reply_count; q++)
        if (strcmp(ran->assessment.replies[q].question->id, question) == 0) {
            assert_non_null(ran->assessment.replies[q].combination);
            return ran->assessment.replies[q].combination;
        }
    fail_msg("no question %s", question);
    return NULL;
}

/* log10 of the likelihood of hypothesis `a` over that of `b`, all findings together. */
static double over(const struct assay_combination *c, const char *a, const char *b)
{
    double of_a = NAN, of_b = NAN;
    for (size_t h = 0; h < c->hypothesis_count; h++) {
        if (strcmp(c->hypotheses[h].id, a) == 0)
            of_a = c->hypotheses[h].log10_ratio.median;
        if (strcmp(c->hypotheses[h].id, b) == 0)
            of_b = c->hypotheses[h].log10_ratio.median;
    }
    assert_false(isnan(of_a - of_b));
    return of_a - of_b;
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
    assert_true(over(combination(&ran, "hardware"), "as-stated", "a100") > 0.5);
    assert_true(over(combination(&ran, "hardware"), "as-stated", "other-count") >= 0);
    end_case(&ran);
}

static double median_of(const struct assay_case_result *r, const char *hypothesis)
{
    for (size_t i = 0; i < r->finding.weight_count; i++)
        if (strcmp(r->finding.weights[i].hypothesis, hypothesis) == 0)
            return r->finding.weights[i].log10_likelihood.median;
    fail_msg("no hypothesis %s", hypothesis);
    return NAN;
}

static void a_disguised_copy_is_found_and_a_shared_seed_is_no_shared_training(void **state)
{
    struct ran ran;
    (void)state;
    run_case("renamed-copy", &ran);
    assert_true(best_over_stated(result(&ran, 0)) > 2);
    assert_true(answers_say(result(&ran, 0), "renumbered"));
    assert_true(answers_say(result(&ran, 1), "No relation was found"));
    const struct assay_case_result *r = result(&ran, 2);
    assert_true(median_of(r, "one initialisation, trained apart") == 0);
    assert_true(median_of(r, "trained together") < -1);
    assert_true(median_of(r, "made independently") < -20);
    end_case(&ran);
}

static const struct assay_grid *layers_of(const struct assay_case_result *r)
{
    for (size_t i = 0; i < r->finding.figure_count; i++)
        if (strcmp(r->finding.figures[i].id, "layers") == 0)
            return r->finding.figures[i].grid;
    fail_msg("no map of layers");
    return NULL;
}

static void layers_that_were_moved_and_doubled_are_found_where_they_went(void **state)
{
    static const size_t from[] = {0, 2, 1,
                                  3, 4, 4}; /* by layer of the suspect: cases/.../make.sh */
    struct ran ran;
    (void)state;
    run_case("moved-layers", &ran);
    assert_true(best_over_stated(result(&ran, 0)) > 2);
    assert_true(answers_say(result(&ran, 0), "those of A: 0 2 1 3 4 4"));
    assert_true(answers_say(result(&ran, 1), "No relation was found"));
    const struct assay_grid *own = layers_of(result(&ran, 0)), *other = layers_of(result(&ran, 1));
    assert_int_equal(own->row_count, 5);
    assert_int_equal(own->column_count, 6);
    for (size_t a = 0; a < 5; a++)
        for (size_t b = 0; b < 6; b++) {
            double found = own->values[a * 6 + b];
            assert_true(from[b] == a ? found > 90 : found < 10);
            assert_true(other->values[a * 6 + b] < 10);
        }
    end_case(&ran);
}

/* The likelihood of a hypothesis relative to the best, 0 for the best; NaN if it is not weighed. */
static double weight_of(const struct assay_finding *f, const char *hypothesis)
{
    for (size_t i = 0; i < f->weight_count; i++)
        if (strcmp(f->weights[i].hypothesis, hypothesis) == 0 && f->weights[i].weighed)
            return f->weights[i].log10_likelihood.median;
    fail_msg("%s is not weighed", hypothesis);
    return 0;
}

/* log10 of a density at x, between its points. */
static double log10_at(const struct assay_series *s, double x)
{
    for (size_t i = 1; i < s->point_count; i++)
        if (s->points[i - 1].x <= x && x <= s->points[i].x) {
            double part = log(x / s->points[i - 1].x) / log(s->points[i].x / s->points[i - 1].x);
            return (1 - part) * log10(s->points[i - 1].y) + part * log10(s->points[i].y);
        }
    fail_msg("%g is not on %s", x, s->name);
    return NAN;
}

/* The curves are densities, and at the claim they are what it was weighed by. */
static void check_curves_of_hours(const struct assay_finding *f)
{
    static const char *const names[] = {"4096 x H100-SXM", "4096 x MI300X"};
    const struct assay_series *curves[2];
    double claimed = curve_of(f, "hours", "as claimed")->points[0].x;
    for (int k = 0; k < 2; k++) {
        double area = 0;
        curves[k] = curve_of(f, "hours", names[k]);
        for (size_t i = 1; i < curves[k]->point_count; i++) {
            const struct assay_point *a = &curves[k]->points[i - 1], *b = &curves[k]->points[i];
            assert_true(b->low <= b->y && b->y <= b->high);
            area += (a->y + b->y) / 2 * log(b->x / a->x);
        }
        assert_true(area > 0.97 && area < 1.01);
    }
    double drawn = log10_at(curves[1], claimed) - log10_at(curves[0], claimed);
    double weighed = weight_of(f, names[1]) - weight_of(f, names[0]);
    if (!(fabs(drawn - weighed) < 0.1))
        fail_msg("%g is drawn, %g was weighed", drawn, weighed);
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
    check_curves_of_hours(&hours->finding);
    assert_true(best_over_stated(days) > 1);

    /* Of all counts of H100s, the true one predicts the days best. */
    const char *first = NULL;
    for (size_t i = 0; i < days->comparison_count && !first; i++)
        if (strstr(days->comparisons[i].hypothesis, " x H100-SXM"))
            first = days->comparisons[i].hypothesis;
    assert_string_equal(first, "16384 x H100-SXM");

    const struct assay_series *counts = curve_of(&days->finding, "counts", "H100-SXM");
    assert_int_equal(counts->point_count, 3);
    assert_true(counts->points[0].x == 4096 && counts->points[0].y == 0); /* the stated machine */
    assert_true(counts->points[2].x == 16384 && counts->points[2].y > counts->points[1].y);

    assert_int_equal(assay_report_text(&ran.assessment, &text, NULL), ASSAY_OK);
    assert_non_null(strstr(text, "lies below")); /* a reader sees it */
    free(text);
    end_case(&ran);
}

static void a_teacher_that_is_known_by_construction_is_named(void **state)
{
    struct ran ran;
    (void)state;
    run_case("taught-writer", &ran);
    const struct assay_case_result *r = result(&ran, 0);
    assert_true(answers_say(r, "aster stands out"));
    assert_true(weight_of(&r->finding, "aster") == 0);
    assert_true(weight_of(&r->finding, "none of these") < -0.5);
    /* what its log-probabilities could add: aster named, another, nobody */
    const struct assay_obtainable *o = &r->finding.obtainables[0];
    assert_string_equal(o->id, "logprobs");
    assert_string_equal(o->outcomes[0].text, "aster");
    assert_true(o->outcomes[0].probabilities[0] > 0.5);
    assert_true(o->outcomes[0].probabilities[1] < 0.05);
    assert_string_equal(o->outcomes[o->outcome_count - 1].text, "nobody is named");
    assert_int_equal(r->finding.exhibit_count, 26); /* teacher.yaml and every set by its digest */

    /* the laboratory beside it weighs nothing, and finds more at a higher dose */
    const struct assay_finding *lab = &ran.assessment.replies[0].results[1].finding;
    assert_int_equal(lab->weight_count, 0);
    assert_int_equal(ran.assessment.replies[0].combination->finding_count, 1);
    assert_string_equal(lab->figures[0].id, "power-black-box");
    const struct assay_curves *curves = lab->figures[0].curves;
    const struct assay_series *power = &curves->series[0];
    assert_true(power->points[power->point_count - 1].y > power->points[0].y + 0.5);
    assert_true(power->points[0].low <= power->points[0].y && power->points[0].high < 1);
    assert_true(curves->series[curves->series_count - 1].reference);
    end_case(&ran);
}

static void the_public_teacher_of_alpaca_comes_first(void **state)
{
    char answers[4200];
    struct ran ran;
    (void)state;
    snprintf(answers, sizeof answers, "%s/../shared/data/alpaca_eval/alpaca-7b.json.zst",
             getenv("ASSAY_SOURCE"));
    if (access(answers, R_OK) != 0) {
        print_message("# skipped: no %s\n", answers);
        skip();
    }
    run_case("alpaca-7b", &ran);
    const struct assay_finding *f = &result(&ran, 0)->finding;
    static const char *const others[] = {"gpt-3.5-turbo-0301", "gpt4", "claude",
                                         "llama-2-13b-chat-hf"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_true(weight_of(f, others[i]) < weight_of(f, "text_davinci_003"));
    end_case(&ran);
}

/* ---- findings combined --------------------------------------------------------------------- */

static void cases_of_known_outcome_point_the_right_way(void **state)
{
    struct ran ran;
    (void)state;
    run_case("llama3-v", &ran); /* copied, as its makers' apology and the checkpoints showed */
    assert_true(over(combination(&ran, "descent"), "copied", "trained") > 1);
    assert_true(over(combination(&ran, "descent"), "copied", "code-only") > 0.3);
    end_case(&ran);
    run_case("yi-34b", &ran); /* accused, and its own */
    assert_true(over(combination(&ran, "descent"), "own", "derived") > 0.7);
    end_case(&ran);
}

/* As careful as the paper that asked: nothing strong is said on what is public. */
static void the_case_of_deepseek_claims_no_more_than_its_sources_carry(void **state)
{
    static const char *const questions[] = {"hardware", "next-model", "teacher"};
    struct ran ran;
    (void)state;
    run_case("deepseek", &ran);
    for (size_t q = 0; q < 3; q++) {
        const struct assay_combination *c = combination(&ran, questions[q]);
        for (size_t h = 0; h < c->hypothesis_count; h++)
            assert_true(fabs(c->hypotheses[h].log10_ratio.median) < 1); /* below moderate */
        assert_string_equal(c->confidence, "low");
    }
    assert_true(over(combination(&ran, "hardware"), "as-stated", "restricted") > 0);
    assert_true(over(combination(&ran, "teacher"), "on-purpose", "incidental") > 0);
    assert_true(over(combination(&ran, "descent"), "own", "taken") > 0.5);
    end_case(&ran);
    run_case("deepseek-v3", &ran); /* the claim alone */
    assert_true(best_over_stated(result(&ran, 0)) < 1);
    end_case(&ran);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_public_truth_of_llama_is_not_doubted),
        cmocka_unit_test(layers_that_were_moved_and_doubled_are_found_where_they_went),
        cmocka_unit_test(a_quarter_of_the_hardware_is_doubted_by_hours_and_found_by_days),
        cmocka_unit_test(a_teacher_that_is_known_by_construction_is_named),
        cmocka_unit_test(a_disguised_copy_is_found_and_a_shared_seed_is_no_shared_training),
        cmocka_unit_test(the_public_teacher_of_alpaca_comes_first),
        cmocka_unit_test(cases_of_known_outcome_point_the_right_way),
        cmocka_unit_test(the_case_of_deepseek_claims_no_more_than_its_sources_carry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
