/* SPDX-License-Identifier: Apache-2.0 */
#include "finding/power.h"

#include "base/csv.h"

#include <math.h>
#include <string.h>

#define MOST 32 /* conditions, outcomes */

enum { NAME, CONDITION, OUTCOME, SEEN, UNIT, SOURCE, MADE_BY, COLUMNS };

struct reading {
    const char *conditions[MOST], *outcomes[MOST];
    size_t condition_count, outcome_count;
    double seen[MOST][MOST]; /* NaN: not in the table */
    const struct csv *csv;
    struct assay_error *error;
};

static assay_status index_of(struct reading *r, const struct csv_row *row, const char *text,
                             const char **list, size_t *count, size_t *at)
{
    for (*at = 0; *at < *count; ++*at)
        if (strcmp(list[*at], text) == 0)
            return ASSAY_OK;
    if (*count == MOST)
        return assay_error_at(r->error, ASSAY_ERROR_LIMIT, r->csv->path, row->line,
                              "more than %d conditions or outcomes", MOST);
    list[(*count)++] = text;
    return ASSAY_OK;
}

static assay_status read_row(struct reading *r, const struct csv_row *row, const int *columns)
{
    size_t c, o;
    ASSAY_TRY(
        index_of(r, row, row->cells[columns[CONDITION]], r->conditions, &r->condition_count, &c));
    ASSAY_TRY(index_of(r, row, row->cells[columns[OUTCOME]], r->outcomes, &r->outcome_count, &o));
    if (!isnan(r->seen[c][o]))
        return assay_error_at(r->error, ASSAY_ERROR_INPUT, r->csv->path, row->line,
                              "%s: %s under %s stands here twice", row->cells[columns[NAME]],
                              row->cells[columns[OUTCOME]], row->cells[columns[CONDITION]]);
    return csv_number_within(r->csv, row, columns[SEEN], 0, 1e9, &r->seen[c][o], r->error);
}

static assay_status fill(const struct reading *r, const char *name, struct assay_arena *arena,
                         struct power *power)
{
    size_t k = r->outcome_count;
    const char **conditions = assay_arena_alloc(arena, r->condition_count, sizeof *conditions);
    const char **outcomes = assay_arena_alloc(arena, k, sizeof *outcomes);
    double *chances = assay_arena_alloc(arena, r->condition_count * k, sizeof *chances);
    if (!conditions || !outcomes || !chances)
        return assay_error_at(r->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    memcpy(conditions, r->conditions, r->condition_count * sizeof *conditions);
    memcpy(outcomes, r->outcomes, k * sizeof *outcomes);
    for (size_t c = 0; c < r->condition_count; c++) {
        double all = 0;
        for (size_t o = 0; o < k; o++) {
            if (isnan(r->seen[c][o]))
                return assay_error_at(r->error, ASSAY_ERROR_INPUT, r->csv->path, 0,
                                      "%s: no row for the outcome \"%s\" under \"%s\"", name,
                                      r->outcomes[o], r->conditions[c]);
            all += r->seen[c][o];
        }
        for (size_t o = 0; o < k; o++)
            chances[c * k + o] = (r->seen[c][o] + 0.5) / (all + 0.5 * (double)k);
    }
    *power = (struct power){.name = name,
                            .conditions = conditions,
                            .condition_count = r->condition_count,
                            .outcomes = outcomes,
                            .outcome_count = k,
                            .chances = chances};
    return ASSAY_OK;
}

assay_status power_read(const char *path, const char *name, struct assay_arena *arena,
                        struct power *power, struct assay_error *error)
{
    static const char *const names[COLUMNS] = {"name", "condition", "outcome", "seen",
                                               "unit", "source",    "made_by"};
    struct csv csv;
    int columns[COLUMNS];
    const struct csv_row *first = NULL;
    *power = (struct power){.name = NULL};
    ASSAY_TRY(csv_read(path, arena, &csv, error));
    for (size_t c = 0; c < COLUMNS; c++)
        if ((columns[c] = csv_column(&csv, names[c])) < 0)
            return assay_error_at(error, ASSAY_ERROR_INPUT, path, 0, "no column is named \"%s\"",
                                  names[c]);
    struct reading *r = assay_arena_alloc(arena, 1, sizeof *r);
    if (!r)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    r->csv = &csv;
    r->error = error;
    for (size_t c = 0; c < MOST; c++)
        for (size_t o = 0; o < MOST; o++)
            r->seen[c][o] = NAN;
    for (size_t i = 0; i < csv.count; i++) {
        if (strcmp(csv.rows[i].cells[columns[NAME]], name) != 0)
            continue;
        first = first ? first : &csv.rows[i];
        ASSAY_TRY(read_row(r, &csv.rows[i], columns));
    }
    if (!first)
        return ASSAY_OK;
    ASSAY_TRY(fill(r, first->cells[columns[NAME]], arena, power));
    power->basis =
        assay_arena_print(arena, "Measured: %s; %s, counted by %s.", first->cells[columns[UNIT]],
                          first->cells[columns[SOURCE]], first->cells[columns[MADE_BY]]);
    return power->basis ? ASSAY_OK
                        : assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

assay_status power_of_offer(const char *path, const struct power_offer *offer,
                            struct assay_arena *arena, struct power *power,
                            struct assay_error *error)
{
    ASSAY_TRY(power_read(path, offer->measured, arena, power, error));
    return power->name ? ASSAY_OK
                       : assay_error_at(error, ASSAY_ERROR_INPUT, path, 0,
                                        "no measurement is named \"%s\"", offer->measured);
}

size_t power_condition(const struct power *power, const char *condition)
{
    for (size_t c = 0; c < power->condition_count; c++)
        if (strcmp(power->conditions[c], condition) == 0)
            return c;
    return SIZE_MAX;
}

assay_status power_offers_read(const char *path, const char *instrument, struct assay_arena *arena,
                               struct power_offer **offers, size_t *count,
                               struct assay_error *error)
{
    static const char *const names[] = {"instrument", "id", "text", "measured", "cost_usd"};
    struct csv csv;
    int columns[5];
    *count = 0;
    ASSAY_TRY(csv_read(path, arena, &csv, error));
    for (size_t c = 0; c < 5; c++)
        if ((columns[c] = csv_column(&csv, names[c])) < 0)
            return assay_error_at(error, ASSAY_ERROR_INPUT, path, 0, "no column is named \"%s\"",
                                  names[c]);
    if (!(*offers = assay_arena_alloc(arena, csv.count, sizeof **offers)))
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    for (size_t i = 0; i < csv.count; i++) {
        const struct csv_row *row = &csv.rows[i];
        struct power_offer *offer = &(*offers)[*count];
        if (strcmp(row->cells[columns[0]], instrument) != 0)
            continue;
        *offer = (struct power_offer){row->cells[columns[1]], row->cells[columns[2]],
                                      row->cells[columns[3]], 0};
        ASSAY_TRY(csv_number_within(&csv, row, columns[4], 1, 1e12, &offer->cost_usd, error));
        ++*count;
    }
    return ASSAY_OK;
}
