/* SPDX-License-Identifier: Apache-2.0 */
/* sorted: draws put in order, and their quantiles (linear between order statistics). */
#ifndef CLAIM_SORTED_H
#define CLAIM_SORTED_H

#include <assay/finding.h>

void sort_doubles(double *values, size_t n);

/* NaN for an empty set. */
double quantile_of_sorted(const double *sorted, size_t n, double p);

/* Median and the middle 80% of `factor` times the sorted values. */
struct assay_interval interval_of_sorted(const double *sorted, size_t n, double factor);

#endif
