/* SPDX-License-Identifier: Apache-2.0 */
/*
 * predict: a run's step and hours with their uncertainty, by drawing the efficiency parameters
 * as well as they are known, then what the model does not explain, then what a run loses
 * between steps.
 */
#include "claim/efficiency.h"
#include "claim/sorted.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DRAWS 512

struct draws {
    const struct assay_claim_data *data;
    const struct assay_run *run;
    uint64_t seed;
    double steps; /* in the whole run; NaN if its tokens are not stated */
    double *step_seconds, *run_seconds, *memory_bytes;
};

static void draw(void *user, size_t i)
{
    struct draws *d = user;
    struct assay_random random;
    struct assay_efficiency efficiency;
    struct assay_step step;

    assay_random_start(&random, d->seed, i);
    assay_efficiency_resolve(d->data->efficiency, d->run, &random, &efficiency);
    assay_step_predict(d->run, &efficiency, &step);
    d->step_seconds[i] = step.seconds * exp(efficiency.residual * assay_random_normal(&random));
    d->memory_bytes[i] = step.memory.peak;
    double lost =
        efficiency.run_overhead * exp(efficiency.run_overhead_sd * assay_random_normal(&random));
    d->run_seconds[i] = d->step_seconds[i] * d->steps * fmax(1, lost);
}

/* The interval of factor / x. */
static struct assay_interval inverse_of(struct assay_interval x, double factor)
{
    return (struct assay_interval){factor / x.median, factor / x.high, factor / x.low, x.level};
}

assay_status assay_claim_predict(const struct assay_claim_data *data, const struct assay_run *run,
                                 const struct assay_context *context,
                                 struct assay_prediction *prediction, struct assay_error *error)
{
    struct assay_efficiency medians;
    double tokens = (double)run->plan.global_batch * (double)run->sequence;
    double *values = malloc(3 * DRAWS * sizeof *values);
    if (!values)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    struct draws draws = {.data = data,
                          .run = run,
                          .seed = context->seed,
                          .steps = run->tokens / tokens,
                          .step_seconds = values,
                          .run_seconds = values + DRAWS,
                          .memory_bytes = values + 2 * DRAWS};

    memset(prediction, 0, sizeof *prediction);
    assay_efficiency_resolve(data->efficiency, run, NULL, &medians);
    assay_step_predict(run, &medians, &prediction->step);
    assay_status status = assay_parallel_for(context, NULL, DRAWS, draw, &draws, error);
    if (status == ASSAY_OK) {
        double devices = (double)run->machine.devices;
        sort_doubles(draws.step_seconds, DRAWS);
        sort_doubles(draws.run_seconds, DRAWS);
        sort_doubles(draws.memory_bytes, DRAWS);
        prediction->draws = DRAWS;
        prediction->step_seconds = interval_of_sorted(draws.step_seconds, DRAWS, 1);
        prediction->tokens_per_second_per_device =
            inverse_of(prediction->step_seconds, tokens / devices);
        prediction->mfu = inverse_of(prediction->step_seconds,
                                     prediction->step.model_flops /
                                         (devices * run->machine.accelerator.flops_bf16));
        prediction->memory_bytes = interval_of_sorted(draws.memory_bytes, DRAWS, 1);
        prediction->wall_seconds = interval_of_sorted(draws.run_seconds, DRAWS, 1);
        prediction->device_hours = interval_of_sorted(draws.run_seconds, DRAWS, devices / 3600);
    }
    free(values);
    return status;
}
