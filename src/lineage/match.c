/* SPDX-License-Identifier: Apache-2.0 */
/* Matching units by cosine: every unit of A against every unit of B, the best kept. */
#include "lineage/match.h"

#include "lineage/rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PANELS_AT_ONCE 8 /* of B, for one thread */
#define LITTLE 2e7       /* multiplications: a tenth of a millisecond */

/* ---- units --------------------------------------------------------------------------- */

bool units_new(struct units *units, size_t count, size_t width)
{
    size_t padded = (width + 15) / 16 * 16, rows, elements, bytes;
    *units = (struct units){.count = count, .width = padded};
    if (padded < width || !assay_size_add(count, 4, &rows) || /* dots.h takes four rows */
        !assay_size_multiply(rows, padded, &elements) ||
        !assay_size_multiply(elements, sizeof(float), &bytes) || bytes == 0)
        return false;
    units->values = aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (units->values)
        memset(units->values, 0, (bytes + 63) / 64 * 64);
    return units->values != NULL;
}

void units_free(struct units *units)
{
    free(units->values);
    memset(units, 0, sizeof *units);
}

static assay_status row_of_units(const void *from, size_t unit, float *row,
                                 struct assay_error *error)
{
    const struct units *units = from;
    (void)error;
    memcpy(row, units->values + unit * units->width, units->width * sizeof *row);
    return ASSAY_OK;
}

assay_status units_pack(const struct assay_context *context, const struct units *units,
                        bool centred, struct packed *packed, struct assay_error *error)
{
    return pack_rows(context, row_of_units, units, units->count, units->width, centred, packed,
                     error);
}

/* ---- the left side ------------------------------------------------------------------- */

/* Unit by unit within a tile, as kernels want the left side; a panel's units beyond the last are
 * zeros or what packing left there, and nobody asks for them. */
static bool left_new(const struct packed *a, struct kernel_left *left)
{
    size_t bytes = a->panels * a->tiles * KERNEL_TILE;
    int8_t *rows = aligned_alloc(64, bytes);
    int32_t *sums = calloc(a->panels * KERNEL_UNITS, sizeof *sums);
    *left = (struct kernel_left){a->panels, a->tiles, rows, sums};
    if (!rows || !sums)
        return false;
    for (size_t tile = 0; tile < a->panels * a->tiles; tile++)
        for (size_t x = 0; x < KERNEL_COORDINATES; x += 4)
            for (size_t i = 0; i < KERNEL_UNITS; i++) {
                const int8_t *four = a->bytes + tile * KERNEL_TILE + x * KERNEL_UNITS + 4 * i;
                memcpy(rows + tile * KERNEL_TILE + i * KERNEL_COORDINATES + x, four, 4);
                sums[tile / a->tiles * KERNEL_UNITS + i] += four[0] + four[1] + four[2] + four[3];
            }
    return true;
}

static void left_free(struct kernel_left *left)
{
    free((void *)(uintptr_t)left->rows);
    free((void *)(uintptr_t)left->sums);
}

/* ---- the best of B ------------------------------------------------------------------- */

struct best {
    float score;
    uint32_t at;
    bool tied;
};

struct matching {
    const struct packed *a, *b;
    struct kernel_left left;
    match_kernel *kernel;
    const struct row_functions *rows;
    struct best *best; /* [group of panels][unit of a] */
};

/* One unit of A against a panel that holds its best so far or one as good. */
static void keep_best(struct best *best, const int32_t product[KERNEL_UNITS], const float *inverse,
                      size_t first, size_t count)
{
    for (size_t j = 0; j < count; j++) {
        float score = (float)product[j] * inverse[j];
        if (score > best->score)
            *best = (struct best){score, (uint32_t)(first + j), false};
        else if (score >= best->score)
            best->tied = true;
    }
}

