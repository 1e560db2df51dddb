/* SPDX-License-Identifier: Apache-2.0 */
/*
 * choose: a plan for a machine when none is stated. In: a run without a plan. Out: the fastest
 * plan at the medians that fits in memory, else the one that needs least, over the part of the
 * search's space that people use most: powers of two, chunks to 4, micro-batch to 8, ZeRO-1 or,
 * without a pipeline, ZeRO-3; sequence parallelism with tensor ranks; sequences too long for one
 * device in every plan are split over context ranks 2 to 16. Schedules are 1F1B and, where the
 * run states another, that one.
 * What can go wrong: no plan divides (ASSAY_ERROR_UNANSWERABLE).
 */
#include <assay/search.h>

static assay_status search(const struct assay_claim_data *data, const struct assay_run *run,
                           unsigned schedules, struct assay_search_result *result,
                           struct assay_error *error)
{
    struct assay_context alone = assay_context_default();
    struct assay_search_space space = {.most_virtual = 4,
                                       .most_micro_batch = 8,
                                       .zeros = 1 << 1 | 1 << 3,
                                       .schedules = schedules,
                                       .powers_of_two = true,
                                       .sequence_parallel = true};
    assay_status status = ASSAY_ERROR_UNANSWERABLE;
    struct assay_search_result found;

    alone.threads = 1;
    for (int context = 1; context <= 16; context *= 2) {
        space.least_context = space.most_context = context;
        assay_status now = assay_claim_search(data, run, &space, &alone, &found, error);
        if (now == ASSAY_OK && (status != ASSAY_OK || found.step.memory.fits ||
                                found.step.memory.peak < result->step.memory.peak)) {
            *result = found;
            status = ASSAY_OK;
        }
        if (status == ASSAY_OK && result->step.memory.fits)
            break;
    }
    return status;
}

assay_status assay_plan_choose(const struct assay_claim_data *data, struct assay_run *run,
                               struct assay_error *error)
{
    struct assay_search_result result;
    int64_t batch = run->plan.global_batch, unit = run->machine.devices;
    unsigned schedules = 1 << ASSAY_SCHEDULE_1F1B | 1U << run->plan.schedule;

    run->plan_known = false;
    assay_status status = search(data, run, schedules, &result, error);
    if (status == ASSAY_ERROR_UNANSWERABLE) { /* the nearest batch that some replicas divide */
        run->plan.global_batch = batch < unit ? unit : batch / unit * unit;
        status = search(data, run, schedules, &result, error);
    }
    if (status != ASSAY_OK) {
        run->plan.global_batch = batch;
        return status;
    }
    run->plan = result.plan;
    return ASSAY_OK;
}
