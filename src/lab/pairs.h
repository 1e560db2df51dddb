/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pairs: numbers rounded to bfloat16, two in a word, the first of them low. In: floats. Out: words.
 * Pure; the same bits on every processor: to the nearest, ties to even, what is denormal is 0 with
 * its sign, and what is no number stays none (VCVTNE2PS2BF16, Intel's manual, volume 2).
 */
#ifndef LAB_PAIRS_H
#define LAB_PAIRS_H

#include <float.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* k rows of n numbers each, `step` apart, two rows in one row of words (the last of an odd k with
 * 0), cut up into strips of `width` columns, each [(k + 1) / 2][width], `strip` words apart; the
 * missing columns of the last are 0. */
void lab_pair_strips(size_t k, size_t n, size_t width, const float *from, size_t step, uint32_t *to,
                     size_t strip);

/* `rows` rows of n numbers, `step` apart, each two by two into words (the last of an odd n with 0);
 * rows of words are `row` apart. */
void lab_pair_along(size_t rows, size_t n, const float *from, size_t step, uint32_t *to,
                    size_t row);

/* The same in plain C, the definition. */
void lab_pair_strips_plain(size_t k, size_t n, size_t width, const float *from, size_t step,
                           uint32_t *to, size_t strip);
void lab_pair_along_plain(size_t rows, size_t n, const float *from, size_t step, uint32_t *to,
                          size_t row);

/* What is denormal is 0, with its sign, as instructions on pairs take it. */
static inline float lab_pair_flushed(float x)
{
    return fabsf(x) < FLT_MIN ? copysignf(0, x) : x;
}

/* The second number of a pair; of pair << 16, the first. */
static inline float lab_pair_high(uint32_t pair)
{
    float x;
    pair &= 0xffff0000u;
    memcpy(&x, &pair, sizeof x);
    return lab_pair_flushed(x);
}

#endif
