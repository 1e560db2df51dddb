/* SPDX-License-Identifier: Apache-2.0 */
/* The standard normal distribution. */
#include <assay/stats.h>

#include <math.h>

#include "deviance.h"

/*
 * Mills' ratio, upper tail over density, for x >= 6: Laplace's continued fraction, DLMF 7.9.1,
 * 1 / (x + 1 / (x + 2 / (x + 3 / ...))), from the bottom up; 60 terms leave less than 1e-17.
 */
static double mills(double x)
{
    double value = x;
    for (int n = 60; n > 0; n--)
        value = x + n / value;
    return 1 / value;
}

/* ln P(X >= x). */
static double log_upper(double x)
{
    if (x < -1)
        return log1p(-erfc(-x / sqrt(2)) / 2);
    if (x < 6)
        return log(erfc(x / sqrt(2)) / 2);
    return -x * x / 2 - LN_2_PI / 2 + log(mills(x));
}

double assay_stats_normal_tail(double x, enum assay_tail tail)
{
    if (isnan(x))
        return (double)NAN;
    x = tail == ASSAY_LOWER ? -x : x;
    return isinf(x) ? (x > 0 ? -HUGE_VAL : 0) : log_upper(x) / LN_10;
}

/* Newton on the concave ln P(X >= x), from the right, where it converges monotonely. */
double assay_stats_normal_quantile(double log10_p, enum assay_tail tail)
{
    if (!(log10_p <= 0))
        return (double)NAN;
    double log_p = log10_p * LN_10, sign = tail == ASSAY_UPPER ? 1 : -1;
    if (log_p > -LN_2) {
        log_p = assay_stats_log1mexp(log_p);
        sign = -sign;
    }
    if (isinf(log_p))
        return sign * HUGE_VAL;
    double x = sqrt(-2 * log_p); /* for the tail is at most exp(-x^2 / 2) / 2 */
    for (int i = 0; i < 50; i++) {
        double log_tail = log_upper(x), log_density = -x * x / 2 - LN_2_PI / 2;
        double step = (log_tail - log_p) * exp(log_tail - log_density);
        x += step;
        if (fabs(step) <= 2e-16 * (1 + x))
            break;
    }
    return sign * x;
}
