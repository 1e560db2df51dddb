/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of uniformity, and many tests at once: printed values, closed forms, simulation. */
#include <assay/stats.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void assert_close(double found, double expected, double relative)
{
    if (!(fabs(found - expected) <= relative * fabs(expected)))
        fail_msg("found %.17g, expected %.17g", found, expected);
}

static double kolmogorov(double d, int64_t n)
{
    return pow(10, assay_stats_kolmogorov_tail(d, n));
}

/* Marsaglia, Tsang and Wang, "Evaluating Kolmogorov's distribution", Journal of Statistical
 * Software 8(18), 2003: P(D_10 < 0.274) = 0.6284796154565. */
static void the_kolmogorov_tail_agrees_with_marsaglia_tsang_and_wang(void **state)
{
    (void)state;
    assert_close(1 - kolmogorov(0.274, 10), 0.6284796154565, 1e-12);
}

/* Exact fractions: one uniform strays by max(u, 1 - u), of two the square is cut by hand. */
static void the_kolmogorov_tail_of_one_and_two_values_is_elementary(void **state)
{
    (void)state;
    for (double d = 0.51; d < 1; d += 0.02) {
        assert_close(kolmogorov(d, 1), 2 * (1 - d), 1e-13);
        assert_close(kolmogorov(d, 2), 2 * (1 - d) * (1 - d), 1e-12);
    }
    for (double d = 0.26; d < 0.5; d += 0.02)
        assert_close(kolmogorov(d, 2), 1 - 2 * (2 * d - 0.5) * (2 * d - 0.5), 1e-13);
}

/* Where one method ends and the other begins: n d^2 = 4 and n = 2000. */
static void the_methods_for_the_kolmogorov_tail_meet(void **state)
{
    (void)state;
    const int64_t sizes[] = {17, 60, 400, 2000};
    for (int i = 0; i < 4; i++) {
        double d = 2 / sqrt((double)sizes[i]);
        /* the density there is near 16 d n p: one step of 1e-13 moves p by less than 1e-10 */
        assert_close(kolmogorov(d * (1 + 1e-13), sizes[i]), kolmogorov(d * (1 - 1e-13), sizes[i]),
                     3e-10);
    }
    for (double z = 0.5; z < 1.99; z += 0.1) {
        double exact = kolmogorov(z / sqrt(2000), 2000), limit = kolmogorov(z / sqrt(2001), 2001);
        assert_true(fabs(exact - limit) < 2e-5);
    }
}

static void the_kolmogorov_tail_agrees_with_mpmath_down_to_1e_minus_693(void **state)
{
    (void)state;
    /* mpmath, 50 digits: twice the sum of Birnbaum and Tingey's terms */
    assert_close(kolmogorov(0.274, 100), 3.9869597345223838e-7, 1e-12);
    assert_close(assay_stats_kolmogorov_tail(0.5, 3000), -693.32094524790911228, 1e-13);
    assert_close(assay_stats_kolmogorov_tail(0.0625, 10000), -33.675102801287754873, 1e-13);
    assert_true(assay_stats_kolmogorov_tail(1, 9) == -HUGE_VAL);
    assert_true(assay_stats_kolmogorov_tail(0.05, 10) == 0);
    assert_true(isnan(assay_stats_kolmogorov_tail(0.5, 0)));
    assert_true(isnan(assay_stats_kolmogorov_tail((double)NAN, 5)));
}

static void the_distance_is_the_largest_to_either_side(void **state)
{
    (void)state;
    double values[] = {0.9, 0.1, 0.2, 0.15}, outside = 1.5, distance, log10_p;
    assert_int_equal(assay_stats_kolmogorov_uniform(values, 4, &distance, &log10_p, NULL),
                     ASSAY_OK);
    assert_close(distance, 0.75 - 0.2, 1e-15);
    assert_close(log10_p, assay_stats_kolmogorov_tail(0.55, 4), 1e-12);
    struct assay_error e;
    assert_int_equal(assay_stats_kolmogorov_uniform(&outside, 1, &distance, &log10_p, &e),
                     ASSAY_ERROR_INPUT);
    assert_int_equal(assay_stats_kolmogorov_uniform(values, 0, &distance, &log10_p, &e),
                     ASSAY_ERROR_INPUT);
}

