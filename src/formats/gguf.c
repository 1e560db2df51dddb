/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GGUF, versions 2 and 3, little-endian: magic, version, counts, keys with typed values, tensor
 * descriptions, then the data from the next multiple of the alignment. Source: "GGUF", the
 * specification in ggml's docs folder (github.com/ggml-org/ggml, docs/gguf.md, 2025).
 */
#include "formats/gguf.h"
#include "formats/checkpoint.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    enum assay_dtype dtype;
} types[] = {
    [0] = {"F32", ASSAY_DTYPE_F32},
    [1] = {"F16", ASSAY_DTYPE_F16},
    [2] = {"Q4_0", ASSAY_DTYPE_Q4_0},
    [3] = {"Q4_1", ASSAY_DTYPE_Q4_1},
    [6] = {"Q5_0", ASSAY_DTYPE_Q5_0},
    [7] = {"Q5_1", ASSAY_DTYPE_Q5_1},
    [8] = {"Q8_0", ASSAY_DTYPE_Q8_0},
    [9] = {"Q8_1", ASSAY_DTYPE_OTHER},
    [10] = {"Q2_K", ASSAY_DTYPE_Q2_K},
    [11] = {"Q3_K", ASSAY_DTYPE_Q3_K},
    [12] = {"Q4_K", ASSAY_DTYPE_Q4_K},
    [13] = {"Q5_K", ASSAY_DTYPE_Q5_K},
    [14] = {"Q6_K", ASSAY_DTYPE_Q6_K},
    [15] = {"Q8_K", ASSAY_DTYPE_OTHER},
    [16] = {"IQ2_XXS", ASSAY_DTYPE_OTHER},
    [17] = {"IQ2_XS", ASSAY_DTYPE_OTHER},
    [18] = {"IQ3_XXS", ASSAY_DTYPE_OTHER},
    [19] = {"IQ1_S", ASSAY_DTYPE_OTHER},
    [20] = {"IQ4_NL", ASSAY_DTYPE_IQ4_NL},
    [21] = {"IQ3_S", ASSAY_DTYPE_OTHER},
    [22] = {"IQ2_S", ASSAY_DTYPE_OTHER},
    [23] = {"IQ4_XS", ASSAY_DTYPE_IQ4_XS},
    [24] = {"I8", ASSAY_DTYPE_I8},
    [25] = {"I16", ASSAY_DTYPE_I16},
    [26] = {"I32", ASSAY_DTYPE_I32},
    [27] = {"I64", ASSAY_DTYPE_I64},
    [28] = {"F64", ASSAY_DTYPE_F64},
    [29] = {"IQ1_M", ASSAY_DTYPE_OTHER},
    [30] = {"BF16", ASSAY_DTYPE_BF16},
    [31] = {"Q4_0_4_4", ASSAY_DTYPE_OTHER},
    [32] = {"Q4_0_4_8", ASSAY_DTYPE_OTHER},
    [33] = {"Q4_0_8_8", ASSAY_DTYPE_OTHER},
    [34] = {"TQ1_0", ASSAY_DTYPE_OTHER},
    [35] = {"TQ2_0", ASSAY_DTYPE_OTHER},
    [36] = {"IQ4_NL_4_4", ASSAY_DTYPE_OTHER},
    [37] = {"IQ4_NL_4_8", ASSAY_DTYPE_OTHER},
    [38] = {"IQ4_NL_8_8", ASSAY_DTYPE_OTHER},
    [39] = {"MXFP4", ASSAY_DTYPE_MXFP4},
    [40] = {"NVFP4", ASSAY_DTYPE_OTHER},
};

static bool take(struct gguf_cursor *c, void *to, uint64_t size)
{
    if (size > c->size - c->at)
        return false;
    memcpy(to, c->bytes + c->at, (size_t)size);
    c->at += size;
    return true;
}

bool gguf_string(struct gguf_cursor *c, struct gguf_string *string)
{
    if (!take(c, &string->size, 8) || string->size > c->size - c->at)
        return false;
    string->bytes = (const char *)c->bytes + c->at;
    c->at += string->size;
    return true;
}

