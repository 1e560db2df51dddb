/* SPDX-License-Identifier: Apache-2.0 */
/* Built by dots.c for each width of register, with DOTS its attributes and name. */
DOTS(const float *a, size_t stride, const float *b, size_t width, float product[4])
{
    lanes sum[4] = {{0}};
    for (size_t at = 0; at < width; at += LANES)
#pragma GCC unroll 4
        for (size_t row = 0; row < 4; row++)
            sum[row] += LANES_LOAD(a + row * stride + at) * LANES_LOAD(b + at);
    for (int row = 0; row < 4; row++)
        product[row] = lanes_sum(&sum[row]);
}
