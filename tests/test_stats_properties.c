/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold of every tail: printed tables, exact sums, symmetries, order, edges. */
#include <assay/stats.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void assert_near(double found, double expected, double tolerance)
{
    if (!(fabs(found - expected) <= tolerance))
        fail_msg("found %.17g, expected %.17g", found, expected);
}

/* Abramowitz and Stegun, Handbook of Mathematical Functions, table 26.2: -log10 Q(x). */
static void the_normal_tail_agrees_with_abramowitz_and_stegun_down_to_1e_minus_54289(void **state)
{
    (void)state;
    const double table[][2] = {{5, 6.54265},    {10, 23.11805},    {20, 88.56010},
                               {50, 544.96634}, {100, 2173.87154}, {500, 54289.90830}};
    for (int i = 0; i < 6; i++) {
        assert_near(assay_stats_normal_tail(table[i][0], ASSAY_UPPER), -table[i][1], 5.1e-6);
        assert_near(assay_stats_normal_tail(-table[i][0], ASSAY_LOWER), -table[i][1], 5.1e-6);
    }
    assert_near(assay_stats_normal_quantile(log10(0.975), ASSAY_LOWER), 1.959963984540054, 1e-14);
}

/* The same, tables 26.8 (chi-squared) and 26.10 (Student's t), as printed. */
static void printed_quantiles_of_chi_squared_and_t_are_met(void **state)
{
    (void)state;
    assert_near(assay_stats_chi_squared_quantile(log10(0.05), 10, ASSAY_UPPER), 18.307, 5e-4);
    assert_near(assay_stats_chi_squared_quantile(log10(0.05), 1, ASSAY_UPPER), 3.84146, 5e-6);
    assert_near(assay_stats_chi_squared_quantile(log10(0.99), 5, ASSAY_UPPER), 0.554300, 5e-6);
    assert_near(assay_stats_student_quantile(log10(0.025), 10, ASSAY_UPPER), 2.228, 5e-4);
    assert_near(assay_stats_student_quantile(log10(0.005), 1, ASSAY_UPPER), 63.657, 5e-4);
}

/* Fisher, The Design of Experiments, 1935: eight cups of tea, four with the milk first. */
static void the_lady_who_tastes_tea_has_1_chance_in_70(void **state)
{
    (void)state;
    assert_near(assay_stats_hypergeometric_tail(4, 8, 4, 4, ASSAY_UPPER), -log10(70), 1e-14);
    assert_near(assay_stats_hypergeometric_tail(3, 8, 4, 4, ASSAY_UPPER), log10(17.0 / 70), 1e-14);
}

static void closed_forms_are_met(void **state)
{
    (void)state;
    const double ln10 = log(10);
    for (double x = 1e-3; x < 2000; x *= 1.7) {
        assert_near(assay_stats_gamma_tail(x, 1, ASSAY_UPPER), -x / ln10, 1e-13 * (1 + x));
        assert_near(assay_stats_chi_squared_tail(x, 2, ASSAY_UPPER), -x / 2 / ln10,
                    1e-13 * (1 + x));
        assert_near(assay_stats_poisson_tail(0, x, ASSAY_LOWER), -x / ln10, 1e-13 * (1 + x));
        assert_near(assay_stats_beta_tail(0.3, x, 1, ASSAY_LOWER), x * log10(0.3), 1e-13 * (1 + x));
        assert_near(assay_stats_beta_tail(0.3, 1, x, ASSAY_UPPER), x * log10(0.7), 1e-13 * (1 + x));
        /* Cauchy */
        double cauchy = atan(1 / x) / acos(-1);
        assert_near(assay_stats_student_tail(x, 1, ASSAY_UPPER), log10(cauchy), 1e-13);
    }
}

/* Binomial coefficients up to C(56, 28) < 2^53 are exact doubles, and so are their products'
 * sums here to some units in the last place. */
static void choose_row(int n, double *row)
{
    row[0] = 1;
    for (int i = 1; i <= n; i++) {
        row[i] = 0;
        for (int k = i; k > 0; k--)
            row[k] += row[k - 1];
    }
}

