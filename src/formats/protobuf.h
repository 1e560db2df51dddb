/* SPDX-License-Identifier: Apache-2.0 */
/*
 * protobuf: the wire format's fields, one at a time, by offsets into the file. Source: Protocol
 * Buffers documentation, "Encoding". Groups (wire types 3 and 4) are refused.
 */
#ifndef FORMATS_PROTOBUF_H
#define FORMATS_PROTOBUF_H

#include <assay/base.h>

#include <string.h>

struct protobuf_cursor {
    const unsigned char *bytes;
    uint64_t at, end; /* offsets in the file */
};

struct protobuf_bytes {
    uint64_t offset, size;
};

struct protobuf_field {
    uint64_t id;
    int wire;        /* 0: number; 1, 5: fixed 8, 4 bytes; 2: bytes */
    uint64_t number; /* wire 0 */
    struct protobuf_bytes bytes;
    uint64_t offset; /* of the field's tag */
};

static inline bool protobuf_varint(struct protobuf_cursor *c, uint64_t *value)
{
    *value = 0;
    for (int shift = 0; shift < 64 && c->at < c->end; shift += 7) {
        unsigned char byte = c->bytes[c->at++];
        *value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return true;
    }
    return false;
}

/* The next field; false, with the cursor at the fault, if it is malformed. */
static inline bool protobuf_next(struct protobuf_cursor *c, struct protobuf_field *field)
{
    uint64_t tag, start = c->at;
    memset(field, 0, sizeof *field);
    field->offset = start;
    if (!protobuf_varint(c, &tag) || tag >> 3 == 0)
        return false;
    field->id = tag >> 3;
    field->wire = (int)(tag & 7);
    if (field->wire == 0)
        return protobuf_varint(c, &field->number);
    if (field->wire == 1)
        field->bytes.size = 8;
    else if (field->wire == 5)
        field->bytes.size = 4;
    else if (field->wire != 2 || !protobuf_varint(c, &field->bytes.size))
        return false;
    if (field->bytes.size > c->end - c->at)
        return false;
    field->bytes.offset = c->at;
    c->at += field->bytes.size;
    return true;
}

static inline struct protobuf_cursor protobuf_inside(const unsigned char *bytes,
                                                     const struct protobuf_field *field)
{
    return (struct protobuf_cursor){bytes, field->bytes.offset,
                                    field->bytes.offset + field->bytes.size};
}

/* Bytes as text in the arena, control characters and NUL as '?'. */
static inline char *protobuf_text(const unsigned char *bytes, struct protobuf_bytes span,
                                  struct assay_arena *arena)
{
    char *text =
        assay_arena_copy_bytes(arena, (const char *)bytes + span.offset, (size_t)span.size);
    for (uint64_t i = 0; text && i < span.size; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            text[i] = '?';
    return text;
}

#endif
