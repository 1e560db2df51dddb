/* SPDX-License-Identifier: Apache-2.0 */
/* Cholesky's factor, draws of normals that covary, and robust fits. */
#include <assay/stats.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void assert_near(double found, double expected, double tolerance)
{
    if (!(fabs(found - expected) <= tolerance))
        fail_msg("found %.17g, expected %.17g", found, expected);
}

/* The product of L = (2; 6 1; -8 5 3) and its transpose. */
static void a_matrix_of_whole_numbers_has_a_factor_of_whole_numbers(void **state)
{
    (void)state;
    double matrix[9] = {4, 12, -16, 12, 37, -43, -16, -43, 98};
    const double factor[9] = {2, 0, 0, 6, 1, 0, -8, 5, 3};
    assert_true(assay_stats_cholesky(matrix, 3));
    for (int i = 0; i < 9; i++)
        assert_near(matrix[i], factor[i], 1e-14);
    double vector[3] = {4 - 16 * 2.0, 12 - 43 * 2.0, -16 + 98 * 2.0}; /* the matrix times 1 0 2 */
    assay_stats_cholesky_solve(matrix, 3, vector);
    assert_near(vector[0], 1, 1e-12);
    assert_near(vector[1], 0, 1e-12);
    assert_near(vector[2], 2, 1e-12);
}

enum { SIZE = 12 };

static void the_inverse_of_a_random_matrix_times_it_is_the_identity(void **state)
{
    (void)state;
    struct assay_random random;
    assay_random_start(&random, 3, 0);
    double root[SIZE * SIZE], matrix[SIZE * SIZE], factor[SIZE * SIZE], inverse[SIZE * SIZE];
    for (int i = 0; i < SIZE * SIZE; i++)
        root[i] = assay_random_normal(&random);
    for (int i = 0; i < SIZE; i++)
        for (int j = 0; j < SIZE; j++) {
            double sum = i == j;
            for (int k = 0; k < SIZE; k++)
                sum += root[i * SIZE + k] * root[j * SIZE + k];
            matrix[i * SIZE + j] = factor[i * SIZE + j] = sum;
        }
    assert_true(assay_stats_cholesky(factor, SIZE));
    assay_stats_cholesky_inverse(factor, SIZE, inverse);
    for (int i = 0; i < SIZE; i++)
        for (int j = 0; j < SIZE; j++) {
            double sum = 0;
            for (int k = 0; k < SIZE; k++)
                sum += matrix[i * SIZE + k] * inverse[k * SIZE + j];
            assert_near(sum, i == j, 1e-11);
            assert_true(inverse[i * SIZE + j] == inverse[j * SIZE + i]);
        }
}

static void matrices_without_a_factor_are_refused(void **state)
{
    (void)state;
    double singular[4] = {1, 1, 1, 1}, negative[1] = {-1}, none[1] = {(double)NAN};
    double indefinite[4] = {1, 2, 2, 1};
    assert_false(assay_stats_cholesky(singular, 2));
    assert_false(assay_stats_cholesky(indefinite, 2));
    assert_false(assay_stats_cholesky(negative, 1));
    assert_false(assay_stats_cholesky(none, 1));
}

static void draws_have_the_mean_and_covariance_that_was_asked_for(void **state)
{
    (void)state;
    enum { DRAWS = 20000 };
    const double mean[2] = {3, -1}, factor[4] = {2, 0, 1.5, 0.5};
    struct assay_random random;
    assay_random_start(&random, 4, 0);
    double sums[2] = {0, 0}, products[3] = {0, 0, 0}, draw[2];
    for (int i = 0; i < DRAWS; i++) {
        assay_stats_draw_normals(&random, mean, factor, 2, draw);
        double x = draw[0] - mean[0], y = draw[1] - mean[1];
        sums[0] += x;
        sums[1] += y;
        products[0] += x * x;
        products[1] += x * y;
        products[2] += y * y;
    }
    /* four standard errors: of a mean sigma / sqrt(n), of a variance sigma^2 sqrt(2 / n) */
    double root = sqrt(DRAWS);
    assert_near(sums[0] / DRAWS, 0, 4 * 2 / root);
    assert_near(sums[1] / DRAWS, 0, 4 * sqrt(2.5) / root);
    assert_near(products[0] / DRAWS, 4, 4 * 4 * sqrt(2) / root);
    assert_near(products[1] / DRAWS, 3, 4 * sqrt(4 * 2.5 + 9) / root);
    assert_near(products[2] / DRAWS, 2.5, 4 * 2.5 * sqrt(2) / root);
}

