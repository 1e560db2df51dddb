/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/products_kind.h"

#include "base/amx.h"
#include "lab/pairs.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#define PANEL LAB_PANEL
#define DEPTH 256   /* elements of A and B before moving on along C: B's panel stays near */
#define GROUP 112   /* rows of A that are packed at once, and meet a panel of B while it is near */
#define COLUMNS 256 /* of B that stay near while those rows pass */
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

static void tile_amx(size_t k, const void *a, const void *b, const float *from, size_t step_from,
                     float *c, size_t step_c)
{
    lab_tiles_amx()(k, a, b, from, step_from, c, step_c);
}

const struct lab_kind lab_kinds[] = {
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
    return lab_kinds[processor].name;
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

/* ---- products ------------------------------------------------------------------------ */

/* A tile that hangs over an edge of C, by way of a whole one. */
static void edge(lab_tile_function *tile, size_t rows, size_t columns, size_t n, size_t m, size_t k,
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

/* A strip of A by a panel of B, `wide` columns of it: the tile at c, from `from` on. */
static void meet(const struct lab_kind *kind, bool down, size_t high, size_t wide, size_t depth,
                 const float *a, const float *b, const float *from, size_t step_from, float *c,
                 size_t step_c)
{
    size_t columns = kind->columns;
    lab_tile_function *tile = down ? kind->down : kind->across;
    lab_tile_function *half = down ? kind->down_half : kind->across_half;
    if (half && wide <= columns / 2) {
        tile = half;
        columns /= 2;
    }
    if (high == kind->rows && wide == columns)
        tile(depth, a, b, from, step_from, c, step_c);
    else
        edge(tile, kind->rows, columns, high, wide, depth, a, b, from, step_from, c, step_c);
}

/* Asks for a tile of C before it is its turn. */
static void soon(const struct lab_kind *kind, const float *c, size_t step_c)
{
#if defined(__GNUC__)
    for (size_t i = 0; i < kind->rows; i++)
        for (size_t j = 0; j < kind->columns; j += 16)
            __builtin_prefetch(c + i * step_c + j, 1);
#endif
}

/* What lab_multiply does at once: `high` rows of A in strips, `deep` along k, by columns `first` to
 * `last` of B. A strip stays nearest; what is left of C is asked for two tiles ahead. */
struct block {
    const struct lab_kind *kind;
    bool down; /* A lies so */
    size_t high, deep, first, last;
    const float *a, *b; /* packed; B from k on, of column 0 */
    size_t panel;       /* floats from one panel of B to the next */
    const float *from;  /* from A's first row on; NULL: 0 */
    float *c;
    size_t step_c;
};

static void multiply_block(const struct block *x)
{
    static const float zeros[PANEL];
    const struct lab_kind *kind = x->kind;
    const float *a = x->a; /* the strip */
    size_t rows = kind->rows, columns = kind->columns;
    size_t depth = lab_kind_depth(kind, x->deep), strip = lab_kind_strip(kind, x->down, x->deep);
    for (size_t r = 0; r < x->high; r += rows, a += strip)
        for (size_t j = x->first; j < x->last; j += columns) {
            size_t at = r * x->step_c + j;
            size_t on = j + 2 * columns, row = r; /* two tiles ahead */
            if (on >= x->last) {
                on -= x->last - x->first;
                row += rows;
            }
            if (x->from && row + rows <= x->high && on + columns <= x->last)
                soon(kind, x->from + row * x->step_c + on, x->step_c);
            meet(kind, x->down, x->high - r < rows ? x->high - r : rows,
                 x->last - j < columns ? x->last - j : columns, depth, a,
                 x->b + j / PANEL * x->panel + j % PANEL, x->from ? x->from + at : zeros,
                 x->from ? x->step_c : 0, x->c + at, x->step_c);
        }
}

void lab_multiply(const struct lab_packed *b, size_t n, size_t k, size_t m, const float *a,
                  size_t step_n, size_t step_k, const float *from, float *c, size_t step_c)
{
    const struct lab_kind *kind = &lab_kinds[b->processor];
    bool down = step_k != 1;
    size_t group = GROUP / kind->rows * kind->rows, most = kind->pairs ? 2 * DEPTH : DEPTH;
    size_t panel = lab_kind_depth(kind, b->k) * PANEL;
    _Alignas(64) float packed[GROUP * STRIDE];
    if (b->processor == LAB_AMX)
        amx_begin();
    for (size_t i = 0; i < n; i += group)
        for (size_t p = 0; p < k || (p == 0 && from != c); p += most) {
            size_t high = n - i < group ? n - i : group, deep = k - p < most ? k - p : most;
            lab_pack_rows(kind, high, deep, a + i * step_n + p * step_k, step_n, step_k, packed);
            const float *before = p > 0 ? c + i * step_c : from ? from + i * step_c : NULL;
            for (size_t j = 0; j < m; j += COLUMNS)
                multiply_block(&(struct block){kind, down, high, deep, j,
                                               m - j < COLUMNS ? m : j + COLUMNS, packed,
                                               b->panels + lab_kind_depth(kind, p) * PANEL, panel,
                                               before, c + i * step_c, step_c});
        }
    if (b->processor == LAB_AMX)
        amx_end();
}

void lab_apply(const struct lab_packed *w, size_t n, const float *x, const float *from, float *y)
{
    lab_multiply(w, n, w->k, w->m, x, w->k, 1, from, y, w->m);
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
    lab_multiply(&packed, out, n, in, d_y, 1, out, d_w, d_w, in);
    lab_multiply(&w->back, n, out, in, d_y, out, 1, NULL, d_x, in);
}
