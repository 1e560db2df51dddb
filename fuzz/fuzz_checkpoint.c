/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: every reader of weights; the first bytes choose the format, as in use. What is
 * accepted must decode to its last element without a read outside the file.
 */
#include <assay/checkpoint.h>

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void decode(const struct assay_tensor *t)
{
    size_t block, bytes;
    assay_dtype_block(t->dtype, &block, &bytes);
    float *values = malloc(1024 * sizeof *values);
    for (uint64_t at = 0; values && at < t->elements; at += 1024) {
        uint64_t count = t->elements - at < 1024 ? t->elements - at : 1024;
        if (assay_tensor_read(t, at, count, values, NULL) != ASSAY_OK)
            abort();
    }
    free(values);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct assay_checkpoint checkpoint;
    struct assay_error error;
    if (assay_checkpoint_parse("fuzz", data, size, &checkpoint, &error) == ASSAY_OK) {
        for (size_t i = 0; i < checkpoint.count; i++)
            if (!checkpoint.tensors[i].unreadable)
                decode(&checkpoint.tensors[i]);
        assay_checkpoint_close(&checkpoint);
    }
    return 0;
}
