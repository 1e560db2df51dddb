/* SPDX-License-Identifier: Apache-2.0 */
/* Sums in log space, factorials, and quantiles of weighted draws. */
#include <assay/stats.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void assert_close(double found, double expected, double relative)
{
    if (!(fabs(found - expected) <= relative * fabs(expected)))
        fail_msg("found %.17g, expected %.17g", found, expected);
}

static void sums_of_logarithms_neither_overflow_nor_underflow(void **state)
{
    (void)state;
    double far[] = {-5000, -5000 + log(2), -HUGE_VAL, -9000};
    assert_close(assay_stats_log_sum_exp(far, 4), -5000 + log(3), 1e-15);
    double big[] = {4000, 4000, 4000};
    assert_close(assay_stats_log_sum_exp(big, 3), 4000 + log(3), 1e-15);
    double tens[] = {-670, -670, -671};
    assert_close(assay_stats_log10_sum(tens, 3), -670 + log10(2.1), 1e-15);
}

static void sums_of_nothing_infinities_and_nan_are_as_documented(void **state)
{
    (void)state;
    double none[] = {-HUGE_VAL, -HUGE_VAL}, top[] = {0, HUGE_VAL},
           bad[] = {0, (double)NAN, HUGE_VAL};
    assert_true(assay_stats_log_sum_exp(NULL, 0) == -HUGE_VAL);
    assert_true(assay_stats_log_sum_exp(none, 2) == -HUGE_VAL);
    assert_true(assay_stats_log10_sum(none, 2) == -HUGE_VAL);
    assert_true(assay_stats_log_sum_exp(top, 2) == HUGE_VAL);
    assert_true(isnan(assay_stats_log_sum_exp(bad, 3)));
    assert_true(isnan(assay_stats_log10_sum(bad, 3)));
}

static void the_complement_keeps_its_digits_at_both_ends(void **state)
{
    (void)state;
    assert_close(assay_stats_log1mexp(-1e-20), log(1e-20), 1e-15);
    assert_close(assay_stats_log1mexp(-100), -exp(-100), 1e-14);
    assert_close(assay_stats_log1mexp(-log(2)), -log(2), 1e-14);
    assert_close(assay_stats_log10_complement(-10), -1e-10 / log(10), 1e-9);
    assert_close(assay_stats_log10_complement(log10(0.25)), log10(0.75), 1e-14);
    assert_true(assay_stats_log1mexp(0) == -HUGE_VAL);
    assert_true(assay_stats_log1mexp(-HUGE_VAL) == 0);
    assert_true(isnan(assay_stats_log1mexp(1e-300)));
    assert_true(isnan(assay_stats_log1mexp((double)NAN)));
}

static void factorials_agree_with_exact_products(void **state)
{
    (void)state;
    double product = 1;
    for (int n = 2; n <= 18; n++) { /* 18! is below 2^53 */
        product *= n;
        assert_close(assay_stats_log_factorial(n), log(product), 2e-14);
    }
    /* Gamma(1/2) = sqrt(pi), Gamma(3/2) = sqrt(pi) / 2: Abramowitz and Stegun 6.1.8 and 6.1.9 */
    assert_close(assay_stats_log_factorial(0.5), log(sqrt(acos(-1)) / 2), 2e-14);
    /* mpmath, 50 digits: loggamma(1e9 + 1), loggamma(1e15 + 1) */
    assert_close(assay_stats_log_factorial(1e9), 19723265848.226982608, 1e-15);
    assert_close(assay_stats_log_factorial(1e15), 33538776394910703.449, 1e-15);
    assert_true(assay_stats_log_factorial(0) == 0);
    assert_true(assay_stats_log_factorial(HUGE_VAL) == HUGE_VAL);
    assert_true(isnan(assay_stats_log_factorial(-0.5)));
    assert_true(isnan(assay_stats_log_factorial((double)NAN)));
}

static void binomial_coefficients_agree_with_pascals_triangle(void **state)
{
    (void)state;
    double row[57] = {1};
    for (int n = 1; n <= 56; n++) {
        for (int k = n; k > 0; k--)
            row[k] += row[k - 1];
        for (int k = 1; k < n; k++)
            assert_close(assay_stats_log_choose(n, k), log(row[k]), 2e-14);
    }
}

static void big_binomial_coefficients_agree_with_mpmath(void **state)
{
    (void)state;
    assert_close(assay_stats_log_choose(1e9, 5e8), 693147169.97252103805, 1e-15);
    assert_close(assay_stats_log_choose(1e9, 17), 318.79044564195210002, 1e-14);
    assert_close(assay_stats_log_choose(1e12, 999999999999.0), 27.631021115928548208, 1e-14);
    assert_true(assay_stats_log_choose(1e12, 0) == 0);
    assert_true(assay_stats_log_choose(3, 4) == -HUGE_VAL);
    assert_true(assay_stats_log_choose(3, -1) == -HUGE_VAL);
    assert_true(isnan(assay_stats_log_choose(-1, 0)));
    assert_true(isnan(assay_stats_log_choose((double)NAN, 0)));
}

