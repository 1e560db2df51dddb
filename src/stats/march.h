/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tails by quadrature where a continued fraction would be slow or lose digits: for large shapes
 * near the mean, and for a small tail of tiny shapes. The idea of quadrature in a variable in
 * which the density is smooth and log-concave is that of Gil, Segura and Temme, "Numerical
 * Methods for Special Functions", 2007, chapter 5.
 */
#ifndef ASSAY_STATS_MARCH_H
#define ASSAY_STATS_MARCH_H

/*
 * The integral of exp(log_integrand(direction * v)) for v from 0 to `end` (may be infinite), by
 * 16-point Gauss-Legendre on panels of length `step`, until a panel adds nothing. The integrand
 * must be smooth on the scale of a step and, once it falls, fall for ever.
 */
double stats_march(double (*log_integrand)(double w, const void *data), const void *data,
                   double direction, double step, double end);

#endif
