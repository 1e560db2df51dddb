/* SPDX-License-Identifier: Apache-2.0 */
/*
 * products_tile: the inner kernel of products.c for one instruction set, included once for each.
 * Expects NAME, TARGET, ROWS (of a tile), LANES, VECTOR, LOAD, STORE, SPREAD (one number in all
 * lanes), FMA (a x b + c, rounded once). A tile is ROWS rows of A, packed [k][ROWS], by two vectors
 * of columns of a panel [k][PANEL]; its sums stay in registers.
 */
TARGET static void NAME(size_t k, const float *a, const float *b, float *c, size_t step_c)
{
    VECTOR sum[ROWS][2];
#pragma GCC unroll 16
    for (int i = 0; i < ROWS; i++) {
        sum[i][0] = LOAD(c + (size_t)i * step_c);
        sum[i][1] = LOAD(c + (size_t)i * step_c + LANES);
    }
    for (size_t p = 0; p < k; p++) {
        VECTOR left = LOAD(b), right = LOAD(b + LANES);
#pragma GCC unroll 16
        for (int i = 0; i < ROWS; i++) {
            VECTOR of_a = SPREAD(a[i]);
            sum[i][0] = FMA(of_a, left, sum[i][0]);
            sum[i][1] = FMA(of_a, right, sum[i][1]);
        }
        a += ROWS;
        b += PANEL;
    }
#pragma GCC unroll 16
    for (int i = 0; i < ROWS; i++) {
        STORE(c + (size_t)i * step_c, sum[i][0]);
        STORE(c + (size_t)i * step_c + LANES, sum[i][1]);
    }
}
