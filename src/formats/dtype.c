/* SPDX-License-Identifier: Apache-2.0 */
/* How elements are stored, and what they are as float32. */
#include "formats/checkpoint.h"
#include "formats/small_floats.h"

#include <string.h>

static const struct {
    const char *name;
    size_t elements, bytes;
} table[ASSAY_DTYPE_COUNT] = {
    [ASSAY_DTYPE_F64] = {"F64", 1, 8},
    [ASSAY_DTYPE_F32] = {"F32", 1, 4},
    [ASSAY_DTYPE_F16] = {"F16", 1, 2},
    [ASSAY_DTYPE_BF16] = {"BF16", 1, 2},
    [ASSAY_DTYPE_F8_E4M3] = {"F8_E4M3", 1, 1},
    [ASSAY_DTYPE_F8_E5M2] = {"F8_E5M2", 1, 1},
    [ASSAY_DTYPE_F8_E4M3FNUZ] = {"F8_E4M3FNUZ", 1, 1},
    [ASSAY_DTYPE_F8_E5M2FNUZ] = {"F8_E5M2FNUZ", 1, 1},
    [ASSAY_DTYPE_F8_E8M0] = {"F8_E8M0", 1, 1},
    [ASSAY_DTYPE_F4] = {"F4", 2, 1},
    [ASSAY_DTYPE_F6_E2M3] = {"F6_E2M3", 4, 3},
    [ASSAY_DTYPE_F6_E3M2] = {"F6_E3M2", 4, 3},
    [ASSAY_DTYPE_I64] = {"I64", 1, 8},
    [ASSAY_DTYPE_I32] = {"I32", 1, 4},
    [ASSAY_DTYPE_I16] = {"I16", 1, 2},
    [ASSAY_DTYPE_I8] = {"I8", 1, 1},
    [ASSAY_DTYPE_U64] = {"U64", 1, 8},
    [ASSAY_DTYPE_U32] = {"U32", 1, 4},
    [ASSAY_DTYPE_U16] = {"U16", 1, 2},
    [ASSAY_DTYPE_U8] = {"U8", 1, 1},
    [ASSAY_DTYPE_BOOL] = {"BOOL", 1, 1},
    [ASSAY_DTYPE_Q4_0] = {"Q4_0", 32, 18},
    [ASSAY_DTYPE_Q4_1] = {"Q4_1", 32, 20},
    [ASSAY_DTYPE_Q5_0] = {"Q5_0", 32, 22},
    [ASSAY_DTYPE_Q5_1] = {"Q5_1", 32, 24},
    [ASSAY_DTYPE_Q8_0] = {"Q8_0", 32, 34},
    [ASSAY_DTYPE_Q2_K] = {"Q2_K", 256, 84},
    [ASSAY_DTYPE_Q3_K] = {"Q3_K", 256, 110},
    [ASSAY_DTYPE_Q4_K] = {"Q4_K", 256, 144},
    [ASSAY_DTYPE_Q5_K] = {"Q5_K", 256, 176},
    [ASSAY_DTYPE_Q6_K] = {"Q6_K", 256, 210},
    [ASSAY_DTYPE_IQ4_NL] = {"IQ4_NL", 32, 18},
    [ASSAY_DTYPE_IQ4_XS] = {"IQ4_XS", 256, 136},
    [ASSAY_DTYPE_MXFP4] = {"MXFP4", 32, 17},
    [ASSAY_DTYPE_OTHER] = {"other", 1, 0},
};

const char *assay_dtype_name(enum assay_dtype dtype)
{
    return table[dtype].name;
}

void assay_dtype_block(enum assay_dtype dtype, size_t *elements, size_t *bytes)
{
    *elements = table[dtype].elements;
    *bytes = table[dtype].bytes;
}

bool assay_dtype_is_real(enum assay_dtype dtype)
{
    return dtype <= ASSAY_DTYPE_F8_E8M0 || (dtype >= ASSAY_DTYPE_Q4_0 && dtype < ASSAY_DTYPE_OTHER);
}

