/* SPDX-License-Identifier: Apache-2.0 */
/* Readers of checkpoints: known values, files as they are found, and files that lie. */
#include "checkpoint_bytes.h"

#include <math.h>
#include <stdio.h>
#include <unistd.h>

/* ---- values -------------------------------------------------------------------------------------
 */

static void small_floats_have_the_values_of_their_definitions(void **state)
{
    (void)state;
    static const struct {
        const char *dtype;
        unsigned bits;
        int width;
        double value;
    } cases[] = {{"F16", 0x3c00, 2, 1},
                 {"F16", 0x0001, 2, 0x1p-24},
                 {"F16", 0x7bff, 2, 65504},
                 {"F16", 0x8400, 2, -0x1p-14},
                 {"F16", 0x7c00, 2, INFINITY},
                 {"BF16", 0xc040, 2, -3},
                 {"BF16", 0x0001, 2, 0x1p-133},
                 {"F8_E4M3", 0x38, 1, 1},
                 {"F8_E4M3", 0x01, 1, 0x1p-9},
                 {"F8_E4M3", 0x7e, 1, 448},
                 {"F8_E4M3", 0x88, 1, -0x1p-6},
                 {"F8_E5M2", 0x3c, 1, 1},
                 {"F8_E5M2", 0x7b, 1, 57344},
                 {"F8_E5M2", 0x01, 1, 0x1p-16},
                 {"I8", 0xff, 1, -1},
                 {"U8", 0xff, 1, 255},
                 {"F8_E8M0", 0x7f, 1, 1},
                 {"F8_E8M0", 0x00, 1, 0x1p-127},
                 {"F8_E8M0", 0xfe, 1, 0x1p127},
                 {"F8_E4M3FNUZ", 0x40, 1, 1},
                 {"F8_E4M3FNUZ", 0x7f, 1, 240},
                 {"F8_E4M3FNUZ", 0x01, 1, 0x1p-10},
                 {"F8_E4M3FNUZ", 0xff, 1, -240},
                 {"F8_E5M2FNUZ", 0x40, 1, 1},
                 {"F8_E5M2FNUZ", 0x7f, 1, 57344},
                 {"F8_E5M2FNUZ", 0x81, 1, -0x1p-17}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char header[200];
        struct assay_checkpoint c;
        float value;
        snprintf(header, sizeof header,
                 "{\"a\":{\"dtype\":\"%s\",\"shape\":[],\"data_offsets\":[0,%d]}}", cases[i].dtype,
                 cases[i].width);
        struct bytes b = safetensors(header, 0);
        put_number(&b, cases[i].bits, cases[i].width);
        assert_int_equal(assay_checkpoint_parse("x", b.data, b.size, &c, NULL), ASSAY_OK);
        assert_int_equal(assay_tensor_read(&c.tensors[0], 0, 1, &value, NULL), ASSAY_OK);
        if ((double)value != cases[i].value)
            fail_msg("%s %x: %g, expected %g", cases[i].dtype, cases[i].bits, (double)value,
                     cases[i].value);
        assay_checkpoint_close(&c);
    }
}

