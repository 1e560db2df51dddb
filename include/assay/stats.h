/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stats: probabilities as logarithms to base 10, so that 1e-670 is a number; quantiles; tests;
 * fitting with the small matrices that it needs.
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

/*
 * Accuracy, measured against 2,400 references of 25 digits (tests/data/tails_*.csv): the error of
 * p relative to p is below 2e-12 where log10 p >= -1100 (one unit in the last place of
 * log10 p = -1000 alone is 2.6e-13 of p), and that of log10 p relative to itself below 1e-15 from
 * there to -20000. Shapes from 1e-12 to 1e9, counts up to 1e9, populations up to 4e9. A shape or
 * an x is taken for exact: far out in a distribution of a large shape, one unit in its last place
 * can move p by more than that.
 *
 * A quantile is given the log10 of a tail and that tail's name; it is as near to the exact one as
 * a unit in the last place of log10 p allows. Where x would be below 2.2e-308 it is about that.
 */

/* log10 of a tail of the standard normal distribution at x, and x from that. */
ASSAY_API double assay_stats_normal_tail(double x, enum assay_tail tail);
ASSAY_API double assay_stats_normal_quantile(double log10_p, enum assay_tail tail);

/*
 * The gamma distribution with this shape (> 0) and scale 1: divide x by another scale. Below 0
 * there is nothing.
 */
ASSAY_API double assay_stats_gamma_tail(double x, double shape, enum assay_tail tail);
ASSAY_API double assay_stats_gamma_quantile(double log10_p, double shape, enum assay_tail tail);

/* Chi-squared with real degrees of freedom (> 0). */
ASSAY_API double assay_stats_chi_squared_tail(double x, double degrees, enum assay_tail tail);
ASSAY_API double assay_stats_chi_squared_quantile(double log10_p, double degrees,
                                                  enum assay_tail tail);

/*
 * Poisson, k of any sign, mean from 0. The quantile: for ASSAY_LOWER the least k with
 * P(X <= k) >= 10^log10_p; for ASSAY_UPPER the critical value, the least k with
 * P(X >= k) <= 10^log10_p. -1 where there is none, or for arguments out of range (mean up to
 * 1e15).
 */
ASSAY_API double assay_stats_poisson_tail(int64_t k, double mean, enum assay_tail tail);
ASSAY_API int64_t assay_stats_poisson_quantile(double log10_p, double mean, enum assay_tail tail);

/* The beta distribution on 0 to 1, shapes a and b > 0. */
ASSAY_API double assay_stats_beta_tail(double x, double a, double b, enum assay_tail tail);
ASSAY_API double assay_stats_beta_quantile(double log10_p, double a, double b,
                                           enum assay_tail tail);

/* Student's t with real degrees of freedom (> 0). */
ASSAY_API double assay_stats_student_tail(double t, double degrees, enum assay_tail tail);
ASSAY_API double assay_stats_student_quantile(double log10_p, double degrees, enum assay_tail tail);

/*
 * Binomial: k (of any sign) of n (0 to 2^53) with chance p each. The quantile as for Poisson,
 * 0 to n, and n + 1 for an upper critical value beyond all; -1 for arguments out of range.
 */
ASSAY_API double assay_stats_binomial_tail(int64_t k, int64_t n, double p, enum assay_tail tail);
ASSAY_API int64_t assay_stats_binomial_quantile(double log10_p, int64_t n, double p,
                                                enum assay_tail tail);

/* A share of n things counted, with its 95% interval. */
struct assay_share {
    size_t n;                /* 0: the share is NaN, its interval 0 to 1 */
    double share, low, high; /* 0 to 1 */
};

/*
 * The share hits / n, hits <= n, with the exact interval of Clopper and Pearson ("The use of
 * confidence or fiducial limits illustrated in the case of the binomial", 1934): at 0 and at n it
 * has an end at 0 and 1, and it never covers less than it says.
 */
ASSAY_API struct assay_share assay_stats_share(size_t hits, size_t n);

/*
 * Hypergeometric: k marked ones among `drawn` out of `population` (0 to 1e12) of which `marked`
 * are marked. Takes a time proportional to the standard deviation: at 1e9 about a millisecond.
 * The quantile as for the binomial; an upper critical value beyond all is the largest possible
 * count + 1.
 */
ASSAY_API double assay_stats_hypergeometric_tail(int64_t k, int64_t population, int64_t marked,
                                                 int64_t drawn, enum assay_tail tail);
ASSAY_API int64_t assay_stats_hypergeometric_quantile(double log10_p, int64_t population,
                                                      int64_t marked, int64_t drawn,
                                                      enum assay_tail tail);

/* ---- tests of uniformity -------------------------------------------------------------- */

/*
 * log10 of P(D >= d), D being the largest distance, to either side, between the empirical and the
 * true distribution function of n independent values (1 to 1e8) of a continuous variable. Exact,
 * with a relative error of p below 1e-10, where n d^2 >= 4 or d >= 1/2 (p up to 7e-4), in a time
 * proportional to n; and for n up to 2000 for any d. Elsewhere p, then above 6e-4, is an
 * asymptotic value, off by less than 1e-5 (9.6e-6 measured at n = 2001).
 */
