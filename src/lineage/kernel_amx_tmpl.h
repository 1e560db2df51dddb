/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel for matrix tiles, written once: kernel_amx.c includes it with the processor's
 * instructions, the tests with a model of them in plain C. The includer defines
 *     TILE_FUNCTION              the function's attributes and name
 *     TILE_ZERO(t)               register t of 16 rows of 64 bytes becomes 0
 *     TILE_LOAD(t, from)         16 rows of 64 bytes from memory, one after another
 *     TILE_MULTIPLY(to, a, b)    to[i][j] += sum over x, y of a[i][4 x + y] * b[x][4 j + y],
 *                                bytes signed, to as 16 x 16 words of 32 bits (tdpbssd)
 *     TILE_STORE(t, to)          register t to memory
 * with register numbers as literals. Four left panels share each tile of the right side.
 */
TILE_FUNCTION(const struct kernel_left *left, const int8_t *right,
              int32_t product[][KERNEL_UNITS][KERNEL_UNITS])
{
    size_t stride = left->tiles * KERNEL_TILE;
    TILE_ZERO(0);
    TILE_ZERO(1);
    TILE_ZERO(2);
    TILE_ZERO(3);
    for (size_t tile = 0; tile < left->tiles; tile++) {
        const int8_t *a = left->rows + tile * KERNEL_TILE;
        TILE_LOAD(4, right + tile * KERNEL_TILE);
        TILE_LOAD(5, a);
        TILE_MULTIPLY(0, 5, 4);
        if (left->panels > 1) {
            TILE_LOAD(6, a + stride);
            TILE_MULTIPLY(1, 6, 4);
        }
        if (left->panels > 2) {
            TILE_LOAD(5, a + 2 * stride);
            TILE_MULTIPLY(2, 5, 4);
        }
        if (left->panels > 3) {
            TILE_LOAD(6, a + 3 * stride);
            TILE_MULTIPLY(3, 6, 4);
        }
    }
    TILE_STORE(0, product[0]);
    if (left->panels > 1)
        TILE_STORE(1, product[1]);
    if (left->panels > 2)
        TILE_STORE(2, product[2]);
    if (left->panels > 3)
        TILE_STORE(3, product[3]);
}
