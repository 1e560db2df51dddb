/* SPDX-License-Identifier: Apache-2.0 */
/* Pairs of known history, as moments; and what a value is worth between two kinds of them. */
#include "lineage/stage_parts.h"

#include "base/csv.h"

#include <math.h>
#include <string.h>

#define MOST_ROWS 100000

enum column { GROUP, PAIR, GAINS, DIFFERENCE, LENGTH, COLUMNS };

struct moments {
    double n, sum, squares, least, most;
};

static void add(struct moments *m, double value)
{
    m->n += 1;
    m->sum += value;
    m->squares += value * value;
    m->least = m->n == 1 ? value : fmin(m->least, value);
    m->most = m->n == 1 ? value : fmax(m->most, value);
}

static bool settle(const struct moments *m, struct stage_kind *to)
{
    if (m->n < 5)
        return false;
    to->mean = m->sum / m->n;
    to->deviation = sqrt(fmax(0, m->squares - m->sum * m->sum / m->n) / (m->n - 1));
    to->n = m->n;
    to->least = m->least;
    to->most = m->most;
    return to->deviation > 0;
}

static double stretched(double value)
{
    return atanh(fmax(-0.99999, fmin(0.99999, value)));
}

struct kinds {
    struct moments together, long_after, seed, like_data, shared, apart;
};

static void take(struct stage_table *t, struct kinds *k, const char *pair, double gains,
                 double difference, double length)
{
    bool tuned = strcmp(pair, "base tuned") == 0, long_after = strcmp(pair, "base long") == 0;
    bool siblings = strcmp(pair, "tuned tuned2") == 0;
    bool further = strcmp(pair, "tuned further") == 0,
         cousins = strcmp(pair, "tuned2 further") == 0;
    if (tuned || siblings || cousins)
        add(&k->together, stretched(gains));
    if (long_after)
        add(&k->long_after, stretched(gains));
    if (strcmp(pair, "base twin") == 0) {
        add(&k->seed, stretched(gains));
        t->groups++;
    }
    if (strcmp(pair, "base sister") == 0)
        add(&k->like_data, stretched(gains));
    if (further)
        add(&k->shared, stretched(difference));
    if (siblings || cousins)
        add(&k->apart, stretched(difference));
    if (tuned || long_after || further) {
        t->steps_on++;
        t->longer += length > 0;
    }
}

static assay_status read_rows(const char *path, const struct csv *csv, const char *without,
                              struct stage_table *t, struct kinds *k, struct assay_error *error)
{
    static const char *const names[COLUMNS] = {"group", "pair", "gains", "difference_cosine",
                                               "length"};
    int columns[COLUMNS];
    for (int i = 0; i < COLUMNS; i++) {
        columns[i] = csv_column(csv, names[i]);
        if (columns[i] < 0 || csv->count > MOST_ROWS)
            return assay_error_at(error, ASSAY_ERROR_INPUT, path, 1,
                                  "expected the columns group, pair, gains, difference_cosine, "
                                  "length and at most %d rows",
                                  MOST_ROWS);
    }
    for (size_t r = 0; r < csv->count; r++) {
        const struct csv_row *row = &csv->rows[r];
        double gains, length, difference = NAN;
        if (without && strcmp(row->cells[columns[GROUP]], without) == 0)
            continue;
        ASSAY_TRY(csv_number_within(csv, row, columns[GAINS], -1, 1, &gains, error));
        ASSAY_TRY(csv_number_within(csv, row, columns[LENGTH], -100, 100, &length, error));
        if (row->cells[columns[DIFFERENCE]][0])
            ASSAY_TRY(csv_number_within(csv, row, columns[DIFFERENCE], -1, 1, &difference, error));
        take(t, k, row->cells[columns[PAIR]], gains, difference, length);
    }
    return ASSAY_OK;
}

assay_status stage_table_read_without(const char *path, const char *group, struct stage_table *t,
                                      struct assay_error *error)
{
    struct csv csv;
    struct kinds k = {0};
    struct assay_arena *arena = assay_arena_new();
    *t = (struct stage_table){.groups = 0};
    if (!arena)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    assay_status status = csv_read(path, arena, &csv, error);
    if (status == ASSAY_OK)
        status = read_rows(path, &csv, group, t, &k, error);
    assay_arena_free(arena);
    if (status == ASSAY_OK &&
        !(settle(&k.together, &t->gains_together) && settle(&k.long_after, &t->gains_long) &&
          settle(&k.seed, &t->gains_seed) && settle(&k.like_data, &t->gains_like_data) &&
          settle(&k.shared, &t->tuning_shared) && settle(&k.apart, &t->tuning_apart)))
        status = assay_error_at(error, ASSAY_ERROR_INPUT, path, 0,
                                "fewer than five pairs of a kind: too few to calibrate with");
    return status;
}

assay_status stage_table_read(const char *path, struct stage_table *t, struct assay_error *error)
{
    return stage_table_read_without(path, NULL, t, error);
}

double stage_table_lr(const struct stage_table *t, const struct stage_kind *first,
                      const struct stage_kind *second, double value)
{
    double z = fmin(stretched(value), first->most), cap = log10((double)t->groups + 1);
    double variance =
        0.5 * (first->deviation * first->deviation + second->deviation * second->deviation);
    double x = z - first->mean, y = z - second->mean;
    double ratio = (y * y - x * x) / (2 * variance) / 2.302585092994046;
    return fmax(-cap, fmin(cap, ratio));
}

static double density(const struct stage_kind *k, double z)
{
    double x = (z - k->mean) / k->deviation;
    return exp(-0.5 * x * x) / k->deviation;
}

double stage_table_training_lr(const struct stage_table *t, const struct stage_kind *apart,
                               double value)
{
    const struct stage_kind *soon = &t->gains_together, *late = &t->gains_long;
    double z = fmin(fmax(stretched(value), t->gains_seed.least), soon->most);
    double cap = log10((double)t->groups + 1);
    double shared = (soon->n * density(soon, z) + late->n * density(late, z)) / (soon->n + late->n);
    double ratio = log10(fmax(shared, 1e-300) / fmax(density(apart, z), 1e-300));
    return fmax(-cap, fmin(cap, ratio));
}
