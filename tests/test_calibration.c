/* SPDX-License-Identifier: Apache-2.0 */
/* Likelihood ratios judged against the truth, and a few simulated cases through the whole path. */
#include "case/judgement.h"

#include <assay/report.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "finding_curve.h"

static void assert_near(double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance))
        fail_msg("%.12g, expected %.12g", value, expected);
}

static void ratios_of_one_are_worth_nothing(void **state)
{
    (void)state;
    struct judged list[] = {{0, 0.5, 0, true}, {0, 0.5, 0, false}, {0, 0.5, 1, false}};
    struct assay_case_calibration_row row = {.cases = 1};
    assert_int_equal(judge(list, 3, &row, NULL), ASSAY_OK);
    assert_near(row.cllr, 1, 1e-12);
    assert_near(row.min_cllr, 1, 1e-12);
    assert_near(row.misleading_false.share, 0, 0);
    assert_int_equal(row.cells[5].realised.n, 3);
    assert_near(row.cells[5].realised.share, 1.0 / 3, 1e-12);
}

static void cllr_is_its_formula_and_its_least_that_of_pooled_ratios(void **state)
{
    (void)state;
    /* In order: false, true, false, true, true. The middle two are pooled: 1 of 2. */
    struct judged list[] = {{3, 0.9, 0, true},
                            {-2, 0.1, 0, false},
                            {-1, 0.2, 1, true},
                            {1, 0.7, 2, true},
                            {0.5, 0.6, 2, false}};
    struct assay_case_calibration_row row = {.cases = 1};
    assert_int_equal(judge(list, 5, &row, NULL), ASSAY_OK);
    double t = (log2(1 + 1e-3) + log2(1 + 10) + log2(1 + 0.1)) / 3;
    double f = (log2(1 + 0.01) + log2(1 + sqrt(10))) / 2;
    assert_near(row.cllr, 0.5 * (t + f), 1e-12);
    double ratio = (1.0 / 3) / (1.0 / 2); /* of the pooled block */
    assert_near(row.min_cllr, 0.5 * (log2(1 + 1 / ratio) / 3 + log2(1 + ratio) / 2), 1e-12);
    assert_near(row.wrong_above_ten.share, 0, 0);
    assert_near(row.claimed_above_ten, 0.1, 1e-12); /* 10^3 alone is over 10 */
    assert_near(row.tippett_true[40].share, 2.0 / 3, 1e-12);
    assert_near(row.tippett_false[40].share, 0.5, 1e-12);
}

static void misleading_ratios_are_counted_on_both_sides(void **state)
{
    (void)state;
    struct judged list[] = {
        {-1.5, 0.03, 0, true}, {2, 0.99, 1, true}, {1.5, 0.97, 0, false}, {0, 0.5, 1, false}};
    struct assay_case_calibration_row row = {.cases = 1};
    assert_int_equal(judge(list, 4, &row, NULL), ASSAY_OK);
    assert_near(row.misleading_true.share, 0.5, 0);
    assert_near(row.misleading_false.share, 0.5, 0);
    assert_near(row.wrong_above_ten.share, 0.5, 0);
    assert_near(row.claimed_above_ten, 0.02, 1e-12);
}

/* Forty cases: enough to see that the network is worth what it says and the product is not. */
static void combined_ratios_are_worth_what_they_say_and_a_plain_product_is_not(void **state)
{
    (void)state;
    char claim[4200], data[4200];
    struct assay_context context = assay_context_default();
    struct assay_case_calibration c;
    struct assay_error error = {0};
    snprintf(claim, sizeof claim, "%s/cases/deepseek-v3/claim.yaml", getenv("ASSAY_SOURCE"));
    snprintf(data, sizeof data, "%s/data", getenv("ASSAY_SOURCE"));
    if (assay_case_calibrate(claim, data, 40, ASSAY_FORM_COUNT, &context, &c, &error) != ASSAY_OK)
        fail_msg("%s", error.message);
    const struct assay_case_calibration_row *network = &c.rows[0], *product = &c.rows[1],
                                            *known = &c.rows[2];
    assert_string_equal(network->method, "network");
    assert_int_equal(network->true_ratios, 40);
    assert_true(network->cllr < 0.85);
    assert_true(network->cllr < network->min_cllr + 0.15);
    assert_true(network->misleading_false.share <= 0.03);
    assert_true(product->cllr > 1);
    assert_true(product->wrong_above_ten.share > 4 * product->claimed_above_ten);
    assert_true(known->cllr < network->cllr);
    size_t of_kinds = 0;
    for (size_t k = 0; k < ASSAY_FORM_COUNT; k++)
        of_kinds += c.kinds[k].false_ratios;
    assert_int_equal(of_kinds, network->false_ratios);
    struct assay_finding finding;
    char *page = NULL;
    if (assay_case_calibration_describe(&c, claim, data, &finding, &error) != ASSAY_OK ||
        assay_report_finding(&finding, "Forty cases", &page, &error) != ASSAY_OK)
        fail_msg("%s", error.message);
    assert_non_null(strstr(page, "\"title\":\"Forty cases\""));
    assert_non_null(strstr(page, "\"id\":\"reliability-by-kind\""));
    assay_finding_free(&finding);
    free(page);
}

