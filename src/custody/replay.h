/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay: a stored report computed again from its case. In: a case's folder and the report.json
 * that is kept of it. Out: whether the new report has the same bytes, and where the two differ.
 * What can go wrong: no report, one of another kind, a case that no longer reads or runs.
 */
#ifndef CUSTODY_REPLAY_H
#define CUSTODY_REPLAY_H

#include "custody/json_difference.h"

struct replay {
    bool same;                     /* the same bytes */
    json_t *stored, *recomputed;   /* the two reports */
    struct json_differences found; /* where they differ; empty if they are the same */
    size_t finding_count;          /* recomputed */
};

/*
 * Computes every finding afresh, with the seed of the stored report and the facts in `data_folder`.
 * Writes no file. Free with replay_free, which accepts a zeroed one.
 */
ASSAY_MUST_USE assay_status replay_run(const char *folder, const char *report,
                                       const char *data_folder, const struct assay_context *context,
                                       struct replay *replay, struct assay_error *error);
void replay_free(struct replay *replay);

#endif
