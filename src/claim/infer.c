/* SPDX-License-Identifier: Apache-2.0 */
/*
 * infer: which hardware fits a claim, coarsely. In: RUN.yaml with `claimed`, the tables. Out: a
 * finding. For each accelerator and count the forward model's hours are drawn with its
 * uncertainty, and the likelihood of the claim is the mean, over draws, of the density of what
 * was claimed:
 *   L(x, n) = mean over d of N(ln claimed; ln predicted(x, n, d), residual^2).
 * The same draw of efficiency serves every hypothesis, so that what is unknown in common
 * cancels in a ratio. What can go wrong: nothing claimed that can be weighed; a plan that
 * cannot be made (the hypothesis is listed, not weighed).
 */
#include "claim/infer.h"

#include "claim/efficiency.h"
#include "claim/sorted.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double count_factors[COUNT_FACTORS] = {0.25, 0.5, 1, 2, 4};

/* What people count hours and days to: a claim is rounded, and a calendar has idle days. */
static const double wall_sd = 0.05;

/* ---- one hypothesis ----------------------------------------------------------------------- */

static double log_normal_density(double claimed, double predicted, double sd)
{
    double z = (log(claimed) - log(predicted)) / sd;
    return -0.5 * z * z - log(sd);
}

/* The natural log of the density of everything claimed, for one draw. */
static double claim_density(const struct assay_run *run, const struct assay_efficiency *e,
                            const struct assay_step *step)
{
    const struct assay_claimed *c = &run->claimed;
    double tokens = (double)run->plan.global_batch * (double)run->sequence;
    double devices = (double)run->machine.devices;
    double hours_a_token = step->seconds * devices / 3600 / tokens;
    double run_sd = hypot(e->residual, e->run_overhead_sd);

    /* One statement of the speed, the most direct: others repeat it. */
    double speed = 0;
    if (c->step_seconds > 0)
        speed = log_normal_density(c->step_seconds, step->seconds, e->residual);
    else if (c->tokens_per_second_per_device > 0)
        speed = log_normal_density(c->tokens_per_second_per_device,
                                   step->tokens_per_second_per_device, e->residual);
    else if (c->device_hours > 0 && run->tokens > 0)
        speed = log_normal_density(c->device_hours, hours_a_token * run->tokens * e->run_overhead,
                                   run_sd);
    else if (c->device_hours_per_token > 0)
        speed =
            log_normal_density(c->device_hours_per_token, hours_a_token * e->run_overhead, run_sd);
    /* Days fix the count, given the hours: they are hours over devices, whatever the hardware. */
    double days = 0;
    if (c->wall_seconds > 0 && c->device_hours > 0)
        days = log_normal_density(c->wall_seconds, c->device_hours * 3600 / devices, wall_sd);
    else if (c->wall_seconds > 0 && run->tokens > 0)
        days = log_normal_density(c->wall_seconds,
                                  hours_a_token * run->tokens * e->run_overhead * 3600 / devices,
                                  hypot(run_sd, wall_sd));
    return speed + days;
}

static bool can_be_weighed(const struct assay_run *run)
{
    const struct assay_claimed *c = &run->claimed;
    return c->step_seconds > 0 || c->tokens_per_second_per_device > 0 ||
           (c->device_hours > 0 && run->tokens > 0) || c->device_hours_per_token > 0 ||
           (c->wall_seconds > 0 && run->tokens > 0);
}

static double log_mean_exp(const double *values, size_t n)
{
    double top = -INFINITY, sum = 0;
    for (size_t i = 0; i < n; i++)
        top = fmax(top, values[i]);
    for (size_t i = 0; i < n; i++)
        sum += exp(values[i] - top);
    return top + log(sum / (double)n);
}

static void weigh(struct hypothesis *h, const struct assay_claim_data *data, uint64_t seed)
{
    double logs[INFER_DRAWS], hours[INFER_DRAWS], batch[INFER_BATCHES];
    double tokens = (double)h->run.plan.global_batch * (double)h->run.sequence;
    double devices = (double)h->run.machine.devices;

    for (size_t d = 0; d < INFER_DRAWS; d++) {
        struct assay_random random;
        struct assay_efficiency e;
        struct assay_step step;
        assay_random_start(&random, seed, d);
        assay_efficiency_resolve(data->efficiency, &h->run, &random, &e);
        assay_step_predict(&h->run, &e, &step);
        logs[d] = claim_density(&h->run, &e, &step);
        hours[d] = step.seconds * devices / 3600 / tokens * h->run.tokens * e.run_overhead *
                   exp(hypot(e.residual, e.run_overhead_sd) * assay_random_normal(&random));
    }
    h->log10_likelihood = log_mean_exp(logs, INFER_DRAWS) / log(10);
    for (size_t b = 0; b < INFER_BATCHES; b++)
        batch[b] =
            log_mean_exp(logs + b * (INFER_DRAWS / INFER_BATCHES), INFER_DRAWS / INFER_BATCHES) /
            log(10);
    double mean = 0, squares = 0;
    for (size_t b = 0; b < INFER_BATCHES; b++)
        mean += batch[b] / INFER_BATCHES;
    for (size_t b = 0; b < INFER_BATCHES; b++)
        squares += (batch[b] - mean) * (batch[b] - mean);
    h->monte_carlo_sd = sqrt(squares / (INFER_BATCHES - 1) / INFER_BATCHES);
    sort_doubles(hours, INFER_DRAWS);
    h->hours = interval_of_sorted(hours, INFER_DRAWS, 1);
}

struct job {
    const struct assay_claim_data *data;
    const struct assay_run *claimed;
    struct hypothesis *hypotheses;
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
    weigh(h, job->data, job->seed);
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

static int best_first(const void *a, const void *b)
{
    const struct hypothesis *x = a, *y = b;
    if (x->weighed != y->weighed)
        return x->weighed ? -1 : 1;
    if (x->weighed && x->log10_likelihood != y->log10_likelihood)
        return x->log10_likelihood < y->log10_likelihood ? 1 : -1;
    return strcmp(x->name, y->name);
}

assay_status infer_hypotheses(const struct assay_claim_data *data, const struct assay_run *run,
                              const struct assay_context *context, struct assay_arena *arena,
                              struct hypothesis **hypotheses, size_t *count,
                              struct assay_error *error)
{
    if (!can_be_weighed(run))
        return assay_error_at(error, ASSAY_ERROR_UNANSWERABLE, run->path, 0,
                              "nothing is claimed that hardware can be weighed by: expected "
                              "device_hours with tokens, device_hours_per_token, step_time, "
                              "tokens_per_second_per_device, or wall_time with tokens");
    struct hypothesis *list =
        assay_arena_alloc(arena, data->accelerator_count * COUNT_FACTORS + 1, sizeof *list);
    if (!list)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    size_t n = list_hypotheses(data, run, list);
    struct job job = {data, run, list, context->seed};
    ASSAY_TRY(assay_parallel_for(context, "hardware", n, consider, &job, error));
    qsort(list, n, sizeof *list, best_first);
    *hypotheses = list;
    *count = n;
    return ASSAY_OK;
}
