/* SPDX-License-Identifier: Apache-2.0 */
/*
 * match: what an instrument lists, as likelihoods of the question's own hypotheses. In: a
 * finding's weights, and hypotheses with the names or patterns that they stand for. Out: an
 * interval each. What can go wrong: memory.
 */
#ifndef CASE_MATCH_H
#define CASE_MATCH_H

#include <assay/case.h>

/* Whether `name` fits `pattern`, in which * stands for any text. */
bool match_pattern(const char *pattern, const char *name);

/*
 * The hypothesis that an instrument's `name` belongs to: the first that names it, else the first
 * with a pattern that fits it, else "none of these" if that matches nothing of its own, else
 * SIZE_MAX.
 */
size_t match_hypothesis(const struct assay_case_hypothesis *hypotheses, size_t count,
                        const char *name);

/*
 * log10 likelihoods of `count` hypotheses, the best 0. One that stands for several of the
 * instrument's has their mean likelihood, as if they were equally probable in it. One for which
 * nothing was weighed is `assumed`: the mean of those that were, from the least low end to the
 * greatest high one. *weighed is false, and nothing else means anything, if the finding weighs
 * none of them. Scratch memory comes from `arena`.
 */
ASSAY_MUST_USE assay_status match_likelihoods(const struct assay_finding *finding,
                                              const struct assay_case_hypothesis *hypotheses,
                                              size_t count, struct assay_arena *arena,
                                              struct assay_interval *log10_likelihoods,
                                              bool *assumed, bool *weighed,
                                              struct assay_error *error);

#endif
