/* SPDX-License-Identifier: Apache-2.0 */
/* How many plans a second the forward model times, on one core: DeepSeek-V3's and a dense one. */
#include <assay/claim.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void time_plan(const char *name, const struct assay_run *run,
                      const struct assay_efficiency *efficiency)
{
    struct assay_step step;
    double start = now(), sum = 0;
    int count = 0;
    while (now() - start < 1)
        for (int i = 0; i < 1000; i++, count++) {
            assay_step_predict(run, efficiency, &step);
            sum += step.seconds;
        }
    printf("%-24s %10.0f plans/s  (mean step %.4g s)\n", name, count / (now() - start),
           sum / count);
}

int main(void)
{
    const char *source = getenv("ASSAY_SOURCE");
    char folder[4200], claim[4200], text[1200];
    struct assay_claim_data data;
    struct assay_run run;
    struct assay_error error;
    struct assay_efficiency efficiency;
    snprintf(folder, sizeof folder, "%s/data", source ? source : ".");
    snprintf(claim, sizeof claim, "%s/cases/deepseek-v3/claim.yaml", source ? source : ".");
    if (assay_claim_data_read(folder, &data, &error) != ASSAY_OK ||
        assay_run_read(claim, &data, &run, &error) != ASSAY_OK) {
        assay_error_format(&error, text, sizeof text);
        fprintf(stderr, "%s\n", text);
        return 1;
    }
    assay_efficiency_resolve(data.efficiency, &run, NULL, &efficiency);
    time_plan("DeepSeek-V3", &run, &efficiency);
    run.architecture.experts = run.architecture.experts_active = run.architecture.expert_ffn = 0;
    run.architecture.shared_ffn = run.architecture.mtp_layers = 0;
    run.plan.expert = 1;
    time_plan("the same without experts", &run, &efficiency);
    assay_run_free(&run);
    assay_claim_data_free(&data);
    return 0;
}
