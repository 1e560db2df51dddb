/* SPDX-License-Identifier: Apache-2.0 */
/* Every quantile against its tail, at the parameters of the reference tables; and the edges. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tail_table.h"

typedef double quantile_function(const double *parameters, double log10_p, enum assay_tail tail);

static tail_function *tail_of;
static quantile_function *quantile_of;

static double at(const double *parameters, int last, double x, enum assay_tail tail)
{
    double moved[6];
    for (int i = 0; i < last; i++)
        moved[i] = parameters[i];
    moved[last] = x;
    return tail_of(moved, tail);
}

/* p lies between the tails a few units in the last place to either side of the quantile, give or
 * take what the tails themselves are known to. */
static void inverts(const struct tail_row *row, enum assay_tail tail)
{
    int last = row->count - 3;
    double p = row->values[row->count - (tail == ASSAY_LOWER ? 2 : 1)];
    if (!(p < -1e-9 && p > -5000))
        return; /* near 1 the other tail determines x, and is tested */
    double x = quantile_of(row->values, p, tail);
    double wide = fabs(x) * 1e-14 + 1e-307;
    double below = at(row->values, last, x - wide, tail);
    double above = at(row->values, last, x + wide, tail), slack = 1e-11;
    if (!(fmin(below, above) <= p + slack && fmax(below, above) >= p - slack))
        fail_msg("%s tail, parameters %.17g %.17g %.17g: quantile of %.17g is %.17g, where the "
                 "tail is %.17g to %.17g",
                 tail == ASSAY_LOWER ? "lower" : "upper", row->values[0], row->values[1],
                 row->values[2], p, x, below, above);
}

static void check_row(const struct tail_row *row)
{
    inverts(row, ASSAY_LOWER);
    inverts(row, ASSAY_UPPER);
}

static void check(const char *name, tail_function *tail, quantile_function *quantile)
{
    tail_of = tail;
    quantile_of = quantile;
    assert_true(tail_table_each(name, check_row) > 40);
}

static double normal(const double *v, enum assay_tail tail)
{
    return assay_stats_normal_tail(v[0], tail);
}

static double normal_quantile(const double *v, double log10_p, enum assay_tail tail)
{
    (void)v;
    return assay_stats_normal_quantile(log10_p, tail);
}

static void normal_quantiles_invert_the_tails(void **state)
{
    (void)state;
    check("normal", normal, normal_quantile);
}

static double gamma_(const double *v, enum assay_tail tail)
{
    return assay_stats_gamma_tail(v[1], v[0], tail);
}

static double gamma_quantile(const double *v, double log10_p, enum assay_tail tail)
{
    return assay_stats_gamma_quantile(log10_p, v[0], tail);
}

static void gamma_quantiles_invert_the_tails(void **state)
{
    (void)state;
    check("gamma", gamma_, gamma_quantile);
}

static double beta(const double *v, enum assay_tail tail)
{
    return assay_stats_beta_tail(v[2], v[0], v[1], tail);
}

static double beta_quantile(const double *v, double log10_p, enum assay_tail tail)
{
    return assay_stats_beta_quantile(log10_p, v[0], v[1], tail);
}

static void beta_quantiles_invert_the_tails(void **state)
{
    (void)state;
    check("beta", beta, beta_quantile);
}

static double student(const double *v, enum assay_tail tail)
{
    return assay_stats_student_tail(v[1], v[0], tail);
}

static double student_quantile(const double *v, double log10_p, enum assay_tail tail)
{
    return assay_stats_student_quantile(log10_p, v[0], tail);
}

static void student_quantiles_invert_the_tails(void **state)
{
    (void)state;
    check("student", student, student_quantile);
}

/* The definition in stats.h, at the reference's own tail probabilities and between them. */
static void check_count(const struct tail_row *row, double log10_p, enum assay_tail tail)
{
    int last = row->count - 3;
    double k = quantile_of(row->values, log10_p, tail);
    double here = at(row->values, last, k, tail), before = at(row->values, last, k - 1, tail);
    if (tail == ASSAY_LOWER ? !(here >= log10_p && before < log10_p)
                            : !(here <= log10_p && before > log10_p))
        fail_msg("%s tail, parameters %.17g %.17g %.17g: quantile of %.17g is %.17g",
                 tail == ASSAY_LOWER ? "lower" : "upper", row->values[0], row->values[1],
                 row->values[2], log10_p, k);
}

static int turn; /* big hypergeometric rows take long: every sixth is enough */

static void check_count_row(const struct tail_row *row)
{
    double lower = row->values[row->count - 2], upper = row->values[row->count - 1];
    if (row->count == 6 && row->values[0] > 1e6 && turn++ % 6)
        return;
    if (lower < -1e-3)
        check_count(row, lower - 1e-4, ASSAY_LOWER);
    if (upper < -1e-3)
        check_count(row, upper + 1e-4, ASSAY_UPPER);
}

static void check_counts(const char *name, tail_function *tail, quantile_function *quantile)
{
    tail_of = tail;
    quantile_of = quantile;
    assert_true(tail_table_each(name, check_count_row) > 40);
}

static double poisson(const double *v, enum assay_tail tail)
{
    return assay_stats_poisson_tail((int64_t)v[1], v[0], tail);
}

static double poisson_quantile(const double *v, double log10_p, enum assay_tail tail)
{
    return (double)assay_stats_poisson_quantile(log10_p, v[0], tail);
}

static void poisson_quantiles_are_the_first_counts_that_reach_the_tail(void **state)
{
    (void)state;
    check_counts("poisson", poisson, poisson_quantile);
}

static double binomial(const double *v, enum assay_tail tail)
{
    return assay_stats_binomial_tail((int64_t)v[2], (int64_t)v[0], v[1], tail);
}

