/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/products.h"

#include <math.h>
#include <string.h>

#define PANEL LAB_PANEL
#define DEPTH 256    /* of A and B before moving on along C: B's panel stays near */
#define MOST_ROWS 14 /* of a tile */
#define STRIDE (DEPTH + 16)

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

#define ACROSS across_avx512
#define DOWN down_avx512
#define TILE_BODY body_avx512
#define TARGET __attribute__((target("avx512f")))
#define ROWS 14
#define LANES 16
#define VECTOR __m512
#define LOAD _mm512_loadu_ps
#define STORE _mm512_storeu_ps
#define SPREAD _mm512_set1_ps
#define FMA _mm512_fmadd_ps
#include "lab/products_tile.h"

#define ACROSS across_avx2
#define DOWN down_avx2
#define TILE_BODY body_avx2
#define TARGET __attribute__((target("avx2,fma")))
#define ROWS 6
#define LANES 8
#define VECTOR __m256
#define LOAD _mm256_loadu_ps
#define STORE _mm256_storeu_ps
#define SPREAD _mm256_set1_ps
#define FMA _mm256_fmadd_ps
#include "lab/products_tile.h"
#endif

/* The definition: every element is one chain of fused multiply-adds, k ascending. */
static void tile_plain(size_t k, const float *a, size_t row, size_t step, const float *b, float *c,
                       size_t step_c)
{
    for (size_t i = 0; i < 4; i++)
        for (size_t j = 0; j < 8; j++) {
            float sum = c[i * step_c + j];
            for (size_t p = 0; p < k; p++)
                sum = fmaf(a[i * row + p * step], b[p * PANEL + j], sum);
            c[i * step_c + j] = sum;
        }
}

static void across_plain(size_t k, const float *a, const float *b, float *c, size_t step_c)
{
    tile_plain(k, a, STRIDE, 1, b, c, step_c);
}

static void down_plain(size_t k, const float *a, const float *b, float *c, size_t step_c)
{
    tile_plain(k, a, 1, 4, b, c, step_c);
}

typedef void tile_function(size_t k, const float *a, const float *b, float *c, size_t step_c);

struct kind {
    const char *name;
    size_t rows, columns;         /* of a tile; columns divide PANEL */
    tile_function *across, *down; /* as rows of A are packed */
};

static const struct kind kinds[] = {
    {"plain", 4, 8, across_plain, down_plain},
#if defined(__x86_64__) && defined(__GNUC__)
    {"avx2", 6, 16, across_avx2, down_avx2},
    {"avx512", 14, 32, across_avx512, down_avx512},
#endif
};

static bool runs(enum lab_processor processor)
{
#if defined(__x86_64__) && defined(__GNUC__)
    if (processor == LAB_AVX512)
        return __builtin_cpu_supports("avx512f");
    if (processor == LAB_AVX2)
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
    return processor == LAB_PLAIN;
}

const char *lab_processor_name(enum lab_processor processor)
{
    return kinds[processor].name;
}

enum lab_processor lab_processor_fastest(void)
{
    return runs(LAB_AVX512) ? LAB_AVX512 : runs(LAB_AVX2) ? LAB_AVX2 : LAB_PLAIN;
}

/* ---- packing ------------------------------------------------------------------------- */

size_t lab_packed_size(size_t k, size_t m)
{
    return (m + PANEL - 1) / PANEL * PANEL * k;
}

/* A panel of columns that lie side by side in each row. */
static void pack_straight(size_t k, size_t width, const float *from, size_t step_k, float *to)
{
    for (size_t p = 0; p < k; p++) {
        memcpy(to + p * PANEL, from + p * step_k, width * sizeof *to);
        if (width < PANEL)
            memset(to + p * PANEL + width, 0, (PANEL - width) * sizeof *to);
    }
}

static void pack_across(size_t k, size_t width, const float *from, size_t step_k, size_t step_m,
                        float *to)
{
    if (width < PANEL)
        memset(to, 0, k * PANEL * sizeof *to);
    for (size_t p = 0; p < k; p++)
        for (size_t j = 0; j < width; j++)
            to[p * PANEL + j] = from[p * step_k + j * step_m];
}

void lab_pack(const struct lab_packed *b, const float *from, size_t step_k, size_t step_m)
{
    float *to = b->panels;
    for (size_t j = 0; j < b->m; j += PANEL, to += b->k * PANEL) {
        size_t width = b->m - j < PANEL ? b->m - j : PANEL;
        if (step_m == 1)
            pack_straight(b->k, width, from + j, step_k, to);
        else
            pack_across(b->k, width, from + j * step_m, step_k, step_m, to);
    }
}

/* `rows` rows of A, of which `n` exist and the others are 0: across, or down if `down`. */
static void pack_rows(bool down, size_t rows, size_t n, size_t k, const float *a, size_t step_n,
                      size_t step_k, float *packed)
{
    size_t row = down ? 1 : STRIDE, step = down ? rows : 1;
    if (n < rows)
        memset(packed, 0, rows * STRIDE * sizeof *packed);
    if (down && step_n == 1)
        for (size_t p = 0; p < k; p++)
            memcpy(packed + p * rows, a + p * step_k, n * sizeof *a);
    else if (!down && step_k == 1)
        for (size_t i = 0; i < n; i++)
            memcpy(packed + i * STRIDE, a + i * step_n, k * sizeof *a);
    else
        for (size_t i = 0; i < n; i++)
            for (size_t p = 0; p < k; p++)
                packed[i * row + p * step] = a[i * step_n + p * step_k];
}

/* ---- products ------------------------------------------------------------------------ */

/* A tile that hangs over an edge of C, by way of a whole one. */
static void edge(tile_function *tile, size_t columns, size_t n, size_t m, size_t k, const float *a,
                 const float *b, float *c, size_t step_c)
{
    float whole[MOST_ROWS * PANEL] = {0};
    for (size_t i = 0; i < n; i++)
        memcpy(whole + i * columns, c + i * step_c, m * sizeof *c);
    tile(k, a, b, whole, columns);
    for (size_t i = 0; i < n; i++)
        memcpy(c + i * step_c, whole + i * columns, m * sizeof *c);
}

void lab_multiply(const struct lab_packed *b, size_t n, size_t k, size_t m, const float *a,
                  size_t step_n, size_t step_k, float *c, size_t step_c)
{
    const struct kind *kind = &kinds[b->processor];
    tile_function *tile = step_n == 1 ? kind->down : kind->across;
    _Alignas(64) float rows[MOST_ROWS * STRIDE];
    for (size_t i = 0; i < n; i += kind->rows)
        for (size_t p = 0; p < k; p += DEPTH) {
            size_t high = n - i < kind->rows ? n - i : kind->rows;
            size_t deep = k - p < DEPTH ? k - p : DEPTH;
            pack_rows(step_n == 1, kind->rows, high, deep, a + i * step_n + p * step_k, step_n,
                      step_k, rows);
            for (size_t j = 0; j < m; j += kind->columns) {
                size_t wide = m - j < kind->columns ? m - j : kind->columns;
                const float *panel = b->panels + j / PANEL * PANEL * b->k + p * PANEL + j % PANEL;
                float *to = c + i * step_c + j;
                if (high == kind->rows && wide == kind->columns)
                    tile(deep, rows, panel, to, step_c);
                else
                    edge(tile, kind->columns, high, wide, deep, rows, panel, to, step_c);
            }
        }
}