uint64_t gguf_width(uint32_t type)
{
    static const unsigned char widths[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
    return type < sizeof widths ? widths[type] : 0;
}

static bool skip_array(struct gguf_cursor *c, struct gguf_value *value)
{
    uint64_t bytes;
    struct gguf_string string;
    if (!take(c, &value->element_type, 4) || !take(c, &value->count, 8))
        return false;
    value->elements = c->at;
    if (value->element_type == GGUF_STRING) {
        for (uint64_t i = 0; i < value->count; i++) /* each takes 8 bytes at least */
            if (!gguf_string(c, &string))
                return false;
        return true;
    }
    uint64_t width = gguf_width(value->element_type);
    if (width == 0 || __builtin_mul_overflow(value->count, width, &bytes) ||
        bytes > c->size - c->at)
        return false;
    c->at += bytes;
    return true;
}

bool gguf_pair(struct gguf_cursor *c, struct gguf_string *key, struct gguf_value *value)
{
    memset(value, 0, sizeof *value);
    if (!gguf_string(c, key) || !take(c, &value->type, 4))
        return false;
    if (value->type == GGUF_STRING)
        return gguf_string(c, &value->string);
    if (value->type == GGUF_ARRAY)
        return skip_array(c, value);
    uint64_t width = gguf_width(value->type);
    return width > 0 && take(c, &value->bits, width);
}

static int print_scalar(char *text, size_t size, const struct gguf_value *v)
{
    float single;
    double number;
    memcpy(&single, &v->bits, sizeof single);
    memcpy(&number, &v->bits, sizeof number);
    switch (v->type) {
    case 1:
        return snprintf(text, size, "%d", (int)(int8_t)v->bits);
    case 3:
        return snprintf(text, size, "%d", (int)(int16_t)v->bits);
    case 5:
        return snprintf(text, size, "%" PRId32, (int32_t)v->bits);
    case 6:
        return snprintf(text, size, "%.9g", (double)single);
    case 7:
        return snprintf(text, size, "%s", v->bits ? "true" : "false");
    case 11:
        return snprintf(text, size, "%" PRId64, (int64_t)v->bits);
    case 12:
        return snprintf(text, size, "%.17g", number);
    default:
        return snprintf(text, size, "%" PRIu64, v->bits);
    }
}

/* Control characters as '?', in the arena. */
static char *text_of(struct assay_arena *arena, struct gguf_string string)
{
    char *text = assay_arena_copy_bytes(arena, string.bytes, (size_t)string.size);
    for (uint64_t i = 0; text && i < string.size; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            text[i] = '?';
    return text;
}

static assay_status note(struct checkpoint_draft *draft, struct gguf_string key,
                         const struct gguf_value *value)
{
    char text[64];
    struct gguf_string string = value->string;
    char *name = text_of(draft->checkpoint->arena, key);
    if (!name)
        return checkpoint_no_memory(draft);
    if (value->type != GGUF_STRING) {
        string.bytes = text;
        string.size =
            (uint64_t)(value->type == GGUF_ARRAY
                           ? snprintf(text, sizeof text, "[%" PRIu64 " values]", value->count)
                           : print_scalar(text, sizeof text, value));
    }
    return checkpoint_note(draft, name, string.bytes, (size_t)string.size);
}

static assay_status tensor(struct checkpoint_draft *draft, struct gguf_cursor *c, uint64_t *offset)
{
    struct assay_tensor t = {0};
    struct gguf_string name;
    uint32_t rank, type;
    uint64_t start = c->at, sizes[ASSAY_TENSOR_MOST_RANK];
    size_t block, bytes;
    if (!gguf_string(c, &name) || !take(c, &rank, 4) || rank > ASSAY_TENSOR_MOST_RANK ||
        !take(c, sizes, 8 * rank) || !take(c, &type, 4) || !take(c, offset, 8))
        return checkpoint_refuse(draft, start, "a tensor description that does not fit the file");
    t.name = text_of(draft->checkpoint->arena, name);
    if (!t.name)
        return checkpoint_no_memory(draft);
    bool known = type < sizeof types / sizeof types[0] && types[type].name;
    t.stored_as = known ? types[type].name
                        : assay_arena_print(draft->checkpoint->arena, "type %" PRIu32, type);
    t.dtype = known ? types[type].dtype : ASSAY_DTYPE_OTHER;
    t.rank = (int)rank;
    for (uint32_t i = 0; i < rank; i++)
        t.shape[i] = sizes[rank - 1 - i];
    t.offset = *offset;
    if (t.dtype == ASSAY_DTYPE_OTHER)
        t.unreadable =
            assay_arena_print(draft->checkpoint->arena, "type %s is not supported", t.stored_as);
    assay_dtype_block(t.dtype, &block, &bytes);
    if (rank && sizes[0] % block)
        return checkpoint_refuse(
            draft, start, "tensor \"%.100s\": rows of %" PRIu64 " are no whole number of %s blocks",
            t.name, sizes[0], t.stored_as);
    t.bytes = draft->bytes; /* placed below, when the data's start is known */
    t.contiguous = true;
    return checkpoint_add(draft, &t);
}

/* Tensors from `first` on: those before stand in other files of a split. */
static assay_status place_all(struct checkpoint_draft *draft, size_t first, uint64_t start,
                              uint64_t alignment)
{
    struct assay_checkpoint *checkpoint = draft->checkpoint;
    for (size_t i = first; i < checkpoint->count; i++) {
        struct assay_tensor *t = &checkpoint->tensors[i];
        uint64_t bytes = 0, at;
        if (t->offset % alignment)
            return checkpoint_refuse(draft, t->offset,
                                     "tensor \"%.100s\" is not aligned to %" PRIu64, t->name,
                                     alignment);
        if (__builtin_add_overflow(start, t->offset, &at) ||
            !checkpoint_bytes(t->dtype, t->elements, &bytes) || at > draft->size ||
            bytes > draft->size - at)
            return checkpoint_refuse(draft, t->offset,
                                     "tensor \"%.100s\" reaches beyond the file's %zu bytes",
                                     t->name, draft->size);
        t->offset = at;
        t->size = (size_t)bytes;
        t->bytes = t->unreadable ? NULL : draft->bytes + at;
    }
    return ASSAY_OK;
}

static int by_offset(const void *a, const void *b)
{
    const struct assay_tensor *const *x = a, *const *y = b;
    if ((*x)->offset != (*y)->offset)
        return (*x)->offset < (*y)->offset ? -1 : 1;
    return ((*x)->size > (*y)->size) - ((*x)->size < (*y)->size);
}

/* Data that two tensors share would be read twice for one file's worth. */
static assay_status check_overlap(struct checkpoint_draft *draft, size_t first)
{
    struct assay_checkpoint *c = draft->checkpoint;
    size_t count = c->count - first;
    const struct assay_tensor **sorted = malloc((count + 1) * sizeof *sorted);
    assay_status status = ASSAY_OK;
    if (!sorted)
        return checkpoint_no_memory(draft);
    for (size_t i = 0; i < count; i++)
        sorted[i] = &c->tensors[first + i];
    qsort(sorted, count, sizeof *sorted, by_offset);
    for (size_t i = 1; i < count && status == ASSAY_OK; i++)
        if (sorted[i]->offset < sorted[i - 1]->offset + sorted[i - 1]->size)
            status = checkpoint_refuse(draft, sorted[i]->offset,
                                       "tensors \"%.100s\" and \"%.100s\" overlap",
                                       sorted[i - 1]->name, sorted[i]->name);
    free(sorted);
    return status;
}

bool gguf_start(struct gguf_cursor *c, const unsigned char *bytes, size_t size,
                struct gguf_header *header)
{
    uint32_t magic;
    *c = (struct gguf_cursor){bytes, 0, size};
    return take(c, &magic, 4) && take(c, &header->version, 4) && take(c, &header->tensors, 8) &&
           take(c, &header->pairs, 8);
}

static bool is_alignment(struct gguf_string key)
{
    static const char name[] = "general.alignment";
    return key.size == sizeof name - 1 && memcmp(key.bytes, name, sizeof name - 1) == 0;
}

assay_status gguf_read(struct checkpoint_draft *draft)
{
    struct gguf_cursor c;
    struct gguf_header header;
    struct gguf_string key;
    struct gguf_value value;
    uint64_t alignment = 32, offset;
    size_t first = draft->checkpoint->count;
    if (!gguf_start(&c, draft->bytes, draft->size, &header))
        return checkpoint_refuse(draft, 0, "%zu bytes are too few for a header", draft->size);
    if (header.version == 0x02000000 || header.version == 0x03000000)
        return assay_error_at_offset(draft->error, ASSAY_ERROR_UNSUPPORTED, draft->path, 4,
                                     "a big-endian GGUF file: convert it to little-endian "
                                     "(gguf-py's gguf_convert_endian)");
    if (header.version != 2 && header.version != 3)
        return checkpoint_refuse(draft, 4, "GGUF version %" PRIu32 ", expected 2 or 3",
                                 header.version);
    for (uint64_t i = 0; i < header.pairs; i++) {
        uint64_t at = c.at;
        if (!gguf_pair(&c, &key, &value))
            return checkpoint_refuse(draft, at,
                                     "key %" PRIu64 " of %" PRIu64
                                     " does not fit the file, or has an unknown type",
                                     i + 1, header.pairs);
        if (is_alignment(key))
            alignment = value.bits;
        ASSAY_TRY(note(draft, key, &value));
    }
    if (alignment == 0 || alignment > 1u << 20 || alignment & (alignment - 1))
        return checkpoint_refuse(draft, 24, "an alignment of %" PRIu64, alignment);
    for (uint64_t i = 0; i < header.tensors; i++)
        ASSAY_TRY(tensor(draft, &c, &offset));
    ASSAY_TRY(place_all(draft, first, (c.at + alignment - 1) / alignment * alignment, alignment));
    return check_overlap(draft, first);
}
