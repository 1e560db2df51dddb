/* SPDX-License-Identifier: Apache-2.0 */
/* Sums and complements of numbers that are held as logarithms. */
#include <assay/stats.h>

#include <math.h>

#include "deviance.h"

/* The largest term is taken out, so that the rest are at most 1. */
static double largest(const double *terms, size_t n)
{
    double most = -HUGE_VAL;
    for (size_t i = 0; i < n; i++) {
        if (isnan(terms[i]))
            return (double)NAN;
        most = fmax(most, terms[i]);
    }
    return most;
}

double assay_stats_log_sum_exp(const double *terms, size_t n)
{
    double most = largest(terms, n), sum = 0;
    if (!isfinite(most))
        return most;
    for (size_t i = 0; i < n; i++)
        sum += exp(terms[i] - most);
    return most + log(sum);
}

double assay_stats_log10_sum(const double *terms, size_t n)
{
    double most = largest(terms, n), sum = 0;
    if (!isfinite(most))
        return most;
    for (size_t i = 0; i < n; i++)
        sum += exp((terms[i] - most) * LN_10);
    return most + log10(sum);
}

double assay_stats_log1mexp(double x)
{
    if (!(x <= 0))
        return (double)NAN;
    return x > -LN_2 ? log(-expm1(x)) : log1p(-exp(x));
}

double assay_stats_log10_complement(double x)
{
    return assay_stats_log1mexp(x * LN_10) / LN_10;
}
