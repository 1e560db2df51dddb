/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: weights in safetensors. */
#include "checkpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *file = with_magic(data, size, "\0\0\0{", 5, 4);
    if (file)
        read_checkpoint(file, size, NULL);
    free(file);
    return 0;
}
