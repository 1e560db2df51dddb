/* SPDX-License-Identifier: Apache-2.0 */
/*
 * power: how often an instrument was seen to find what is there, and what is not
 * (data/instrument_power.csv): what is expected of evidence that could be had. In: the table. Out:
 * for a measurement the chance of each outcome under each condition,
 *     (seen + 1/2) / (sum of seen + outcomes / 2),
 * Jeffreys's prior for a share, so that what was never seen is not impossible. What can go wrong:
 * a table that is none; a condition without an outcome that another one has.
 */
#ifndef FINDING_POWER_H
#define FINDING_POWER_H

#include "finding/writer.h"

/* One measurement. */
struct power {
    const char *name; /* "lineage.compare" */
    const char *const *conditions;
    size_t condition_count;
    const char *const *outcomes;
    size_t outcome_count;
    const double *chances; /* [condition][outcome] */
    const char *basis;     /* a sentence: what was counted, where it stands, what counts it */
};

/* Reads the measurement `name` of the table at `path`; *power lives in `arena`, name NULL if the
   table has none of that name. */
ASSAY_MUST_USE assay_status power_read(const char *path, const char *name,
                                       struct assay_arena *arena, struct power *power,
                                       struct assay_error *error);

/* SIZE_MAX if there is none. */
size_t power_condition(const struct power *power, const char *condition);

/* What an instrument's finding offers, in words and by which measurement (data/offers.csv). */
struct power_offer {
    const char *id, *text, *measured;
    double cost_usd;
};

/* Those of `instrument`, in the table's order; they live in `arena`. */
ASSAY_MUST_USE assay_status power_offers_read(const char *path, const char *instrument,
                                              struct assay_arena *arena,
                                              struct power_offer **offers, size_t *count,
                                              struct assay_error *error);

/* The measurement that an offer rests on, from the table at `path`; a table without it is an error.
 */
ASSAY_MUST_USE assay_status power_of_offer(const char *path, const struct power_offer *offer,
                                           struct assay_arena *arena, struct power *power,
                                           struct assay_error *error);

/*
 * Adds an offer to a finding whose hypotheses are candidates and `none`, the last: somebody is
 * named, the true one with chance `right`; where it is not, or there is none, anybody with chance
 * `wrong`, each alike. The best of the candidates have outcomes of their own, the rest one.
 */
ASSAY_MUST_USE assay_status power_offer_naming(struct assay_finding *finding,
                                               const struct power_offer *offer, double right,
                                               double wrong, const char *basis,
                                               struct assay_error *error);

/* Adds an offer whose outcomes are a measurement's, weight i being condition `conditions[i]`. */
ASSAY_MUST_USE assay_status power_offer_conditions(struct assay_finding *finding,
                                                   const struct power_offer *offer,
                                                   const struct power *power,
                                                   const size_t *conditions,
                                                   struct assay_error *error);

#endif
