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
#define LEAST_COORDINATES ((uint64_t)512)
#define RUN 1024 /* units of B, where they are very many */
#define LARGEST_BLOCK 256
#define MOST_CELLS ((uint64_t)1 << 22) /* weights of the side with more units */
#define MOST_WORK 5e8                  /* multiplications a test */

struct side {
    const struct matrix *matrix;
    uint64_t units; /* of one block */
};

static assay_status no_memory(const struct pair *p)
{
    return assay_error_at(p->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

/* The mean cosine of units with the same number. */
static double same_number_cosine(const struct packed *a, const uint64_t *numbers,
                                 const struct packed *b)
{
    double sum = 0;
    for (size_t i = 0; i < a->count; i++)
        sum += packed_cosine(a, i, b, (size_t)numbers[i]);
    return sum / (double)a->count;
}

static assay_status test(const struct comparing *c, struct pair *p, const struct packed *a,
                         const uint64_t *numbers, const struct packed *b,
                         struct assay_lineage_match *match)
{
    size_t *best = malloc((a->count + 1) * sizeof *best);
    float *score = malloc((a->count + 1) * sizeof *score);
    assay_status status =
        best && score ? match_packed(c->context, a, b, best, score, p->error) : no_memory(p);
    if (status == ASSAY_OK) {
        for (size_t i = 0; i < a->count; i++)
            match->fixed += best[i] == numbers[i];
        if (!match_increasing(best, a->count, &match->increasing))
            status = no_memory(p);
    }
    free(best);
    free(score);
    return status;
}

/*
 * What is looked at of an axis: `units` of `few`, among `among` of `many` from number `first` on,
 * each by so many coordinates.
 */
struct extent {
    uint64_t units, first, among, coordinates;
};

/*
 * Where both have equally many units and those are very many, a run of them in the middle does:
 * given all else B's units stand in any order, and so do those in the run, whichever they are; 64
 * that all keep their number among 1,024 are 10^-190. Else fewer coordinates, then fewer units.
 */
static struct extent afford(const struct comparing *c, const struct side *few,
                            const struct side *many, enum axis axis)
{
    uint64_t width = matrix_width(few->matrix, axis), most = c->settings->most_coordinates;
    uint64_t least = most < LEAST_COORDINATES ? most : LEAST_COORDINATES;
    uint64_t cells = MOST_CELLS;
    double work = MOST_WORK;
    struct extent e = {.among = many->units};
    if (few->units == many->units && many->units >= 2 * RUN) {
        e.among = RUN;
        cells = RUN * LEAST_COORDINATES;
        work = 128 * (double)cells;
        e.first = (many->units - RUN) / 2 / LARGEST_BLOCK * LARGEST_BLOCK;
    }
    uint64_t fitting = cells / e.among;
    e.coordinates = fitting < least ? least : fitting < most ? fitting : most;
    double each = (double)e.among * (double)(width < e.coordinates ? width : e.coordinates);
    e.units = (uint64_t)fmin((double)c->settings->most_units, work / each);
    least = c->settings->most_units < LEAST_SAMPLED ? c->settings->most_units : LEAST_SAMPLED;
    e.units = e.units < least ? least : e.units;
    return e;
}

static assay_status test_block(const struct comparing *c, struct pair *p, const struct side *few,
                               const struct side *many, enum axis axis, uint64_t block,
                               struct assay_lineage_match *match)
{
    struct extent e = afford(c, few, many, axis);
    uint64_t count, available = e.among < many->units ? e.among : few->units;
    uint64_t *numbers = matrix_sample(available, e.units, &count);
    uint64_t *shifted = malloc((size_t)(count + 1) * sizeof *shifted);
    struct packed a = {0}, b = {0};
    assay_status status = numbers && shifted ? ASSAY_OK : no_memory(p);
    for (uint64_t i = 0; i < count && status == ASSAY_OK; i++)
        shifted[i] = numbers[i] + block * few->units + e.first;
    struct selection from_a = {axis, shifted, 0, count, e.coordinates};
    struct selection from_b = {axis, NULL, block * many->units + e.first, e.among, e.coordinates};
    if (status == ASSAY_OK)
        status = matrix_pack_units(c->context, few->matrix, &from_a, &a, &p->bytes_read, p->error);
    if (status == ASSAY_OK)
        status = matrix_pack_units(c->context, many->matrix, &from_b, &b, &p->bytes_read, p->error);
    if (status == ASSAY_OK && a.tiles != b.tiles) /* block types cut samples differently */
        match->log10_p = NAN;
    else if (status == ASSAY_OK) {
        status = test(c, p, &a, numbers, &b, match);
        match->units_a = (size_t)count;
        match->units_b = (size_t)e.among;
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

static void name(const struct pair *p, enum axis axis, struct assay_lineage_match *match)
{
    match->a = p->a->tensor->name;
    match->b = p->b->tensor->name;
    match->axis = axis == AXIS_FIRST ? "first" : "second";
    match->method = "as numbered";
    match->exact = true;
}

static bool can_be_tested(const struct pair *p, enum axis axis)
{
    return p->a->testable[axis] && p->b->testable[axis] && p->a->blocks == p->b->blocks &&
           matrix_width(p->a, axis) == matrix_width(p->b, axis) &&
           p->a->shape.inner <= KERNEL_MOST_WIDTH;
}

static assay_status test_axis(const struct comparing *c, struct pair *p, enum axis axis)
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
        ASSAY_TRY(test_block(c, p, swap ? &b : &a, swap ? &a : &b, axis, block, &match));
        if (isnan(match.log10_p))
            continue;
        match.log10_p = p_of(&match);
        if (isnan(best.log10_p) || match.log10_p < best.log10_p)
            best = match;
    }
    if (isnan(best.log10_p))
        return ASSAY_OK;
    best.log10_p = fmin(0, best.log10_p + log10((double)blocks));
    name(p, axis, &best);
    if (best.log10_p < p->best_log10_p) {
        p->best_log10_p = best.log10_p;
        p->fixed = best.fixed;
        p->units = best.units_a;
    }
    p->matches[p->match_count++] = best;
    return ASSAY_OK;
}

assay_status compare_axes(const struct comparing *c, struct pair *p)
{
    for (int axis = 0; axis < 2; axis++)
        if (can_be_tested(p, (enum axis)axis))
            ASSAY_TRY(test_axis(c, p, (enum axis)axis));
    return ASSAY_OK;
}

/* ---- a sample on both sides -------------------------------------------------------------------
 */

/* Neighbours, for the fewest pages of the file; false: such a test is not to be made. */
static bool sample(const struct pair *p, enum axis axis, uint64_t coordinates,
                   uint64_t numbers[LEAST_SAMPLED], struct selection *s)
{
    uint64_t blocks = axis == AXIS_FIRST ? p->a->blocks : 1;
    uint64_t units = matrix_units(p->a, axis) / blocks;
    if (!can_be_tested(p, axis) || units != matrix_units(p->b, axis) / blocks ||
        units < LEAST_UNITS)
        return false;
    uint64_t count = units < LEAST_SAMPLED ? units : LEAST_SAMPLED;
    uint64_t first = count < units ? units / 2 / LARGEST_BLOCK * LARGEST_BLOCK : 0;
    first = first + count <= units ? first : 0;
    for (uint64_t i = 0; i < count; i++)
        numbers[i] = first + i;
    *s = (struct selection){axis, numbers, 0, count, coordinates};
    return true;
}

void compare_expect_sampled_axis(const struct pair *p, enum axis axis, uint64_t coordinates)
{
    uint64_t numbers[LEAST_SAMPLED];
    struct selection s;
    if (!sample(p, axis, coordinates, numbers, &s))
        return;
    matrix_expect_units(p->a, &s);
    matrix_expect_units(p->b, &s);
}

/*
 * Given all else, B's units stand in any order: so do those with the sampled numbers, whichever
 * they are. A sampled unit of A that finds its own number among them is a fixed point as before,
 * of as many units as were sampled.
 */
assay_status compare_sampled_axis(const struct comparing *c, struct pair *p, enum axis axis,
                                  uint64_t coordinates, struct assay_lineage_match *match)
{
    uint64_t numbers[LEAST_SAMPLED], own[LEAST_SAMPLED];
    struct packed a = {0}, b = {0};
    struct selection s;
    *match = (struct assay_lineage_match){.log10_p = NAN, .cosine = NAN};
    if (!sample(p, axis, coordinates, numbers, &s))
        return ASSAY_OK;
    for (uint64_t i = 0; i < s.count; i++)
        own[i] = i;
    assay_status status = matrix_pack_units(c->context, p->a, &s, &a, &p->bytes_read, p->error);
    if (status == ASSAY_OK)
        status = matrix_pack_units(c->context, p->b, &s, &b, &p->bytes_read, p->error);
    if (status == ASSAY_OK && a.tiles == b.tiles) {
        status = test(c, p, &a, own, &b, match);
        match->units_a = match->units_b = (size_t)s.count;
        match->cosine = same_number_cosine(&a, own, &b);
        match->log10_p = p_of(match);
        name(p, axis, match);
    }
    packed_free(&a);
    packed_free(&b);
    return status;
}
