/* SPDX-License-Identifier: Apache-2.0 */
/* Counts against a uniform distribution, and many p-values at once. */
#include <assay/stats.h>

#include <math.h>
#include <stdlib.h>

#include "deviance.h"

double assay_stats_chi_squared_uniform(const uint64_t *counts, size_t cells, double *statistic)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < cells; i++)
        sum += (double)counts[i];
    double expected = sum / (double)cells;
    for (size_t i = 0; i < cells; i++) {
        double excess = (double)counts[i] - expected;
        squares += excess * excess;
    }
    *statistic = cells >= 2 && sum > 0 ? squares / expected : (double)NAN;
    return assay_stats_chi_squared_tail(*statistic, (double)cells - 1, ASSAY_UPPER);
}

/* Minus the sum of ln p of n true nulls is gamma distributed with shape n. */
double assay_stats_fisher_combine(const double *log10_p, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        if (!(log10_p[i] <= 0))
            return (double)NAN;
        sum -= log10_p[i] * LN_10;
    }
    return n > 0 ? assay_stats_gamma_tail(sum, (double)n, ASSAY_UPPER) : 0;
}

struct ranked {
    double log10_p;
    size_t place;
};

static int by_p(const void *left, const void *right)
{
    const struct ranked *a = left, *b = right;
    if (a->log10_p != b->log10_p)
        return a->log10_p < b->log10_p ? -1 : 1;
    return (a->place > b->place) - (a->place < b->place);
}

assay_status assay_stats_benjamini_hochberg(const double *log10_p, size_t n, double *log10_q,
                                            struct assay_error *error)
{
    for (size_t i = 0; i < n; i++)
        if (!(log10_p[i] <= 0))
            return assay_error_at(error, ASSAY_ERROR_INPUT, NULL, 0,
                                  "log10 p number %zu is %g, expected at most 0", i, log10_p[i]);
    struct ranked *ranked = calloc(n ? n : 1, sizeof *ranked);
    if (!ranked)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "no memory for %zu tests", n);
    for (size_t i = 0; i < n; i++)
        ranked[i] = (struct ranked){log10_p[i], i};
    qsort(ranked, n, sizeof *ranked, by_p);
    double least = 0; /* from the largest p down: the least n p / rank so far, at most 1 */
    for (size_t rank = n; rank >= 1; rank--) {
        least = fmin(least, ranked[rank - 1].log10_p + log10((double)n / (double)rank));
        log10_q[ranked[rank - 1].place] = least;
    }
    free(ranked);
    return ASSAY_OK;
}
