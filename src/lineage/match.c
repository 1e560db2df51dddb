/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Matching units by cosine. The kernel sums in 16 lanes, lane l taking elements l, l+16, ..., and
 * adds the lanes by halves. That order is the definition: wider registers only do more lanes at
 * once, without fused operations, so every processor gives the same bits.
 */
#include "lineage/match.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LANES 16
#define TILE 32

/* Under a sanitizer these loops would take most of the time; their bounds are the callers'. */
#define UNCHECKED __attribute__((no_sanitize("address", "undefined")))

/* ---- the kernel ---------------------------------------------------------------------- */

UNCHECKED static inline __attribute__((always_inline)) void
product_of_four(const float *a, size_t stride, const float *b, size_t width, float product[4])
{
    float sum[4][LANES] = {{0}};
    for (size_t at = 0; at < width; at += LANES)
        for (int row = 0; row < 4; row++)
            for (int lane = 0; lane < LANES; lane++)
                sum[row][lane] +=
                    a[(size_t)row * stride + at + (size_t)lane] * b[at + (size_t)lane];
    for (int row = 0; row < 4; row++) {
        for (int half = LANES / 2; half > 0; half /= 2)
            for (int lane = 0; lane < half; lane++)
                sum[row][lane] += sum[row][lane + half];
        product[row] = sum[row][0];
    }
}

UNCHECKED void match_kernel_plain(const float *a, size_t stride, const float *b, size_t width,
                                  float product[4])
{
    product_of_four(a, stride, b, width, product);
}

#if defined(__x86_64__)
#if defined(__clang__)
#define WIDE __attribute__((target("avx512f"), min_vector_width(512)))
#else
#define WIDE __attribute__((target("avx512f,prefer-vector-width=512")))
#endif

UNCHECKED __attribute__((target("avx2"))) static void
kernel_avx2(const float *a, size_t stride, const float *b, size_t width, float product[4])
{
    product_of_four(a, stride, b, width, product);
}

UNCHECKED WIDE static void kernel_avx512(const float *a, size_t stride, const float *b,
                                         size_t width, float product[4])
{
    product_of_four(a, stride, b, width, product);
}
#endif

match_kernel *match_kernel_fastest(const char **name)
{
    const char *unused;
    name = name ? name : &unused;
#if defined(__x86_64__)
    *name = "AVX-512";
    if (__builtin_cpu_supports("avx512f"))
        return kernel_avx512;
    *name = "AVX2";
    if (__builtin_cpu_supports("avx2"))
        return kernel_avx2;
#endif
    *name = "plain C";
    return match_kernel_plain;
}

/* ---- units --------------------------------------------------------------------------- */

bool units_new(struct units *units, size_t count, size_t width)
{
    size_t padded = (width + LANES - 1) / LANES * LANES, rows, elements, bytes;
    *units = (struct units){.count = count, .width = padded};
    if (padded < width || !assay_size_add(count, 4, &rows) || /* the kernel takes four rows */
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

/* Eight sums at a time, so that one addition need not wait for the last. */
static double length(const float *row, size_t width)
{
    double part[8] = {0}, sum = 0;
    for (size_t c = 0; c < width; c += 8) /* widths are multiples of 16 */
        for (size_t lane = 0; lane < 8; lane++)
            part[lane] += (double)row[c + lane] * (double)row[c + lane];
    for (size_t lane = 0; lane < 8; lane++)
        sum += part[lane];
    return sqrt(sum);
}

/* Row after row, for a column at a time would miss the cache at every step. */
static bool centre(struct units *u)
{
    double *mean = calloc(u->width, sizeof *mean);
    if (!mean)
        return false;
    for (size_t i = 0; i < u->count; i++)
        for (size_t c = 0; c < u->width; c++)
            mean[c] += (double)u->values[i * u->width + c];
    for (size_t c = 0; c < u->width; c++)
        mean[c] /= (double)u->count;
    for (size_t i = 0; i < u->count; i++)
        for (size_t c = 0; c < u->width; c++)
            u->values[i * u->width + c] -= (float)mean[c];
    free(mean);
    return true;
}

bool units_normalise(struct units *u)
{
    double longest = 0;
    if (!centre(u))
        return false;
    for (size_t i = 0; i < u->count; i++)
        longest = fmax(longest, length(u->values + i * u->width, u->width));
    for (size_t i = 0; i < u->count; i++) {
        float *row = u->values + i * u->width;
        double l = length(row, u->width);
        float scale = l > 1e-6 * longest && isfinite(l) ? (float)(1 / l) : 0;
        for (size_t c = 0; c < u->width; c++)
            row[c] = scale > 0 ? row[c] * scale : 0;
    }
    return true;
}

/* ---- the best of B ------------------------------------------------------------------------------
 */

struct best {
    float score;
    uint32_t at;
    bool tied;
};

struct tiles {
    const struct units *a, *b;
    match_kernel *kernel;
    struct best *best; /* [tile][row of a] */
};

/* One tile of B against all of A, which stays in the cache. */
static void match_tile(void *data, size_t tile)
{
    struct tiles *t = data;
    struct best *best = t->best + tile * t->a->count;
    size_t width = t->a->width, end = (tile + 1) * TILE;
    for (size_t i = 0; i < t->a->count; i++)
        best[i] = (struct best){-INFINITY, 0, false};
    if (end > t->b->count)
        end = t->b->count;
    for (size_t i = 0; i < t->a->count; i += 4)
        for (size_t j = tile * TILE; j < end; j++) {
            float product[4];
            t->kernel(t->a->values + i * width, width, t->b->values + j * width, width, product);
            for (size_t row = 0; row < 4 && i + row < t->a->count; row++) {
                struct best *now = &best[i + row];
                if (product[row] > now->score)
                    *now = (struct best){product[row], (uint32_t)j, false};
                else if (product[row] >= now->score)
                    now->tied = true;
            }
        }
}

assay_status match_best(const struct assay_context *context, const struct units *a,
                        const struct units *b, size_t *best, float *score,
                        struct assay_error *error)
{
    size_t count = (b->count + TILE - 1) / TILE, cells;
    if (a->width != b->width || b->count == 0 || b->count > UINT32_MAX ||
        !assay_size_multiply(count, a->count + 1, &cells))
        return assay_error_at(error, ASSAY_ERROR_INPUT, NULL, 0, "units that cannot be compared");
    struct tiles t = {a, b, match_kernel_fastest(NULL), calloc(cells, sizeof(struct best))};
    if (!t.best)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    assay_status status = assay_parallel_for(context, NULL, count, match_tile, &t, error);
    for (size_t i = 0; i < a->count && status == ASSAY_OK; i++) {
        struct best all = t.best[i];
        for (size_t tile = 1; tile < count; tile++) {
            struct best here = t.best[tile * a->count + i];
            if (here.score > all.score)
                all = here;
            else if (here.score >= all.score)
                all.tied = true;
        }
        best[i] = all.tied ? MATCH_NONE : all.at;
        score[i] = all.score;
    }
    free(t.best);
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
