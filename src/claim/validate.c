/* SPDX-License-Identifier: Apache-2.0 */
/*
 * validate: every measured quantity of every row against its prediction. In: the table of
 * training runs. Out: rows and summaries. A row that cannot be predicted stays, unused, with the
 * reason. What can go wrong: memory; the caller's wish to stop.
 */
#include "claim/observations.h"
#include "claim/sorted.h"

#include "base/folder.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- one row of the table ---------------------------------------------------------------- */

struct work {
    const struct assay_claim_data *data;
    const struct assay_training_runs *runs;
    const struct assay_context *context;
    const struct observation_set *set;
    struct assay_efficiency_table **tables; /* one a fold; NULL: the shipped one */
    struct assay_validation_row *rows; /* MEASURED_COUNT a table row; quantity NULL if absent */
};

static struct assay_interval exactly(double value)
{
    return (struct assay_interval){value, value, value, 0.8};
}

static void predict_row(void *user, size_t i)
{
    struct work *w = user;
    const struct assay_training_run *row = &w->runs->rows[i];
    struct assay_validation_row *out = &w->rows[i * MEASURED_COUNT];
    const struct measured *m = &w->set->measured[i];
    struct assay_prediction prediction;
    struct assay_claim_data data = *w->data;
    bool dropped = !w->set->scored[i];
    if (w->tables)
        data.efficiency = w->tables[w->set->fold[i]];
    /* Rows are the parallel loop already: each predicts on its own thread. */
    struct assay_context alone = {.seed = w->context->seed, .threads = 1};

    struct assay_validation_row base = {.id = row->id,
                                        .source = row->source,
                                        .group = row->group,
                                        .accelerator = row->accelerator,
                                        .layout_known = m->run.plan_known,
                                        .note = w->set->why[i]};
    if (!w->set->readable[i] ||
        assay_claim_predict(&data, &m->run, &alone, &prediction, NULL) != ASSAY_OK) {
        base.quantity = measured_quantity_name(MEASURED_STEP_SECONDS);
        base.measured = row->step_seconds;
        base.predicted = exactly(NAN);
        base.relative_error = NAN;
        if (row->dropped && row->dropped[0])
            base.note = row->dropped;
        out[0] = base;
        return;
    }
    base.note = m->assumed;
    const struct assay_memory *memory = &prediction.step.memory;
    double peak = memory->peak;
    struct assay_interval predicted[MEASURED_COUNT] = {
        [MEASURED_STEP_SECONDS] = prediction.step_seconds,
        [MEASURED_DEVICE_HOURS] = prediction.device_hours,
        [MEASURED_PEAK_MEMORY] = prediction.memory_bytes,
        [MEASURED_FITS] = exactly(peak <= memory->available),
    };
    for (int q = 0; q < MEASURED_COUNT; q++) {
        if (isnan(m->value[q]))
            continue;
        out[q] = base;
        out[q].quantity = measured_quantity_name((enum measured_quantity)q);
        out[q].measured = m->value[q];
        out[q].predicted = predicted[q];
        out[q].relative_error = q == MEASURED_FITS
                                    ? fabs(predicted[q].median - m->value[q])
                                    : (predicted[q].median - m->value[q]) / m->value[q];
        out[q].used = !dropped;
        if (dropped)
            out[q].note = row->dropped;
    }
}

/* ---- summaries ---------------------------------------------------------------------------- */

typedef const char *key_function(const struct assay_validation_row *row);

static const char *group_of(const struct assay_validation_row *row)
{
    return row->group;
}

static const char *accelerator_of(const struct assay_validation_row *row)
{
    return row->accelerator;
}

struct collected {
    double *time, *memory; /* absolute relative errors */
    size_t times, memories, covered, fits, right;
};

static void collect(struct collected *c, const struct assay_validation_row *row)
{
    if (!row->used)
        return;
    if (strcmp(row->quantity, "fits") == 0) {
        c->fits++;
        c->right += row->relative_error == 0;
    } else if (strcmp(row->quantity, "peak_memory_bytes") == 0) {
        c->memory[c->memories++] = fabs(row->relative_error);
    } else {
        c->covered += row->measured >= row->predicted.low && row->measured <= row->predicted.high;
        c->time[c->times++] = fabs(row->relative_error);
    }
}

