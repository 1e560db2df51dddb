/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ONNX: the initializers and Constant tensors of a ModelProto, those of nested graphs included,
 * and which operator uses each. A small protobuf reader that never allocates more than the file
 * holds. Source: field numbers of onnx.proto (github.com/onnx/onnx, versions 1.16 to 1.19).
 */
#include "formats/checkpoint.h"
#include "formats/protobuf.h"

#include <stdlib.h>
#include <string.h>

#define DEEPEST 16

/* ---- one TensorProto ------------------------------------------------------------------------ */

struct tensor_proto {
    struct assay_tensor tensor;
    uint64_t type;
    struct protobuf_bytes name, raw, packed; /* packed: float_data, double_data */
    struct protobuf_bytes varints;           /* int32_data, int64_data, uint64_data */
    bool external;
};

static enum assay_dtype dtype_of(uint64_t type, const char **word)
{
    static const struct {
        enum assay_dtype dtype;
        const char *word;
    } types[] = {
        {ASSAY_DTYPE_OTHER, "UNDEFINED"},
        {ASSAY_DTYPE_F32, "FLOAT"},
        {ASSAY_DTYPE_U8, "UINT8"},
        {ASSAY_DTYPE_I8, "INT8"},
        {ASSAY_DTYPE_U16, "UINT16"},
        {ASSAY_DTYPE_I16, "INT16"},
        {ASSAY_DTYPE_I32, "INT32"},
        {ASSAY_DTYPE_I64, "INT64"},
        {ASSAY_DTYPE_OTHER, "STRING"},
        {ASSAY_DTYPE_BOOL, "BOOL"},
        {ASSAY_DTYPE_F16, "FLOAT16"},
        {ASSAY_DTYPE_F64, "DOUBLE"},
        {ASSAY_DTYPE_U32, "UINT32"},
        {ASSAY_DTYPE_U64, "UINT64"},
        {ASSAY_DTYPE_OTHER, "COMPLEX64"},
        {ASSAY_DTYPE_OTHER, "COMPLEX128"},
        {ASSAY_DTYPE_BF16, "BFLOAT16"},
        {ASSAY_DTYPE_F8_E4M3, "FLOAT8E4M3FN"},
        {ASSAY_DTYPE_F8_E4M3FNUZ, "FLOAT8E4M3FNUZ"},
        {ASSAY_DTYPE_F8_E5M2, "FLOAT8E5M2"},
        {ASSAY_DTYPE_F8_E5M2FNUZ, "FLOAT8E5M2FNUZ"},
        {ASSAY_DTYPE_OTHER, "UINT4"},
        {ASSAY_DTYPE_OTHER, "INT4"},
        {ASSAY_DTYPE_F4, "FLOAT4E2M1"},
        {ASSAY_DTYPE_F8_E8M0, "FLOAT8E8M0"},
    };
    bool known = type < sizeof types / sizeof types[0];
    *word = known ? types[type].word : "unknown";
    return known ? types[type].dtype : ASSAY_DTYPE_OTHER;
}

static assay_status dimension(struct checkpoint_draft *draft, struct assay_tensor *t,
                              uint64_t offset, uint64_t size)
{
    if (t->rank == ASSAY_TENSOR_MOST_RANK)
        return checkpoint_refuse(draft, offset, "a tensor of more than %d dimensions",
                                 ASSAY_TENSOR_MOST_RANK);
    t->shape[t->rank++] = size;
    return ASSAY_OK;
}

static assay_status dimensions(struct checkpoint_draft *draft, struct assay_tensor *t,
                               const struct protobuf_field *field)
{
    if (field->wire == 0)
        return dimension(draft, t, field->offset, field->number);
    struct protobuf_cursor inside = protobuf_inside(draft->bytes, field);
    uint64_t size;
    while (inside.at < inside.end) {
        if (!protobuf_varint(&inside, &size))
            return checkpoint_refuse(draft, inside.at, "a dimension that does not end");
        ASSAY_TRY(dimension(draft, t, inside.at, size));
    }
    return ASSAY_OK;
}

static assay_status parse_tensor(struct checkpoint_draft *draft,
                                 const struct protobuf_field *message, struct tensor_proto *p)
{
    struct protobuf_cursor cursor = protobuf_inside(draft->bytes, message);
    struct protobuf_field field;
    memset(p, 0, sizeof *p);
    while (cursor.at < cursor.end) {
        if (!protobuf_next(&cursor, &field))
            return checkpoint_refuse(draft, cursor.at, "a malformed tensor field");
        if (field.id == 1)
            ASSAY_TRY(dimensions(draft, &p->tensor, &field));
        else if (field.id == 2 && field.wire == 0)
            p->type = field.number;
        else if (field.id == 8 && field.wire == 2)
            p->name = field.bytes;
        else if (field.id == 9 && field.wire == 2)
            p->raw = field.bytes;
        else if ((field.id == 4 || field.id == 10) && field.wire == 2)
            p->packed = field.bytes;
        else if ((field.id == 5 || field.id == 7 || field.id == 11) && field.wire == 2)
            p->varints = field.bytes;
        else if (field.id == 14)
            p->external = field.number == 1;
    }
    return ASSAY_OK;
}

