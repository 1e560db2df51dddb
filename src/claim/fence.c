/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fence: what it cost a run that some accelerators could not be had, and what method won back.
 * In: a run, the rules, a day. Out: for each accelerator of that day its device-hours, and for
 * those that matter the hours without each technique. Ratios are taken draw by draw of the
 * efficiency parameters, so that what is unknown in common cancels.
 * What can go wrong: no tokens; no accelerator on which a plan fits.
 */
#include "claim/efficiency.h"
#include "claim/sorted.h"

#include <assay/fence.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DRAWS 128
#define ALL_TECHNIQUES ((1u << ASSAY_TECHNIQUE_COUNT) - 1)

const char *assay_technique_name(enum assay_technique technique)
{
    static const char *const names[ASSAY_TECHNIQUE_COUNT] = {"fp8", "routing", "schedule",
                                                             "overlap"};
    return (unsigned)technique < ASSAY_TECHNIQUE_COUNT ? names[technique] : "unknown";
}

/* ---- one accelerator, with some techniques taken away -------------------------------------- */

static bool uses(const struct assay_run *run, enum assay_technique technique)
{
    switch (technique) {
    case ASSAY_TECHNIQUE_FP8:
        return run->precision != ASSAY_PRECISION_BF16 && run->precision != ASSAY_PRECISION_TF32 &&
               run->precision != ASSAY_PRECISION_FP32 && run->machine.accelerator.flops_fp8 > 0;
    case ASSAY_TECHNIQUE_ROUTING:
        return run->architecture.experts > 0 && run->architecture.groups_active > 0;
    case ASSAY_TECHNIQUE_SCHEDULE:
        return run->plan.schedule != ASSAY_SCHEDULE_1F1B;
    default:
        return true;
    }
}

static void take_away(struct assay_run *run, unsigned techniques)
{
    if (techniques >> ASSAY_TECHNIQUE_FP8 & 1 && uses(run, ASSAY_TECHNIQUE_FP8))
        run->precision = ASSAY_PRECISION_BF16;
    if (techniques >> ASSAY_TECHNIQUE_ROUTING & 1)
        run->architecture.expert_groups = run->architecture.groups_active = 0;
    if (techniques >> ASSAY_TECHNIQUE_SCHEDULE & 1)
        run->plan.schedule = ASSAY_SCHEDULE_1F1B;
}

static double hours(const struct assay_run *run, const struct assay_efficiency *e, bool overlap)
{
    struct assay_efficiency changed = *e;
    struct assay_step step;
    if (!overlap)
        changed.tensor_overlap = changed.data_overlap = changed.pipeline_overlap =
            changed.expert_overlap = 0;
    assay_step_predict(run, &changed, &step);
    double tokens = (double)run->plan.global_batch * (double)run->sequence;
    return step.seconds * (double)run->machine.devices / 3600 * run->tokens / tokens *
           e->run_overhead;
}

static double hours_if_it_fits(const struct assay_claim_data *data, const struct assay_run *run)
{
    struct assay_efficiency medians;
    struct assay_step step;
    if (assay_plan_check(run, NULL) != ASSAY_OK)
        return (double)INFINITY;
    assay_efficiency_resolve(data->efficiency, run, NULL, &medians);
    assay_step_predict(run, &medians, &step);
    return step.memory.fits ? hours(run, &medians, true) : (double)INFINITY;
}

/* The faster of the plan that the run has and the one that is found; false if neither fits. */
static bool lay_out(const struct assay_claim_data *data, struct assay_run *run)
{
    struct assay_run found = *run;
    double kept = hours_if_it_fits(data, run), chosen = (double)INFINITY;
    if (assay_plan_choose(data, &found, NULL) == ASSAY_OK)
        chosen = hours_if_it_fits(data, &found);
    if (chosen < kept)
        *run = found;
    return isfinite(fmin(kept, chosen));
}

/* Hours, draw by draw; [0] at the medians. */
struct priced {
    double hours[1 + DRAWS];
};

static void price(const struct assay_claim_data *data, const struct assay_run *run, bool overlap,
                  uint64_t seed, struct priced *priced)
{
    struct assay_efficiency e;
    assay_efficiency_resolve(data->efficiency, run, NULL, &e);
    priced->hours[0] = hours(run, &e, overlap);
    for (size_t d = 0; d < DRAWS; d++) {
        struct assay_random random;
        assay_random_start(&random, seed, d);
        assay_efficiency_resolve(data->efficiency, run, &random, &e);
        priced->hours[1 + d] = hours(run, &e, overlap);
    }
}

