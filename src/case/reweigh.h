/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reweigh: what the whole becomes if some findings count otherwise, by the parts of the circuit
 * that they touch alone. In: a weighing, findings and their new weights. Out: ln Z of every
 * hypothesis. What can go wrong: memory, when it is made; then nothing.
 */
#ifndef CASE_REWEIGH_H
#define CASE_REWEIGH_H

#include "case/combine.h"

struct reweigher {
    const struct weighing *w;
    double *delta;     /* rows x n: all 0 between uses */
    bool *row_changed; /* by row */
    uint32_t *changed; /* rows that are */
    size_t changed_count;
    uint32_t *heap; /* mixtures that wait, the innermost first: the least number */
    bool *waits;    /* by mixture */
    size_t heap_count;
    double *scratch; /* 4 x n */
    double *weights; /* by finding: for the caller to fill; NaN: as it was */
    uint32_t *touched;
    size_t touched_count;
};

ASSAY_MUST_USE assay_status reweigh_start(const struct weighing *w, struct reweigher *r);

/* Notes a new weight for a finding; 0 leaves it out. The last one noted counts. */
void reweigh_note(struct reweigher *r, uint32_t finding, double weight);

/* Leaves a finding out: its group's other members then count more (network_weight). */
void reweigh_leave_out(struct reweigher *r, uint32_t finding);

/* ln Z with all that was noted, which is then forgotten. */
void reweigh_finish(struct reweigher *r, double *ln_z);

#endif
