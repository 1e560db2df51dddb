/* SPDX-License-Identifier: Apache-2.0 */
/* Weights in memory, and the way from a checkpoint to a disguised one. */
#include "lineage/model.h"

#include "formats/small_floats.h"

#include <assay/lineage.h>

#include <stdio.h>
#include <string.h>

/* ---- reading ------------------------------------------------------------------------- */

static assay_status no_memory(struct assay_error *error)
{
    return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

assay_status model_read(const struct assay_checkpoint *c, struct model *model,
                        struct assay_error *error)
{
    *model = (struct model){.arena = assay_arena_new(), .path = c->path};
    if (model->arena)
        model->weights = assay_arena_alloc(model->arena, c->count + 1, sizeof *model->weights);
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
    return ASSAY_OK;
}

void model_free(struct model *model)
{
    assay_arena_free(model->arena);
    memset(model, 0, sizeof *model);
}

struct weight *model_find(const struct model *model, enum role role, long layer)
{
    for (size_t i = 0; i < model->count; i++)
        if (!model->weights[i].dropped && model->weights[i].role.role == role &&
            model->weights[i].role.layer == layer && model->weights[i].rank == 2)
            return &model->weights[i];
    return NULL;
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

/* ---- writing ------------------------------------------------------------------------- */

static enum assay_dtype dtype_for(const char *grid)
{
    if (grid && strcmp(grid, "f16") == 0)
        return ASSAY_DTYPE_F16;
    return grid && strcmp(grid, "bf16") == 0 ? ASSAY_DTYPE_BF16 : ASSAY_DTYPE_F32;
}

/* In place: 16-bit values are no wider than what they replace. */
static void narrow(float *values, uint64_t n, enum assay_dtype dtype)
{
    unsigned char *to = (unsigned char *)values;
    for (uint64_t i = 0; i < n && dtype != ASSAY_DTYPE_F32; i++) {
        uint16_t half = dtype == ASSAY_DTYPE_F16 ? small_float_to_half(values[i])
                                                 : small_float_to_bfloat16(values[i]);
        memcpy(to + 2 * i, &half, sizeof half);
    }
}

static assay_status write_model(struct model *model, const struct assay_disguise *d,
                                struct assay_random *random, const char *path,
                                struct assay_error *error)
{
    struct assay_tensor_out *out = assay_arena_alloc(model->arena, model->count, sizeof *out);
    enum assay_dtype dtype = dtype_for(d->quantise);
    size_t count = 0;
    if (!out)
        return no_memory(error);
    for (size_t i = 0; i < model->count; i++) {
        struct weight *w = &model->weights[i];
        if (w->dropped)
            continue;
        out[count] = (struct assay_tensor_out){
            .name = w->name, .dtype = dtype, .rank = w->rank, .bytes = w->values};
        memcpy(out[count].shape, w->shape, sizeof w->shape);
        narrow(w->values, w->rows * w->columns, dtype);
        count++;
    }
    for (size_t i = count; d->rename && i > 1; i--) {
        size_t other = (size_t)assay_random_below(random, i);
        struct assay_tensor_out swap = out[i - 1];
        out[i - 1] = out[other];
        out[other] = swap;
    }
    for (size_t i = 0; d->rename && i < count; i++)
        if (!(out[i].name = assay_arena_print(model->arena, "t%04zu", i)))
            return no_memory(error);
    char *note = assay_arena_print(
        model->arena,
        "drop_layers=%s prune=%g rescale=%d permute=%d rotate=%d noise=%g quantise=%s seed=%llu",
        d->drop_layers ? d->drop_layers : "none", d->prune, d->rescale, d->permute, d->rotate,
        d->noise, d->quantise ? d->quantise : "none", (unsigned long long)d->seed);
    struct assay_checkpoint_note notes[] = {{"disguise", note}};
    return note ? assay_safetensors_write(path, out, count, notes, 1, error) : no_memory(error);
}

static assay_status apply(struct step_input *in, const struct assay_disguise *d)
{
    if (d->drop_layers)
        ASSAY_TRY(step_drop_layers(in, d->drop_layers));
    if (d->prune > 0)
        ASSAY_TRY(step_prune(in, d->prune));
    if (d->rescale)
        ASSAY_TRY(step_rescale(in));
    if (d->permute)
        ASSAY_TRY(step_permute(in));
    if (d->rotate)
        ASSAY_TRY(step_rotate(in));
    if (d->noise > 0)
        ASSAY_TRY(step_noise(in, d->noise));
    return d->quantise ? step_quantise(in, d->quantise) : ASSAY_OK;
}

assay_status assay_lineage_disguise(const struct assay_checkpoint *checkpoint,
                                    const struct assay_disguise *disguise, const char *path,
                                    struct assay_error *error)
{
    struct model model;
    struct assay_random random;
    struct step_input in = {&model, &random, error};
    if (!(disguise->prune >= 0 && disguise->prune <= 0.9) ||
        !(disguise->noise >= 0 && disguise->noise <= 100))
        return assay_error_at(error, ASSAY_ERROR_INPUT, NULL, 0,
                              "expected prune from 0 to 0.9 and noise from 0 to 100");
    assay_random_start(&random, disguise->seed, 0x6c696e); /* a stream of its own */
    assay_status status = model_read(checkpoint, &model, error);
    if (status == ASSAY_OK)
        status = apply(&in, disguise);
    if (status == ASSAY_OK)
        status = write_model(&model, disguise, &random, path, error);
    model_free(&model);
    return status;
}
