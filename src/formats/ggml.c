/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ggml's block types as float32. A block of 32 has one scale; a super-block of 256 has a scale
 * for the small scales of its parts. Layouts as published with ggml (ggml-common.h, version of
 * 2025); each function below states its own.
 */
#include "formats/checkpoint.h"
#include "formats/small_floats.h"

static float half_at(const unsigned char *at)
{
    return small_float_half((uint16_t)(at[0] | at[1] << 8));
}

static int signed_byte(unsigned char byte)
{
    return byte < 128 ? byte : byte - 256;
}

/* ---- blocks of 32 ---------------------------------------------------------------------------- */

/* d:f16, 16 bytes of two nibbles: element i low, element i+16 high; value d (q - 8). */
static void q4_0(const unsigned char *restrict b, float *restrict y)
{
    float d = half_at(b);
    for (int i = 0; i < 16; i++) {
        y[i] = d * (float)((b[2 + i] & 15) - 8);
        y[i + 16] = d * (float)((b[2 + i] >> 4) - 8);
    }
}

/* d:f16, m:f16, 16 bytes of nibbles; value d q + m. */
static void q4_1(const unsigned char *restrict b, float *restrict y)
{
    float d = half_at(b), m = half_at(b + 2);
    for (int i = 0; i < 16; i++) {
        y[i] = d * (float)(b[4 + i] & 15) + m;
        y[i + 16] = d * (float)(b[4 + i] >> 4) + m;
    }
}

/* The fifth bits of 32 elements, element i in bit i of a little-endian word. */
static int fifth_bit(const unsigned char *word, int i)
{
    return (word[i / 8] >> (i % 8) & 1) << 4;
}

/* d:f16, 4 bytes of fifth bits, 16 bytes of nibbles; value d (q - 16). */
static void q5_0(const unsigned char *b, float *y)
{
    float d = half_at(b);
    for (int i = 0; i < 16; i++) {
        y[i] = d * (float)(((b[6 + i] & 15) | fifth_bit(b + 2, i)) - 16);
        y[i + 16] = d * (float)(((b[6 + i] >> 4) | fifth_bit(b + 2, i + 16)) - 16);
    }
}

/* d:f16, m:f16, fifth bits, nibbles; value d q + m. */
static void q5_1(const unsigned char *b, float *y)
{
    float d = half_at(b), m = half_at(b + 2);
    for (int i = 0; i < 16; i++) {
        y[i] = d * (float)((b[8 + i] & 15) | fifth_bit(b + 4, i)) + m;
        y[i + 16] = d * (float)((b[8 + i] >> 4) | fifth_bit(b + 4, i + 16)) + m;
    }
}

/* d:f16, 32 signed bytes. */
static void q8_0(const unsigned char *restrict b, float *restrict y)
{
    float d = half_at(b);
    for (int i = 0; i < 32; i++)
        y[i] = d * (float)signed_byte(b[2 + i]);
}

static const signed char nonlinear[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                          1,    13,   25,  38,  53,  69,  89,  113};

/* d:f16, nibbles that choose from a fixed table. */
static void iq4_nl(const unsigned char *b, float *y)
{
    float d = half_at(b);
    for (int i = 0; i < 16; i++) {
        y[i] = d * (float)nonlinear[b[2 + i] & 15];
        y[i + 16] = d * (float)nonlinear[b[2 + i] >> 4];
    }
}

/* An 8-bit power of two (E8M0, bias 127), nibbles of E2M1. The table is doubled, the scale halved.
 */
static void mxfp4(const unsigned char *b, float *y)
{
    static const signed char doubled[16] = {0, 1,  2,  3,  4,  6,  8,  12,
                                            0, -1, -2, -3, -4, -6, -8, -12};
    float d = b[0] < 2 ? small_float_bits(0x00200000u << b[0])
                       : small_float_bits((uint32_t)(b[0] - 1) << 23);
    for (int i = 0; i < 16; i++) {
        y[i] = d * (float)doubled[b[1 + i] & 15];
        y[i + 16] = d * (float)doubled[b[1 + i] >> 4];
    }
}

/* ---- super-blocks of 256 ----------------------------------------------------------------------
 */

/*
 * 16 bytes: scale (low nibble) and minimum (high) of each 16; 64 bytes of 2-bit quants, of which
 * the 4 planes of a 32-byte run are 4 consecutive 32s; d:f16, dmin:f16. Value d s q - dmin m.
 */
static void q2_k(const unsigned char *restrict b, float *restrict y)
{
    float d = half_at(b + 80), minimum = half_at(b + 82);
    for (int part = 0; part < 16; part++) {
        const unsigned char *from = b + 16 + 32 * (part / 8) + 16 * (part % 2);
        float scale = d * (float)(b[part] & 15), least = minimum * (float)(b[part] >> 4);
        for (int i = 0, shift = part / 2 % 4 * 2; i < 16; i++)
            y[16 * part + i] = scale * (float)(from[i] >> shift & 3) - least;
    }
}

/*
 * 32 bytes of third bits (bit g of byte i: element 32 g + i), 64 bytes of 2-bit quants as above,
 * 12 bytes of sixteen 6-bit scales, d:f16. Value d (s - 32) (q - 4 unless the third bit is set).
 */
