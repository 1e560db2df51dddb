/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stats: probabilities as logarithms to base 10, so that 1e-670 is a number; quantiles; tests.
 *
 * Conventions
 *   - A function is pure: no state, no allocation, safe on any thread; exceptions say so.
 *   - NaN in any argument, or a parameter outside its stated range, gives NaN. A probability
 *     of 0 is -INFINITY, one of 1 is 0.
 *   - The smaller tail is computed, the larger one is its complement, so that both keep their
 *     relative accuracy: neither is ever 1 minus a number near 1.
 */
#ifndef ASSAY_STATS_H
#define ASSAY_STATS_H

#include <assay/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- logarithms of sums --------------------------------------------------------------- */

/*
 * ln(sum of exp(terms[i])) and log10(sum of 10^terms[i]), n terms, without overflow. No terms,
 * or nothing but -INFINITY: -INFINITY. +INFINITY among them: +INFINITY. A NaN: NaN.
 */
ASSAY_API double assay_stats_log_sum_exp(const double *terms, size_t n);
ASSAY_API double assay_stats_log10_sum(const double *terms, size_t n);

/*
 * ln(1 - exp(x)) and log10(1 - 10^x) for x <= 0, accurate at both ends (Maechler, "Accurately
 * computing log(1 - exp(-|a|))", 2012). -INFINITY at 0, NaN above.
 */
ASSAY_API double assay_stats_log1mexp(double x);
ASSAY_API double assay_stats_log10_complement(double x);

/*
 * ln n! = ln Gamma(n + 1), n real and at least 0, by Stirling's series (DLMF 5.11.1), relative
 * error below 1e-14, but near the zeros at n = 0 and 1 absolute error below 1e-14.
 */
ASSAY_API double assay_stats_log_factorial(double n);

/*
 * ln of the binomial coefficient, 0 <= k <= n real, in the form of Loader, "Fast and accurate
 * computation of binomial probabilities", 2000: no difference of large factorials. Error below
 * 1e-14 relative, or 1e-14 absolute where the value is near 0. -INFINITY outside 0 <= k <= n.
 */
ASSAY_API double assay_stats_log_choose(double n, double k);

/* ---- quantiles of draws --------------------------------------------------------------- */

/*
 * The quantiles at `levels` (each in [0, 1], in any order) of n values with weights (NULL: all
 * equal). The i-th smallest value stands at level (C_i - w_i / 2) / C_n, C_i being the sum of
 * the weights up to it; between two such levels one interpolates linearly, outside them stands
 * the smallest or largest value. With equal weights this is Hazen's definition, number 5 of
 * Hyndman and Fan, "Sample quantiles in statistical packages", 1996. A value of weight 0 has no
 * influence. ASSAY_ERROR_INPUT for n = 0, a value that is NaN, a weight that is negative or not
 * finite, weights that sum to 0, a level outside [0, 1]; ASSAY_ERROR_MEMORY (it sorts a copy).
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_stats_quantiles(const double *values,
                                                            const double *weights, size_t n,
                                                            const double *levels,
                                                            size_t level_count, double *quantiles,
                                                            struct assay_error *error);

/*
 * The central interval that holds `mass` (0 to 1; 0.9: from the 5th to the 95th percentile) of
 * weighted draws. Errors as above.
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_stats_interval(const double *values,
                                                           const double *weights, size_t n,
                                                           double mass, double *low, double *high,
                                                           struct assay_error *error);

/* ---- tails ---------------------------------------------------------------------------- */

/*
 * Which tail. Of a continuous variable P(X <= x) or P(X >= x). Of a discrete one, too, both
 * include x: ASSAY_LOWER at k - 1 and ASSAY_UPPER at k sum to 1.
 */
enum assay_tail { ASSAY_LOWER, ASSAY_UPPER };

#ifdef __cplusplus
}
#endif
#endif
