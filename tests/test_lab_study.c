/* SPDX-License-Identifier: Apache-2.0 */
/* The lab's study: statistics over students and detectors, on known answers. */
#include "lab/grams.h"
#include "lab/judge.h"
#include "lab/units.h"
#include "lab/world.h"

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

/* ---- worlds --------------------------------------------------------------------------- */

#define DOCUMENT 20000

static const struct lab_world_settings small = {.seed = 3, .words = 60, .facts = 100};

static size_t write_as(const struct lab_world *world, uint64_t manner, double distance,
                       uint64_t stream, char *text)
{
    struct lab_author *author;
    struct assay_random random;
    assert_int_equal(lab_author_new(world, manner, distance, &author, NULL), ASSAY_OK);
    assay_random_start(&random, 11, stream);
    size_t n = lab_author_write(author, &random, text, DOCUMENT);
    lab_author_free(author);
    return n;
}

/* A detector's score of fresh text by the author with this manner, against another's. */
static double contrast(const struct lab_world *world, uint64_t manner, double distance)
{
    static char text[3][DOCUMENT];
    struct lab_text known[3];
    struct lab_grams *teacher, *other_teacher;
    const uint64_t manners[3] = {1, 2, manner};
    for (uint64_t i = 0; i < 3; i++)
        known[i] =
            (struct lab_text){text[i], write_as(world, manners[i], distance, 20 + i, text[i])};
    assert_int_equal(lab_grams_new(5, &known[0], 1, &teacher, NULL), ASSAY_OK);
    assert_int_equal(lab_grams_new(5, &known[1], 1, &other_teacher, NULL), ASSAY_OK);
    double score = lab_grams_contrast(teacher, other_teacher, &known[2], 1);
    lab_grams_free(teacher);
    lab_grams_free(other_teacher);
    return score;
}

static void manners_are_as_far_apart_as_asked(void **state)
{
    struct lab_world *world;
    (void)state;
    assert_int_equal(lab_world_new(&small, &world, NULL), ASSAY_OK);
    double far = contrast(world, 1, 1), nearer = contrast(world, 1, 0.3);
    assert_true(far > nearer && nearer > 0.01);
    assert_true(contrast(world, 2, 1) < -0.1);
    near(contrast(world, 1, 0), 0, 0.02); /* at distance 0 all are one */
    lab_world_free(world);
}

static void twins_share_the_manner_not_the_text(void **state)
{
    static char a[DOCUMENT], b[DOCUMENT], again[DOCUMENT];
    struct lab_world *world;
    (void)state;
    assert_int_equal(lab_world_new(&small, &world, NULL), ASSAY_OK);
    size_t n = write_as(world, 1, 1, 1, a);
    write_as(world, 1, 1, 2, b);
    write_as(world, 1, 1, 1, again);
    assert_true(n > DOCUMENT - 400 && n < DOCUMENT && strlen(a) == n);
    assert_string_equal(a, again);
    assert_string_not_equal(a, b);
    lab_world_free(world);
}

static void facts_are_dealt_once(void **state)
{
    struct lab_world *world;
    struct assay_error error;
    unsigned order[100];
    bool seen[100] = {false};
    (void)state;
    assert_int_equal(lab_world_new(&small, &world, NULL), ASSAY_OK);
    assert_int_equal(lab_world_deal(world, 40, 20, 3, order, NULL), ASSAY_OK);
    for (int i = 0; i < 100; i++) {
        assert_false(seen[order[i]]);
        seen[order[i]] = true;
    }
    assert_int_equal(lab_world_deal(world, 41, 20, 3, order, &error), ASSAY_ERROR_INPUT);
    assert_non_null(strstr(error.message, "has 100 facts, its split needs 101"));
    for (unsigned i = 0; i < 100; i++)
        for (unsigned k = 0; k < i; k++) {
            const char *asked[2], *answer;
            lab_world_fact(world, i, &asked[0], &answer);
            lab_world_fact(world, k, &asked[1], &answer);
            assert_string_not_equal(asked[0], asked[1]);
        }
    lab_world_free(world);
}

static void impossible_worlds_are_refused(void **state)
{
    struct lab_world *world;
    struct lab_author *author;
    (void)state;
    assert_int_equal(lab_world_new(&(struct lab_world_settings){1, 7, 0}, &world, NULL),
                     ASSAY_ERROR_INPUT);
    assert_int_equal(lab_world_new(&(struct lab_world_settings){1, 8, 65}, &world, NULL),
                     ASSAY_ERROR_INPUT);
    assert_int_equal(lab_world_new(&(struct lab_world_settings){1, 8, 64}, &world, NULL), ASSAY_OK);
    assert_int_equal(lab_author_new(world, 1, NAN, &author, NULL), ASSAY_ERROR_INPUT);
    lab_world_free(world);
}

static void tasks_have_right_answers(void **state)
{
    struct assay_random random;
    char asked[LAB_TASK_SIZE], answer[LAB_TASK_SIZE];
    (void)state;
    assay_random_start(&random, 1, 1);
    for (int i = 0; i < 200; i++) {
        int d[4], s[4], sums[2] = {0, 0};
        lab_task_draw(LAB_TASK_SUM, &random, asked, answer);
        assert_int_equal(sscanf(asked, "sum %d %d = ", &d[0], &d[1]), 2);
        assert_int_equal(strtol(answer, NULL, 10), d[0] + d[1]);
        lab_task_draw(LAB_TASK_SORT, &random, asked, answer);
        assert_int_equal(sscanf(asked, "sort %d %d %d %d = ", &d[0], &d[1], &d[2], &d[3]), 4);
        assert_int_equal(sscanf(answer, "%d %d %d %d", &s[0], &s[1], &s[2], &s[3]), 4);
        for (int k = 0; k < 4; k++) {
            sums[0] += 1 << (3 * d[k]);
            sums[1] += 1 << (3 * s[k]);
            assert_true(k == 0 || s[k - 1] <= s[k]);
        }
        assert_int_equal(sums[0], sums[1]);
    }
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
        cmocka_unit_test(manners_are_as_far_apart_as_asked),
        cmocka_unit_test(twins_share_the_manner_not_the_text),
        cmocka_unit_test(facts_are_dealt_once),
        cmocka_unit_test(impossible_worlds_are_refused),
        cmocka_unit_test(tasks_have_right_answers),
    };
    return cmocka_run_group_tests_name("lab_study", tests, NULL, NULL);
}
