/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: the csv reader. */
#include "base/csv.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct csv csv;
    struct assay_arena *arena = assay_arena_new();
    struct assay_error error;
    if (csv_parse("fuzz", data, size, arena, &csv, &error) == ASSAY_OK)
        for (size_t i = 0; i < csv.count; i++)
            for (size_t j = 0; j < csv.columns; j++) {
                double number;
                (void)!csv_number(csv.rows[i].cells[j], &number);
            }
    assay_arena_free(arena);
    return 0;
}
