/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layer by layer: what share of the units of each layer of A is found in each layer of B. In: the
 * same by feed-forward part (disguised.c). Out: the comparison's layers_found. Of two layers with
 * experts, the two that share most count.
 */
#include "lineage/blocks.h"

#include <math.h>

#define MOST_LAYERS 256

static const char *name_of(const struct search *s, const struct body_block *block)
{
    if (s->c->lent) /* numbers were made up when roles were lent */
        return assay_arena_copy(s->c->arena, block->part[PART_UP]->tensor->name);
    return assay_arena_print(s->c->arena, "layer %ld", block->layer);
}

/* The layer of each block by position, into `at`, and their names; NULL if memory is short. */
static const char *const *layers_of(const struct search *s, const struct body *body, size_t *at)
{
    size_t count = 0;
    const char **names = assay_arena_alloc(s->c->arena, body->layer_count, sizeof *names);
    for (size_t i = 0; names && i < body->block_count; i++) {
        if (i == 0 || body->blocks[i].layer != body->blocks[i - 1].layer) {
            if (!(names[count] = name_of(s, &body->blocks[i])))
                return NULL;
            count++;
        }
        at[i] = count - 1;
    }
    return names;
}

assay_status blocks_by_layer(struct search *s)
{
    struct assay_lineage_comparison *r = s->c->result;
    size_t rows = s->a.layer_count, columns = s->b.layer_count;
    if (rows > MOST_LAYERS || columns > MOST_LAYERS)
        return ASSAY_OK;
    size_t *at_a = assay_arena_alloc(s->c->arena, s->a.block_count, sizeof *at_a);
    size_t *at_b = assay_arena_alloc(s->c->arena, s->b.block_count, sizeof *at_b);
    double *found = assay_arena_alloc(s->c->arena, rows * columns, sizeof *found);
    if (!at_a || !at_b || !found)
        return compare_no_memory(s->c);
    r->layers_a = layers_of(s, &s->a, at_a);
    r->layers_b = layers_of(s, &s->b, at_b);
    if (!r->layers_a || !r->layers_b)
        return compare_no_memory(s->c);
    for (size_t i = 0; i < s->a.block_count; i++)
        for (size_t k = 0; k < s->b.block_count; k++) {
            double *cell = &found[at_a[i] * columns + at_b[k]];
            *cell = fmax(*cell, s->shares[i * s->b.block_count + k]);
        }
    r->layers_found = found;
    r->layer_count_a = rows;
    r->layer_count_b = columns;
    return ASSAY_OK;
}
