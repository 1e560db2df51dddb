/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exact tests on one pair: along each axis of interchangeable units, how many units of the
 * side with fewer find their own number on the other, and how long a run they find in order.
 */
#include "lineage/compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LEAST_UNITS 8
#define LEAST_SAMPLED 64
#define MOST_WORK 1e9 /* multiplications a test */

struct side {
    const struct matrix *matrix;
    uint64_t units; /* of one block */
};

/* An even sample of 0 .. all-1; everything if it is no more than `wanted`. */
static uint64_t *sample(uint64_t all, uint64_t wanted, uint64_t *count)
{
    *count = all < wanted ? all : wanted;
    uint64_t *numbers = malloc((size_t)(*count + 1) * sizeof *numbers);
    for (uint64_t i = 0; numbers && i < *count; i++)
        numbers[i] = *count == all ? i : (uint64_t)((double)i * (double)all / (double)*count);
    return numbers;
}

/* The mean cosine of units with the same number. */
static double same_number_cosine(const struct packed *a, const uint64_t *numbers,
                                 const struct packed *b)
{
    double sum = 0;
    for (size_t i = 0; i < a->count; i++) {
        int64_t product = 0;
        for (size_t x = 0; x < a->tiles * KERNEL_COORDINATES; x++)
            product += packed_at(a, i, x) * packed_at(b, numbers[i], x);
        sum += (double)product * (double)a->inverse[i] * (double)b->inverse[numbers[i]];
    }
    return sum / (double)a->count;
}

static assay_status test(struct comparing *c, const struct packed *a, const uint64_t *numbers,
                         const struct packed *b, struct assay_lineage_match *match)
{
    size_t *best = malloc((a->count + 1) * sizeof *best);
    float *score = malloc((a->count + 1) * sizeof *score);
    assay_status status = best && score ? match_packed(c->context, a, b, best, score, c->error)
                                        : compare_no_memory(c);
    if (status == ASSAY_OK) {
        for (size_t i = 0; i < a->count; i++)
            match->fixed += best[i] == numbers[i];
        if (!match_increasing(best, a->count, &match->increasing))
            status = compare_no_memory(c);
    }
    free(best);
    free(score);
    return status;
}

/* Fewer units where each costs much: 64 that all keep their number among 11,008 are 10^-250. */
static uint64_t affordable(const struct comparing *c, const struct side *few,
                           const struct side *many, enum axis axis)
{
    uint64_t width = matrix_width(few->matrix, axis), most = c->settings->most_coordinates;
    double each = (double)many->units * (double)(width < most ? width : most);
    uint64_t count = (uint64_t)fmin((double)c->settings->most_units, MOST_WORK / each);
    uint64_t least =
        c->settings->most_units < LEAST_SAMPLED ? c->settings->most_units : LEAST_SAMPLED;
    return count < least ? least : count;
}

static assay_status test_block(struct comparing *c, const struct side *few, const struct side *many,
                               enum axis axis, uint64_t block, struct assay_lineage_match *match)
{
    uint64_t count, most = c->settings->most_coordinates;
    uint64_t *numbers = sample(few->units, affordable(c, few, many, axis), &count);
    uint64_t *shifted = malloc((size_t)(count + 1) * sizeof *shifted);
    struct packed a = {0}, b = {0};
    assay_status status = numbers && shifted ? ASSAY_OK : compare_no_memory(c);
    for (uint64_t i = 0; i < count && status == ASSAY_OK; i++)
        shifted[i] = numbers[i] + block * few->units;
    struct selection from_a = {axis, shifted, 0, count, most};
    struct selection from_b = {axis, NULL, block * many->units, many->units, most};
    if (status == ASSAY_OK)
        status = matrix_pack_units(c->context, few->matrix, &from_a, &a, &c->result->bytes_read,
                                   c->error);
    if (status == ASSAY_OK)
        status = matrix_pack_units(c->context, many->matrix, &from_b, &b, &c->result->bytes_read,
                                   c->error);
    if (status == ASSAY_OK && a.tiles != b.tiles) /* block types cut samples differently */
        match->log10_p = NAN;
    else if (status == ASSAY_OK) {
        status = test(c, &a, numbers, &b, match);
        match->units_a = (size_t)count;
        match->units_b = (size_t)many->units;
        if (few->units == many->units)
            match->cosine = same_number_cosine(&a, numbers, &b);
    }
    packed_free(&a);
    packed_free(&b);
    free(numbers);
    free(shifted);
    return status;
}

/* Two statistics of one matching: Bonferroni's 2. */
static double p_of(const struct assay_lineage_match *m)
{
    double fixed = assay_lineage_fixed_tail(m->fixed, m->units_a, m->units_b);
    double order = assay_lineage_increasing_tail(m->increasing, m->units_a);
    return fmin(0, fmin(fixed, order) + log10(2));
}

static assay_status test_axis(struct comparing *c, struct pair *p, enum axis axis)
{
    uint64_t blocks = axis == AXIS_FIRST ? p->a->blocks : 1;
    struct side a = {p->a, matrix_units(p->a, axis) / blocks};
    struct side b = {p->b, matrix_units(p->b, axis) / blocks};
    bool swap = a.units > b.units;
    struct assay_lineage_match best = {.log10_p = NAN};
    if (a.units < LEAST_UNITS || b.units < LEAST_UNITS)
        return ASSAY_OK;
    for (uint64_t block = 0; block < blocks; block++) {
        struct assay_lineage_match match = {.cosine = NAN};
        ASSAY_TRY(test_block(c, swap ? &b : &a, swap ? &a : &b, axis, block, &match));
        if (isnan(match.log10_p))
            continue;
        match.log10_p = p_of(&match);
        if (isnan(best.log10_p) || match.log10_p < best.log10_p)
            best = match;
    }
    if (isnan(best.log10_p))
        return ASSAY_OK;
    best.log10_p = fmin(0, best.log10_p + log10((double)blocks));
    best.a = p->a->tensor->name;
    best.b = p->b->tensor->name;
    best.axis = axis == AXIS_FIRST ? "first" : "second";
    best.method = "as numbered";
    if (best.log10_p < p->best_log10_p) {
        p->best_log10_p = best.log10_p;
        p->fixed = best.fixed;
        p->units = best.units_a;
    }
    return compare_add_match(c, &best);
}

assay_status compare_axes(struct comparing *c, struct pair *p)
{
    for (int axis = 0; axis < 2; axis++)
        if (p->a->testable[axis] && p->b->testable[axis] && p->a->blocks == p->b->blocks &&
            matrix_width(p->a, (enum axis)axis) == matrix_width(p->b, (enum axis)axis) &&
            p->a->shape.inner <= KERNEL_MOST_WIDTH)
            ASSAY_TRY(test_axis(c, p, (enum axis)axis));
    return ASSAY_OK;
}
