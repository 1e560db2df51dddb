/* SPDX-License-Identifier: Apache-2.0 */
/*
 * combine: all findings of a question as one result. In: the question with what its instruments
 * gave. Out: a struct assay_combination. What can go wrong: memory; a prior or a stated
 * hypothesis that is none of the question's; a network too entangled; interruption.
 */
#ifndef CASE_COMBINE_H
#define CASE_COMBINE_H

#include "case/circuit.h"

/* What the steps share: the network at the medians, and the draws. Lives in `arena`. */
struct weighing {
    const struct assay_case *subject;
    const struct assay_case_reply *reply;
    const struct assay_case_question *question; /* the reply's */
    const struct assay_case_reliability *reliability;
    struct assay_combination *combination;
    struct circuit circuit;
    size_t n;                       /* hypotheses */
    struct likelihoods likelihoods; /* at the medians */
    const double *weights;          /* by finding */
    const double *rows;             /* of the circuit, at the medians; row 0 is the whole */
    const double *draws;            /* draws x n: ln of the whole in each draw */
    struct assay_arena *arena;
    const struct assay_context *context;
    struct assay_error *error;
};

/* *combination is NULL if no finding weighs anything. */
ASSAY_MUST_USE assay_status combine_question(const struct assay_case *subject,
                                             const struct assay_case_reply *reply,
                                             const struct assay_case_reliability *reliability,
                                             const struct assay_context *context,
                                             struct assay_arena *arena,
                                             const struct assay_combination **combination,
                                             struct assay_error *error);

/* The likelihoods at their medians: fills weighing->likelihoods. */
ASSAY_MUST_USE assay_status combine_likelihoods(struct weighing *w);

/* The draws of the likelihoods: fills weighing->draws and the number of them. */
ASSAY_MUST_USE assay_status combine_draw(struct weighing *w);

/* The steps after the combination itself, each filling the fields that its name says. */
ASSAY_MUST_USE assay_status combine_findings(struct weighing *w);
ASSAY_MUST_USE assay_status combine_posteriors(struct weighing *w);
ASSAY_MUST_USE assay_status combine_sensitivity(struct weighing *w);
ASSAY_MUST_USE assay_status combine_pairs(struct weighing *w);
ASSAY_MUST_USE assay_status combine_next(struct weighing *w);
ASSAY_MUST_USE assay_status combine_overturns(struct weighing *w);
ASSAY_MUST_USE assay_status combine_confidence(struct weighing *w);

/* The best of n and the best but one, by value, then by place; n must be at least 2. */
void combine_two_best(const double *values, size_t n, size_t *best, size_t *next);

#endif
