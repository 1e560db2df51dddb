/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Student's t: with nu degrees of freedom nu / (nu + T^2) is beta distributed with shapes nu / 2
 * and 1 / 2 (Abramowitz and Stegun 26.7.1), and half of its lower tail is beyond |t|.
 */
#include <assay/stats.h>

#include <math.h>

#include "deviance.h"
#include "tails.h"

/* ln P(T >= t) for t >= 0. From far_out on the tail is a pure power of t. */
static double log_beyond(double t, double degrees)
{
    double far_out = 1e140 * sqrt(degrees);
    if (t > far_out)
        return log_beyond(far_out, degrees) - degrees * (log(t) - log(far_out));
    double ratio = degrees / t / t;
    if (!(ratio < 1e290))
        return -LN_2;
    double x = ratio / (1 + ratio), y = 1 / (1 + ratio);
    struct stats_beta_point at = {degrees / 2, 0.5, x, y, (degrees - ratio) * y / 2};
    return stats_beta_tails(&at).lower - LN_2;
}

double assay_stats_student_tail(double t, double degrees, enum assay_tail tail)
{
    if (isnan(t) || !(degrees > 0) || isinf(degrees))
        return (double)NAN;
    if (isinf(t))
        return stats_at_end(tail, t < 0);
    double log_p = log_beyond(fabs(t), degrees);
    if ((t >= 0) != (tail == ASSAY_UPPER))
        log_p = assay_stats_log1mexp(log_p);
    return log_p / LN_10;
}

double assay_stats_student_quantile(double log10_p, double degrees, enum assay_tail tail)
{
    if (!(log10_p <= 0) || !(degrees > 0) || isinf(degrees))
        return (double)NAN;
    double log_p = log10_p * LN_10, sign = tail == ASSAY_UPPER ? 1 : -1;
    if (log_p > -LN_2) {
        log_p = assay_stats_log1mexp(log_p);
        sign = -sign;
    }
    if (isinf(log_p))
        return sign * HUGE_VAL;
    double twice = fmin(log_p + LN_2, 0);
    if (twice == 0)
        return 0;
    double far_out = 1e140 * sqrt(degrees), there = log_beyond(far_out, degrees);
    if (log_p < there)
        return sign * far_out * exp((there - log_p) / degrees);
    struct stats_beta_point at = stats_beta_solve(degrees / 2, 0.5, twice, ASSAY_LOWER);
    return sign * sqrt(degrees) * sqrt(at.y / at.x);
}