static void q3_k(const unsigned char *restrict b, float *restrict y)
{
    const unsigned char *s = b + 96;
    float d = half_at(b + 108);
    for (int part = 0; part < 16; part++) {
        const unsigned char *from = b + 32 + 32 * (part / 8) + 16 * (part % 2);
        const unsigned char *third = b + 16 * (part % 2);
        int low = part < 8 ? s[part] & 15 : s[part - 8] >> 4;
        int high = s[8 + part % 4] >> (2 * (part / 4)) & 3;
        float scale = d * (float)((low | high << 4) - 32);
        for (int i = 0, shift = part / 2 % 4 * 2; i < 16; i++)
            y[16 * part + i] =
                scale * (float)((from[i] >> shift & 3) + (third[i] >> (part / 2) & 1) * 4 - 4);
    }
}

/* Eight 6-bit scales and eight 6-bit minima in 12 bytes. */
static void scale_and_minimum(const unsigned char *s, int part, int *scale, int *minimum)
{
    if (part < 4) {
        *scale = s[part] & 63;
        *minimum = s[part + 4] & 63;
    } else {
        *scale = (s[part + 4] & 15) | s[part - 4] >> 6 << 4;
        *minimum = s[part + 4] >> 4 | s[part] >> 6 << 4;
    }
}

/* d:f16, dmin:f16, 12 bytes of scales, 128 bytes: 32 low nibbles, then the 32 high, four times. */
static void q4_k(const unsigned char *restrict b, float *restrict y)
{
    float d = half_at(b), dmin = half_at(b + 2);
    for (int part = 0; part < 8; part++) {
        const unsigned char *from = b + 16 + 32 * (part / 2);
        int scale, minimum;
        scale_and_minimum(b + 4, part, &scale, &minimum);
        float step = d * (float)scale, least = dmin * (float)minimum;
        for (int i = 0, shift = part % 2 * 4; i < 32; i++)
            y[32 * part + i] = step * (float)(from[i] >> shift & 15) - least;
    }
}

/* As Q4_K, with 32 bytes of fifth bits (bit g of byte i: element 32 g + i) after the scales. */
static void q5_k(const unsigned char *restrict b, float *restrict y)
{
    float d = half_at(b), dmin = half_at(b + 2);
    for (int part = 0; part < 8; part++) {
        const unsigned char *from = b + 48 + 32 * (part / 2), *fifth = b + 16;
        int scale, minimum;
        scale_and_minimum(b + 4, part, &scale, &minimum);
        float step = d * (float)scale, least = dmin * (float)minimum;
        for (int i = 0, shift = part % 2 * 4; i < 32; i++)
            y[32 * part + i] =
                step * (float)((from[i] >> shift & 15) + (fifth[i] >> part & 1) * 16) - least;
    }
}

/*
 * 128 bytes of low nibbles, 64 bytes of upper 2 bits, 16 signed scales, d:f16. In each half of
 * 128 elements, four 32s: low nibbles of bytes 0-31 and 32-63, then their high nibbles; the
 * upper bits are planes of 32 bytes. Value d s (q - 32).
 */
static void q6_k(const unsigned char *restrict b, float *restrict y)
{
    float d = half_at(b + 208);
    for (int part = 0; part < 16; part++) {
        int run = part / 8, quarter = part / 2 % 4;
        const unsigned char *low = b + 64 * run + 32 * (quarter % 2) + 16 * (part % 2);
        const unsigned char *high = b + 128 + 32 * run + 16 * (part % 2);
        float scale = d * (float)signed_byte(b[192 + part]);
        for (int i = 0, shift = quarter / 2 * 4; i < 16; i++)
            y[16 * part + i] =
                scale * (float)((low[i] >> shift & 15) + (high[i] >> (2 * quarter) & 3) * 16 - 32);
    }
}

/* d:f16, upper 2 bits of eight scales (16 bits), low nibbles (4 bytes), 8 times 16 bytes. */
static void iq4_xs(const unsigned char *b, float *y)
{
    float d = half_at(b);
    int upper = b[2] | b[3] << 8;
    for (int part = 0; part < 8; part++) {
        int low = b[4 + part / 2] >> (4 * (part % 2)) & 15;
        float scale = d * (float)((low | (upper >> (2 * part) & 3) << 4) - 32);
        const unsigned char *q = b + 8 + 16 * part;
        for (int i = 0; i < 16; i++) {
            y[32 * part + i] = scale * (float)nonlinear[q[i] & 15];
            y[32 * part + i + 16] = scale * (float)nonlinear[q[i] >> 4];
        }
    }
}

void ggml_decode(enum assay_dtype dtype, const unsigned char *blocks, size_t block_count,
                 float *values)
{
    static void (*const decoders[ASSAY_DTYPE_COUNT])(const unsigned char *, float *) = {
        [ASSAY_DTYPE_Q4_0] = q4_0,   [ASSAY_DTYPE_Q4_1] = q4_1,     [ASSAY_DTYPE_Q5_0] = q5_0,
        [ASSAY_DTYPE_Q5_1] = q5_1,   [ASSAY_DTYPE_Q8_0] = q8_0,     [ASSAY_DTYPE_Q2_K] = q2_k,
        [ASSAY_DTYPE_Q3_K] = q3_k,   [ASSAY_DTYPE_Q4_K] = q4_k,     [ASSAY_DTYPE_Q5_K] = q5_k,
        [ASSAY_DTYPE_Q6_K] = q6_k,   [ASSAY_DTYPE_IQ4_NL] = iq4_nl, [ASSAY_DTYPE_IQ4_XS] = iq4_xs,
        [ASSAY_DTYPE_MXFP4] = mxfp4,
    };
    size_t elements, bytes;
    assay_dtype_block(dtype, &elements, &bytes);
    for (size_t i = 0; i < block_count; i++)
        decoders[dtype](blocks + i * bytes, values + i * elements);
}
