/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of a disguise in their order, and the file that they make. */
#include "lineage/model.h"

#include "formats/small_floats.h"

#include <assay/lineage.h>

#include <math.h>
#include <string.h>

#define NOTES 8

struct assay_disguise assay_disguise_default(void)
{
    return (struct assay_disguise){.merge_share = 0.5};
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

static const char *in_words(struct model *m, const struct assay_disguise *d)
{
    return assay_arena_print(
        m->arena,
        "merge=%s merge_share=%g merge_stacked=%d drop_layers=%s layers=%s prune=%g tune=%g "
        "lora=%u experts=%u rescale=%d permute=%d permute_heads=%d mix_heads=%d rotate=%d "
        "noise=%g quantise=%s seed=%llu",
        d->merge_with ? "yes" : "none", d->merge_with ? d->merge_share : 0, d->merge_stacked,
        d->drop_layers ? d->drop_layers : "none", d->layers ? d->layers : "as they are", d->prune,
        d->tune, d->lora, d->experts, d->rescale, d->permute, d->permute_heads, d->mix_heads,
        d->rotate, d->noise, d->quantise ? d->quantise : "none", (unsigned long long)d->seed);
}

/* What was done, and what tensors alone do not say of an architecture, under GGUF's keys. */
static size_t describe(struct model *m, const struct assay_disguise *d,
                       struct assay_checkpoint_note notes[NOTES])
{
    size_t count = 0;
    notes[count++] = (struct assay_checkpoint_note){"disguise", in_words(m, d)};
    const struct {
        const char *key;
        long value;
    } numbers[] = {{"llama.attention.head_count", (long)m->heads},
                   {"llama.attention.head_count_kv", (long)m->kv_heads},
                   {"llama.block_count", model_layers(m)},
                   {"llama.expert_count", model_experts(m, 0)}};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if (numbers[i].value > 0)
            notes[count++] = (struct assay_checkpoint_note){
                numbers[i].key, assay_arena_print(m->arena, "%ld", numbers[i].value)};
    return count;
}

static assay_status write_model(struct step_input *in, const struct assay_disguise *d,
                                const char *path)
{
    struct model *model = in->model;
    struct assay_tensor_out *out = assay_arena_alloc(model->arena, model->count, sizeof *out);
    struct assay_checkpoint_note notes[NOTES];
    enum assay_dtype dtype = dtype_for(d->quantise);
    size_t count = 0, note_count = describe(model, d, notes);
    if (!out)
        return step_no_memory(in);
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
        size_t other = (size_t)assay_random_below(in->random, i);
        struct assay_tensor_out swap = out[i - 1];
        out[i - 1] = out[other];
        out[other] = swap;
    }
    for (size_t i = 0; d->rename && i < count; i++)
        if (!(out[i].name = assay_arena_print(model->arena, "t%04zu", i)))
            return step_no_memory(in);
    for (size_t i = 0; i < note_count; i++)
        if (!notes[i].value)
            return step_no_memory(in);
    return assay_safetensors_write(path, out, count, notes, note_count, in->error);
}

/* ---- the order of steps -------------------------------------------------------------- */

static assay_status change_layers(struct step_input *in, const struct assay_disguise *d)
{
    if (d->merge_with)
        ASSAY_TRY(step_merge(in, d->merge_with, d->merge_share, d->merge_stacked));
    if (d->drop_layers)
        ASSAY_TRY(step_drop_layers(in, d->drop_layers));
    if (d->layers)
        ASSAY_TRY(step_order_layers(in, d->layers));
    return d->prune > 0 ? step_prune(in, d->prune) : ASSAY_OK;
}

static assay_status train_on(struct step_input *in, const struct assay_disguise *d)
{
    if (d->tune > 0)
        ASSAY_TRY(step_tune(in, d->tune));
    if (d->lora)
        ASSAY_TRY(step_lora(in, d->lora));
    return d->experts ? step_upcycle(in, d->experts) : ASSAY_OK;
}

static assay_status keep_function(struct step_input *in, const struct assay_disguise *d)
{
    if (d->rescale)
        ASSAY_TRY(step_rescale(in));
    if (d->permute)
        ASSAY_TRY(step_permute(in));
    if (d->permute_heads)
        ASSAY_TRY(step_permute_heads(in));
    if (d->mix_heads)
        ASSAY_TRY(step_mix_heads(in));
    return d->rotate ? step_rotate(in) : ASSAY_OK;
}

static assay_status apply(struct step_input *in, const struct assay_disguise *d)
{
    ASSAY_TRY(change_layers(in, d));
    ASSAY_TRY(train_on(in, d));
    ASSAY_TRY(keep_function(in, d));
    if (d->noise > 0)
        ASSAY_TRY(step_noise(in, d->noise));
    return d->quantise ? step_quantise(in, d->quantise) : ASSAY_OK;
}

static assay_status check(const struct assay_disguise *d, struct assay_error *error)
{
    if (!(d->prune >= 0 && d->prune <= 0.9) || !(d->noise >= 0 && d->noise <= 100) ||
        !(d->tune >= 0 && d->tune <= 100) || !(d->merge_share >= 0 && d->merge_share <= 1) ||
        d->lora > 64 || d->experts > 256)
        return assay_error_at(error, ASSAY_ERROR_INPUT, NULL, 0,
                              "expected prune from 0 to 0.9, noise and tune from 0 to 100, a share "
                              "from 0 to 1, a rank of 64 and 256 experts at most; found prune %g, "
                              "noise %g, tune %g, share %g, rank %u, experts %u",
                              d->prune, d->noise, d->tune, d->merge_share, d->lora, d->experts);
    return ASSAY_OK;
}

assay_status assay_lineage_disguise(const struct assay_checkpoint *checkpoint,
                                    const struct assay_disguise *disguise, const char *path,
                                    struct assay_error *error)
{
    struct model model;
    struct assay_random random;
    struct step_input in = {&model, &random, error};
    ASSAY_TRY(check(disguise, error));
    assay_random_start(&random, disguise->seed, 0x6c696e); /* a stream of its own */
    assay_status status = model_read(checkpoint, &model, error);
    if (disguise->heads) {
        model.heads = disguise->heads;
        model.kv_heads = disguise->kv_heads ? disguise->kv_heads : disguise->heads;
    }
    if (status == ASSAY_OK)
        status = apply(&in, disguise);
    if (status == ASSAY_OK)
        status = write_model(&in, disguise, path);
    model_free(&model);
    return status;
}