enum { POINTS = 40 };

struct line {
    double x[POINTS], y[POINTS], scale;
};

static bool line_residuals(void *user, const double *at, double *residuals)
{
    const struct line *line = user;
    for (int i = 0; i < POINTS; i++)
        residuals[i] = (at[0] + at[1] * line->x[i] - line->y[i]) / line->scale;
    return true;
}

static struct line sample_line(void)
{
    struct line line = {.scale = 0.1};
    struct assay_random random;
    assay_random_start(&random, 8, 0);
    for (int i = 0; i < POINTS; i++) {
        line.x[i] = i / 10.0;
        line.y[i] = 1 + 2 * line.x[i] + line.scale * assay_random_normal(&random);
    }
    return line;
}

static void fit(const struct assay_fit_problem *problem, double *at, double *covariance,
                struct assay_fit_result *result)
{
    struct assay_context context = assay_context_default();
    struct assay_fit_settings settings = assay_fit_settings_default();
    struct assay_error error;
    if (assay_stats_fit(&context, problem, &settings, at, covariance, result, &error) != ASSAY_OK)
        fail_msg("%s", error.message);
}

/* The normal equations of a line, by hand. */
static void a_line_is_fitted_as_by_the_normal_equations(void **state)
{
    (void)state;
    struct line line = sample_line();
    double sx = 0, sy = 0, sxx = 0, sxy = 0, at[2] = {0, 0}, covariance[4];
    for (int i = 0; i < POINTS; i++) {
        sx += line.x[i];
        sy += line.y[i];
        sxx += line.x[i] * line.x[i];
        sxy += line.x[i] * line.y[i];
    }
    double determinant = POINTS * sxx - sx * sx, slope = (POINTS * sxy - sx * sy) / determinant;
    struct assay_fit_problem problem = {2, POINTS, NULL, line_residuals, &line};
    struct assay_fit_result result;
    fit(&problem, at, covariance, &result);
    assert_true(result.converged);
    assert_near(at[1], slope, 1e-8);
    assert_near(at[0], (sy - slope * sx) / POINTS, 1e-8);
    assert_near(covariance[3], POINTS / determinant * 0.01, 1e-8);
    assert_near(covariance[1], -sx / determinant * 0.01, 1e-8);
    assert_near(result.loss, POINTS / 2.0, 4 * sqrt(POINTS / 2.0));
}

static void outliers_move_a_students_line_little_and_a_normal_one_far(void **state)
{
    (void)state;
    struct line line = sample_line();
    for (int i = 0; i < POINTS; i += 8)
        line.y[i] += 30;
    double degrees[POINTS], robust[2] = {0, 0}, plain[2] = {0, 0}, covariance[4];
    for (int i = 0; i < POINTS; i++)
        degrees[i] = 4;
    struct assay_fit_problem problem = {2, POINTS, degrees, line_residuals, &line};
    struct assay_fit_result result;
    fit(&problem, robust, covariance, &result);
    assert_true(result.converged);
    assert_near(robust[0], 1, 0.2);
    assert_near(robust[1], 2, 0.1);
    /* the information of Student's t with 4 degrees is 5/7 of the normal's */
    double square = 0;
    for (int i = 0; i < POINTS; i++)
        square += (line.x[i] - 1.95) * (line.x[i] - 1.95);
    assert_near(covariance[3], 0.01 / square * 7 / 5, 1e-7);
    problem.degrees = NULL;
    fit(&problem, plain, NULL, &result);
    assert_true(fabs(plain[0] - 1) > 2);
}

/* Rosenbrock's valley, as residuals 1 - x and 10 (y - x^2): the minimum is 0 at (1, 1). */
static bool valley(void *user, const double *at, double *residuals)
{
    (void)user;
    residuals[0] = 1 - at[0];
    residuals[1] = 10 * (at[1] - at[0] * at[0]);
    return at[0] < 50; /* and there is a wall */
}