/* One plain element. Files are little-endian, and so is every machine Assay runs on. */
static float plain(enum assay_dtype dtype, const unsigned char *at)
{
    union {
        double f64;
        float f32;
        int64_t i64;
        int32_t i32;
        int16_t i16;
        uint64_t u64;
        uint32_t u32;
        uint16_t u16;
    } v;
    memcpy(&v, at, table[dtype].bytes);
    switch (dtype) {
    case ASSAY_DTYPE_F64:
        return (float)v.f64;
    case ASSAY_DTYPE_F32:
        return v.f32;
    case ASSAY_DTYPE_F16:
        return small_float_half(v.u16);
    case ASSAY_DTYPE_BF16:
        return small_float_bfloat16(v.u16);
    case ASSAY_DTYPE_F8_E4M3:
        return small_float_e4m3(*at);
    case ASSAY_DTYPE_F8_E5M2:
        return small_float_half((uint16_t)(*at << 8));
    case ASSAY_DTYPE_F8_E4M3FNUZ:
        return small_float_fnuz(*at, 3, 8);
    case ASSAY_DTYPE_F8_E5M2FNUZ:
        return small_float_fnuz(*at, 2, 16);
    case ASSAY_DTYPE_F8_E8M0:
        return small_float_e8m0(*at);
    case ASSAY_DTYPE_I64:
        return (float)v.i64;
    case ASSAY_DTYPE_I32:
        return (float)v.i32;
    case ASSAY_DTYPE_I16:
        return v.i16;
    case ASSAY_DTYPE_I8:
        return (float)(*at < 128 ? *at : *at - 256);
    case ASSAY_DTYPE_U64:
        return (float)v.u64;
    case ASSAY_DTYPE_U32:
        return (float)v.u32;
    case ASSAY_DTYPE_U16:
        return v.u16;
    default:
        return *at;
    }
}

/* small_float_half in a form that compilers vectorise. */
static void halves(const unsigned char *restrict at, size_t count, float *restrict values)
{
    for (size_t i = 0; i < count; i++) {
        uint16_t half;
        memcpy(&half, at + 2 * i, sizeof half);
        uint32_t sign = (uint32_t)(half & 0x8000) << 16, rest = half & 0x7fff, bits;
        uint32_t normal = (rest + 0x1c000) << 13, is_tiny = -(uint32_t)(rest < 0x400);
        float tiny = small_float_bits(0x3f000000u | rest) - 0.5f;
        memcpy(&bits, &tiny, sizeof bits);
        normal |= -(uint32_t)(rest >= 0x7c00) & 0x7f800000u;
        values[i] = small_float_bits(sign | (bits & is_tiny) | (normal & ~is_tiny));
    }
}

/* Contiguous runs: the common types get a loop that the compiler can vectorise. */
static void run(enum assay_dtype dtype, const unsigned char *at, size_t count, float *values)
{
    if (dtype == ASSAY_DTYPE_F32) {
        memcpy(values, at, count * sizeof *values);
    } else if (dtype == ASSAY_DTYPE_BF16) {
        for (size_t i = 0; i < count; i++) {
            uint16_t half;
            memcpy(&half, at + 2 * i, sizeof half);
            values[i] = small_float_bfloat16(half);
        }
    } else if (dtype == ASSAY_DTYPE_F16) {
        halves(at, count, values);
    } else if (table[dtype].bytes == 1 && count >= 1024) {
        float value_of[256];
        for (int byte = 0; byte < 256; byte++)
            value_of[byte] = plain(dtype, (const unsigned char[1]){(unsigned char)byte});
        for (size_t i = 0; i < count; i++)
            values[i] = value_of[at[i]];
    } else {
        for (size_t i = 0; i < count; i++)
            values[i] = plain(dtype, at + i * table[dtype].bytes);
    }
}

