/* SPDX-License-Identifier: Apache-2.0 */
/*
 * choose: a plan for a machine when none is stated. In: a run without a plan. Out: the fastest
 * plan at the medians that fits in memory, else the one that needs least. The space, all of it
 * visited: tensor 1, 2, 4, ... up to the scale-up domain (at most 64); pipeline all divisors of
 * the devices up to the number of layers; expert degrees that divide both the experts and a
 * stage's devices; interleaving by 1, 2 or 4 chunks; recomputation none, selective or full;
 * ZeRO-1 or, without a pipeline, ZeRO-3; micro-batch 1, 2, 4 or 8 sequences. Sequences too long
 * for one device in every plan are split over context ranks 2, 4, 8, 16. Schedules are 1F1B and,
 * where the run states another, that one.
 * What can go wrong: no plan divides (ASSAY_ERROR_UNANSWERABLE).
 */
#include "claim/efficiency.h"

#include <math.h>
#include <stddef.h>

struct best {
    struct assay_plan plan;
    double seconds, bytes;
    bool found, fits;
};

static void consider(struct assay_run *run, const struct assay_efficiency *efficiency,
                     struct best *best)
{
    struct assay_step step;
    if (assay_plan_check(run, NULL) != ASSAY_OK)
        return;
    assay_step_predict(run, efficiency, &step);
    bool better = !best->found || (step.memory.fits && !best->fits) ||
                  (step.memory.fits == best->fits &&
                   (best->fits ? step.seconds < best->seconds : step.memory.peak < best->bytes));
    if (better)
        *best = (struct best){.plan = run->plan,
                              .seconds = step.seconds,
                              .bytes = step.memory.peak,
                              .found = true,
                              .fits = step.memory.fits};
}

/* Expert degrees for a stage of so many devices: the largest few that divide. */
static void experts(struct assay_run *run, const struct assay_efficiency *efficiency, int stage,
                    struct best *best)
{
    struct assay_plan *p = &run->plan;
    int64_t count = run->architecture.experts;
    p->expert = 1;
    if (count == 0) {
        consider(run, efficiency, best);
        return;
    }
    for (int degree = 1; degree <= 256 && degree <= stage; degree *= 2)
        if (count % degree == 0 && stage % degree == 0) {
            p->expert = degree;
            consider(run, efficiency, best);
        }
}

/* All plans of one tensor, context and pipeline degree. */
static void around(struct assay_run *run, const struct assay_efficiency *efficiency,
                   struct best *best)
{
    struct assay_plan *p = &run->plan;
    int stage = (int)(run->machine.devices / p->pipeline);
    int most_zero = p->pipeline == 1 ? 3 : 1;

    p->data = stage / (p->tensor * p->context);
    p->sequence_parallel = p->tensor > 1;
    for (int zero = 1; zero <= most_zero; zero += 2)
        for (int64_t batch = 1; batch <= 8; batch *= 2)
            for (int chunks = 1; chunks <= (p->pipeline > 1 ? 4 : 1); chunks *= 2)
                for (int r = ASSAY_RECOMPUTE_NONE; r <= ASSAY_RECOMPUTE_FULL; r++) {
                    if (p->global_batch % (batch * p->data) != 0 ||
                        (chunks > 1 && run->architecture.layers < (int64_t)p->pipeline * chunks))
                        continue;
                    p->zero = zero;
                    p->micro_batch = batch;
                    p->virtual_stages = chunks;
                    p->recompute = (enum assay_recompute)r;
                    experts(run, efficiency, stage, best);
                }
}

static void scan(struct assay_run *run, const struct assay_efficiency *efficiency,
                 struct best *best)
{
    struct assay_plan *p = &run->plan;
    int64_t devices = run->machine.devices;
    int domain = run->machine.accelerator.scale_up_domain;
    int most_tensor = domain > 64 ? 64 : domain > 0 ? domain : 1;

    for (int context = 1; context <= 16; context *= 2) {
        for (int tensor = 1; tensor <= most_tensor; tensor *= 2)
            for (int pipeline = 1; pipeline <= run->architecture.layers; pipeline++) {
                if (devices % ((int64_t)tensor * context * pipeline) != 0)
                    continue;
                p->tensor = tensor;
                p->context = context;
                p->pipeline = pipeline;
                around(run, efficiency, best);
            }
        if (best->found && best->fits)
            return;
    }
}

assay_status assay_plan_choose(const struct assay_claim_data *data, struct assay_run *run,
                               struct assay_error *error)
{
    struct assay_efficiency efficiency;
    struct best best = {0};
    int64_t batch = run->plan.global_batch;
    enum assay_schedule stated = run->plan.schedule;

    run->plan_known = false;
    assay_efficiency_resolve(data->efficiency, run, NULL, &efficiency);
    if (stated != ASSAY_SCHEDULE_1F1B)
        scan(run, &efficiency, &best);
    run->plan.schedule = ASSAY_SCHEDULE_1F1B;
    scan(run, &efficiency, &best);
    if (!best.found) { /* a batch that no number of replicas divides: the nearest that one does */
        int64_t unit = run->machine.devices;
        run->plan.global_batch = batch < unit ? unit : batch / unit * unit;
        scan(run, &efficiency, &best);
    }
    if (!best.found) {
        run->plan.global_batch = batch;
        return assay_error_at(error, ASSAY_ERROR_UNANSWERABLE, run->path, 0,
                              "no plan lays %lld layers and a batch of %lld sequences out on %lld "
                              "devices",
                              (long long)run->architecture.layers, (long long)batch,
                              (long long)run->machine.devices);
    }
    run->plan = best.plan;
    return ASSAY_OK;
}