/* Hyndman and Fan's number 5 on 1 .. 10: level p stands at 10 p + 1/2. */
static void unweighted_quantiles_are_hazens(void **state)
{
    (void)state;
    double values[] = {7, 1, 10, 4, 2, 9, 3, 8, 6, 5}, levels[] = {0, 0.05, 0.25, 0.5, 0.9, 1},
           q[6];
    double expected[] = {1, 1, 3, 5.5, 9.5, 10};
    assert_int_equal(assay_stats_quantiles(values, NULL, 10, levels, 6, q, NULL), ASSAY_OK);
    for (int i = 0; i < 6; i++)
        assert_close(q[i], expected[i], 1e-14);
    double low, high;
    assert_int_equal(assay_stats_interval(values, NULL, 10, 0.8, &low, &high, NULL), ASSAY_OK);
    assert_close(low, 1.5, 1e-14);
    assert_close(high, 9.5, 1e-14);
}

static void quantiles_ignore_the_scale_of_the_weights_and_values_of_none(void **state)
{
    (void)state;
    double values[] = {3, 1, 2, -50}, ones[] = {1, 1, 1, 0}, tens[] = {10, 10, 10, 0};
    double levels[] = {0.1, 0.4, 0.5, 0.77}, a[4], b[4], c[4];
    assert_int_equal(assay_stats_quantiles(values, NULL, 3, levels, 4, a, NULL), ASSAY_OK);
    assert_int_equal(assay_stats_quantiles(values, ones, 4, levels, 4, b, NULL), ASSAY_OK);
    assert_int_equal(assay_stats_quantiles(values, tens, 4, levels, 4, c, NULL), ASSAY_OK);
    for (int i = 0; i < 4; i++) {
        assert_close(b[i], a[i], 1e-15);
        assert_close(c[i], a[i], 1e-15);
    }
}

/* Weights 1 and 3: the values stand at levels 1/8 and 5/8. */
static void a_weight_moves_the_level_of_its_value(void **state)
{
    (void)state;
    double values[] = {0, 1}, weights[] = {1, 3}, levels[] = {0.125, 0.375, 0.625, 0.9}, q[4];
    double expected[] = {0, 0.5, 1, 1};
    assert_int_equal(assay_stats_quantiles(values, weights, 2, levels, 4, q, NULL), ASSAY_OK);
    for (int i = 0; i < 4; i++)
        assert_close(q[i], expected[i], 1e-15);
}

static void bad_draws_are_refused(void **state)
{
    (void)state;
    double values[] = {1, (double)NAN}, one = 1, minus = -1, zero = 0, endless = HUGE_VAL,
           level = 0.5;
    double beyond = 1.01, q, low, high;
    struct assay_error e;
    assert_int_equal(assay_stats_quantiles(values, NULL, 2, &level, 1, &q, &e), ASSAY_ERROR_INPUT);
    assert_string_equal(e.message, "draw 1 is NaN");
    assert_int_equal(assay_stats_quantiles(values, NULL, 0, &level, 1, &q, &e), ASSAY_ERROR_INPUT);
    assert_int_equal(assay_stats_quantiles(&one, &minus, 1, &level, 1, &q, &e), ASSAY_ERROR_INPUT);
    assert_int_equal(assay_stats_quantiles(&one, &zero, 1, &level, 1, &q, &e), ASSAY_ERROR_INPUT);
    assert_int_equal(assay_stats_quantiles(&one, &endless, 1, &level, 1, &q, &e),
                     ASSAY_ERROR_INPUT);
    assert_int_equal(assay_stats_quantiles(&one, NULL, 1, &beyond, 1, &q, &e), ASSAY_ERROR_INPUT);
    assert_int_equal(assay_stats_interval(&one, NULL, 1, (double)NAN, &low, &high, &e),
                     ASSAY_ERROR_INPUT);
    assert_int_equal(assay_stats_interval(&one, NULL, 1, 0.9, &low, &high, &e), ASSAY_OK);
    assert_true(low == 1 && high == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_of_logarithms_neither_overflow_nor_underflow),
        cmocka_unit_test(sums_of_nothing_infinities_and_nan_are_as_documented),
        cmocka_unit_test(the_complement_keeps_its_digits_at_both_ends),
        cmocka_unit_test(factorials_agree_with_exact_products),
        cmocka_unit_test(binomial_coefficients_agree_with_pascals_triangle),
        cmocka_unit_test(big_binomial_coefficients_agree_with_mpmath),
        cmocka_unit_test(unweighted_quantiles_are_hazens),
        cmocka_unit_test(quantiles_ignore_the_scale_of_the_weights_and_values_of_none),
        cmocka_unit_test(a_weight_moves_the_level_of_its_value),
        cmocka_unit_test(bad_draws_are_refused),
    };
    return cmocka_run_group_tests_name("stats_logs", tests, NULL, NULL);
}
