/* SPDX-License-Identifier: Apache-2.0 */
/*
 * maths: float32 functions that give the same bits on every processor and that compilers
 * vectorise: an exponential, and sums over LAB_LANES lanes, folded in a fixed order. Pure.
 */
#ifndef LAB_MATHS_H
#define LAB_MATHS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define LAB_LANES 16

/* A function compiled for several processors, chosen when the program starts. Elements are
 * independent and no sum is reordered, so that the variants give the same bits. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && defined(__gnu_linux__)
#define LAB_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define LAB_CLONES
#endif
#define LAB_INLINE static inline __attribute__((always_inline))

/* Asks for what will be read soon. */
LAB_INLINE void lab_ask(const void *at)
{
#if defined(__GNUC__)
    __builtin_prefetch(at);
#else
    (void)at;
#endif
}

/* e^x to 2 units in the last place; below -87 it is 0, above 88 that of 88. By 2^n times a
 * polynomial on [-ln 2 / 2, ln 2 / 2] (its coefficients: Taylor's, which suffice there). */
LAB_INLINE float lab_exp(float x)
{
    float in = x < -87.0f ? -87.0f : x;
    in = in > 88.0f ? 88.0f : in;
    float turns = in * 1.44269504f + 12582912.0f; /* 1.5 x 2^23: rounds to a whole number */
    float n = turns - 12582912.0f;
    float r = (in - n * 0.693359375f) - n * -2.12194440e-4f; /* ln 2 in two parts (Cody, Waite) */
    float p = 1.9841270e-4f;
    p = p * r + 1.3888889e-3f;
    p = p * r + 8.3333333e-3f;
    p = p * r + 4.1666667e-2f;
    p = p * r + 1.6666667e-1f;
    p = p * r + 0.5f;
    p = p * r * r + r + 1.0f;
    uint32_t bits;
    memcpy(&bits, &turns, sizeof bits);
    bits = (bits + 127u) << 23; /* the low bits of `turns` are n */
    float scale;
    memcpy(&scale, &bits, sizeof scale);
    return x < -87.0f ? 0.0f : p * scale;
}

LAB_INLINE float lab_sigmoid(float x)
{
    return 1 / (1 + lab_exp(-x));
}

/* Folds lanes in halves. */
LAB_INLINE float lab_fold(const float lanes[LAB_LANES])
{
    float half[LAB_LANES / 2];
    for (size_t i = 0; i < 8; i++)
        half[i] = lanes[i] + lanes[i + 8];
    for (size_t i = 0; i < 4; i++)
        half[i] += half[i + 4];
    return (half[0] + half[2]) + (half[1] + half[3]);
}

LAB_INLINE float lab_dot(const float *a, const float *b, size_t n)
{
    float lanes[LAB_LANES] = {0};
    size_t i = 0;
    for (; i + LAB_LANES <= n; i += LAB_LANES)
        for (size_t l = 0; l < LAB_LANES; l++)
            lanes[l] += a[i + l] * b[i + l];
    for (size_t l = 0; i + l < n; l++)
        lanes[l] += a[i + l] * b[i + l];
    return lab_fold(lanes);
}

/* Bits of floats in the order of their values, as whole numbers, whose greatest compilers find with
 * vectors; its own inverse. */
LAB_INLINE int32_t lab_ordered(int32_t bits)
{
    return bits ^ ((bits >> 31) & 0x7fffffff);
}

/* The greatest of n, 1 or more. */
LAB_INLINE float lab_most(const float *x, size_t n)
{
    int32_t most = INT32_MIN;
    for (size_t i = 0; i < n; i++) {
        int32_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        bits = lab_ordered(bits);
        most = bits > most ? bits : most;
    }
    float greatest;
    most = lab_ordered(most);
    memcpy(&greatest, &most, sizeof greatest);
    return greatest;
}

/* x becomes e^((x - most) * by); returns the sum. */
LAB_INLINE float lab_exp_all(float *x, size_t n, float most, float by)
{
    float lanes[LAB_LANES] = {0};
    size_t i = 0;
    for (; i + LAB_LANES <= n; i += LAB_LANES)
        for (size_t l = 0; l < LAB_LANES; l++)
            lanes[l] += x[i + l] = lab_exp((x[i + l] - most) * by);
    for (size_t l = 0; i + l < n; l++)
        lanes[l] += x[i + l] = lab_exp((x[i + l] - most) * by);
    return lab_fold(lanes);
}

#endif