/* Values of OCP's "Microscaling Formats" 1.0, tables 2 to 4, packed as the readers say. */
static void four_and_six_bit_floats_are_unpacked_from_the_lowest_bits_on(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        unsigned char bytes[3];
        size_t size;
        float values[4];
    } cases[] = {
        {"{\"a\":{\"dtype\":\"F4\",\"shape\":[2,2],\"data_offsets\":[0,2]}}",
         {0x71, 0xf2},
         2,
         {0.5f, 6, 1, -6}},
        /* 000001, 011111, 100100, 001000: 1 | 31 << 6 | 36 << 12 | 8 << 18 */
        {"{\"a\":{\"dtype\":\"F6_E2M3\",\"shape\":[4],\"data_offsets\":[0,3]}}",
         {0xc1, 0x47, 0x22},
         3,
         {0.125f, 7.5f, -0.5f, 1}},
        {"{\"a\":{\"dtype\":\"F6_E3M2\",\"shape\":[4],\"data_offsets\":[0,3]}}",
         {0xc1, 0x47, 0x22},
         3,
         {0.0625f, 28, -0.25f, 0.5f}},
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        struct bytes b = safetensors(cases[k].header, 0);
        struct assay_checkpoint c;
        float values[4], one;
        put(&b, cases[k].bytes, cases[k].size);
        assert_int_equal(assay_checkpoint_parse("x", b.data, b.size, &c, NULL), ASSAY_OK);
        assert_int_equal(assay_tensor_read(&c.tensors[0], 0, 4, values, NULL), ASSAY_OK);
        assert_memory_equal(values, cases[k].values, sizeof values);
        for (uint64_t i = 0; i < 4; i++) { /* one at a time, across bytes */
            assert_int_equal(assay_tensor_read(&c.tensors[0], i, 1, &one, NULL), ASSAY_OK);
            assert_true(one == values[i]);
        }
        assay_checkpoint_close(&c);
    }
    struct bytes odd =
        safetensors("{\"a\":{\"dtype\":\"F4\",\"shape\":[3],\"data_offsets\":[0,2]}}", 2);
    refused(&odd, "do not make 2 bytes");
}

/*
 * Byte i is (7 i^2 + 13 i + 5) mod 256, but the block's halves (at `half`) are 1/16 and 1/8, and
 * MXFP4's exponent is 125. Sum, and sum weighted by 1, 2, 3, ..., by the NumPy implementation in
 * the Python package gguf (0.17, dequantize).
 */
static void block_types_decode_as_the_gguf_package_does(void **state)
{
    (void)state;
    static const struct {
        enum assay_dtype dtype;
        int halves, half[2];
        double sum, weighted;
    } cases[] = {{ASSAY_DTYPE_Q4_0, 1, {0, 0}, 0.3125, 9.75},
                 {ASSAY_DTYPE_Q4_1, 2, {0, 2}, 21.3125, 369.5625},
                 {ASSAY_DTYPE_Q5_0, 1, {0, 0}, 4.8125, 98.625},
                 {ASSAY_DTYPE_Q5_1, 2, {0, 2}, 41.8125, 723.9375},
                 {ASSAY_DTYPE_Q8_0, 1, {0, 0}, 10, 274},
                 {ASSAY_DTYPE_Q2_K, 2, {80, 82}, -0.8125, -4693.6875},
                 {ASSAY_DTYPE_Q3_K, 1, {108, 0}, -18.0625, 6179.875},
                 {ASSAY_DTYPE_Q4_K, 2, {0, 2}, 4054, 506574},
                 {ASSAY_DTYPE_Q5_K, 2, {0, 2}, 10088, 1238709},
                 {ASSAY_DTYPE_Q6_K, 1, {208, 0}, -416.5, -127104.5},
                 {ASSAY_DTYPE_IQ4_NL, 1, {0, 0}, 9, 209.625},
                 {ASSAY_DTYPE_IQ4_XS, 1, {0, 0}, -544.75, -132760.625},
                 {ASSAY_DTYPE_MXFP4, 0, {0, 0}, -2, -55.875}};
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        unsigned char block[256];
        size_t elements, size;
        float values[256];
        double sum = 0, weighted = 0;
        assay_dtype_block(cases[k].dtype, &elements, &size);
        for (size_t i = 0; i < size; i++)
            block[i] = (unsigned char)(i * i * 7 + i * 13 + 5);
        for (int h = 0; h < cases[k].halves; h++) {
            block[cases[k].half[h]] = 0;
            block[cases[k].half[h] + 1] = h ? 0x30 : 0x2c;
        }
        if (cases[k].dtype == ASSAY_DTYPE_MXFP4)
            block[0] = 125;
        struct assay_tensor t = {.name = "t",
                                 .dtype = cases[k].dtype,
                                 .elements = elements,
                                 .bytes = block,
                                 .size = size,
                                 .contiguous = true};
        assert_int_equal(assay_tensor_read(&t, 0, elements, values, NULL), ASSAY_OK);
        for (size_t i = 0; i < elements; i++) {
            sum += (double)values[i];
            weighted += (double)values[i] * (double)(i + 1);
        }
        if (fabs(sum - cases[k].sum) > 1e-9 || fabs(weighted - cases[k].weighted) > 1e-6)
            fail_msg("%s: %.9g %.9g, expected %.9g %.9g", assay_dtype_name(cases[k].dtype), sum,
                     weighted, cases[k].sum, cases[k].weighted);
    }
}

