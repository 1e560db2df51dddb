/* SPDX-License-Identifier: Apache-2.0 */
/* Weights in memory: reading, finding by role, taking rows and columns. */
#include "lineage/model.h"

#include <assay/lineage.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

static assay_status no_memory(struct assay_error *error)
{
    return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

/* ---- reading ------------------------------------------------------------------------- */

/* From the configuration, else from the rotary table, which has half a head's width. */
static assay_status find_heads(struct model *m, struct assay_error *error)
{
    struct assay_configuration configuration;
    const double *value = configuration.value;
    ASSAY_TRY(assay_configuration_read(m->source->path, m->source, &configuration, error));
    if (value[ASSAY_KEY_HEADS] >= 1 && value[ASSAY_KEY_HEADS] <= 65536)
        m->heads = (unsigned)value[ASSAY_KEY_HEADS];
    if (value[ASSAY_KEY_KV_HEADS] >= 1 && value[ASSAY_KEY_KV_HEADS] <= 65536)
        m->kv_heads = (unsigned)value[ASSAY_KEY_KV_HEADS];
    const struct weight *q = model_find(m, ROLE_Q, 0), *k = model_find(m, ROLE_K, 0);
    for (size_t i = 0; i < m->count && q && k && !m->heads; i++) {
        const struct weight *table = &m->weights[i];
        if (strstr(table->name, "freq_cis") && table->rank == 2 &&
            q->rows % (2 * table->columns) == 0 && k->rows % (2 * table->columns) == 0) {
            m->heads = (unsigned)(q->rows / (2 * table->columns));
            m->kv_heads = (unsigned)(k->rows / (2 * table->columns));
        }
    }
    return ASSAY_OK;
}

assay_status model_read(const struct assay_checkpoint *c, struct model *model,
                        struct assay_error *error)
{
    *model = (struct model){.arena = assay_arena_new(), .source = c, .room = c->count + 1};
    if (model->arena)
        model->weights = assay_arena_alloc(model->arena, model->room, sizeof *model->weights);
    if (!model->weights)
        return no_memory(error);
    for (size_t i = 0; i < c->count; i++) {
        const struct assay_tensor *t = &c->tensors[i];
        struct weight *w = &model->weights[model->count];
        if (!assay_dtype_is_real(t->dtype) || t->unreadable || t->elements == 0)
            continue;
        w->name = assay_arena_copy(model->arena, t->name);
        w->role = role_of(t->name);
        w->rank = t->rank;
        memcpy(w->shape, t->shape, sizeof w->shape);
        w->rows = t->rank ? t->shape[0] : 1;
        w->columns = t->elements / w->rows;
        w->values = assay_arena_alloc(model->arena, (size_t)t->elements, sizeof(float));
        if (!w->name || !w->values)
            return no_memory(error);
        ASSAY_TRY(assay_tensor_read(t, 0, t->elements, w->values, error));
        model->count++;
    }
    return find_heads(model, error);
}

void model_free(struct model *model)
{
    assay_arena_free(model->arena);
    memset(model, 0, sizeof *model);
}

struct weight *model_copy(struct model *model, const struct weight *like)
{
    struct weight copy = *like;
    size_t n = (size_t)(like->rows * like->columns);
    if (model->count == model->room) {
        size_t room = 2 * model->room;
        struct weight *list = assay_arena_alloc(model->arena, room, sizeof *list);
        if (!list)
            return NULL;
        memcpy(list, model->weights, model->count * sizeof *list);
        model->weights = list;
        model->room = room;
    }
    copy.values = assay_arena_alloc(model->arena, n, sizeof(float));
    if (!copy.values)
        return NULL;
    memcpy(copy.values, like->values, n * sizeof(float));
    model->weights[model->count] = copy;
    return &model->weights[model->count++];
}

/* ---- finding ------------------------------------------------------------------------- */

static struct weight *find(const struct model *model, const struct named_role *role, int rank)
{
    for (size_t i = 0; i < model->count; i++) {
        const struct named_role *own = &model->weights[i].role;
        if (!model->weights[i].dropped && own->role == role->role && own->layer == role->layer &&
            own->expert == role->expert && model->weights[i].rank == rank)
            return &model->weights[i];
    }
    return NULL;
}

struct weight *model_find_expert(const struct model *model, enum role role, long layer, long expert)
{
    return find(model, &(struct named_role){role, layer, expert}, 2);
}

struct weight *model_find(const struct model *model, enum role role, long layer)
{
    return model_find_expert(model, role, layer, -1);
}

struct weight *model_bias(const struct model *model, const struct weight *matrix)
{
    struct weight *bias = matrix ? find(model, &matrix->role, 1) : NULL;
    return bias && bias->rows == matrix->rows ? bias : NULL;
}

struct weight *model_norm(const struct model *model, bool feed_forward, long layer)
{
    static const char *const before_ffn[] = {"ffn_norm", "post_attention_layernorm", NULL};
    static const char *const before_attention[] = {"attention_norm", "input_layernorm", "attn_norm",
                                                   NULL};
    static const char *const at_end[] = {"output_norm", "model.norm", "norm.weight", NULL};
    const char *const *words = layer < 0 ? at_end : feed_forward ? before_ffn : before_attention;
    for (; *words; words++)
        for (size_t i = 0; i < model->count; i++)
            if (!model->weights[i].dropped && model->weights[i].role.layer == layer &&
                model->weights[i].rank == 1 && strstr(model->weights[i].name, *words))
                return &model->weights[i];
    return NULL;
}

long model_layers(const struct model *model)
{
    long layers = 0;
    for (size_t i = 0; i < model->count; i++)
        if (!model->weights[i].dropped && model->weights[i].role.layer >= layers)
            layers = model->weights[i].role.layer + 1;
    return layers;
}

long model_experts(const struct model *model, long layer)
{
    long experts = 0;
    for (size_t i = 0; i < model->count; i++) {
        const struct named_role *role = &model->weights[i].role;
        if (!model->weights[i].dropped && role->layer == layer && role->expert >= experts)
            experts = role->expert + 1;
    }
    return experts;
}

static bool block_of(const struct model *model, long layer, long expert, struct block *b)
{
    *b = (struct block){.layer = layer, .expert = expert};
    b->gate = model_find_expert(model, ROLE_GATE, layer, expert);
    b->up = model_find_expert(model, ROLE_UP, layer, expert);
    b->down = model_find_expert(model, ROLE_DOWN, layer, expert);
    if (!b->up || !b->down || b->up->rows != b->down->columns ||
        (b->gate && b->gate->rows != b->up->rows))
        return false;
    b->units = b->up->rows;
    return true;
}

assay_status model_blocks(const struct model *model, struct block **blocks, size_t *count,
                          struct assay_error *error)
{
    long layers = model_layers(model);
    *count = 0;
    *blocks = assay_arena_alloc(model->arena, model->count + 1, sizeof **blocks);
    if (!*blocks)
        return no_memory(error);
    for (long layer = 0; layer < layers; layer++) {
        size_t before = *count;
        for (long expert = -1; expert < model_experts(model, layer); expert++)
            *count += block_of(model, layer, expert, &(*blocks)[*count]);
        if (*count == before)
            return assay_error_at(error, ASSAY_ERROR_UNSUPPORTED, model->source->path, 0,
                                  "layer %ld has no feed-forward part that Assay recognises",
                                  layer);
    }
    if (layers == 0)
        return assay_error_at(error, ASSAY_ERROR_UNSUPPORTED, model->source->path, 0,
                              "no tensor's name gives a layer: nothing here is known as a "
                              "transformer");
    return ASSAY_OK;
}

/* ---- rows and columns ---------------------------------------------------------------- */

bool weight_take_rows(struct weight *w, const uint64_t *from, uint64_t count)
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

bool weight_take_columns(struct weight *w, const uint64_t *from, uint64_t count)
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

double weight_size(const struct weight *w)
{
    uint64_t n = w->rows * w->columns;
    double sum = 0;
    for (uint64_t i = 0; i < n; i++)
        sum += (double)w->values[i] * (double)w->values[i];
    return n ? sqrt(sum / (double)n) : 0;
}
