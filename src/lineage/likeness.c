/* SPDX-License-Identifier: Apache-2.0 */
/* Two tensors of one shape, element by element, on an even sample of runs. */
#include "lineage/compare.h"

#include "formats/small_floats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define RUN 16384 /* elements; a multiple of every block */
#define MOST_RUNS 64

static bool same_bits(float x, float y)
{
    uint32_t a, b;
    memcpy(&a, &x, sizeof a);
    memcpy(&b, &y, sizeof b);
    return a == b || (x == 0 && y == 0); /* -0 and 0 are one weight */
}

static void add_run(struct likeness *l, const float *a, const float *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float half_a = small_float_half(small_float_to_half(a[i]));
        float half_b = small_float_half(small_float_to_half(b[i]));
        float brain_a = small_float_bfloat16(small_float_to_bfloat16(a[i]));
        float brain_b = small_float_bfloat16(small_float_to_bfloat16(b[i]));
        double x = (double)a[i], y = (double)b[i];
        if (!isfinite(x) || !isfinite(y))
            continue;
        l->elements += 1;
        l->equal += same_bits(a[i], b[i]);
        l->half_equal += same_bits(half_a, half_b);
        l->bfloat16_equal += same_bits(brain_a, brain_b);
        l->a_half += same_bits(a[i], half_a);
        l->b_half += same_bits(b[i], half_b);
        l->a_bfloat16 += same_bits(a[i], brain_a);
        l->b_bfloat16 += same_bits(b[i], brain_b);
        l->dot += x * y;
        l->aa += x * x;
        l->bb += y * y;
        l->difference += (x - y) * (x - y);
    }
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

static assay_status add_runs(struct comparing *c, struct pair *p, float *room)
{
    uint64_t n = p->a->tensor->elements, runs = (n + RUN - 1) / RUN;
    uint64_t taken = runs < MOST_RUNS ? runs : MOST_RUNS;
    for (uint64_t r = 0; r < taken; r++) {
        uint64_t first = (taken == runs ? r : r * runs / taken) * RUN;
        uint64_t count = n - first < RUN ? n - first : RUN;
        ASSAY_TRY(assay_tensor_read(p->a->tensor, first, count, room, c->error));
        ASSAY_TRY(assay_tensor_read(p->b->tensor, first, count, room + RUN, c->error));
        add_run(&p->like, room, room + RUN, (size_t)count);
        if (r < 4)
            add_grids(&p->like, room, room + RUN, first, (size_t)count,
                      p->a->shape.in * p->a->shape.inner);
        c->result->bytes_read += 8 * count;
    }
    return ASSAY_OK;
}

assay_status compare_likeness(struct comparing *c, struct pair *p)
{
    if (!p->same_shape)
        return ASSAY_OK;
    float *room = malloc(2 * RUN * sizeof *room);
    if (!room)
        return compare_no_memory(c);
    assay_status status = add_runs(c, p, room);
    free(room);
    return status;
}