/* int32_data and its like hold one varint an element, of at least one byte each. */
static assay_status unpack(struct checkpoint_draft *draft, struct tensor_proto *p,
                           uint64_t elements)
{
    size_t block, width;
    struct protobuf_cursor inside = {draft->bytes, p->varints.offset,
                                     p->varints.offset + p->varints.size};
    assay_dtype_block(p->tensor.dtype, &block, &width);
    if (elements > p->varints.size)
        return checkpoint_refuse(draft, p->varints.offset, "%llu elements in %llu bytes",
                                 (unsigned long long)elements, (unsigned long long)p->varints.size);
    unsigned char *bytes = assay_arena_alloc(draft->checkpoint->arena, (size_t)elements, width);
    if (!bytes)
        return checkpoint_no_memory(draft);
    for (uint64_t i = 0; i < elements; i++) {
        uint64_t value;
        if (!protobuf_varint(&inside, &value))
            return checkpoint_refuse(draft, inside.at, "tensor data that ends early");
        memcpy(bytes + i * width, &value, width);
    }
    p->tensor.bytes = bytes;
    p->tensor.size = (size_t)elements * width;
    p->tensor.contiguous = true;
    p->tensor.offset = p->varints.offset;
    return ASSAY_OK;
}

static assay_status add(struct checkpoint_draft *draft, struct tensor_proto *p,
                        struct protobuf_bytes name)
{
    struct assay_arena *arena = draft->checkpoint->arena;
    struct assay_tensor *t = &p->tensor;
    uint64_t elements, bytes;
    t->dtype = dtype_of(p->type, &t->stored_as);
    t->name = protobuf_text(draft->bytes, name, arena);
    t->offset = p->raw.offset;
    if (!t->name)
        return checkpoint_no_memory(draft);
    if (!checkpoint_elements(t->rank, t->shape, &elements))
        return checkpoint_refuse(draft, name.offset, "tensor \"%.100s\": its shape overflows",
                                 t->name);
    if (t->dtype == ASSAY_DTYPE_OTHER) {
        t->unreadable = assay_arena_print(arena, "type %s is not supported", t->stored_as);
        return checkpoint_add(draft, t);
    }
    if (t->dtype == ASSAY_DTYPE_F4 && elements % 2) {
        t->unreadable = "an odd number of 4-bit elements is not supported";
        return checkpoint_add(draft, t);
    }
    if (p->external) {
        t->unreadable = "its data stand in another file, which Assay does not follow";
        return checkpoint_add(draft, t);
    }
    struct protobuf_bytes data = p->raw.size ? p->raw : p->packed;
    if (!data.size && p->varints.size) {
        ASSAY_TRY(unpack(draft, p, elements));
    } else {
        if (!checkpoint_bytes(t->dtype, elements, &bytes) || bytes != data.size)
            return checkpoint_refuse(draft, data.offset,
                                     "tensor \"%.100s\": its shape and type do not make %llu bytes",
                                     t->name, (unsigned long long)data.size);
        t->offset = data.offset;
    }
    return checkpoint_add(draft, t);
}

/* ---- graphs ------------------------------------------------------------------------------------
 */

struct use_entry {
    const char *op;
    enum assay_tensor_use use;
};

static const struct use_entry uses[] = {
    {"MatMul", ASSAY_USE_MATMUL},  {"Gather", ASSAY_USE_GATHER}, {"Conv", ASSAY_USE_CONVOLUTION},
    {"LSTM", ASSAY_USE_RECURRENT}, {"GRU", ASSAY_USE_RECURRENT}, {"RNN", ASSAY_USE_RECURRENT},
};

struct walk {
    struct checkpoint_draft *draft;
    struct assay_tensor **sorted; /* NULL while tensors are collected */
};

static assay_status graph(struct walk *walk, const struct protobuf_field *message, int depth);

/* The first tensor in a node's attributes is its output, which then has no size left. */
static assay_status attribute(struct walk *walk, const struct protobuf_field *message,
                              struct protobuf_bytes *output, int depth)
{
    struct protobuf_cursor cursor = protobuf_inside(walk->draft->bytes, message);
    struct protobuf_field field;
    struct tensor_proto p;
    while (cursor.at < cursor.end) {
        if (!protobuf_next(&cursor, &field))
            return checkpoint_refuse(walk->draft, cursor.at, "a malformed attribute");
        if (field.wire != 2)
            continue;
        if (field.id == 5 && !walk->sorted && output->size) {
            ASSAY_TRY(parse_tensor(walk->draft, &field, &p));
            ASSAY_TRY(add(walk->draft, &p, *output));
            output->size = 0; /* a name for one tensor: else a short file makes long names */
        } else if (field.id == 6 || field.id == 11) {
            ASSAY_TRY(graph(walk, &field, depth + 1));
        }
    }
    return ASSAY_OK;
}