/* ---- safetensors --------------------------------------------------------------------------------
 */

#define ONE "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}"

static void safetensors_that_lie_are_refused_with_the_reason(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        size_t data;
        const char *because;
    } cases[] = {
        {ONE, 7, "outside the file"},
        {ONE, 9, "follow the last tensor"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}", 8,
         "do not make 8 bytes"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,16]}}", 16,
         "belongs to no tensor"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
         "\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}}",
         12, "overlaps"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,8]}}", 8,
         "do not make 8 bytes"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[9223372036854775807,0,2],\"data_offsets\":[0,0]}}",
         0, "do not make 0 bytes"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}}", 8, "no whole number"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
         "\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}",
         8, "duplicate"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,4]}}", 4,
         "rank 9"},
        {"{\"a\":7}", 0, "expected dtype"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bytes b = safetensors(cases[i].header, cases[i].data);
        refused(&b, cases[i].because);
    }
    struct bytes b = safetensors(ONE, 8);
    accepted(&b);
    b.data[7] = 0x7f;
    refused(&b, "no checkpoint format");
    b.data[7] = 0;
    b.data[3] = 0x7f;
    refused(&b, "a header of");
}

static void an_unknown_type_is_listed_and_not_read(void **state)
{
    (void)state;
    struct assay_checkpoint c;
    float value;
    struct bytes b =
        safetensors("{\"a\":{\"dtype\":\"C64\",\"shape\":[1],\"data_offsets\":[0,8]}}", 8);
    assert_int_equal(assay_checkpoint_parse("x", b.data, b.size, &c, NULL), ASSAY_OK);
    assert_non_null(c.tensors[0].unreadable);
    assert_int_equal(assay_tensor_read(&c.tensors[0], 0, 1, &value, NULL), ASSAY_ERROR_UNSUPPORTED);
    assay_checkpoint_close(&c);
}

static void what_is_written_is_read_back(void **state)
{
    (void)state;
    char path[] = "/tmp/assay-checkpoint-XXXXXX";
    close(mkstemp(path));
    const float values[6] = {1, -2, 3.5f, 0, 1e-30f, 7};
    const struct assay_tensor_out out[] = {
        {.name = "first", .dtype = ASSAY_DTYPE_F32, .rank = 2, .shape = {2, 3}, .bytes = values},
        {.name = "empty", .dtype = ASSAY_DTYPE_BF16, .rank = 1, .shape = {0}, .bytes = NULL}};
    const struct assay_checkpoint_note notes[] = {{"format", "pt"}};
    struct assay_checkpoint c;
    float back[6];
    assert_int_equal(assay_safetensors_write(path, out, 2, notes, 1, NULL), ASSAY_OK);
    assert_int_equal(assay_checkpoint_open(path, &c, NULL), ASSAY_OK);
    const struct assay_tensor *t = assay_checkpoint_find(&c, "first");
    assert_int_equal(t->shape[1], 3);
    assert_int_equal(assay_tensor_read(t, 0, 6, back, NULL), ASSAY_OK);
    assert_memory_equal(values, back, sizeof values);
    assert_int_equal(assay_tensor_read(t, 5, 2, back, NULL), ASSAY_ERROR_INPUT);
    assert_string_equal(c.notes[0].value, "pt");
    assay_checkpoint_close(&c);
    unlink(path);
}

