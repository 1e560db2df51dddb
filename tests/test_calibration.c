/* SPDX-License-Identifier: Apache-2.0 */
/* Likelihood ratios judged against the truth, and a few simulated cases through the whole path. */
#include "case/judgement.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void assert_near(double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance))
        fail_msg("%.12g, expected %.12g", value, expected);
}

static void ratios_of_one_are_worth_nothing(void **state)
{
    (void)state;
    struct judged list[] = {{0, 0.5, true}, {0, 0.5, false}, {0, 0.5, false}};
    struct assay_case_calibration_row row = {.cases = 1};
    judge(list, 3, &row);
    assert_near(row.cllr, 1, 1e-12);
    assert_near(row.min_cllr, 1, 1e-12);
    assert_near(row.misleading_false, 0, 0);
    assert_int_equal(row.cells[5].count, 3);
    assert_near(row.cells[5].realised, 1.0 / 3, 1e-12);
}

static void cllr_is_its_formula_and_its_least_that_of_pooled_ratios(void **state)
{
    (void)state;
    /* In order: false, true, false, true, true. The middle two are pooled: 1 of 2. */
    struct judged list[] = {
        {3, 0.9, true}, {-2, 0.1, false}, {-1, 0.2, true}, {1, 0.7, true}, {0.5, 0.6, false}};
    struct assay_case_calibration_row row = {.cases = 1};
    judge(list, 5, &row);
    double t = (log2(1 + 1e-3) + log2(1 + 10) + log2(1 + 0.1)) / 3;
    double f = (log2(1 + 0.01) + log2(1 + sqrt(10))) / 2;
    assert_near(row.cllr, 0.5 * (t + f), 1e-12);
    double ratio = (1.0 / 3) / (1.0 / 2); /* of the pooled block */
    assert_near(row.min_cllr, 0.5 * (log2(1 + 1 / ratio) / 3 + log2(1 + ratio) / 2), 1e-12);
    assert_near(row.wrong_above_ten, 0, 0);
    assert_near(row.claimed_above_ten, 0.1, 1e-12); /* 10^3 alone is over 10 */
    assert_near(row.tippett_true[4], 2.0 / 3, 1e-12);
    assert_near(row.tippett_false[4], 0.5, 1e-12);
}

static void misleading_ratios_are_counted_on_both_sides(void **state)
{
    (void)state;
    struct judged list[] = {
        {-1.5, 0.03, true}, {2, 0.99, true}, {1.5, 0.97, false}, {0, 0.5, false}};
    struct assay_case_calibration_row row = {.cases = 1};
    judge(list, 4, &row);
    assert_near(row.misleading_true, 0.5, 0);
    assert_near(row.misleading_false, 0.5, 0);
    assert_near(row.wrong_above_ten, 0.5, 0);
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
    assert_true(network->misleading_false <= 0.03);
    assert_true(product->cllr > 1);
    assert_true(product->wrong_above_ten > 4 * product->claimed_above_ten);
    assert_true(known->cllr < network->cllr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ratios_of_one_are_worth_nothing),
        cmocka_unit_test(cllr_is_its_formula_and_its_least_that_of_pooled_ratios),
        cmocka_unit_test(misleading_ratios_are_counted_on_both_sides),
        cmocka_unit_test(combined_ratios_are_worth_what_they_say_and_a_plain_product_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
