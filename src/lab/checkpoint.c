/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/checkpoint.h"

#include <assay/checkpoint.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHAPE                                                                                      \
    "vocabulary %u width %u layers %u heads %u kv_heads %u hidden %u context %u tied %d "          \
    "experts %u a_token %u"
#define SCHEDULE                                                                                   \
    "steps %u warmup %u rate %.17g decay %.17g clip %.17g cooldown %.17g balance %.17g step %u"

_Static_assert(LAB_MOST_RECIPE <= ASSAY_LONGEST_NOTE, "a recipe is read back whole");

/* One digest over the three tensors, which are of one length. */
static assay_status digest(const float *weights, const float *first, const float *second, size_t n,
                           char hex[65], struct assay_error *error)
{
    char *all = malloc(3 * 64 + 1);
    if (!all)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    const float *parts[] = {weights, first, second};
    for (int i = 0; i < 3; i++) {
        char one[65];
        assay_sha256_bytes(parts[i], n * sizeof *weights, one);
        memcpy(all + (size_t)i * 64, one, sizeof one);
    }
    assay_sha256_bytes(all, 3 * 64, hex);
    free(all);
    return ASSAY_OK;
}

assay_status lab_checkpoint_write(const char *path, const struct lab_trainer *t, const char *recipe,
                                  struct assay_error *error)
{
    const struct lab_model *m = t->model;
    const struct lab_shape *s = &m->shape;
    char shape[256], schedule[256], hex[65];
    if (strlen(recipe) >= LAB_MOST_RECIPE)
        return assay_error_at(error, ASSAY_ERROR_LIMIT, path, 0, "the recipe is too long");
    snprintf(shape, sizeof shape, SHAPE, s->vocabulary, s->width, s->layers, s->heads, s->kv_heads,
             s->hidden, s->context, s->tied, s->experts, s->experts_per_token);
    snprintf(schedule, sizeof schedule, SCHEDULE, t->schedule.steps, t->schedule.warmup,
             t->schedule.rate, t->schedule.decay, t->schedule.clip, t->schedule.cooldown,
             t->schedule.balance, t->step);
    ASSAY_TRY(digest(m->weights, t->first, t->second, m->count, hex, error));
    const struct assay_checkpoint_note notes[] = {
        {"assay_lab_checkpoint", LAB_CHECKPOINT_VERSION},
        {"shape", shape},
        {"schedule", schedule},
        {"recipe", recipe},
        {"sha256", hex},
    };
    const float *parts[] = {m->weights, t->first, t->second};
    const char *const names[] = {"weights", "first_moment", "second_moment"};
    struct assay_tensor_out tensors[3];
    for (int i = 0; i < 3; i++)
        tensors[i] = (struct assay_tensor_out){.name = names[i],
                                               .dtype = ASSAY_DTYPE_F32,
                                               .rank = 1,
                                               .shape = {m->count},
                                               .bytes = parts[i]};
    return assay_safetensors_write(path, tensors, 3, notes, sizeof notes / sizeof notes[0], error);
}

static const char *note(const struct assay_checkpoint *c, const char *key)
{
    for (size_t i = 0; i < c->note_count; i++)
        if (strcmp(c->notes[i].key, key) == 0)
            return c->notes[i].value;
    return "";
}

static assay_status read_shape(const struct assay_checkpoint *c, struct lab_shape *s,
                               struct lab_schedule *schedule, unsigned *step,
                               struct assay_error *error)
{
    int tied;
    if (strcmp(note(c, "assay_lab_checkpoint"), LAB_CHECKPOINT_VERSION) != 0)
        return assay_error_at(error, ASSAY_ERROR_INPUT, c->path, 0,
                              "expected a checkpoint of the lab, version " LAB_CHECKPOINT_VERSION
                              ", found %s%s",
                              *note(c, "assay_lab_checkpoint") ? "version " : "another file",
                              note(c, "assay_lab_checkpoint"));
    if (sscanf(note(c, "shape"),
               "vocabulary %u width %u layers %u heads %u kv_heads %u hidden %u context %u tied %d "
               "experts %u a_token %u",
               &s->vocabulary, &s->width, &s->layers, &s->heads, &s->kv_heads, &s->hidden,
               &s->context, &tied, &s->experts, &s->experts_per_token) != 10 ||
        sscanf(note(c, "schedule"),
               "steps %u warmup %u rate %lf decay %lf clip %lf cooldown %lf balance %lf step %u",
               &schedule->steps, &schedule->warmup, &schedule->rate, &schedule->decay,
               &schedule->clip, &schedule->cooldown, &schedule->balance, step) != 8)
        return assay_error_at(error, ASSAY_ERROR_INPUT, c->path, 0,
                              "its metadata do not say a shape and a schedule");
    s->tied = tied != 0;
    /* before room for them is made */
    const struct assay_tensor *weights = assay_checkpoint_find(c, "weights");
    size_t count = lab_model_weights(s);
    if (count == 0 || !weights || weights->elements != count)
        return assay_error_at(error, ASSAY_ERROR_INPUT, c->path, 0,
                              "its weights are not as many as its shape says");
    return ASSAY_OK;
}

static assay_status read_tensor(const struct assay_checkpoint *c, const char *name, size_t count,
                                float *to, struct assay_error *error)
{
    const struct assay_tensor *tensor = assay_checkpoint_find(c, name);
    if (!tensor || tensor->elements != count || tensor->dtype != ASSAY_DTYPE_F32)
        return assay_error_at(error, ASSAY_ERROR_INPUT, c->path, 0,
                              "%s: expected %zu numbers in float32", name, count);
    return assay_tensor_read(tensor, 0, count, to, error);
}

static assay_status read_all(const struct assay_checkpoint *c, struct lab_model *m,
                             struct lab_trainer *t, struct assay_error *error)
{
    char hex[65];
    ASSAY_TRY(read_tensor(c, "weights", m->count, m->weights, error));
    ASSAY_TRY(read_tensor(c, "first_moment", m->count, t->first, error));
    ASSAY_TRY(read_tensor(c, "second_moment", m->count, t->second, error));
    ASSAY_TRY(digest(m->weights, t->first, t->second, m->count, hex, error));
    if (strcmp(hex, note(c, "sha256")) != 0)
        return assay_error_at(error, ASSAY_ERROR_INPUT, c->path, 0,
                              "damaged: its numbers are not those that were written");
    return ASSAY_OK;
}

assay_status lab_checkpoint_read(const char *path, struct lab_model *m, struct lab_trainer *trainer,
                                 char *recipe, struct assay_error *error)
{
    struct assay_checkpoint c;
    struct lab_shape shape;
    struct lab_schedule schedule;
    struct lab_trainer mine = {.model = NULL}, *t = trainer ? trainer : &mine;
    unsigned step = 0;
    *m = (struct lab_model){.count = 0};
    *t = mine;
    ASSAY_TRY(assay_checkpoint_open(path, &c, error));
    assay_status status = read_shape(&c, &shape, &schedule, &step, error);
    if (status == ASSAY_OK)
        status = lab_model_new(&shape, 1, m, error);
    if (status == ASSAY_OK)
        status = lab_trainer_new(m, &schedule, t, error);
    if (status == ASSAY_OK)
        status = read_all(&c, m, t, error);
    t->step = step;
    if (status == ASSAY_OK && recipe)
        snprintf(recipe, LAB_MOST_RECIPE, "%s", note(&c, "recipe"));
    if (status != ASSAY_OK || !trainer)
        lab_trainer_free(t);
    if (status != ASSAY_OK)
        lab_model_free(m);
    assay_checkpoint_close(&c);
    return status;
}
