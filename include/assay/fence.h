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

#ifdef __cplusplus
}
#endif
#endif
