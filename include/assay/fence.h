/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fence: the second header of the claim room. Which accelerators could be sold to whom and when,
 * what that cost a run, and what the cost of one run against another is made of. It stands on
 * the forward model of claim.h.
 */
#ifndef ASSAY_FENCE_H
#define ASSAY_FENCE_H

#include <assay/claim.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- export rules: which accelerators may be sent to China, by date --------------------- */

/*
 * Total processing performance: the largest, over precisions, of dense operations a second in
 * units of 1e12 times the bits of an operand (2 x MacTOPS x bit length, 15 CFR 774 Supp. 1,
 * technical notes to 3A090); TF32 has 19 bits. Of the precisions in the table; 8-bit integers
 * run at the rate of FP8, and at twice that of 16 bits where there is no FP8, which gives the
 * same product.
 */
ASSAY_API double assay_processing_performance(const struct assay_accelerator *accelerator);

/* The same over the area of all dies in mm2; NaN where the area is not known. */
ASSAY_API double assay_performance_density(const struct assay_accelerator *accelerator);

/* From freest to strictest, save the last two. */
enum assay_export_status {
    ASSAY_EXPORT_FREE,     /* no clause holds */
    ASSAY_EXPORT_NOTIFY,   /* licence exception NAC: after notice */
    ASSAY_EXPORT_CASE,     /* a licence, decided case by case */
    ASSAY_EXPORT_LICENCE,  /* a licence, by a policy that is not public */
    ASSAY_EXPORT_DENIAL,   /* a licence, presumed to be denied */
    ASSAY_EXPORT_DOMESTIC, /* no export: designed in China */
    ASSAY_EXPORT_RENTED,   /* not sold as goods */
    ASSAY_EXPORT_UNKNOWN,  /* a fact is missing on which the outcome depends */
    ASSAY_EXPORT_COUNT
};

/* One word for a table ("free", "notify", ...), and the status in words; never NULL. */
ASSAY_API const char *assay_export_status_name(enum assay_export_status status);
ASSAY_API const char *assay_export_status_words(enum assay_export_status status);

struct assay_export_condition {
    const char *quantity, *comparison, *threshold, *unit; /* as the table has them */
    int measure;                                          /* private */
    double limit;                                         /* private: in SI units */
};

/* Conditions that must all hold. */
struct assay_export_clause {
    const char *name;
    enum assay_export_status outcome;
    const struct assay_export_condition *conditions;
    size_t condition_count;
    const char *source, *date, *grade, *note; /* of its first row */
};

struct assay_export_rule {
    const char *name;     /* "2022-10" */
    const char *in_force; /* ISO 8601 day */
    const struct assay_export_clause *clauses;
    size_t clause_count;
};

struct assay_export_rules {
    struct assay_arena *arena;
    const struct assay_export_clause *always; /* stand before every version's own */
    size_t always_count;
    const struct assay_export_rule *rules; /* by date */
    size_t count;
    struct assay_exhibit file;
};

/*
 * Reads `folder`/export_rules.csv, whose header explains the columns. ASSAY_ERROR_INPUT, with
 * file and line, for an unknown column, outcome, quantity, comparison, unit or grade, a number
 * that is none, rules out of order of date, a clause whose rows disagree.
 * assay_export_rules_free frees it; harmless on a zeroed one.
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_export_rules_read(const char *folder,
                                                              struct assay_export_rules *rules,
                                                              struct assay_error *error);
ASSAY_API void assay_export_rules_free(struct assay_export_rules *rules);

/* The version in force on `date` (ISO 8601 day), or NULL before the first. */
ASSAY_API const struct assay_export_rule *
assay_export_rule_at(const struct assay_export_rules *rules, const char *date);

/* Whether `text` is a day as 2023-11-17. */
ASSAY_API bool assay_is_date(const char *text);

struct assay_export_judgement {
    enum assay_export_status status;
    const struct assay_export_clause *clause; /* the one that holds, or that cannot be decided */
    const char *missing;                      /* the quantity that is not known, or NULL */
};

/*
 * What `rule` says of `accelerator`; a NULL rule says nothing and leaves all free. Clauses are
 * tried in order. A clause that hangs on a missing fact makes the outcome unknown unless what
 * follows comes to the same.
 */
ASSAY_API struct assay_export_judgement
assay_export_judge(const struct assay_export_rules *rules, const struct assay_export_rule *rule,
                   const struct assay_accelerator *accelerator);

/* ---- explain: what the ratio of two runs' costs is made of ------------------------------- */

#define ASSAY_EXPLAIN_MOST 12

struct assay_explain_factor {
    const char *name; /* "precision" */
    const char *what; /* the difference in words */
    double factor;    /* above 1: makes A cost more than B */
    double low, high; /* middle 80% over what is not known of achieved efficiency */
};

