/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tensors that hold all experts of a layer. [experts, out, in] in GGUF files and some of Hugging
 * Face's, [experts, in, out] in others: the side that is as wide as the embedding is the residual
 * stream's. Gate and up in one tensor follow each other, but alternate where a bias of the same
 * name stands beside (gpt-oss).
 */
#include "lineage/experts.h"

#include <stdio.h>
#include <string.h>

#define MOST_EXPERTS 1024 /* of a layer */
#define MOST_VIEWS 1536   /* of a checkpoint: with the rest within most_pairs of lineage.h */

static bool has_bias_beside(const struct assay_checkpoint *c, const char *name)
{
    char bias[300];
    int n = snprintf(bias, sizeof bias, "%s_bias", name);
    return n > 0 && (size_t)n < sizeof bias && assay_checkpoint_find(c, bias);
}

/* Blocks of a quantised type must not be cut. */
static bool can_be_cut(const struct assay_tensor *t, const struct expert_layout *l)
{
    size_t elements, bytes;
    assay_dtype_block(t->dtype, &elements, &bytes);
    return elements == 1 || (t->contiguous && l->column == 1 && l->columns % elements == 0 &&
                             l->apart % elements == 0 && l->row % elements == 0 &&
                             (l->parts == 1 || l->part % elements == 0) && l->row == l->columns);
}

bool experts_layout(const struct assay_checkpoint *c, const struct assay_tensor *t, uint64_t width,
                    struct expert_layout *l)
{
    struct named_role name = role_of(t->name);
    bool both = strstr(t->name, "gate_up") != NULL;
    bool down = name.role == ROLE_DOWN;
    if (width == 0 || t->rank != 3 || t->unreadable || t->use != ASSAY_USE_UNKNOWN ||
        !assay_dtype_is_real(t->dtype) || name.layer < 0 || name.expert >= 0 ||
        (name.role != ROLE_GATE && name.role != ROLE_UP && !down) ||
        !(strstr(t->name, "_exps") || strstr(t->name, "experts.")) || t->shape[0] < 2 ||
        t->shape[0] > MOST_EXPERTS)
        return false;
    const uint64_t stored[3] = {t->shape[1] * t->shape[2], t->shape[2], 1};
    const uint64_t *step = t->contiguous ? stored : t->stride;
    int stream = t->shape[1] == width ? 1 : 2, usual = down ? 1 : 2;
    if (t->shape[1] == width && t->shape[2] == width) {
        if (strcmp(c->format, "gguf") != 0)
            return false; /* either way round */
        stream = usual;
    }
    int other = 3 - stream, row = down ? stream : other;
    *l = (struct expert_layout){.experts = t->shape[0],
                                .rows = t->shape[row],
                                .columns = t->shape[3 - row],
                                .apart = step[0],
                                .row = step[row],
                                .column = step[3 - row],
                                .parts = both ? 2 : 1,
                                .role = {both ? ROLE_GATE : name.role, ROLE_UP}};
    if (t->shape[stream] != width || (both && (down || l->rows % 2)))
        return false;
    if (both) {
        bool alternate = has_bias_beside(c, t->name);
        l->rows /= 2;
        l->part = alternate ? l->row : l->rows * l->row;
        l->row *= alternate ? 2 : 1;
    }
    return l->rows > 1 && can_be_cut(t, l);
}

uint64_t experts_width(const struct assay_checkpoint *c)
{
    uint64_t width = 0, views = 0;
    struct expert_layout l;
    for (size_t i = 0; i < c->count && !width; i++)
        if (c->tensors[i].rank == 2 && role_of(c->tensors[i].name).role == ROLE_EMBEDDING)
            width = c->tensors[i].shape[1];
    for (size_t i = 0; i < c->count && width; i++)
        if (experts_layout(c, &c->tensors[i], width, &l))
            views += l.experts * l.parts;
    return views <= MOST_VIEWS ? width : 0;
}

const struct assay_tensor *experts_view(const struct assay_tensor *t, const struct expert_layout *l,
                                        uint64_t expert, uint64_t part, struct assay_arena *arena,
                                        struct named_role *name)
{
    size_t elements, bytes;
    struct assay_tensor *view = assay_arena_alloc(arena, 1, sizeof *view);
    char *words = assay_arena_print(arena, "%s, expert %llu%s", t->name, (unsigned long long)expert,
                                    l->parts == 1 ? ""
                                    : part        ? ", up"
                                                  : ", gate");
    if (!view || !words)
        return NULL;
    assay_dtype_block(t->dtype, &elements, &bytes);
    uint64_t first = (expert * l->apart + part * l->part) / elements * bytes;
    *view = *t;
    view->name = words;
    view->rank = 2;
    view->shape[0] = l->rows;
    view->shape[1] = l->columns;
    view->stride[0] = l->row;
    view->stride[1] = l->column;
    view->contiguous = l->column == 1 && l->row == l->columns;
    view->elements = l->rows * l->columns;
    view->bytes = t->bytes + first;
    view->offset = t->offset + first;
    view->size = (size_t)(view->elements / elements * bytes);
    *name = (struct named_role){l->role[part], role_of(t->name).layer, (long)expert};
    return view;
}