static void rosenbrocks_valley_is_followed_to_its_end(void **state)
{
    (void)state;
    const double starts[][2] = {{-1.2, 1}, {30, -50}, {0, 0}, {-20, 7}};
    for (int i = 0; i < 4; i++) {
        double at[2] = {starts[i][0], starts[i][1]};
        struct assay_fit_problem problem = {2, 2, NULL, valley, NULL};
        struct assay_fit_result result;
        fit(&problem, at, NULL, &result);
        assert_true(result.converged);
        assert_near(at[0], 1, 1e-7);
        assert_near(at[1], 1, 1e-7);
    }
}

static void the_fit_is_the_same_on_any_number_of_threads(void **state)
{
    (void)state;
    struct line line = sample_line();
    struct assay_fit_problem problem = {2, POINTS, NULL, line_residuals, &line};
    struct assay_fit_settings settings = assay_fit_settings_default();
    struct assay_fit_result result;
    double one[6] = {5, 5}, four[6] = {5, 5};
    struct assay_context context = assay_context_default();
    context.threads = 1;
    assert_int_equal(assay_stats_fit(&context, &problem, &settings, one, one + 2, &result, NULL),
                     ASSAY_OK);
    context.threads = 4;
    assert_int_equal(assay_stats_fit(&context, &problem, &settings, four, four + 2, &result, NULL),
                     ASSAY_OK);
    assert_memory_equal(one, four, sizeof one);
}

static bool ignores_the_second(void *user, const double *at, double *residuals)
{
    (void)user;
    residuals[0] = at[0] - 3;
    return true;
}

static bool refuses(void *user, const double *at, double *residuals)
{
    (void)user;
    residuals[0] = sqrt(at[0]);
    return true;
}

static void fits_without_an_answer_say_so(void **state)
{
    (void)state;
    struct assay_context context = assay_context_default();
    struct assay_fit_settings settings = assay_fit_settings_default();
    struct assay_fit_result result;
    struct assay_error error;
    double at[2] = {1, 1}, covariance[4];
    struct assay_fit_problem flat = {2, 1, NULL, ignores_the_second, NULL};
    assert_int_equal(assay_stats_fit(&context, &flat, &settings, at, covariance, &result, &error),
                     ASSAY_ERROR_UNANSWERABLE);
    assert_string_equal(error.message, "the residuals do not determine all 2 parameters");
    double start = -1, edge = 0, degrees = 0;
    struct assay_fit_problem hostile = {1, 1, NULL, refuses, NULL};
    assert_int_equal(assay_stats_fit(&context, &hostile, &settings, &start, NULL, &result, &error),
                     ASSAY_ERROR_INPUT);
    assert_int_equal(assay_stats_fit(&context, &hostile, &settings, &edge, NULL, &result, &error),
                     ASSAY_ERROR_UNANSWERABLE);
    hostile.degrees = &degrees;
    assert_int_equal(assay_stats_fit(&context, &hostile, &settings, &start, NULL, &result, &error),
                     ASSAY_ERROR_INPUT);
    hostile.parameter_count = 0;
    assert_int_equal(assay_stats_fit(&context, &hostile, &settings, &start, NULL, &result, &error),
                     ASSAY_ERROR_LIMIT);
    settings.difference = 0;
    assert_int_equal(assay_stats_fit(&context, &flat, &settings, at, NULL, &result, &error),
                     ASSAY_ERROR_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_matrix_of_whole_numbers_has_a_factor_of_whole_numbers),
        cmocka_unit_test(the_inverse_of_a_random_matrix_times_it_is_the_identity),
        cmocka_unit_test(matrices_without_a_factor_are_refused),
        cmocka_unit_test(draws_have_the_mean_and_covariance_that_was_asked_for),
        cmocka_unit_test(a_line_is_fitted_as_by_the_normal_equations),
        cmocka_unit_test(outliers_move_a_students_line_little_and_a_normal_one_far),
        cmocka_unit_test(rosenbrocks_valley_is_followed_to_its_end),
        cmocka_unit_test(the_fit_is_the_same_on_any_number_of_threads),
        cmocka_unit_test(fits_without_an_answer_say_so),
    };
    return cmocka_run_group_tests_name("stats_fit", tests, NULL, NULL);
}
