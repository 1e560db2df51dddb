/* SPDX-License-Identifier: Apache-2.0 */
/* small_floats: 16-bit floating point and smaller as float32, by their bits. Exact both ways. */
#ifndef FORMATS_SMALL_FLOATS_H
#define FORMATS_SMALL_FLOATS_H

#include <math.h>
#include <stdint.h>
#include <string.h>

static inline float small_float_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline float small_float_bfloat16(uint16_t half)
{
    return small_float_bits((uint32_t)half << 16);
}

/* IEEE 754 binary16. Subnormals by a float subtraction, which is exact. */
static inline float small_float_half(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000) << 16, rest = half & 0x7fff;
    if (rest >= 0x7c00)
        return small_float_bits(sign | 0x7f800000u | (rest & 0x3ff) << 13);
    if (rest < 0x400) {
        float tiny = small_float_bits(0x3f000000u | rest) - 0.5f; /* rest * 2^-24 */
        uint32_t bits;
        memcpy(&bits, &tiny, sizeof bits);
        return small_float_bits(sign | bits);
    }
    return small_float_bits(sign | (rest + 0x1c000) << 13);
}

/* OCP 8-bit E4M3: bias 7, no infinities, S.1111.111 is NaN. */
static inline float small_float_e4m3(uint8_t byte)
{
    uint32_t sign = (uint32_t)(byte & 0x80) << 24, rest = byte & 0x7f;
    if (rest == 0x7f)
        return small_float_bits(sign | 0x7fc00000u);
    if (rest < 8)
        return (sign ? -1.0f : 1.0f) * (float)rest * 0x1p-9f;
    return small_float_bits(sign | (rest + (120 << 3)) << 20);
}

/* AMD's forms of 8 bits: bias 8 or 16, one zero, 0x80 is NaN, no infinities. */
static inline float small_float_fnuz(uint8_t byte, int mantissa_bits, int bias)
{
    int exponent = (byte & 0x7f) >> mantissa_bits, mantissa = byte & ((1 << mantissa_bits) - 1);
    if (byte == 0x80)
        return small_float_bits(0x7fc00000u);
    float value =
        exponent ? ldexpf((float)(mantissa | 1 << mantissa_bits), exponent - bias - mantissa_bits)
                 : ldexpf((float)mantissa, 1 - bias - mantissa_bits);
    return byte & 0x80 ? -value : value;
}

/* OCP E8M0: a power of two, 0xff is NaN. */
static inline float small_float_e8m0(uint8_t byte)
{
    return byte == 0xff ? small_float_bits(0x7fc00000u) : ldexpf(1, byte - 127);
}

/* OCP forms of 4 and 6 bits: sign, exponent, mantissa; neither infinities nor NaN. */
static inline float small_float_tiny(unsigned bits, int exponent_bits, int mantissa_bits)
{
    int bias = (1 << (exponent_bits - 1)) - 1;
    int mantissa = (int)(bits & ((1u << mantissa_bits) - 1));
    int exponent = (int)(bits >> mantissa_bits & ((1u << exponent_bits) - 1));
    float value =
        exponent ? ldexpf((float)(mantissa | 1 << mantissa_bits), exponent - bias - mantissa_bits)
                 : ldexpf((float)mantissa, 1 - bias - mantissa_bits);
    return bits >> (exponent_bits + mantissa_bits) & 1 ? -value : value;
}

/* To binary16, ties to even; too large becomes infinite. */
static inline uint16_t small_float_to_half(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
    bits &= 0x7fffffff;
    if (bits > 0x7f800000)
        return (uint16_t)(sign | 0x7e00);
    if (bits >= 0x477ff000)
        return (uint16_t)(sign | 0x7c00);
    if (bits < 0x38800000) { /* subnormal: adding 0.5 leaves round(value * 2^24) in the low bits */
        float shifted = small_float_bits(bits) + 0.5f;
        memcpy(&bits, &shifted, sizeof bits);
        return (uint16_t)(sign | (bits - 0x3f000000));
    }
    bits += 0xfff + (bits >> 13 & 1);
    return (uint16_t)(sign | (bits - 0x38000000) >> 13);
}

/* To bfloat16, ties to even. */
static inline uint16_t small_float_to_bfloat16(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    if ((bits & 0x7fffffff) > 0x7f800000)
        return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

#endif
