/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: the yaml reader. */
#include "assay/base.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct assay_yaml *root;
    struct assay_arena *arena = assay_arena_new();
    struct assay_error error;
    if (assay_yaml_parse("fuzz", data, size, arena, &root, &error) == ASSAY_OK)
        (void)!assay_yaml_finish(root, &error);
    assay_arena_free(arena);
    return 0;
}
