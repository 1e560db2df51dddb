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

/* What the logarithm of a clue with a number would look like under one hypothesis. */
struct outlook {
    double probability, mean, sd;
};

/*
 * Mean and sd, over the posterior of what is unknown under hypothesis i, of what would be observed
 * of a kind other than `inspected`; of the draws one in `stride`. The probability is 0.
 */
struct outlook next_look(const struct weighing *w, size_t i, enum assay_clue_kind kind,
                         size_t stride);

/* Most bits first; in `arena`. */
assay_status next_list(const struct weighing *w, const double *posterior, uint64_t seed,
                       struct assay_arena *arena, const struct assay_lookout **list, size_t *count,
                       struct assay_error *error);

#endif
