/* SPDX-License-Identifier: Apache-2.0 */
/*
 * infer: hypotheses of hardware and how well each predicts a claim (infer.c); the finding that
 * says so in words, numbers and figures (infer_finding.c).
 */
#ifndef CLAIM_INFER_H
#define CLAIM_INFER_H

#include <assay/claim.h>

#define COUNT_FACTORS 5
#define INFER_DRAWS 512
#define INFER_BATCHES 16 /* divides INFER_DRAWS: their scatter is the Monte-Carlo error */

struct hypothesis {
    char name[80];
    struct assay_run run;        /* borrows the stated run's arena */
    struct assay_step step;      /* at the medians */
    struct assay_interval hours; /* device-hours of the whole run */
    double log10_likelihood, monte_carlo_sd;
    bool stated; /* the machine and plan that the claim names */
    bool weighed;
    char note[120]; /* why not weighed, or "" */
};

/* Every hypothesis, best first, those that could not be weighed last; in `arena`. */
assay_status infer_hypotheses(const struct assay_claim_data *data, const struct assay_run *run,
                              const struct assay_context *context, struct assay_arena *arena,
                              struct hypothesis **hypotheses, size_t *count,
                              struct assay_error *error);

#endif