static void small_hypergeometric_tails_are_exact_sums(void **state)
{
    (void)state;
    double all[41], inside[41], outside[41];
    for (int population = 1; population <= 40; population += 3)
        for (int marked = 0; marked <= population; marked += 2)
            for (int drawn = 0; drawn <= population; drawn++) {
                choose_row(population, all);
                choose_row(marked, inside);
                choose_row(population - marked, outside);
                double below = 0;
                for (int k = 0; k <= drawn && k <= marked; k++) {
                    if (drawn - k > population - marked)
                        continue;
                    below += inside[k] * outside[drawn - k];
                    double found =
                        assay_stats_hypergeometric_tail(k, population, marked, drawn, ASSAY_LOWER);
                    assert_near(found, log10(below / all[drawn]), 1e-13);
                }
                assert_near(below, all[drawn], 1e-12 * below);
            }
}

static void small_binomial_and_poisson_tails_are_exact_sums(void **state)
{
    (void)state;
    double row[51];
    for (int n = 1; n <= 50; n += 7) {
        choose_row(n, row);
        for (double p = 0.125; p < 1; p += 0.125) {
            double above = 0;
            for (int k = n; k >= 0; k--) {
                above += row[k] * pow(p, k) * pow(1 - p, n - k);
                assert_near(assay_stats_binomial_tail(k, n, p, ASSAY_UPPER), log10(above), 1e-13);
            }
        }
    }
    double term = exp(-6.25), sum = 0;
    for (int k = 0; k < 30; term *= 6.25 / ++k) {
        sum += term;
        assert_near(assay_stats_poisson_tail(k, 6.25, ASSAY_LOWER), log10(sum), 1e-13);
    }
}

/* Parameters of every size, drawn on a log scale. */
static double any_size(struct assay_random *random, double least, double most)
{
    return least * pow(most / least, assay_random_uniform(random));
}

static void assert_sum_is_1(double log10_lower, double log10_upper)
{
    assert_true(log10_lower <= 0 && log10_upper <= 0);
    assert_near(pow(10, log10_lower) + pow(10, log10_upper), 1, 4e-15);
}

static void the_two_tails_sum_to_1(void **state)
{
    (void)state;
    struct assay_random random;
    assay_random_start(&random, 20, 1);
    for (int i = 0; i < 3000; i++) {
        double a = any_size(&random, 1e-12, 1e9), b = any_size(&random, 1e-12, 1e9);
        double z = assay_random_normal(&random) * 4, u = assay_random_uniform(&random);
        double x = fmax(a + z * sqrt(a), 1e-300);
        assert_sum_is_1(assay_stats_normal_tail(z, ASSAY_LOWER),
                        assay_stats_normal_tail(z, ASSAY_UPPER));
        assert_sum_is_1(assay_stats_gamma_tail(x, a, ASSAY_LOWER),
                        assay_stats_gamma_tail(x, a, ASSAY_UPPER));
        assert_sum_is_1(assay_stats_beta_tail(u, a, b, ASSAY_LOWER),
                        assay_stats_beta_tail(u, a, b, ASSAY_UPPER));
        assert_sum_is_1(assay_stats_student_tail(z, a, ASSAY_LOWER),
                        assay_stats_student_tail(z, a, ASSAY_UPPER));
        int64_t n = (int64_t)any_size(&random, 1, 1e9), k = (int64_t)((double)n * u + z);
        assert_sum_is_1(assay_stats_binomial_tail(k, n, u, ASSAY_LOWER),
                        assay_stats_binomial_tail(k + 1, n, u, ASSAY_UPPER));
        assert_sum_is_1(assay_stats_poisson_tail((int64_t)x, a, ASSAY_LOWER),
                        assay_stats_poisson_tail((int64_t)x + 1, a, ASSAY_UPPER));
    }
}

