/* SPDX-License-Identifier: Apache-2.0 */
/* Disguises of feed-forward units and experts: pruning, scaling, renumbering, upcycling. */
#include "lineage/model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool take_units(struct model *model, struct block *b, const uint64_t *from, uint64_t count)
{
    struct weight *matrices[2] = {b->gate, b->up};
    for (int i = 0; i < 2; i++) {
        struct weight *bias = model_bias(model, matrices[i]);
        if (bias && !weight_take_rows(bias, from, count))
            return false;
        if (matrices[i] && !weight_take_rows(matrices[i], from, count))
            return false;
    }
    return weight_take_columns(b->down, from, count);
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

static assay_status prune_block(struct step_input *in, struct block *b, double share)
{
    uint64_t left = b->units - (uint64_t)(share * (double)b->units);
    struct strength *order = malloc((size_t)b->units * sizeof *order);
    uint64_t *kept = malloc((size_t)(b->units + 1) * sizeof *kept);
    bool done = order && kept;
    for (uint64_t i = 0; i < b->units && done; i++)
        order[i] =
            (struct strength){row_energy(b->up, i) * (b->gate ? row_energy(b->gate, i) : 1), i};
    if (done) {
        qsort(order, (size_t)b->units, sizeof *order, by_strength);
        for (uint64_t i = 0; i < left; i++)
            kept[i] = order[i].unit;
        qsort(kept, (size_t)left, sizeof *kept, by_number);
        done = take_units(in->model, b, kept, left);
    }
    free(order);
    free(kept);
    return done ? ASSAY_OK : step_no_memory(in);
}

assay_status step_prune(struct step_input *in, double share)
{
    struct block *blocks;
    size_t count;
    ASSAY_TRY(model_blocks(in->model, &blocks, &count, in->error));
    for (size_t i = 0; i < count; i++)
        ASSAY_TRY(prune_block(in, &blocks[i], share));
    return ASSAY_OK;
}

/* ---- scaling: up by s, down by 1/s; the gate's nonlinearity is left alone ------------ */

static void rescale_unit(struct model *model, struct block *b, uint64_t unit, float scale)
{
    struct weight *bias = model_bias(model, b->up);
    for (uint64_t c = 0; c < b->up->columns; c++)
        b->up->values[unit * b->up->columns + c] *= scale;
    if (bias)
        bias->values[unit] *= scale;
    for (uint64_t r = 0; r < b->down->rows; r++)
        b->down->values[r * b->down->columns + unit] /= scale;
}

assay_status step_rescale(struct step_input *in)
{
    struct block *blocks;
    size_t count;
    ASSAY_TRY(model_blocks(in->model, &blocks, &count, in->error));
    for (size_t i = 0; i < count; i++) {
        if (!blocks[i].gate)
            return assay_error_at(in->error, ASSAY_ERROR_UNSUPPORTED, in->model->source->path, 0,
                                  "rescaling needs a gated feed-forward part, and layer %ld has "
                                  "none",
                                  blocks[i].layer);
        for (uint64_t unit = 0; unit < blocks[i].units; unit++) {
            float scale = (float)exp(0.5 * assay_random_normal(in->random));
            if (assay_random_below(in->random, 2))
                scale = -scale;
            rescale_unit(in->model, &blocks[i], unit, scale);
        }
    }
    return ASSAY_OK;
}

/* ---- renumbering --------------------------------------------------------------------- */

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
        if (w->rank == 2 && reads && w->columns == n && !weight_take_columns(w, order, n))
            return false;
        if ((writes || (w->rank == 1 && role == ROLE_NORM)) && w->rows == n &&
            !weight_take_rows(w, order, n))
            return false;
    }
    return true;
}

/* The name with another expert number. */
static const char *with_expert(struct model *model, const char *name, long to)
{
    const char *at = strstr(name, "experts.");
    const char *digits = at ? at + strlen("experts.") : name;
    return at ? assay_arena_print(model->arena, "%.*s%ld%s", (int)(digits - name), name, to,
                                  digits + strspn(digits, "0123456789"))
              : name;
}

