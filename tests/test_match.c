/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What lineage rests on in numbers: every fast kernel that this processor has against the plain
 * one, and the plain one against its definition written another way.
 */
#include "formats/small_floats.h"
#include "lineage/alike.h"
#include "lineage/dots.h"
#include "lineage/match.h"
#include "lineage/rows.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- scalar products ----------------------------------------------------------------- */

static void fill(int8_t *bytes, size_t count, struct assay_random *random)
{
    for (size_t i = 0; i < count; i++)
        bytes[i] = (int8_t)((int)assay_random_below(random, 255) - 127);
}

/* The instructions that kernel_amx_tmpl.h is written in, as Intel's manual defines them. */
static struct {
    int8_t bytes[16][64];
} tile_registers[8];

static void tile_load(int t, const int8_t *from)
{
    memcpy(&tile_registers[t], from, sizeof tile_registers[t]);
}

static void tile_multiply(int to, int a, int b)
{
    for (int i = 0; i < 16; i++)
        for (int j = 0; j < 16; j++) {
            int32_t sum;
            memcpy(&sum, &tile_registers[to].bytes[i][4 * j], sizeof sum);
            for (int x = 0; x < 16; x++)
                for (int y = 0; y < 4; y++)
                    sum += tile_registers[a].bytes[i][4 * x + y] *
                           tile_registers[b].bytes[x][4 * j + y];
            memcpy(&tile_registers[to].bytes[i][4 * j], &sum, sizeof sum);
        }
}

#define TILE_FUNCTION static void kernel_on_modelled_tiles
#define TILE_ZERO(t) memset(&tile_registers[t], 0, sizeof tile_registers[t])
#define TILE_LOAD(t, from) tile_load(t, from)
#define TILE_MULTIPLY(to, a, b) tile_multiply(to, a, b)
#define TILE_STORE(t, to) memcpy(to, &tile_registers[t], sizeof tile_registers[t])
#include "lineage/kernel_amx_tmpl.h"

/* Every kernel against the definition, which is itself held against sums in 64 bits. */
static void every_kernel_gives_exact_products(void **state)
{
    (void)state;
    enum { PANELS = KERNEL_MOST_PANELS, TILES = 9 };
    static int8_t rows[PANELS * TILES * KERNEL_TILE], right[TILES * KERNEL_TILE];
    struct kernel_choice list[KERNEL_KINDS + 1];
    struct assay_random random;
    size_t kinds = kernel_list(list);
    list[kinds++] = (struct kernel_choice){"modelled tiles", kernel_on_modelled_tiles};
    assay_random_start(&random, 3, 0);
    for (size_t round = 0; round < 12; round++) {
        int32_t plain[PANELS][16][16], fast[PANELS][16][16], sums[PANELS * 16] = {0};
        struct kernel_left left = {1 + round % PANELS, 1 + round * 3 % TILES, rows, sums};
        fill(rows, sizeof rows, &random);
        fill(right, sizeof right, &random);
        if (round == 11) /* as large as products get */
            memset(rows, 127, sizeof rows), memset(right, -127, sizeof right);
        for (size_t p = 0; p < left.panels; p++)
            for (size_t i = 0; i < 16; i++)
                for (size_t x = 0; x < left.tiles * 64; x++)
                    sums[p * 16 + i] += rows[((p * left.tiles + x / 64) * 16 + i) * 64 + x % 64];
        kernel_plain(&left, right, plain);
        for (size_t p = 0; p < left.panels; p++)
            for (size_t i = 0; i < 16; i++)
                for (size_t j = 0; j < 16; j++) {
                    int64_t sum = 0;
                    for (size_t x = 0; x < left.tiles * 64; x++)
                        sum += rows[((p * left.tiles + x / 64) * 16 + i) * 64 + x % 64] *
                               right[x / 4 * 64 + j * 4 + x % 4];
                    assert_int_equal(plain[p][i][j], sum);
                }
        for (size_t k = 0; k < kinds; k++) {
            list[k].kernel(&left, right, fast);
            if (memcmp(fast, plain, left.panels * sizeof plain[0]) != 0)
                fail_msg("%s differs from plain C", list[k].name);
        }
    }
    for (size_t k = 0; k < kinds; k++)
        print_message("# agrees: %s\n", list[k].name);
}

