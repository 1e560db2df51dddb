/* SPDX-License-Identifier: Apache-2.0 */
/* Bounds on what chance does, as log10 (lineage.h says why they hold). */
#include <assay/lineage.h>
#include <assay/stats.h>

#include <math.h>

static const double log10_e = 0.43429448190325182765;

double assay_lineage_fixed_tail(size_t k, size_t n, size_t m)
{
    if (k == 0)
        return 0;
    if (k > n || n > m)
        return -INFINITY;
    double ln = assay_stats_log_choose((double)n, (double)k) +
                assay_stats_log_factorial((double)(m - k)) - assay_stats_log_factorial((double)m);
    return fmin(0, ln * log10_e);
}

double assay_lineage_increasing_tail(size_t k, size_t n)
{
    if (k == 0)
        return 0;
    if (k > n)
        return -INFINITY;
    double ln = assay_stats_log_choose((double)n, (double)k) - assay_stats_log_factorial((double)k);
    return fmin(0, ln * log10_e);
}

double assay_lineage_agreement_tail(size_t k, size_t n, size_t m, double universal)
{
    if (k == 0 || universal >= 1)
        return 0;
    if (k > n || n > m)
        return -INFINITY;
    double sum = -INFINITY;
    for (size_t j = 0; j <= n; j++) { /* j units are universal, the others agree by chance */
        double log10_j = log10_e * (assay_stats_log_choose((double)n, (double)j) +
                                    (universal > 0 ? (double)j * log(universal)
                                     : j           ? -(double)INFINITY
                                                   : 0) +
                                    (double)(n - j) * log1p(-universal));
        double chance = j < k ? assay_lineage_fixed_tail(k - j, n, m) : 0;
        double term = log10_j + chance, most = fmax(sum, term);
        if (most > -(double)INFINITY)
            sum = most + log10(pow(10, sum - most) + pow(10, term - most));
    }
    return fmin(0, sum);
}
