/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel for AMX's tiles, on a model of TDPBF16PS in plain C: none of our machines has AMX. */
#include "lab/pairs.h"
#include "lab/products_tiles.h"

#include <assay/base.h>

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- a model of the instructions, from their description in Intel's manual ------------------ */

static struct {
    uint32_t word[16][16];
} registers[8];

static void tile_load(int t, const void *from, size_t step)
{
    for (size_t r = 0; r < 16; r++)
        memcpy(registers[t].word[r], (const char *)from + r * step, 64);
}

static void tile_store(int t, void *to, size_t step)
{
    for (size_t r = 0; r < 16; r++)
        memcpy((char *)to + r * step, registers[t].word[r], 64);
}

static float number(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return fpclassify(x) == FP_SUBNORMAL ? copysignf(0, x) : x;
}

static uint32_t bits_of(float x)
{
    uint32_t bits;
    x = fpclassify(x) == FP_SUBNORMAL ? copysignf(0, x) : x;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* Row by row: temporaries start at 0, one for the first and one for the second of a pair in each
 * column; then both are added, and to the destination. */
static void tile_multiply(int to, int a, int b)
{
    for (int m = 0; m < 16; m++) {
        float temporary[32] = {0};
        for (int k = 0; k < 16; k++)
            for (int n = 0; n < 16; n++)
                for (int half = 0; half < 2; half++) {
                    uint32_t x = registers[a].word[m][k], y = registers[b].word[k][n];
                    float left = number(half ? x & 0xffff0000u : x << 16);
                    float right = number(half ? y & 0xffff0000u : y << 16);
                    float *sum = &temporary[2 * n + half];
                    *sum = number(bits_of(fmaf(left, right, *sum)));
                }
        for (int n = 0; n < 16; n++) {
            float both = number(bits_of(temporary[2 * n] + temporary[2 * n + 1]));
            registers[to].word[m][n] = bits_of(number(registers[to].word[m][n]) + both);
        }
    }
}

#define TILE_FUNCTION static void kernel_on_modelled_tiles
#define TILE_LOAD(t, from, step) tile_load(t, from, step)
#define TILE_MULTIPLY(to, a, b) tile_multiply(to, a, b)
#define TILE_STORE(t, to, step) tile_store(t, to, step)
#include "lab/products_tiles_tmpl.h"

/* ---- tests ----------------------------------------------------------------------------------- */

enum { K = 5 * LAB_TILE_PAIRS, STEP = 51 };
static uint32_t a[LAB_TILE_ROWS * LAB_TILE_STRIDE], b[K * LAB_PANEL];
static float tiled[LAB_TILE_ROWS * STEP], plain[LAB_TILE_ROWS * STEP];

/* Pairs of numbers whose sizes spread over `decades` downwards. */
static void draw_pairs(struct assay_random *random, unsigned decades, size_t n, uint32_t *pairs)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t half[2];
        for (int h = 0; h < 2; h++) {
            double size = pow(10, -(double)assay_random_below(random, decades + 1));
            float x = (float)(assay_random_normal(random) * size);
            memcpy(&half[h], &x, sizeof x);
        }
        pairs[i] = (half[0] & 0xffff0000u) | half[1] >> 16;
    }
}

static void the_kernel_on_tiles_gives_the_bits_of_the_definition(void **state)
{
    (void)state;
    struct assay_random random;
    assay_random_start(&random, 4, 0);
    for (unsigned round = 0; round < 6; round++) {
        size_t k = LAB_TILE_PAIRS * (1 + round % 5);
        draw_pairs(&random, round < 3 ? 1 : 38, sizeof a / sizeof a[0], a);
        draw_pairs(&random, round < 3 ? 1 : 38, sizeof b / sizeof b[0], b);
        for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
            tiled[i] = plain[i] = round == 5 ? -0.0f : (float)assay_random_normal(&random);
        kernel_on_modelled_tiles(k, a, b, tiled, STEP, tiled, STEP);
        lab_tiles_plain(k, a, b, plain, STEP, plain, STEP);
        assert_memory_equal(tiled, plain, sizeof plain);
    }
}

static uint32_t pair(float first, float second)
{
    uint32_t low, high;
    memcpy(&low, &first, sizeof low);
    memcpy(&high, &second, sizeof high);
    return (high & 0xffff0000u) | low >> 16;
}

