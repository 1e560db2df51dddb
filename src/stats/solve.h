/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ASSAY_STATS_SOLVE_H
#define ASSAY_STATS_SOLVE_H

/* ln of a tail at x > 0 and its derivative by ln x. */
typedef void stats_curve(double x, const void *data, double *log_p, double *slope);

/*
 * The x in [low, high] where the monotone `curve` is log_p, by Newton steps in ln x, which
 * converge from anywhere for a log-concave tail, inside a bracket that shrinks. Where the curve
 * does not reach log_p, the nearer end.
 */
double stats_solve(stats_curve *curve, const void *data, double log_p, double start, double low,
                   double high);

#endif
