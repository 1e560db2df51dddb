/* SPDX-License-Identifier: Apache-2.0 */
/*
 * products_tile: the inner kernel of products.c for one instruction set, included once for each.
 * Expects NAME (of a function: what ## _avx512, ...), TARGET, ROWS (of a tile), LANES, VECTOR,
 * LOAD, STORE, SPREAD (one element of A in all lanes), ELEMENT (of A and B), OF_B (loads a vector
 * of B), MULTIPLIER (its type), FMA (a x b + c). A tile is ROWS rows of A by two vectors of columns
 * of a panel [k][PANEL], or half of it, by one; its sums go on from `from` and stay in registers. A
 * lies across, [ROWS][STRIDE], or down, [k][ROWS]: whichever its packing was quick for.
 */
TARGET static inline __attribute__((always_inline)) void
NAME(body)(size_t vectors, size_t k, const ELEMENT *a, size_t row, size_t step, const ELEMENT *b,
           const float *from, size_t step_from, float *c, size_t step_c)
{
    VECTOR sum[ROWS][2];
#pragma GCC unroll 16
    for (size_t i = 0; i < ROWS; i++)
#pragma GCC unroll 2
        for (size_t v = 0; v < vectors; v++)
            sum[i][v] = LOAD(from + i * step_from + v * LANES);
    for (size_t p = 0; p < k; p++) {
        MULTIPLIER of_b[2];
#pragma GCC unroll 2
        for (size_t v = 0; v < vectors; v++)
            of_b[v] = OF_B(b + v * LANES);
#pragma GCC unroll 16
        for (size_t i = 0; i < ROWS; i++) {
            MULTIPLIER of_a = SPREAD(a[i * row]);
#pragma GCC unroll 2
            for (size_t v = 0; v < vectors; v++)
                sum[i][v] = FMA(of_a, of_b[v], sum[i][v]);
        }
        a += step;
        b += PANEL;
    }
#pragma GCC unroll 16
    for (size_t i = 0; i < ROWS; i++)
#pragma GCC unroll 2
        for (size_t v = 0; v < vectors; v++)
            STORE(c + i * step_c + v * LANES, sum[i][v]);
}

TARGET static void NAME(across)(size_t k, const void *a, const void *b, const float *from,
                                size_t step_from, float *c, size_t step_c)
{
    NAME(body)(2, k, a, STRIDE, 1, b, from, step_from, c, step_c);
}

TARGET static void NAME(down)(size_t k, const void *a, const void *b, const float *from,
                              size_t step_from, float *c, size_t step_c)
{
    NAME(body)(2, k, a, 1, ROWS, b, from, step_from, c, step_c);
}

TARGET static void NAME(across_half)(size_t k, const void *a, const void *b, const float *from,
                                     size_t step_from, float *c, size_t step_c)
{
    NAME(body)(1, k, a, STRIDE, 1, b, from, step_from, c, step_c);
}

TARGET static void NAME(down_half)(size_t k, const void *a, const void *b, const float *from,
                                   size_t step_from, float *c, size_t step_c)
{
    NAME(body)(1, k, a, 1, ROWS, b, from, step_from, c, step_c);
}

#undef NAME
#undef TARGET
#undef ROWS
#undef LANES
#undef VECTOR
#undef LOAD
#undef STORE
#undef SPREAD
#undef FMA
#undef ELEMENT
#undef OF_B
#undef MULTIPLIER