static struct assay_interval ratio_of(const struct priced *x, const struct priced *y)
{
    double draws[DRAWS], middle = x->hours[0] / y->hours[0];
    for (size_t d = 0; d < DRAWS; d++)
        draws[d] = x->hours[1 + d] / y->hours[1 + d];
    sort_doubles(draws, DRAWS);
    return (struct assay_interval){middle, fmin(middle, quantile_of_sorted(draws, DRAWS, 0.1)),
                                   fmax(middle, quantile_of_sorted(draws, DRAWS, 0.9)), 0.8};
}

/* ---- all of them ---------------------------------------------------------------------------- */

struct chip {
    struct assay_fence_chip seen; /* what the caller gets */
    struct assay_run run;
    struct priced with, without; /* all techniques, none */
};

struct job {
    const struct assay_claim_data *data;
    const struct assay_run *run;
    struct chip *chips;
    uint64_t seed;
};

static void price_chip(void *user, size_t i)
{
    struct job *job = user;
    struct chip *c = &job->chips[i];
    const struct assay_accelerator *a = c->seen.accelerator;
    struct assay_context quiet = assay_context_default();
    struct assay_prediction prediction;

    c->run = *job->run;
    if (strcmp(a->name, job->run->machine.accelerator.name) != 0) {
        c->run.machine.accelerator = *a;
        c->run.communication_units = 0;
    }
    for (int t = 0; t < ASSAY_TECHNIQUE_COUNT; t++)
        c->seen.uses[t] = uses(&c->run, (enum assay_technique)t);
    if (!c->seen.uses[ASSAY_TECHNIQUE_FP8])
        c->run.precision = ASSAY_PRECISION_BF16;
    c->seen.fits = lay_out(job->data, &c->run);
    if (!c->seen.fits)
        return;
    quiet.seed = job->seed;
    quiet.threads = 1;
    if (assay_claim_predict(job->data, &c->run, &quiet, &prediction, NULL) != ASSAY_OK) {
        c->seen.fits = false;
        return;
    }
    c->seen.device_hours = prediction.device_hours;
    c->seen.plan = c->run.plan;
    c->seen.precision = c->run.precision;
    price(job->data, &c->run, true, job->seed, &c->with);
}

/* Without one technique, and without all. */
static void weigh_chip(void *user, size_t i)
{
    struct job *job = user;
    struct chip *c = &job->chips[i];
    if (!c->seen.weighed)
        return;
    for (unsigned t = 0; t <= ASSAY_TECHNIQUE_COUNT; t++) {
        bool all = t == ASSAY_TECHNIQUE_COUNT;
        unsigned away = all ? ALL_TECHNIQUES : 1u << t;
        struct assay_run run = c->run;
        struct priced without;
        if (!all && !c->seen.uses[t]) {
            c->seen.saves[t] = (struct assay_interval){1, 1, 1, 0.8};
            continue;
        }
        take_away(&run, away);
        if (!lay_out(job->data, &run)) { /* more memory than there is, with any plan */
            run.plan = c->run.plan;
            run.plan.schedule =
                away >> ASSAY_TECHNIQUE_SCHEDULE & 1 ? ASSAY_SCHEDULE_1F1B : c->run.plan.schedule;
        }
        price(job->data, &run, !(away >> ASSAY_TECHNIQUE_OVERLAP & 1), job->seed, &without);
        if (all) {
            c->without = without;
            c->seen.saves_all = ratio_of(&without, &c->with);
        } else {
            c->seen.saves[t] = ratio_of(&without, &c->with);
        }
    }
}

static int cheapest_first(const void *a, const void *b)
{
    const struct chip *x = a, *y = b;
    if (x->seen.fits != y->seen.fits)
        return x->seen.fits ? -1 : 1;
    if (x->seen.fits && x->with.hours[0] != y->with.hours[0])
        return x->with.hours[0] < y->with.hours[0] ? -1 : 1;
    return strcmp(x->seen.accelerator->name, y->seen.accelerator->name);
}

