/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Robust least squares by Levenberg and Marquardt. The loss of a residual r is minus the log
 * likelihood of Student's t, (nu + 1) / 2 ln(1 + r^2 / nu); its slope is w r with the weight
 * w = (nu + 1) / (nu + r^2), so each step is one of least squares with these weights (Lange, Little
 * and Taylor, "Robust statistical modeling using the t distribution", 1989). The damping is
 * Marquardt's, by the diagonal, and follows Nielsen's rule (Madsen, Nielsen and Tingleff, "Methods
 * for non-linear least squares problems", 2004, equation 2.21).
 */
#include <assay/stats.h>

#include <math.h>
#include <string.h>

struct work {
    const struct assay_fit_problem *problem;
    size_t n, m;       /* parameters, residuals */
    double difference; /* step of the derivatives */
    const double *at;  /* parameters, with their residuals */
    double *residuals, *trial, *trial_residuals;
    double *jacobian;        /* n x m: row j is d residuals / d parameter j */
    double *moved, *other;   /* n x n and n x m, a row for each worker's parameter */
    bool *failed;            /* n: there the derivative cannot be taken */
    double *matrix, *damped; /* n x n */
    double *gradient, *step; /* n */
};

static bool evaluate(const struct assay_fit_problem *problem, const double *at, double *residuals)
{
    if (!problem->residuals(problem->user, at, residuals))
        return false;
    for (size_t i = 0; i < problem->residual_count; i++)
        if (!isfinite(residuals[i]))
            return false;
    return true;
}

static double degrees_of(const struct work *work, size_t i)
{
    return work->problem->degrees ? work->problem->degrees[i] : HUGE_VAL;
}

static double loss_of(const struct work *work, const double *residuals)
{
    double sum = 0;
    for (size_t i = 0; i < work->m; i++) {
        double nu = degrees_of(work, i), square = residuals[i] * residuals[i];
        sum += isinf(nu) ? square / 2 : (nu + 1) / 2 * log1p(square / nu);
    }
    return sum;
}

/* Central differences: one parameter a worker. */
static void differentiate(void *data, size_t j)
{
    struct work *work = data;
    double *moved = work->moved + j * work->n, *up = work->jacobian + j * work->m;
    double *down = work->other + j * work->m;
    double h = work->difference * fmax(1, fabs(work->at[j]));
    memcpy(moved, work->at, work->n * sizeof *moved);
    moved[j] = work->at[j] + h;
    double right = moved[j];
    work->failed[j] = !evaluate(work->problem, moved, up);
    moved[j] = work->at[j] - h;
    work->failed[j] = work->failed[j] || !evaluate(work->problem, moved, down);
    for (size_t i = 0; i < work->m && !work->failed[j]; i++)
        up[i] = (up[i] - down[i]) / (right - moved[j]);
}

/* The sum over residuals of weight times the products of their derivatives. With `expected` the
 * weight is that of Fisher's information, (nu + 1) / (nu + 3). */
static void accumulate(struct work *work, bool expected)
{
    size_t n = work->n, m = work->m;
    memset(work->matrix, 0, n * n * sizeof *work->matrix);
    memset(work->gradient, 0, n * sizeof *work->gradient);
    for (size_t i = 0; i < m; i++) {
        double nu = degrees_of(work, i), r = work->residuals[i];
        double weight = isinf(nu) ? 1 : (nu + 1) / (nu + (expected ? 3 : r * r));
        for (size_t j = 0; j < n; j++) {
            double slope = weight * work->jacobian[j * m + i];
            work->gradient[j] += slope * r;
            for (size_t k = 0; k <= j; k++)
                work->matrix[j * n + k] += slope * work->jacobian[k * m + i];
        }
    }
}

static assay_status linearise(struct work *work, const struct assay_context *context,
                              struct assay_error *error)
{
    ASSAY_TRY(assay_parallel_for(context, NULL, work->n, differentiate, work, error));
    for (size_t j = 0; j < work->n; j++)
        if (work->failed[j])
            return assay_error_at(error, ASSAY_ERROR_UNANSWERABLE, NULL, 0,
                                  "the fit cannot differentiate parameter %zu at %g", j,
                                  work->at[j]);
    accumulate(work, false);
    return ASSAY_OK;
}

/* Solves for the damped step and tries it; the loss there, or infinity. */
static double try_step(struct work *work, double damping, double *promised)
{
    size_t n = work->n;
    memcpy(work->damped, work->matrix, n * n * sizeof *work->damped);
    for (size_t j = 0; j < n; j++) {
        work->damped[j * n + j] += damping * fmax(work->matrix[j * n + j], 1e-300);
        work->step[j] = -work->gradient[j];
    }
    if (!assay_stats_cholesky(work->damped, n))
        return HUGE_VAL;
    assay_stats_cholesky_solve(work->damped, n, work->step);
    *promised = 0;
    for (size_t j = 0; j < n; j++) {
        double diagonal = damping * work->matrix[j * n + j];
        *promised += work->step[j] * (diagonal * work->step[j] - work->gradient[j]) / 2;
        work->trial[j] = work->at[j] + work->step[j];
    }
    if (!evaluate(work->problem, work->trial, work->trial_residuals))
        return HUGE_VAL;
    return loss_of(work, work->trial_residuals);
}

static bool is_small_step(const struct work *work, double tolerance)
{
    for (size_t j = 0; j < work->n; j++)
        if (!(fabs(work->step[j]) <= tolerance * fmax(1, fabs(work->at[j]))))
            return false;
    return true;
}

static assay_status search(struct work *work, const struct assay_context *context,
                           const struct assay_fit_settings *settings, double *parameters,
                           struct assay_fit_result *result, struct assay_error *error)
{
    double damping = 1e-3, growth = 2;
    ASSAY_TRY(linearise(work, context, error));
    while (result->steps < settings->most_steps && !result->converged) {
        double promised = 0, loss = try_step(work, damping, &promised);
        result->steps++;
        if (loss <= result->loss) {
            double gain = promised > 0 ? (result->loss - loss) / promised : 1;
            result->converged = is_small_step(work, settings->tolerance);
            result->loss = loss;
            memcpy(parameters, work->trial, work->n * sizeof *parameters);
            memcpy(work->residuals, work->trial_residuals, work->m * sizeof *work->residuals);
            damping = fmax(damping * fmax(1.0 / 3, 1 - pow(2 * gain - 1, 3)), 1e-12);
            growth = 2;
            ASSAY_TRY(linearise(work, context, error));
        } else {
            result->converged = isfinite(loss) && is_small_step(work, settings->tolerance);
            damping *= growth;
            growth *= 2;
            if (damping > 1e30)
                break;
        }
    }
    return ASSAY_OK;
}

struct assay_fit_settings assay_fit_settings_default(void)
{
    return (struct assay_fit_settings){.difference = 6e-6, .tolerance = 1e-8, .most_steps = 200};
}

static assay_status check(const struct assay_fit_problem *problem,
                          const struct assay_fit_settings *settings, struct assay_error *error)
{
    if (problem->parameter_count < 1 || problem->parameter_count > 1000 ||
        problem->residual_count < 1 || problem->residual_count > 1000000)
        return assay_error_at(error, ASSAY_ERROR_LIMIT, NULL, 0,
                              "a fit of %zu parameters to %zu residuals, expected 1 to 1000 and 1 "
                              "to 1000000",
                              problem->parameter_count, problem->residual_count);
    for (size_t i = 0; problem->degrees && i < problem->residual_count; i++)
        if (!(problem->degrees[i] > 0))
            return assay_error_at(error, ASSAY_ERROR_INPUT, NULL, 0,
                                  "residual %zu has %g degrees of freedom, expected more than 0", i,
                                  problem->degrees[i]);
    if (!(settings->difference > 0 && settings->difference < 1) || !(settings->tolerance > 0) ||
        settings->most_steps < 1)
        return assay_error_at(error, ASSAY_ERROR_INPUT, NULL, 0,
                              "settings of a fit out of range: difference %g, tolerance %g, steps "
                              "%d",
                              settings->difference, settings->tolerance, settings->most_steps);
    return ASSAY_OK;
}

/* One block of memory a purpose; false if it is short. */
static bool allocate(struct work *work, struct assay_arena *arena)
{
    size_t n = work->n, m = work->m;
    struct {
        double **block;
        size_t rows, columns;
    } blocks[] = {
        {&work->residuals, 1, m}, {&work->trial, 1, n},  {&work->trial_residuals, 1, m},
        {&work->jacobian, n, m},  {&work->moved, n, n},  {&work->other, n, m},
        {&work->matrix, n, n},    {&work->damped, n, n}, {&work->gradient, 1, n},
        {&work->step, 1, n},
    };
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        if (!(*blocks[i].block =
                  assay_arena_alloc(arena, blocks[i].rows * blocks[i].columns, sizeof(double))))
            return false;
    work->failed = assay_arena_alloc(arena, n, sizeof *work->failed);
    return work->failed != NULL;
}

static assay_status fit(struct work *work, const struct assay_context *context,
                        const struct assay_fit_settings *settings, double *parameters,
                        double *covariance, struct assay_fit_result *result,
                        struct assay_error *error)
{
    if (!evaluate(work->problem, parameters, work->residuals))
        return assay_error_at(error, ASSAY_ERROR_INPUT, NULL, 0,
                              "the fit has no finite residuals at its start");
    *result = (struct assay_fit_result){.loss = loss_of(work, work->residuals)};
    ASSAY_TRY(search(work, context, settings, parameters, result, error));
    if (!covariance)
        return ASSAY_OK;
    accumulate(work, true);
    if (!assay_stats_cholesky(work->matrix, work->n))
        return assay_error_at(error, ASSAY_ERROR_UNANSWERABLE, NULL, 0,
                              "the residuals do not determine all %zu parameters", work->n);
    assay_stats_cholesky_inverse(work->matrix, work->n, covariance);
    return ASSAY_OK;
}

assay_status assay_stats_fit(const struct assay_context *context,
                             const struct assay_fit_problem *problem,
                             const struct assay_fit_settings *settings, double *parameters,
                             double *covariance, struct assay_fit_result *result,
                             struct assay_error *error)
{
    ASSAY_TRY(check(problem, settings, error));
    struct work work = {.problem = problem,
                        .n = problem->parameter_count,
                        .m = problem->residual_count,
                        .difference = settings->difference,
                        .at = parameters};
    struct assay_arena *arena = assay_arena_new();
    assay_status status =
        arena && allocate(&work, arena)
            ? fit(&work, context, settings, parameters, covariance, result, error)
            : assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0,
                             "no memory to fit %zu parameters to %zu residuals", work.n, work.m);
    assay_arena_free(arena);
    return status;
}
