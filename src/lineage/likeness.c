/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two tensors of one shape, element by element: each is read once, from end to end, in blocks that
 * stay in the cache. Which types the weights fit is looked at in blocks evenly spread.
 */
#include "lineage/compare.h"

#include "lineage/alike.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK 32             /* blocks that one thread takes */
#define LOOKED_CLOSELY 16    /* blocks of which types are looked at, where there are many more */
#define LOOKED_AT_GRIDS 16   /* first blocks */
#define LEAST_SQUARES 1e-20f /* below, float32 loses squares */

/* One pair of tensors. */
struct likening {
    const struct assay_tensor *a, *b;
    const struct alike_functions *alike;
    size_t first_chunk;     /* its own begin here, among those of all pairs */
    alike_function *direct; /* on the file's bytes; NULL where they must be decoded */
    uint64_t row, blocks;
    bool real; /* both sides: whole numbers fit every type and lie on every grid */
};

struct likening_all {
    struct likening *list; /* [pair] and one more, that ends the last */
    size_t count, chunk_count;
    struct likeness *chunks;
};

/* ---- one block --------------------------------------------------------------------------------
 */

/* In double precision, weights that are not finite left out: for what float32 cannot sum. */
static void add_carefully(struct likeness *l, const float *a, const float *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        double x = (double)a[i], y = (double)b[i];
        if (!isfinite(x) || !isfinite(y))
            continue;
        l->elements += 1;
        l->equal += a[i] == b[i];
        l->dot += x * y;
        l->aa += x * x;
        l->bb += y * y;
        l->difference += (x - y) * (x - y);
    }
}

/* False if the sums are not to be relied on. `padding`: zeros at the end that are no weights. */
static bool add_sums(struct likeness *l, const struct alike_sums *sums, size_t n, size_t padding)
{
    float all = sums->dot + sums->aa + sums->bb + sums->difference;
    if (!isfinite(all) || sums->aa < LEAST_SQUARES || sums->bb < LEAST_SQUARES)
        return false;
    l->elements += (double)n;
    l->equal += (double)sums->equal - (double)padding;
    l->dot += (double)sums->dot;
    l->aa += (double)sums->aa;
    l->bb += (double)sums->bb;
    l->difference += (double)sums->difference;
    return true;
}

static void add_types(struct likeness *l, const struct alike_types *t, size_t padding)
{
    double none = (double)padding;
    l->typed += t->counted - none;
    l->half_equal += t->half_equal - none;
    l->a_half += t->a_half - none;
    l->b_half += t->b_half - none;
    l->bfloat16_equal += t->bfloat16_equal - none;
    l->a_bfloat16 += t->a_bfloat16 - none;
    l->b_bfloat16 += t->b_bfloat16 - none;
}

/* Whether 32 values are whole multiples of their largest's `steps`th part, and not all 0. */
static bool on_grid(const float *x, double steps)
{
    double most = 0;
    for (int i = 0; i < 32; i++)
        most = fmax(most, fabs((double)x[i]));
    double step = most / steps;
    if (!(step > 0) || !isfinite(step))
        return false;
    for (int i = 0; i < 32; i++)
        if (fabs((double)x[i] / step - round((double)x[i] / step)) > 0.01)
            return false;
    return true;
}

/* Runs of 32 that begin at a multiple of 32 in their row, as block formats cut them. */
static void add_grids(struct likeness *l, const float *a, const float *b, uint64_t first, size_t n,
                      uint64_t row)
{
    static const double steps[2] = {127, 8};
    for (size_t i = 0; i + 32 <= n; i++) {
        uint64_t column = (first + i) % row;
        if (column % 32 || row - column < 32)
            continue;
        l->blocks += 1;
        for (int grid = 0; grid < 2; grid++) {
            l->grid_a[grid] += on_grid(a + i, steps[grid]);
            l->grid_b[grid] += on_grid(b + i, steps[grid]);
        }
    }
}

static bool is_looked_at_closely(const struct likening *k, uint64_t block)
{
    return k->blocks <= 4 * LOOKED_CLOSELY || block % (k->blocks / LOOKED_CLOSELY) == 0;
}

/* What is asked for is there, and the type is one that is read (compare_likeness has tried). */
static void decode(const struct assay_tensor *t, uint64_t first, size_t n, float *values)
{
    if (assay_tensor_read(t, first, n, values, NULL) != ASSAY_OK)
        memset(values, 0, n * sizeof *values);
}

