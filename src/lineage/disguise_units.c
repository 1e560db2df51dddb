/* SPDX-License-Identifier: Apache-2.0 */
/* Disguises of layers and feed-forward units: dropping, pruning, scaling, renumbering. */
#include "lineage/model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static assay_status no_memory(struct step_input *in)
{
    return assay_error_at(in->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

struct feed_forward {
    struct weight *gate, *up, *down; /* gate may be NULL */
    uint64_t units;
};

static assay_status feed_forward(struct step_input *in, long layer, struct feed_forward *f)
{
    f->gate = model_find(in->model, ROLE_GATE, layer);
    f->up = model_find(in->model, ROLE_UP, layer);
    f->down = model_find(in->model, ROLE_DOWN, layer);
    if (!f->up || !f->down || f->up->rows != f->down->columns ||
        (f->gate && f->gate->rows != f->up->rows))
        return assay_error_at(in->error, ASSAY_ERROR_UNSUPPORTED, in->model->path, 0,
                              "layer %ld has no feed-forward part that Assay recognises", layer);
    f->units = f->up->rows;
    return ASSAY_OK;
}

/* ---- layers -------------------------------------------------------------------------- */

/* The name with another layer number in the place of the first. */
static const char *renumbered(struct model *model, const char *name, long from, long to)
{
    char digits[24], *at;
    snprintf(digits, sizeof digits, ".%ld.", from);
    at = strstr(name, digits);
    return at ? assay_arena_print(model->arena, "%.*s.%ld.%s", (int)(at - name), name, to,
                                  at + strlen(digits))
              : name;
}

assay_status step_drop_layers(struct step_input *in, const char *list)
{
    long layers = model_layers(in->model);
    bool *drop = assay_arena_alloc(in->model->arena, (size_t)layers + 1, sizeof *drop);
    if (!drop)
        return no_memory(in);
    for (const char *at = list; *at;) {
        char *end;
        long layer = strtol(at, &end, 10);
        if (end == at || layer < 0 || layer >= layers || (*end && *end != ','))
            return assay_error_at(in->error, ASSAY_ERROR_INPUT, NULL, 0,
                                  "expected layers of 0 to %ld with commas, found \"%.60s\"",
                                  layers - 1, list);
        drop[layer] = true;
        at = *end ? end + 1 : end;
    }
    for (size_t i = 0; i < in->model->count; i++) {
        struct weight *w = &in->model->weights[i];
        long to = 0;
        if (w->role.layer < 0)
            continue;
        w->dropped = drop[w->role.layer];
        for (long l = 0; l < w->role.layer; l++)
            to += !drop[l];
        w->name = renumbered(in->model, w->name, w->role.layer, to);
        w->role.layer = to;
        if (!w->name)
            return no_memory(in);
    }
    return ASSAY_OK;
}

/* ---- rows and columns --------------------------------------------------------------------------
 */

/* New row i is old row from[i]; `count` rows remain. */
static bool take_rows(struct weight *w, const uint64_t *from, uint64_t count)
{
    float *copy = malloc((size_t)(w->rows * w->columns + 1) * sizeof *copy);
    if (!copy)
        return false;
    memcpy(copy, w->values, (size_t)(w->rows * w->columns) * sizeof *copy);
    for (uint64_t i = 0; i < count; i++)
        memcpy(w->values + i * w->columns, copy + from[i] * w->columns,
               (size_t)w->columns * sizeof *copy);
    w->rows = w->shape[0] = count;
    free(copy);
    return true;
}

static bool take_columns(struct weight *w, const uint64_t *from, uint64_t count)
{
    float *copy = malloc((size_t)(w->rows * w->columns + 1) * sizeof *copy);
    if (!copy)
        return false;
    memcpy(copy, w->values, (size_t)(w->rows * w->columns) * sizeof *copy);
    for (uint64_t r = 0; r < w->rows; r++)
        for (uint64_t i = 0; i < count; i++)
            w->values[r * count + i] = copy[r * w->columns + from[i]];
    w->columns = w->shape[w->rank - 1] = count;
    free(copy);
    return true;
}

static bool take_units(struct feed_forward *f, const uint64_t *from, uint64_t count)
{
    return (!f->gate || take_rows(f->gate, from, count)) && take_rows(f->up, from, count) &&
           take_columns(f->down, from, count);
}

/* ---- pruning ------------------------------------------------------------------------- */

struct strength {
    double value;
    uint64_t unit;
};

static int by_strength(const void *a, const void *b)
{
    const struct strength *x = a, *y = b;
    return (x->value < y->value) - (x->value > y->value);
}

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static double row_energy(const struct weight *w, uint64_t row)
{
    double sum = 0;
    for (uint64_t c = 0; c < w->columns; c++)
        sum += (double)w->values[row * w->columns + c] * (double)w->values[row * w->columns + c];
    return sum;
}

static assay_status prune_layer(struct step_input *in, struct feed_forward *f, double share)
{
    uint64_t left = f->units - (uint64_t)(share * (double)f->units);
    struct strength *order = malloc((size_t)f->units * sizeof *order);
    uint64_t *kept = malloc((size_t)(f->units + 1) * sizeof *kept);
    bool done = order && kept;
    for (uint64_t i = 0; i < f->units && done; i++)
        order[i] =
            (struct strength){row_energy(f->up, i) * (f->gate ? row_energy(f->gate, i) : 1), i};
    if (done) {
        qsort(order, (size_t)f->units, sizeof *order, by_strength);
        for (uint64_t i = 0; i < left; i++)
            kept[i] = order[i].unit;
        qsort(kept, (size_t)left, sizeof *kept, by_number);
        done = take_units(f, kept, left);
    }
    free(order);
    free(kept);
    return done ? ASSAY_OK : no_memory(in);
}

assay_status step_prune(struct step_input *in, double share)
{
    for (long layer = 0; layer < model_layers(in->model); layer++) {
        struct feed_forward f;
        ASSAY_TRY(feed_forward(in, layer, &f));
        ASSAY_TRY(prune_layer(in, &f, share));
    }
    return ASSAY_OK;
}

/* ---- scaling: up by s, down by 1/s; the gate's nonlinearity is left alone ------------ */

assay_status step_rescale(struct step_input *in)
{
    for (long layer = 0; layer < model_layers(in->model); layer++) {
        struct feed_forward f;
        ASSAY_TRY(feed_forward(in, layer, &f));
        if (!f.gate)
            return assay_error_at(in->error, ASSAY_ERROR_UNSUPPORTED, in->model->path, 0,
                                  "rescaling needs a gated feed-forward part");
        for (uint64_t i = 0; i < f.units; i++) {
            float scale = (float)exp(0.5 * assay_random_normal(in->random));
            if (assay_random_below(in->random, 2))
                scale = -scale;
            for (uint64_t c = 0; c < f.up->columns; c++)
                f.up->values[i * f.up->columns + c] *= scale;
            for (uint64_t r = 0; r < f.down->rows; r++)
                f.down->values[r * f.down->columns + i] /= scale;
        }
    }
    return ASSAY_OK;
}

/* ---- renumbering --------------------------------------------------------------------- */

static uint64_t *shuffled(struct step_input *in, uint64_t n)
{
    uint64_t *order = malloc((size_t)(n + 1) * sizeof *order);
    for (uint64_t i = 0; order && i < n; i++)
        order[i] = i;
    for (uint64_t i = n; order && i > 1; i--) {
        uint64_t other = assay_random_below(in->random, i), swap = order[i - 1];
        order[i - 1] = order[other];
        order[other] = swap;
    }
    return order;
}

static bool permute_residual(struct model *model, const uint64_t *order, uint64_t n)
{
    for (size_t i = 0; i < model->count; i++) {
        struct weight *w = &model->weights[i];
        enum role role = w->role.role;
        bool reads = role == ROLE_EMBEDDING || role == ROLE_HEAD || role == ROLE_Q ||
                     role == ROLE_K || role == ROLE_V || role == ROLE_QKV || role == ROLE_GATE ||
                     role == ROLE_UP || role == ROLE_ROUTER;
        bool writes = role == ROLE_O || role == ROLE_DOWN;
        if (w->dropped)
            continue;
        if (w->rank == 2 && reads && w->columns == n && !take_columns(w, order, n))
            return false;
        if (((w->rank == 2 && writes) || (w->rank == 1 && role == ROLE_NORM)) && w->rows == n &&
            !take_rows(w, order, n))
            return false;
    }
    return true;
}

assay_status step_permute(struct step_input *in)
{
    const struct weight *embedding = model_find(in->model, ROLE_EMBEDDING, -1);
    if (!embedding)
        return assay_error_at(in->error, ASSAY_ERROR_UNSUPPORTED, in->model->path, 0,
                              "renumbering needs an embedding that Assay recognises");
    for (long layer = 0; layer < model_layers(in->model); layer++) {
        struct feed_forward f;
        ASSAY_TRY(feed_forward(in, layer, &f));
        uint64_t *order = shuffled(in, f.units);
        bool done = order && take_units(&f, order, f.units);
        free(order);
        if (!done)
            return no_memory(in);
    }
    uint64_t *order = shuffled(in, embedding->columns);
    bool done = order && permute_residual(in->model, order, embedding->columns);
    free(order);
    return done ? ASSAY_OK : no_memory(in);
}
