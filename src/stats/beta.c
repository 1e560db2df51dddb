/* SPDX-License-Identifier: Apache-2.0 */
/* The beta distribution: the incomplete beta function of DLMF 8.17. */
#include <assay/stats.h>

#include <float.h>
#include <math.h>

#include "deviance.h"
#include "march.h"
#include "solve.h"
#include "tails.h"

/* ln of x^a y^b / B(a, b): the density of the logit of X. */
static double log_density(const struct stats_beta_point *at)
{
    double a = at->a, b = at->b, n = a + b;
    return a * stats_log_ratio_minus(n * at->x, a, -at->drift) +
           b * stats_log_ratio_minus(n * at->y, b, at->drift) + stats_stirling_remainder(n) -
           stats_stirling_remainder(a) - stats_stirling_remainder(b) - log(1 / a + 1 / b);
}

/*
 * I_x(a, b) = x^a y^b / B(a, b) times this, for x up to the mean: the continued fraction (9) of
 * DiDonato and Morris, "Significant digit computation of the incomplete beta function ratios",
 * ACM TOMS 18, 1992, whose first denominator holds the drift and so does not cancel near the
 * mean; by modified Lentz (DLMF 3.10(iii)).
 */
static double fraction(const struct stats_beta_point *at)
{
    double a = at->a, b = at->b, x = at->x, shifted = at->drift + 1;
    double value = a / (a + 1) * shifted, c = value, d = 0;
    for (double n = 1; n < 20000; n++) {
        double odd = a + 2 * n - 1, share = n * (b - n) * x / odd;
        double numerator = (a + n - 1) / odd * (a + b + n - 1) * x * share;
        double denominator = n + share + (a + n) / (odd + 2) * (shifted + n * (1 + at->y));
        d = 1 / (denominator + numerator * d);
        c = denominator + numerator / c;
        value *= c * d;
        if (fabs(c * d - 1) < 2e-16)
            break;
    }
    return 1 / value;
}

/*
 * ln of the density of the logit at logit x + w, relative to that at x. With m the smaller of x
 * and y and z = w or -w it is drift w - n (ln(1 + m (e^z - 1)) - m z): each bracket below is of
 * second order in w, so nothing cancels.
 */
struct from {
    const struct stats_beta_point *at;
    double sign, smaller, log_smaller;
};

static double relative_density(double w, const void *data)
{
    const struct from *from = data;
    const struct stats_beta_point *at = from->at;
    double n = at->a + at->b, m = from->smaller, z = from->sign * w;
    if (fabs(w) > 1) {
        double growth = z > 0 ? exp(z + from->log_smaller) - m : m * expm1(z);
        return (from->sign > 0 ? at->a : at->b) * z - n * log1p(growth);
    }
    double bracket = stats_log1p_minus(m * expm1(z)) + m * stats_expm1_minus(z);
    return at->drift * w - n * bracket;
}

/* A tail over the density. Far out, where a tail is a pure power, the rest is added whole. */
static double quadrature(const struct stats_beta_point *at, double direction)
{
    bool left = at->x < at->y;
    double m = left ? at->x : at->y, n = at->a + at->b;
    struct from from = {at, left ? 1 : -1, m, log(m)};
    double step = 2 * fmin(1, fmin(1 / sqrt(n * at->x * at->y), 1 / fabs(at->drift)));
    double far = 40 + log1p(n), logit = (log(at->x) - log(at->y)) * direction;
    double end = fmax(far - logit, 0), power = direction > 0 ? at->b : at->a;
    double sum = stats_march(relative_density, &from, direction, step, end);
    return sum + exp(relative_density(direction * end, &from)) / power;
}

static struct stats_beta_point mirrored(const struct stats_beta_point *at)
{
    return (struct stats_beta_point){at->b, at->a, at->y, at->x, -at->drift};
}

/*
 * By region, as for the gamma distribution: the fraction, but quadrature near the mean of two
 * large shapes, beside the pole of the density at 1, and for a small complement of a tail near 1.
 */
