/* SPDX-License-Identifier: Apache-2.0 */
/* Kolmogorov's test: how far the empirical distribution of n uniforms strays from the line. */
#include <assay/stats.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "deviance.h"

enum { EXACT_MOST = 2000, BAND_MOST = 200 };

/*
 * ln P(D+ >= d), one-sided and exact: Birnbaum and Tingey, "One-sided confidence contours for
 * probability distribution functions", 1951, equation 3. The term of j is d / t times the
 * binomial probability of j at t = d + j / n, whose deviance needs only the exact excess n d.
 */
static double log_one_sided(double d, double n)
{
    double excess = n * d, whole = stats_stirling_remainder(n), sum = 0, most = -HUGE_VAL;
    for (double j = 0; j < n - excess; j++) {
        double rest = n - j;
        double term = rest * stats_log_ratio_minus(rest - excess, rest, -excess) + whole -
                      stats_stirling_remainder(j) - stats_stirling_remainder(rest) -
                      log(excess + j) + log(excess);
        term += j > 0 ? j * stats_log_ratio_minus(j + excess, j, excess) : -excess;
        if (term > most) {
            sum = sum * exp(most - term) + 1;
            most = term;
        } else {
            sum += exp(term - most);
        }
    }
    return most + log(sum);
}

/*
 * P(D < d), exact: Durbin's matrix H as Marsaglia, Tsang and Wang, "Evaluating Kolmogorov's
 * distribution", 2003, write it down, with n steps of a row vector in place of its n-th power.
 * Each step is scaled by 1/e, and n! / n^n = exp(-n + remainder). All terms are positive.
 */
static double exact_below(double d, int n)
{
    int k = (int)(n * d) + 1, m = 2 * k - 1;
    double h = k - n * d, inverse[BAND_MOST + 1] = {1}, first[BAND_MOST], last[BAND_MOST];
    double row[BAND_MOST] = {0}, next[BAND_MOST];
    for (int i = 1; i <= m; i++)
        inverse[i] = inverse[i - 1] / i; /* 1 / i! */
    for (int i = 0; i < m; i++) {
        first[i] = (1 - pow(h, i + 1)) * inverse[i + 1];
        last[i] = (1 - pow(h, m - i)) * inverse[m - i];
    }
    last[0] = first[m - 1] = (1 - 2 * pow(h, m) + (h > 0.5 ? pow(2 * h - 1, m) : 0)) * inverse[m];
    row[k - 1] = 1;
    for (int step = 0; step < n; step++) {
        for (int j = 0; j < m; j++) {
            double sum = row[m - 1] * last[j];
            for (int i = j > 0 ? j - 1 : 0; i < m - 1; i++)
                sum += row[i] * (j == 0 ? first[i] : inverse[i - j + 1]);
            next[j] = sum * exp(-1);
        }
        memcpy(row, next, (size_t)m * sizeof *row);
    }
    return row[k - 1] * exp(stats_stirling_remainder(n));
}

/* P(D >= d) for large n: Kolmogorov's limit at a shifted argument, Vrbik, "Small-sample
 * corrections to Kolmogorov-Smirnov test statistic", 2018. */
static double limit_above(double d, double n)
{
    double root = sqrt(n), z = d * root + 1 / (6 * root) + (d * root - 1) / (4 * n), sum = 0;
    if (z < 1) { /* 1 less the theta function in its other form, DLMF 20.7.32 */
        for (int k = 1; k < 20; k += 2)
            sum += exp(-k * k * 1.2337005501361698274 / (z * z)); /* pi^2 / 8 */
        return 1 - sqrt(exp(LN_2_PI)) / z * sum;
    }
    for (int k = 1; k < 20; k++)
        sum += (k % 2 ? 2 : -2) * exp(-2 * k * k * z * z);
    return sum;
}

double assay_stats_kolmogorov_tail(double d, int64_t n)
{
    if (isnan(d) || n < 1 || n > 100000000)
        return (double)NAN;
    if (d <= 0.5 / (double)n)
        return 0;
    if (d >= 1)
        return -HUGE_VAL;
    double size = (double)n;
    if (d >= 0.5 || size * d * d >= 4) /* what both sides reach is below 4e-11 of p */
        return fmin((log_one_sided(d, size) + LN_2) / LN_10, 0);
    double above = n <= EXACT_MOST ? 1 - exact_below(d, (int)n) : limit_above(d, size);
    return fmin(log10(above), 0);
}

static int by_size(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

assay_status assay_stats_kolmogorov_uniform(const double *values, size_t n, double *distance,
                                            double *log10_p, struct assay_error *error)
{
    if (n < 1 || n > 100000000)
        return assay_error_at(error, ASSAY_ERROR_INPUT, NULL, 0,
                              "%zu values, expected 1 to 100000000", n);
    for (size_t i = 0; i < n; i++)
        if (!(values[i] >= 0 && values[i] <= 1))
            return assay_error_at(error, ASSAY_ERROR_INPUT, NULL, 0,
                                  "value %zu is %g, expected 0 to 1", i, values[i]);
    double *sorted = malloc(n * sizeof *sorted), most = 0, size = (double)n;
    if (!sorted)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "no memory for %zu values", n);
    memcpy(sorted, values, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, by_size);
    for (size_t i = 0; i < n; i++) {
        double above = (double)(i + 1) / size - sorted[i], below = sorted[i] - (double)i / size;
        most = fmax(most, fmax(above, below));
    }
    free(sorted);
    *distance = most;
    *log10_p = assay_stats_kolmogorov_tail(most, (int64_t)n);
    return ASSAY_OK;
}
