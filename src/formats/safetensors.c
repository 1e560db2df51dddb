/* SPDX-License-Identifier: Apache-2.0 */
/*
 * safetensors: a u64 length, a JSON object {name: {dtype, shape, data_offsets}}, the data. The
 * data must be covered without holes or overlap. Source: the format section of the safetensors
 * README (github.com/huggingface/safetensors, read November 2026).
 */
#include "formats/checkpoint.h"

#include "base/json.h"

#include <stdlib.h>
#include <string.h>

#define MOST_HEADER 100000000

static enum assay_dtype dtype_of(const char *name)
{
    static const enum assay_dtype plain[] = {
        ASSAY_DTYPE_F64,     ASSAY_DTYPE_F32,     ASSAY_DTYPE_F16,         ASSAY_DTYPE_BF16,
        ASSAY_DTYPE_F8_E4M3, ASSAY_DTYPE_F8_E5M2, ASSAY_DTYPE_F8_E4M3FNUZ, ASSAY_DTYPE_F8_E5M2FNUZ,
        ASSAY_DTYPE_F8_E8M0, ASSAY_DTYPE_F4,      ASSAY_DTYPE_F6_E2M3,     ASSAY_DTYPE_F6_E3M2,
        ASSAY_DTYPE_I64,     ASSAY_DTYPE_I32,     ASSAY_DTYPE_I16,         ASSAY_DTYPE_I8,
        ASSAY_DTYPE_U64,     ASSAY_DTYPE_U32,     ASSAY_DTYPE_U16,         ASSAY_DTYPE_U8,
        ASSAY_DTYPE_BOOL};
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
        if (strcmp(name, assay_dtype_name(plain[i])) == 0)
            return plain[i];
    return ASSAY_DTYPE_OTHER;
}

static bool whole(const json_t *value, uint64_t *number)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return false;
    *number = (uint64_t)json_integer_value(value);
    return true;
}

struct span {
    uint64_t begin, end;
};

static int by_begin(const void *a, const void *b)
{
    const struct span *x = a, *y = b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return (x->end > y->end) - (x->end < y->end);
}

/* Data that no tensor covers could hide anything; data that two cover is a trick. */
static assay_status check_cover(struct checkpoint_draft *draft, struct span *spans, size_t count,
                                uint64_t base)
{
    uint64_t at = 0;
    if (count)
        qsort(spans, count, sizeof *spans, by_begin);
    for (size_t i = 0; i < count; i++) {
        if (spans[i].begin != at)
            return checkpoint_refuse(
                draft, base + at, "data %s before the tensor at data byte %llu",
                spans[i].begin > at ? "that belongs to no tensor" : "of two tensors overlaps",
                (unsigned long long)spans[i].begin);
        at = spans[i].end;
    }
    if (at != draft->size - base)
        return checkpoint_refuse(draft, base + at, "%llu bytes follow the last tensor",
                                 (unsigned long long)(draft->size - base - at));
    return ASSAY_OK;
}

static assay_status add(struct checkpoint_draft *draft, const char *name, const json_t *entry,
                        uint64_t base, struct span *span)
{
    struct assay_arena *arena = draft->checkpoint->arena;
    struct assay_tensor t = {0};
    const char *dtype = json_string_value(json_object_get(entry, "dtype"));
    const json_t *shape = json_object_get(entry, "shape");
    const json_t *offsets = json_object_get(entry, "data_offsets");
    if (!dtype || !json_is_array(shape) || !json_is_array(offsets) || json_array_size(offsets) != 2)
        return checkpoint_refuse(draft, 8, "tensor \"%.100s\": expected dtype, shape, data_offsets",
                                 name);
    if (json_array_size(shape) > ASSAY_TENSOR_MOST_RANK)
        return checkpoint_refuse(draft, 8, "tensor \"%.100s\": rank %zu, expected at most %d", name,
                                 json_array_size(shape), ASSAY_TENSOR_MOST_RANK);
    t.name = assay_arena_copy(arena, name);
    t.stored_as = assay_arena_copy(arena, dtype);
    if (!t.name || !t.stored_as)
        return checkpoint_no_memory(draft);
    t.dtype = dtype_of(dtype);
    t.rank = (int)json_array_size(shape);
    for (int i = 0; i < t.rank; i++)
        if (!whole(json_array_get(shape, (size_t)i), &t.shape[i]))
            return checkpoint_refuse(draft, 8, "tensor \"%.100s\": a size that is no whole number",
                                     name);
    if (!whole(json_array_get(offsets, 0), &span->begin) ||
        !whole(json_array_get(offsets, 1), &span->end) || span->end < span->begin ||
        span->end > draft->size - base)
        return checkpoint_refuse(draft, 8, "tensor \"%.100s\": data_offsets outside the file",
                                 name);
    uint64_t elements, bytes;
    if (t.dtype == ASSAY_DTYPE_OTHER)
        t.unreadable = assay_arena_print(arena, "type %.40s is not supported", dtype);
    else if (!checkpoint_elements(t.rank, t.shape, &elements) ||
             !checkpoint_bytes(t.dtype, elements, &bytes) || bytes != span->end - span->begin)
        return checkpoint_refuse(draft, base + span->begin,
                                 "tensor \"%.100s\": its shape and type do not make %llu bytes",
                                 name, (unsigned long long)(span->end - span->begin));
    t.offset = base + span->begin;
    return checkpoint_add(draft, &t);
}

static assay_status entries(struct checkpoint_draft *draft, json_t *root, uint64_t base,
                            struct span *spans, size_t *count)
{
    const char *name;
    json_t *entry;
    json_object_foreach(root, name, entry)
    {
        if (strcmp(name, "__metadata__") == 0) {
            const char *key;
            json_t *value;
            json_object_foreach(entry, key, value)
            {
                if (json_is_string(value))
                    ASSAY_TRY(checkpoint_note(draft, key, json_string_value(value),
                                              json_string_length(value)));
            }
            continue;
        }
        ASSAY_TRY(add(draft, name, entry, base, &spans[*count]));
        ++*count;
    }
    return ASSAY_OK;
}

assay_status safetensors_read(struct checkpoint_draft *draft)
{
    uint64_t length;
    json_t *root;
    if (draft->size < 8)
        return checkpoint_refuse(draft, 0, "%zu bytes are too few for a header", draft->size);
    memcpy(&length, draft->bytes, 8);
    if (length > MOST_HEADER || length > draft->size - 8)
        return checkpoint_refuse(draft, 0, "a header of %llu bytes in a file of %zu",
                                 (unsigned long long)length, draft->size);
    if (length == 0 || draft->bytes[8] != '{')
        return checkpoint_refuse(draft, 8, "expected '{'");
    ASSAY_TRY(json_parse(draft->path, draft->bytes + 8, (size_t)length, &root, draft->error));
    if (!json_is_object(root)) {
        json_decref(root);
        return checkpoint_refuse(draft, 8, "expected an object");
    }
    size_t count = 0;
    struct span *spans = calloc(json_object_size(root) + 1, sizeof *spans);
    assay_status status =
        spans ? entries(draft, root, 8 + length, spans, &count) : checkpoint_no_memory(draft);
    if (status == ASSAY_OK)
        status = check_cover(draft, spans, count, 8 + length);
    free(spans);
    json_decref(root);
    return status;
}
