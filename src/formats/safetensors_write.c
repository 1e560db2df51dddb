/* SPDX-License-Identifier: Apache-2.0 */
/* Writing safetensors: header, padding to 8 bytes with spaces, data in the order given. */
#include "formats/checkpoint.h"

#include "base/json.h"

#include <stdlib.h>
#include <string.h>

static bool size_of(const struct assay_tensor_out *t, uint64_t *bytes)
{
    size_t block, width;
    uint64_t elements;
    assay_dtype_block(t->dtype, &block, &width);
    return block == 1 && width > 0 && t->rank >= 0 && t->rank <= ASSAY_TENSOR_MOST_RANK &&
           checkpoint_elements(t->rank, t->shape, &elements) &&
           checkpoint_bytes(t->dtype, elements, bytes);
}

static json_t *entry(const struct assay_tensor_out *t, uint64_t begin, uint64_t end)
{
    json_t *shape = json_array(), *offsets = json_array(), *object = json_object();
    for (int i = 0; i < t->rank; i++)
        json_array_append_new(shape, json_integer((json_int_t)t->shape[i]));
    json_array_append_new(offsets, json_integer((json_int_t)begin));
    json_array_append_new(offsets, json_integer((json_int_t)end));
    json_set_text(object, "dtype", assay_dtype_name(t->dtype));
    json_object_set_new(object, "shape", shape);
    json_object_set_new(object, "data_offsets", offsets);
    return object;
}

static assay_status header(const char *path, const struct assay_tensor_out *tensors, size_t count,
                           const struct assay_checkpoint_note *notes, size_t note_count,
                           json_t *root, uint64_t *total, struct assay_error *error)
{
    json_t *metadata = json_object();
    for (size_t i = 0; i < note_count; i++)
        json_set_text(metadata, notes[i].key, notes[i].value);
    if (note_count)
        json_object_set_new(root, "__metadata__", metadata);
    else
        json_decref(metadata);
    *total = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t bytes, end;
        if (!size_of(&tensors[i], &bytes) || __builtin_add_overflow(*total, bytes, &end))
            return assay_error_at(error, ASSAY_ERROR_INPUT, path, 0,
                                  "tensor \"%.100s\" cannot be written: a block type, or too large",
                                  tensors[i].name);
        if (json_object_get(root, tensors[i].name))
            return assay_error_at(error, ASSAY_ERROR_INPUT, path, 0,
                                  "two tensors are named \"%.100s\"", tensors[i].name);
        if (json_object_set_new(root, tensors[i].name, entry(&tensors[i], *total, end)) != 0)
            return assay_error_at(error, ASSAY_ERROR_INPUT, path, 0,
                                  "tensor \"%.100s\": its name is not UTF-8, or memory is short",
                                  tensors[i].name);
        *total = end;
    }
    return ASSAY_OK;
}

static assay_status write_all(const char *path, const char *text,
                              const struct assay_tensor_out *tensors, size_t count, uint64_t total,
                              struct assay_error *error)
{
    size_t length = strlen(text), padded = (length + 7) / 8 * 8, size;
    if (!assay_size_add(8 + padded, (size_t)total, &size))
        return assay_error_at(error, ASSAY_ERROR_LIMIT, path, 0, "too large for this machine");
    unsigned char *bytes = malloc(size), *at = bytes;
    uint64_t header_size = padded;
    if (!bytes)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, path, 0, "out of memory");
    memcpy(at, &header_size, 8);
    memset(at + 8, ' ', padded);
    memcpy(at + 8, text, length); /* NOLINT(bugprone-not-null-terminated-result): no string */
    at += 8 + padded;
    for (size_t i = 0; i < count; i++) {
        uint64_t part = 0;
        if (size_of(&tensors[i], &part) && part)
            memcpy(at, tensors[i].bytes, (size_t)part);
        at += part;
    }
    assay_status status = assay_file_write(path, bytes, size, error);
    free(bytes);
    return status;
}

assay_status assay_safetensors_write(const char *path, const struct assay_tensor_out *tensors,
                                     size_t count, const struct assay_checkpoint_note *notes,
                                     size_t note_count, struct assay_error *error)
{
    json_t *root = json_object();
    uint64_t total;
    char *text = NULL;
    assay_status status = header(path, tensors, count, notes, note_count, root, &total, error);
    if (status == ASSAY_OK) {
        text = json_dumps(root, JSON_COMPACT);
        status = text ? write_all(path, text, tensors, count, total, error)
                      : assay_error_at(error, ASSAY_ERROR_MEMORY, path, 0, "out of memory");
    }
    free(text);
    json_decref(root);
    return status;
}
