/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: weights in llama2.c's format. A file is recognised only if its size is what its
 * header says, so a small header is made from the input and the file made as long as it asks for,
 * or a little longer or shorter; the input as it is comes second.
 */
#include "checkpoint.h"

static uint64_t bytes_of(const int32_t header[7])
{
    uint64_t dim = (uint64_t)header[0], hidden = (uint64_t)header[1], layers = (uint64_t)header[2];
    uint64_t heads = (uint64_t)header[3], kv_heads = (uint64_t)header[4];
    uint64_t tokens = (uint64_t)(header[5] < 0 ? -header[5] : header[5]);
    uint64_t positions = (uint64_t)header[6], head = dim / heads, kv = head * kv_heads;
    uint64_t each = 2 * dim + 2 * dim * dim + 2 * kv * dim + 3 * dim * hidden;
    uint64_t total = tokens * dim * (header[5] < 0 ? 2 : 1) + layers * each + dim;
    return 28 + 4 * (total + 2 * positions * (head / 2));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int32_t header[7];
    if (size < 8)
        return 0;
    for (int i = 0; i < 7; i++)
        header[i] = 1 + data[i] % 16;
    if (data[5] & 128)
        header[5] = -header[5];
    if (data[7] < 8)
        header[data[7] % 7] = INT32_MIN + data[0];
    else if (data[7] < 16)
        header[data[7] % 7] = INT32_MAX - data[0];
    bool small = data[7] >= 16;
    uint64_t wanted = small ? bytes_of(header) + data[7] % 4 : size;
    uint8_t *file = calloc(1, (size_t)(wanted < 28 ? 28 : wanted));
    if (file) {
        memcpy(file, data, wanted < size ? (size_t)wanted : size);
        memcpy(file, header, sizeof header);
        read_checkpoint(file, (size_t)wanted, NULL);
    }
    free(file);
    read_checkpoint(data, size, NULL);
    return 0;
}
