/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Disguises that stand for further training. `tune` imitates what full fine-tuning leaves: a
 * smooth part of few directions whose weights fall as 1/k (updates of fine-tuning lie in a
 * subspace of low dimension: Aghajanyan et al. 2021), a sparse part, and embeddings of some
 * tokens only. It is an imitation: no loss is computed. `lora` adds a product of two thin matrices
 * (Hu et al. 2022) to attention and feed-forward weights.
 */
#include "lineage/model.h"

#include <math.h>
#include <stdlib.h>

#define LORA_SIZE 0.1    /* of the matrix's length */
#define SPARSE_SHARE 0.2 /* of an update's energy, in a hundredth of the weights */
#define TOUCHED_TOKENS 0.3

/* Adds the sum over k < rank of weight(k) u_k v_k^T, scaled to `size` times W's own length. */
static assay_status add_product(struct step_input *in, struct weight *w, uint64_t rank,
                                bool falling, double size)
{
    uint64_t n = w->rows * w->columns;
    double *delta = calloc((size_t)n, sizeof *delta), energy = 0;
    double *u = malloc((size_t)w->rows * sizeof *u), *v = malloc((size_t)w->columns * sizeof *v);
    bool room = delta && u && v;
    for (uint64_t k = 0; k < rank && room; k++) {
        double weight = falling ? 1 / (double)(k + 1) : 1;
        for (uint64_t r = 0; r < w->rows; r++)
            u[r] = weight * assay_random_normal(in->random);
        for (uint64_t c = 0; c < w->columns; c++)
            v[c] = assay_random_normal(in->random);
        for (uint64_t r = 0; r < w->rows; r++)
            for (uint64_t c = 0; c < w->columns; c++)
                delta[r * w->columns + c] += u[r] * v[c];
    }
    for (uint64_t i = 0; i < n && room; i++)
        energy += delta[i] * delta[i];
    double scale = energy > 0 ? size * weight_size(w) * sqrt((double)n / energy) : 0;
    for (uint64_t i = 0; i < n && room; i++)
        w->values[i] += (float)(scale * delta[i]);
    free(delta);
    free(u);
    free(v);
    return room ? ASSAY_OK : step_no_memory(in);
}

/* ---- full fine-tuning, imitated ------------------------------------------------------ */

static assay_status tune_matrix(struct step_input *in, struct weight *w, double size)
{
    uint64_t least = w->rows < w->columns ? w->rows : w->columns, n = w->rows * w->columns;
    double own = weight_size(w), each = size * sqrt(SPARSE_SHARE / 0.01) * own;
    ASSAY_TRY(add_product(in, w, least, true, size * sqrt(1 - SPARSE_SHARE)));
    for (uint64_t i = 0; i < n / 100; i++)
        w->values[assay_random_below(in->random, n)] +=
            (float)(each * assay_random_normal(in->random));
    return ASSAY_OK;
}

static void tune_table(struct step_input *in, struct weight *w, double size)
{
    double own = weight_size(w);
    for (uint64_t r = 0; r < w->rows; r++) {
        bool touched = assay_random_uniform(in->random) < TOUCHED_TOKENS;
        for (uint64_t c = 0; c < w->columns && touched; c++)
            w->values[r * w->columns + c] += (float)(size * own * assay_random_normal(in->random));
    }
}

assay_status step_tune(struct step_input *in, double size)
{
    for (size_t i = 0; i < in->model->count; i++) {
        struct weight *w = &in->model->weights[i];
        enum role role = w->role.role;
        if (w->dropped || role == ROLE_BUFFER)
            continue;
        if (role == ROLE_NORM)
            for (uint64_t k = 0; k < w->rows * w->columns; k++)
                w->values[k] *= (float)(1 + 0.1 * size * assay_random_normal(in->random));
        else if (role == ROLE_EMBEDDING)
            tune_table(in, w, size);
        else if (w->rank >= 2)
            ASSAY_TRY(tune_matrix(in, w, size));
    }
    return ASSAY_OK;
}

/* ---- LoRA ---------------------------------------------------------------------------- */

assay_status step_lora(struct step_input *in, unsigned rank)
{
    size_t changed = 0;
    for (size_t i = 0; i < in->model->count; i++) {
        struct weight *w = &in->model->weights[i];
        enum role role = w->role.role;
        bool adapted = role == ROLE_Q || role == ROLE_K || role == ROLE_V || role == ROLE_QKV ||
                       role == ROLE_O || role == ROLE_GATE || role == ROLE_UP || role == ROLE_DOWN;
        if (w->dropped || w->rank != 2 || !adapted)
            continue;
        if (rank > w->rows || rank > w->columns)
            return assay_error_at(in->error, ASSAY_ERROR_INPUT, in->model->source->path, 0,
                                  "a rank of %u is more than \"%.80s\" has rows or columns", rank,
                                  w->name);
        ASSAY_TRY(add_product(in, w, rank, false, LORA_SIZE));
        changed++;
    }
    if (changed == 0)
        return assay_error_at(in->error, ASSAY_ERROR_UNSUPPORTED, in->model->source->path, 0,
                              "no attention or feed-forward matrix is recognised by its name");
    return ASSAY_OK;
}
