/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sketches made and compared. A sign of a centred coordinate is one bit; two units of cosine r
 * agree in 1/2 + asin(r)/pi of theirs, so 128 bits tell a cosine of 0.2 from none in most of 64
 * units' company. Which units and coordinates are kept depends on shapes alone, so it is the same
 * in two models of one shape.
 */
#include "lineage/matrices.h"
#include "lineage/trivial.h"

#include <assay/lineage.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LEAST_UNITS 8
#define MOST_TOKENS 16384 /* so that a vocabulary with tokens added at its end keeps its sketch */
#define WORDS (ASSAY_SKETCH_BITS / 64)

/* ---- which axes ---------------------------------------------------------------------- */

struct choice {
    const struct assay_context *context;
    struct matrices matrices;
    long layers;
    struct assay_sketch *sketch;
    uint64_t bytes_read;
    struct assay_error *error;
};

static uint64_t units_of(const struct matrix *m, enum axis axis)
{
    return matrix_units(m, axis) / (axis == AXIS_FIRST ? m->blocks : 1);
}

static bool is_possible(const struct matrix *m, enum axis axis)
{
    return !m->ignored && m->testable[axis] && units_of(m, axis) >= LEAST_UNITS &&
           m->shape.inner <= KERNEL_MOST_WIDTH;
}

static bool is_quarter(const struct choice *c, long layer)
{
    for (long quarter = 0; quarter < 4; quarter++)
        if (layer == quarter * c->layers / 4)
            return true;
    return layer == c->layers - 1;
}

/* The axes of a transformer that say most. */
static bool is_wanted(const struct choice *c, const struct matrix *m, enum axis axis)
{
    if (!is_possible(m, axis) || m->name.expert > 0)
        return false;
    switch (m->name.role) {
    case ROLE_EMBEDDING:
        return axis == AXIS_SECOND;
    case ROLE_UP:
        return axis == AXIS_FIRST && is_quarter(c, m->name.layer);
    case ROLE_DOWN:
        return axis == AXIS_FIRST &&
               (m->name.layer == c->layers / 4 || m->name.layer == c->layers / 2);
    default:
        return false;
    }
}

/* ---- one axis ------------------------------------------------------------------------ */

