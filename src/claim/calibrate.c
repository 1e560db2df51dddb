/* SPDX-License-Identifier: Apache-2.0 */
#include "claim/calibrate.h"

#include <assay/stats.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_STEPS 40
static const double difference = 0.01; /* of a logarithm, for derivatives */

double observation_predict(const struct observation *o, const struct assay_efficiency *e)
{
    struct assay_step step;
    assay_step_predict(o->run, e, &step);
    if (o->quantity == MEASURED_PEAK_MEMORY)
        return log(step.memory.peak);
    if (o->quantity == MEASURED_STEP_SECONDS)
        return log(step.seconds);
    double tokens = (double)o->run->plan.global_batch * (double)o->run->sequence;
    return log(step.seconds * o->run->tokens / tokens * (double)o->run->machine.devices / 3600 *
               e->run_overhead);
}

/* ---- residuals and their derivatives -------------------------------------------------------- */

struct fit {
    const struct assay_efficiency_table *prior;
    const struct observation *observations;
    const bool *used;
    size_t count, parameters, sources, unknowns;
    double *theta;    /* unknowns: shifts of the rows, then b of each source */
    double *residual; /* of each observation: log measured - log predicted - b */
    double *jacobian; /* count x parameters: of log predicted */
};

static void predict_one(void *user, size_t i)
{
    struct fit *f = user;
    const struct observation *o = &f->observations[i];
    struct assay_efficiency e;
    if (!f->used[i])
        return;
    efficiency_resolve_shifted(f->prior, o->run, f->theta, &e);
    f->residual[i] =
        o->log_measured - observation_predict(o, &e) - f->theta[f->parameters + o->source];
}

static void derive_one(void *user, size_t i)
{
    struct fit *f = user;
    const struct observation *o = &f->observations[i];
    double *row = f->jacobian + i * f->parameters, shift[EFFICIENCY_MOST_ROWS];
    struct assay_efficiency e;
    if (!f->used[i])
        return;
    memcpy(shift, f->theta, f->parameters * sizeof *shift);
    for (size_t p = 0; p < f->parameters; p++) {
        row[p] = 0;
        if (f->prior->rows[p].log_sd == 0 || !efficiency_applies(f->prior->rows[p].scope, o->run))
            continue;
        double at[2];
        for (int side = 0; side < 2; side++) {
            shift[p] = f->theta[p] + (side ? difference : -difference);
            efficiency_resolve_shifted(f->prior, o->run, shift, &e);
            at[side] = observation_predict(o, &e);
        }
        shift[p] = f->theta[p];
        row[p] = (at[1] - at[0]) / (2 * difference);
    }
}

static double scale_of(const struct observation *o)
{
    double sigma = o->quantity == MEASURED_PEAK_MEMORY ? CALIBRATE_MEMORY_SIGMA : CALIBRATE_SIGMA;
    return sigma / sqrt(o->weight);
}

/* Minus the log posterior, up to a constant. */
static double loss(const struct fit *f)
{
    double sum = 0, nu = CALIBRATE_FREEDOM;
    for (size_t i = 0; i < f->count; i++) {
        if (!f->used[i])
            continue;
        double z = f->residual[i] / scale_of(&f->observations[i]);
        sum += (nu + 1) / 2 * log1p(z * z / nu);
    }
    for (size_t u = 0; u < f->unknowns; u++) {
        double sd = u < f->parameters ? f->prior->rows[u].log_sd : CALIBRATE_TAU;
        if (sd > 0)
            sum += 0.5 * f->theta[u] * f->theta[u] / (sd * sd);
    }
    return sum;
}

/* Adds one observation to the normal equations; b's derivative is 1. */
static void accumulate(const struct fit *f, size_t i, double *matrix, double *gradient)
{
    const struct observation *o = &f->observations[i];
    const double *row = f->jacobian + i * f->parameters;
    double scale = scale_of(o), z = f->residual[i] / scale, nu = CALIBRATE_FREEDOM;
    double weight = (nu + 1) / (nu + z * z) / (scale * scale);
    size_t n = f->unknowns, b = f->parameters + o->source;
    for (size_t p = 0; p < f->parameters; p++) {
        if (row[p] == 0)
            continue;
        for (size_t q = 0; q <= p; q++)
            matrix[p * n + q] += weight * row[p] * row[q];
        matrix[b * n + p] += weight * row[p];
        gradient[p] += weight * row[p] * f->residual[i];
    }
    matrix[b * n + b] += weight;
    gradient[b] += weight * f->residual[i];
}

static void normal_equations(const struct fit *f, double *matrix, double *gradient)
{
    size_t n = f->unknowns;
    memset(matrix, 0, n * n * sizeof *matrix);
    memset(gradient, 0, n * sizeof *gradient);
    for (size_t i = 0; i < f->count; i++)
        if (f->used[i])
            accumulate(f, i, matrix, gradient);
    for (size_t u = 0; u < n; u++) {
        double sd = u < f->parameters ? f->prior->rows[u].log_sd : CALIBRATE_TAU;
        double precision = sd > 0 ? 1 / (sd * sd) : 1e12; /* a row without sd is fixed */
        matrix[u * n + u] += precision;
        gradient[u] -= precision * f->theta[u];
    }
}

