/* SPDX-License-Identifier: Apache-2.0 */
/* A transformer's feed-forward units as vectors in its residual stream. */
#include "lineage/body.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_BLOCKS 4096

static const struct matrix *find(const struct matrices *all, enum role role, long layer,
                                 long expert)
{
    for (size_t i = 0; i < all->count; i++)
        if (all->list[i].name.role == role && all->list[i].name.layer == layer &&
            all->list[i].name.expert == expert && !all->list[i].ignored &&
            all->list[i].shape.inner == 1)
            return &all->list[i];
    return NULL;
}

static const struct assay_tensor *norm_named(const struct assay_checkpoint *c,
                                             const char *const *words, long layer, uint64_t width)
{
    for (size_t i = 0; i < c->count; i++) {
        const struct assay_tensor *t = &c->tensors[i];
        for (size_t w = 0; words[w]; w++)
            if (t->elements == width && !t->unreadable && strstr(t->name, words[w]) &&
                role_of(t->name).layer == layer)
                return t;
    }
    return NULL;
}

static const struct assay_tensor *norm_before(const struct assay_checkpoint *c, long layer,
                                              uint64_t width)
{
    static const char *const words[] = {"ffn_norm.weight", "post_attention_layernorm.weight",
                                        "ln_2.weight", NULL};
    return norm_named(c, words, layer, width);
}

const struct assay_tensor *body_attention_norm(const struct assay_checkpoint *c, long layer,
                                               uint64_t width)
{
    static const char *const words[] = {"attention_norm.weight", "input_layernorm.weight",
                                        "attn_norm.weight", "ln_1.weight", NULL};
    return norm_named(c, words, layer, width);
}

/* False if there is none, or one that is not a Llama's (GPT-2's transposed form). */
static bool block_of(const struct matrices *all, uint64_t width, struct body_block *block)
{
    static const enum role roles[PART_COUNT] = {ROLE_GATE, ROLE_UP, ROLE_DOWN};
    for (int part = 0; part < PART_COUNT; part++)
        block->part[part] = find(all, roles[part], block->layer, block->expert);
    const struct matrix *gate = block->part[PART_GATE], *up = block->part[PART_UP],
                        *down = block->part[PART_DOWN];
    if (!up || !down || up->shape.in != width || down->shape.out != width ||
        down->shape.in != up->shape.out || (gate && gate->shape.out != up->shape.out))
        return false;
    block->units = up->shape.out;
    return true;
}

static int by_place(const void *x, const void *y)
{
    const struct body_block *a = x, *b = y;
    return a->layer != b->layer ? (a->layer > b->layer) - (a->layer < b->layer)
                                : (a->expert > b->expert) - (a->expert < b->expert);
}

bool body_find(const struct assay_checkpoint *c, const struct matrices *all,
               struct assay_arena *arena, struct body *body)
{
    memset(body, 0, sizeof *body);
    body->embedding = find(all, ROLE_EMBEDDING, -1, -1);
    body->blocks = assay_arena_alloc(arena, all->count + 1, sizeof *body->blocks);
    if (!body->embedding || !body->blocks)
        return false;
    body->width = body->embedding->shape.in;
    body->gated = true;
    for (size_t i = 0; i < all->count; i++) {
        struct body_block *block = &body->blocks[body->block_count];
        const struct named_role *name = &all->list[i].name;
        if (name->role != ROLE_UP || all->list[i].ignored)
            continue;
        *block = (struct body_block){.layer = name->layer, .expert = name->expert};
        if (body->block_count == MOST_BLOCKS)
            return false; /* to match them all with as many would take days */
        if (!block_of(all, body->width, block) || block->part[PART_UP] != &all->list[i])
            continue;
        body->gated = body->gated && block->part[PART_GATE];
        body->experts = body->experts || block->expert >= 0;
        body->block_count++;
    }
    qsort(body->blocks, body->block_count, sizeof *body->blocks, by_place);
    for (size_t i = 0; i < body->block_count; i++) {
        struct body_block *block = &body->blocks[i];
        bool first = i == 0 || block->layer != block[-1].layer;
        body->layer_count += first;
        block->norm = first ? norm_before(c, block->layer, body->width) : block[-1].norm;
    }
    return body->block_count > 0;
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
    float *row = calloc((size_t)m->shape.in + 1, sizeof *row);
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
    float *scale = malloc((size_t)(width + 1) * sizeof *scale);
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

assay_status body_units(const struct body_block *block, enum part part, uint64_t count,
                        bool both_signs, const struct turn *turn, struct units *units,
                        size_t *numbers, float *lengths, uint64_t *bytes_read,
                        struct assay_error *error)
{
    const struct matrix *m = block->part[part];
    uint64_t width = part == PART_DOWN ? m->shape.out : m->shape.in;
    if (count > block->units)
        count = block->units;
    for (uint64_t i = 0; i < count; i++)
        numbers[i] = (size_t)((double)i * (double)block->units / (double)count);
    if (!units_new(units, (size_t)(both_signs ? 2 * count : count), (size_t)width))
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    assay_status status = part == PART_DOWN ? read_columns(m, numbers, count, units, error)
                                            : read_rows(m, numbers, count, units, error);
    if (status == ASSAY_OK && part != PART_DOWN && block->norm)
        status = fold_norm(block->norm, width, units, count, error);
    if (status == ASSAY_OK && turn)
        status = apply_turn(turn, units, count, error);
    make_unit_length(units, count, both_signs, lengths);
    *bytes_read += 4 * width * (part == PART_DOWN ? m->shape.in : count);
    if (status != ASSAY_OK)
        units_free(units);
    return status;
}

assay_status body_vectors(const struct matrix *m, bool columns, const struct assay_tensor *norm,
                          const struct turn *turn, struct units *units, struct assay_error *error)
{
    uint64_t count = columns ? m->shape.in : m->shape.out;
    uint64_t width = columns ? m->shape.out : m->shape.in;
    size_t *numbers = malloc((size_t)(count + 1) * sizeof *numbers);
    assay_status status = numbers && units_new(units, (size_t)count, (size_t)width)
                              ? ASSAY_OK
                              : assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    for (uint64_t i = 0; i < count && numbers; i++)
        numbers[i] = (size_t)i;
    if (status == ASSAY_OK)
        status = columns ? read_columns(m, numbers, count, units, error)
                         : read_rows(m, numbers, count, units, error);
    for (size_t i = 0; i < units->count * units->width && status == ASSAY_OK; i++)
        units->values[i] = isfinite(units->values[i]) ? units->values[i] : 0;
    if (status == ASSAY_OK && norm)
        status = fold_norm(norm, width, units, count, error);
    if (status == ASSAY_OK && turn)
        status = apply_turn(turn, units, count, error);
    free(numbers);
    return status;
}
