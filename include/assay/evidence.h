/* SPDX-License-Identifier: Apache-2.0 */
/*
 * evidence: what a claim and the clues around it say of hardware, with priors. The claim is
 * weighed by the forward model, each clue by what a cluster of that kind and size would leave
 * behind (data/clues.csv), a source's grade mixes its likelihood with ignorance (by the table and
 * the rule of a case: docs/case.md), and a prior that the file states makes a posterior of it.
 * Then: what each clue contributed, and what the clues not yet seen could tell, in bits.
 */
#ifndef ASSAY_EVIDENCE_H
#define ASSAY_EVIDENCE_H

#include <assay/claim.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One row of data/clues.csv. */
struct assay_clue_fact {
    double median, log_sd;  /* of what a device leaves behind, from site to site */
    double observed_log_sd; /* how well it can be seen from outside */
    bool environment;       /* power, materials, money, people; false: the run itself */
    const char *basis, *source, *grade;
    const char *obtained; /* what would be asked for, and from whom */
    double cost_usd;      /* of getting it, by the authors' judgement */
};

/* "power", "energy", ...; never NULL. */
ASSAY_API const char *assay_clue_kind_name(enum assay_clue_kind kind);

/* What one piece of evidence says. */
struct assay_contribution {
    const char *name;
    bool environment;
    double log10_lr; /* of the stated machine against all others, given everything else: by how
                        much its odds would fall were this left out */
    double bits;     /* what it took from the entropy over hypotheses, given everything else */
};

/* A clue that could be looked for. */
struct assay_lookout {
    const char *name;
    bool environment;
    double accuracy; /* standard deviation of its logarithm; of `inspected`, the chance of error */
    double bits;     /* expected information on kind and count, from 0 to their entropy */
    double bits_sd;  /* Monte-Carlo error */
};

/* A material balance (nuclear safeguards): begin + receipts - shipments - end. */
struct assay_balance {
    const char *name, *accelerator;
    double available, seen, unaccounted, sigma;
};

struct assay_evidence {
    size_t hypotheses;                      /* as many as the finding has weights, in their order */
    const double *prior;                    /* sums to 1 over those weighed; 0 for others */
    const double *posterior;                /* the same */
    const double *posterior_sd;             /* Monte-Carlo error */
    const struct assay_contribution *clues; /* the claim's own statements first */
    size_t clue_count;
    const struct assay_lookout *next; /* most bits first */
    size_t next_count;
    const struct assay_obtainable *obtainables; /* the same clues, in ranges of what they could
                                                   show; as the finding has them */
    size_t obtainable_count;
    const struct assay_balance *balances;
    size_t balance_count;
    /* Of the hypothesis with the greatest likelihood: log10 of the chance that the claimed speed,
     * the claimed days, were as far off as they are if it were true (two-sided); NaN: not claimed.
     * If even that is small, likelihood ratios compare explanations that are all bad. */
    double best_log10_p[2];
    struct assay_interval share_used;  /* of the days, posterior, 80% */
    double prior_bits, posterior_bits; /* entropy over hypotheses */
    double draws;                      /* hypotheses times draws */
    double effective_draws;            /* of what is unknown of a site, after weighing */
    const char *prior_holder;
};

/* As assay_claim_infer, and what lies behind it; `evidence` lives in the finding's arena. */
ASSAY_API ASSAY_MUST_USE assay_status assay_claim_weigh(
    const char *path, const struct assay_claim_data *data, const struct assay_context *context,
    struct assay_finding *finding, struct assay_evidence *evidence, struct assay_error *error);

/* ---- is the inference calibrated, and does it find lies? ------------------------------------ */

/* The claim alone; with power; with power and servers; with all that is kept. */
#define ASSAY_SIMULATION_CLUE_SETS 4
#define ASSAY_SIMULATION_LIES 6 /* 1 (true), 1.25, 1.5, 2, 3, 4 */

struct assay_simulation {
    size_t claims;
    /* ranks of the true count among the posterior's: 20 cells, uniform if calibrated */
    uint64_t rank_cells[20];
    double rank_statistic, rank_log10_p; /* Pearson's, 19 degrees of freedom */
    double calibration_error;   /* mean |stated - realised| share over ten cells of probability */
    double calibration_scatter; /* what that would be by chance if all were calibrated */
    double false_alarm;         /* the level at which alarms were set, on half of the true claims */
    double realised_false_alarm[ASSAY_SIMULATION_CLUE_SETS]; /* on the other half */
    double size[ASSAY_SIMULATION_LIES];
    /* share of claims that understate the count by `size` and are flagged */
    double power[ASSAY_SIMULATION_CLUE_SETS][ASSAY_SIMULATION_LIES];
    const char *clue_set[ASSAY_SIMULATION_CLUE_SETS];
    /* share of claims that name the stated kind where another was used, and are flagged */
    struct assay_simulation_other {
        const char *accelerator;
        double power[ASSAY_SIMULATION_CLUE_SETS];
    } * others;
    size_t other_count;
    struct assay_arena *arena;
};

/*
 * Simulates `claims` claims (at least 100) on the run of `path`, each with its truth drawn from
 * the priors, and weighs them as assay_claim_weigh does. Free with assay_simulation_free.
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_claim_simulate(
    const char *path, const struct assay_claim_data *data, const struct assay_context *context,
    size_t claims, struct assay_simulation *simulation, struct assay_error *error);
ASSAY_API void assay_simulation_free(struct assay_simulation *simulation);

/* Simulated claims, each with what ran and how well each hypothesis predicts it. */
struct assay_simulated_claims {
    size_t claims, hypotheses;
    const char *const *names;        /* of hypotheses, as assay_claim_infer lists them */
    const size_t *truths;            /* by claim: the hypothesis that ran */
    const double *log10_likelihoods; /* claims x hypotheses, by the claim alone; NaN: not weighed */
    struct assay_arena *arena;
};

/* As assay_claim_simulate draws and weighs true claims. Free with the function below. */
ASSAY_API ASSAY_MUST_USE assay_status assay_claim_simulate_claims(
    const char *path, const struct assay_claim_data *data, const struct assay_context *context,
    size_t claims, struct assay_simulated_claims *simulated, struct assay_error *error);
ASSAY_API void assay_simulated_claims_free(struct assay_simulated_claims *simulated);

#ifdef __cplusplus
}
#endif
#endif