static double binomial_quantile(const double *v, double log10_p, enum assay_tail tail)
{
    return (double)assay_stats_binomial_quantile(log10_p, (int64_t)v[0], v[1], tail);
}

static void binomial_quantiles_are_the_first_counts_that_reach_the_tail(void **state)
{
    (void)state;
    check_counts("binomial", binomial, binomial_quantile);
}

static double hypergeometric(const double *v, enum assay_tail tail)
{
    return assay_stats_hypergeometric_tail((int64_t)v[3], (int64_t)v[0], (int64_t)v[1],
                                           (int64_t)v[2], tail);
}

static double hypergeometric_quantile(const double *v, double log10_p, enum assay_tail tail)
{
    return (double)assay_stats_hypergeometric_quantile(log10_p, (int64_t)v[0], (int64_t)v[1],
                                                       (int64_t)v[2], tail);
}

static void hypergeometric_quantiles_are_the_first_counts_that_reach_the_tail(void **state)
{
    (void)state;
    check_counts("hypergeometric", hypergeometric, hypergeometric_quantile);
}

static void quantiles_of_0_and_1_are_the_ends_of_the_support(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        enum assay_tail tail = i ? ASSAY_UPPER : ASSAY_LOWER;
        double none = i ? 0 : -HUGE_VAL, all = i ? -HUGE_VAL : 0; /* the left end, the right end */
        assert_true(assay_stats_normal_quantile(none, tail) == -HUGE_VAL);
        assert_true(assay_stats_normal_quantile(all, tail) == HUGE_VAL);
        assert_true(assay_stats_gamma_quantile(none, 3, tail) == 0);
        assert_true(assay_stats_gamma_quantile(all, 3, tail) == HUGE_VAL);
        assert_true(assay_stats_beta_quantile(none, 3, 2, tail) == 0);
        assert_true(assay_stats_beta_quantile(all, 3, 2, tail) == 1);
        assert_true(assay_stats_student_quantile(none, 3, tail) == -HUGE_VAL);
        assert_true(assay_stats_student_quantile(all, 3, tail) == HUGE_VAL);
        assert_true(assay_stats_poisson_quantile(all, 3, tail) == -1);
    }
    assert_true(assay_stats_binomial_quantile(0, 9, 0.5, ASSAY_LOWER) == 9);
    assert_true(assay_stats_binomial_quantile(-HUGE_VAL, 9, 0.5, ASSAY_UPPER) == 10);
    assert_true(assay_stats_binomial_quantile(0, 9, 0.5, ASSAY_UPPER) == 0);
    assert_true(assay_stats_hypergeometric_quantile(-HUGE_VAL, 9, 5, 3, ASSAY_UPPER) == 4);
}

static void quantiles_of_nonsense_are_nan_or_minus_1(void **state)
{
    (void)state;
    double bad[] = {(double)NAN, 1e-300, HUGE_VAL};
    for (int i = 0; i < 3; i++) {
        assert_true(isnan(assay_stats_normal_quantile(bad[i], ASSAY_LOWER)));
        assert_true(isnan(assay_stats_gamma_quantile(bad[i], 1, ASSAY_LOWER)));
        assert_true(isnan(assay_stats_beta_quantile(bad[i], 1, 1, ASSAY_LOWER)));
        assert_true(isnan(assay_stats_student_quantile(bad[i], 1, ASSAY_LOWER)));
        assert_true(assay_stats_poisson_quantile(bad[i], 1, ASSAY_LOWER) == -1);
        assert_true(assay_stats_binomial_quantile(bad[i], 1, 0.5, ASSAY_LOWER) == -1);
        assert_true(assay_stats_hypergeometric_quantile(bad[i], 3, 1, 1, ASSAY_LOWER) == -1);
    }
    double shapes[] = {(double)NAN, 0, -1, HUGE_VAL};
    for (int i = 0; i < 4; i++) {
        assert_true(isnan(assay_stats_gamma_quantile(-1, shapes[i], ASSAY_LOWER)));
        assert_true(isnan(assay_stats_chi_squared_quantile(-1, shapes[i], ASSAY_LOWER)));
        assert_true(isnan(assay_stats_beta_quantile(-1, shapes[i], 1, ASSAY_LOWER)));
        assert_true(isnan(assay_stats_beta_quantile(-1, 1, shapes[i], ASSAY_LOWER)));
        assert_true(isnan(assay_stats_student_quantile(-1, shapes[i], ASSAY_LOWER)));
    }
    assert_true(assay_stats_poisson_quantile(-1, -1, ASSAY_LOWER) == -1);
    assert_true(assay_stats_binomial_quantile(-1, -1, 0.5, ASSAY_LOWER) == -1);
    assert_true(assay_stats_binomial_quantile(-1, 1, 1.5, ASSAY_LOWER) == -1);
    assert_true(assay_stats_hypergeometric_quantile(-1, 3, 4, 1, ASSAY_LOWER) == -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(normal_quantiles_invert_the_tails),
        cmocka_unit_test(gamma_quantiles_invert_the_tails),
        cmocka_unit_test(beta_quantiles_invert_the_tails),
        cmocka_unit_test(student_quantiles_invert_the_tails),
        cmocka_unit_test(poisson_quantiles_are_the_first_counts_that_reach_the_tail),
        cmocka_unit_test(binomial_quantiles_are_the_first_counts_that_reach_the_tail),
        cmocka_unit_test(hypergeometric_quantiles_are_the_first_counts_that_reach_the_tail),
        cmocka_unit_test(quantiles_of_0_and_1_are_the_ends_of_the_support),
        cmocka_unit_test(quantiles_of_nonsense_are_nan_or_minus_1),
    };
    return cmocka_run_group_tests_name("stats_quantiles", tests, NULL, NULL);
}