static void reflections_are_exact(void **state)
{
    (void)state;
    struct assay_random random;
    assay_random_start(&random, 20, 2);
    for (int i = 0; i < 1000; i++) {
        double a = any_size(&random, 1e-3, 1e6), b = any_size(&random, 1e-3, 1e6);
        double t = 3 * assay_random_normal(&random);
        double x = floor(assay_random_uniform(&random) * 1024) / 1024; /* 1 - x is exact */
        assert_true(assay_stats_student_tail(t, a, ASSAY_UPPER) ==
                    assay_stats_student_tail(-t, a, ASSAY_LOWER));
        double left = assay_stats_beta_tail(x, a, b, ASSAY_LOWER);
        double right = assay_stats_beta_tail(1 - x, b, a, ASSAY_UPPER);
        assert_true(left == right || fabs(left - right) <= 1e-12 * fabs(left));
        int64_t population = 1 + (int64_t)assay_random_below(&random, 100000);
        int64_t marked = (int64_t)assay_random_below(&random, (uint64_t)population + 1);
        int64_t drawn = (int64_t)assay_random_below(&random, (uint64_t)population + 1);
        int64_t k = marked * drawn / population;
        left = assay_stats_hypergeometric_tail(k, population, marked, drawn, ASSAY_UPPER);
        right = assay_stats_hypergeometric_tail(k, population, drawn, marked, ASSAY_UPPER);
        assert_near(left, right, 1e-12 * (1 + fabs(left)));
    }
}

/* Across the borders between methods, too: near shapes of 1000, x = a + 1, x = 6, the mean. */
static void a_tail_falls_as_x_grows(void **state)
{
    (void)state;
    const double shapes[] = {1e-9, 0.5, 3, 999, 1001, 30000};
    for (int s = 0; s < 6; s++) {
        double before = 0, a = shapes[s];
        for (double x = a * 0.4; x < a * 1.7 + 4; x += (a + 1) / 400) {
            double now = assay_stats_gamma_tail(x, a, ASSAY_UPPER);
            assert_true(now <= before);
            before = now;
        }
        for (int other = 0; other < 6; other++) {
            before = 0;
            for (double x = 0.001; x < 1; x += 0.001) {
                double now = assay_stats_beta_tail(x, a, shapes[other], ASSAY_UPPER);
                assert_true(now <= before + 1e-14);
                before = now;
            }
        }
    }
    double before = 0;
    for (double x = -9; x < 40; x += 1.0 / 128) {
        double now = assay_stats_normal_tail(x, ASSAY_UPPER);
        assert_true(now < before || (x < -8 && now == before));
        before = now;
    }
}

static void the_ends_of_the_support_have_probability_0_and_1(void **state)
{
    (void)state;
    assert_true(assay_stats_normal_tail(HUGE_VAL, ASSAY_UPPER) == -HUGE_VAL);
    assert_true(assay_stats_normal_tail(HUGE_VAL, ASSAY_LOWER) == 0);
    assert_true(assay_stats_gamma_tail(0, 2, ASSAY_LOWER) == -HUGE_VAL);
    assert_true(assay_stats_gamma_tail(-1, 2, ASSAY_UPPER) == 0);
    assert_true(assay_stats_gamma_tail(HUGE_VAL, 2, ASSAY_UPPER) == -HUGE_VAL);
    assert_true(assay_stats_beta_tail(0, 2, 3, ASSAY_UPPER) == 0);
    assert_true(assay_stats_beta_tail(1, 2, 3, ASSAY_UPPER) == -HUGE_VAL);
    assert_true(assay_stats_student_tail(-HUGE_VAL, 2, ASSAY_LOWER) == -HUGE_VAL);
    assert_true(assay_stats_student_tail(HUGE_VAL, 2, ASSAY_LOWER) == 0);
    assert_true(assay_stats_binomial_tail(0, 5, 0.5, ASSAY_UPPER) == 0);
    assert_true(assay_stats_binomial_tail(-1, 5, 0.5, ASSAY_LOWER) == -HUGE_VAL);
    assert_true(assay_stats_binomial_tail(5, 5, 0.5, ASSAY_LOWER) == 0);
    assert_true(assay_stats_binomial_tail(6, 5, 0.5, ASSAY_UPPER) == -HUGE_VAL);
    assert_true(assay_stats_binomial_tail(3, 5, 0, ASSAY_UPPER) == -HUGE_VAL);
    assert_true(assay_stats_binomial_tail(3, 5, 1, ASSAY_UPPER) == 0);
    assert_true(assay_stats_poisson_tail(0, 0, ASSAY_LOWER) == 0);
    assert_true(assay_stats_poisson_tail(1, 0, ASSAY_UPPER) == -HUGE_VAL);
    assert_true(assay_stats_hypergeometric_tail(2, 9, 3, 8, ASSAY_UPPER) == 0);
    assert_true(assay_stats_hypergeometric_tail(1, 9, 3, 8, ASSAY_LOWER) == -HUGE_VAL);
    assert_true(assay_stats_hypergeometric_tail(0, 0, 0, 0, ASSAY_LOWER) == 0);
}

