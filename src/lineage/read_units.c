/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Units as vectors. Along the first axis a unit is a run of the file; along the second it is
 * gathered from every row (or from an even sample of them, where there are more coordinates than
 * asked for).
 */
#include "lineage/matrices.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static uint64_t number_of(const struct selection *s, uint64_t i)
{
    return s->numbers ? s->numbers[i] : s->first + i;
}

static void clean(float *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(values[i]))
            values[i] = 0;
}

static assay_status read_first(const struct matrix *m, const struct selection *s,
                               struct units *units, uint64_t *bytes_read, struct assay_error *error)
{
    size_t block, bytes;
    uint64_t row = m->shape.in * m->shape.inner, width = row;
    assay_dtype_block(m->tensor->dtype, &block, &bytes);
    if (width > s->most_coordinates)
        width = s->most_coordinates - s->most_coordinates % block;
    if (width == 0)
        width = block;
    if (!units_new(units, (size_t)s->count, (size_t)width))
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    for (uint64_t i = 0; i < s->count; i++) {
        float *to = units->values + i * units->width;
        ASSAY_TRY(assay_tensor_read(m->tensor, number_of(s, i) * row, width, to, error));
        clean(to, (size_t)width);
    }
    *bytes_read += s->count * width * 4;
    return ASSAY_OK;
}

#define TOGETHER 16

/*
 * One row of the file gives one coordinate (or `inner` of them) to every unit. Rows are read a few
 * at a time, so that what a unit gets is written in runs.
 */
static assay_status gather(const struct matrix *m, const struct selection *s, struct units *units,
                           uint64_t rows, float *slab, struct assay_error *error)
{
    uint64_t inner = m->shape.inner, size = m->shape.in * inner;
    for (uint64_t r = 0; r < rows; r += TOGETHER) {
        uint64_t count = rows - r < TOGETHER ? rows - r : TOGETHER;
        for (uint64_t k = 0; k < count; k++) {
            uint64_t row = rows == m->shape.out ? r + k : (r + k) * m->shape.out / rows;
            ASSAY_TRY(assay_tensor_read(m->tensor, row * size, size, slab + k * size, error));
            clean(slab + k * size, (size_t)size);
        }
        for (uint64_t i = 0; i < s->count; i++)
            for (uint64_t k = 0; k < count; k++)
                memcpy(units->values + i * units->width + (r + k) * inner,
                       slab + k * size + number_of(s, i) * inner, (size_t)inner * sizeof *slab);
    }
    return ASSAY_OK;
}

static assay_status read_second(const struct matrix *m, const struct selection *s,
                                struct units *units, uint64_t *bytes_read,
                                struct assay_error *error)
{
    uint64_t inner = m->shape.inner, rows = m->shape.out, size = m->shape.in * inner;
    if (rows * inner > s->most_coordinates)
        rows = s->most_coordinates / inner ? s->most_coordinates / inner : 1;
    float *slab = calloc(TOGETHER, (size_t)size * sizeof *slab);
    if (!slab || !units_new(units, (size_t)s->count, (size_t)(rows * inner))) {
        free(slab);
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    }
    assay_status status = gather(m, s, units, rows, slab, error);
    free(slab);
    *bytes_read += rows * size * 4;
    return status;
}

/* What unit i has to do with itself: `inner` entries from i * inner on, if they were read. */
static void leave_out_own(const struct matrix *m, const struct selection *s, struct units *units)
{
    uint64_t inner = m->shape.inner;
    for (uint64_t i = 0; i < s->count; i++) {
        uint64_t own = number_of(s, i) * inner;
        for (uint64_t x = own; x < own + inner && x < units->width; x++)
            units->values[i * units->width + x] = 0;
    }
}

assay_status matrix_read_units(const struct matrix *m, const struct selection *s,
                               struct units *units, uint64_t *bytes_read, struct assay_error *error)
{
    memset(units, 0, sizeof *units);
    assay_status status = s->axis == AXIS_FIRST ? read_first(m, s, units, bytes_read, error)
                                                : read_second(m, s, units, bytes_read, error);
    if (status == ASSAY_OK && m->own_units)
        leave_out_own(m, s, units);
    if (status == ASSAY_OK && !units_normalise(units))
        status = assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    if (status != ASSAY_OK)
        units_free(units);
    return status;
}
