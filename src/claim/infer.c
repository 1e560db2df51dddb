/* SPDX-License-Identifier: Apache-2.0 */
/*
 * infer: the hypotheses of hardware and what the forward model predicts of each. In: RUN.yaml
 * with `claimed`, the tables. Out: for each accelerator and count, and for halves of the stated
 * kind and another where priors allow mixtures, draws of step time and hours. What can go wrong:
 * nothing claimed that can be weighed; a plan that cannot be made (the hypothesis is listed, not
 * weighed).
 */
#include "claim/infer.h"

#include "claim/efficiency.h"
#include "claim/posterior.h"
#include "claim/sorted.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double count_factors[COUNT_FACTORS] = {0.25, 0.5, 1, 2, 4};

/* ---- one hypothesis ----------------------------------------------------------------------- */

static bool can_be_weighed(const struct assay_run *run)
{
    const struct assay_claimed *c = &run->claimed;
    return c->step_seconds > 0 || c->tokens_per_second_per_device > 0 ||
           (c->device_hours > 0 && run->tokens > 0) || c->device_hours_per_token > 0 ||
           (c->wall_seconds > 0 && run->tokens > 0);
}

/* The middle of what the whole run would have cost. */
static void set_hours(struct hypothesis *h, uint64_t seed)
{
    double hours[INFER_DRAWS];
    for (size_t d = 0; d < INFER_DRAWS; d++) {
        struct assay_random random;
        assay_random_start(&random, seed, INFER_DRAWS + d);
        hours[d] = exp(h->log_hours_per_token[d] + h->run_sd * assay_random_normal(&random)) *
                   h->run.tokens;
    }
    sort_doubles(hours, INFER_DRAWS);
    h->hours = interval_of_sorted(hours, INFER_DRAWS, 1);
}

static void draw(struct hypothesis *h, const struct assay_claim_data *data, uint64_t seed,
                 double *log_step, double *log_hours)
{
    double tokens = (double)h->run.plan.global_batch * (double)h->run.sequence;
    double devices = (double)h->run.machine.devices;
    struct assay_efficiency e;
    struct assay_step step;

    for (size_t d = 0; d < INFER_DRAWS; d++) {
        struct assay_random random;
        assay_random_start(&random, seed, d);
        assay_efficiency_resolve(data->efficiency, &h->run, &random, &e);
        assay_step_predict(&h->run, &e, &step);
        log_step[d] = log(step.seconds);
        log_hours[d] = log_step[d] + log(devices / 3600 / tokens * e.run_overhead);
    }
    h->residual = e.residual; /* of every draw: these rows have no uncertainty */
    h->run_sd = hypot(e.residual, e.run_overhead_sd);
    h->log_step = log_step;
    h->log_hours_per_token = log_hours;
    set_hours(h, seed);
}

struct job {
    const struct assay_claim_data *data;
    const struct assay_run *claimed;
    struct hypothesis *hypotheses;
    double *room; /* two tables of INFER_DRAWS a hypothesis */
    uint64_t seed;
};

/* The latest date that stands beside what was claimed of time, or NULL: it was over by then. */
static const char *claim_date(const struct assay_run *run)
{
    const char *latest = NULL;
    for (size_t i = 0; i < run->statement_count; i++) {
        const struct assay_statement *s = &run->statements[i];
        bool time = strncmp(s->name, "device_hours", 12) == 0 || strncmp(s->name, "wall", 4) == 0 ||
                    strncmp(s->name, "step", 4) == 0;
        if (time && s->date && (!latest || strcmp(s->date, latest) > 0))
            latest = s->date;
    }
    return latest;
}

/* Dates are ISO 8601, so that they compare as text; a shorter one means its whole period. */
static bool launched_after(const struct assay_accelerator *a, const char *date)
{
    return date && a->launch_date && strncmp(a->launch_date, date, strlen(date)) > 0;
}

static void consider(void *user, size_t i)
{
    struct job *job = user;
    struct hypothesis *h = &job->hypotheses[i];
    struct assay_efficiency medians;
    struct assay_error error;

    h->weighed = false;
    const struct assay_accelerator *a = &h->run.machine.accelerator;
    if (!h->stated && prior_of_kind(&job->claimed->priors, a) == 0) {
        snprintf(h->note, sizeof h->note, "its prior is 0");
        return;
    }
    if (!h->stated && a->release_status) {
        snprintf(h->note, sizeof h->note, "not to be had: %.80s, without a launch date",
                 a->release_status);
        return;
    }
    if (!h->stated && launched_after(a, claim_date(job->claimed))) {
        snprintf(h->note, sizeof h->note, "not to be had before %s, after the claim was made",
                 a->launch_date);
        return;
    }
    if (!h->stated && assay_plan_choose(job->data, &h->run, &error) != ASSAY_OK) {
        snprintf(h->note, sizeof h->note, "no plan divides");
        return;
    }
    assay_efficiency_resolve(job->data->efficiency, &h->run, NULL, &medians);
    assay_step_predict(&h->run, &medians, &h->step);
    if (!h->stated && !h->step.memory.fits) {
        snprintf(h->note, sizeof h->note, "no plan fits: %.0f GB needed, %.0f GB there",
                 h->step.memory.peak / 1e9, h->step.memory.available / 1e9);
        return;
    }
    h->weighed = true;
    double *room = job->room + 2 * INFER_DRAWS * i;
    draw(h, job->data, job->seed, room, room + INFER_DRAWS);
}

