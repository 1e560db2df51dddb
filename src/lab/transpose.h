/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transpose: words of 32 bits, whatever they mean, four by four in registers that every x86-64 has.
 * Pure.
 */
#ifndef LAB_TRANSPOSE_H
#define LAB_TRANSPOSE_H

#include <stddef.h>
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/* to[c][r] = from[r][c], of `rows` rows of `columns` words; rows of `from` are `step` words apart,
 * those of `to` `row`. The two do not overlap. */
static inline void lab_transpose(size_t rows, size_t columns, const void *from, size_t step,
                                 void *to, size_t row)
{
    const char *a = from;
    char *b = to;
    size_t whole = 0; /* rows that went four at a time, but for the last columns */
#if defined(__SSE2__)
    for (; whole + 4 <= rows; whole += 4)
        for (size_t c = 0; c + 4 <= columns; c += 4) {
            const char *at = a + 4 * (whole * step + c);
            char *out = b + 4 * (c * row + whole);
            __m128 w0 = _mm_loadu_ps((const float *)(const void *)at);
            __m128 w1 = _mm_loadu_ps((const float *)(const void *)(at + 4 * step));
            __m128 w2 = _mm_loadu_ps((const float *)(const void *)(at + 8 * step));
            __m128 w3 = _mm_loadu_ps((const float *)(const void *)(at + 12 * step));
            _MM_TRANSPOSE4_PS(w0, w1, w2, w3);
            _mm_storeu_ps((float *)(void *)out, w0);
            _mm_storeu_ps((float *)(void *)(out + 4 * row), w1);
            _mm_storeu_ps((float *)(void *)(out + 8 * row), w2);
            _mm_storeu_ps((float *)(void *)(out + 12 * row), w3);
        }
#endif
    for (size_t r = 0; r < rows; r++)
        for (size_t c = r < whole ? columns / 4 * 4 : 0; c < columns; c++)
            memcpy(b + 4 * (c * row + r), a + 4 * (r * step + c), 4);
}

#endif
