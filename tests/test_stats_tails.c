/* SPDX-License-Identifier: Apache-2.0 */
/* Every tail against references of 25 digits, and every quantile against its tail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tail_table.h"

static tail_function *function;
static struct tail_errors errors;

static void compare_row(const struct tail_row *row)
{
    int last = row->count - 2;
    tail_compare(function(row->values, ASSAY_LOWER), row->values[last], row, &errors);
    tail_compare(function(row->values, ASSAY_UPPER), row->values[last + 1], row, &errors);
}

static void compare(const char *name, tail_function *tail, int least_rows, double tolerance)
{
    function = tail;
    errors = (struct tail_errors){.p = 0};
    int rows = tail_table_each(name, compare_row);
    tail_report(name, rows, &errors);
    assert_true(rows >= least_rows);
    assert_true(errors.p <= tolerance);
    assert_true(errors.log10_p <= 2e-15);
}

static double normal(const double *at, enum assay_tail tail)
{
    return assay_stats_normal_tail(at[0], tail);
}

static double gamma_(const double *at, enum assay_tail tail)
{
    return assay_stats_gamma_tail(at[1], at[0], tail);
}

static void normal_tails_agree_with_references_beyond_1e_minus_1000(void **state)
{
    (void)state;
    compare("normal", normal, 45, 2e-12);
}

static void gamma_tails_agree_with_references_for_shapes_1e_minus_12_to_1e9(void **state)
{
    (void)state;
    compare("gamma", gamma_, 300, 2e-12);
}

static double poisson(const double *at, enum assay_tail tail)
{
    return assay_stats_poisson_tail((int64_t)at[1], at[0], tail);
}

static double beta(const double *at, enum assay_tail tail)
{
    return assay_stats_beta_tail(at[2], at[0], at[1], tail);
}

static double student(const double *at, enum assay_tail tail)
{
    return assay_stats_student_tail(at[1], at[0], tail);
}

static double binomial(const double *at, enum assay_tail tail)
{
    return assay_stats_binomial_tail((int64_t)at[2], (int64_t)at[0], at[1], tail);
}

static void poisson_tails_agree_with_references_for_means_1e_minus_300_to_1e9(void **state)
{
    (void)state;
    compare("poisson", poisson, 90, 2e-12);
}

static void beta_tails_agree_with_references_for_shapes_1e_minus_10_to_1e9(void **state)
{
    (void)state;
    compare("beta", beta, 500, 2e-12);
}

static void student_tails_agree_with_references_for_degrees_1e_minus_3_to_1e9(void **state)
{
    (void)state;
    compare("student", student, 200, 2e-12);
}

static void binomial_tails_agree_with_references_for_n_up_to_1e9(void **state)
{
    (void)state;
    compare("binomial", binomial, 400, 2e-12);
}

static double hypergeometric(const double *at, enum assay_tail tail)
{
    return assay_stats_hypergeometric_tail((int64_t)at[3], (int64_t)at[0], (int64_t)at[1],
                                           (int64_t)at[2], tail);
}

static void hypergeometric_tails_agree_with_references_for_populations_up_to_4e9(void **state)
{
    (void)state;
    compare("hypergeometric", hypergeometric, 250, 2e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(normal_tails_agree_with_references_beyond_1e_minus_1000),
        cmocka_unit_test(gamma_tails_agree_with_references_for_shapes_1e_minus_12_to_1e9),
        cmocka_unit_test(poisson_tails_agree_with_references_for_means_1e_minus_300_to_1e9),
        cmocka_unit_test(beta_tails_agree_with_references_for_shapes_1e_minus_10_to_1e9),
        cmocka_unit_test(student_tails_agree_with_references_for_degrees_1e_minus_3_to_1e9),
        cmocka_unit_test(binomial_tails_agree_with_references_for_n_up_to_1e9),
        cmocka_unit_test(hypergeometric_tails_agree_with_references_for_populations_up_to_4e9),
    };
    return cmocka_run_group_tests_name("stats_tails", tests, NULL, NULL);
}