/* 127 * 127 * 2^17 fits into 31 bits: the widest vectors, all of one sign. */
static void the_widest_product_does_not_overflow(void **state)
{
    (void)state;
    size_t tiles = KERNEL_MOST_WIDTH / KERNEL_COORDINATES, bytes = tiles * KERNEL_TILE;
    int8_t *all = malloc(bytes);
    int32_t sums[16], product[1][16][16];
    struct kernel_choice list[KERNEL_KINDS];
    size_t kinds = kernel_list(list);
    assert_non_null(all);
    memset(all, 127, bytes);
    for (size_t i = 0; i < 16; i++)
        sums[i] = 127 * (int32_t)KERNEL_MOST_WIDTH;
    struct kernel_left left = {1, tiles, all, sums};
    for (size_t k = 0; k < kinds; k++) {
        list[k].kernel(&left, all, product);
        assert_int_equal(product[0][15][15], 127 * 127 * (int32_t)KERNEL_MOST_WIDTH);
    }
    free(all);
}

/* ---- packing ------------------------------------------------------------------------- */

static void every_width_of_register_packs_alike(void **state)
{
    (void)state;
    enum { N = 160 };
    const struct row_functions *list[ROW_KINDS];
    size_t kinds = rows_list(list);
    struct assay_random random;
    static float row[4][N], mean[N], scale[N];
    float fifty[16];
    const float *const four[4] = {row[0], row[1], row[2], row[3]};
    struct {
        float sum[N], centred[N], squares[N], most[N], total, all_squares, all_most;
        int8_t bytes[N], words[4 * N];
        int32_t byte_squares, word_squares[N];
        bool near[3];
    } plain, fast;
    static const int32_t product[3][16] = {{[7] = 100}, {[15] = 99}, {[0] = -5, [1] = 200}};
    static const float least[3] = {5000, 5000, 12000.5f};
    for (size_t i = 0; i < 16; i++)
        fifty[i] = 50;
    assay_random_start(&random, 5, 0);
    for (size_t i = 0; i < N; i++) {
        for (size_t k = 0; k < 4; k++)
            row[k][i] = (float)assay_random_normal(&random);
        mean[i] = (float)assay_random_uniform(&random);
        scale[i] = 60;
    }
    for (size_t k = 0; k < kinds; k++) {
        memset(&fast, 0, sizeof fast);
        list[k]->add(fast.sum, row[0], N);
        list[k]->add(fast.sum, row[1], N);
        fast.total = list[k]->total(row[2], N);
        memcpy(fast.centred, row[3], sizeof fast.centred);
        list[k]->centre(fast.centred, mean, N, &fast.all_squares, &fast.all_most);
        list[k]->spread(row[0], 0.25f, N, fast.squares, fast.most);
        list[k]->spread(row[1], -0.5f, N, fast.squares, fast.most);
        fast.byte_squares = list[k]->quantise(row[0], 50, N, fast.bytes);
        list[k]->quantise_four(four, mean, scale, N, fast.words, 64, fast.word_squares);
        list[k]->near(product, fifty, least, 3, fast.near);
        if (k == 0)
            plain = fast;
        assert_memory_equal(&fast, &plain, sizeof fast);
    }
    assert_true(plain.near[0] && !plain.near[1] && !plain.near[2]);
    for (size_t i = 0; i < N; i++) { /* and the plain one does what it says */
        double q = fmax(-127, fmin(127, rint((double)(row[0][i] * 50))));
        assert_int_equal(plain.bytes[i], q);
        q = fmax(-127, fmin(127, rint((double)((row[3][i] - mean[3]) * scale[i]))));
        assert_int_equal(plain.words[i / 16 * 64 + i % 16 * 4 + 3], q);
    }
}

/* A unit scaled by itself is the same unit, its largest coordinate 127, and a mean takes nothing
 * from the order. */
