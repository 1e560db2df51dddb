/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trial: one simulated case whose truth is known. In: the materials below and a number. Out: its
 * combination, the truth, and what the exact likelihoods would have said. What can go wrong:
 * memory, a network too entangled.
 */
#ifndef CASE_TRIAL_H
#define CASE_TRIAL_H

#include <assay/case_calibration.h>
#include <assay/claim.h>
#include <assay/evidence.h>
#include <assay/lineage.h>

#include "case/combine.h"

#define TRIAL_HYPOTHESES 4 /* at most; the last is none of these */
#define TRIAL_GROUPS                                                                               \
    3 /* of claims: the stated machine, another count of it, another kind; of                      \
         pairs of models: trained together, one seed, independent */

struct trial_materials {
    const struct assay_simulated_claims *claims;
    const char *stated;             /* the claim's machine, as a hypothesis is named */
    const char *stated_kind;        /* pattern for its accelerator in any number */
    size_t *by_group[TRIAL_GROUPS]; /* claims by the case's hypothesis that ran */
    size_t group_counts[TRIAL_GROUPS];
    const struct assay_simulated_stages *stages;
    size_t *by_truth[TRIAL_GROUPS]; /* pairs by what they share */
    size_t truth_counts[TRIAL_GROUPS];
    /* what a style score is worth (data/style_calibration.csv, question rank) */
    double intercept, slope, intercept_variance, slope_variance, covariance, bound, spread;
    struct assay_case_reliability reliability; /* as graded */
    enum assay_case_world world;
    enum assay_case_form form;
    uint64_t seed;
};

struct trial {
    size_t n, truth;
    const struct assay_combination *combination;
    double exact[TRIAL_HYPOTHESES];   /* log10 likelihoods, every cause and number known */
    double product[TRIAL_HYPOTHESES]; /* log10, all findings multiplied, no grades */
};

ASSAY_MUST_USE assay_status trial_run(const struct trial_materials *materials, size_t number,
                                      struct assay_arena *arena, struct trial *trial,
                                      struct assay_error *error);

#endif