/* ---- all hypotheses ----------------------------------------------------------------------- */

static size_t list_hypotheses(const struct assay_claim_data *data, const struct assay_run *run,
                              struct hypothesis *list)
{
    size_t n = 0;
    for (size_t i = 0; i < data->accelerator_count; i++) {
        const struct assay_accelerator *a = &data->accelerators[i];
        bool same = strcmp(a->name, run->machine.accelerator.name) == 0;
        if (!(a->flops_bf16 > 0) || !(a->memory_bytes > 0) || !(a->memory_bandwidth > 0))
            continue;
        for (size_t f = 0; f < COUNT_FACTORS; f++) {
            double devices = round((double)run->machine.devices * count_factors[f]);
            if (devices < 1)
                continue;
            struct hypothesis *h = &list[n++];
            h->run = *run;
            h->stated = same && count_factors[f] == 1;
            if (!same)
                h->run.machine.accelerator = *a;
            if (!same || run->communication_units >= a->compute_units)
                h->run.communication_units = 0;
            h->run.machine.devices = (int64_t)devices;
            snprintf(h->name, sizeof h->name, "%lld x %s", (long long)devices,
                     h->run.machine.accelerator.name);
        }
    }
    return n;
}

/* ---- halves of two kinds ------------------------------------------------------------------ */

static const struct hypothesis *find_stated(const struct hypothesis *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (list[i].stated)
            return &list[i];
    return NULL;
}

/* Work shared in proportion to speed: a half of each is as fast as the mean of both clusters. */
static bool mix(const struct hypothesis *a, const struct hypothesis *b, uint64_t seed,
                struct assay_arena *arena, struct hypothesis *out)
{
    double *steps = assay_arena_alloc(arena, INFER_DRAWS, sizeof *steps);
    double *hours = assay_arena_alloc(arena, INFER_DRAWS, sizeof *hours);
    if (!steps || !hours)
        return false;
    *out = *a;
    out->stated = false;
    out->other = &b->run.machine.accelerator;
    snprintf(out->name, sizeof out->name, "%lld x half %s, half %s",
             (long long)a->run.machine.devices, a->run.machine.accelerator.name, out->other->name);
    for (size_t d = 0; d < INFER_DRAWS; d++) {
        steps[d] = log(2 / (exp(-a->log_step[d]) + exp(-b->log_step[d])));
        hours[d] = log(2 / (exp(-a->log_hours_per_token[d]) + exp(-b->log_hours_per_token[d])));
    }
    out->log_step = steps;
    out->log_hours_per_token = hours;
    set_hours(out, seed);
    return true;
}

static bool add_mixtures(const struct assay_run *run, uint64_t seed, struct assay_arena *arena,
                         struct hypothesis *list, size_t *count)
{
    size_t n = *count;
    const struct hypothesis *stated = find_stated(list, n);
    if (!(run->priors.mixed > 0) || !stated || !stated->weighed)
        return true;
    for (size_t i = 0; i < n; i++)
        if (list[i].weighed && &list[i] != stated &&
            list[i].run.machine.devices == stated->run.machine.devices &&
            !mix(stated, &list[i], seed, arena, &list[(*count)++]))
            return false;
    return true;
}

/* ---- the whole ---------------------------------------------------------------------------- */

static int best_first(const void *a, const void *b)
{
    const struct hypothesis *x = a, *y = b;
    if (x->weighed != y->weighed)
        return x->weighed ? -1 : 1;
    if (x->weighed && x->log10_likelihood != y->log10_likelihood)
        return x->log10_likelihood < y->log10_likelihood ? 1 : -1;
    return strcmp(x->name, y->name);
}

void infer_sort(struct hypothesis *hypotheses, size_t count)
{
    qsort(hypotheses, count, sizeof *hypotheses, best_first);
}

assay_status infer_hypotheses(const struct assay_claim_data *data, const struct assay_run *run,
                              const struct assay_context *context, struct assay_arena *arena,
                              struct hypothesis **hypotheses, size_t *count,
                              struct assay_error *error)
{
    size_t most = data->accelerator_count * COUNT_FACTORS;
    if (!can_be_weighed(run))
        return assay_error_at(error, ASSAY_ERROR_UNANSWERABLE, run->path, 0,
                              "nothing is claimed that hardware can be weighed by: expected "
                              "device_hours with tokens, device_hours_per_token, step_time, "
                              "tokens_per_second_per_device, or wall_time with tokens");
    struct hypothesis *list =
        assay_arena_alloc(arena, most + data->accelerator_count, sizeof *list);
    double *room = assay_arena_alloc(arena, most, 2 * INFER_DRAWS * sizeof *room);
    if (!list || !room)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    size_t n = list_hypotheses(data, run, list);
    struct job job = {data, run, list, room, context->seed};
    ASSAY_TRY(assay_parallel_for(context, "hardware", n, consider, &job, error));
    if (!add_mixtures(run, context->seed, arena, list, &n))
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    *hypotheses = list;
    *count = n;
    return ASSAY_OK;
}