static struct assay_validation_summary summarise(struct collected *c, const char *name)
{
    struct assay_validation_summary s = {
        .name = name, .n = c->times, .memory_n = c->memories, .fits_n = c->fits};
    sort_doubles(c->time, c->times);
    sort_doubles(c->memory, c->memories);
    s.median_abs_relative_error = quantile_of_sorted(c->time, c->times, 0.5);
    s.p90_abs_relative_error = quantile_of_sorted(c->time, c->times, 0.9);
    s.coverage_80 = c->times ? (double)c->covered / (double)c->times : (double)NAN;
    s.memory_median_abs_relative_error = quantile_of_sorted(c->memory, c->memories, 0.5);
    s.oom_accuracy = c->fits ? (double)c->right / (double)c->fits : (double)NAN;
    c->times = c->memories = c->covered = c->fits = c->right = 0;
    return s;
}

/* One summary a key, in order of first appearance. */
static bool summarise_by(struct assay_validation *v, struct collected *c, key_function *key,
                         const struct assay_validation_summary **summaries, size_t *count)
{
    struct assay_validation_summary *list = assay_arena_alloc(v->arena, v->row_count, sizeof *list);
    size_t n = 0;
    if (!list)
        return false;
    for (size_t i = 0; i < v->row_count; i++) {
        const char *name = key(&v->rows[i]);
        size_t seen = 0;
        while (seen < n && strcmp(list[seen].name, name) != 0)
            seen++;
        if (seen < n)
            continue;
        for (size_t j = i; j < v->row_count; j++)
            if (strcmp(key(&v->rows[j]), name) == 0)
                collect(c, &v->rows[j]);
        list[n++] = summarise(c, name);
    }
    *summaries = list;
    *count = n;
    return true;
}

/* ---- what the model does not explain -------------------------------------------------------- */

/*
 * The sd for which 80% of the log errors of time, over rows whose layout is known, lie inside
 * 1.2816 sd. Rows of `fold` are left out (SIZE_MAX: none).
 */
static double residual_without(const struct work *w, size_t fold, double *errors)
{
    size_t n = 0;
    for (size_t i = 0; i < w->runs->count * MEASURED_COUNT; i++) {
        const struct assay_validation_row *r = &w->rows[i];
        bool time = r->quantity && (strcmp(r->quantity, "step_seconds") == 0 ||
                                    strcmp(r->quantity, "device_hours") == 0);
        if (time && r->used && r->layout_known && w->set->fold[i / MEASURED_COUNT] != fold)
            errors[n++] = fabs(log(r->predicted.median / r->measured));
    }
    sort_doubles(errors, n);
    return n ? quantile_of_sorted(errors, n, 0.8) / 1.2815515655446004 : 0.3;
}

static void set_residual(struct assay_efficiency_table *table, double residual)
{
    for (size_t i = 0; i < table->count; i++)
        if (strcmp(table->rows[i].parameter, "residual") == 0 && !table->rows[i].scope[0])
            table->rows[i].log_value = log(residual);
}

/* Each fold's intervals get the width that the other folds' errors ask for. */
static assay_status widen(struct work *w, struct assay_efficiency_table **tables,
                          struct assay_arena *arena, struct assay_error *error)
{
    double *errors = assay_arena_alloc(arena, w->runs->count * MEASURED_COUNT, sizeof *errors);
    if (!errors)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    for (size_t fold = 0; fold < w->set->folds; fold++) {
        /* folds that nothing was fitted from share a table: their rows' own copy */
        struct assay_efficiency_table *own = assay_arena_alloc(arena, 1, sizeof *own);
        if (!own || !(own->rows = assay_arena_alloc(arena, tables[fold]->count, sizeof *own->rows)))
            return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
        own->count = tables[fold]->count;
        own->factor = tables[fold]->factor;
        memcpy(own->rows, tables[fold]->rows, own->count * sizeof *own->rows);
        set_residual(own, residual_without(w, fold, errors));
        tables[fold] = own;
    }
    return ASSAY_OK;
}

/* ---- the whole ---------------------------------------------------------------------------- */

static assay_status validate(const struct assay_claim_data *data,
                             const struct assay_training_runs *runs,
                             enum assay_cross_validation cross, const struct assay_context *context,
                             struct assay_validation *v, struct collected *c,
                             struct assay_error *error)
{
    struct observation_set set;
    struct assay_efficiency_table **tables = NULL;
    ASSAY_TRY(observations_read(data, runs, cross, context, v->arena, &set, error));
    if (cross != ASSAY_CROSS_NONE)
        ASSAY_TRY(observations_fit(data, &set, cross, context, v->arena, &tables, error));
    struct work work = {
        .data = data, .runs = runs, .context = context, .set = &set, .tables = tables};
    size_t n = runs->count, kept = 0;

