/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of facts that the claim room stands on, read once. */
#include "claim/accelerators.h"
#include "claim/clue.h"
#include "claim/efficiency.h"
#include "finding/grades.h"

#include <string.h>

static assay_status read_all(const char *folder, struct assay_claim_data *data,
                             struct assay_error *error)
{
    struct assay_efficiency_table *table;
    char *accelerators = assay_arena_print(data->arena, "%s/accelerators.csv", folder);
    char *efficiency = assay_arena_print(data->arena, "%s/efficiency.csv", folder);
    char *factor = assay_arena_print(data->arena, "%s/efficiency_factor.csv", folder);
    if (!accelerators || !efficiency || !factor)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    ASSAY_TRY(accelerators_read(accelerators, data, error));
    ASSAY_TRY(efficiency_read(efficiency, factor, data->arena, &table, error));
    data->efficiency = table;
    data->efficiency_file.path = efficiency;
    ASSAY_TRY(assay_sha256_file(efficiency, data->efficiency_file.sha256, error));
    char *clues = assay_arena_print(data->arena, "%s/clues.csv", folder);
    char *grades = assay_arena_print(data->arena, "%s/source_reliability.csv", folder);
    if (!clues || !grades)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    ASSAY_TRY(clue_facts_read(clues, data->arena, &data->clue_facts, error));
    ASSAY_TRY(grades_table_read(grades, &data->grades, error));
    data->clues_file.path = clues;
    return assay_sha256_file(clues, data->clues_file.sha256, error);
}

assay_status assay_claim_data_read(const char *folder, struct assay_claim_data *data,
                                   struct assay_error *error)
{
    memset(data, 0, sizeof *data);
    data->arena = assay_arena_new();
    if (!data->arena)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    assay_status status = read_all(folder, data, error);
    if (status != ASSAY_OK)
        assay_claim_data_free(data);
    return status;
}

void assay_claim_data_free(struct assay_claim_data *data)
{
    assay_arena_free(data->arena);
    memset(data, 0, sizeof *data);
}
