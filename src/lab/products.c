/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/products_tiles.h"

#include "base/amx.h"
#include "lab/maths.h"
#include "lab/pairs.h"
#include "lab/transpose.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#define PANEL LAB_PANEL
#define DEPTH 256      /* of A and B before moving on along C: B's panel stays near */
#define ROWS_AVX512 14 /* of a tile */
#define MOST_ROWS LAB_TILE_ROWS
#define STRIDE LAB_TILE_STRIDE

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

#define NAME(what) what##_avx512
#define TARGET __attribute__((target("avx512f")))
#define ROWS ROWS_AVX512
#define LANES 16
#define VECTOR __m512
#define LOAD _mm512_loadu_ps
#define STORE _mm512_storeu_ps
#define SPREAD _mm512_set1_ps
#define FMA _mm512_fmadd_ps
#define ELEMENT float
#define MULTIPLIER __m512
#define OF_B _mm512_loadu_ps
#include "lab/products_tile.h"

#define NAME(what) what##_avx2
#define TARGET __attribute__((target("avx2,fma")))
#define ROWS 6
#define LANES 8
#define VECTOR __m256
#define LOAD _mm256_loadu_ps
#define STORE _mm256_storeu_ps
#define SPREAD _mm256_set1_ps
#define FMA _mm256_fmadd_ps
#define ELEMENT float
#define MULTIPLIER __m256
#define OF_B _mm256_loadu_ps
#include "lab/products_tile.h"

#define NAME(what) what##_bf16
#define TARGET __attribute__((target("avx512f,avx512bf16")))
#define ROWS ROWS_AVX512
#define LANES 16
#define VECTOR __m512
#define LOAD _mm512_loadu_ps
#define STORE _mm512_storeu_ps
#define ELEMENT uint32_t /* two of bfloat16, the first of them low */
#define MULTIPLIER __m512i
#define OF_B _mm512_loadu_si512
#define SPREAD(x) _mm512_set1_epi32((int)(x))
#define FMA(a, b, c) _mm512_dpbf16_ps(c, (__m512bh)(a), (__m512bh)(b))
#include "lab/products_tile.h"
#endif

/* The definition: every element is one chain of fused multiply-adds, k ascending. */
static void tile_plain(size_t k, const float *a, size_t row, size_t step, const float *b,
                       const float *from, size_t step_from, float *c, size_t step_c)
{
    for (size_t i = 0; i < 4; i++)
        for (size_t j = 0; j < 8; j++) {
            float sum = from[i * step_from + j];
            for (size_t p = 0; p < k; p++)
                sum = fmaf(a[i * row + p * step], b[p * PANEL + j], sum);
            c[i * step_c + j] = sum;
        }
}

static void across_plain(size_t k, const void *a, const void *b, const float *from,
                         size_t step_from, float *c, size_t step_c)
{
    tile_plain(k, a, STRIDE, 1, b, from, step_from, c, step_c);
}

static void down_plain(size_t k, const void *a, const void *b, const float *from, size_t step_from,
                       float *c, size_t step_c)
{
    tile_plain(k, a, 1, 4, b, from, step_from, c, step_c);
}

/* The definition in bfloat16: of each pair the second product is added first, each sum is rounded,
 * and what is denormal is 0, with its sign (VDPBF16PS, Intel's manual, volume 2). */
static void tile_pairs(size_t k, const uint32_t *a, size_t row, size_t step, const uint32_t *b,
                       const float *from, size_t step_from, float *c, size_t step_c)
{
    for (size_t i = 0; i < 4; i++)
        for (size_t j = 0; j < 8; j++) {
            float sum = lab_pair_flushed(from[i * step_from + j]);
            for (size_t p = 0; p < k; p++) {
                uint32_t x = a[i * row + p * step], y = b[p * PANEL + j];
                sum = lab_pair_flushed(fmaf(lab_pair_high(x), lab_pair_high(y), sum));
                sum = lab_pair_flushed(fmaf(lab_pair_high(x << 16), lab_pair_high(y << 16), sum));
            }
            c[i * step_c + j] = sum;
        }
}

static void across_pairs(size_t k, const void *a, const void *b, const float *from,
                         size_t step_from, float *c, size_t step_c)
{
    tile_pairs(k, a, STRIDE, 1, b, from, step_from, c, step_c);
}

