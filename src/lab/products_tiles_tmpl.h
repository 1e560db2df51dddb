/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel for matrix tiles, written once: products_tiles.c includes it with the processor's
 * instructions, the tests with a model of them in plain C. The includer defines
 *     TILE_FUNCTION              the function's attributes and name
 *     TILE_LOAD(t, from, step)   16 rows of 64 bytes, `step` bytes apart, into register t
 *     TILE_MULTIPLY(to, a, b)    TDPBF16PS
 *     TILE_STORE(t, to, step)    register t to memory
 * with register numbers as literals. Four registers hold sums, two of A and two of B meet.
 */
TILE_FUNCTION(size_t k, const void *of_a, const void *of_b, const float *from, size_t step_from,
              float *c, size_t step_c)
{
    const uint32_t *a = of_a, *b = of_b;
    const size_t row = LAB_TILE_STRIDE * sizeof *a, deep = LAB_PANEL * sizeof *b;
    const size_t step = step_c * sizeof *c, before = step_from * sizeof *from;
    TILE_LOAD(0, from, before);
    TILE_LOAD(1, from + 16, before);
    TILE_LOAD(2, from + 16 * step_from, before);
    TILE_LOAD(3, from + 16 * step_from + 16, before);
    for (size_t p = 0; p < k; p += LAB_TILE_PAIRS) {
        TILE_LOAD(4, a + p, row);
        TILE_LOAD(6, b + p * LAB_PANEL, deep);
        TILE_LOAD(7, b + p * LAB_PANEL + 16, deep);
        TILE_LOAD(5, a + 16 * LAB_TILE_STRIDE + p, row);
        TILE_MULTIPLY(0, 4, 6);
        TILE_MULTIPLY(1, 4, 7);
        TILE_MULTIPLY(2, 5, 6);
        TILE_MULTIPLY(3, 5, 7);
    }
    TILE_STORE(0, c, step);
    TILE_STORE(1, c + 16, step);
    TILE_STORE(2, c + 16 * step_c, step);
    TILE_STORE(3, c + 16 * step_c + 16, step);
}
#undef TILE_FUNCTION
#undef TILE_LOAD
#undef TILE_MULTIPLY
#undef TILE_STORE