static void add_block(const struct likening *k, struct likeness *l, uint64_t block, float *room)
{
    uint64_t first = block * ALIKE_MOST, rest = k->a->elements - first;
    size_t n = rest < ALIKE_MOST ? (size_t)rest : ALIKE_MOST, padded = (n + 15) / 16 * 16;
    bool closely = is_looked_at_closely(k, block);
    float *a = room, *b = room + ALIKE_MOST;
    struct alike_sums sums;
    struct alike_types types;
    if (k->direct && !closely && n == padded) {
        size_t size = k->a->size / (size_t)k->a->elements, at = (size_t)first * size;
        k->direct(k->a->bytes + at, k->b->bytes + at, n, &sums);
        if (add_sums(l, &sums, n, 0))
            return;
    }
    memset(a + padded - 16, 0, 16 * sizeof *a);
    memset(b + padded - 16, 0, 16 * sizeof *b);
    decode(k->a, first, n, a);
    decode(k->b, first, n, b);
    k->alike->f32(a, b, padded, &sums);
    if (!add_sums(l, &sums, n, padded - n))
        add_carefully(l, a, b, n);
    if (closely && k->real) {
        k->alike->types(a, b, padded, &types);
        add_types(l, &types, padded - n);
    }
    if (block < LOOKED_AT_GRIDS && k->real)
        add_grids(l, a, b, first, n, k->row);
}

/* ---- the whole --------------------------------------------------------------------------------
 */

/* The pair that a chunk belongs to: the last whose first chunk is not above it. */
static const struct likening *pair_of(const struct likening_all *all, size_t chunk)
{
    size_t low = 0, high = all->count;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (all->list[middle].first_chunk <= chunk)
            low = middle;
        else
            high = middle;
    }
    return &all->list[low];
}

static void add_chunk(void *data, size_t chunk)
{
    const struct likening_all *all = data;
    const struct likening *k = pair_of(all, chunk);
    float room[2 * ALIKE_MOST];
    uint64_t first = (uint64_t)(chunk - k->first_chunk) * CHUNK;
    for (uint64_t block = first; block < first + CHUNK && block < k->blocks; block++)
        add_block(k, &all->chunks[chunk], block, room);
}

static alike_function *direct(const struct alike_functions *alike, const struct assay_tensor *a,
                              const struct assay_tensor *b)
{
    bool as_stored = a->contiguous && b->contiguous && !a->halves && !b->halves;
    if (a->dtype != b->dtype || !as_stored)
        return NULL;
    switch (a->dtype) {
    case ASSAY_DTYPE_F32:
        return alike->f32;
    case ASSAY_DTYPE_BF16:
        return alike->bf16;
    case ASSAY_DTYPE_F16:
        return alike->f16;
    default:
        return NULL;
    }
}

void likeness_add(struct likeness *sum, const struct likeness *l)
{
    sum->elements += l->elements;
    sum->equal += l->equal;
    sum->typed += l->typed;
    sum->half_equal += l->half_equal;
    sum->bfloat16_equal += l->bfloat16_equal;
    sum->a_half += l->a_half;
    sum->b_half += l->b_half;
    sum->a_bfloat16 += l->a_bfloat16;
    sum->b_bfloat16 += l->b_bfloat16;
    sum->dot += l->dot;
    sum->aa += l->aa;
    sum->bb += l->bb;
    sum->difference += l->difference;
    sum->blocks += l->blocks;
    for (int grid = 0; grid < 2; grid++) {
        sum->grid_a[grid] += l->grid_a[grid];
        sum->grid_b[grid] += l->grid_b[grid];
    }
}

static assay_status prepare(const struct comparing *c, const struct pair *p, struct likening *k)
{
    float none;
    ASSAY_TRY(assay_tensor_read(p->a->tensor, 0, 0, &none, c->error));
    ASSAY_TRY(assay_tensor_read(p->b->tensor, 0, 0, &none, c->error));
    k->a = p->a->tensor;
    k->b = p->b->tensor;
    k->alike = alike_fastest();
    k->direct = direct(k->alike, k->a, k->b);
    k->real = assay_dtype_is_real(k->a->dtype) && assay_dtype_is_real(k->b->dtype);
    k->row = p->a->shape.in * p->a->shape.inner;
    k->blocks = (k->a->elements + ALIKE_MOST - 1) / ALIKE_MOST;
    c->result->bytes_read += k->a->size + k->b->size;
    return ASSAY_OK;
}

/* Threads share the chunks of all pairs, so that none waits for another between tensors. */
assay_status compare_likeness(struct comparing *c)
{
    struct likening_all all = {.count = c->pair_count};
    all.list = assay_arena_alloc(c->arena, c->pair_count + 1, sizeof *all.list);
    if (!all.list)
        return compare_no_memory(c);
    for (size_t i = 0; i < c->pair_count; i++) {
        struct likening *k = &all.list[i];
        if (c->pairs[i].same_shape)
            ASSAY_TRY(prepare(c, &c->pairs[i], k));
        k[1].first_chunk = k->first_chunk + (size_t)((k->blocks + CHUNK - 1) / CHUNK);
    }
    all.chunk_count = all.list[c->pair_count].first_chunk;
    all.chunks = calloc(all.chunk_count + 1, sizeof *all.chunks);
    if (!all.chunks)
        return compare_no_memory(c);
    assay_status status = assay_parallel_for(c->context, "blocks of weights", all.chunk_count,
                                             add_chunk, &all, c->error);
    for (size_t i = 0; i < c->pair_count && status == ASSAY_OK; i++)
        for (size_t k = all.list[i].first_chunk; k < all.list[i + 1].first_chunk; k++)
            likeness_add(&c->pairs[i].like, &all.chunks[k]);
    free(all.chunks);
    return status;
}