struct assay_explanation {
    double ratio;     /* device-hours of A over those of B */
    bool stated;      /* both state their hours; false: both are predicted */
    double hours[2];  /* of A and B: stated where both do, else predicted */
    double predicted; /* what the model says of the ratio, at its medians */
    struct assay_explain_factor factors[ASSAY_EXPLAIN_MOST]; /* their product is `ratio` */
    size_t count;
    size_t hybrids;  /* runs between A and B that were predicted */
    size_t rechosen; /* of them, those whose stated layout does not divide or fit */
    size_t misfits;  /* of them, those that fit in no layout that was found */
    double doubt;    /* factor by which the model's ratio of two unrelated runs errs, 80% */
    /* the plain split of published figures, NaN where hours or tokens are not stated: ratio =
     * active parameters x tokens x (operations a second and device, at 6 a parameter and token) */
    double active[2], tokens[2], rate[2];
    double active_ratio, tokens_ratio, rate_ratio;
};

/*
 * Splits the ratio of device-hours of two runs into factors by Shapley values of the logarithm
 * of the forward model's hours (Shapley, "A value for n-person games", 1953): groups of what
 * differs between the runs are switched from B to A in every order, exactly, over all subsets.
 * So order does not matter, factors multiply to the whole, and A against B is the reciprocal of
 * B against A. Tokens and operations a token are
 * factors of their own (a group keeps what it does to the rate of operations); what both state less
 * what is predicted is the last factor. A hybrid whose layout does not divide or does not fit gets
 * the best plan found (assay_plan_choose); `rechosen` counts them. `active` overrides the counts of
 * active parameters in the plain split; NULL, or NaN for either, leaves the count.
 * ASSAY_ERROR_UNANSWERABLE if neither tokens nor hours make a cost, or if a hybrid cannot be
 * laid out at all.
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_claim_explain(
    const struct assay_claim_data *data, const struct assay_run *a, const struct assay_run *b,
    const double *active, const struct assay_context *context,
    struct assay_explanation *explanation, struct assay_error *error);

/* ---- fence: what a control cost a run, and what method won back --------------------------- */

/* Ways to need less of what was cut. */
enum assay_technique {
    ASSAY_TECHNIQUE_FP8,      /* linear layers in 8 bits or fewer, against 16 */
    ASSAY_TECHNIQUE_ROUTING,  /* a token visits few nodes, against any */
    ASSAY_TECHNIQUE_SCHEDULE, /* DualPipe or zero-bubble, against 1F1B: DualPipe hides dispatch */
    ASSAY_TECHNIQUE_OVERLAP,  /* communication hidden behind computation, against in turn */
    ASSAY_TECHNIQUE_COUNT
};

/* "fp8", "routing", "schedule", "overlap"; never NULL. */
ASSAY_API const char *assay_technique_name(enum assay_technique technique);

struct assay_fence_chip {
    const struct assay_accelerator *accelerator;
    struct assay_export_judgement judgement;
    bool legal;   /* may be had in China on the day: free, after notice, or domestic */
    bool fits;    /* a plan on the run's count fits in memory; else nothing below is set */
    bool weighed; /* the techniques were weighed on it: legal ones, the best, the run's own */
    struct assay_plan plan;
    enum assay_precision precision;
    struct assay_interval device_hours; /* of the run's tokens, at the run's count */
    struct assay_interval ratio;        /* over the best chip's, what is unknown in common gone */
    double same_time; /* devices for the best chip's time, if cost did not grow with the count */
    bool uses[ASSAY_TECHNIQUE_COUNT];
    struct assay_interval saves[ASSAY_TECHNIQUE_COUNT]; /* hours without it over hours with all */
    struct assay_interval saves_all;                    /* hours with none over hours with all */
};

struct assay_fence {
    struct assay_arena *arena;
    const struct assay_export_rule *rule; /* in force on the day; NULL: none was */
    const struct assay_fence_chip *chips; /* cheapest first; those without a plan last */
    size_t count;
    size_t too_late;                              /* accelerators not to be had by the day */
    const struct assay_fence_chip *best;          /* cheapest of all that are sold */
    const struct assay_fence_chip *best_legal;    /* of those sold to China without a licence */
    const struct assay_fence_chip *best_domestic; /* of those designed there; each may be NULL */
    const struct assay_fence_chip *own;           /* the run's own accelerator, or NULL */
    struct assay_interval control_with;    /* best_legal's hours over best's, both with method */
    struct assay_interval control_without; /* the same, neither with method */
    double doubt; /* factor by which the model's ratio of two runs errs, 80% */
};

/*
 * Prices `run` on every accelerator that could be had by `date` (ISO 8601 day), at the run's own
 * count of devices, each with the best of the stated plan and the one that assay_plan_choose
 * finds; 16 bits where it has no 8. Techniques are taken away one at a time and all together,
 * with a new plan each time, on the accelerators that were legal, the best one and the run's own.
 * `date` and `rules` must outlive the result. ASSAY_ERROR_UNANSWERABLE if the run states no
 * tokens or fits on no accelerator. Free with assay_fence_free, harmless on a zeroed one.
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_claim_fence(
    const struct assay_claim_data *data, const struct assay_export_rules *rules,
    const struct assay_run *run, const char *date, const struct assay_context *context,
    struct assay_fence *fence, struct assay_error *error);
ASSAY_API void assay_fence_free(struct assay_fence *fence);

#ifdef __cplusplus
}
#endif
#endif
