/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layer costs depend on tensor, context, expert and sequence parallelism, micro-batch and
 * recomputation only; pipeline, chunks, ZeRO and schedule are put on top of them. So the outer
 * loops prepare a step once (step_prepare) and the inner ones finish it many times (step_finish),
 * which is what makes visiting everything cheap.
 */
#include <assay/search.h>

#include "claim/step.h"

#include <stdlib.h>

struct assay_search_space assay_search_space_default(void)
{
    return (struct assay_search_space){.least_context = 1,
                                       .most_context = 16,
                                       .most_virtual = 16,
                                       .most_micro_batch = 64,
                                       .zeros = 1 | 2 | 4 | 8,
                                       .schedules = 1 << ASSAY_SCHEDULE_1F1B |
                                                    1 << ASSAY_SCHEDULE_ZERO_BUBBLE |
                                                    1 << ASSAY_SCHEDULE_DUALPIPE};
}

/* What one task fixes; the rest is looped over. */
struct task {
    int tensor, context, expert;
    int64_t micro_batch;
};

struct best {
    struct assay_plan plan;
    struct assay_step step;
    uint64_t plans, fit;
};

struct search {
    const struct assay_run *run;
    const struct assay_search_space *space;
    const struct assay_efficiency *efficiency;
    struct task *tasks;
    struct best *best; /* of each task */
    size_t count, room;
};

static bool is_power_of_two(int64_t n)
{
    return (n & (n - 1)) == 0;
}

static bool is_better(const struct assay_step *a, const struct assay_step *b)
{
    if (a->memory.fits != b->memory.fits)
        return a->memory.fits;
    return a->memory.fits ? a->seconds < b->seconds : a->memory.peak < b->memory.peak;
}

/* ---- the inner loops: pipeline, chunks, ZeRO, schedule ---------------------------------- */

static bool has_chunks(const struct search *s, int pipeline, int chunks)
{
    int64_t layers = s->run->architecture.layers, each = (layers + pipeline - 1) / pipeline;
    if (chunks == 1)
        return true;
    if (pipeline == 1 || (int64_t)pipeline * chunks > layers)
        return false;
    return s->space->powers_of_two ? is_power_of_two(chunks) : each % chunks == 0;
}

static bool has_schedule(const struct search *s, enum assay_schedule schedule, int pipeline,
                         int chunks)
{
    if (!(s->space->schedules >> schedule & 1))
        return false;
    if (schedule == ASSAY_SCHEDULE_1F1B)
        return true;
    return pipeline > 1 && chunks == 1 &&
           (schedule != ASSAY_SCHEDULE_DUALPIPE || pipeline % 2 == 0);
}

static void time_one(const struct search *s, struct assay_run *run, struct prepared_step *prepared,
                     struct best *best)
{
    struct assay_step step;
    step_finish(run, s->efficiency, prepared, &step);
    best->fit += step.memory.fits;
    if (best->plans++ == 0 || is_better(&step, &best->step)) {
        best->plan = run->plan;
        best->step = step;
    }
}

static void finish_all(const struct search *s, struct assay_run *run,
                       struct prepared_step *prepared, bool dual, struct best *best)
{
    struct assay_plan *p = &run->plan;
    int64_t width = (int64_t)p->tensor * p->context, devices = run->machine.devices;

    for (int pipeline = 1; pipeline <= run->architecture.layers; pipeline++) {
        if (devices % (width * pipeline) != 0 || devices / pipeline % p->expert != 0)
            continue;
        p->pipeline = pipeline;
        p->data = (int)(devices / (width * pipeline));
        if (p->global_batch % (p->micro_batch * p->data) != 0)
            continue;
        for (int chunks = 1; chunks <= s->space->most_virtual; chunks++) {
            if (!has_chunks(s, pipeline, chunks))
                continue;
            p->virtual_stages = chunks;
            for (int schedule = dual ? ASSAY_SCHEDULE_DUALPIPE : ASSAY_SCHEDULE_1F1B;
                 schedule <= (dual ? ASSAY_SCHEDULE_DUALPIPE : ASSAY_SCHEDULE_ZERO_BUBBLE);
                 schedule++) {
                p->schedule = (enum assay_schedule)schedule;
                if (!has_schedule(s, p->schedule, pipeline, chunks))
                    continue;
                for (p->zero = 0; p->zero <= (pipeline > 1 ? 1 : 3); p->zero++)
                    if (s->space->zeros >> p->zero & 1)
                        time_one(s, run, prepared, best);
            }
        }
    }
}