/* 100 counts in four cells, 25 expected in each: (25 + 25 + 100 + 100) / 25. */
static void pearsons_statistic_is_the_hand_computed_one(void **state)
{
    (void)state;
    uint64_t counts[] = {30, 20, 35, 15}, none[] = {0, 0};
    double statistic, log10_p = assay_stats_chi_squared_uniform(counts, 4, &statistic);
    assert_close(statistic, 10, 1e-14);
    assert_close(log10_p, assay_stats_chi_squared_tail(10, 3, ASSAY_UPPER), 1e-14);
    assert_true(isnan(assay_stats_chi_squared_uniform(none, 2, &statistic)));
    assert_true(isnan(assay_stats_chi_squared_uniform(counts, 1, &statistic)));
    assert_true(isnan(assay_stats_chi_squared_uniform(counts, 0, &statistic)));
}

/* For two tests Fisher's p is x (1 - ln x), x being the product. */
static void fishers_combination_of_two_is_elementary(void **state)
{
    (void)state;
    for (double tens = -1; tens > -700; tens *= 1.9) {
        double both[] = {tens, tens / 3}, product = tens + tens / 3;
        assert_close(assay_stats_fisher_combine(both, 2), product + log10(1 - product * log(10)),
                     1e-13);
    }
    double one = -670, bad[] = {-1, 0.1}, none[] = {-1, -HUGE_VAL};
    assert_close(assay_stats_fisher_combine(&one, 1), -670, 1e-14);
    assert_true(assay_stats_fisher_combine(NULL, 0) == 0);
    assert_true(isnan(assay_stats_fisher_combine(bad, 2)));
    assert_true(assay_stats_fisher_combine(none, 2) == -HUGE_VAL);
}

/* The fifteen p-values of Benjamini and Hochberg 1995, section 4: four are rejected at 0.05. */
static void q_values_reject_what_benjamini_and_hochberg_rejected(void **state)
{
    (void)state;
    const double p[] = {0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344,
                        0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000};
    double tens[15], q[15];
    int rejected = 0;
    for (int i = 0; i < 15; i++)
        tens[(i * 7) % 15] = log10(p[i]); /* in another order */
    assert_int_equal(assay_stats_benjamini_hochberg(tens, 15, q, NULL), ASSAY_OK);
    for (int i = 0; i < 15; i++)
        rejected += q[i] <= log10(0.05);
    assert_int_equal(rejected, 4);
    assert_close(q[0], log10(0.0001 * 15), 1e-13);
    assert_close(q[(3 * 7) % 15], log10(0.0095 * 15 / 4), 1e-13);
    assert_close(q[(4 * 7) % 15], log10(0.0201 * 15 / 5), 1e-13);
    assert_true(q[(14 * 7) % 15] == 0);
    assert_int_equal(assay_stats_benjamini_hochberg(tens, 15, tens, NULL), ASSAY_OK);
    for (int i = 0; i < 15; i++)
        assert_true(tens[i] == q[i]);
}

static void q_values_of_extreme_and_empty_families_are_as_documented(void **state)
{
    (void)state;
    double tens[] = {-670, -HUGE_VAL, 0, -670}, q[4], bad = (double)NAN;
    struct assay_error e;
    assert_int_equal(assay_stats_benjamini_hochberg(tens, 4, q, &e), ASSAY_OK);
    assert_close(q[0], -670 + log10(4.0 / 3), 1e-15);
    assert_true(q[1] == -HUGE_VAL && q[2] == 0 && q[3] == q[0]);
    assert_int_equal(assay_stats_benjamini_hochberg(NULL, 0, NULL, &e), ASSAY_OK);
    assert_int_equal(assay_stats_benjamini_hochberg(&bad, 1, q, &e), ASSAY_ERROR_INPUT);
}

enum { DRAWS = 4000 };

/* p-values of true nulls are uniform: Kolmogorov's test finds nothing in 4000, and a small bias,
 * which is there on purpose in the last case, is found. */