/* ---- GGUF ---------------------------------------------------------------------------- */

static void gguf_files_that_lie_are_refused_with_the_reason(void **state)
{
    (void)state;
    struct bytes b = gguf(UINT64_MAX, 0);
    refused(&b, "does not fit the file");
    b = gguf(0, UINT64_MAX);
    refused(&b, "does not fit the file");
    b = gguf(0, 1);
    put_number(&b, UINT64_MAX - 7, 8);
    put_zeros(&b, 64);
    refused(&b, "does not fit the file");
    b = gguf(0, 1); /* an array whose bytes overflow 64 bits */
    put_number(&b, 1, 8);
    put_text(&b, "k");
    put_number(&b, 9, 4);
    put_number(&b, 10, 4);
    put_number(&b, (uint64_t)1 << 61, 8);
    refused(&b, "does not fit the file");
    b = gguf(0, 1);
    put_number(&b, 17, 8);
    put_text(&b, "general.alignment");
    put_number(&b, 4, 4);
    put_number(&b, 3, 4);
    refused(&b, "an alignment of 3");
    b = gguf(1, 0);
    put_tensor(&b, 64, 2, 8, 0);
    put_zeros(&b, 64);
    refused(&b, "reaches beyond");
    b = gguf(1, 0);
    put_tensor(&b, 33, 2, 8, 0);
    put_zeros(&b, 256);
    refused(&b, "no whole number");
    b = gguf(1, 0);
    put_tensor(&b, (uint64_t)1 << 40, (uint64_t)1 << 40, 0, 0);
    refused(&b, "overflows");
    b = gguf(1, 0);
    put_tensor(&b, 64, 2, 0, UINT64_MAX - 31);
    put_zeros(&b, 1024);
    refused(&b, "reaches beyond");
    b.data[4] = 1;
    refused(&b, "version 1");
}

static void a_gguf_type_without_a_decoder_is_named(void **state)
{
    (void)state;
    struct assay_checkpoint c;
    struct bytes b = gguf(1, 0);
    put_tensor(&b, 256, 1, 19, 0);
    put_zeros(&b, 128);
    assert_int_equal(assay_checkpoint_parse("x", b.data, b.size, &c, NULL), ASSAY_OK);
    assert_non_null(strstr(c.tensors[0].unreadable, "IQ1_S"));
    assert_int_equal(c.tensors[0].shape[1], 256);
    assay_checkpoint_close(&c);
}

/* ---- PyTorch ------------------------------------------------------------------------- */

static void a_pytorch_tensor_is_read_in_the_order_of_its_strides(void **state)
{
    (void)state;
    struct assay_checkpoint c;
    float values[4];
    struct bytes b = PICKLE(TENSOR("K\x02K\x02", "K\x01K\x02")); /* transposed */
    const float stored[4] = {1, 2, 3, 4};
    for (size_t i = 0; i + 16 <= b.size; i++)
        if (i > 8 && memcmp(b.data + i - 8, "a/data/0", 8) == 0) {
            memcpy(b.data + i, stored, sizeof stored);
            break;
        }
    assert_int_equal(assay_checkpoint_parse("x", b.data, b.size, &c, NULL), ASSAY_OK);
    assert_string_equal(c.tensors[0].name, "w");
    assert_int_equal(assay_tensor_read(&c.tensors[0], 0, 4, values, NULL), ASSAY_OK);
    assert_true(values[0] == 1 && values[1] == 3 && values[2] == 2 && values[3] == 4);
    assay_checkpoint_close(&c);
}

