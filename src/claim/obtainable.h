/* SPDX-License-Identifier: Apache-2.0 */
/*
 * obtainable: clues not yet seen, in the form in which a finding hands them to a case: what each
 * could show, in a few ranges, and how probable each hypothesis makes each. In: a weighing that
 * has run with its log-likelihoods kept, its hypotheses with their posteriors and by now in the
 * finding's order. Out: struct assay_obtainable in that order. What can go wrong: memory.
 */
#ifndef CLAIM_OBTAINABLE_H
#define CLAIM_OBTAINABLE_H

#include "claim/next.h"

/* One for each of the `count` lookouts, in their order. */
assay_status obtainable_list(const struct weighing *w, const struct assay_lookout *lookouts,
                             size_t count, struct assay_arena *arena,
                             const struct assay_obtainable **obtainables,
                             struct assay_error *error);

#endif
