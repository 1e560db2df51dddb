/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/units.h"

#include <assay/stats.h>

#include <math.h>
#include <stdlib.h>

#define LN10 2.302585092994046

static double product(const float *a, const float *b, size_t width)
{
    double sum = 0;
    for (size_t i = 0; i < width; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

/* The row of `of` with the largest cosine with `row`; SIZE_MAX if none is finite. */
static size_t best(const float *row, const float *of, size_t units, size_t width)
{
    size_t found = SIZE_MAX;
    double most = -INFINITY;
    for (size_t i = 0; i < units; i++) {
        const float *other = of + i * width;
        double cosine = product(row, other, width) / sqrt(product(other, other, width) + 1e-300);
        if (!isfinite(cosine))
            return SIZE_MAX;
        if (cosine > most) {
            most = cosine;
            found = i;
        }
    }
    return found;
}

assay_status lab_fixed_points(const float *a, const float *b, size_t units, size_t width,
                              size_t *fixed, struct assay_error *error)
{
    *fixed = 0;
    if (units == 0 || width == 0)
        return assay_error_at(error, ASSAY_ERROR_INPUT, NULL, 0, "a layer without units");
    for (size_t i = 0; i < units; i++) {
        size_t there = best(a + i * width, b, units, width);
        size_t back = best(b + i * width, a, units, width);
        if (there == SIZE_MAX || back == SIZE_MAX)
            return assay_error_at(error, ASSAY_ERROR_INPUT, NULL, 0,
                                  "a weight of unit %zu is not finite", i);
        *fixed += there == i && back == i;
    }
    return ASSAY_OK;
}

double lab_fixed_points_tail(size_t k, size_t n, size_t m)
{
    if (k > n || n > m)
        return NAN;
    double ln = assay_stats_log_choose((double)n, (double)k) +
                assay_stats_log_factorial((double)(m - k)) - assay_stats_log_factorial((double)m);
    return fmin(0, ln / LN10);
}
