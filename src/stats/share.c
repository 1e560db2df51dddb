/* SPDX-License-Identifier: Apache-2.0 */
/* A share of things counted, with the exact interval of Clopper and Pearson (1934). */
#include <assay/stats.h>

#include <math.h>

struct assay_share assay_stats_share(size_t hits, size_t n)
{
    const double side = log10(0.025);
    double k = (double)hits, rest = (double)(n - hits);
    if (n == 0)
        return (struct assay_share){0, NAN, 0, 1};
    return (struct assay_share){
        .n = n,
        .share = k / (double)n,
        .low = hits == 0 ? 0 : assay_stats_beta_quantile(side, k, rest + 1, ASSAY_LOWER),
        .high = hits == n ? 1 : assay_stats_beta_quantile(side, k + 1, rest, ASSAY_UPPER),
    };
}
