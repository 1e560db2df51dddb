/* SPDX-License-Identifier: Apache-2.0 */
/* gguf: walking a GGUF file's keys; shared by the readers of weights and of vocabularies. */
#ifndef FORMATS_GGUF_H
#define FORMATS_GGUF_H

#include <assay/base.h>

enum { GGUF_STRING = 8, GGUF_ARRAY = 9 };

struct gguf_cursor {
    const unsigned char *bytes;
    uint64_t at, size;
};

struct gguf_header {
    uint32_t version;
    uint64_t tensors, pairs;
};

struct gguf_string {
    const char *bytes; /* not terminated */
    uint64_t size;
};

struct gguf_value {
    uint32_t type;
    uint64_t bits; /* of a scalar */
    struct gguf_string string;
    uint32_t element_type; /* of an array, which starts at `elements` */
    uint64_t count, elements;
};

/* Each is false where the file ends too early or a type is unknown. */
bool gguf_start(struct gguf_cursor *c, const unsigned char *bytes, size_t size,
                struct gguf_header *header);
bool gguf_pair(struct gguf_cursor *c, struct gguf_string *key, struct gguf_value *value);
bool gguf_string(struct gguf_cursor *c, struct gguf_string *string);

/* Bytes of a scalar type; 0 for strings, arrays and unknown types. */
uint64_t gguf_width(uint32_t type);

#endif
