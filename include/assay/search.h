/* SPDX-License-Identifier: Apache-2.0 */
/*
 * search: the best layout of a run on a machine, exactly, over a stated space. In: a run (its
 * plan's global batch and attention kernel stay), a space. Out: the fastest plan at the medians
 * of the efficiency table that fits in memory, else the one that needs least memory, and how many
 * plans were timed. Nothing is pruned: every plan of the space that can be laid out is timed.
 * What can go wrong: no plan of the space divides the devices and the batch.
 */
#ifndef ASSAY_SEARCH_H
#define ASSAY_SEARCH_H

#include <assay/claim.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Which plans are visited. Always: pipeline over all divisors of the devices up to the layers,
 * expert over all divisors of the experts that divide a stage, recomputation none, selective and
 * full, data what is left.
 */
struct assay_search_space {
    int most_tensor;          /* tensor over the divisors of devices and heads; 0: up to the
                                 scale-up domain (at most 64) */
    int least_context;        /* powers of two from here ... */
    int most_context;         /* ... to here; 1: none */
    int most_virtual;         /* chunks a stage: those that divide a stage's layers */
    int64_t most_micro_batch; /* divisors of a replica's batch up to here */
    unsigned zeros;           /* bit z: ZeRO stage z; 2 and 3 only without a pipeline */
    unsigned schedules;       /* bit s: enum assay_schedule s; zero-bubble and DualPipe only with
                                 one chunk a stage, DualPipe only with an even pipeline */
    bool powers_of_two;       /* tensor, expert, chunks and micro-batch only powers of two */
    bool sequence_parallel;   /* with tensor ranks always; else with and without */
};

/* The whole space: context to 16, chunks to 16, micro-batch to 64, ZeRO 0 to 3, all schedules. */
ASSAY_API struct assay_search_space assay_search_space_default(void);

struct assay_search_result {
    uint64_t plans; /* timed */
    uint64_t fit;   /* of them, those that fit in memory at the medians */
    struct assay_plan plan;
    struct assay_step step; /* of `plan`, at the medians */
};

/*
 * Searches. The same result on any number of threads; of equals the first in the order of the
 * space. ASSAY_ERROR_UNANSWERABLE, with what does not divide, if the space is empty.
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_claim_search(const struct assay_claim_data *data,
                                                         const struct assay_run *run,
                                                         const struct assay_search_space *space,
                                                         const struct assay_context *context,
                                                         struct assay_search_result *result,
                                                         struct assay_error *error);

#ifdef __cplusplus
}
#endif
#endif