static struct assay_tensor *find(struct walk *walk, struct protobuf_bytes name)
{
    size_t low = 0, high = walk->draft->checkpoint->count;
    const unsigned char *wanted = walk->draft->bytes + name.offset;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const char *own = walk->sorted[middle]->name;
        size_t size = strlen(own); /* `wanted` may hold NUL */
        int order = memcmp(own, wanted, size < name.size ? size : (size_t)name.size);
        if (order == 0)
            order = (size > name.size) - (size < name.size);
        if (order == 0)
            return walk->sorted[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static enum assay_tensor_use use_of(struct walk *walk, struct protobuf_bytes op)
{
    for (size_t i = 0; i < sizeof uses / sizeof uses[0]; i++)
        if (strlen(uses[i].op) == op.size &&
            memcmp(uses[i].op, walk->draft->bytes + op.offset, op.size) == 0)
            return uses[i].use;
    return ASSAY_USE_OTHER;
}

static assay_status node(struct walk *walk, const struct protobuf_field *message, int depth)
{
    struct protobuf_cursor cursor = protobuf_inside(walk->draft->bytes, message);
    struct protobuf_field field;
    struct protobuf_bytes output = {0, 0}, op = {0, 0};
    while (cursor.at < cursor.end) {
        if (!protobuf_next(&cursor, &field))
            return checkpoint_refuse(walk->draft, cursor.at, "a malformed node");
        if (field.id == 2 && field.wire == 2 && !output.size)
            output = field.bytes;
        else if (field.id == 4 && field.wire == 2)
            op = field.bytes;
    }
    enum assay_tensor_use use = use_of(walk, op);
    cursor = protobuf_inside(walk->draft->bytes, message);
    while (cursor.at < cursor.end && protobuf_next(&cursor, &field)) {
        if (field.id == 5 && field.wire == 2)
            ASSAY_TRY(attribute(walk, &field, &output, depth));
        struct assay_tensor *t =
            walk->sorted && field.id == 1 && field.wire == 2 ? find(walk, field.bytes) : NULL;
        if (t && (t->use == ASSAY_USE_UNKNOWN || t->use == ASSAY_USE_OTHER))
            t->use = use;
    }
    return ASSAY_OK;
}

static assay_status graph(struct walk *walk, const struct protobuf_field *message, int depth)
{
    struct protobuf_cursor cursor = protobuf_inside(walk->draft->bytes, message);
    struct protobuf_field field;
    struct tensor_proto p;
    if (depth > DEEPEST)
        return checkpoint_refuse(walk->draft, message->offset, "graphs nested deeper than %d",
                                 DEEPEST);
    while (cursor.at < cursor.end) {
        if (!protobuf_next(&cursor, &field))
            return checkpoint_refuse(walk->draft, cursor.at, "a malformed graph field");
        if (field.id == 1 && field.wire == 2) {
            ASSAY_TRY(node(walk, &field, depth));
        } else if (field.id == 5 && field.wire == 2 && !walk->sorted) {
            ASSAY_TRY(parse_tensor(walk->draft, &field, &p));
            ASSAY_TRY(add(walk->draft, &p, p.name));
        }
    }
    return ASSAY_OK;
}

static assay_status model(struct walk *walk)
{
    struct protobuf_cursor cursor = {walk->draft->bytes, 0, walk->draft->size};
    struct protobuf_field field;
    while (cursor.at < cursor.end) {
        if (!protobuf_next(&cursor, &field))
            return checkpoint_refuse(walk->draft, cursor.at, "a malformed model field");
        if (field.id == 7 && field.wire == 2)
            ASSAY_TRY(graph(walk, &field, 0));
        else if (field.id == 2 && field.wire == 2 && !walk->sorted)
            ASSAY_TRY(checkpoint_note(walk->draft, "producer",
                                      (const char *)walk->draft->bytes + field.bytes.offset,
                                      (size_t)field.bytes.size));
    }
    return ASSAY_OK;
}

static int by_name(const void *a, const void *b)
{
    const struct assay_tensor *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

assay_status onnx_read(struct checkpoint_draft *draft)
{
    struct walk walk = {.draft = draft};
    struct assay_checkpoint *c = draft->checkpoint;
    ASSAY_TRY(model(&walk));
    walk.sorted = malloc((c->count + 1) * sizeof *walk.sorted);
    if (!walk.sorted)
        return checkpoint_no_memory(draft);
    for (size_t i = 0; i < c->count; i++)
        walk.sorted[i] = &c->tensors[i];
    qsort(walk.sorted, c->count, sizeof *walk.sorted, by_name);
    assay_status status = model(&walk);
    free(walk.sorted);
    return status;
}