static void a_hostile_pickle_is_refused_and_never_run(void **state)
{
    (void)state;
    struct bytes b = PICKLE("\x80\x02"
                            "cos\nsystem\n(X\x04\x00\x00\x00truetR.");
    refused(&b, "names \"os system\"");
    b = PICKLE("\x80\x02]q\x00h\x00"
               "a.");
    refused(&b, "contains itself");
    b = PICKLE("\x80\x02h\x05.");
    refused(&b, "never remembered");
    b = PICKLE("\x80\x02X\xff\xff\xff\xff"
               "a.");
    refused(&b, "beyond the pickle");
    b = PICKLE("\x80\x02K\x01r\xff\xff\xff\x7f.");
    refused(&b, "beyond the pickle's length");
    b = PICKLE("\x80\x02}");
    refused(&b, "without a stop");
    b = PICKLE("\x80\x02R.");
    refused(&b, "a call of what is no function");
    b = PICKLE(TENSOR("K\x05", "K\x01"));
    refused(&b, "beyond its storage");
    b = PICKLE(TENSOR("J\xff\xff\xff\x7fJ\xff\xff\xff\x7fJ\xff\xff\xff\x7f", "K\x01K\x01K\x01"));
    refused(&b, "beyond its storage");
    b = PICKLE(TENSOR("K\x01", "K\x01K\x01"));
    refused(&b, "arguments of no tensor");
}

/* A list that holds a list twice, that holds a list twice, ...: 2^25 paths in 130 bytes. */
static void a_pickle_that_shares_parts_endlessly_is_refused(void **state)
{
    (void)state;
    struct bytes pickle = {.size = 0};
    put(&pickle, "\x80\x02]q\x00", 5);
    for (unsigned char i = 0; i < 25; i++) {
        const unsigned char twice[] = {'(', 'h', i, 'h', i, 't', 'q', (unsigned char)(i + 1)};
        put(&pickle, twice, sizeof twice);
    }
    put_text(&pickle, ".");
    struct bytes b = pytorch((const char *)pickle.data, pickle.size);
    refused(&b, "shares parts endlessly");
}

/* ---- ONNX ------------------------------------------------------------------------ */

static void onnx_files_that_lie_are_refused_with_the_reason(void **state)
{
    (void)state;
    /* ir_version 7; graph { initializer { dims 2, type FLOAT, name "a", raw_data 8 bytes } } */
    static const unsigned char good[] = {0x08, 7,    0x3a, 19, 0x2a, 17, 0x08, 2, 0x10, 1, 0x42, 1,
                                         'a',  0x4a, 8,    0,  0,    0,  0,    0, 0,    0, 0};
    struct bytes b = {.size = 0};
    put(&b, good, sizeof good);
    accepted(&b);
    b.data[7] = 3;
    refused(&b, "do not make 8 bytes");
    b.data[7] = 2;
    b.data[14] = 9;
    refused(&b, "malformed tensor");
    b.data[14] = 8;
    b.data[3] = 0x7f;
    refused(&b, "malformed model");
    struct bytes deep = {.size = 0}; /* node { attribute { graph { node ... } } }, outermost last */
    for (int level = 0; level < 40; level++) {
        struct bytes inner = deep;
        static const unsigned char tags[] = {0x32, 0x2a, 0x0a}; /* graph, attribute, node */
        for (int t = level ? 0 : 3; t < 3; t++) {
            struct bytes outer = {.size = 0};
            put_number(&outer, tags[t], 1);
            put_number(&outer, 0x80 | (inner.size & 0x7f), 1);
            put_number(&outer, inner.size >> 7, 1);
            put(&outer, inner.data, inner.size);
            inner = outer;
        }
        deep = inner;
    }
    struct bytes file = {.size = 0};
    const unsigned char start[] = {0x08, 7, 0x3a};
    put(&file, start, sizeof start);
    put_number(&file, 0x80 | (deep.size & 0x7f), 1);
    put_number(&file, deep.size >> 7, 1);
    put(&file, deep.data, deep.size);
    refused(&file, "nested deeper");
}

/* ---- any file ------------------------------------------------------------------------ */

