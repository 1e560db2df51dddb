/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Units as vectors. Along the first axis a unit is a run of the file, of which the beginning is
 * read; along the second each row gives every unit one coordinate (or `inner` of them), and an even
 * sample of rows is read, where there are more coordinates than asked for.
 */
#include "lineage/matrices.h"

#include <stdlib.h>
#include <string.h>

#define NEIGHBOURS 16
#define LARGEST_BLOCK 256 /* of any type: pieces of rows begin at its multiples */

struct reading {
    const struct matrix *matrix;
    const struct selection *selection;
    uint64_t rows; /* along the second axis: how many are read */
    uint64_t width;
    const float *table; /* [coordinate][unit], where units were picked out beforehand */
};

uint64_t *matrix_sample(uint64_t all, uint64_t wanted, uint64_t *count)
{
    *count = all < wanted ? all : wanted;
    uint64_t *numbers = malloc((size_t)(*count + 1) * sizeof *numbers);
    for (uint64_t i = 0; numbers && i < *count; i++)
        numbers[i] = *count == all ? i : (uint64_t)((double)i * (double)all / (double)*count);
    return numbers;
}

static uint64_t number_of(const struct selection *s, uint64_t i)
{
    return s->numbers ? s->numbers[i] : s->first + i;
}

/* What is not finite becomes 0, by its bits: a loop that compilers vectorise. */
static void clean(float *values, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        bits = (bits & 0x7f800000u) == 0x7f800000u ? 0 : bits;
        memcpy(&values[i], &bits, sizeof bits);
    }
}

/* ---- along the first axis ---------------------------------------------------------------------
 */

static assay_status read_unit(const void *from, size_t unit, float *row, struct assay_error *error)
{
    const struct reading *r = from;
    const struct matrix *m = r->matrix;
    uint64_t inner = m->shape.inner, number = number_of(r->selection, unit);
    ASSAY_TRY(assay_tensor_read(m->tensor, number * m->shape.in * inner, r->width, row, error));
    clean(row, r->width);
    for (uint64_t x = number * inner; m->own_units && x < (number + 1) * inner && x < r->width; x++)
        row[x] = 0; /* what the unit has to do with itself */
    return ASSAY_OK;
}

/* ---- along the second axis --------------------------------------------------------------------
 */

/* Where not all rows are read: runs of neighbours, evenly spread, for neighbours come cheap. */
static uint64_t row_of(const struct reading *r, uint64_t coordinate)
{
    uint64_t all = r->matrix->shape.out, row = coordinate / r->matrix->shape.inner;
    if (r->rows == all || r->rows < 2 * NEIGHBOURS)
        return r->rows == all ? row : row * all / r->rows;
    uint64_t run = row / NEIGHBOURS, runs = (r->rows + NEIGHBOURS - 1) / NEIGHBOURS;
    return run * (all - NEIGHBOURS) / (runs - 1) + row % NEIGHBOURS;
}

/* Units first .. first + count - 1 of the file in one row; `piece` holds them with all `inner`. */
static assay_status read_piece(const struct reading *r, uint64_t coordinate, uint64_t first,
                               uint64_t count, float *piece, float *to, struct assay_error *error)
{
    const struct matrix *m = r->matrix;
    uint64_t inner = m->shape.inner, row = row_of(r, coordinate);
    float *into = inner == 1 ? to : piece;
    ASSAY_TRY(assay_tensor_read(m->tensor, (row * m->shape.in + first) * inner, count * inner, into,
                                error));
    for (uint64_t i = 0; i < count && inner > 1; i++)
        to[i] = piece[i * inner + coordinate % inner];
    if (m->own_units && row >= first && row < first + count)
        to[row - first] = 0;
    clean(to, count);
    return ASSAY_OK;
}

static assay_status read_coordinate(const void *from, size_t coordinate, size_t first, size_t count,
                                    float *row, struct assay_error *error)
{
    const struct reading *r = from;
    uint64_t inner = r->matrix->shape.inner;
    if (r->table) {
        memcpy(row, r->table + coordinate * r->selection->count + first, count * sizeof *row);
        return ASSAY_OK;
    }
    float *piece = inner > 1 ? malloc((size_t)(count * inner) * sizeof *piece) : NULL;
    assay_status status =
        inner > 1 && !piece
            ? assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory")
            : read_piece(r, coordinate, r->selection->first + first, count, piece, row, error);
    free(piece);
    return status;
}

/* The part of each row between the first and the last selected unit, of which those are kept. */
static assay_status pick(const struct reading *r, float *row, float *piece, float *table,
                         struct assay_error *error)
{
    const struct selection *s = r->selection;
    uint64_t first = s->numbers[0] / LARGEST_BLOCK * LARGEST_BLOCK, in = r->matrix->shape.in;
    uint64_t end = (s->numbers[s->count - 1] / LARGEST_BLOCK + 1) * LARGEST_BLOCK;
    uint64_t count = (end < in ? end : in) - first;
    for (uint64_t x = 0; x < r->width; x++) {
        ASSAY_TRY(read_piece(r, x, first, count, piece, row, error));
        for (uint64_t i = 0; i < s->count; i++)
            table[x * s->count + i] = row[s->numbers[i] - first];
    }
    return ASSAY_OK;
}

