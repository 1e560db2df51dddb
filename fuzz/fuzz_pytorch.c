/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: weights in PyTorch's zip: the directory, the pickle and the storages. */
#include "checkpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *file = with_magic(data, size, "PK\003\004", 0, 4);
    if (file)
        read_checkpoint(file, size, "pytorch");
    free(file);
    return 0;
}
