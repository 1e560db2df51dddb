/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packing. Sums that run over units are taken in blocks of a fixed size and the blocks added in
 * order, so that threads make no difference.
 */
#include "lineage/pack.h"

#include "lineage/rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 64    /* units summed together */
#define CHUNK 1024  /* columns that one thread takes */
#define GROUP 16    /* coordinates averaged by one thread at a time */
#define CLIP 8.0f   /* root mean squares */
#define LITTLE 3e5  /* coordinates: a tenth of a millisecond */
#define SHORT 1e-6f /* of the longest: no unit */

struct packing {
    const struct row_functions *rows;
    pack_row_source *row_source;
    pack_column_source *column_source;
    const void *from;
    struct packed *packed;
    size_t padded;             /* width, up to the next multiple of 64 */
    size_t width;              /* coordinates */
    float *mean;               /* [padded] */
    float *sums;               /* [block][padded] */
    float *lengths;            /* [panels * 16], before rounding */
    assay_status *statuses;    /* one an item of the loop that runs */
    struct assay_error *error; /* NULL while several threads run */
};

static assay_status no_memory(struct assay_error *error)
{
    return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

void packed_free(struct packed *packed)
{
    free(packed->bytes);
    free(packed->inverse);
    memset(packed, 0, sizeof *packed);
}

int8_t packed_at(const struct packed *p, size_t unit, size_t x)
{
    return p
        ->bytes[(unit / KERNEL_UNITS * p->tiles + x / KERNEL_COORDINATES) * KERNEL_TILE +
                x % KERNEL_COORDINATES / 4 * 4 * KERNEL_UNITS + unit % KERNEL_UNITS * 4 + x % 4];
}

static const int8_t *start_of(const struct packed *p, size_t unit)
{
    return p->bytes + unit / KERNEL_UNITS * p->tiles * KERNEL_TILE + unit % KERNEL_UNITS * 4;
}

double packed_cosine(const struct packed *a, size_t unit_a, const struct packed *b, size_t unit_b)
{
    const int8_t *x = start_of(a, unit_a), *y = start_of(b, unit_b);
    int32_t product = 0;
    for (size_t at = 0; at < a->tiles * KERNEL_TILE; at += 4 * (size_t)KERNEL_UNITS)
        product +=
            x[at] * y[at] + x[at + 1] * y[at + 1] + x[at + 2] * y[at + 2] + x[at + 3] * y[at + 3];
    return (double)product * (double)a->inverse[unit_a] * (double)b->inverse[unit_b];
}

static assay_status packed_new(struct packed *p, size_t count, size_t width,
                               struct assay_error *error)
{
    size_t bytes;
    memset(p, 0, sizeof *p);
    if (count == 0 || width == 0 || width > KERNEL_MOST_WIDTH || count > UINT32_MAX - KERNEL_UNITS)
        return assay_error_at(error, ASSAY_ERROR_INPUT, NULL, 0,
                              "%zu units of %zu coordinates: expected 1 to %zu coordinates", count,
                              width, KERNEL_MOST_WIDTH);
    p->count = count;
    p->panels = (count + KERNEL_UNITS - 1) / KERNEL_UNITS;
    p->tiles = (width + KERNEL_COORDINATES - 1) / KERNEL_COORDINATES;
    if (!assay_size_multiply(p->panels, p->tiles * KERNEL_TILE, &bytes))
        return no_memory(error);
    p->bytes = aligned_alloc(64, bytes);
    p->inverse = calloc(p->panels * KERNEL_UNITS, sizeof *p->inverse);
    if (p->bytes && p->inverse)
        return ASSAY_OK;
    packed_free(p);
    return no_memory(error);
}

/* ---- scale ------------------------------------------------------------------------------------
 */

/* By what a unit's coordinates are multiplied; 0 for one without length. */
static float scale_of(float squares, float most, size_t width)
{
    float clip = CLIP * sqrtf(squares / (float)width), limit = most < clip ? most : clip;
    float scale = 127 / limit;
    return limit > 0 && isfinite(scale) ? scale : 0;
}

static void set_length(struct packing *p, size_t unit, float squares, int32_t bytes_squares)
{
    p->lengths[unit] = isfinite(squares) ? sqrtf(squares) : 0;
    p->packed->inverse[unit] = bytes_squares > 0 ? 1 / sqrtf((float)bytes_squares) : 0;
}

static void leave_out_short(struct packing *p)
{
    float longest = 0;
    for (size_t i = 0; i < p->packed->count; i++)
        longest = fmaxf(longest, p->lengths[i]);
    for (size_t i = 0; i < p->packed->panels * KERNEL_UNITS; i++)
        if (i >= p->packed->count || !(p->lengths[i] > SHORT * longest))
            p->packed->inverse[i] = 0;
}

/* ---- units one a row --------------------------------------------------------------------------
 */

static float *new_row(const struct packing *p)
{
    float *row = aligned_alloc(64, p->padded * sizeof *row);
    if (row)
        memset(row, 0, p->padded * sizeof *row);
    return row;
}

static void add_block(void *data, size_t block)
{
    struct packing *p = data;
    float *sum = p->sums + block * p->padded, *row = new_row(p);
    size_t end = (block + 1) * BLOCK;
    end = end < p->packed->count ? end : p->packed->count;
    assay_status status = row ? ASSAY_OK : no_memory(p->error);
    for (size_t i = block * BLOCK; i < end && status == ASSAY_OK; i++) {
        status = p->row_source(p->from, i, row, p->error);
        p->rows->add(sum, row, p->padded);
    }
    free(row);
    p->statuses[block] = status;
}

static void pack_panel(void *data, size_t panel)
{
    struct packing *p = data;
    float *row = new_row(p);
    int8_t *quantised = malloc(p->padded);
    int8_t *to = p->packed->bytes + panel * p->packed->tiles * KERNEL_TILE;
    assay_status status = row && quantised ? ASSAY_OK : no_memory(p->error);
    for (size_t u = 0; u < KERNEL_UNITS && status == ASSAY_OK; u++) {
        size_t unit = panel * KERNEL_UNITS + u;
        float squares, most;
        if (unit >= p->packed->count)
            memset(row, 0, p->padded * sizeof *row);
        else
            status = p->row_source(p->from, unit, row, p->error);
        p->rows->centre(row, p->mean, p->padded, &squares, &most);
        float scale = scale_of(squares, most, p->width);
        set_length(p, unit, squares, p->rows->quantise(row, scale, p->padded, quantised));
        for (size_t x = 0; x < p->padded; x += 4)
            memcpy(to + x * KERNEL_UNITS + 4 * u, quantised + x, 4);
    }
    free(row);
    free(quantised);
    p->statuses[panel] = status;
}

/* ---- units one a column -----------------------------------------------------------------------
 */

static void average(void *data, size_t group)
{
    struct packing *p = data;
    float row[CHUNK];
    assay_status status = ASSAY_OK;
    size_t count = p->packed->count;
    for (size_t x = group * GROUP; x < (group + 1) * GROUP && x < p->width; x++) {
        double sum = 0;
        for (size_t first = 0; first < count && status == ASSAY_OK; first += CHUNK) {
            size_t here = count - first < CHUNK ? count - first : CHUNK;
            memset(row, 0, sizeof row);
            status = p->column_source(p->from, x, first, here, row, p->error);
            sum += (double)p->rows->total(row, (here + 15) / 16 * 16);
        }
        p->mean[x] = (float)(sum / (double)count);
    }
    p->statuses[group] = status;
}

struct column_room {
    float row[4][CHUNK], squares[CHUNK], most[CHUNK], scale[CHUNK];
    int32_t bytes_squares[CHUNK];
};

static assay_status pack_four(struct packing *p, struct column_room *room, size_t x, size_t first,
                              size_t count)
{
    const float *rows[4] = {room->row[0], room->row[1], room->row[2], room->row[3]};
    for (size_t k = 0; k < 4; k++) {
        memset(room->row[k], 0, sizeof room->row[k]);
        if (x + k < p->width)
            ASSAY_TRY(p->column_source(p->from, x + k, first, count, room->row[k], p->error));
    }
    int8_t *to =
        p->packed->bytes + first / KERNEL_UNITS * p->packed->tiles * KERNEL_TILE + x * KERNEL_UNITS;
    p->rows->quantise_four(rows, p->mean + x, room->scale, (count + 15) / 16 * 16, to,
                           p->packed->tiles * KERNEL_TILE, room->bytes_squares);
    return ASSAY_OK;
}

static assay_status pack_chunk_in(struct packing *p, struct column_room *room, size_t first,
                                  size_t count)
{
    size_t padded = (count + 15) / 16 * 16;
    for (size_t x = 0; x < p->width; x++) {
        ASSAY_TRY(p->column_source(p->from, x, first, count, room->row[0], p->error));
        p->rows->spread(room->row[0], p->mean[x], padded, room->squares, room->most);
    }
    for (size_t j = 0; j < padded; j++)
        room->scale[j] = scale_of(room->squares[j], room->most[j], p->width);
    for (size_t x = 0; x < p->padded; x += 4)
        ASSAY_TRY(pack_four(p, room, x, first, count));
    for (size_t j = 0; j < count; j++)
        set_length(p, first + j, room->squares[j], room->bytes_squares[j]);
    return ASSAY_OK;
}

static void pack_chunk(void *data, size_t chunk)
{
    struct packing *p = data;
    struct column_room *room = calloc(1, sizeof *room);
    size_t first = chunk * CHUNK, rest = p->packed->count - first;
    p->statuses[chunk] =
        room ? pack_chunk_in(p, room, first, rest < CHUNK ? rest : CHUNK) : no_memory(p->error);
    free(room);
}

/* ---- the whole --------------------------------------------------------------------------------
 */

/* Of several failures the first item's counts; it is done again to have its message. */
static assay_status run(struct packing *p, const struct assay_context *context, size_t items,
                        assay_parallel_function *function, struct assay_error *error)
{
    p->error = NULL;
    ASSAY_TRY(assay_parallel_for(context, NULL, items, function, p, error));
    for (size_t i = 0; i < items; i++)
        if (p->statuses[i] != ASSAY_OK) {
            p->error = error;
            function(p, i);
            return p->statuses[i];
        }
    return ASSAY_OK;
}

static assay_status run_rows(struct packing *p, const struct assay_context *context, bool centre,
                             struct assay_error *error)
{
    size_t blocks = (p->packed->count + BLOCK - 1) / BLOCK;
    if (centre)
        ASSAY_TRY(run(p, context, blocks, add_block, error));
    for (size_t x = 0; x < p->padded && centre; x++) {
        double sum = 0;
        for (size_t block = 0; block < blocks; block++)
            sum += (double)p->sums[block * p->padded + x];
        p->mean[x] = (float)(sum / (double)p->packed->count);
    }
    return run(p, context, p->packed->panels, pack_panel, error);
}

static assay_status run_columns(struct packing *p, const struct assay_context *context,
                                struct assay_error *error)
{
    ASSAY_TRY(run(p, context, (p->width + GROUP - 1) / GROUP, average, error));
    return run(p, context, (p->packed->count + CHUNK - 1) / CHUNK, pack_chunk, error);
}

static assay_status pack(struct packing *p, const struct assay_context *context, size_t count,
                         size_t width, bool centre, struct assay_error *error)
{
    ASSAY_TRY(packed_new(p->packed, count, width, error));
    size_t blocks = centre && p->row_source ? (count + BLOCK - 1) / BLOCK : 0;
    size_t items = p->packed->panels + (width + GROUP - 1) / GROUP;
    p->rows = rows_fastest();
    p->width = width;
    p->padded = p->packed->tiles * KERNEL_COORDINATES;
    p->mean = calloc(p->padded, sizeof *p->mean);
    p->sums = calloc(blocks * p->padded + 1, sizeof *p->sums);
    p->lengths = calloc(p->packed->panels * KERNEL_UNITS, sizeof *p->lengths);
    p->statuses = calloc(items, sizeof *p->statuses);
    assay_status status =
        p->mean && p->sums && p->lengths && p->statuses ? ASSAY_OK : no_memory(error);
    if (status == ASSAY_OK)
        status =
            p->row_source ? run_rows(p, context, centre, error) : run_columns(p, context, error);
    if (status == ASSAY_OK)
        leave_out_short(p);
    free(p->mean);
    free(p->sums);
    free(p->lengths);
    free(p->statuses);
    if (status != ASSAY_OK)
        packed_free(p->packed);
    return status;
}

/* Little work is done before other threads have woken up. */
static struct assay_context context_for(const struct assay_context *context, size_t count,
                                        size_t width)
{
    struct assay_context own = *context;
    if ((double)count * (double)width < LITTLE)
        own.threads = 1;
    return own;
}

assay_status pack_rows(const struct assay_context *context, pack_row_source *source,
                       const void *from, size_t count, size_t width, bool centre,
                       struct packed *packed, struct assay_error *error)
{
    struct packing p = {.row_source = source, .from = from, .packed = packed};
    struct assay_context own = context_for(context, count, width);
    return pack(&p, &own, count, width, centre, error);
}

assay_status pack_columns(const struct assay_context *context, pack_column_source *source,
                          const void *from, size_t count, size_t width, struct packed *packed,
                          struct assay_error *error)
{
    struct packing p = {.column_source = source, .from = from, .packed = packed};
    struct assay_context own = context_for(context, count, width);
    return pack(&p, &own, count, width, true, error);
}
