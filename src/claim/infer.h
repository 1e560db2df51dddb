/* SPDX-License-Identifier: Apache-2.0 */
/*
 * infer: hypotheses of hardware and how well each predicts a claim (infer.c); the finding that
 * says so in words, numbers and figures (infer_finding.c).
 */
#ifndef CLAIM_INFER_H
#define CLAIM_INFER_H

#include <assay/claim.h>

#include <assay/evidence.h>

#define COUNT_FACTORS 5
#define INFER_DRAWS 512 /* of efficiency */

/* A kind of accelerator (or two halves of two kinds) and a count, and how it would have gone. */
struct hypothesis {
    char name[96];
    struct assay_run run;                    /* borrows the stated run's arena */
    const struct assay_accelerator *other;   /* the kind of the other half, or NULL */
    struct assay_step step;                  /* at the medians */
    struct assay_interval hours;             /* device-hours of the whole run */
    const double *log_step;                  /* INFER_DRAWS: of seconds a step */
    const double *log_hours_per_token;       /* INFER_DRAWS: of device-hours billed */
    double residual, run_sd;                 /* sd of what is not explained of a step, of a run */
    double log10_likelihood, monte_carlo_sd; /* of claim and clues (posterior.h) */
    double prior, posterior, posterior_sd;
    size_t place; /* before infer_sort: the weighing's rows keep this order */
    bool stated;  /* the machine and plan that the claim names */
    bool weighed;
    char note[120]; /* why not weighed, or "" */
};

/*
 * Every hypothesis with its predictions, not yet weighed against anything; in `arena`. Draw d
 * of efficiency is the same for all (stream d of the seed), so that what is unknown in common
 * cancels in a ratio.
 */
assay_status infer_hypotheses(const struct assay_claim_data *data, const struct assay_run *run,
                              const struct assay_context *context, struct assay_arena *arena,
                              struct hypothesis **hypotheses, size_t *count,
                              struct assay_error *error);

/* Best first, those not weighed last. */
void infer_sort(struct hypothesis *hypotheses, size_t count);

#endif
