/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/products_tiles.h"

#include "base/amx.h"
#include "lab/pairs.h"

#include <assay/base.h>

#include <math.h>
#include <string.h>

/* ---- the definition -------------------------------------------------------------------- */

/* 16 pairs, those of B a row of the panel apart. */
static float pairs_of(const uint32_t *a, const uint32_t *b)
{
    float first = 0, second = 0;
    for (size_t p = 0; p < LAB_TILE_PAIRS; p++) {
        uint32_t x = a[p], y = b[p * LAB_PANEL];
        first = lab_pair_flushed(fmaf(lab_pair_high(x << 16), lab_pair_high(y << 16), first));
        second = lab_pair_flushed(fmaf(lab_pair_high(x), lab_pair_high(y), second));
    }
    return lab_pair_flushed(first + second);
}

void lab_tiles_plain(size_t k, const void *of_a, const void *of_b, const float *from,
                     size_t step_from, float *c, size_t step_c)
{
    const uint32_t *a = of_a, *b = of_b;
    for (size_t i = 0; i < LAB_TILE_ROWS; i++)
        for (size_t j = 0; j < LAB_PANEL; j++) {
            float sum = lab_pair_flushed(from[i * step_from + j]);
            for (size_t p = 0; p < k; p += LAB_TILE_PAIRS)
                sum = lab_pair_flushed(
                    sum + pairs_of(a + i * LAB_TILE_STRIDE + p, b + p * LAB_PANEL + j));
            c[i * step_c + j] = sum;
        }
}

/* ---- AMX --------------------------------------------------------------------------------- */

#if defined(__x86_64__) && defined(__linux__)
#include <immintrin.h>

#define TILES __attribute__((target("amx-tile,amx-bf16"), no_sanitize("address", "undefined")))
#define TILE_FUNCTION TILES static void multiply
#define TILE_LOAD(t, from, step) _tile_loadd(t, from, step)
#define TILE_MULTIPLY(to, a, b) _tile_dpbf16ps(to, a, b)
#define TILE_STORE(t, to, step) _tile_stored(t, to, step)
#include "lab/products_tiles_tmpl.h"

TILES __attribute__((noinline)) static void kernel(size_t k, const void *a, const void *b,
                                                   const float *from, size_t step_from, float *c,
                                                   size_t step_c)
{
    AMX_MEMORY_IS_AS_WRITTEN;
    multiply(k, a, b, from, step_from, c, step_c);
    AMX_MEMORY_IS_AS_WRITTEN;
}

/* Pairs of bfloat16: ordinary numbers, some of them so small that sums of products underflow. */
static void draw(struct assay_random *random, size_t n, uint32_t *pairs)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t half[2];
        for (int h = 0; h < 2; h++) {
            float x = (float)assay_random_normal(random) * (i % 5 == 0 ? 1e-20f : 1);
            memcpy(&half[h], &x, sizeof x);
        }
        pairs[i] = (half[0] & 0xffff0000u) | half[1] >> 16;
    }
}

/* To the bit: -0 is not 0. */
static bool same(size_t n, const float *a, const float *b)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t x, y;
        memcpy(&x, &a[i], sizeof x);
        memcpy(&y, &b[i], sizeof y);
        if (x != y)
            return false;
    }
    return true;
}

static bool agrees_with_plain(void)
{
    enum { K = 3 * LAB_TILE_PAIRS };
    uint32_t a[LAB_TILE_ROWS * LAB_TILE_STRIDE], b[K * LAB_PANEL];
    float tiled[LAB_TILE_ROWS * LAB_PANEL], plain[LAB_TILE_ROWS * LAB_PANEL];
    struct assay_random random;
    assay_random_start(&random, 1, 0x62663136);
    draw(&random, sizeof a / sizeof a[0], a);
    draw(&random, sizeof b / sizeof b[0], b);
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
        tiled[i] = plain[i] = (float)assay_random_normal(&random);
    amx_begin();
    kernel(K, a, b, tiled, LAB_PANEL, tiled, LAB_PANEL);
    amx_end();
    lab_tiles_plain(K, a, b, plain, LAB_PANEL, plain, LAB_PANEL);
    return same(sizeof plain / sizeof plain[0], tiled, plain);
}

lab_tile_function *lab_tiles_amx(void)
{
    static _Atomic(int) answer; /* 0: not asked, 1: no, 2: yes */
    if (answer == 0)
        answer = amx_allowed(AMX_BF16) && agrees_with_plain() ? 2 : 1;
    return answer == 2 ? kernel : NULL;
}
#else
lab_tile_function *lab_tiles_amx(void)
{
    return NULL;
}
#endif
