/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Roles for tensors whose names were hidden, lent by the other side: tensors of one shape are
 * paired by their sorted row lengths and sorted column lengths, the nearest first. Sorting forgets
 * how units are numbered, so the exact tests stay exact whatever is paired with what.
 */
#include "lineage/hidden.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define QUANTILES 16
#define PROFILE (2 * QUANTILES)
#define MOST_TENSORS 4096
#define MOST_ELEMENTS ((uint64_t)1 << 26)

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void quantiles_of(double *values, size_t n, double *to)
{
    qsort(values, n, sizeof *values, by_value);
    for (size_t k = 0; k < QUANTILES; k++)
        to[k] = sqrt(values[k * (n - 1) / (QUANTILES - 1)]);
}

static assay_status profile(struct comparing *c, const struct matrix *m, double *to)
{
    uint64_t row = m->shape.in * m->shape.inner, n = m->shape.out + row;
    double *sums = calloc((size_t)n, sizeof *sums);
    float *values = malloc((size_t)row * sizeof *values);
    assay_status status = sums && values ? ASSAY_OK : compare_no_memory(c);
    for (uint64_t r = 0; r < m->shape.out && status == ASSAY_OK; r++) {
        status = assay_tensor_read(m->tensor, r * row, row, values, c->error);
        for (uint64_t i = 0; i < row && status == ASSAY_OK; i++) {
            double square = isfinite(values[i]) ? (double)values[i] * (double)values[i] : 0;
            sums[r] += square;
            sums[m->shape.out + i] += square;
        }
    }
    c->result->bytes_read += 4 * row * m->shape.out;
    if (status == ASSAY_OK) {
        quantiles_of(sums, (size_t)m->shape.out, to);
        quantiles_of(sums + m->shape.out, (size_t)row, to + QUANTILES);
    }
    free(sums);
    free(values);
    return status;
}

struct offer {
    double distance;
    size_t from, to;
};

static int by_distance(const void *a, const void *b)
{
    const struct offer *x = a, *y = b;
    if (x->distance != y->distance)
        return x->distance < y->distance ? -1 : 1;
    return x->from != y->from ? (x->from > y->from) - (x->from < y->from)
                              : (x->to > y->to) - (x->to < y->to);
}

static double distance(const double *x, const double *y)
{
    double sum = 0;
    for (int i = 0; i < PROFILE; i++)
        sum += fabs(x[i] - y[i]) / (x[i] + y[i] + 1e-30);
    return sum;
}

static bool has_role(const struct matrix *m)
{
    return m->name.role != ROLE_UNKNOWN && m->name.role != ROLE_NORM && m->name.role != ROLE_BUFFER;
}

static size_t named(const struct matrices *all)
{
    size_t count = 0;
    for (size_t i = 0; i < all->count; i++)
        count += !all->list[i].ignored && has_role(&all->list[i]);
    return count;
}

/* The nearest first; whoever has been given a partner by units keeps it. */
static void accept(struct matrices *to, struct matrices *from, const struct offer *offers,
                   size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct matrix *x = &from->list[offers[i].from], *y = &to->list[offers[i].to];
        if (x->partner || y->partner || has_role(y))
            continue;
        x->partner = y;
        y->partner = x;
        if (!has_role(x))
            continue;
        y->name = x->name;
        matrix_set_axes(y);
    }
}

static assay_status lend(struct comparing *c, struct matrices *from, struct matrices *to)
{
    size_t count = 0, room = from->count * to->count;
    double *x = assay_arena_alloc(c->arena, from->count * PROFILE, sizeof *x);
    double *y = assay_arena_alloc(c->arena, to->count * PROFILE, sizeof *y);
    struct offer *offers = malloc((room + 1) * sizeof *offers);
    assay_status status = x && y && offers ? ASSAY_OK : compare_no_memory(c);
    for (int side = 0; side < 2; side++) {
        const struct matrices *all = side ? to : from;
        for (size_t i = 0; i < all->count && status == ASSAY_OK; i++)
            if (!all->list[i].ignored && all->list[i].tensor->elements <= MOST_ELEMENTS)
                status = profile(c, &all->list[i], (side ? y : x) + i * PROFILE);
    }
    for (size_t i = 0; i < from->count && status == ASSAY_OK; i++)
        for (size_t j = 0; j < to->count; j++) {
            const struct matrix *a = &from->list[i], *b = &to->list[j];
            if (!a->ignored && !b->ignored && a->shape.out == b->shape.out &&
                a->shape.in == b->shape.in && a->shape.inner == b->shape.inner)
                offers[count++] = (struct offer){distance(x + i * PROFILE, y + j * PROFILE), i, j};
        }
    if (status == ASSAY_OK && count > 0) {
        qsort(offers, count, sizeof *offers, by_distance);
        accept(to, from, offers, count);
    }
    free(offers);
    return status;
}

/* Feed-forward parts by their units (hidden.c), then what is left by profile. */
assay_status compare_lend_roles(struct comparing *c)
{
    bool a = named(&c->a) >= 4, b = named(&c->b) >= 4;
    bool a_hidden = named(&c->a) == 0, b_hidden = named(&c->b) == 0;
    if (c->a.count > MOST_TENSORS || c->b.count > MOST_TENSORS || (a && b) || (!a && !a_hidden) ||
        (!b && !b_hidden))
        return ASSAY_OK;
    struct matrices *x = a || !b ? &c->a : &c->b, *y = a || !b ? &c->b : &c->a;
    ASSAY_TRY(hidden_blocks(c, x, a || b, y));
    c->lent = c->lent || a || b;
    return c->lent ? lend(c, x, y) : ASSAY_OK;
}
