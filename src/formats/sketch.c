/* SPDX-License-Identifier: Apache-2.0 */
/* Sketch files: little-endian, in the order of docs/formats.md. Nothing read is trusted. */
#include <assay/sketch.h>

#include "base/utf8.h"

#include <string.h>

#define MAGIC "assay sketch 1\n"
#define MAGIC_SIZE (sizeof MAGIC - 1)
#define MOST_FILE ((size_t)1 << 16)
#define LEAST_SAMPLED 8
#define WORDS (ASSAY_SKETCH_BITS / 64)

bool assay_sketch_is(const void *bytes, size_t size)
{
    return size >= MAGIC_SIZE && memcmp(bytes, MAGIC, MAGIC_SIZE) == 0;
}

/* ---- reading ------------------------------------------------------------------------- */

struct cursor {
    const char *path;
    const unsigned char *bytes;
    size_t at, size;
    struct assay_error *error;
};

static assay_status broken(const struct cursor *c, const char *what)
{
    return assay_error_at_offset(c->error, ASSAY_ERROR_INPUT, c->path, (long long)c->at,
                                 "a broken fingerprint: %s", what);
}

static assay_status take(struct cursor *c, size_t n, uint64_t *value)
{
    *value = 0;
    if (c->size - c->at < n)
        return broken(c, "it ends early");
    for (size_t i = n; i > 0; i--)
        *value = *value << 8 | c->bytes[c->at + i - 1];
    c->at += n;
    return ASSAY_OK;
}

/* A length in one byte, then text of less than `room` bytes. */
static assay_status take_text(struct cursor *c, char *text, size_t room)
{
    uint64_t length;
    ASSAY_TRY(take(c, 1, &length));
    if (length >= room)
        return broken(c, "a name is too long");
    if (c->size - c->at < length)
        return broken(c, "it ends early");
    memcpy(text, c->bytes + c->at, (size_t)length);
    text[length] = '\0';
    if (utf8_valid_prefix(c->bytes + c->at, (size_t)length) != length)
        return broken(c, "a name is not UTF-8");
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)text[i] < 32 || text[i] == 127)
            return broken(c, "a control character in a name");
    c->at += (size_t)length;
    return ASSAY_OK;
}

static assay_status take_number(struct cursor *c, int32_t *number)
{
    uint64_t value;
    ASSAY_TRY(take(c, 4, &value));
    if (value != UINT32_MAX && value > INT32_MAX)
        return broken(c, "a layer's number is out of range");
    *number = value == UINT32_MAX ? -1 : (int32_t)value;
    return ASSAY_OK;
}

static assay_status take_axis(struct cursor *c, struct assay_sketch_axis *a)
{
    uint64_t second, sampled;
    ASSAY_TRY(take_text(c, a->role, sizeof a->role));
    ASSAY_TRY(take(c, 1, &second));
    if (second > 1)
        return broken(c, "an axis is neither first nor second");
    a->second = second == 1;
    ASSAY_TRY(take_number(c, &a->layer));
    ASSAY_TRY(take_number(c, &a->expert));
    ASSAY_TRY(take(c, 8, &a->units));
    ASSAY_TRY(take(c, 8, &a->width));
    ASSAY_TRY(take(c, 1, &sampled));
    if (sampled < LEAST_SAMPLED || sampled > ASSAY_SKETCH_UNITS || sampled > a->units ||
        a->width == 0)
        return broken(c, "units that cannot be");
    a->sampled = (size_t)sampled;
    for (size_t i = 0; i < a->sampled; i++)
        for (size_t w = 0; w < WORDS; w++)
            ASSAY_TRY(take(c, 8, &a->bits[i][w]));
    return ASSAY_OK;
}

assay_status assay_sketch_parse(const char *path, const void *bytes, size_t size,
                                struct assay_sketch *sketch, struct assay_error *error)
{
    struct cursor c = {path, bytes, MAGIC_SIZE, size, error};
    uint64_t count;
    memset(sketch, 0, sizeof *sketch);
    if (!assay_sketch_is(bytes, size))
        return assay_error_at_offset(error, ASSAY_ERROR_INPUT, path, 0,
                                     "not a fingerprint of weights: expected it to begin with "
                                     "\"assay sketch 1\"");
    ASSAY_TRY(take_text(&c, sketch->name, sizeof sketch->name));
    ASSAY_TRY(take(&c, 8, &sketch->file_bytes));
    ASSAY_TRY(take(&c, 8, &sketch->tensors));
    ASSAY_TRY(take(&c, 1, &count));
    if (count > ASSAY_SKETCH_AXES)
        return broken(&c, "too many axes");
    for (; sketch->axis_count < count; sketch->axis_count++)
        ASSAY_TRY(take_axis(&c, &sketch->axes[sketch->axis_count]));
    return c.at == c.size ? ASSAY_OK : broken(&c, "something follows its end");
}

assay_status assay_sketch_read(const char *path, struct assay_sketch *sketch,
                               struct assay_error *error)
{
    struct assay_file file;
    ASSAY_TRY(assay_file_open(path, MOST_FILE, &file, error));
    assay_status status = assay_sketch_parse(path, file.bytes, file.size, sketch, error);
    assay_file_close(&file);
    return status;
}

/* ---- writing ------------------------------------------------------------------------- */

/* The largest sketch takes 9 KB. */
struct draft {
    unsigned char bytes[MOST_FILE];
    size_t used;
};

static void put(struct draft *d, size_t n, uint64_t value)
{
    for (size_t i = 0; i < n; i++, value >>= 8)
        d->bytes[d->used++] = value & 255;
}

static void put_text(struct draft *d, const char *text)
{
    size_t length = strlen(text);
    put(d, 1, length);
    memcpy(d->bytes + d->used, text, length);
    d->used += length;
}

assay_status assay_sketch_write(const struct assay_sketch *sketch, const char *path, size_t *bytes,
                                struct assay_error *error)
{
    struct draft d = {.used = MAGIC_SIZE};
    memcpy(d.bytes, MAGIC, MAGIC_SIZE);
    put_text(&d, sketch->name);
    put(&d, 8, sketch->file_bytes);
    put(&d, 8, sketch->tensors);
    put(&d, 1, sketch->axis_count);
    for (size_t i = 0; i < sketch->axis_count; i++) {
        const struct assay_sketch_axis *a = &sketch->axes[i];
        put_text(&d, a->role);
        put(&d, 1, a->second);
        put(&d, 4, (uint32_t)a->layer);
        put(&d, 4, (uint32_t)a->expert);
        put(&d, 8, a->units);
        put(&d, 8, a->width);
        put(&d, 1, a->sampled);
        for (size_t unit = 0; unit < a->sampled; unit++)
            for (size_t w = 0; w < WORDS; w++)
                put(&d, 8, a->bits[unit][w]);
    }
    if (bytes)
        *bytes = d.used;
    return assay_file_write(path, d.bytes, d.used, error);
}