static assay_status pack_picked(const struct assay_context *context, struct reading *r,
                                struct packed *packed, struct assay_error *error)
{
    const struct matrix *m = r->matrix;
    size_t cells, in = (size_t)m->shape.in, inner = (size_t)m->shape.inner;
    float *table = NULL;
    float *row = malloc(in * sizeof *row), *piece = malloc(in * inner * sizeof *piece);
    if (assay_size_multiply((size_t)r->width, (size_t)r->selection->count, &cells))
        table = calloc(cells, sizeof *table);
    assay_status status = table && row && piece
                              ? pick(r, row, piece, table, error)
                              : assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    r->table = table;
    if (status == ASSAY_OK)
        status = pack_columns(context, read_coordinate, r, (size_t)r->selection->count,
                              (size_t)r->width, packed, error);
    free(table);
    free(row);
    free(piece);
    return status;
}

/* ---- either -----------------------------------------------------------------------------------
 */

static assay_status pack_first(const struct assay_context *context, struct reading *r,
                               struct packed *packed, uint64_t *bytes_read,
                               struct assay_error *error)
{
    const struct matrix *m = r->matrix;
    uint64_t most = r->selection->most_coordinates;
    size_t block, bytes;
    assay_dtype_block(m->tensor->dtype, &block, &bytes);
    r->width = m->shape.in * m->shape.inner;
    if (r->width > most)
        r->width = most - most % block ? most - most % block : block;
    *bytes_read += r->selection->count * r->width / block * bytes;
    return pack_rows(context, read_unit, r, (size_t)r->selection->count, (size_t)r->width, true,
                     packed, error);
}

static assay_status pack_second(const struct assay_context *context, struct reading *r,
                                struct packed *packed, uint64_t *bytes_read,
                                struct assay_error *error)
{
    const struct matrix *m = r->matrix;
    uint64_t inner = m->shape.inner, most = r->selection->most_coordinates;
    size_t block, bytes;
    assay_dtype_block(m->tensor->dtype, &block, &bytes);
    r->rows = m->shape.out;
    if (r->rows * inner > most)
        r->rows = most / inner ? most / inner : 1;
    r->width = r->rows * inner;
    const struct selection *s = r->selection;
    uint64_t span = s->numbers ? s->numbers[s->count - 1] + 1 - s->numbers[0] : s->count;
    *bytes_read += r->rows * span * inner / block * bytes;
    return r->selection->numbers
               ? pack_picked(context, r, packed, error)
               : pack_columns(context, read_coordinate, r, (size_t)r->selection->count,
                              (size_t)r->width, packed, error);
}

/* Elements first .. first + count - 1, where they lie in the file as they stand. */
static void expect(const struct matrix *m, uint64_t first, uint64_t count)
{
    size_t block, bytes;
    assay_dtype_block(m->tensor->dtype, &block, &bytes);
    uint64_t start = first / block * bytes, size = (count + block - 1) / block * bytes;
    if (m->tensor->contiguous && m->tensor->bytes && start <= m->tensor->size &&
        size <= m->tensor->size - start)
        assay_file_expect(m->tensor->bytes + start, (size_t)size);
}

void matrix_expect_units(const struct matrix *m, const struct selection *s)
{
    uint64_t row = m->shape.in * m->shape.inner, all = m->shape.out;
    uint64_t first = s->numbers ? s->numbers[0] : s->first, end = first + s->count;
    if (s->numbers)
        end = s->numbers[s->count - 1] + 1;
    if (s->axis == AXIS_FIRST && row / NEIGHBOURS <= s->most_coordinates &&
        end - first <= NEIGHBOURS * s->count) { /* little lies between what is read */
        expect(m, first * row, (end - first) * row);
    } else if (s->axis == AXIS_FIRST) {
        for (uint64_t i = 0; i < s->count; i++)
            expect(m, number_of(s, i) * row, row < s->most_coordinates ? row : s->most_coordinates);
    } else {
        uint64_t wanted = s->most_coordinates / m->shape.inner;
        struct reading r = {.matrix = m, .rows = wanted < 1 ? 1 : wanted < all ? wanted : all};
        for (uint64_t i = 0; i < r.rows; i += NEIGHBOURS) {
            uint64_t rows = r.rows - i < NEIGHBOURS ? r.rows - i : NEIGHBOURS;
            expect(m, row_of(&r, i * m->shape.inner) * row, rows * row);
        }
    }
}

assay_status matrix_pack_units(const struct assay_context *context, const struct matrix *m,
                               const struct selection *s, struct packed *packed,
                               uint64_t *bytes_read, struct assay_error *error)
{
    struct reading r = {.matrix = m, .selection = s};
    return s->axis == AXIS_FIRST ? pack_first(context, &r, packed, bytes_read, error)
                                 : pack_second(context, &r, packed, bytes_read, error);
}
