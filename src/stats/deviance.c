/* SPDX-License-Identifier: Apache-2.0 */
#include "deviance.h"

#include <assay/stats.h>
#include <math.h>

/*
 * With r = u / (2 + u), ln(1 + u) = 2 artanh r (DLMF 4.6.4 and 4.37), and 2 r - u = -u r. The
 * series in r^2 <= 1/9 is positive.
 */
double stats_log1p_minus(double u)
{
    if (!(fabs(u) < 0.5))
        return log1p(u) - u;
    double r = u / (2 + u), square = r * r, power = 1, sum = 0;
    for (int odd = 3; odd < 41 && power > 1e-18; odd += 2, power *= square)
        sum += power / odd;
    return r * (2 * square * sum - u);
}

double stats_expm1_minus(double w)
{
    if (!(fabs(w) < 0.5))
        return expm1(w) - w;
    double term = w * w / 2, sum = term;
    for (int k = 3; k < 20 && fabs(term) > 1e-18 * sum; k++)
        sum += term *= w / k;
    return sum;
}

double stats_log_ratio_minus(double m, double expected, double excess)
{
    double u = excess / expected;
    if (u < -0.5) { /* 1 + u would have lost the small m */
        double ratio = m / expected;
        return (ratio > 1e-290 ? log(ratio) : log(m) - log(expected)) - u;
    }
    return stats_log1p_minus(u);
}

/* DLMF 5.11.1 without its leading terms; the first neglected term is below 2e-17 from 10 on. */
static double series(double n)
{
    static const double coefficients[] = {1.0 / 12,    -1.0 / 360,        1.0 / 1260,
                                          -1.0 / 1680, 1.0 / 1188,        -691.0 / 360360.0,
                                          1.0 / 156,   -3617.0 / 122400.0};
    double sum = 0, square = 1 / (n * n);
    for (int i = 7; i >= 0; i--)
        sum = sum * square + coefficients[i];
    return sum / n;
}

/* Below 10, from n! = (n + m)! / ((n + 1) ... (n + m)). */
double stats_stirling_remainder(double n)
{
    if (n >= 10)
        return 0.5 * (log(n) + LN_2_PI) + series(n);
    double z = n, product = 1;
    while (z < 10)
        product *= z += 1;
    double log_factorial = (z + 0.5) * log(z) - z + 0.5 * LN_2_PI + series(z) - log(product);
    return n > 0 ? log_factorial - n * log(n) + n : 0;
}

double assay_stats_log_factorial(double n)
{
    if (!(n >= 0))
        return (double)NAN;
    if (n == 0 || n == 1)
        return 0;
    if (isinf(n))
        return n;
    return n * (log(n) - 1) + stats_stirling_remainder(n);
}

double assay_stats_log_choose(double n, double k)
{
    if (isnan(n) || isnan(k) || n < 0 || isinf(n))
        return (double)NAN;
    if (k < 0 || k > n)
        return -HUGE_VAL;
    k = fmin(k, n - k);
    if (k == 0)
        return 0;
    double rest = n - k; /* k ln(n / k) + (n - k) ln(n / (n - k)): both positive */
    return k * log(n / k) - rest * log1p(-k / n) + stats_stirling_remainder(n) -
           stats_stirling_remainder(k) - stats_stirling_remainder(rest);
}
