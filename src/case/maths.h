/* SPDX-License-Identifier: Apache-2.0 */
/*
 * maths: an exponential and a logarithm of doubles that compilers vectorise and that give the
 * same bits on every processor. Pure; no sum is reordered and nothing is contracted.
 */
#ifndef CASE_MATHS_H
#define CASE_MATHS_H

#include <stdint.h>
#include <string.h>

/* A function compiled for several processors, chosen when the program starts. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && defined(__gnu_linux__)
#define CASE_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define CASE_CLONES
#endif
#define CASE_INLINE static inline __attribute__((always_inline))

/* e^x for x <= 0, to 2 units in the last place; 0 below -700. By 2^n times Taylor's polynomial on
 * [-ln 2 / 2, ln 2 / 2]; ln 2 in two parts (Cody and Waite, 1980). */
CASE_INLINE double maths_exp(double x)
{
    double in = x < -700 ? -700 : x;
    double turns = in * 1.4426950408889634 + 6755399441055744.0; /* 1.5 x 2^52: rounds */
    double n = turns - 6755399441055744.0;
    double r = (in - n * 0.693147180369123816490) - n * 1.90821492927058770002e-10;
    double p = 1.0 / 6227020800;
    p = p * r + 1.0 / 479001600;
    p = p * r + 1.0 / 39916800;
    p = p * r + 1.0 / 3628800;
    p = p * r + 1.0 / 362880;
    p = p * r + 1.0 / 40320;
    p = p * r + 1.0 / 5040;
    p = p * r + 1.0 / 720;
    p = p * r + 1.0 / 120;
    p = p * r + 1.0 / 24;
    p = p * r + 1.0 / 6;
    p = p * r + 0.5;
    p = p * r * r + r + 1;
    uint64_t bits;
    memcpy(&bits, &turns, sizeof bits);
    bits = (bits + 1023) << 52; /* the low bits of `turns` are n */
    double scale;
    memcpy(&scale, &bits, sizeof scale);
    return x < -700 ? 0 : p * scale;
}

/* ln y for a normal y > 0, to 2 units in the last place. y = 2^e m with m from 1/sqrt 2 to
 * sqrt 2, and ln m = 2 artanh((m - 1) / (m + 1)) by its series. */
CASE_INLINE double maths_log(double y)
{
    uint64_t bits, biased;
    memcpy(&bits, &y, sizeof bits);
    biased = (bits + (0x3FF0000000000000u - 0x3FE6A09E667F3BCDu)) >> 52; /* e + 1023 */
    bits -= (biased << 52) - ((uint64_t)1023 << 52);
    biased |= 0x4330000000000000u; /* as a double: 2^52 + e + 1023 */
    double m, e;
    memcpy(&m, &bits, sizeof m);
    memcpy(&e, &biased, sizeof e);
    e -= 4503599627370496.0 + 1023;
    double s = (m - 1) / (m + 1), q = s * s, p = 1.0 / 21;
    p = p * q + 1.0 / 19;
    p = p * q + 1.0 / 17;
    p = p * q + 1.0 / 15;
    p = p * q + 1.0 / 13;
    p = p * q + 1.0 / 11;
    p = p * q + 1.0 / 9;
    p = p * q + 1.0 / 7;
    p = p * q + 1.0 / 5;
    p = p * q + 1.0 / 3;
    p = p * q + 1;
    return e * 0.693147180369123816490 + (2 * s * p + e * 1.90821492927058770002e-10);
}

#endif
