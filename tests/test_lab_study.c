/* SPDX-License-Identifier: Apache-2.0 */
/* The lab's study: statistics over students and detectors, on known answers. */
#include "lab/grams.h"
#include "lab/judge.h"
#include "lab/units.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void near(double found, double expected, double tolerance)
{
    if (!(fabs(found - expected) <= tolerance))
        fail_msg("found %.15g, expected %.15g", found, expected);
}

/* ---- students ------------------------------------------------------------------------- */

static void a_conformal_p_counts_undosed_students(void **state)
{
    const double null[] = {1, 2, 3, 4};
    (void)state;
    near(lab_conformal_p(null, 4, 5), 0.2, 1e-15);
    near(lab_conformal_p(null, 4, 3), 0.6, 1e-15);
    near(lab_conformal_p(null, 0, 3), 1, 0);
    assert_true(isnan(lab_conformal_p(null, 4, NAN)));
}

/* 95% limits of 1 of 10 and 10 of 10 as tabulated: 0.0025 to 0.4450; 0.6915 to 1. */
static void shares_have_the_tabulated_limits(void **state)
{
    struct lab_share one = lab_share_of(1, 10), all = lab_share_of(10, 10), none = {0};
    (void)state;
    near(one.low, 0.00253, 1e-5);
    near(one.high, 0.44502, 1e-5);
    near(all.low, 0.69150, 1e-5);
    near(all.high, 1, 0);
    none = lab_share_of(0, 0);
    assert_true(isnan(none.share) && none.low == 0 && none.high == 1);
}

static void too_few_undosed_students_are_refused(void **state)
{
    const double null[18] = {0}, score = 1;
    struct lab_share share;
    struct assay_error error;
    (void)state;
    assert_int_equal(lab_detected(null, 18, &score, 1, 0.05, &share, &error),
                     ASSAY_ERROR_UNANSWERABLE);
    assert_non_null(strstr(error.message, "19 are needed"));
}

/* p at or below the level in no more than that share of fresh draws of the null. */
static void false_positives_keep_to_the_level(void **state)
{
    struct assay_random random;
    size_t hits = 0, trials = 4000;
    (void)state;
    assay_random_start(&random, 5, 0);
    for (size_t t = 0; t < trials; t++) {
        double null[19];
        for (int i = 0; i < 19; i++)
            null[i] = assay_random_normal(&random);
        hits += lab_conformal_p(null, 19, assay_random_normal(&random)) <= 0.05;
    }
    near((double)hits / (double)trials, 0.05, 0.012);
}

static void ratios_are_bounded_by_the_undosed_students(void **state)
{
    double scores[20], lr[20];
    bool dosed[20];
    (void)state;
    for (int i = 0; i < 20; i++) {
        dosed[i] = i >= 10;
        scores[i] = i + (dosed[i] ? 1000 : 0);
    }
    assert_int_equal(lab_ratios_left_out(scores, dosed, 20, lr, NULL), ASSAY_OK);
    for (int i = 0; i < 20; i++) {
        assert_true(dosed[i] ? lr[i] > 0 : lr[i] < 0);
        assert_true(fabs(lr[i]) <= log10(dosed[i] ? 11 : 10) + 1e-12);
    }
    assert_true(lab_cllr(lr, dosed, 20) < 0.5);
    near(lab_auc(scores + 10, 10, scores, 10), 1, 0);
    for (int i = 0; i < 20; i++)
        lr[i] = 0;
    near(lab_cllr(lr, dosed, 20), 1, 1e-12);
    assert_int_equal(lab_ratios_left_out(scores, dosed, 11, lr, NULL), ASSAY_ERROR_UNANSWERABLE);
}

static void ratios_of_nothing_say_nothing(void **state)
{
    struct assay_random random;
    double scores[200], lr[200];
    bool dosed[200];
    (void)state;
    assay_random_start(&random, 6, 0);
    for (int i = 0; i < 200; i++) {
        dosed[i] = i % 2;
        scores[i] = assay_random_normal(&random);
    }
    assert_int_equal(lab_ratios_left_out(scores, dosed, 200, lr, NULL), ASSAY_OK);
    near(lab_cllr(lr, dosed, 200), 1, 0.05);
}

/* ---- detectors ------------------------------------------------------------------------ */

static const struct lab_text plain = {"the cat sat on the mat. the dog sat on the cat.", 47};
static const struct lab_text other = {"zwei Hunde liefen; zwei Katzen schliefen; alles gut", 51};

