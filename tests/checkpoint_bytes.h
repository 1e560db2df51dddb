/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint_bytes: small checkpoint files in memory, put together or parsed, for tests. */
#ifndef CHECKPOINT_BYTES_H
#define CHECKPOINT_BYTES_H

#include <assay/checkpoint.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct bytes {
    unsigned char data[16384];
    size_t size;
};

static inline void put(struct bytes *b, const void *from, size_t size)
{
    assert_true(b->size + size <= sizeof b->data);
    if (size > 0)
        memcpy(b->data + b->size, from, size);
    b->size += size;
}

static inline void put_number(struct bytes *b, uint64_t value, int width)
{
    for (int i = 0; i < width; i++) {
        unsigned char byte = (unsigned char)(value >> (8 * i));
        put(b, &byte, 1);
    }
}

static inline void put_text(struct bytes *b, const char *text)
{
    put(b, text, strlen(text));
}

static inline struct bytes safetensors(const char *header, size_t data)
{
    struct bytes b = {.size = 0};
    put_number(&b, strlen(header), 8);
    put_text(&b, header);
    for (size_t i = 0; i < data; i++)
        put_number(&b, i, 1);
    return b;
}

/* A copy on the heap, so that the sanitizer sees a read beyond its end. */
static inline assay_status parse(const struct bytes *b, struct assay_checkpoint *c, char *message)
{
    struct assay_error error = {0};
    unsigned char *copy = malloc(b->size + 1);
    unsigned char *exact = b->size ? realloc(copy, b->size) : copy;
    memcpy(exact, b->data, b->size);
    assay_status status = assay_checkpoint_parse("x", exact, b->size, c, &error);
    for (size_t i = 0; status == ASSAY_OK && i < c->count; i++) {
        const struct assay_tensor *t = &c->tensors[i];
        float *values = t->unreadable ? NULL : malloc((size_t)(t->elements + 1) * sizeof *values);
        if (!t->unreadable)
            assert_int_equal(assay_tensor_read(t, 0, t->elements, values, NULL), ASSAY_OK);
        free(values);
    }
    if (status != ASSAY_OK)
        assay_error_format(&error, message, 1200);
    else
        assay_checkpoint_close(c);
    free(exact);
    return status;
}

static inline void refused(const struct bytes *b, const char *because)
{
    struct assay_checkpoint c;
    char message[1200] = "accepted";
    assay_status status = parse(b, &c, message);
    if (status == ASSAY_OK || !strstr(message, because))
        fail_msg("expected a refusal with \"%s\", got: %s", because, message);
}

static inline void accepted(const struct bytes *b)
{
    struct assay_checkpoint c;
    char message[1200];
    if (parse(b, &c, message) != ASSAY_OK)
        fail_msg("%s", message);
}

static inline struct bytes gguf(uint64_t tensors, uint64_t pairs)
{
    struct bytes b = {.size = 0};
    put_text(&b, "GGUF");
    put_number(&b, 3, 4);
    put_number(&b, tensors, 8);
    put_number(&b, pairs, 8);
    return b;
}

static inline void put_tensor(struct bytes *b, uint64_t columns, uint64_t rows, uint32_t type,
                              uint64_t offset)
{
    put_number(b, 1, 8);
    put_text(b, "a");
    put_number(b, 2, 4);
    put_number(b, columns, 8);
    put_number(b, rows, 8);
    put_number(b, type, 4);
    put_number(b, offset, 8);
}

static inline void put_zeros(struct bytes *b, size_t count)
{
    for (size_t i = 0; i < count; i++)
        put_number(b, 0, 1);
}

/* A zip of one stored entry a/data.pkl, and one storage a/data/0. */
static inline struct bytes pytorch_with(const char *pickle, size_t size, size_t storage)
{
    static const char *const names[] = {"a/data.pkl", "a/data/0"};
    struct bytes b = {.size = 0};
    size_t offsets[2], sizes[2] = {size, storage};
    for (int i = 0; i < 2; i++) {
        offsets[i] = b.size;
        put_number(&b, 0x04034b50, 4);
        put_zeros(&b, 22);
        put_number(&b, strlen(names[i]), 2);
        put_number(&b, 0, 2);
        put_text(&b, names[i]);
        if (i == 0)
            put(&b, pickle, size);
        else
            put_zeros(&b, storage);
    }
    size_t directory = b.size;
    for (int i = 0; i < 2; i++) {
        put_number(&b, 0x02014b50, 4);
        put_zeros(&b, 16);
        put_number(&b, sizes[i], 4);
        put_number(&b, sizes[i], 4);
        put_number(&b, strlen(names[i]), 2);
        put_zeros(&b, 12);
        put_number(&b, offsets[i], 4);
        put_text(&b, names[i]);
    }
    size_t end = b.size;
    put_number(&b, 0x06054b50, 4);
    put_zeros(&b, 4);
    put_number(&b, 2, 2);
    put_number(&b, 2, 2);
    put_number(&b, end - directory, 4);
    put_number(&b, directory, 4);
    put_zeros(&b, 2);
    return b;
}

static inline struct bytes pytorch(const char *pickle, size_t size)
{
    return pytorch_with(pickle, size, 16);
}

#define PICKLE(text) pytorch(text, sizeof text - 1)
/* {"w": _rebuild_tensor_v2(storage 0 of floats, 0, sizes, strides, False, OrderedDict())} */
#define TENSOR(sizes, strides)                                                                     \
    "\x80\x02}(X\x01\x00\x00\x00wctorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storage"    \
    "ctorch\nFloatStorage\nX\x01\x00\x00\x00"                                                      \
    "0X\x03\x00\x00\x00"                                                                           \
    "cpuK\x04tQK\x00(" sizes "t(" strides "t\x89}tRu."

#endif
