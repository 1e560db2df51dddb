/* SPDX-License-Identifier: Apache-2.0 */
/*
 * observations: a table of measured runs, each turned into a run once, and the folds that cross-
 * validation leaves out. In: rows. Out: for every row what it became or why it did not; for every
 * scored quantity an observation. What can go wrong: memory.
 */
#ifndef CLAIM_OBSERVATIONS_H
#define CLAIM_OBSERVATIONS_H

#include "claim/calibrate.h"

struct observation_set {
    struct measured *measured; /* one a row of the table */
    bool *readable;
    bool *scored;     /* not dropped; a row without a layout is scored apart */
    char (*why)[256]; /* why a row is not readable */
    size_t *fold;     /* of a row */
    size_t folds;
    struct observation *list; /* of rows that are scored and have their layout */
    size_t *row;              /* of each observation */
    size_t count, sources;
};

assay_status observations_read(const struct assay_claim_data *data,
                               const struct assay_training_runs *runs,
                               enum assay_cross_validation cross,
                               const struct assay_context *context, struct assay_arena *arena,
                               struct observation_set *set, struct assay_error *error);

/*
 * One fitted table a fold, each blind to its fold's rows; with ASSAY_CROSS_NONE one table fitted
 * to all. In `arena`.
 */
assay_status observations_fit(const struct assay_claim_data *data,
                              const struct observation_set *set, enum assay_cross_validation cross,
                              const struct assay_context *context, struct assay_arena *arena,
                              struct assay_efficiency_table ***tables, struct assay_error *error);

#endif
