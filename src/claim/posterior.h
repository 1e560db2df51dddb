/* SPDX-License-Identifier: Apache-2.0 */
/*
 * posterior: claim and clues weighed under every hypothesis. In: hypotheses with their
 * predictions, a claim, clues, priors. Out: for each hypothesis the marginal likelihood
 *   L(h) = mean over draws k of  product over terms j of  l_j(h, efficiency k, site k, share k)
 * where the same draws serve every hypothesis; a clue's l is r l + (1 - r) m, r the chance of its
 * grade (data/source_reliability.csv) and m what the hypothesis that predicts it best gives it in
 * the mean: what says nothing says it as readily as whichever hypothesis would, so that no clue
 * is worth more than 1 / (1 - r). The same sums with each term left out say what it contributed.
 * What can go wrong: memory, interruption.
 */
#ifndef CLAIM_POSTERIOR_H
#define CLAIM_POSTERIOR_H

#include "claim/clue.h"
#include "claim/infer.h"

#define POSTERIOR_BATCHES 16 /* divides the draws: their scatter is the Monte-Carlo error */
#define CLAIM_TERMS 2        /* what is said of speed; of days */
#define MOST_TERMS 34

/* What is unknown of a site, a draw of it for every k. */
struct sites {
    size_t draws;       /* a multiple of INFER_DRAWS and POSTERIOR_BATCHES */
    double *share_used; /* draws */
    double *site;       /* draws x ASSAY_CLUE_COUNT standard normals */
};

/* In `arena`; false if memory is short. */
bool sites_draw(struct sites *sites, size_t draws, const struct assay_priors *priors, uint64_t seed,
                struct assay_arena *arena);

struct weighing {
    const struct assay_clue_fact *facts;
    const struct assay_grades *grades;
    const struct assay_run *run; /* tokens, claimed numbers, stated devices */
    const struct assay_claimed *claimed;
    const struct assay_clue *clues;
    size_t clue_count;
    const struct sites *sites;
    struct hypothesis *hypotheses; /* priors set; those not weighed are passed over */
    size_t count;
    /* out */
    double *log_likelihood;       /* count x draws, of all terms together; may be NULL */
    double *batch;                /* count x POSTERIOR_BATCHES: ln of the mean over a batch */
    double *all;                  /* count: ln L(h) */
    double *without;              /* count x terms: ln L(h) with a term left out; may be NULL */
    double ignorance[MOST_TERMS]; /* ln of a clue's greatest mean likelihood */
};

size_t weighing_terms(const struct weighing *w);

/* Whether the claim says anything of term 0 or 1. */
bool weighing_has_term(const struct weighing *w, size_t term);

/* Fills what is not NULL; `context` may be NULL: then on the caller's thread. */
assay_status weighing_run(struct weighing *w, const struct assay_context *context,
                          struct assay_error *error);

/* log10 of the chance (two-sided) that the hypothesis, if it were true, would lead to a claim as
 * far off as the one made of term 0 or 1; NaN where nothing is claimed. */
double weighing_misfit(const struct weighing *w, const struct hypothesis *h, size_t term);

/* The cluster of a hypothesis under draw k. */
struct cluster cluster_of(const struct weighing *w, const struct hypothesis *h, size_t k);

/* Normalised prior x exp(log L); zeros where not weighed. `log_l` has `stride` between entries. */
void posterior_of(const struct hypothesis *hypotheses, size_t count, const double *log_l,
                  size_t stride, double *posterior);

/* The prior weight of a kind, before normalising. */
double prior_of_kind(const struct assay_priors *priors, const struct assay_accelerator *kind);

/* Priors of the run over the hypotheses that are weighed, normalised. */
void priors_set(const struct assay_run *run, struct hypothesis *hypotheses, size_t count);

double entropy_bits(const double *p, size_t n);

#endif