/* 1 + 2^-24 + 2^-24: each alone is lost in rounding, both together are not. Tiles add them first,
 * AVX512-BF16 does not, so that one precision cannot serve both. */
static void tiles_add_a_pair_before_it_meets_the_sum_and_vectors_do_not(void **state)
{
    (void)state;
    const float tiny = ldexpf(1, -24), row[2] = {1, 1}, column[2] = {tiny, tiny};
    static float panels[LAB_PANEL * 16];
    memset(a, 0, sizeof a);
    memset(b, 0, sizeof b);
    memset(plain, 0, sizeof plain);
    a[0] = pair(1, 1);
    b[0] = pair(tiny, tiny);
    plain[0] = 1;
    lab_tiles_plain(LAB_TILE_PAIRS, a, b, plain, STEP, plain, STEP);
    assert_true(plain[0] == 1 + FLT_EPSILON);
    for (int p = 0; p < LAB_PROCESSORS; p++) {
        float sum = 1;
        const struct lab_packed packed = {(enum lab_processor)p, 2, 1, panels};
        if (!lab_processor_runs(packed.processor))
            continue;
        lab_pack(&packed, column, 1, 1);
        lab_multiply(&packed, 1, 2, 1, row, 2, 1, &sum, &sum, 1);
        bool tiles = p == LAB_PLAIN_TILES || p == LAB_AMX;
        assert_true(sum == (tiles ? 1 + FLT_EPSILON : 1));
    }
}

/* Every kind of number, in rows of every length about those of vectors, cut into strips of
 * the widths of tiles; what a strip lacks is 0. */
static void pairs_are_rounded_as_plain_c_rounds_them(void **state)
{
    (void)state;
    enum { N = 70, ROWS = 5 };
    static const uint32_t odd[] = {0,          0x80000000, 1,          0x807fffff, 0x007fffff,
                                   0x00800000, 0x7f7fffff, 0xff7fffff, 0x7f800000, 0xff800000,
                                   0x7fc00000, 0x7f800001, 0xffffffff, 0x3f808000, 0x3f818000,
                                   0x3f807fff, 0x3f808001, 0xbf818000};
    float from[N * ROWS];
    uint32_t here[2 * N * ROWS], expected[2 * N * ROWS];
    struct assay_random random;
    assay_random_start(&random, 6, 0);
    for (size_t i = 0; i < (size_t)N * ROWS; i++) {
        uint32_t bits = assay_random_u32(&random);
        if (i % 3 == 0)
            bits = odd[i / 3 % (sizeof odd / sizeof odd[0])];
        memcpy(&from[i], &bits, sizeof bits);
    }
    static const size_t widths[] = {4, 6, 14, 32, 40};
    for (size_t n = 1; n <= N; n++) {
        for (size_t k = 1; k <= ROWS; k++)
            for (size_t w = 0; w < sizeof widths / sizeof widths[0]; w++) {
                size_t strip = widths[w] * ((k + 1) / 2) + 3;
                memset(here, 0x55, sizeof here); /* nothing else is written */
                memset(expected, 0x55, sizeof expected);
                lab_pair_strips(k, n, widths[w], from, N, here, strip);
                lab_pair_strips_plain(k, n, widths[w], from, N, expected, strip);
                assert_memory_equal(here, expected, sizeof expected);
            }
        memset(here, 0x55, sizeof here);
        memset(expected, 0x55, sizeof expected);
        lab_pair_along(ROWS, n, from, N, here, n);
        lab_pair_along_plain(ROWS, n, from, N, expected, n);
        assert_memory_equal(here, expected, sizeof expected);
    }
}

/* Where there is AMX it must have passed its check against plain C; where not, plain C stands in.
 */
static void there_is_always_something_that_sums_as_tiles_do(void **state)
{
    (void)state;
    enum lab_processor fastest = lab_processor_fastest(LAB_BFLOAT16_TILES);
    assert_true(fastest == (lab_tiles_amx() ? LAB_AMX : LAB_PLAIN_TILES));
    assert_true(lab_processor_runs(fastest));
    print_message("# products by tiles: %s\n", lab_processor_name(fastest));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_kernel_on_tiles_gives_the_bits_of_the_definition),
        cmocka_unit_test(tiles_add_a_pair_before_it_meets_the_sum_and_vectors_do_not),
        cmocka_unit_test(pairs_are_rounded_as_plain_c_rounds_them),
        cmocka_unit_test(there_is_always_something_that_sums_as_tiles_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