static assay_status add_bits(struct choice *c, const struct matrix *m, enum axis axis,
                             struct assay_sketch_axis *to)
{
    uint64_t count, *numbers = matrix_sample(units_of(m, axis), ASSAY_SKETCH_UNITS, &count);
    struct selection s = {axis, numbers, 0, count, ASSAY_SKETCH_BITS};
    struct packed p = {0};
    assay_status status =
        numbers ? matrix_pack_units(c->context, m, &s, &p, &c->bytes_read, c->error)
                : assay_error_at(c->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    if (status == ASSAY_OK) {
        to->sampled = (size_t)count;
        for (size_t i = 0; i < to->sampled; i++)
            for (size_t x = 0; x < ASSAY_SKETCH_BITS && x < p.tiles * KERNEL_COORDINATES; x++)
                to->bits[i][x / 64] |= (uint64_t)(packed_at(&p, i, x) > 0) << x % 64;
    }
    packed_free(&p);
    free(numbers);
    return status;
}

static assay_status add_axis(struct choice *c, const struct matrix *m, enum axis axis)
{
    struct assay_sketch_axis *to = &c->sketch->axes[c->sketch->axis_count];
    struct matrix part = *m;
    if (trivial_reason(m->tensor, &c->bytes_read))
        return ASSAY_OK;
    if (m->name.role == ROLE_EMBEDDING && part.shape.out > MOST_TOKENS)
        part.shape.out = MOST_TOKENS;
    memset(to, 0, sizeof *to);
    strncpy(to->role, role_name(m->name.role), sizeof to->role - 1);
    to->second = axis == AXIS_SECOND;
    to->layer = (int32_t)m->name.layer;
    to->expert = (int32_t)m->name.expert;
    to->units = units_of(m, axis);
    to->width = (axis == AXIS_FIRST ? part.shape.in : part.shape.out) * part.shape.inner;
    ASSAY_TRY(add_bits(c, &part, axis, to));
    c->sketch->axis_count++;
    return ASSAY_OK;
}

/* ---- the whole ----------------------------------------------------------------------- */

static assay_status add_transformer(struct choice *c)
{
    for (size_t i = 0; i < c->matrices.count; i++) {
        const struct matrix *m = &c->matrices.list[i];
        if (m->name.role == ROLE_UP && m->name.layer >= c->layers && m->name.layer < INT32_MAX)
            c->layers = m->name.layer + 1;
    }
    for (size_t i = 0; i < 2 * c->matrices.count; i++)
        if (c->sketch->axis_count < ASSAY_SKETCH_AXES &&
            is_wanted(c, &c->matrices.list[i / 2], (enum axis)(i % 2)))
            ASSAY_TRY(add_axis(c, &c->matrices.list[i / 2], (enum axis)(i % 2)));
    return ASSAY_OK;
}

/* Where names say nothing: what can be tested, evenly spread over the file. */
static assay_status add_any(struct choice *c)
{
    size_t possible = 0, seen = 0, taken = 0;
    for (size_t i = 0; i < 2 * c->matrices.count; i++)
        possible += is_possible(&c->matrices.list[i / 2], (enum axis)(i % 2));
    for (size_t i = 0; i < 2 * c->matrices.count && taken < ASSAY_SKETCH_AXES; i++) {
        const struct matrix *m = &c->matrices.list[i / 2];
        if (!is_possible(m, (enum axis)(i % 2)) || seen++ * ASSAY_SKETCH_AXES < taken * possible)
            continue;
        taken++;
        ASSAY_TRY(add_axis(c, m, (enum axis)(i % 2)));
    }
    return ASSAY_OK;
}

/* As much of a name as fits, cut between characters. */
static void set_name(struct assay_sketch *sketch, const char *name)
{
    size_t length = strlen(name);
    if (length >= sizeof sketch->name) {
        length = sizeof sketch->name - 1;
        while (length > 0 && ((unsigned char)name[length] & 0xc0) == 0x80)
            length--;
    }
    memcpy(sketch->name, name, length);
}

assay_status assay_lineage_sketch(const struct assay_checkpoint *checkpoint, const char *name,
                                  const struct assay_context *context, struct assay_sketch *sketch,
                                  struct assay_error *error)
{
    struct choice c = {.context = context, .sketch = sketch, .error = error};
    struct assay_arena *arena = assay_arena_new();
    memset(sketch, 0, sizeof *sketch);
    set_name(sketch, name);
    sketch->file_bytes = checkpoint->file_bytes;
    sketch->tensors = checkpoint->count;
    if (!arena)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    assay_status status = matrices_list(checkpoint, context, false, arena, &c.matrices, error);
    if (status == ASSAY_OK)
        status = add_transformer(&c);
    if (status == ASSAY_OK && sketch->axis_count == 0)
        status = add_any(&c);
    assay_arena_free(arena);
    return status;
}

/* ---- comparing ----------------------------------------------------------------------- */

static bool same_kind(const struct assay_sketch_axis *a, const struct assay_sketch_axis *b)
{
    return strcmp(a->role, b->role) == 0 && a->second == b->second && a->units == b->units &&
           a->width == b->width && a->sampled == b->sampled;
}

/* Bits set, by halves: without an instruction for it, and so that loops become vector code. */
static inline uint64_t bits_set(uint64_t x)
{
    x -= x >> 1 & 0x5555555555555555u;
    x = (x & 0x3333333333333333u) + (x >> 2 & 0x3333333333333333u);
    x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fu;
    return x * 0x0101010101010101u >> 56;
}

static unsigned differing(const uint64_t *a, const uint64_t *b)
{
    uint64_t count = 0;
    for (size_t w = 0; w < WORDS; w++)
        count += bits_set(a[w] ^ b[w]);
    return (unsigned)count;
}

/* The unit of b nearest to one of a; none if two are. */
static size_t nearest(const uint64_t *unit, const struct assay_sketch_axis *b)
{
    unsigned least = UINT32_MAX;
    size_t best = MATCH_NONE;
    for (size_t j = 0; j < b->sampled; j++) {
        unsigned d = differing(unit, b->bits[j]);
        if (d <= least)
            best = d < least ? j : MATCH_NONE;
        least = d < least ? d : least;
    }
    return best;
}

/* log10 p of a pair of axes. */
static double compare_axes(const struct assay_sketch_axis *a, const struct assay_sketch_axis *b,
                           size_t *fixed)
{
    size_t best[ASSAY_SKETCH_UNITS], increasing = 0;
    *fixed = 0;
    for (size_t i = 0; i < a->sampled; i++) {
        best[i] = nearest(a->bits[i], b);
        *fixed += best[i] == i;
    }
    if (!match_increasing(best, a->sampled, &increasing))
        increasing = 0;
    double by_number = assay_lineage_fixed_tail(*fixed, a->sampled, a->sampled);
    double by_order = assay_lineage_increasing_tail(increasing, a->sampled);
    return fmin(0, fmin(by_number, by_order) + log10(2));
}

struct assay_sketch_likeness assay_lineage_sketches_compare(const struct assay_sketch *a,
                                                            const struct assay_sketch *b)
{
    struct assay_sketch_likeness l = {.layer_a = -1, .layer_b = -1};
    for (size_t i = 0; i < a->axis_count; i++)
        for (size_t j = 0; j < b->axis_count; j++) {
            const struct assay_sketch_axis *x = &a->axes[i], *y = &b->axes[j];
            size_t fixed;
            if (!same_kind(x, y))
                continue;
            double p = compare_axes(x, y, &fixed);
            if (l.tests++ == 0 || p < l.log10_p) {
                l.log10_p = p;
                l.fixed = fixed;
                l.units = x->sampled;
                l.role = x->role;
                l.layer_a = x->layer;
                l.layer_b = y->layer;
            }
        }
    if (l.tests > 0)
        l.log10_p = fmin(0, l.log10_p + log10((double)l.tests));
    return l;
}