/* Cut at every length and with bytes changed at random: refused or read, never a crash. */
static void no_damage_to_a_file_does_harm(void **state)
{
    (void)state;
    struct assay_random random;
    struct assay_checkpoint c;
    char message[1200];
    struct bytes files[4] = {
        safetensors(ONE, 8), gguf(1, 1), PICKLE(TENSOR("K\x02K\x02", "K\x02K\x01")), {.size = 0}};
    put_number(&files[1], 1, 8);
    put_text(&files[1], "k");
    put_number(&files[1], 9, 4);
    put_number(&files[1], 4, 4);
    put_number(&files[1], 2, 8);
    put_zeros(&files[1], 8);
    put_tensor(&files[1], 32, 2, 8, 0);
    put_zeros(&files[1], 128);
    static const int32_t llama[7] = {4, 4, 1, 2, 1, 4, 2};
    put(&files[3], llama, sizeof llama);
    put_zeros(&files[3], 4 * (16 + 4 + 16 + 8 + 8 + 16 + 4 + 48 + 4 + 4));
    assay_random_start(&random, 1, 0);
    for (size_t f = 0; f < 4; f++) {
        accepted(&files[f]);
        for (size_t size = 0; size < files[f].size; size++) {
            struct bytes cut = files[f];
            cut.size = size;
            if (parse(&cut, &c, message) == ASSAY_OK && f != 1)
                fail_msg("file %zu cut to %zu of %zu bytes was accepted", f, size, files[f].size);
        }
        for (int round = 0; round < 3000; round++) {
            struct bytes hurt = files[f];
            for (uint64_t k = assay_random_below(&random, 4) + 1; k > 0; k--)
                hurt.data[assay_random_below(&random, hurt.size)] =
                    (unsigned char)assay_random_u32(&random);
            (void)!parse(&hurt, &c, message);
        }
    }
}

/* ---- files as they are found --------------------------------------------------------- */

static void real_files_of_every_format_list_their_tensors(void **state)
{
    (void)state;
    static const struct {
        const char *path, *format;
        size_t tensors;
    } files[] = {{"silero/2025-12-10_367975d_silero_vad_16k.safetensors", "safetensors", 15},
                 {"silero/2024-06-27_42a5ed4_silero_vad.jit", "pytorch", 34},
                 {"magika/standard_v3_0.onnx", "onnx", 36},
                 {"llama2c/stories260K.bin", "llama2c", 49},
                 {"gguf-vocab/ggml-vocab-llama-spm.gguf", "gguf", 0}};
    const char *shared = getenv("ASSAY_SHARED"), *source = getenv("ASSAY_SOURCE");
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[1024];
        struct assay_checkpoint c;
        snprintf(path, sizeof path, "%s%s/models/%s",
                 shared   ? shared
                 : source ? source
                          : ".",
                 shared ? "" : "/../shared", files[i].path);
        if (access(path, R_OK) != 0) {
            print_message("# skipped: no %s\n", path);
            skip();
        }
        assert_int_equal(assay_checkpoint_open(path, &c, NULL), ASSAY_OK);
        assert_string_equal(c.format, files[i].format);
        assert_int_equal(c.count, files[i].tensors);
        assay_checkpoint_close(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_floats_have_the_values_of_their_definitions),
        cmocka_unit_test(four_and_six_bit_floats_are_unpacked_from_the_lowest_bits_on),
        cmocka_unit_test(block_types_decode_as_the_gguf_package_does),
        cmocka_unit_test(safetensors_that_lie_are_refused_with_the_reason),
        cmocka_unit_test(an_unknown_type_is_listed_and_not_read),
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(gguf_files_that_lie_are_refused_with_the_reason),
        cmocka_unit_test(a_gguf_type_without_a_decoder_is_named),
        cmocka_unit_test(a_pytorch_tensor_is_read_in_the_order_of_its_strides),
        cmocka_unit_test(a_hostile_pickle_is_refused_and_never_run),
        cmocka_unit_test(a_pickle_that_shares_parts_endlessly_is_refused),
        cmocka_unit_test(onnx_files_that_lie_are_refused_with_the_reason),
        cmocka_unit_test(no_damage_to_a_file_does_harm),
        cmocka_unit_test(real_files_of_every_format_list_their_tensors),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
