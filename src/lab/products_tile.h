/* SPDX-License-Identifier: Apache-2.0 */
/*
 * products_tile: the inner kernel of products.c for one instruction set, included once for each.
 * Expects ACROSS and DOWN (names), TARGET, ROWS (of a tile), LANES, VECTOR, LOAD, STORE, SPREAD
 * (one element of A in all lanes), ELEMENT (of A and B), OF_B (loads a vector of B), MULTIPLIER
 * (its type), FMA (a x b + c). A tile is ROWS rows of A by two vectors
 * of columns of a panel [k][PANEL]; its sums go on from `from` and stay in registers. A lies
 * across, [ROWS][STRIDE], or down, [k][ROWS]: whichever its packing was quick for.
 */
TARGET static inline __attribute__((always_inline)) void
TILE_BODY(size_t k, const ELEMENT *a, size_t row, size_t step, const ELEMENT *b, const float *from,
          size_t step_from, float *c, size_t step_c)
{
    VECTOR sum[ROWS][2];
#pragma GCC unroll 16
    for (size_t i = 0; i < ROWS; i++) {
        sum[i][0] = LOAD(from + i * step_from);
        sum[i][1] = LOAD(from + i * step_from + LANES);
    }
    for (size_t p = 0; p < k; p++) {
        MULTIPLIER left = OF_B(b), right = OF_B(b + LANES);
#pragma GCC unroll 16
        for (size_t i = 0; i < ROWS; i++) {
            MULTIPLIER of_a = SPREAD(a[i * row]);
            sum[i][0] = FMA(of_a, left, sum[i][0]);
            sum[i][1] = FMA(of_a, right, sum[i][1]);
        }
        a += step;
        b += PANEL;
    }
#pragma GCC unroll 16
    for (size_t i = 0; i < ROWS; i++) {
        STORE(c + i * step_c, sum[i][0]);
        STORE(c + i * step_c + LANES, sum[i][1]);
    }
}

TARGET static void ACROSS(size_t k, const void *a, const void *b, const float *from,
                          size_t step_from, float *c, size_t step_c)
{
    TILE_BODY(k, a, STRIDE, 1, b, from, step_from, c, step_c);
}

TARGET static void DOWN(size_t k, const void *a, const void *b, const float *from, size_t step_from,
                        float *c, size_t step_c)
{
    TILE_BODY(k, a, 1, ROWS, b, from, step_from, c, step_c);
}

#undef ACROSS
#undef DOWN
#undef TILE_BODY
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
