/* SPDX-License-Identifier: Apache-2.0 */
/* Disguises of values: turning the residual stream, noise, rounding to a grid. */
#include "lineage/model.h"

#include "formats/small_floats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

assay_status step_no_memory(struct step_input *in)
{
    return assay_error_at(in->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

uint64_t *step_shuffled(struct step_input *in, uint64_t n)
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

/* ---- rotation ----------------------------------------------------------------------------------
 */

/* Made orthonormal twice over, for accuracy. */
double *step_random_rotation(struct step_input *in, uint64_t n)
{
    double *q = calloc((size_t)(n * n), sizeof *q);
    for (uint64_t i = 0; q && i < n; i++) {
        double *row = q + i * n, length = 0;
        for (uint64_t c = 0; c < n; c++)
            row[c] = assay_random_normal(in->random);
        for (int pass = 0; pass < 2; pass++)
            for (uint64_t j = 0; j < i; j++) {
                double dot = 0;
                for (uint64_t c = 0; c < n; c++)
                    dot += row[c] * q[j * n + c];
                for (uint64_t c = 0; c < n; c++)
                    row[c] -= dot * q[j * n + c];
            }
        for (uint64_t c = 0; c < n; c++)
            length += row[c] * row[c];
        for (uint64_t c = 0; c < n; c++)
            row[c] /= sqrt(length);
    }
    return q;
}

/* W becomes W Q. */
static bool turn_columns(struct weight *w, const double *q, uint64_t n)
{
    double *row = malloc((size_t)n * sizeof *row);
    for (uint64_t r = 0; row && r < w->rows; r++) {
        float *values = w->values + r * n;
        memset(row, 0, (size_t)n * sizeof *row);
        for (uint64_t k = 0; k < n; k++)
            for (uint64_t c = 0; c < n; c++)
                row[c] += (double)values[k] * q[k * n + c];
        for (uint64_t c = 0; c < n; c++)
            values[c] = (float)row[c];
    }
    free(row);
    return row != NULL;
}

/* W becomes Q^T W. */
static bool turn_rows(struct weight *w, const double *q, uint64_t n)
{
    double *all = calloc((size_t)(n * w->columns), sizeof *all);
    for (uint64_t k = 0; all && k < n; k++)
        for (uint64_t r = 0; r < n; r++)
            for (uint64_t c = 0; c < w->columns; c++)
                all[r * w->columns + c] += q[k * n + r] * (double)w->values[k * w->columns + c];
    for (uint64_t i = 0; all && i < n * w->columns; i++)
        w->values[i] = (float)all[i];
    free(all);
    return all != NULL;
}

/* The norm's scales go into the weight that reads it. */
static void fold(const struct weight *norm, struct weight *reader)
{
    if (!norm || !reader || norm->rows != reader->columns)
        return;
    for (uint64_t r = 0; r < reader->rows; r++)
        for (uint64_t c = 0; c < reader->columns; c++)
            reader->values[r * reader->columns + c] *= norm->values[c];
}

static void make_ones(struct weight *norm)
{
    for (uint64_t c = 0; norm && c < norm->rows; c++)
        norm->values[c] = 1;
}

/* A tied head needs weights of its own before the last norm can be folded into it. */
static assay_status untie_head(struct step_input *in)
{
    struct model *model = in->model;
    const struct weight *embedding = model_find(model, ROLE_EMBEDDING, -1);
    if (model_find(model, ROLE_HEAD, -1))
        return ASSAY_OK;
    struct weight *head = model_copy(model, embedding);
    if (!head)
        return step_no_memory(in);
    head->role.role = ROLE_HEAD;
    head->name = strstr(head->name, "embed_tokens") ? "lm_head.weight" : "output.weight";
    return ASSAY_OK;
}

/* The scales of every norm go into the matrices that read what it gives. */
static void fold_norms(struct model *model)
{
    for (size_t i = 0; i < model->count; i++) {
        struct weight *w = &model->weights[i];
        enum role role = w->role.role;
        if (w->dropped || w->rank != 2)
            continue;
        if (role == ROLE_Q || role == ROLE_K || role == ROLE_V || role == ROLE_QKV)
            fold(model_norm(model, false, w->role.layer), w);
        else if (role == ROLE_GATE || role == ROLE_UP || role == ROLE_ROUTER)
            fold(model_norm(model, true, w->role.layer), w);
        else if (role == ROLE_HEAD)
            fold(model_norm(model, false, -1), w);
    }
    for (long layer = -1; layer < model_layers(model); layer++) {
        make_ones(model_norm(model, false, layer));
        if (layer >= 0)
            make_ones(model_norm(model, true, layer));
    }
}

static assay_status can_turn(struct step_input *in)
{
    const char *path = in->model->source->path;
    const struct weight *embedding = model_find(in->model, ROLE_EMBEDDING, -1);
    if (!embedding || embedding->columns > 16384)
        return assay_error_at(in->error, ASSAY_ERROR_UNSUPPORTED, path, 0,
                              "turning needs an embedding that Assay recognises, of width 16384 "
                              "at most");
    for (size_t i = 0; i < in->model->count; i++) {
        const struct weight *w = &in->model->weights[i];
        if (!w->dropped && w->role.role == ROLE_NORM && strstr(w->name, "bias"))
            return assay_error_at(in->error, ASSAY_ERROR_UNSUPPORTED, path, 0,
                                  "\"%.80s\": a norm that shifts, and takes a mean off, does not "
                                  "turn with the residual stream",
                                  w->name);
    }
    return ASSAY_OK;
}

/* A vector that is written into the residual stream turns as a matrix of one column does. */
assay_status step_rotate(struct step_input *in)
{
    ASSAY_TRY(can_turn(in));
    ASSAY_TRY(untie_head(in));
    uint64_t n = model_find(in->model, ROLE_EMBEDDING, -1)->columns;
    fold_norms(in->model);
    double *q = step_random_rotation(in, n);
    bool done = q != NULL;
    for (size_t i = 0; i < in->model->count && done; i++) {
        struct weight *w = &in->model->weights[i];
        enum role role = w->role.role;
        bool writes = role == ROLE_O || role == ROLE_DOWN;
        if (w->dropped || w->rank > 2)
            continue;
        if (writes && w->rows == n)
            done = turn_rows(w, q, n);
        else if (w->rank == 2 && role != ROLE_UNKNOWN && role != ROLE_BUFFER && !writes &&
                 w->columns == n)
            done = turn_columns(w, q, n);
    }
    free(q);
    return done ? ASSAY_OK : step_no_memory(in);
}

assay_status step_noise(struct step_input *in, double deviations)
{
    for (size_t i = 0; i < in->model->count; i++) {
        struct weight *w = &in->model->weights[i];
        uint64_t n = w->rows * w->columns;
        double sum = 0, squares = 0;
        if (w->dropped || w->rank < 2 || w->role.role == ROLE_BUFFER)
            continue;
        for (uint64_t k = 0; k < n; k++) {
            sum += (double)w->values[k];
            squares += (double)w->values[k] * (double)w->values[k];
        }
        double spread = sqrt(fmax(0, squares / (double)n - sum * sum / (double)n / (double)n));
        for (uint64_t k = 0; k < n; k++)
            w->values[k] += (float)(deviations * spread * assay_random_normal(in->random));
    }
    return ASSAY_OK;
}

/* ---- grids --------------------------------------------------------------------------- */

static void round_block(float *x, uint64_t n, const char *grid)
{
    float most = 0, extreme = 0;
    for (uint64_t i = 0; i < n; i++)
        if (fabsf(x[i]) > most) {
            most = fabsf(x[i]);
            extreme = x[i];
        }
    bool eight = strcmp(grid, "q8_0") == 0;
    float step = small_float_half(small_float_to_half(eight ? most / 127 : extreme / -8));
    for (uint64_t i = 0; i < n && step != 0; i++) {
        float q = roundf(x[i] / step);
        q = eight ? fminf(127, fmaxf(-127, q)) : fminf(7, fmaxf(-8, q));
        x[i] = q * step;
    }
}

assay_status step_quantise(struct step_input *in, const char *grid)
{
    bool half = strcmp(grid, "f16") == 0 || strcmp(grid, "bf16") == 0;
    if (!half && strcmp(grid, "q8_0") != 0 && strcmp(grid, "q4_0") != 0)
        return assay_error_at(in->error, ASSAY_ERROR_INPUT, NULL, 0,
                              "unknown grid \"%.40s\", expected f16, bf16, q8_0 or q4_0", grid);
    for (size_t i = 0; i < in->model->count && !half; i++) { /* 16 bits: when written */
        struct weight *w = &in->model->weights[i];
        if (w->dropped || w->rank < 2)
            continue;
        for (uint64_t r = 0; r < w->rows; r++)
            for (uint64_t c = 0; c < w->columns; c += 32)
                round_block(w->values + r * w->columns + c,
                            w->columns - c < 32 ? w->columns - c : 32, grid);
    }
    return ASSAY_OK;
}
