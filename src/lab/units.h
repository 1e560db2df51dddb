/* SPDX-License-Identifier: Apache-2.0 */
/*
 * units: whether two models began from the same weights, by the order of their hidden units. In:
 * the rows of one layer of each. Out: fixed points, units whose best match in the other model
 * stands at the same place, and an exact bound on their tail. What can go wrong: weights that are
 * not numbers.
 *
 * Training moves units but does not reorder them, and an independent initialisation has no order
 * in common with another. Names of units carry no meaning, so under the null hypothesis every
 * order of one model's units is equally likely.
 */
#ifndef LAB_UNITS_H
#define LAB_UNITS_H

#include <assay/base.h>

/*
 * Units i (rows of `width` floats, `units` of them in either) that are each other's best match by
 * cosine in `a` and `b` and have the same index. ASSAY_ERROR_INPUT for a
 * weight that is not finite or no unit at all.
 */
ASSAY_MUST_USE assay_status lab_fixed_points(const float *a, const float *b, size_t units,
                                             size_t width, size_t *fixed,
                                             struct assay_error *error);

/*
 * log10 of a bound on P(fixed points >= k) for a random injection of n places into m >= n:
 * C(n, k) (m - k)! / m!, the expected number of sets of k fixed points; at most 0. Mutual matches
 * are part of a permutation of n = m units, so the bound holds for them. NaN for k > n or n > m.
 */
double lab_fixed_points_tail(size_t k, size_t n, size_t m);

#endif
