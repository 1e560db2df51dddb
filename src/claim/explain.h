/* SPDX-License-Identifier: Apache-2.0 */
/* explain: what of a run belongs to which group of differences (explain_groups.c). */
#ifndef CLAIM_EXPLAIN_H
#define CLAIM_EXPLAIN_H

#include <assay/fence.h>

enum group {
    MODEL,
    ATTENTION,
    BATCH,
    PRECISION,
    SCHEDULE,
    RECOMPUTE,
    NETWORK,
    ACCELERATOR,
    GROUP_COUNT
};

/* "precision", and what it holds in words. */
const char *group_name(enum group group);
const char *group_what(enum group group);

/* Copies the group's members of one run into another. */
void group_take(struct assay_run *to, const struct assay_run *from, enum group group);

bool group_differs(const struct assay_run *a, const struct assay_run *b, enum group group);

#endif