static size_t list_chips(const struct assay_claim_data *data,
                         const struct assay_export_rules *rules, const char *date,
                         struct assay_fence *fence, struct chip *chips)
{
    size_t n = 0;
    for (size_t i = 0; i < data->accelerator_count; i++) {
        const struct assay_accelerator *a = &data->accelerators[i];
        if (a->release_status || !a->launch_date || strcmp(a->launch_date, date) > 0) {
            fence->too_late++;
            continue;
        }
        struct assay_fence_chip *seen = &chips[n++].seen;
        seen->accelerator = a;
        seen->judgement = assay_export_judge(rules, fence->rule, a);
        seen->legal = seen->judgement.status == ASSAY_EXPORT_FREE ||
                      seen->judgement.status == ASSAY_EXPORT_NOTIFY ||
                      seen->judgement.status == ASSAY_EXPORT_DOMESTIC;
    }
    return n;
}

static assay_status sum_up(struct job *job, const struct assay_context *context, size_t n,
                           struct assay_fence *fence, struct assay_error *error)
{
    struct chip *chips = job->chips, *best = NULL, *legal = NULL, *domestic = NULL;
    for (size_t i = n; i-- > 0;) {
        struct chip *c = &chips[i];
        if (!c->seen.fits)
            continue;
        best = c->seen.judgement.status == ASSAY_EXPORT_RENTED ? best : c;
        if (c->seen.judgement.status == ASSAY_EXPORT_DOMESTIC)
            domestic = c;
        else if (c->seen.legal)
            legal = c;
        c->seen.weighed = c->seen.legal || strcmp(c->seen.accelerator->name,
                                                  job->run->machine.accelerator.name) == 0;
    }
    if (!best)
        return assay_error_at(error, ASSAY_ERROR_UNANSWERABLE, job->run->path, 0,
                              "the run fits on no accelerator of that day with %lld devices",
                              (long long)job->run->machine.devices);
    best->seen.weighed = true;
    ASSAY_TRY(assay_parallel_for(context, "techniques", n, weigh_chip, job, error));

    struct assay_fence_chip *seen = assay_arena_alloc(fence->arena, n, sizeof *seen);
    if (!seen)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    for (size_t i = 0; i < n; i++) {
        if (chips[i].seen.fits) {
            chips[i].seen.ratio = ratio_of(&chips[i].with, &best->with);
            chips[i].seen.same_time =
                ceil((double)job->run->machine.devices * chips[i].seen.ratio.median);
        }
        seen[i] = chips[i].seen;
        if (strcmp(seen[i].accelerator->name, job->run->machine.accelerator.name) == 0)
            fence->own = &seen[i];
    }
    fence->chips = seen;
    fence->count = n;
    fence->best = &seen[best - chips];
    fence->best_domestic = domestic ? &seen[domestic - chips] : NULL;
    if (legal) {
        fence->best_legal = &seen[legal - chips];
        fence->control_with = ratio_of(&legal->with, &best->with);
        fence->control_without = ratio_of(&legal->without, &best->without);
    }
    struct assay_efficiency e;
    assay_efficiency_resolve(job->data->efficiency, job->run, NULL, &e);
    fence->doubt = exp(1.2815515655446004 * sqrt(2) * e.residual);
    return ASSAY_OK;
}

static assay_status build(const struct assay_claim_data *data,
                          const struct assay_export_rules *rules, const struct assay_run *run,
                          const char *date, const struct assay_context *context,
                          struct assay_fence *fence, struct assay_error *error)
{
    struct job job = {.data = data, .run = run, .seed = context->seed};
    if (!(run->tokens > 0))
        return assay_error_at(error, ASSAY_ERROR_UNANSWERABLE, run->path, 0,
                              "the run states no tokens, so it has no cost: add training.tokens");
    job.chips = assay_arena_alloc(fence->arena, data->accelerator_count + 1, sizeof *job.chips);
    if (!job.chips)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    fence->rule = assay_export_rule_at(rules, date);
    size_t n = list_chips(data, rules, date, fence, job.chips);
    ASSAY_TRY(assay_parallel_for(context, "accelerators", n, price_chip, &job, error));
    qsort(job.chips, n, sizeof *job.chips, cheapest_first);
    return sum_up(&job, context, n, fence, error);
}

assay_status assay_claim_fence(const struct assay_claim_data *data,
                               const struct assay_export_rules *rules, const struct assay_run *run,
                               const char *date, const struct assay_context *context,
                               struct assay_fence *fence, struct assay_error *error)
{
    memset(fence, 0, sizeof *fence);
    fence->arena = assay_arena_new();
    if (!fence->arena)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    assay_status status = build(data, rules, run, date, context, fence, error);
    if (status != ASSAY_OK)
        assay_fence_free(fence);
    return status;
}

void assay_fence_free(struct assay_fence *fence)
{
    assay_arena_free(fence->arena);
    memset(fence, 0, sizeof *fence);
}
