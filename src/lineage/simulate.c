/* SPDX-License-Identifier: Apache-2.0 */
/* Pairs of known history weighed as lineage.stages weighs, each by the groups that it is not in. */
#include "lineage/stage_parts.h"

#include "base/csv.h"

#include <math.h>
#include <string.h>

#define WEAKEST_RELATED 60 /* log10 of the ratio: docs/lineage.md, "Measured" */

enum { GROUP, SHARES, GAINS, COLUMNS };

/* Shared tuning is shared training, too. */
static bool truth_of(const char *shares, enum assay_stage_truth *truth)
{
    static const struct {
        const char *shares;
        enum assay_stage_truth truth;
    } truths[] = {{"nothing", ASSAY_STAGE_NOTHING},
                  {"initialisation", ASSAY_STAGE_SEED},
                  {"training", ASSAY_STAGE_TOGETHER},
                  {"tuning", ASSAY_STAGE_TOGETHER}};
    for (size_t i = 0; i < sizeof truths / sizeof truths[0]; i++)
        if (strcmp(truths[i].shares, shares) == 0) {
            *truth = truths[i].truth;
            return true;
        }
    return false;
}

static assay_status weigh(const char *path, const struct csv *csv, const int *columns, size_t row,
                          struct stage_table *table, struct assay_simulated_stage *to,
                          struct assay_error *error)
{
    const char *group = csv->rows[row].cells[columns[GROUP]];
    const char *shares = csv->rows[row].cells[columns[SHARES]];
    double gains;
    if (!truth_of(shares, &to->truth))
        return assay_error_at(error, ASSAY_ERROR_INPUT, path, csv->rows[row].line,
                              "shares \"%.40s\": expected nothing, initialisation, training or "
                              "tuning",
                              shares);
    to->related = to->truth != ASSAY_STAGE_NOTHING;
    if (!to->related)
        return ASSAY_OK;
    if (table->groups == 0)
        ASSAY_TRY(stage_table_read_without(path, group, table, error));
    ASSAY_TRY(csv_number_within(csv, &csv->rows[row], columns[GAINS], -1, 1, &gains, error));
    stage_weights(stage_table_training_lr(table, &table->gains_seed, gains),
                  stage_table_training_lr(table, &table->gains_like_data, gains), WEAKEST_RELATED,
                  true, to->weights);
    return ASSAY_OK;
}

static assay_status weigh_all(const char *path, struct assay_simulated_stages *stages,
                              struct assay_error *error)
{
    static const char *const names[COLUMNS] = {"group", "shares", "gains"};
    struct csv csv;
    struct stage_table table = {.groups = 0};
    int columns[COLUMNS];
    const char *group = NULL;
    ASSAY_TRY(csv_read(path, stages->arena, &csv, error));
    for (int c = 0; c < COLUMNS; c++)
        if ((columns[c] = csv_column(&csv, names[c])) < 0)
            return assay_error_at(error, ASSAY_ERROR_INPUT, path, 1, "expected a column \"%s\"",
                                  names[c]);
    struct assay_simulated_stage *pairs =
        assay_arena_alloc(stages->arena, csv.count, sizeof *pairs);
    if (!pairs)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    for (size_t i = 0; i < csv.count; i++) {
        const char *own = csv.rows[i].cells[columns[GROUP]];
        if (!group || strcmp(group, own) != 0)
            table.groups = 0; /* another group: the table without it is another one */
        group = own;
        ASSAY_TRY(weigh(path, &csv, columns, i, &table, &pairs[i], error));
    }
    stages->pairs = pairs;
    stages->count = csv.count;
    return ASSAY_OK;
}

assay_status assay_lineage_simulate_stages(const char *pairs, struct assay_simulated_stages *stages,
                                           struct assay_error *error)
{
    *stages = (struct assay_simulated_stages){.arena = assay_arena_new()};
    assay_status status = stages->arena
                              ? weigh_all(pairs, stages, error)
                              : assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    if (status != ASSAY_OK)
        assay_simulated_stages_free(stages);
    return status;
}

void assay_simulated_stages_free(struct assay_simulated_stages *stages)
{
    assay_arena_free(stages->arena);
    *stages = (struct assay_simulated_stages){.count = 0};
}

void assay_lineage_weigh_unrelated(double log10_p, struct assay_weight weights[3])
{
    stage_weights(NAN, NAN, -0.5 * log10_p - log10(2), true, weights);
}