struct stats_tails stats_beta_tails(const struct stats_beta_point *at)
{
    if (at->drift < 0) {
        struct stats_beta_point mirror = mirrored(at);
        struct stats_tails tails = stats_beta_tails(&mirror);
        return (struct stats_tails){tails.upper, tails.lower, tails.density};
    }
    struct stats_tails tails = {.density = log_density(at)};
    double least = fmin(at->a, at->b);
    bool near = least > 1000 && at->drift < least / 2;
    bool at_pole = at->b < 1 && (at->a + at->b) * at->y < 1;
    tails.lower = tails.density + log(near || at_pole ? quadrature(at, -1) : fraction(at));
    tails.lower = fmin(tails.lower, 0);
    if (tails.lower < -0.01) {
        tails.upper = assay_stats_log1mexp(tails.lower);
    } else {
        tails.upper = fmin(tails.density + log(quadrature(at, 1)), 0);
        tails.lower = assay_stats_log1mexp(tails.upper);
    }
    return tails;
}

/* a (1 - x) - b x with 1 - x = y + rest and both products exact (Dekker's and Knuth's error-free
 * transformations, the products by fma). */
struct stats_beta_point stats_beta_point_at(double a, double b, double x)
{
    double y = 1 - x, rest = (1 - y) - x;
    double left = a * y, right = b * x;
    double left_rest = fma(a, y, -left) + a * rest, right_rest = fma(b, x, -right);
    double drift = (left - right) + (left_rest - right_rest);
    return (struct stats_beta_point){a, b, x, y, drift};
}

double assay_stats_beta_tail(double x, double a, double b, enum assay_tail tail)
{
    if (isnan(x) || !(a > 0) || !(b > 0) || isinf(a) || isinf(b))
        return (double)NAN;
    if (x <= 0 || x >= 1)
        return stats_at_end(tail, x <= 0);
    struct stats_beta_point at = stats_beta_point_at(a, b, x);
    return stats_pick(stats_beta_tails(&at), tail);
}

struct curve {
    double a, b;
    enum assay_tail tail;
};

/* d logit / d ln x = 1 / y. */
static void curve_at(double x, const void *data, double *log_p, double *slope)
{
    const struct curve *curve = data;
    struct stats_beta_point at = stats_beta_point_at(curve->a, curve->b, x);
    struct stats_tails tails = stats_beta_tails(&at);
    bool lower = curve->tail == ASSAY_LOWER;
    *log_p = lower ? tails.lower : tails.upper;
    *slope = exp(tails.density - *log_p) / at.y * (lower ? 1 : -1);
}

static enum assay_tail opposite(enum assay_tail tail)
{
    return tail == ASSAY_LOWER ? ASSAY_UPPER : ASSAY_LOWER;
}

/* The point with x at most a half where the tail, at most about a half too, is log_p. */
static struct stats_beta_point solve_left(const struct curve *curve, double log_p)
{
    double a = curve->a, b = curve->b, start = fmin(a / (a + b), 0.5);
    if (curve->tail == ASSAY_LOWER && a < 1) { /* I_x is nearly x^a / (a B(a, b)) */
        struct stats_beta_point at = stats_beta_point_at(a, b, start);
        start *= exp((log_p - log_density(&at) + log(a) + b * log1p(-start)) / a);
    }
    double x = stats_solve(curve_at, curve, log_p, start, DBL_MIN, 0.5);
    return stats_beta_point_at(a, b, x);
}

/* In x if that is at most a half, else in 1 - x, so that both keep their digits. */
struct stats_beta_point stats_beta_solve(double a, double b, double log_p, enum assay_tail tail)
{
    if (log_p > -LN_2) {
        log_p = assay_stats_log1mexp(log_p);
        tail = opposite(tail);
    }
    struct curve curve = {a, b, tail}, mirror = {b, a, opposite(tail)};
    double half, slope;
    curve_at(0.5, &curve, &half, &slope);
    if ((half >= log_p) == (tail == ASSAY_LOWER))
        return solve_left(&curve, log_p);
    struct stats_beta_point at = solve_left(&mirror, log_p);
    return mirrored(&at);
}

double assay_stats_beta_quantile(double log10_p, double a, double b, enum assay_tail tail)
{
    if (!(log10_p <= 0) || !(a > 0) || !(b > 0) || isinf(a) || isinf(b))
        return (double)NAN;
    if (isinf(log10_p) || log10_p == 0)
        return (tail == ASSAY_LOWER) == (log10_p == 0) ? 1 : 0;
    return stats_beta_solve(a, b, log10_p * LN_10, tail).x;
}