static void down_pairs(size_t k, const void *a, const void *b, const float *from, size_t step_from,
                       float *c, size_t step_c)
{
    tile_pairs(k, a, 1, 4, b, from, step_from, c, step_c);
}

/* k counts elements of A: numbers, or pairs of them. */
typedef lab_tile_function tile_function;

static void tile_amx(size_t k, const void *a, const void *b, const float *from, size_t step_from,
                     float *c, size_t step_c)
{
    lab_tiles_amx()(k, a, b, from, step_from, c, step_c);
}

struct kind {
    const char *name;
    bool pairs;                   /* bfloat16, two in an element */
    size_t rows, columns;         /* of a tile; columns divide PANEL */
    size_t deep;                  /* elements that it takes at once; more than 1: only across */
    tile_function *across, *down; /* as rows of A are packed */
    tile_function *across_half, *down_half; /* of half the columns; NULL: there is none */
};

static const struct kind kinds[] = {
    [LAB_PLAIN] = {"plain", false, 4, 8, 1, across_plain, down_plain, NULL, NULL},
    [LAB_PLAIN_BF16] = {"plain bf16", true, 4, 8, 1, across_pairs, down_pairs, NULL, NULL},
    [LAB_PLAIN_TILES] = {"plain tiles", true, LAB_TILE_ROWS, PANEL, LAB_TILE_PAIRS, lab_tiles_plain,
                         lab_tiles_plain, NULL, NULL},
#if defined(__x86_64__) && defined(__GNUC__)
    [LAB_AVX2] = {"avx2", false, 6, 16, 1, across_avx2, down_avx2, across_half_avx2,
                  down_half_avx2},
    [LAB_AVX512] = {"avx512", false, ROWS_AVX512, 32, 1, across_avx512, down_avx512,
                    across_half_avx512, down_half_avx512},
    [LAB_AVX512_BF16] = {"avx512 bf16", true, ROWS_AVX512, 32, 1, across_bf16, down_bf16,
                         across_half_bf16, down_half_bf16},
#endif
    [LAB_AMX] = {"amx", true, LAB_TILE_ROWS, PANEL, LAB_TILE_PAIRS, tile_amx, tile_amx, NULL, NULL},
};

bool lab_processor_runs(enum lab_processor processor)
{
#if defined(__x86_64__) && defined(__GNUC__)
    if (processor == LAB_AVX512)
        return __builtin_cpu_supports("avx512f");
    if (processor == LAB_AVX512_BF16)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bf16");
    if (processor == LAB_AVX2)
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
    if (processor == LAB_AMX)
        return lab_tiles_amx() != NULL;
    return processor == LAB_PLAIN || processor == LAB_PLAIN_BF16 || processor == LAB_PLAIN_TILES;
}

const char *lab_processor_name(enum lab_processor processor)
{
    return kinds[processor].name;
}

enum lab_processor lab_processor_fastest(enum lab_precision precision)
{
    if (precision == LAB_BFLOAT16_TILES)
        return lab_processor_runs(LAB_AMX) ? LAB_AMX : LAB_PLAIN_TILES;
    if (precision == LAB_BFLOAT16)
        return lab_processor_runs(LAB_AVX512_BF16) ? LAB_AVX512_BF16 : LAB_PLAIN_BF16;
    return lab_processor_runs(LAB_AVX512) ? LAB_AVX512
           : lab_processor_runs(LAB_AVX2) ? LAB_AVX2
                                          : LAB_PLAIN;
}

/* ---- packing ------------------------------------------------------------------------- */

size_t lab_packed_size(size_t k, size_t m)
{
    return (m + PANEL - 1) / PANEL * PANEL * (k < LAB_TILE_PAIRS ? LAB_TILE_PAIRS : k);
}

/* Rows of a panel, in elements. */
static size_t depth_of(const struct kind *kind, size_t k)
{
    size_t elements = kind->pairs ? (k + 1) / 2 : k;
    return (elements + kind->deep - 1) / kind->deep * kind->deep;
}

/* By sizes that the compiler knows: rows are short, and for a length that it does not know it may
 * choose an instruction that is slow to begin. */
LAB_INLINE void copy(size_t n, const float *from, float *to)
{
    size_t i = 0;
    for (; i + 16 <= n; i += 16)
        memcpy(to + i, from + i, 16 * sizeof *to);
    for (; i + 4 <= n; i += 4)
        memcpy(to + i, from + i, 4 * sizeof *to);
    for (; i < n; i++)
        memcpy(to + i, from + i, sizeof *to);
}

