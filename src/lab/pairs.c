/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/pairs.h"

#include "lab/maths.h"

#include <stdbool.h>
#include <string.h>

/* The low half is 0. */
LAB_INLINE uint32_t rounded(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    uint32_t size = bits & 0x7fffffffu;
    uint32_t nearest = (bits + 0x7fffu + ((bits >> 16) & 1u)) & 0xffff0000u;
    return size < 0x00800000u   ? bits & 0x80000000u
           : size > 0x7f800000u ? (bits | 0x00400000u) & 0xffff0000u
                                : nearest;
}

LAB_CLONES static void strips_plain(size_t k, size_t n, size_t width, const float *from,
                                    size_t step, uint32_t *to, size_t strip)
{
    for (size_t p = 0; p < k; p += 2, to += width)
        for (size_t at = 0; at < n; at += width) {
            const float *first = from + p * step + at, *second = first + step;
            uint32_t *out = to + at / width * strip;
            size_t wide = n - at < width ? n - at : width;
            for (size_t i = 0; i < wide; i++)
                out[i] = rounded(p + 1 < k ? second[i] : 0) | rounded(first[i]) >> 16;
            for (size_t i = wide; i < width; i++)
                out[i] = 0;
        }
}

LAB_CLONES static void along_plain(size_t rows, size_t n, const float *from, size_t step,
                                   uint32_t *to, size_t row)
{
    for (size_t r = 0; r < rows; r++, from += step, to += row) {
        for (size_t i = 0; i < n / 2; i++)
            to[i] = rounded(from[2 * i + 1]) | rounded(from[2 * i]) >> 16;
        if (n % 2)
            to[n / 2] = rounded(from[n - 1]) >> 16;
    }
}

void lab_pair_strips_plain(size_t k, size_t n, size_t width, const float *from, size_t step,
                           uint32_t *to, size_t strip)
{
    strips_plain(k, n, width, from, step, to, strip);
}

void lab_pair_along_plain(size_t rows, size_t n, const float *from, size_t step, uint32_t *to,
                          size_t row)
{
    along_plain(rows, n, from, step, to, row);
}

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

#define WIDE __attribute__((target("avx512f,avx512bw,avx512bf16")))

static bool has_conversion(void)
{
    return __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512bw");
}

#define ALONG_AHEAD 3 /* rows that are asked for before it is their turn: they come from far */
#define DOWN_AHEAD 16
#define INLINE_WIDE WIDE static inline __attribute__((always_inline))

/* Lanes of 16 that are among n - at. */
INLINE_WIDE __mmask16 among(size_t n, size_t at)
{
    return at >= n ? 0 : n - at < 16 ? (__mmask16)((1u << (n - at)) - 1) : 0xffff;
}

/* `width` words from two rows, of which n numbers exist: both are rounded, and then their halves
 * alternate. */
INLINE_WIDE void two_rows(size_t n, size_t width, const float *first, const float *second,
                          bool both, __m512i order, uint32_t *to)
{
    for (size_t i = 0; i < width; i += 16) {
        __mmask16 lanes = among(n, i);
        __m512 low = _mm512_maskz_loadu_ps(lanes, first + i);
        __m512 high = _mm512_maskz_loadu_ps(both ? lanes : 0, second + i);
        __m512i words = (__m512i)_mm512_cvtne2ps_pbh(high, low);
        _mm512_mask_storeu_epi32(to + i, among(width, i), _mm512_permutexvar_epi16(order, words));
    }
}

INLINE_WIDE void strips(size_t k, size_t n, size_t width, const float *from, size_t step,
                        uint32_t *to, size_t strip)
{
    uint16_t words[32];
    for (uint16_t i = 0; i < 32; i++)
        words[i] = (uint16_t)(i / 2 + i % 2 * 16);
    __m512i order = _mm512_loadu_si512(words);
    size_t whole = n / width * width;
    for (size_t p = 0; p < k; p += 2, from += 2 * step, to += width) {
        const float *second = p + 1 < k ? from + step : from;
        const float *ahead = p + DOWN_AHEAD < k ? from + DOWN_AHEAD * step : from;
        uint32_t *out = to;
        for (size_t i = 0; i < whole; i += width, out += strip) {
            for (size_t j = 0; j < width; j += 16) {
                lab_ask(ahead + i + j);
                lab_ask(ahead + (second - from) + i + j);
            }
            two_rows(width, width, from + i, second + i, p + 1 < k, order, out);
        }
        if (whole < n)
            two_rows(n - whole, width, from + whole, second + whole, p + 1 < k, order, out);
    }
}

/* Of two widths that the compiler knows, and of any. */
WIDE static void strips_wide(size_t k, size_t n, size_t width, const float *from, size_t step,
                             uint32_t *to, size_t strip)
{
    if (width == 14)
        strips(k, n, 14, from, step, to, strip);
    else if (width == 32)
        strips(k, n, 32, from, step, to, strip);
    else
        strips(k, n, width, from, step, to, strip);
}

INLINE_WIDE void one_row(size_t n, const float *from, const float *ahead, uint32_t *to)
{
    size_t i = 0;
    for (; i + 32 <= n; i += 32) {
        __m512 low = _mm512_loadu_ps(from + i), high = _mm512_loadu_ps(from + i + 16);
        lab_ask(ahead + i);
        lab_ask(ahead + i + 16);
        _mm512_storeu_si512(to + i / 2, (__m512i)_mm512_cvtne2ps_pbh(high, low));
    }
    if (i < n) {
        __m512 low = _mm512_maskz_loadu_ps(among(n, i), from + i);
        __m512 high = _mm512_maskz_loadu_ps(among(n, i + 16), from + i + 16);
        _mm512_mask_storeu_epi32(to + i / 2, among((n - i + 1) / 2, 0),
                                 (__m512i)_mm512_cvtne2ps_pbh(high, low));
    }
}

WIDE static void along_wide(size_t rows, size_t n, const float *from, size_t step, uint32_t *to,
                            size_t row)
{
    for (size_t r = 0; r < rows; r++, from += step, to += row)
        one_row(n, from, r + ALONG_AHEAD < rows ? from + ALONG_AHEAD * step : from, to);
}

void lab_pair_strips(size_t k, size_t n, size_t width, const float *from, size_t step, uint32_t *to,
                     size_t strip)
{
    if (has_conversion())
        strips_wide(k, n, width, from, step, to, strip);
    else
        strips_plain(k, n, width, from, step, to, strip);
}

void lab_pair_along(size_t rows, size_t n, const float *from, size_t step, uint32_t *to, size_t row)
{
    if (has_conversion())
        along_wide(rows, n, from, step, to, row);
    else
        along_plain(rows, n, from, step, to, row);
}
#else
void lab_pair_strips(size_t k, size_t n, size_t width, const float *from, size_t step, uint32_t *to,
                     size_t strip)
{
    strips_plain(k, n, width, from, step, to, strip);
}

void lab_pair_along(size_t rows, size_t n, const float *from, size_t step, uint32_t *to, size_t row)
{
    along_plain(rows, n, from, step, to, row);
}
#endif
