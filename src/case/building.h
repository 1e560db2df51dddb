/* SPDX-License-Identifier: Apache-2.0 */
/* building: what the parts of the network's construction share (network.h). */
#ifndef CASE_BUILDING_H
#define CASE_BUILDING_H

#include "case/network.h"

struct building {
    const struct assay_case *subject;
    const struct assay_case_question *question;
    const struct assay_case_reliability *reliability;
    struct assay_arena *arena;
    struct assay_combination *combination;
    struct assay_combined_hypothesis *hypotheses;
    const struct assay_case_hypothesis *listed; /* the question's, or those of the instruments */
    struct assay_combined_finding *findings;
    struct assay_node *nodes;
    uint32_t *exhibit_nodes, *source_nodes; /* by exhibit; UINT32_MAX: not used yet */
    size_t *same;                           /* by exhibit: the first of the same content */
    struct assay_error *error;
};

/* Sources and exhibits that findings rest on, as nodes; which node an exhibit has. */
ASSAY_MUST_USE assay_status building_causes(struct building *b);

/* Declared and found dependence; weights of findings. */
ASSAY_MUST_USE assay_status building_groups(struct building *b);

/* Every finding's parents, and a node for each group that may tell nothing. */
ASSAY_MUST_USE assay_status building_links(struct building *b);

static inline size_t building_exhibit(const struct building *b,
                                      const struct assay_case_exhibit *exhibit)
{
    return (size_t)(exhibit - b->subject->exhibits);
}

static inline assay_status building_out_of_memory(struct building *b)
{
    return assay_error_at(b->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

#endif
