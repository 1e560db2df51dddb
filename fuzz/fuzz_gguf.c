/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: weights in GGUF. */
#include "checkpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *file = with_magic(data, size, "GGUF", 0, 4);
    if (file)
        read_checkpoint(file, size, "gguf");
    free(file);
    return 0;
}