/* ---- the search for the mode ------------------------------------------------------------------
 */

/*
 * One step: solves with the damping given. Returns false if the loss did not fall; theta and
 * residuals are then as before.
 */
static bool try_step(struct fit *f, const struct assay_context *context, const double *matrix,
                     const double *gradient, double damping, double *work, double *old,
                     double *best, assay_status *status, struct assay_error *error)
{
    size_t n = f->unknowns;
    double *direction = work + n * n;
    memcpy(work, matrix, n * n * sizeof *work);
    memcpy(direction, gradient, n * sizeof *direction);
    for (size_t u = 0; u < n; u++)
        work[u * n + u] *= 1 + damping;
    if (!assay_stats_cholesky(work, n))
        return false;
    assay_stats_cholesky_solve(work, n, direction);
    memcpy(old, f->theta, n * sizeof *old);
    for (size_t u = 0; u < n; u++)
        f->theta[u] += direction[u];
    *status = assay_parallel_for(context, NULL, f->count, predict_one, f, error);
    double now = loss(f);
    if (*status == ASSAY_OK && now < *best) {
        *best = now;
        return true;
    }
    memcpy(f->theta, old, n * sizeof *old);
    return false;
}

static assay_status search(struct fit *f, const struct assay_context *context, double *matrix,
                           double *gradient, double *work, double *old, struct assay_error *error)
{
    double damping = 1e-3;
    assay_status status = assay_parallel_for(context, NULL, f->count, predict_one, f, error);
    double best = loss(f);
    for (int step = 0; status == ASSAY_OK && step < MOST_STEPS && damping < 1e6; step++) {
        double before = best;
        status = assay_parallel_for(context, "calibration", f->count, derive_one, f, error);
        if (status != ASSAY_OK)
            break;
        normal_equations(f, matrix, gradient);
        bool fell = false;
        while (status == ASSAY_OK && !fell && damping < 1e6) {
            fell =
                try_step(f, context, matrix, gradient, damping, work, old, &best, &status, error);
            damping *= fell ? 0.3 : 4;
        }
        if (fell && before - best < 1e-4 * (1 + fabs(best)))
            break;
    }
    return status;
}

/* ---- the result ------------------------------------------------------------------ */

static bool copy_posterior(const struct fit *f, double *matrix, double *work,
                           struct assay_arena *arena, struct assay_efficiency_table **fitted)
{
    size_t n = f->unknowns, parameters = f->parameters;
    struct assay_efficiency_table *table = assay_arena_alloc(arena, 1, sizeof *table);
    double *covariance = assay_arena_alloc(arena, parameters * parameters, sizeof *covariance);
    if (!table || !covariance)
        return false;
    table->count = parameters;
    table->rows = assay_arena_alloc(arena, parameters, sizeof *table->rows);
    if (!table->rows || !assay_stats_cholesky(matrix, n))
        return false;
    assay_stats_cholesky_inverse(matrix, n, work);
    for (size_t p = 0; p < parameters; p++) {
        table->rows[p] = f->prior->rows[p];
        table->rows[p].log_value += f->theta[p];
        table->rows[p].log_sd = f->prior->rows[p].log_sd > 0 ? sqrt(work[p * n + p]) : 0;
        for (size_t q = 0; q < parameters; q++)
            covariance[p * parameters + q] = work[p * n + q];
    }
    if (!assay_stats_cholesky(covariance, parameters))
        return false;
    table->factor = covariance;
    *fitted = table;
    return true;
}

assay_status calibrate(const struct assay_efficiency_table *prior,
                       const struct observation *observations, const bool *used, size_t count,
                       size_t sources, const struct assay_context *context,
                       struct assay_arena *arena, struct assay_efficiency_table **fitted,
                       struct assay_error *error)
{
    size_t n = prior->count + sources;
    struct fit f = {.prior = prior,
                    .observations = observations,
                    .used = used,
                    .count = count,
                    .parameters = prior->count,
                    .sources = sources,
                    .unknowns = n};
    double *room =
        calloc(n + count + count * prior->count + n * n + n + n * n + n + n, sizeof *room);
    if (!room)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    f.theta = room;
    f.residual = f.theta + n;
    f.jacobian = f.residual + count;
    double *matrix = f.jacobian + count * prior->count, *gradient = matrix + n * n;
    double *work = gradient + n, *old = work + n * n + n;
    assay_status status = search(&f, context, matrix, gradient, work, old, error);
    if (status == ASSAY_OK)
        status = assay_parallel_for(context, NULL, count, derive_one, &f, error);
    if (status == ASSAY_OK) {
        normal_equations(&f, matrix, gradient);
        if (!copy_posterior(&f, matrix, work, arena, fitted))
            status = assay_error_at(error, ASSAY_ERROR_UNANSWERABLE, NULL, 0,
                                    "the posterior could not be computed: memory is short, or "
                                    "its precision is not positive definite");
    }
    free(room);
    return status;
}
