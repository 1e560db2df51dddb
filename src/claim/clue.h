/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clue: what a cluster leaves behind for others to see, and how likely a clue is under a
 * hypothesis. In: a hypothetical cluster (kind, count, device-hours, share of time used) and a
 * site's deviations from the usual. Out: the predicted logarithm of what would be observed; the
 * log-likelihood of what was. What can go wrong: a table with a kind missing or twice.
 */
#ifndef CLAIM_CLUE_H
#define CLAIM_CLUE_H

#include <assay/evidence.h>

/* A cluster that could have done the run. */
struct cluster {
    const struct assay_accelerator *accelerator, *other; /* other: NULL, or a half's kind */
    double devices;
    double log_hours; /* device-hours of the whole run, billed */
    double log_step_seconds;
    double log_step_sd; /* of what the model does not explain of a step */
    double share_used;  /* of the days */
};

enum assay_unit clue_unit(enum assay_clue_kind kind);

/*
 * The natural logarithm of what would be observed of the cluster at a site that deviates by
 * `site` standard deviations from the usual. Not for shipped and inspected.
 */
double clue_predict(const struct assay_clue_fact *fact, enum assay_clue_kind kind,
                    const struct cluster *cluster, double site);

/* Natural log of the likelihood of `clue`, its source's grade left out. */
double clue_log_likelihood(const struct assay_clue_fact *facts, const struct assay_clue *clue,
                           const struct cluster *cluster, double site);

/* Reads FOLDER/clues.csv: one row for every kind; ASSAY_CLUE_COUNT facts. */
assay_status clue_facts_read(const char *path, struct assay_arena *arena,
                             const struct assay_clue_fact **facts, struct assay_error *error);

#endif