static void packing_keeps_directions(void **state)
{
    (void)state;
    enum { N = 37, WIDTH_PACKED = 100 };
    struct assay_context context = assay_context_default();
    struct units u, scaled;
    struct packed p, q;
    struct assay_random random;
    assay_random_start(&random, 6, 0);
    assert_true(units_new(&u, N, WIDTH_PACKED) && units_new(&scaled, N, WIDTH_PACKED));
    for (size_t i = 0; i < N; i++)
        for (size_t x = 0; x < WIDTH_PACKED; x++) {
            u.values[i * u.width + x] = (float)assay_random_normal(&random);
            scaled.values[i * u.width + x] = u.values[i * u.width + x] * (float)(1u << i % 20);
        }
    assert_int_equal(units_pack(&context, &u, false, &p, NULL), ASSAY_OK);
    assert_int_equal(units_pack(&context, &scaled, false, &q, NULL), ASSAY_OK);
    assert_memory_equal(p.bytes, q.bytes, p.panels * p.tiles * KERNEL_TILE);
    for (size_t i = 0; i < N; i++) {
        double dot = 0, length = 0, squares = 0;
        for (size_t x = 0; x < WIDTH_PACKED; x++) {
            double value = (double)u.values[i * u.width + x], byte = packed_at(&p, i, x);
            dot += value * byte;
            length += value * value;
            squares += byte * byte;
        }
        assert_true(dot / sqrt(length * squares) > 0.9999);
        assert_true(fabs((double)p.inverse[i] * sqrt(squares) - 1) < 1e-6);
    }
    packed_free(&p);
    packed_free(&q);
    units_free(&u);
    units_free(&scaled);
}

static void the_fast_products_of_floats_are_the_plain_ones(void **state)
{
    (void)state;
    static float a[4 * 512], b[512];
    struct assay_random random;
    assay_random_start(&random, 7, 0);
    for (size_t width = 16; width <= 512; width *= 2) {
        float x[4], y[4];
        for (size_t i = 0; i < 4 * width; i++)
            a[i] = (float)assay_random_normal(&random);
        for (size_t i = 0; i < width; i++)
            b[i] = (float)assay_random_normal(&random);
        dots_plain(a, width, b, width, x);
        dots_fastest()(a, width, b, width, y);
        assert_memory_equal(x, y, sizeof x);
        double sum = 0;
        for (size_t i = 0; i < width; i++)
            sum += (double)a[width + i] * (double)b[i];
        assert_true(fabs(sum - (double)x[1]) < 1e-3);
    }
}

/* ---- weights side by side ------------------------------------------------------------ */

#define WEIGHTS 1024

/* Weights of all sizes, some equal, some that only F16 or BF16 holds, zeros of both signs. */
static void make_weights(float *a, float *b)
{
    struct assay_random random;
    assay_random_start(&random, 8, 0);
    for (size_t i = 0; i < WEIGHTS; i++) {
        a[i] = (float)(assay_random_normal(&random) * exp(8 * assay_random_normal(&random)));
        b[i] = i % 3 ? (float)assay_random_normal(&random) : a[i];
        if (i % 5 == 0 && fabsf(a[i]) < 60000)
            a[i] = small_float_half(small_float_to_half(a[i]));
        if (i % 7 == 0)
            b[i] = small_float_bfloat16(small_float_to_bfloat16(b[i]));
        if (i % 11 == 0 && fabsf(a[i]) < 60000)
            b[i] = small_float_half(small_float_to_half(a[i] * 1e-4f)); /* subnormal */
    }
    a[0] = 0;
    b[0] = -0.0f;
    a[1] = 65519;
    b[1] = 65520; /* rounds to infinity in binary16 */
}

/* The largest that go in and infinities, which types() has to leave out. */
static void add_extremes(float *a, float *b)
{
    a[2] = INFINITY;
    b[3] = NAN;
    a[4] = 3e38f;
    b[4] = -3e38f;
    a[5] = 1e-40f;
}