/* Some units of A, from number `from` on, against a panel; few panels hold a new best. */
static void match_panel(const struct matching *m, size_t from, size_t panel, struct best *best)
{
    int32_t product[KERNEL_MOST_PANELS][KERNEL_UNITS][KERNEL_UNITS];
    float least[KERNEL_MOST_PANELS * KERNEL_UNITS];
    bool near[KERNEL_MOST_PANELS * KERNEL_UNITS];
    struct kernel_left left = m->left;
    size_t first = panel * KERNEL_UNITS, rest = m->b->count - first;
    size_t units = m->a->count - from;
    units = units < KERNEL_MOST_PANELS * KERNEL_UNITS ? units : KERNEL_MOST_PANELS * KERNEL_UNITS;
    left.rows += from * left.tiles * KERNEL_COORDINATES;
    left.sums += from;
    left.panels = (units + KERNEL_UNITS - 1) / KERNEL_UNITS;
    m->kernel(&left, m->b->bytes + panel * left.tiles * KERNEL_TILE, product);
    for (size_t i = 0; i < units; i++)
        least[i] = best[from + i].score;
    m->rows->near((const int32_t(*)[KERNEL_UNITS])product[0], m->b->inverse + first, least, units,
                  near);
    for (size_t i = 0; i < units; i++)
        if (near[i])
            keep_best(&best[from + i], product[i / KERNEL_UNITS][i % KERNEL_UNITS],
                      m->b->inverse + first, first, rest < KERNEL_UNITS ? rest : KERNEL_UNITS);
}

static void match_panels(void *data, size_t group)
{
    const struct matching *m = data;
    struct best *best = m->best + group * m->a->count;
    size_t end = (group + 1) * PANELS_AT_ONCE;
    for (size_t i = 0; i < m->a->count; i++)
        best[i] = (struct best){-INFINITY, 0, false};
    for (size_t panel = group * PANELS_AT_ONCE; panel < end && panel < m->b->panels; panel++)
        for (size_t from = 0; from < m->a->count; from += KERNEL_MOST_PANELS * KERNEL_UNITS)
            match_panel(m, from, panel, best);
}

static void reduce(const struct matching *m, size_t groups, size_t *best, float *score)
{
    for (size_t i = 0; i < m->a->count; i++) {
        struct best all = m->best[i];
        for (size_t group = 1; group < groups; group++) {
            struct best here = m->best[group * m->a->count + i];
            if (here.score > all.score)
                all = here;
            else if (here.score >= all.score)
                all.tied = true;
        }
        bool none = all.tied || !(m->a->inverse[i] > 0);
        best[i] = none ? MATCH_NONE : all.at;
        score[i] = all.score * m->a->inverse[i];
    }
}

assay_status match_packed(const struct assay_context *context, const struct packed *a,
                          const struct packed *b, size_t *best, float *score,
                          struct assay_error *error)
{
    size_t groups = (b->panels + PANELS_AT_ONCE - 1) / PANELS_AT_ONCE;
    struct matching m = {.a = a, .b = b, .kernel = kernel_fastest(), .rows = rows_fastest()};
    if (a->tiles != b->tiles || a->count == 0 || b->count == 0)
        return assay_error_at(error, ASSAY_ERROR_INPUT, NULL, 0, "units that cannot be compared");
    struct assay_context own = *context;
    if ((double)a->count * (double)b->count * (double)a->tiles * KERNEL_COORDINATES < LITTLE)
        own.threads = 1; /* done before other threads have woken up */
    m.best = calloc(groups, a->count * sizeof *m.best);
    assay_status status = left_new(a, &m.left) && m.best
                              ? assay_parallel_for(&own, NULL, groups, match_panels, &m, error)
                              : assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    if (status == ASSAY_OK)
        reduce(&m, groups, best, score);
    left_free(&m.left);
    free(m.best);
    return status;
}

assay_status match_best(const struct assay_context *context, const struct units *a,
                        const struct units *b, size_t *best, float *score,
                        struct assay_error *error)
{
    struct packed pa = {0}, pb = {0};
    assay_status status = a->width == b->width ? units_pack(context, a, false, &pa, error)
                                               : assay_error_at(error, ASSAY_ERROR_INPUT, NULL, 0,
                                                                "units that cannot be compared");
    if (status == ASSAY_OK)
        status = units_pack(context, b, false, &pb, error);
    if (status == ASSAY_OK)
        status = match_packed(context, &pa, &pb, best, score, error);
    packed_free(&pa);
    packed_free(&pb);
    return status;
}

/* ---- order --------------------------------------------------------------------------- */

/* Patience sorting: ends[l] is the least end of an increasing run of length l + 1. */
bool match_increasing(const size_t *numbers, size_t n, size_t *length_found)
{
    size_t *ends = malloc((n + 1) * sizeof *ends), count = 0;
    if (!ends)
        return false;
    for (size_t i = 0; i < n; i++) {
        size_t low = 0, high = count;
        if (numbers[i] == MATCH_NONE)
            continue;
        while (low < high) {
            size_t middle = (low + high) / 2;
            if (ends[middle] < numbers[i])
                low = middle + 1;
            else
                high = middle;
        }
        ends[low] = numbers[i];
        count += low == count;
    }
    free(ends);
    *length_found = count;
    return true;
}