static void costs_have_intervals_over_cases_and_entropy_at_even_odds_is_cllr(void **state)
{
    (void)state;
    struct judged list[400];
    struct assay_random random;
    struct assay_case_calibration_row row = {.cases = 200};
    assay_random_start(&random, 5, 0);
    for (size_t i = 0; i < 400; i++) { /* normal log ratios of variance 2 ln: well calibrated */
        bool is_true = i % 2 == 0;
        double ln = (is_true ? 1 : -1) + sqrt(2) * assay_random_normal(&random);
        list[i] = (struct judged){ln / log(10), 1 / (1 + exp(-ln)), i / 2, is_true};
    }
    assert_int_equal(judge(list, 400, &row, NULL), ASSAY_OK);
    assert_true(row.cllr_interval[0] < row.cllr && row.cllr < row.cllr_interval[1]);
    assert_true(row.cllr_interval[0] < 0.7095 && 0.7095 < row.cllr_interval[1]); /* by quadrature */
    assert_true(row.min_cllr_interval[0] < row.min_cllr && row.min_cllr < row.min_cllr_interval[1]);
    assert_near(row.entropy[25].as_stated, row.cllr, 1e-12);
    assert_near(row.entropy[25].least, row.min_cllr, 1e-12);
    assert_near(row.entropy[25].without, 1, 1e-12);
    for (size_t i = 0; i < ASSAY_ENTROPY_POINTS; i++) {
        assert_true(row.entropy[i].least <= row.entropy[i].as_stated + 1e-12);
        assert_true(row.entropy[i].least <= row.entropy[i].without + 1e-12);
    }
    for (size_t i = 1; i < ASSAY_TIPPETT_POINTS; i++)
        assert_false(row.worth[i] < row.worth[i - 1]); /* what more is said is worth no less */
}

static void a_calibration_is_drawn_as_it_was_counted(void **state)
{
    (void)state;
    struct assay_case_calibration *c = calloc(1, sizeof *c);
    struct assay_finding f;
    struct assay_error error = {0};
    char table[4300], data[4200];
    struct judged list[] = {{-1.5, 0.03, 0, true}, {2, 0.99, 1, true}, {1.5, 0.97, 0, false},
                            {0, 0.5, 1, false},    {3, 0.99, 2, true}, {-2, 0.01, 2, false}};
    snprintf(data, sizeof data, "%s/data", getenv("ASSAY_SOURCE"));
    snprintf(table, sizeof table, "%s/stage_pairs.csv", data);
    assert_non_null(c);
    c->form = ASSAY_FORM_TEACHER;
    for (int i = 0; i < ASSAY_CALIBRATION_METHODS * ASSAY_WORLD_COUNT; i++) {
        c->rows[i].world = i < ASSAY_CALIBRATION_METHODS ? "as graded" : "one letter worse";
        c->rows[i].method = i % 3 == 0 ? "network" : i % 3 == 1 ? "product" : "all known";
        assert_int_equal(judge(list, 6, &c->rows[i], NULL), ASSAY_OK);
    }
    if (assay_case_calibration_describe(c, table, data, &f, &error) != ASSAY_OK)
        fail_msg("%s", error.message);
    const struct assay_series *wrong = curve_of(&f, "tippett", "false, network");
    assert_near(wrong->points[50].x, 1, 0);
    assert_near(wrong->points[50].y, 1.0 / 3, 1e-12);
    assert_true(wrong->points[50].low < 1.0 / 3 && wrong->points[50].high > 1.0 / 3);
    assert_near(curve_of(&f, "tippett", "true, network")->points[30].y, 2.0 / 3, 1e-12);
    const struct assay_series *bins = curve_of(&f, "reliability", "sources as graded");
    assert_int_equal(bins->point_count, 3); /* empty ones are no points */
    assert_near(bins->points[1].x, 0.5, 1e-12);
    assert_near(bins->points[2].y, 2.0 / 3, 1e-12);
    assert_int_equal(f.weight_count, 0);
    assay_finding_free(&f);
    free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ratios_of_one_are_worth_nothing),
        cmocka_unit_test(cllr_is_its_formula_and_its_least_that_of_pooled_ratios),
        cmocka_unit_test(misleading_ratios_are_counted_on_both_sides),
        cmocka_unit_test(costs_have_intervals_over_cases_and_entropy_at_even_odds_is_cllr),
        cmocka_unit_test(a_calibration_is_drawn_as_it_was_counted),
        cmocka_unit_test(combined_ratios_are_worth_what_they_say_and_a_plain_product_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
