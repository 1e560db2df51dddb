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

LAB_CLONES static void rows_plain(size_t k, size_t n, const float *from, size_t step, size_t row,
                                  uint32_t *to)
{
    for (size_t p = 0; p + 1 < k; p += 2, to += row) {
        const float *first = from + p * step, *second = first + step;
        for (size_t i = 0; i < n; i++)
            to[i] = rounded(second[i]) | rounded(first[i]) >> 16;
    }
    for (size_t i = 0; k % 2 && i < n; i++)
        to[i] = rounded(from[(k - 1) * step + i]) >> 16;
}

LAB_CLONES static void along_plain(size_t n, const float *from, uint32_t *to)
{
    for (size_t i = 0; i < n / 2; i++)
        to[i] = rounded(from[2 * i + 1]) | rounded(from[2 * i]) >> 16;
    if (n % 2)
        to[n / 2] = rounded(from[n - 1]) >> 16;
}

void lab_pair_rows_plain(size_t k, size_t n, const float *from, size_t step, size_t row,
                         uint32_t *to)
{
    rows_plain(k, n, from, step, row, to);
}

void lab_pair_along_plain(size_t n, const float *from, uint32_t *to)
{
    along_plain(n, from, to);
}

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

#define WIDE __attribute__((target("avx512f,avx512bw,avx512bf16")))

static bool has_conversion(void)
{
    return __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512bw");
}

/* Lanes of 16 that are among n. */
static inline uint16_t among(size_t n)
{
    return n < 16 ? (uint16_t)((1u << n) - 1) : 0xffff;
}

/* One row of words from two of numbers: both are rounded, and then their halves alternate. */
WIDE static inline void two_rows(size_t n, const float *first, const float *second, __m512i order,
                                 uint32_t *to)
{
    for (size_t i = 0; i < n; i += 16) {
        __mmask16 lanes = among(n - i);
        __m512 low = _mm512_maskz_loadu_ps(lanes, first + i);
        __m512 high = second ? _mm512_maskz_loadu_ps(lanes, second + i) : _mm512_setzero_ps();
        __m512i both = (__m512i)_mm512_cvtne2ps_pbh(high, low);
        _mm512_mask_storeu_epi32(to + i, lanes, _mm512_permutexvar_epi16(order, both));
    }
}

WIDE static void rows_wide(size_t k, size_t n, const float *from, size_t step, size_t row,
                           uint32_t *to)
{
    uint16_t words[32];
    for (uint16_t i = 0; i < 32; i++)
        words[i] = (uint16_t)(i / 2 + i % 2 * 16);
    __m512i order = _mm512_loadu_si512(words);
    size_t p = 0;
    for (; p + 1 < k; p += 2, to += row)
        two_rows(n, from + p * step, from + (p + 1) * step, order, to);
    if (p < k)
        two_rows(n, from + p * step, NULL, order, to);
}

WIDE static void along_wide(size_t n, const float *from, uint32_t *to)
{
    for (size_t i = 0; i < n; i += 32) {
        size_t left = n - i;
        __m512 low = _mm512_maskz_loadu_ps(among(left), from + i);
        __m512 high = left > 16 ? _mm512_maskz_loadu_ps(among(left - 16), from + i + 16)
                                : _mm512_setzero_ps();
        __m512i both = (__m512i)_mm512_cvtne2ps_pbh(high, low);
        _mm512_mask_storeu_epi32(to + i / 2, among((left + 1) / 2), both);
    }
}

void lab_pair_rows(size_t k, size_t n, const float *from, size_t step, size_t row, uint32_t *to)
{
    if (has_conversion())
        rows_wide(k, n, from, step, row, to);
    else
        rows_plain(k, n, from, step, row, to);
}

void lab_pair_along(size_t n, const float *from, uint32_t *to)
{
    if (has_conversion())
        along_wide(n, from, to);
    else
        along_plain(n, from, to);
}
#else
void lab_pair_rows(size_t k, size_t n, const float *from, size_t step, size_t row, uint32_t *to)
{
    rows_plain(k, n, from, step, row, to);
}

void lab_pair_along(size_t n, const float *from, uint32_t *to)
{
    along_plain(n, from, to);
}
#endif
