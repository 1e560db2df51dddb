/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: fingerprints of weights; what is accepted is compared with itself. */
#include <assay/lineage.h>

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct assay_sketch sketch;
    struct assay_error error;
    if (assay_sketch_parse("fuzz", data, size, &sketch, &error) != ASSAY_OK)
        return 0;
    struct assay_sketch_likeness l = assay_lineage_sketches_compare(&sketch, &sketch);
    if (l.tests < sketch.axis_count || l.log10_p > 0)
        abort();
    return 0;
}
