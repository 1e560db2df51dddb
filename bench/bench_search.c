/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many plans a second the search times, whole and on one thread, and the floor under it: GPT-3
 * 175B on 512 A100s, the space that Calculon counts 13.2 million plans in (Assay's space is
 * another: docs/claim.md), and Turing-NLG 530B on 280. bench/race_calculon.py sets a line of this
 * table beside Calculon's own rate.
 */
#include <assay/search.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static struct assay_run gpt(const struct assay_claim_data *data, int64_t layers, int64_t hidden,
                            int64_t heads, int64_t devices, int64_t batch)
{
    struct assay_run run;
    struct assay_architecture *a = &run.architecture;
    assay_run_default(&run);
    a->layers = layers;
    a->hidden = hidden;
    a->heads = a->kv_heads = heads;
    a->head_dim = hidden / heads;
    a->ffn = 4 * hidden;
    a->vocabulary = 51200;
    run.sequence = 2048;
    run.machine.accelerator = *assay_accelerator_find(data, "A100-SXM", NULL);
    run.machine.devices = devices;
    run.plan.global_batch = batch;
    return run;
}

static void time_search(const struct assay_claim_data *data, const char *name,
                        const struct assay_run *run, int threads)
{
    struct assay_search_space space = assay_search_space_default();
    struct assay_context context = assay_context_default();
    struct assay_search_result result;
    struct assay_error error;
    double start = now(), seconds;
    uint64_t plans = 0;
    context.threads = threads;
    do {
        if (assay_claim_search(data, run, &space, &context, &result, &error) != ASSAY_OK) {
            printf("%s: %s\n", name, error.message);
            return;
        }
        plans += result.plans;
        seconds = now() - start;
    } while (seconds < 1);
    printf("%-28s %7d %10llu %12.3g %14.4g\n", name, threads, (unsigned long long)result.plans,
           (double)result.plans * seconds / (double)plans, (double)plans / seconds);
}

int main(void)
{
    const char *source = getenv("ASSAY_SOURCE");
    char folder[4200];
    struct assay_claim_data data;
    struct assay_error error;
    snprintf(folder, sizeof folder, "%s/data", source ? source : ".");
    if (assay_claim_data_read(folder, &data, &error) != ASSAY_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    struct assay_run small = gpt(&data, 96, 12288, 96, 512, 512);
    struct assay_run large = gpt(&data, 105, 20480, 128, 280, 280);
    printf("%-28s %7s %10s %12s %14s\n", "search", "threads", "plans", "seconds", "plans/s");
    for (int threads = 1; threads <= 2; threads++) {
        time_search(&data, "GPT-3 175B on 512 A100", &small, threads);
        time_search(&data, "Turing-NLG 530B on 280 A100", &large, threads);
    }
    assay_claim_data_free(&data);
    return 0;
}