static void p_values_of_true_nulls_are_uniform(void **state)
{
    (void)state;
    static double p[5][DRAWS];
    struct assay_random random;
    assay_random_start(&random, 5, 0);
    for (int i = 0; i < DRAWS; i++) {
        double squares = 0, sample[8], mean = 0, spread = 0, tens[6], distance, log10_p;
        for (int j = 0; j < 8; j++) {
            sample[j] = assay_random_normal(&random);
            squares += sample[j] * sample[j];
            mean += sample[j] / 8;
        }
        for (int j = 0; j < 8; j++)
            spread += (sample[j] - mean) * (sample[j] - mean) / 7;
        for (int j = 0; j < 6; j++)
            tens[j] = log10(assay_random_uniform(&random));
        p[0][i] = pow(10, assay_stats_chi_squared_tail(squares, 8, ASSAY_UPPER));
        p[1][i] = pow(10, assay_stats_student_tail(mean / sqrt(spread / 8), 7, ASSAY_UPPER));
        p[2][i] = pow(10, assay_stats_fisher_combine(tens, 6));
        for (int j = 0; j < 8; j++)
            sample[j] = assay_random_uniform(&random);
        assert_int_equal(assay_stats_kolmogorov_uniform(sample, 8, &distance, &log10_p, NULL),
                         ASSAY_OK);
        p[3][i] = pow(10, log10_p);
        p[4][i] = pow(p[0][i], 1.1);
    }
    for (int test = 0; test < 5; test++) {
        double distance, log10_p;
        assert_int_equal(assay_stats_kolmogorov_uniform(p[test], DRAWS, &distance, &log10_p, NULL),
                         ASSAY_OK);
        assert_true(test < 4 ? log10_p > -3 : log10_p < -3);
    }
}

/* A discrete p-value is at most u with chance at most u. */
static void p_values_of_counts_are_conservative(void **state)
{
    (void)state;
    struct assay_random random;
    assay_random_start(&random, 6, 0);
    int below[3] = {0, 0, 0};
    const double levels[3] = {0.3, 0.1, 0.01};
    for (int i = 0; i < DRAWS; i++) {
        int k = 0; /* marked ones among 20 drawn without replacement from 60, 25 marked */
        for (int j = 0; j < 20; j++)
            k += (int)assay_random_below(&random, (uint64_t)(60 - j)) < 25 - k;
        double p = pow(10, assay_stats_hypergeometric_tail(k, 60, 25, 20, ASSAY_UPPER));
        for (int level = 0; level < 3; level++)
            below[level] += p <= levels[level];
    }
    for (int level = 0; level < 3; level++) {
        double chance = assay_stats_binomial_tail(below[level], DRAWS, levels[level], ASSAY_UPPER);
        assert_true(chance > -4); /* not more often than by chance */
        int64_t critical =
            assay_stats_hypergeometric_quantile(log10(levels[level]), 60, 25, 20, ASSAY_UPPER);
        double size = pow(10, assay_stats_hypergeometric_tail(critical, 60, 25, 20, ASSAY_UPPER));
        double less = assay_stats_binomial_tail(below[level], DRAWS, size, ASSAY_LOWER);
        double more = assay_stats_binomial_tail(below[level], DRAWS, size, ASSAY_UPPER);
        assert_true(size <= levels[level] && less > -4 && more > -4);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_kolmogorov_tail_agrees_with_marsaglia_tsang_and_wang),
        cmocka_unit_test(the_kolmogorov_tail_of_one_and_two_values_is_elementary),
        cmocka_unit_test(the_methods_for_the_kolmogorov_tail_meet),
        cmocka_unit_test(the_kolmogorov_tail_agrees_with_mpmath_down_to_1e_minus_693),
        cmocka_unit_test(the_distance_is_the_largest_to_either_side),
        cmocka_unit_test(pearsons_statistic_is_the_hand_computed_one),
        cmocka_unit_test(fishers_combination_of_two_is_elementary),
        cmocka_unit_test(q_values_reject_what_benjamini_and_hochberg_rejected),
        cmocka_unit_test(q_values_of_extreme_and_empty_families_are_as_documented),
        cmocka_unit_test(p_values_of_true_nulls_are_uniform),
        cmocka_unit_test(p_values_of_counts_are_conservative),
    };
    return cmocka_run_group_tests_name("stats_tests", tests, NULL, NULL);
}
