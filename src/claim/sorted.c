/* SPDX-License-Identifier: Apache-2.0 */
#include "claim/sorted.h"

#include <math.h>
#include <stdlib.h>

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void sort_doubles(double *values, size_t n)
{
    if (n > 1)
        qsort(values, n, sizeof *values, ascending);
}

double quantile_of_sorted(const double *sorted, size_t n, double p)
{
    if (n == 0)
        return NAN;
    double at = p * (double)(n - 1);
    size_t below = (size_t)at;
    double part = at - (double)below;
    return below + 1 < n ? sorted[below] * (1 - part) + sorted[below + 1] * part : sorted[n - 1];
}

struct assay_interval interval_of_sorted(const double *sorted, size_t n, double factor)
{
    return (struct assay_interval){.median = factor * quantile_of_sorted(sorted, n, 0.5),
                                   .low = factor * quantile_of_sorted(sorted, n, 0.1),
                                   .high = factor * quantile_of_sorted(sorted, n, 0.9),
                                   .level = 0.8};
}