static void search_task(void *user, size_t i)
{
    struct search *s = user;
    const struct task *task = &s->tasks[i];
    struct assay_run run = *s->run;
    struct assay_plan *p = &run.plan;
    struct prepared_step prepared;
    bool may_be_dual = s->space->schedules >> ASSAY_SCHEDULE_DUALPIPE & 1;

    p->tensor = task->tensor;
    p->context = task->context;
    p->expert = task->expert;
    p->micro_batch = task->micro_batch;
    for (int r = ASSAY_RECOMPUTE_NONE; r <= ASSAY_RECOMPUTE_FULL; r++) {
        p->recompute = (enum assay_recompute)r;
        for (int split = task->tensor > 1; split >= 0; split--) {
            if (!split && task->tensor > 1 && s->space->sequence_parallel)
                continue;
            p->sequence_parallel = split;
            for (int dual = 0; dual <= may_be_dual; dual++) {
                p->schedule = dual ? ASSAY_SCHEDULE_DUALPIPE : ASSAY_SCHEDULE_1F1B;
                step_prepare(&run, s->efficiency, &prepared);
                finish_all(s, &run, &prepared, dual, &s->best[i]);
            }
        }
    }
}

/* ---- the outer loops --------------------------------------------------------------------- */

static bool add_task(struct search *s, struct task task)
{
    if (s->count == s->room) {
        size_t room = s->room ? 2 * s->room : 256;
        struct task *tasks = realloc(s->tasks, room * sizeof *tasks);
        if (!tasks)
            return false;
        s->tasks = tasks;
        s->room = room;
    }
    s->tasks[s->count++] = task;
    return true;
}

static bool add_micro_batches(struct search *s, struct task task)
{
    int64_t most = s->space->most_micro_batch, batch = s->run->plan.global_batch;
    for (task.micro_batch = 1; task.micro_batch <= most && task.micro_batch <= batch;
         task.micro_batch++)
        if (batch % task.micro_batch == 0 &&
            (!s->space->powers_of_two || is_power_of_two(task.micro_batch)) && !add_task(s, task))
            return false;
    return true;
}

static bool add_experts(struct search *s, struct task task)
{
    int64_t experts = s->run->architecture.experts;
    for (int64_t degree = 1; degree <= (experts > 0 ? experts : 1); degree++) {
        task.expert = (int)degree;
        if ((degree == 1 || (experts % degree == 0 && s->run->machine.devices % degree == 0)) &&
            (!s->space->powers_of_two || is_power_of_two(degree)) && !add_micro_batches(s, task))
            return false;
    }
    return true;
}

static bool list_tasks(struct search *s)
{
    const struct assay_run *run = s->run;
    int domain = run->machine.accelerator.scale_up_domain;
    int usual = domain > 64 ? 64 : domain > 0 ? domain : 1;
    int most = s->space->most_tensor > 0 ? s->space->most_tensor : usual;
    struct task task = {0};

    for (task.context = s->space->least_context; task.context <= s->space->most_context;
         task.context *= 2)
        for (task.tensor = 1; task.tensor <= most; task.tensor++)
            if (run->machine.devices % ((int64_t)task.tensor * task.context) == 0 &&
                run->architecture.heads % task.tensor == 0 && run->sequence % task.context == 0 &&
                (!s->space->powers_of_two || is_power_of_two(task.tensor)) && !add_experts(s, task))
                return false;
    return true;
}

/* ---- the answer ---------------------------------------------------------------------------- */

static assay_status gather(const struct search *s, struct assay_search_result *result,
                           struct assay_error *error)
{
    for (size_t i = 0; i < s->count; i++) {
        const struct best *best = &s->best[i];
        if (best->plans > 0 && (result->plans == 0 || is_better(&best->step, &result->step))) {
            result->plan = best->plan;
            result->step = best->step;
        }
        result->plans += best->plans;
        result->fit += best->fit;
    }
    if (result->plans == 0)
        return assay_error_at(error, ASSAY_ERROR_UNANSWERABLE, s->run->path, 0,
                              "no plan lays %lld layers and a batch of %lld sequences out on %lld "
                              "devices",
                              (long long)s->run->architecture.layers,
                              (long long)s->run->plan.global_batch,
                              (long long)s->run->machine.devices);
    return ASSAY_OK;
}

assay_status assay_claim_search(const struct assay_claim_data *data, const struct assay_run *run,
                                const struct assay_search_space *space,
                                const struct assay_context *context,
                                struct assay_search_result *result, struct assay_error *error)
{
    struct assay_efficiency efficiency;
    struct search s = {.run = run, .space = space, .efficiency = &efficiency};
    assay_status status;

    *result = (struct assay_search_result){0};
    assay_efficiency_resolve(data->efficiency, run, NULL, &efficiency);
    if (!list_tasks(&s) || !(s.best = calloc(s.count ? s.count : 1, sizeof *s.best)))
        status = assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    else
        status = assay_parallel_for(context, "plans", s.count, search_task, &s, error);
    if (status == ASSAY_OK)
        status = gather(&s, result, error);
    free(s.tasks);
    free(s.best);
    return status;
}