/* Experts of one layer, and the rows of its router, which stay theirs. */
static assay_status permute_experts(struct step_input *in, long layer)
{
    struct model *model = in->model;
    uint64_t count = (uint64_t)model_experts(model, layer);
    struct weight *router = model_find(model, ROLE_ROUTER, layer);
    if (count < 2 || !router || router->rows != count)
        return ASSAY_OK;
    uint64_t *from = step_shuffled(in, count), *to = calloc(count, sizeof *to);
    bool done = from && to && weight_take_rows(router, from, count);
    for (uint64_t i = 0; i < count && done; i++)
        to[from[i]] = i;
    for (size_t i = 0; i < model->count && done; i++) {
        struct weight *w = &model->weights[i];
        if (w->dropped || w->role.layer != layer || w->role.expert < 0)
            continue;
        w->role.expert = (long)to[w->role.expert];
        w->name = with_expert(model, w->name, w->role.expert);
        done = w->name != NULL;
    }
    free(from);
    free(to);
    return done ? ASSAY_OK : step_no_memory(in);
}

assay_status step_permute(struct step_input *in)
{
    const struct weight *embedding = model_find(in->model, ROLE_EMBEDDING, -1);
    struct block *blocks;
    size_t count;
    if (!embedding)
        return assay_error_at(in->error, ASSAY_ERROR_UNSUPPORTED, in->model->source->path, 0,
                              "renumbering needs an embedding that Assay recognises");
    ASSAY_TRY(model_blocks(in->model, &blocks, &count, in->error));
    for (size_t i = 0; i < count; i++) {
        uint64_t *order = step_shuffled(in, blocks[i].units);
        bool done = order && take_units(in->model, &blocks[i], order, blocks[i].units);
        free(order);
        if (!done)
            return step_no_memory(in);
    }
    for (long layer = 0; layer < model_layers(in->model); layer++)
        ASSAY_TRY(permute_experts(in, layer));
    uint64_t *order = step_shuffled(in, embedding->columns);
    bool done = order && permute_residual(in->model, order, embedding->columns);
    free(order);
    return done ? ASSAY_OK : step_no_memory(in);
}

/* ---- experts ------------------------------------------------------------------------- */

/* "a.b.w1.weight" becomes "a.b." and "w1.weight". */
static size_t before_last_two(const char *name)
{
    size_t dots = 0, at = strlen(name);
    while (at > 0) {
        dots += name[at - 1] == '.';
        if (dots == 2)
            break;
        at--;
    }
    return at;
}

static assay_status copy_expert(struct step_input *in, size_t index, long expert)
{
    struct weight *copy = model_copy(in->model, &in->model->weights[index]);
    if (!copy)
        return step_no_memory(in);
    size_t cut = before_last_two(copy->name);
    copy->role.expert = expert;
    copy->name = assay_arena_print(in->model->arena, "%.*sexperts.%ld.%s", (int)cut, copy->name,
                                   expert, copy->name + cut);
    return copy->name ? ASSAY_OK : step_no_memory(in);
}

static assay_status add_router(struct step_input *in, const struct weight *up, unsigned experts)
{
    struct weight *router = model_copy(in->model, up);
    if (!router)
        return step_no_memory(in);
    router->name = assay_arena_print(in->model->arena, "%.*srouter.weight",
                                     (int)before_last_two(router->name), router->name);
    router->role = (struct named_role){ROLE_ROUTER, router->role.layer, -1};
    router->rows = router->shape[0] = experts;
    router->values =
        assay_arena_alloc(in->model->arena, (size_t)(experts * router->columns), sizeof(float));
    if (!router->name || !router->values)
        return step_no_memory(in);
    for (uint64_t i = 0; i < experts * router->columns; i++)
        router->values[i] = (float)(0.02 * assay_random_normal(in->random));
    return ASSAY_OK;
}

assay_status step_upcycle(struct step_input *in, unsigned experts)
{
    struct model *model = in->model;
    struct block *blocks;
    size_t count;
    ASSAY_TRY(model_blocks(model, &blocks, &count, in->error));
    for (size_t b = 0; b < count; b++)
        if (blocks[b].expert >= 0)
            return assay_error_at(in->error, ASSAY_ERROR_UNSUPPORTED, model->source->path, 0,
                                  "layer %ld has experts already", blocks[b].layer);
    for (long layer = 0; layer < model_layers(model); layer++) {
        const struct weight *up = model_find(model, ROLE_UP, layer);
        size_t before = model->count;
        if (!up)
            continue;
        struct weight like = *up;
        for (size_t i = 0; i < before; i++) {
            struct named_role role = model->weights[i].role;
            if (model->weights[i].dropped || role.layer != layer ||
                (role.role != ROLE_GATE && role.role != ROLE_UP && role.role != ROLE_DOWN))
                continue;
            for (unsigned e = 0; e < experts; e++)
                ASSAY_TRY(copy_expert(in, i, (long)e));
            model->weights[i].dropped = true;
        }
        ASSAY_TRY(add_router(in, &like, experts));
    }
    return ASSAY_OK;
}
