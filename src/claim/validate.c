/* SPDX-License-Identifier: Apache-2.0 */
/*
 * validate: every measured quantity of every row against its prediction. In: the table of
 * training runs. Out: rows and summaries. A row that cannot be predicted stays, unused, with the
 * reason. What can go wrong: memory; the caller's wish to stop.
 */
#include "claim/measured.h"
#include "claim/sorted.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- one row of the table ---------------------------------------------------------------- */

struct work {
    const struct assay_claim_data *data;
    const struct assay_training_runs *runs;
    const struct assay_context *context;
    struct assay_validation_row *rows; /* MEASURED_COUNT a table row; quantity NULL if absent */
    char (*notes)[256];
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
    struct measured m;
    struct assay_prediction prediction;
    char *note = w->notes[i];
    bool readable = measured_read(w->data, row, &m, note, sizeof w->notes[i]);
    bool dropped = row->dropped && row->dropped[0];
    /* Rows are the parallel loop already: each predicts on its own thread. */
    struct assay_context alone = {.seed = w->context->seed, .threads = 1};

    struct assay_validation_row base = {.id = row->id,
                                        .source = row->source,
                                        .group = row->group,
                                        .accelerator = row->accelerator,
                                        .layout_known = m.run.plan_known,
                                        .note = note};
    if (!readable || assay_claim_predict(w->data, &m.run, &alone, &prediction, NULL) != ASSAY_OK) {
        base.quantity = measured_quantity_name(MEASURED_STEP_SECONDS);
        base.measured = row->step_seconds;
        base.predicted = exactly(NAN);
        base.relative_error = NAN;
        if (dropped)
            base.note = row->dropped;
        out[0] = base;
        return;
    }
    strncpy(note, m.assumed, sizeof w->notes[i] - 1);
    const struct assay_memory *memory = &prediction.step.memory;
    double peak = memory->peak;
    struct assay_interval predicted[MEASURED_COUNT] = {
        [MEASURED_STEP_SECONDS] = prediction.step_seconds,
        [MEASURED_DEVICE_HOURS] = prediction.device_hours,
        [MEASURED_PEAK_MEMORY] = prediction.memory_bytes,
        [MEASURED_FITS] = exactly(peak <= memory->available),
    };
    for (int q = 0; q < MEASURED_COUNT; q++) {
        if (isnan(m.value[q]))
            continue;
        out[q] = base;
        out[q].quantity = measured_quantity_name((enum measured_quantity)q);
        out[q].measured = m.value[q];
        out[q].predicted = predicted[q];
        out[q].relative_error = q == MEASURED_FITS
                                    ? fabs(predicted[q].median - m.value[q])
                                    : (predicted[q].median - m.value[q]) / m.value[q];
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

/* ---- the whole ---------------------------------------------------------------------------- */

static assay_status validate(const struct assay_claim_data *data,
                             const struct assay_training_runs *runs,
                             const struct assay_context *context, struct assay_validation *v,
                             struct collected *c, struct assay_error *error)
{
    struct work work = {.data = data, .runs = runs, .context = context};
    size_t n = runs->count, kept = 0;

    work.rows = assay_arena_alloc(v->arena, n * MEASURED_COUNT, sizeof *work.rows);
    work.notes = assay_arena_alloc(v->arena, n, sizeof *work.notes);
    if (!work.rows || !work.notes)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    ASSAY_TRY(assay_parallel_for(context, "runs", n, predict_row, &work, error));
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
                                  const struct assay_context *context,
                                  struct assay_validation *validation, struct assay_error *error)
{
    struct collected collected = {0};
    memset(validation, 0, sizeof *validation);
    validation->arena = assay_arena_new();
    if (!validation->arena)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    assay_status status = validate(data, runs, context, validation, &collected, error);
    if (status != ASSAY_OK)
        assay_validation_free(validation);
    return status;
}

void assay_validation_free(struct assay_validation *validation)
{
    assay_arena_free(validation->arena);
    memset(validation, 0, sizeof *validation);
}
