/* SPDX-License-Identifier: Apache-2.0 */
#include "claim/observations.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/*
 * Rows of one table are not so many independent measurements: a table of n counts as if it had
 * about sqrt(40 n), where n is above 40.
 */
static const double independent_rows = 40;

/* ---- keys ----------------------------------------------------------------------------------- */

/* A source is the repository or document that a row was read in: the first word of `source`. */
static bool same_source(const char *a, const char *b)
{
    size_t n = strcspn(a, " ");
    return n == strcspn(b, " ") && strncmp(a, b, n) == 0;
}

static bool same_fold(const struct assay_training_run *a, const struct measured *ma,
                      const struct assay_training_run *b, const struct measured *mb,
                      enum assay_cross_validation cross)
{
    if (cross == ASSAY_CROSS_SOURCE)
        return same_source(a->source, b->source);
    const char *x = ma->run.machine.accelerator.name, *y = mb->run.machine.accelerator.name;
    return x && y ? strcmp(x, y) == 0 : x == y;
}

/* ---- reading -------------------------------------------------------------------------------- */

struct reading {
    const struct assay_claim_data *data;
    const struct assay_training_runs *runs;
    struct observation_set *set;
};

static void read_one(void *user, size_t i)
{
    struct reading *r = user;
    const struct assay_training_run *row = &r->runs->rows[i];
    struct observation_set *set = r->set;
    set->readable[i] =
        measured_read(r->data, row, &set->measured[i], set->why[i], sizeof set->why[i]);
    /* what only lacks a layout is predicted with one that Assay chooses, and scored apart */
    bool no_layout = row->dropped && strncmp(row->dropped, "no layout", 9) == 0;
    set->scored[i] = set->readable[i] && (!row->dropped || !row->dropped[0] ||
                                          (no_layout && !set->measured[i].run.plan_known));
}

static void assign_folds(const struct assay_training_runs *runs, enum assay_cross_validation cross,
                         struct observation_set *set)
{
    for (size_t i = 0; i < runs->count; i++) {
        size_t j = 0;
        while (
            cross != ASSAY_CROSS_NONE && j < i &&
            !same_fold(&runs->rows[i], &set->measured[i], &runs->rows[j], &set->measured[j], cross))
            j++;
        if (cross == ASSAY_CROSS_NONE)
            set->fold[i] = 0;
        else
            set->fold[i] = j < i ? set->fold[j] : set->folds++;
    }
    if (cross == ASSAY_CROSS_NONE)
        set->folds = 1;
}

/* Sources of the fit are groups: one table, one cluster, one habit. */
static void list_observations(const struct assay_training_runs *runs, struct observation_set *set)
{
    for (size_t i = 0; i < runs->count; i++) {
        const struct measured *m = &set->measured[i];
        if (!set->scored[i] || !m->run.plan_known)
            continue;
        for (int q = MEASURED_STEP_SECONDS; q <= MEASURED_PEAK_MEMORY; q++) {
            if (isnan(m->value[q]))
                continue;
            size_t source = set->sources;
            for (size_t o = 0; o < set->count && source == set->sources; o++)
                if (strcmp(runs->rows[set->row[o]].group, runs->rows[i].group) == 0 &&
                    (set->list[o].quantity == MEASURED_PEAK_MEMORY) == (q == MEASURED_PEAK_MEMORY))
                    source = set->list[o].source;
            set->sources += source == set->sources;
            set->row[set->count] = i;
            set->list[set->count++] = (struct observation){.run = &m->run,
                                                           .quantity = (enum measured_quantity)q,
                                                           .log_measured = log(m->value[q]),
                                                           .source = source};
        }
    }
    for (size_t o = 0; o < set->count; o++) {
        double same = 0;
        for (size_t p = 0; p < set->count; p++)
            same += set->list[p].source == set->list[o].source;
        set->list[o].weight = fmin(1, sqrt(independent_rows / same));
    }
}

assay_status observations_read(const struct assay_claim_data *data,
                               const struct assay_training_runs *runs,
                               enum assay_cross_validation cross,
                               const struct assay_context *context, struct assay_arena *arena,
                               struct observation_set *set, struct assay_error *error)
{
    size_t n = runs->count;
    struct reading reading = {data, runs, set};
    memset(set, 0, sizeof *set);
    set->measured = assay_arena_alloc(arena, n, sizeof *set->measured);
    set->readable = assay_arena_alloc(arena, n, sizeof *set->readable);
    set->scored = assay_arena_alloc(arena, n, sizeof *set->scored);
    set->why = assay_arena_alloc(arena, n, sizeof *set->why);
    set->fold = assay_arena_alloc(arena, n, sizeof *set->fold);
    set->list = assay_arena_alloc(arena, MEASURED_COUNT * n, sizeof *set->list);
    set->row = assay_arena_alloc(arena, MEASURED_COUNT * n, sizeof *set->row);
    if (!set->measured || !set->readable || !set->scored || !set->why || !set->fold || !set->list ||
        !set->row)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    ASSAY_TRY(assay_parallel_for(context, "reading", n, read_one, &reading, error));
    assign_folds(runs, cross, set);
    list_observations(runs, set);
    return ASSAY_OK;
}

/* ---- fitting -------------------------------------------------------------------------------- */

assay_status observations_fit(const struct assay_claim_data *data,
                              const struct observation_set *set, enum assay_cross_validation cross,
                              const struct assay_context *context, struct assay_arena *arena,
                              struct assay_efficiency_table ***tables, struct assay_error *error)
{
    const struct assay_efficiency_table *priors = efficiency_priors(data->efficiency, arena);
    struct assay_efficiency_table *whole = NULL;
    bool *used = assay_arena_alloc(arena, set->count, sizeof *used);
    *tables = assay_arena_alloc(arena, set->folds, sizeof **tables);
    if (!priors || !used || !*tables)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    for (size_t fold = 0; fold < set->folds; fold++) {
        size_t left_out = 0;
        for (size_t o = 0; o < set->count; o++) {
            used[o] = cross == ASSAY_CROSS_NONE || set->fold[set->row[o]] != fold;
            left_out += !used[o];
        }
        if (left_out == 0 && whole) { /* none of it is fitted: as if nothing were left out */
            (*tables)[fold] = whole;
            continue;
        }
        struct assay_efficiency_table *fitted;
        ASSAY_TRY(calibrate(priors, set->list, used, set->count, set->sources, context, arena,
                            &fitted, error));
        (*tables)[fold] = fitted;
        if (left_out == 0)
            whole = fitted;
    }
    return ASSAY_OK;
}