/* A panel of columns that lie side by side in each row. */
static void pack_straight(size_t k, size_t width, const float *from, size_t step_k, float *to)
{
    for (size_t p = 0; p < k; p++) {
        copy(width, from + p * step_k, to + p * PANEL);
        if (width < PANEL)
            memset(to + p * PANEL + width, 0, (PANEL - width) * sizeof *to);
    }
}

/* Of columns that lie one after another, step_m apart. */
static void pack_across(size_t k, size_t width, const float *from, size_t step_m, float *to)
{
    if (width < PANEL)
        memset(to, 0, k * PANEL * sizeof *to);
    lab_transpose(width, k, from, step_m, to, PANEL);
}

/* `depth` rows of a panel, those beyond k 0. */
static void pack_pairs(size_t k, size_t depth, size_t width, const float *from, size_t step_k,
                       size_t step_m, uint32_t *to)
{
    uint32_t some[PANEL][16];
    if (width < PANEL || depth > (k + 1) / 2)
        memset(to, 0, depth * PANEL * sizeof *to);
    if (step_m == 1) {
        lab_pair_rows(k, width, from, step_k, PANEL, to);
        return;
    }
    for (size_t p = 0; p < k; p += 32) { /* step_k is 1 */
        size_t deep = k - p < 32 ? k - p : 32;
        for (size_t j = 0; j < width; j++)
            lab_pair_along(deep, from + j * step_m + p, some[j]);
        lab_transpose(width, (deep + 1) / 2, some, 16, to + p / 2 * PANEL, PANEL);
    }
}

void lab_pack(const struct lab_packed *b, const float *from, size_t step_k, size_t step_m)
{
    const struct kind *kind = &kinds[b->processor];
    float *to = b->panels;
    for (size_t j = 0; j < b->m; j += PANEL, to += depth_of(kind, b->k) * PANEL) {
        size_t width = b->m - j < PANEL ? b->m - j : PANEL;
        if (kind->pairs)
            pack_pairs(b->k, depth_of(kind, b->k), width, from + j * step_m, step_k, step_m,
                       (uint32_t *)to);
        else if (step_m == 1)
            pack_straight(b->k, width, from + j, step_k, to);
        else
            pack_across(b->k, width, from + j * step_m, step_m, to);
    }
}

/* `rows` rows of A, of which `n` exist and the others are 0: across if step_k is 1, else down. */
static void pack_rows(bool down, size_t rows, size_t n, size_t k, const float *a, size_t step_n,
                      size_t step_k, float *packed)
{
    if (n < rows)
        memset(packed, 0, rows * STRIDE * sizeof *packed);
    if (down && n == ROWS_AVX512 && rows == n) /* a size that the compiler knows */
        for (size_t p = 0; p < k; p++)
            memcpy(packed + p * ROWS_AVX512, a + p * step_k, ROWS_AVX512 * sizeof *a);
    else if (down)
        for (size_t p = 0; p < k; p++)
            copy(n, a + p * step_k, packed + p * rows);
    else
        for (size_t i = 0; i < n; i++)
            copy(k, a + i * step_n, packed + i * STRIDE);
}

/* For tiles, which want rows across: from rows that lie down, 16 pairs of all of them at a time. */
static void turn_pairs(size_t n, size_t k, const float *a, size_t step_k, uint32_t *packed)
{
    uint32_t some[LAB_TILE_PAIRS][LAB_TILE_ROWS];
    for (size_t p = 0; p < k; p += 2 * LAB_TILE_PAIRS) {
        size_t deep = k - p < 2 * LAB_TILE_PAIRS ? k - p : 2 * LAB_TILE_PAIRS;
        lab_pair_rows(deep, n, a + p * step_k, step_k, LAB_TILE_ROWS, some[0]);
        lab_transpose((deep + 1) / 2, n, some, LAB_TILE_ROWS, packed + p / 2, STRIDE);
    }
}