static void strided(const struct assay_tensor *t, uint64_t first, size_t count, float *values)
{
    size_t width = table[t->dtype].bytes;
    for (size_t i = 0; i < count; i++) {
        uint64_t rest = first + i, element = 0;
        for (int axis = t->rank; axis-- > 0;) {
            element += rest % t->shape[axis] * t->stride[axis];
            rest /= t->shape[axis];
        }
        values[i] = plain(t->dtype, t->bytes + element * width);
    }
}

static bool is_tiny(enum assay_dtype dtype)
{
    return dtype == ASSAY_DTYPE_F4 || dtype == ASSAY_DTYPE_F6_E2M3 || dtype == ASSAY_DTYPE_F6_E3M2;
}

/* Elements of 4 or 6 bits, the lowest bits of a byte first. */
static void tiny(const struct assay_tensor *t, uint64_t first, uint64_t count, float *values)
{
    int exponent = t->dtype == ASSAY_DTYPE_F6_E3M2 ? 3 : 2;
    int mantissa = t->dtype == ASSAY_DTYPE_F4 ? 1 : t->dtype == ASSAY_DTYPE_F6_E2M3 ? 3 : 2;
    unsigned width = (unsigned)(1 + exponent + mantissa);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t bit = (first + i) * width; /* sizes in bytes fit 63 bits, checked on opening */
        const unsigned char *at = t->bytes + bit / 8;
        unsigned shift = (unsigned)(bit % 8);
        unsigned two = shift + width > 8 ? at[0] | (unsigned)at[1] << 8 : at[0];
        values[i] = small_float_tiny(two >> shift & ((1u << width) - 1), exponent, mantissa);
    }
}

/* As stored: `first` and `count` lie in the tensor and fit its blocks. */
static void decode(const struct assay_tensor *t, uint64_t first, uint64_t count, float *values)
{
    size_t block = table[t->dtype].elements, bytes = table[t->dtype].bytes;
    if (is_tiny(t->dtype))
        tiny(t, first, count, values);
    else if (block > 1)
        ggml_decode(t->dtype, t->bytes + first / block * bytes, count / block, values);
    else if (t->contiguous)
        run(t->dtype, t->bytes + first * bytes, count, values);
    else
        strided(t, first, count, values);
}

/* The stored row of a row in halves: of a head's rows the first parts of pairs come first. */
static uint64_t stored_row(const struct assay_tensor *t, uint64_t row)
{
    uint64_t size = t->shape[0] / t->rotary_heads, within = row % size;
    return row - within + 2 * (within % (size / 2)) + within / (size / 2);
}

static void in_halves(const struct assay_tensor *t, uint64_t first, uint64_t count, float *values)
{
    struct assay_tensor plain = *t;
    uint64_t length = t->elements / t->shape[0];
    plain.contiguous = t->stride[1] == 1 && t->stride[0] == length; /* as stored */
    while (count > 0) {
        uint64_t row = first / length, from = first % length;
        uint64_t n = length - from < count ? length - from : count;
        decode(&plain, stored_row(t, row) * length + from, n, values);
        first += n;
        values += n;
        count -= n;
    }
}

assay_status assay_tensor_read(const struct assay_tensor *t, uint64_t first, uint64_t count,
                               float *values, struct assay_error *error)
{
    size_t block = is_tiny(t->dtype) ? 1 : table[t->dtype].elements;
    if (t->unreadable)
        return assay_error_at(error, ASSAY_ERROR_UNSUPPORTED, t->file, 0, "tensor \"%.100s\": %s",
                              t->name, t->unreadable);
    if (first > t->elements || count > t->elements - first || first % block || count % block)
        return assay_error_at(error, ASSAY_ERROR_INPUT, t->file, 0,
                              "tensor \"%.100s\" has %llu elements in blocks of %zu; asked for "
                              "%llu from %llu",
                              t->name, (unsigned long long)t->elements, block,
                              (unsigned long long)count, (unsigned long long)first);
    if (t->halves && t->rotary_heads && t->rank == 2 && t->elements)
        in_halves(t, first, count, values);
    else
        decode(t, first, count, values);
    return ASSAY_OK;
}
