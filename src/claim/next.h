/* SPDX-License-Identifier: Apache-2.0 */
/*
 * next: what clues not yet seen could tell. In: a weighing that has run with its log-likelihoods
 * kept. Out: for each kind of clue that the run has none of, the mutual information, in bits,
 * between the hypothesis and the clue as well as it can be observed:
 *   I(H; Y) = sum over h of p(h) E[log2 p(Y|h) / p(Y)],
 * p(Y|h) the normal distribution with the posterior mean and variance of the clue under h, the
 * site's deviation and the observer's error included (Lindley 1956, definition 2). Expectations
 * by simulation. What can go wrong: memory.
 */
#ifndef CLAIM_NEXT_H
#define CLAIM_NEXT_H

#include "claim/posterior.h"

/* Most bits first; in `arena`. */
assay_status next_list(const struct weighing *w, const double *posterior, uint64_t seed,
                       struct assay_arena *arena, const struct assay_lookout **list, size_t *count,
                       struct assay_error *error);

#endif
