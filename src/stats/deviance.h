/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pieces from which every density here is built: the saddle-point deviance and what
 * Stirling's formula leaves (Loader 2000). A density exp(-deviance - remainders) has no large
 * terms that cancel, so its relative error stays near |ln p| units in the last place.
 */
#ifndef ASSAY_STATS_DEVIANCE_H
#define ASSAY_STATS_DEVIANCE_H

#define LN_2 0.693147180559945309417232121458
#define LN_10 2.30258509299404568401799145468
#define LN_2_PI 1.83787706640934548356065947281

/* ln(1 + u) - u for u > -1, relative error some units in the last place. */
double stats_log1p_minus(double u);

/* exp(w) - 1 - w, likewise. */
double stats_expm1_minus(double w);

/* ln(m / expected) - (m - expected) / expected, given excess = m - expected to full relative
 * accuracy: the deviance of `expected` from m is minus `expected` times it. */
double stats_log_ratio_minus(double m, double expected, double excess);

/* ln n! - (n ln n - n) for n >= 0: half of ln(2 pi n) and Stirling's series; 0 at 0. */
double stats_stirling_remainder(double n);

#endif
