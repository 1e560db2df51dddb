/* SPDX-License-Identifier: Apache-2.0 */
/*
 * checkpoint: what the fuzz targets of weights share. What a reader accepts must decode to its
 * last element, as stored and with rotary rows in halves, without a read outside the file.
 */
#ifndef FUZZ_CHECKPOINT_H
#define FUZZ_CHECKPOINT_H

#include <assay/checkpoint.h>

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void decode_all(const struct assay_tensor *t)
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

/* A row is decoded as a whole where rows are moved. */
static inline void decode_halves(struct assay_tensor t)
{
    uint64_t row = t.elements / t.shape[0];
    float *values = malloc((size_t)(row + 1) * sizeof *values);
    t.halves = true;
    for (uint64_t i = 0; values && i < t.shape[0]; i++)
        if (assay_tensor_read(&t, i * row, row, values, NULL) != ASSAY_OK)
            abort();
    free(values);
}

static inline void decode_checkpoint(const struct assay_checkpoint *checkpoint)
{
    for (size_t i = 0; i < checkpoint->count; i++) {
        const struct assay_tensor *t = &checkpoint->tensors[i];
        if (t->unreadable)
            continue;
        decode_all(t);
        if (t->rotary_heads && t->elements)
            decode_halves(*t);
    }
}

/* Whether the bytes were accepted, and as `format` (NULL: any). */
static inline void read_checkpoint(const uint8_t *data, size_t size, const char *format)
{
    struct assay_checkpoint checkpoint;
    struct assay_error error;
    if (assay_checkpoint_parse("fuzz", data, size, &checkpoint, &error) != ASSAY_OK)
        return;
    if (format && strcmp(checkpoint.format, format) != 0)
        abort();
    decode_checkpoint(&checkpoint);
    assay_checkpoint_close(&checkpoint);
}

/* A copy of exactly that size whose first bytes are those that a format is known by: mutations
 * then reach the reader. The caller frees it. NULL for inputs that are too short. */
static inline uint8_t *with_magic(const uint8_t *data, size_t size, const void *magic,
                                  size_t offset, size_t length)
{
    uint8_t *copy = size >= offset + length ? malloc(size) : NULL;
    if (copy) {
        memcpy(copy, data, size);
        memcpy(copy + offset, magic, length);
    }
    return copy;
}

#endif
