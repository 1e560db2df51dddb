/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both tails of the two families from which the others follow, as natural logarithms, with the
 * density that a Newton step on them needs.
 */
#ifndef ASSAY_STATS_TAILS_H
#define ASSAY_STATS_TAILS_H

#include <assay/stats.h>

struct stats_tails {
    double lower, upper; /* ln P(X <= x), ln P(X >= x) */
    double density;      /* ln of the density of ln X (gamma) or of the logit of X (beta) */
};

/* shape > 0, x > 0, both finite. */
struct stats_tails stats_gamma_tails(double shape, double x);

/*
 * Where a beta variable is asked for: `x` and `y` = 1 - x in (0, 1), each to full relative
 * accuracy, and `drift` = a y - b x likewise, which is (a + b) times the distance to the mean.
 */
struct stats_beta_point {
    double a, b, x, y, drift;
};

struct stats_tails stats_beta_tails(const struct stats_beta_point *at);

/* The point at x, whose 1 - x is not a double: the rest goes into the drift. */
struct stats_beta_point stats_beta_point_at(double a, double b, double x);

/* The point where that tail has ln p = log_p <= 0; x or y may be 0 at the ends. */
struct stats_beta_point stats_beta_solve(double a, double b, double log_p, enum assay_tail tail);

/* One of them in log10. */
double stats_pick(struct stats_tails tails, enum assay_tail tail);

/* A tail at an end of the support: log10 of 0 or 1. */
double stats_at_end(enum assay_tail tail, bool lower_end);

/* log10 of a tail of a discrete variable at k. */
typedef double stats_count_curve(int64_t k, const void *data, enum assay_tail tail);

/*
 * For ASSAY_LOWER the least k with P(X <= k) >= 10^log10_p, for ASSAY_UPPER the least k with
 * P(X >= k) <= 10^log10_p, on the support least .. most (for the upper up to most + 1).
 */
int64_t stats_count_quantile(stats_count_curve *curve, const void *data, double log10_p,
                             enum assay_tail tail, int64_t least, int64_t most);

#endif