static void nonsense_gives_nan(void **state)
{
    (void)state;
    const double shapes[] = {(double)NAN, 0, -1, HUGE_VAL};
    for (int i = 0; i < 4; i++) {
        assert_true(isnan(assay_stats_gamma_tail(1, shapes[i], ASSAY_LOWER)));
        assert_true(isnan(assay_stats_chi_squared_tail(1, shapes[i], ASSAY_LOWER)));
        assert_true(isnan(assay_stats_beta_tail(0.5, shapes[i], 1, ASSAY_LOWER)));
        assert_true(isnan(assay_stats_beta_tail(0.5, 1, shapes[i], ASSAY_LOWER)));
        assert_true(isnan(assay_stats_student_tail(1, shapes[i], ASSAY_LOWER)));
    }
    const double nan_ = (double)NAN;
    assert_true(isnan(assay_stats_normal_tail(nan_, ASSAY_UPPER)));
    assert_true(isnan(assay_stats_gamma_tail(nan_, 1, ASSAY_UPPER)));
    assert_true(isnan(assay_stats_beta_tail(nan_, 1, 1, ASSAY_UPPER)));
    assert_true(isnan(assay_stats_student_tail(nan_, 1, ASSAY_UPPER)));
    assert_true(isnan(assay_stats_binomial_tail(1, 2, nan_, ASSAY_UPPER)));
    assert_true(isnan(assay_stats_binomial_tail(1, -2, 0.5, ASSAY_UPPER)));
    assert_true(isnan(assay_stats_binomial_tail(1, INT64_MAX, 0.5, ASSAY_UPPER)));
    assert_true(isnan(assay_stats_poisson_tail(1, nan_, ASSAY_UPPER)));
    assert_true(isnan(assay_stats_poisson_tail(INT64_MAX, 1, ASSAY_LOWER)));
    assert_true(isnan(assay_stats_hypergeometric_tail(1, 3, 4, 1, ASSAY_UPPER)));
    assert_true(isnan(assay_stats_hypergeometric_tail(1, INT64_MAX, 4, 1, ASSAY_UPPER)));
    assert_true(isnan(assay_stats_hypergeometric_tail(INT64_MIN, 3, -1, 1, ASSAY_UPPER)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_normal_tail_agrees_with_abramowitz_and_stegun_down_to_1e_minus_54289),
        cmocka_unit_test(printed_quantiles_of_chi_squared_and_t_are_met),
        cmocka_unit_test(the_lady_who_tastes_tea_has_1_chance_in_70),
        cmocka_unit_test(closed_forms_are_met),
        cmocka_unit_test(small_hypergeometric_tails_are_exact_sums),
        cmocka_unit_test(small_binomial_and_poisson_tails_are_exact_sums),
        cmocka_unit_test(the_two_tails_sum_to_1),
        cmocka_unit_test(reflections_are_exact),
        cmocka_unit_test(a_tail_falls_as_x_grows),
        cmocka_unit_test(the_ends_of_the_support_have_probability_0_and_1),
        cmocka_unit_test(nonsense_gives_nan),
    };
    return cmocka_run_group_tests_name("stats_properties", tests, NULL, NULL);
}
