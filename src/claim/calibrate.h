/* SPDX-License-Identifier: Apache-2.0 */
/*
 * calibrate: efficiency parameters fitted to measured runs. In: a table whose rows are priors
 * (log_value, log_sd), measured runs, and which of them to leave out. Out: a table of the same
 * rows with the posterior's mode, standard deviations and the Cholesky factor of its covariance.
 *
 *   log measured = log predicted(theta) + b(source) + noise
 *   theta_i ~ N(prior_i, sd_i^2),  b ~ N(0, tau^2) for a source,  noise ~ Student t, scale sigma
 *
 * b takes up what all rows of one source share (its cluster, its habits), so that a table of
 * hundreds of rows does not outvote the others; it is not used in predictions, but a new source
 * has one of its own, which the predictive residual includes. The mode by Levenberg-Marquardt
 * with t-weights (IRLS); the covariance by Laplace's approximation.
 * What can go wrong: memory, interruption, a system that is not positive definite.
 */
#ifndef CLAIM_CALIBRATE_H
#define CLAIM_CALIBRATE_H

#include "claim/efficiency.h"
#include "claim/measured.h"

#define CALIBRATE_SIGMA 0.06 /* scale of noise within a source, in log time */
#define CALIBRATE_TAU 0.10   /* sd of what a source shares, in log time */
#define CALIBRATE_MEMORY_SIGMA 0.08
#define CALIBRATE_FREEDOM 4.0

/* One measured number and the run that it was measured on. */
struct observation {
    const struct assay_run *run;
    enum measured_quantity quantity; /* step seconds, device-hours or peak memory */
    double log_measured;
    size_t source; /* index of what b belongs to */
    double weight; /* 1, less where rows repeat one measurement */
};

/*
 * Fits `prior` to the observations for which used[i] is true. The result and its rows live in
 * `arena`. `sources` is the number of distinct source indices.
 */
assay_status calibrate(const struct assay_efficiency_table *prior,
                       const struct observation *observations, const bool *used, size_t count,
                       size_t sources, const struct assay_context *context,
                       struct assay_arena *arena, struct assay_efficiency_table **fitted,
                       struct assay_error *error);

/* The natural logarithm of what the model predicts for an observation at the medians. */
double observation_predict(const struct observation *observation,
                           const struct assay_efficiency *efficiency);

#endif