ASSAY_API double assay_stats_kolmogorov_tail(double d, int64_t n);

/* D and log10 P(D >= that) of values in 0 to 1 against the uniform distribution there.
 * ASSAY_ERROR_INPUT for no value, more than 1e8 or one outside; ASSAY_ERROR_MEMORY. */
ASSAY_API ASSAY_MUST_USE assay_status assay_stats_kolmogorov_uniform(const double *values, size_t n,
                                                                     double *distance,
                                                                     double *log10_p,
                                                                     struct assay_error *error);

/*
 * log10 p that counts in `cells` equally likely cells (2 or more, not all 0, else NaN) differ so
 * much, and Pearson's statistic. Asymptotic: use it where 5 or more are expected in a cell.
 */
ASSAY_API double assay_stats_chi_squared_uniform(const uint64_t *counts, size_t cells,
                                                 double *statistic);

/* ---- many tests ----------------------------------------------------------------------- */

/*
 * log10 of Fisher's combined p of n independent tests (Statistical Methods for Research Workers,
 * 1932, section 21.1). 0 for n = 0; NaN if one is above 0 or NaN. Discrete p-values make it
 * conservative; dependent ones make it wrong.
 */
ASSAY_API double assay_stats_fisher_combine(const double *log10_p, size_t n);

/*
 * log10 q for each of a family of n tests: rejecting those with q <= f keeps the expected share of
 * false ones among them at most f (Benjamini and Hochberg 1995; independent or positively
 * dependent tests). `log10_q` may be `log10_p`. ASSAY_ERROR_INPUT for a p above 1 or NaN;
 * ASSAY_ERROR_MEMORY.
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_stats_benjamini_hochberg(const double *log10_p,
                                                                     size_t n, double *log10_q,
                                                                     struct assay_error *error);

/* ---- small dense matrices ------------------------------------------------------------- */

/*
 * A matrix is n x n, row after row. Overwrites a symmetric positive definite one, of which only
 * the lower triangle is read, with its lower Cholesky factor (zeros above); false, leaving
 * rubbish, if it is not positive definite to working precision.
 */
ASSAY_API ASSAY_MUST_USE bool assay_stats_cholesky(double *matrix, size_t n);

/* Overwrites b with the x of factor factor^T x = b. */
ASSAY_API void assay_stats_cholesky_solve(const double *factor, size_t n, double *vector);

/* The inverse of factor factor^T, symmetric. `inverse` must not be `factor`. */
ASSAY_API void assay_stats_cholesky_inverse(const double *factor, size_t n, double *inverse);

/* One draw from the normal distribution with this mean and covariance factor factor^T. */
ASSAY_API void assay_stats_draw_normals(struct assay_random *random, const double *mean,
                                        const double *factor, size_t n, double *draw);

/* ---- fitting -------------------------------------------------------------------------- */

/*
 * Writes the residuals at `parameters`, each divided by its scale; false if there are none. Called
 * from several threads at once, so it may only read `user`.
 */
typedef bool assay_fit_function(void *user, const double *parameters, double *residuals);

struct assay_fit_problem {
    size_t parameter_count; /* 1 to 1000, each of order 1 (a logarithm, say) */
    size_t residual_count;  /* 1 to 1,000,000; a normal prior is one residual a parameter */
    const double *degrees;  /* of each residual's Student t: INFINITY is normal; NULL: all so */
    assay_fit_function *residuals;
    void *user;
};

struct assay_fit_settings {
    double difference; /* of a parameter p, times max(1, |p|), for derivatives; default 6e-6 */
    double tolerance;  /* converged when a step is below this times max(1, |p|); default 1e-8 */
    int most_steps;    /* tried, refused ones included; default 200 */
};

ASSAY_API struct assay_fit_settings assay_fit_settings_default(void);

struct assay_fit_result {
    double loss;    /* minus the log likelihood, less that of residuals that are all 0 */
    int steps;      /* tried */
    bool converged; /* false: most_steps were spent, or no step in any direction helps */
};

/*
 * Moves `parameters` from their start to a local minimum of the loss. The n x n `covariance` (NULL
 * if not wanted) is the inverse of Fisher's information there: with outliers it is that of the
 * model, not theirs. Gives the same bytes on any number of threads. ASSAY_ERROR_INPUT for a start
 * without finite residuals or arguments out of range; ASSAY_ERROR_UNANSWERABLE if the residuals
 * cannot be differentiated, or do not determine every parameter and the covariance is wanted.
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_stats_fit(const struct assay_context *context,
                                                      const struct assay_fit_problem *problem,
                                                      const struct assay_fit_settings *settings,
                                                      double *parameters, double *covariance,
                                                      struct assay_fit_result *result,
                                                      struct assay_error *error);

#ifdef __cplusplus
}
#endif
#endif