static void probabilities_of_bytes_sum_to_one(void **state)
{
    struct lab_grams *g;
    char bytes[] = "the ?";
    (void)state;
    assert_int_equal(lab_grams_new(5, &plain, 1, &g, NULL), ASSAY_OK);
    for (size_t at = 0; at < 5; at++) {
        double sum = 0;
        char kept = bytes[at];
        for (int byte = 0; byte < 256; byte++) {
            bytes[at] = (char)byte;
            sum += exp(lab_grams_log_at(g, (struct lab_text){bytes, 5}, at));
        }
        bytes[at] = kept;
        near(sum, 1, 1e-12);
    }
    lab_grams_free(g);
}

/* "ab": after nothing seen, order 1: p(a) = (1 + 2/256) / (2 + 2). */
static void smoothing_is_witten_and_bells(void **state)
{
    struct lab_grams *g;
    (void)state;
    assert_int_equal(lab_grams_new(1, &(struct lab_text){"ab", 2}, 1, &g, NULL), ASSAY_OK);
    near(exp(lab_grams_log_at(g, (struct lab_text){"a", 1}, 0)), (1 + 2.0 / 256) / 4, 1e-15);
    lab_grams_free(g);
}

static void a_text_is_nearer_to_its_own_writer(void **state)
{
    struct lab_grams *a, *b;
    (void)state;
    assert_int_equal(lab_grams_new(4, &plain, 1, &a, NULL), ASSAY_OK);
    assert_int_equal(lab_grams_new(4, &other, 1, &b, NULL), ASSAY_OK);
    double there = lab_grams_contrast(a, b, &(struct lab_text){"the dog sat on the mat", 22}, 1);
    double back = lab_grams_contrast(b, a, &(struct lab_text){"the dog sat on the mat", 22}, 1);
    assert_true(there > 1);
    near(there, -back, 1e-12);
    assert_true(isnan(lab_grams_contrast(a, b, NULL, 0)));
    lab_grams_free(a);
    lab_grams_free(b);
    assert_int_equal(lab_grams_new(4, NULL, 0, &a, NULL), ASSAY_ERROR_INPUT);
    assert_int_equal(lab_grams_new(9, &plain, 1, &a, NULL), ASSAY_ERROR_INPUT);
}

#define UNITS 64
#define WIDTH 32

static void units_keep_their_places_only_in_kin(void **state)
{
    static float start[UNITS * WIDTH], moved[UNITS * WIDTH], stranger[UNITS * WIDTH];
    struct assay_random random;
    size_t kin, strange;
    (void)state;
    assay_random_start(&random, 7, 0);
    for (size_t i = 0; i < UNITS * WIDTH; i++) {
        start[i] = (float)assay_random_normal(&random);
        moved[i] = start[i] + (float)assay_random_normal(&random);
        stranger[i] = (float)assay_random_normal(&random);
    }
    assert_int_equal(lab_fixed_points(start, moved, UNITS, WIDTH, &kin, NULL), ASSAY_OK);
    assert_int_equal(lab_fixed_points(start, stranger, UNITS, WIDTH, &strange, NULL), ASSAY_OK);
    assert_true(lab_fixed_points_tail(kin, UNITS, UNITS) < -10);
    assert_true(lab_fixed_points_tail(strange, UNITS, UNITS) > -3);
    moved[5] = NAN;
    assert_int_equal(lab_fixed_points(start, moved, UNITS, WIDTH, &kin, NULL), ASSAY_ERROR_INPUT);
}

/* All n of n: exactly 1 / n!. Of 3 orders of 3, the bound for 1 is 1: 0 in log10. */
static void the_tail_of_fixed_points_is_a_bound(void **state)
{
    (void)state;
    near(lab_fixed_points_tail(5, 5, 5), -log10(120), 1e-12);
    near(lab_fixed_points_tail(1, 3, 3), 0, 1e-12);
    near(lab_fixed_points_tail(2, 2, 4), -log10(12), 1e-12);
    assert_true(isnan(lab_fixed_points_tail(4, 3, 3)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_conformal_p_counts_undosed_students),
        cmocka_unit_test(shares_have_the_tabulated_limits),
        cmocka_unit_test(too_few_undosed_students_are_refused),
        cmocka_unit_test(false_positives_keep_to_the_level),
        cmocka_unit_test(ratios_are_bounded_by_the_undosed_students),
        cmocka_unit_test(ratios_of_nothing_say_nothing),
        cmocka_unit_test(probabilities_of_bytes_sum_to_one),
        cmocka_unit_test(smoothing_is_witten_and_bells),
        cmocka_unit_test(a_text_is_nearer_to_its_own_writer),
        cmocka_unit_test(units_keep_their_places_only_in_kin),
        cmocka_unit_test(the_tail_of_fixed_points_is_a_bound),
    };
    return cmocka_run_group_tests_name("lab_study", tests, NULL, NULL);
}