static void pack_row_pairs(const struct kind *kind, bool down, size_t n, size_t k, const float *a,
                           size_t step_n, size_t step_k, uint32_t *packed)
{
    size_t rows = kind->rows, pairs = (k + 1) / 2, depth = depth_of(kind, k);
    if (n < rows)
        memset(packed, 0, rows * STRIDE * sizeof *packed);
    for (size_t i = 0; i < n && depth > pairs; i++)
        memset(packed + i * STRIDE + pairs, 0, (depth - pairs) * sizeof *packed);
    if (down && kind->deep > 1)
        turn_pairs(n, k, a, step_k, packed);
    else if (down)
        lab_pair_rows(k, n, a, step_k, rows, packed);
    else
        for (size_t i = 0; i < n; i++)
            lab_pair_along(k, a + i * step_n, packed + i * STRIDE);
}

/* ---- products ------------------------------------------------------------------------ */

/* A tile that hangs over an edge of C, by way of a whole one. */
static void edge(tile_function *tile, size_t rows, size_t columns, size_t n, size_t m, size_t k,
                 const void *a, const void *b, const float *from, size_t step_from, float *c,
                 size_t step_c)
{
    float whole[MOST_ROWS * PANEL];
    memset(whole, 0, rows * columns * sizeof *whole);
    for (size_t i = 0; i < n; i++)
        memcpy(whole + i * columns, from + i * step_from, m * sizeof *c);
    tile(k, a, b, whole, columns, whole, columns);
    for (size_t i = 0; i < n; i++)
        memcpy(c + i * step_c, whole + i * columns, m * sizeof *c);
}

void lab_multiply(const struct lab_packed *b, size_t n, size_t k, size_t m, const float *a,
                  size_t step_n, size_t step_k, float *c, size_t step_c, bool add)
{
    static const float zeros[PANEL];
    const struct kind *kind = &kinds[b->processor];
    bool down = step_k != 1;
    tile_function *full = down ? kind->down : kind->across;
    tile_function *half = down ? kind->down_half : kind->across_half;
    size_t most = kind->pairs ? 2 * DEPTH : DEPTH, panel = depth_of(kind, b->k) * PANEL;
    _Alignas(64) union {
        float rows[MOST_ROWS * STRIDE];
        uint32_t pairs[MOST_ROWS * STRIDE];
    } packed;
    if (b->processor == LAB_AMX)
        amx_begin();
    for (size_t i = 0; i < n; i += kind->rows)
        for (size_t p = 0; p < k || (p == 0 && !add); p += most) {
            size_t high = n - i < kind->rows ? n - i : kind->rows;
            size_t deep = k - p < most ? k - p : most;
            const float *rows = a + i * step_n + p * step_k;
            bool begin = p == 0 && !add;
            if (kind->pairs)
                pack_row_pairs(kind, down, high, deep, rows, step_n, step_k, packed.pairs);
            else
                pack_rows(down, kind->rows, high, deep, rows, step_n, step_k, packed.rows);
            for (size_t j = 0; j < m; j += kind->columns) {
                size_t wide = m - j < kind->columns ? m - j : kind->columns;
                const float *at =
                    b->panels + j / PANEL * panel + depth_of(kind, p) * PANEL + j % PANEL;
                float *to = c + i * step_c + j;
                const float *from = begin ? zeros : to;
                size_t step_from = begin ? 0 : step_c, columns = kind->columns;
                tile_function *tile = full;
                if (half && wide <= columns / 2) {
                    tile = half;
                    columns /= 2;
                }
                if (high == kind->rows && wide == columns)
                    tile(depth_of(kind, deep), &packed, at, from, step_from, to, step_c);
                else
                    edge(tile, kind->rows, columns, high, wide, depth_of(kind, deep), &packed, at,
                         from, step_from, to, step_c);
            }
        }
    if (b->processor == LAB_AMX)
        amx_end();
}

void lab_apply(const struct lab_packed *w, size_t n, const float *x, float *y, bool add)
{
    lab_multiply(w, n, w->k, w->m, x, w->k, 1, y, w->m, add);
}

void lab_turned_load(const struct lab_turned *to, const float *w, bool back)
{
    lab_pack(&to->on, w, 1, to->on.k);
    if (back)
        lab_pack(&to->back, w, to->back.m, 1);
}

void lab_apply_back(const struct lab_turned *w, size_t n, const float *x, const float *d_y,
                    float *d_w, float *d_x, float *room)
{
    size_t out = w->on.m, in = w->on.k;
    const struct lab_packed packed = {w->on.processor, n, in, room};
    lab_pack(&packed, x, in, 1);
    lab_multiply(&packed, out, n, in, d_y, 1, out, d_w, in, true);
    lab_multiply(&w->back, n, out, in, d_y, out, 1, d_x, in, false);
}