static void every_width_of_register_compares_alike(void **state)
{
    (void)state;
    static float a[WEIGHTS], b[WEIGHTS];
    static uint16_t brain_a[WEIGHTS], brain_b[WEIGHTS], half_a[WEIGHTS], half_b[WEIGHTS];
    const struct alike_functions *list[ALIKE_KINDS];
    size_t kinds = alike_list(list);
    struct {
        struct alike_sums f32, bf16, f16;
        struct alike_types types;
    } plain, fast;
    make_weights(a, b);
    for (size_t i = 0; i < WEIGHTS; i++) {
        brain_a[i] = small_float_to_bfloat16(a[i]);
        brain_b[i] = small_float_to_bfloat16(b[i]);
        half_a[i] = small_float_to_half(fminf(a[i], 60000));
        half_b[i] = small_float_to_half(fminf(b[i], 60000));
    }
    for (size_t k = 0; k < kinds; k++) {
        memset(&fast, 0, sizeof fast);
        make_weights(a, b);
        list[k]->f32(a, b, WEIGHTS, &fast.f32);
        list[k]->bf16(brain_a, brain_b, WEIGHTS, &fast.bf16);
        list[k]->f16(half_a, half_b, WEIGHTS, &fast.f16);
        add_extremes(a, b);
        list[k]->types(a, b, WEIGHTS, &fast.types);
        if (k == 0)
            plain = fast;
        assert_memory_equal(&fast, &plain, sizeof fast);
    }
    assert_true(isfinite(plain.bf16.aa) && plain.bf16.equal > 100 && plain.f16.equal > 100);
}

static void near(double found, double expected)
{
    assert_true(fabs(found - expected) <= 1e-5 * fabs(expected));
}

static bool same(float x, float y)
{
    return memcmp(&x, &y, sizeof x) == 0 || (x == 0 && y == 0);
}

static void sums_over_two_runs_are_what_double_precision_gives(void **state)
{
    (void)state;
    static float a[WEIGHTS], b[WEIGHTS];
    const struct alike_functions *alike = alike_fastest();
    struct alike_sums sums;
    struct alike_types types, expected = {0};
    double aa = 0, bb = 0, difference = 0;
    size_t equal = 0;
    make_weights(a, b);
    alike->f32(a, b, WEIGHTS, &sums);
    for (size_t i = 0; i < WEIGHTS; i++) {
        double x = (double)a[i], y = (double)b[i];
        aa += x * x;
        bb += y * y;
        difference += (x - y) * (x - y);
        equal += x == y;
    }
    near((double)sums.aa, aa);
    near((double)sums.bb, bb);
    near((double)sums.difference, difference);
    assert_int_equal(sums.equal, equal);
    add_extremes(a, b);
    alike->types(a, b, WEIGHTS, &types);
    for (size_t i = 0; i < WEIGHTS; i++) {
        if (!isfinite(a[i]) || !isfinite(b[i]))
            continue;
        float x = small_float_half(small_float_to_half(a[i]));
        float y = small_float_half(small_float_to_half(b[i]));
        float u = small_float_bfloat16(small_float_to_bfloat16(a[i]));
        float v = small_float_bfloat16(small_float_to_bfloat16(b[i]));
        expected.counted++;
        expected.half_equal += same(x, y);
        expected.a_half += same(x, a[i]);
        expected.b_half += same(y, b[i]);
        expected.bfloat16_equal += same(u, v);
        expected.a_bfloat16 += same(u, a[i]);
        expected.b_bfloat16 += same(v, b[i]);
    }
    assert_memory_equal(&types, &expected, sizeof types);
    a[9] = 1e30f; /* its square is no float32: the caller must notice */
    alike->f32(a, b, WEIGHTS, &sums);
    assert_false(isfinite(sums.aa));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kernel_gives_exact_products),
        cmocka_unit_test(the_widest_product_does_not_overflow),
        cmocka_unit_test(every_width_of_register_packs_alike),
        cmocka_unit_test(packing_keeps_directions),
        cmocka_unit_test(the_fast_products_of_floats_are_the_plain_ones),
        cmocka_unit_test(every_width_of_register_compares_alike),
        cmocka_unit_test(sums_over_two_runs_are_what_double_precision_gives),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
