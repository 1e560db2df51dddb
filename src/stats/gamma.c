/* SPDX-License-Identifier: Apache-2.0 */
/* The gamma distribution: the incomplete gamma functions of DLMF chapter 8, and its kin. */
#include <assay/stats.h>

#include <float.h>
#include <math.h>

#include "deviance.h"
#include "march.h"
#include "solve.h"
#include "tails.h"

/* P = x^a e^-x / Gamma(a + 1) times this: DLMF 8.7.1, all terms positive. */
static double series(double a, double x)
{
    double term = 1, sum = 1;
    for (double n = 1; term > 1e-17 * sum; n++)
        sum += term *= x / (a + n);
    return sum;
}

/*
 * Q = x^a e^-x / Gamma(a) times this: Legendre's continued fraction, DLMF 8.9.2 contracted to
 * its even part, 1 / (x + 1 - a - 1 (1 - a) / (x + 3 - a - ...)), by Lentz's method as modified
 * by Thompson and Barnett, 1986 (DLMF 3.10(iii)).
 */
static double fraction(double a, double x)
{
    double b = x + 1 - a, value = b, c = b, d = 0;
    for (double n = 1; n < 10000; n++) {
        double numerator = -n * (n - a);
        b += 2;
        d = 1 / (b + numerator * d);
        c = b + numerator / c;
        value *= c * d;
        if (fabs(c * d - 1) < 2e-16)
            break;
    }
    return 1 / value;
}

struct from {
    double a, x, log_x;
};

/* ln of the density of ln X at x e^w, relative to that at x. */
static double relative_density(double w, const void *data)
{
    const struct from *from = data;
    if (fabs(w) > 1)
        return from->a * w - (exp(w + from->log_x) - from->x); /* e^w alone may overflow */
    return (from->a - from->x) * w - from->x * stats_expm1_minus(w);
}

static double quadrature(double a, double x, double direction)
{
    struct from from = {a, x, log(x)};
    double step = 2 * fmin(1, fmin(1 / sqrt(x), 1 / fabs(a - x)));
    return stats_march(relative_density, &from, direction, step, HUGE_VAL);
}

/*
 * By region: quadrature for large shapes near the mean, where the others need sqrt(a) terms;
 * else the series below the mean and the fraction above. What comes out near 1 for a tiny shape
 * has its complement integrated, not subtracted.
 */
struct stats_tails stats_gamma_tails(double a, double x)
{
    double log_power = a * stats_log_ratio_minus(x, a, x - a) - stats_stirling_remainder(a);
    struct stats_tails tails = {.density = log_power + log(a)};
    bool near = a > 1000 && fabs(x - a) < a / 2;
    if (x < (near ? a : a + 1)) {
        tails.lower =
            near ? tails.density + log(quadrature(a, x, -1)) : log_power + log(series(a, x));
        tails.lower = fmin(tails.lower, 0);
        if (tails.lower < -0.01) {
            tails.upper = assay_stats_log1mexp(tails.lower);
        } else {
            tails.upper = fmin(tails.density + log(quadrature(a, x, 1)), 0);
            tails.lower = assay_stats_log1mexp(tails.upper);
        }
    } else {
        tails.upper = tails.density + log(near ? quadrature(a, x, 1) : fraction(a, x));
        tails.upper = fmin(tails.upper, 0);
        tails.lower = assay_stats_log1mexp(tails.upper);
    }
    return tails;
}

double assay_stats_gamma_tail(double x, double shape, enum assay_tail tail)
{
    if (isnan(x) || !(shape > 0) || isinf(shape))
        return (double)NAN;
    if (x <= 0 || isinf(x))
        return stats_at_end(tail, x <= 0);
    return stats_pick(stats_gamma_tails(shape, x), tail);
}

struct curve {
    double shape;
    enum assay_tail tail;
};

static void curve_at(double x, const void *data, double *log_p, double *slope)
{
    const struct curve *curve = data;
    struct stats_tails tails = stats_gamma_tails(curve->shape, x);
    bool lower = curve->tail == ASSAY_LOWER;
    *log_p = lower ? tails.lower : tails.upper;
    *slope = exp(tails.density - *log_p) * (lower ? 1 : -1);
}

double assay_stats_gamma_quantile(double log10_p, double shape, enum assay_tail tail)
{
    if (!(log10_p <= 0) || !(shape > 0) || isinf(shape))
        return (double)NAN;
    if (isinf(log10_p) || log10_p == 0)
        return (tail == ASSAY_LOWER) == (log10_p == 0) ? HUGE_VAL : 0;
    double log_p = log10_p * LN_10;
    if (log_p > -LN_2) { /* by the other tail, which is smaller */
        log_p = assay_stats_log1mexp(log_p);
        tail = tail == ASSAY_LOWER ? ASSAY_UPPER : ASSAY_LOWER;
    }
    struct curve curve = {shape, tail};
    double start = shape;
    if (tail == ASSAY_LOWER && shape < 1) /* P is nearly x^a / Gamma(a + 1) */
        start = exp((log_p + assay_stats_log_factorial(shape)) / shape);
    return stats_solve(curve_at, &curve, log_p, start, DBL_MIN, DBL_MAX);
}

double assay_stats_chi_squared_tail(double x, double degrees, enum assay_tail tail)
{
    return assay_stats_gamma_tail(x / 2, degrees / 2, tail);
}

double assay_stats_chi_squared_quantile(double log10_p, double degrees, enum assay_tail tail)
{
    return 2 * assay_stats_gamma_quantile(log10_p, degrees / 2, tail);
}
