/* SPDX-License-Identifier: Apache-2.0 */
/* A transformer's feed-forward units as vectors in its residual stream. */
#include "lineage/body.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct matrix *find(const struct matrices *all, enum role role, long layer)
{
    for (size_t i = 0; i < all->count; i++)
        if (all->list[i].name.role == role && all->list[i].name.layer == layer &&
            all->list[i].name.expert < 0 && !all->list[i].ignored && all->list[i].shape.inner == 1)
            return &all->list[i];
    return NULL;
}

static const struct assay_tensor *norm_before(const struct assay_checkpoint *c, long layer,
                                              uint64_t width)
{
    static const char *const words[] = {"ffn_norm.weight", "post_attention_layernorm.weight",
                                        "ln_2.weight"};
    for (size_t i = 0; i < c->count; i++) {
        const struct assay_tensor *t = &c->tensors[i];
        for (size_t w = 0; w < sizeof words / sizeof words[0]; w++)
            if (t->elements == width && !t->unreadable && strstr(t->name, words[w]) &&
                role_of(t->name).layer == layer)
                return t;
    }
    return NULL;
}

bool body_find(const struct assay_checkpoint *c, const struct matrices *all,
               struct assay_arena *arena, struct body *body)
{
    long layers = 0;
    memset(body, 0, sizeof *body);
    body->embedding = find(all, ROLE_EMBEDDING, -1);
    if (!body->embedding)
        return false;
    body->width = body->embedding->shape.in;
    for (size_t i = 0; i < all->count; i++)
        if (all->list[i].name.role == ROLE_UP && all->list[i].name.layer >= layers)
            layers = all->list[i].name.layer + 1;
    if (layers > 4096)
        return false;
    body->layers = assay_arena_alloc(arena, (size_t)layers, sizeof *body->layers);
    if (!body->layers)
        return false;
    for (long l = 0; l < layers; l++) {
        struct body_layer *layer = &body->layers[l];
        layer->part[PART_GATE] = find(all, ROLE_GATE, l);
        layer->part[PART_UP] = find(all, ROLE_UP, l);
        layer->part[PART_DOWN] = find(all, ROLE_DOWN, l);
        layer->norm = norm_before(c, l, body->width);
        if (!layer->part[PART_UP] || !layer->part[PART_DOWN] ||
            layer->part[PART_UP]->shape.in != body->width ||
            layer->part[PART_DOWN]->shape.out != body->width)
            return false; /* GPT-2's transposed form, or experts: not this way */
        layer->units = layer->part[PART_UP]->shape.out;
        if (layer->part[PART_DOWN]->shape.in != layer->units ||
            (layer->part[PART_GATE] && layer->part[PART_GATE]->shape.out != layer->units))
            return false;
    }
    body->layer_count = (size_t)layers;
    return layers > 0;
}

/* ---- units -------------------------------------------------------------------------------------
 */

static assay_status read_rows(const struct matrix *m, const size_t *numbers, uint64_t count,
                              struct units *u, struct assay_error *error)
{
    for (uint64_t i = 0; i < count; i++)
        ASSAY_TRY(assay_tensor_read(m->tensor, numbers[i] * m->shape.in, m->shape.in,
                                    u->values + i * u->width, error));
    return ASSAY_OK;
}

static assay_status read_columns(const struct matrix *m, const size_t *numbers, uint64_t count,
                                 struct units *u, struct assay_error *error)
{
    float *row = malloc((size_t)m->shape.in * sizeof *row);
    assay_status status =
        row ? ASSAY_OK : assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    for (uint64_t r = 0; r < m->shape.out && status == ASSAY_OK; r++) {
        status = assay_tensor_read(m->tensor, r * m->shape.in, m->shape.in, row, error);
        for (uint64_t i = 0; i < count && status == ASSAY_OK; i++)
            u->values[i * u->width + r] = row[numbers[i]];
    }
    free(row);
    return status;
}

static assay_status fold_norm(const struct assay_tensor *norm, uint64_t width, struct units *u,
                              uint64_t count, struct assay_error *error)
{
    float *scale = malloc((size_t)width * sizeof *scale);
    assay_status status = scale
                              ? assay_tensor_read(norm, 0, width, scale, error)
                              : assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    for (uint64_t i = 0; i < count && status == ASSAY_OK; i++)
        for (uint64_t c = 0; c < width; c++)
            u->values[i * u->width + c] *= scale[c];
    free(scale);
    return status;
}

static assay_status apply_turn(const struct turn *turn, struct units *u, uint64_t count,
                               struct assay_error *error)
{
    uint64_t n = turn->width;
    float *row = malloc((size_t)n * sizeof *row);
    if (!row)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    for (uint64_t i = 0; i < count; i++) {
        float *values = u->values + i * u->width;
        memset(row, 0, (size_t)n * sizeof *row);
        for (uint64_t c = 0; turn->to && c < n; c++)
            row[c] = values[turn->to[c]];
        for (uint64_t k = 0; turn->q && k < n; k++)
            for (uint64_t c = 0; c < n; c++)
                row[c] += values[k] * turn->q[k * n + c];
        memcpy(values, row, (size_t)n * sizeof *row);
    }
    free(row);
    return ASSAY_OK;
}

static void make_unit_length(struct units *u, uint64_t count, bool both_signs, float *lengths)
{
    for (uint64_t i = 0; i < count; i++) {
        float *row = u->values + i * u->width;
        double sum = 0;
        for (size_t c = 0; c < u->width; c++) {
            row[c] = isfinite(row[c]) ? row[c] : 0;
            sum += (double)row[c] * (double)row[c];
        }
        lengths[i] = (float)sqrt(sum);
        float scale = sum > 0 ? (float)(1 / sqrt(sum)) : 0;
        for (size_t c = 0; c < u->width; c++) {
            row[c] *= scale;
            if (both_signs)
                row[count * u->width + c] = -row[c];
        }
    }
}

assay_status body_units(const struct body_layer *layer, enum part part, uint64_t count,
                        bool both_signs, const struct turn *turn, struct units *units,
                        size_t *numbers, float *lengths, uint64_t *bytes_read,
                        struct assay_error *error)
{
    const struct matrix *m = layer->part[part];
    uint64_t width = part == PART_DOWN ? m->shape.out : m->shape.in;
    if (count > layer->units)
        count = layer->units;
    for (uint64_t i = 0; i < count; i++)
        numbers[i] = (size_t)((double)i * (double)layer->units / (double)count);
    if (!units_new(units, (size_t)(both_signs ? 2 * count : count), (size_t)width))
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    assay_status status = part == PART_DOWN ? read_columns(m, numbers, count, units, error)
                                            : read_rows(m, numbers, count, units, error);
    if (status == ASSAY_OK && part != PART_DOWN && layer->norm)
        status = fold_norm(layer->norm, width, units, count, error);
    if (status == ASSAY_OK && turn)
        status = apply_turn(turn, units, count, error);
    make_unit_length(units, count, both_signs, lengths);
    *bytes_read += 4 * width * (part == PART_DOWN ? m->shape.in : count);
    if (status != ASSAY_OK)
        units_free(units);
    return status;
}
