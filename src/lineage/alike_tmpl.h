/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two runs of weights side by side, built once a width of register by alike.c, which defines
 * ALIKE(name) and ALIKE_TARGET.
 */

/* Binary16 that is finite; what is not is made infinite. Subnormals: rest * 2^-24, exactly. */
LANES_INLINE void ALIKE(half_lanes)(const uint16_t *from, lanes *to)
{
    lanes_word half = LANES_HALVES(from), sign = (half & 0x8000u) << 16, rest = half & 0x7fffu;
    lanes tiny = (lanes)(rest | 0x3f000000u) - 0.5f;
    lanes_word bits = (rest + 0x1c000u) << 13;
    bits = (lanes_word)LANES_CHOOSE(rest < 0x400u, tiny, (lanes)bits);
    lanes_word infinite = (lanes_word){0} + 0x7f800000u;
    bits = (lanes_word)LANES_CHOOSE(rest > 0x7bffu, (lanes)infinite, (lanes)bits);
    *to = (lanes)(bits | sign);
}

struct ALIKE(totals) {
    lanes dot, aa, bb, difference;
    lanes_int equal;
};

LANES_INLINE void ALIKE(add)(struct ALIKE(totals) * t, const lanes *x, const lanes *y)
{
    lanes d = *x - *y;
    t->dot += *x * *y;
    t->aa += *x * *x;
    t->bb += *y * *y;
    t->difference += d * d;
    t->equal -= *x == *y;
}

LANES_INLINE void ALIKE(finish)(const struct ALIKE(totals) * t, struct alike_sums *sums)
{
    int32_t part[LANES];
    memcpy(part, &t->equal, sizeof part);
    *sums = (struct alike_sums){lanes_sum(&t->dot), lanes_sum(&t->aa), lanes_sum(&t->bb),
                                lanes_sum(&t->difference), 0};
    for (int lane = 0; lane < LANES; lane++)
        sums->equal += (uint32_t)part[lane];
}

ALIKE_TARGET static void ALIKE(f32)(const void *a, const void *b, size_t count,
                                    struct alike_sums *sums)
{
    struct ALIKE(totals) t = {.dot = {0}};
    const float *from_a = a, *from_b = b;
    for (size_t i = 0; i < count; i += LANES) {
        lanes x = LANES_LOAD(from_a + i), y = LANES_LOAD(from_b + i);
        ALIKE(add)(&t, &x, &y);
    }
    ALIKE(finish)(&t, sums);
}

ALIKE_TARGET static void ALIKE(bf16)(const void *a, const void *b, size_t count,
                                     struct alike_sums *sums)
{
    struct ALIKE(totals) t = {.dot = {0}};
    const uint16_t *from_a = a, *from_b = b;
    for (size_t i = 0; i < count; i += LANES) {
        lanes x = LANES_BF16(from_a + i), y = LANES_BF16(from_b + i);
        ALIKE(add)(&t, &x, &y);
    }
    ALIKE(finish)(&t, sums);
}

ALIKE_TARGET static void ALIKE(f16)(const void *a, const void *b, size_t count,
                                    struct alike_sums *sums)
{
    struct ALIKE(totals) t = {.dot = {0}};
    const uint16_t *from_a = a, *from_b = b;
    for (size_t i = 0; i < count; i += LANES) {
        lanes x, y;
        ALIKE(half_lanes)(from_a + i, &x);
        ALIKE(half_lanes)(from_b + i, &y);
        ALIKE(add)(&t, &x, &y);
    }
    ALIKE(finish)(&t, sums);
}

/* ---- what types the weights fit -------------------------------------------------------------- */

/* A float32 rounded to binary16, ties to even, and whether nothing was lost. */
LANES_INLINE void ALIKE(to_half)(const lanes *x, lanes_word *half, lanes_int *fits)
{
    lanes_word bits = (lanes_word)*x & 0x7fffffffu, sign = (lanes_word)*x >> 16 & 0x8000u;
    lanes shifted = (lanes)bits + 0.5f; /* puts a subnormal's rounded digits into the low bits */
    lanes_word tiny = (lanes_word)shifted - 0x3f000000u;
    lanes_word normal = (bits + 0xfffu + (bits >> 13 & 1u) - 0x38000000u) >> 13;
    lanes_word infinite = (lanes_word){0} + 0x7c00u;
    lanes_int is_tiny = bits<0x38800000u, is_large = bits> 0x477fefffu;
    lanes_word rounded = (lanes_word)LANES_CHOOSE(is_tiny, (lanes)tiny, (lanes)normal);
    *half = sign | (lanes_word)LANES_CHOOSE(is_large, (lanes)infinite, (lanes)rounded);
    lanes_int tiny_fits = shifted - 0.5f == (lanes)bits, normal_fits = (bits & 0x1fffu) == 0u;
    *fits = ~is_large & ((is_tiny & tiny_fits) | (~is_tiny & normal_fits));
}

/* Weights that are finite on both sides. */
ALIKE_TARGET static void ALIKE(types)(const float *a, const float *b, size_t count,
                                      struct alike_types *types)
{
    lanes_int count_of[7] = {{0}};
    int32_t part[7][LANES];
    uint32_t *to[7] = {&types->counted,   &types->half_equal,     &types->a_half,
                       &types->b_half,    &types->bfloat16_equal, &types->a_bfloat16,
                       &types->b_bfloat16};
    for (size_t i = 0; i < count; i += LANES) {
        lanes x = LANES_LOAD(a + i), y = LANES_LOAD(b + i);
        lanes_word bits_x = (lanes_word)x, bits_y = (lanes_word)y, half_x, half_y;
        lanes_int fits_x, fits_y;
        lanes_int both =
            ((bits_x & 0x7f800000u) != 0x7f800000u) & ((bits_y & 0x7f800000u) != 0x7f800000u);
        ALIKE(to_half)(&x, &half_x, &fits_x);
        ALIKE(to_half)(&y, &half_y, &fits_y);
        lanes_word brain_x = (bits_x + 0x7fffu + (bits_x >> 16 & 1u)) >> 16;
        lanes_word brain_y = (bits_y + 0x7fffu + (bits_y >> 16 & 1u)) >> 16;
        count_of[0] -= both;
        count_of[1] -= both & ((half_x == half_y) | (((half_x | half_y) & 0x7fffu) == 0u));
        count_of[2] -= both & fits_x;
        count_of[3] -= both & fits_y;
        count_of[4] -= both & ((brain_x == brain_y) | (((brain_x | brain_y) & 0x7fffu) == 0u));
        count_of[5] -= both & ((bits_x & 0xffffu) == 0u);
        count_of[6] -= both & ((bits_y & 0xffffu) == 0u);
    }
    memcpy(part, count_of, sizeof part);
    for (int k = 0; k < 7; k++) {
        *to[k] = 0;
        for (int lane = 0; lane < LANES; lane++)
            *to[k] += (uint32_t)part[k][lane];
    }
}

static const struct alike_functions ALIKE(functions) = {ALIKE(f32), ALIKE(bf16), ALIKE(f16),
                                                        ALIKE(types)};
