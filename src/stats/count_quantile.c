/* SPDX-License-Identifier: Apache-2.0 */
#include "tails.h"

/* Bisection: `high` always satisfies what the answer must be the first to satisfy. */
int64_t stats_count_quantile(stats_count_curve *curve, const void *data, double log10_p,
                             enum assay_tail tail, int64_t least, int64_t most)
{
    int64_t low = least - 1, high = tail == ASSAY_LOWER ? most : most + 1;
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        double value = curve(middle, data, tail);
        if (tail == ASSAY_LOWER ? value >= log10_p : value <= log10_p)
            high = middle;
        else
            low = middle;
    }
    return high;
}
