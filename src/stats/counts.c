/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts whose tails are those of a continuous variable: a binomial count is at least k when the
 * k-th smallest of n uniforms, a beta variable, is at most p (DLMF 8.17.5); a Poisson count when
 * the k-th arrival, a gamma variable, comes before the mean (DLMF 8.4.10).
 */
#include <assay/stats.h>

#include <math.h>

#include "tails.h"

enum { MOST = 53 }; /* counts up to 2^53 are doubles */

static double binomial_at_least(int64_t k, int64_t n, double p, bool complement)
{
    if (k <= 0 || k > n)
        return stats_at_end(complement ? ASSAY_LOWER : ASSAY_UPPER, k <= 0);
    return assay_stats_beta_tail(p, (double)k, (double)(n - k) + 1,
                                 complement ? ASSAY_UPPER : ASSAY_LOWER);
}

double assay_stats_binomial_tail(int64_t k, int64_t n, double p, enum assay_tail tail)
{
    if (n < 0 || n > (int64_t)1 << MOST || !(p >= 0 && p <= 1))
        return (double)NAN;
    if (tail == ASSAY_UPPER)
        return binomial_at_least(k, n, p, false);
    return k >= n ? 0 : binomial_at_least(k + 1, n, p, true);
}

double assay_stats_poisson_tail(int64_t k, double mean, enum assay_tail tail)
{
    if (!(mean >= 0) || isinf(mean) || k > (int64_t)1 << MOST)
        return (double)NAN;
    if (tail == ASSAY_LOWER)
        return k < 0 ? -HUGE_VAL : assay_stats_gamma_tail(mean, (double)k + 1, ASSAY_UPPER);
    return k <= 0 ? 0 : assay_stats_gamma_tail(mean, (double)k, ASSAY_LOWER);
}

struct binomial {
    int64_t n;
    double p;
};

static double binomial_curve(int64_t k, const void *data, enum assay_tail tail)
{
    const struct binomial *binomial = data;
    return assay_stats_binomial_tail(k, binomial->n, binomial->p, tail);
}

int64_t assay_stats_binomial_quantile(double log10_p, int64_t n, double p, enum assay_tail tail)
{
    if (n < 0 || n > (int64_t)1 << MOST || !(p >= 0 && p <= 1) || !(log10_p <= 0))
        return -1;
    struct binomial binomial = {n, p};
    return stats_count_quantile(binomial_curve, &binomial, log10_p, tail, 0, n);
}

static double poisson_curve(int64_t k, const void *data, enum assay_tail tail)
{
    return assay_stats_poisson_tail(k, *(const double *)data, tail);
}

int64_t assay_stats_poisson_quantile(double log10_p, double mean, enum assay_tail tail)
{
    if (!(mean >= 0 && mean <= 1e15) || !(log10_p <= 0))
        return -1;
    bool endless = tail == ASSAY_LOWER ? log10_p == 0 : isinf(log10_p);
    if (endless && mean > 0)
        return -1;
    int64_t top = (int64_t)mean + 64; /* doubled until the answer is below it */
    while (top < (int64_t)1 << MOST) {
        double value = assay_stats_poisson_tail(top, mean, tail);
        if (tail == ASSAY_LOWER ? value >= log10_p : value <= log10_p)
            break;
        top *= 2;
    }
    if (top >= (int64_t)1 << MOST)
        return -1;
    return stats_count_quantile(poisson_curve, &mean, log10_p, tail, 0, top);
}
