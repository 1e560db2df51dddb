/* SPDX-License-Identifier: Apache-2.0 */
/* Disguises of layers: left out, doubled, put in another order, taken from another model. */
#include "lineage/model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_LAYERS 4096

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

/* "1,3" as numbers, each below `layers`. */
static assay_status read_list(struct step_input *in, const char *list, long layers, long *numbers,
                              long *count)
{
    *count = 0;
    for (const char *at = list; *at;) {
        char *end;
        long layer = strtol(at, &end, 10);
        if (end == at || layer < 0 || layer >= layers || (*end && *end != ',') ||
            *count == MOST_LAYERS)
            return assay_error_at(in->error, ASSAY_ERROR_INPUT, NULL, 0,
                                  "expected layers of 0 to %ld with commas, found \"%.60s\"",
                                  layers - 1, list);
        numbers[(*count)++] = layer;
        at = *end ? end + 1 : end;
    }
    return ASSAY_OK;
}

/* Layer i of what comes out is layer from[i]. */
static assay_status arrange(struct step_input *in, const long *from, long count)
{
    struct model *model = in->model;
    size_t before = model->count;
    for (size_t i = 0; i < before; i++) {
        const struct weight old = model->weights[i];
        if (old.role.layer < 0 || old.dropped)
            continue;
        model->weights[i].dropped = true;
        for (long to = 0; to < count; to++) {
            if (from[to] != old.role.layer)
                continue;
            struct weight *copy = model_copy(model, &old);
            if (!copy || !(copy->name = renumbered(model, old.name, old.role.layer, to)))
                return step_no_memory(in);
            copy->role.layer = to;
        }
    }
    return ASSAY_OK;
}

assay_status step_order_layers(struct step_input *in, const char *list)
{
    long *from = assay_arena_alloc(in->model->arena, MOST_LAYERS, sizeof *from), count;
    if (!from)
        return step_no_memory(in);
    ASSAY_TRY(read_list(in, list, model_layers(in->model), from, &count));
    return arrange(in, from, count);
}

assay_status step_drop_layers(struct step_input *in, const char *list)
{
    long layers = model_layers(in->model), count, kept = 0;
    long *drop = assay_arena_alloc(in->model->arena, MOST_LAYERS, sizeof *drop);
    long *from = assay_arena_alloc(in->model->arena, (size_t)layers + 1, sizeof *from);
    if (!drop || !from)
        return step_no_memory(in);
    ASSAY_TRY(read_list(in, list, layers, drop, &count));
    for (long layer = 0; layer < layers; layer++) {
        bool dropped = false;
        for (long i = 0; i < count; i++)
            dropped = dropped || drop[i] == layer;
        if (!dropped)
            from[kept++] = layer;
    }
    return arrange(in, from, kept);
}

/* ---- merging ------------------------------------------------------------------------- */

static assay_status merge_weight(struct step_input *in, struct weight *w,
                                 const struct assay_checkpoint *other, double share, float *room)
{
    const struct assay_tensor *t = assay_checkpoint_find(other, w->name);
    uint64_t n = w->rows * w->columns;
    if (!t || t->elements != n || t->rank != w->rank ||
        memcmp(t->shape, w->shape, (size_t)w->rank * sizeof t->shape[0]) != 0)
        return assay_error_at(in->error, ASSAY_ERROR_UNSUPPORTED, other->path, 0,
                              "merging needs every tensor in both: \"%.80s\" is %s", w->name,
                              t ? "of another shape here" : "not here");
    ASSAY_TRY(assay_tensor_read(t, 0, n, room, in->error));
    for (uint64_t i = 0; i < n; i++)
        w->values[i] = (float)((1 - share) * (double)w->values[i] + share * (double)room[i]);
    return ASSAY_OK;
}

assay_status step_merge(struct step_input *in, const struct assay_checkpoint *other, double share,
                        bool stacked)
{
    long layers = model_layers(in->model), first = layers - lround(share * (double)layers);
    for (size_t i = 0; i < in->model->count; i++) {
        struct weight *w = &in->model->weights[i];
        if (w->dropped || w->role.role == ROLE_BUFFER || (stacked && w->role.layer < first))
            continue;
        float *room = malloc((size_t)(w->rows * w->columns) * sizeof *room);
        assay_status status =
            room ? merge_weight(in, w, other, stacked ? 1 : share, room) : step_no_memory(in);
        free(room);
        ASSAY_TRY(status);
    }
    return ASSAY_OK;
}
