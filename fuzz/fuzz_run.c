/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: RUN.yaml. What is accepted must be predicted without overflow and with a time that
 * is a number above zero. The table of facts is read once, from data/ in the current folder.
 */
#include "claim/run.h"

#include <math.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct assay_claim_data data;
    struct assay_run run;
    struct assay_error error;
    if (!data.arena && assay_claim_data_read("data", &data, &error) != ASSAY_OK)
        abort();
    if (run_parse("fuzz", bytes, size, &data, &run, &error) != ASSAY_OK)
        return 0;
    if (run.plan_known) {
        struct assay_efficiency efficiency;
        struct assay_step step;
        assay_efficiency_resolve(data.efficiency, &run, NULL, &efficiency);
        assay_step_predict(&run, &efficiency, &step);
        if (!(step.seconds > 0) || !isfinite(step.seconds))
            abort();
    }
    assay_run_free(&run);
    return 0;
}