    work.rows = assay_arena_alloc(v->arena, n * MEASURED_COUNT, sizeof *work.rows);
    if (!work.rows)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    ASSAY_TRY(assay_parallel_for(context, "runs", n, predict_row, &work, error));
    if (cross != ASSAY_CROSS_NONE) {
        ASSAY_TRY(widen(&work, tables, v->arena, error));
        ASSAY_TRY(assay_parallel_for(context, "runs", n, predict_row, &work, error));
    }
    for (size_t i = 0; i < n * MEASURED_COUNT; i++)
        if (work.rows[i].quantity)
            work.rows[kept++] = work.rows[i];
    v->rows = work.rows;
    v->row_count = kept;

    c->time = assay_arena_alloc(v->arena, kept, sizeof *c->time);
    c->memory = assay_arena_alloc(v->arena, kept, sizeof *c->memory);
    if (!c->time || !c->memory || !summarise_by(v, c, group_of, &v->groups, &v->group_count) ||
        !summarise_by(v, c, accelerator_of, &v->accelerators, &v->accelerator_count))
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    for (int known = 0; known <= 1; known++) {
        for (size_t i = 0; i < kept; i++)
            if (v->rows[i].layout_known == (known == 1))
                collect(c, &v->rows[i]);
        *(known ? &v->known_layout : &v->unknown_layout) = summarise(c, NULL);
    }
    for (size_t i = 0; i < kept; i++)
        collect(c, &v->rows[i]);
    v->all = summarise(c, NULL);
    return ASSAY_OK;
}

assay_status assay_claim_validate(const struct assay_claim_data *data,
                                  const struct assay_training_runs *runs,
                                  enum assay_cross_validation cross,
                                  const struct assay_context *context,
                                  struct assay_validation *validation, struct assay_error *error)
{
    struct collected collected = {0};
    memset(validation, 0, sizeof *validation);
    validation->arena = assay_arena_new();
    if (!validation->arena)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    assay_status status = validate(data, runs, cross, context, validation, &collected, error);
    if (status != ASSAY_OK)
        assay_validation_free(validation);
    return status;
}

void assay_validation_free(struct assay_validation *validation)
{
    assay_arena_free(validation->arena);
    memset(validation, 0, sizeof *validation);
}

/* ---- calibration ---------------------------------------------------------------------------- */

/* The same from a finished cross-validation, all folds together. */
static double residual_of(const struct assay_validation *v, double *errors)
{
    size_t n = 0;
    for (size_t i = 0; i < v->row_count; i++) {
        const struct assay_validation_row *r = &v->rows[i];
        bool time =
            strcmp(r->quantity, "step_seconds") == 0 || strcmp(r->quantity, "device_hours") == 0;
        if (r->used && r->layout_known && time)
            errors[n++] = fabs(log(r->predicted.median / r->measured));
    }
    sort_doubles(errors, n);
    return quantile_of_sorted(errors, n, 0.8) / 1.2815515655446004;
}

static assay_status fit_all(const struct assay_claim_data *data,
                            const struct assay_training_runs *runs,
                            const struct assay_context *context, struct assay_arena *arena,
                            double residual, const char *folder, struct assay_error *error)
{
    struct observation_set set;
    struct assay_efficiency_table **tables;
    ASSAY_TRY(observations_read(data, runs, ASSAY_CROSS_NONE, context, arena, &set, error));
    ASSAY_TRY(observations_fit(data, &set, ASSAY_CROSS_NONE, context, arena, &tables, error));
    set_residual(tables[0], residual);
    return efficiency_write(folder, tables[0], error);
}

assay_status assay_claim_calibrate(const struct assay_claim_data *data,
                                   const struct assay_training_runs *runs,
                                   const struct assay_context *context, const char *folder,
                                   struct assay_error *error)
{
    struct assay_validation validation;
    for (size_t i = 0; i < runs->count; i++)
        if (runs->rows[i].unreadable)
            return assay_error_at(error, ASSAY_ERROR_INPUT, runs->file.path, runs->rows[i].line,
                                  "a fit to half a table is no fit: %s",
                                  strstr(runs->rows[i].unreadable, "found"));
    ASSAY_TRY(folder_make(folder, error));
    ASSAY_TRY(assay_claim_validate(data, runs, ASSAY_CROSS_SOURCE, context, &validation, error));
    double *errors = assay_arena_alloc(validation.arena, validation.row_count, sizeof *errors);
    assay_status status =
        validation.all.n == 0 ? assay_error_at(error, ASSAY_ERROR_UNANSWERABLE, runs->file.path, 0,
                                               "no row of it can be predicted: nothing to fit to")
        : errors ? fit_all(data, runs, context, validation.arena, residual_of(&validation, errors),
                           folder, error)
                 : assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    assay_validation_free(&validation);
    return status;
}
