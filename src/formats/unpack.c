/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/unpack.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#define FIRST_ROOM ((size_t)1 << 20)
#define MOST_AT_ONCE ((size_t)1 << 30) /* zlib counts in 32 bits */

struct work {
    const char *path;
    const unsigned char *bytes;
    size_t size, most;
    unsigned char *out;
    size_t used, room;
    struct assay_error *error;
};

static assay_status broken(struct work *w, size_t at, const char *what)
{
    return assay_error_at_offset(w->error, ASSAY_ERROR_INPUT, w->path, (long long)at,
                                 "a broken compressed file: %s", what);
}

/* Doubles the output, one byte past `most` at last: filling that one is what is refused. */
static assay_status grow(struct work *w)
{
    if (w->used > w->most)
        return assay_error_at(w->error, ASSAY_ERROR_LIMIT, w->path, 0,
                              "expands to more than %zu bytes", w->most);
    if (w->used < w->room)
        return ASSAY_OK;
    size_t room = w->room ? w->room * 2 : FIRST_ROOM;
    room = room > w->most ? w->most + 1 : room;
    unsigned char *out = realloc(w->out, room);
    if (!out)
        return assay_error_at(w->error, ASSAY_ERROR_MEMORY, w->path, 0, "out of memory");
    w->out = out;
    w->room = room;
    return ASSAY_OK;
}

/* Several members one after another are one file, as gzip has it. */
static assay_status gunzip(struct work *w, z_stream *stream)
{
    size_t at = 0;
    while (at < w->size) {
        size_t give = w->size - at < MOST_AT_ONCE ? w->size - at : MOST_AT_ONCE;
        ASSAY_TRY(grow(w));
        size_t take = w->room - w->used < MOST_AT_ONCE ? w->room - w->used : MOST_AT_ONCE;
        stream->next_in = (unsigned char *)(uintptr_t)(w->bytes + at); /* zlib only reads it */
        stream->avail_in = (uInt)give;
        stream->next_out = w->out + w->used;
        stream->avail_out = (uInt)take;
        int result = inflate(stream, Z_NO_FLUSH);
        size_t eaten = give - stream->avail_in, made = take - stream->avail_out;
        at += eaten;
        w->used += made;
        if (result == Z_STREAM_END) {
            if (at == w->size)
                return grow(w);
            if (inflateReset(stream) != Z_OK)
                return broken(w, at, "gzip cannot start again");
            continue;
        }
        if (result != Z_OK || (eaten == 0 && made == 0))
            return broken(w, at, stream->msg ? stream->msg : "gzip data");
    }
    return broken(w, at, "gzip data end early");
}

static assay_status unzstd(struct work *w, ZSTD_DStream *stream)
{
    ZSTD_inBuffer in = {w->bytes, w->size, 0};
    size_t hint = 1;
    while (in.pos < in.size || hint != 0) {
        ASSAY_TRY(grow(w));
        ZSTD_outBuffer out = {w->out + w->used, w->room - w->used, 0};
        size_t before = in.pos;
        hint = ZSTD_decompressStream(stream, &out, &in);
        w->used += out.pos;
        if (ZSTD_isError(hint) &&
            strcmp(ZSTD_getErrorName(hint), "Frame requires too much memory for decoding") == 0)
            return assay_error_at(w->error, ASSAY_ERROR_UNSUPPORTED, w->path, 0,
                                  "a Zstandard window over 128 MiB (packed with --long?)");
        if (ZSTD_isError(hint))
            return broken(w, in.pos, ZSTD_getErrorName(hint));
        if (in.pos == before && out.pos == 0 && in.pos == in.size)
            return broken(w, in.pos, "Zstandard data end early");
    }
    return grow(w);
}

assay_status unpack(const char *path, const unsigned char *bytes, size_t size, size_t most,
                    struct unpacked *unpacked, struct assay_error *error)
{
    static const unsigned char zstd[4] = {0x28, 0xB5, 0x2F, 0xFD};
    struct work w = {path, bytes, size, most, NULL, 0, 0, error};
    assay_status status = ASSAY_OK;
    *unpacked = (struct unpacked){bytes, size, NULL};
    if (size >= 2 && bytes[0] == 0x1F && bytes[1] == 0x8B) {
        z_stream stream = {0};
        if (inflateInit2(&stream, 15 + 16) != Z_OK)
            return assay_error_at(error, ASSAY_ERROR_MEMORY, path, 0, "out of memory");
        status = gunzip(&w, &stream);
        inflateEnd(&stream);
    } else if (size >= 4 && memcmp(bytes, zstd, 4) == 0) {
        ZSTD_DStream *stream = ZSTD_createDStream();
        if (!stream)
            return assay_error_at(error, ASSAY_ERROR_MEMORY, path, 0, "out of memory");
        status = unzstd(&w, stream);
        ZSTD_freeDStream(stream);
    } else if (size > most) {
        return assay_error_at(error, ASSAY_ERROR_LIMIT, path, 0,
                              "found %zu bytes, expected at most %zu", size, most);
    } else {
        return ASSAY_OK;
    }
    if (status != ASSAY_OK) {
        free(w.out);
        *unpacked = (struct unpacked){bytes, 0, NULL};
        return status;
    }
    *unpacked = (struct unpacked){w.out, w.used, w.out};
    return ASSAY_OK;
}

void unpacked_free(struct unpacked *unpacked)
{
    free(unpacked->owned);
    unpacked->owned = NULL;
}
