/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PyTorch's zip: NAME/data.pkl describes tensors, NAME/data/KEY holds a storage, stored without
 * compression. Source: "Serialization semantics" of the PyTorch documentation, and the files
 * themselves. Tensors are named by the path of dictionary keys and attributes that leads to them.
 */
#include "formats/checkpoint.h"
#include "formats/pickle.h"
#include "formats/zip.h"

#include <stdio.h>
#include <string.h>

#define DEEPEST 64
#define MOST_PICKLE 8388608 /* a value takes some 80 bytes in memory, an opcode 1 in the file */

struct reading {
    struct checkpoint_draft *draft;
    struct zip zip;
    const char *prefix; /* of entry names: "archive/" */
    size_t prefix_size;
    uint64_t steps_left; /* sharing may make a small pickle a large tree */
    uint64_t tensors_left;
};

static const struct {
    const char *name;
    enum assay_dtype dtype;
} storages[] = {
    {"torch FloatStorage", ASSAY_DTYPE_F32},
    {"torch HalfStorage", ASSAY_DTYPE_F16},
    {"torch BFloat16Storage", ASSAY_DTYPE_BF16},
    {"torch DoubleStorage", ASSAY_DTYPE_F64},
    {"torch LongStorage", ASSAY_DTYPE_I64},
    {"torch IntStorage", ASSAY_DTYPE_I32},
    {"torch ShortStorage", ASSAY_DTYPE_I16},
    {"torch CharStorage", ASSAY_DTYPE_I8},
    {"torch ByteStorage", ASSAY_DTYPE_U8},
    {"torch BoolStorage", ASSAY_DTYPE_BOOL},
    /* what _rebuild_tensor_v3 states beside an untyped storage */
    {"torch float8_e4m3fn", ASSAY_DTYPE_F8_E4M3},
    {"torch float8_e5m2", ASSAY_DTYPE_F8_E5M2},
    {"torch float8_e4m3fnuz", ASSAY_DTYPE_F8_E4M3FNUZ},
    {"torch float8_e5m2fnuz", ASSAY_DTYPE_F8_E5M2FNUZ},
    {"torch float8_e8m0fnu", ASSAY_DTYPE_F8_E8M0},
    {"torch uint16", ASSAY_DTYPE_U16},
    {"torch uint32", ASSAY_DTYPE_U32},
    {"torch uint64", ASSAY_DTYPE_U64},
};

/* ---- one tensor ---------------------------------------------------------------------------------
 */

/* A storage's tuple: ("storage", type, key, device, elements). `stated`: a type beside it. */
static assay_status find_storage(struct reading *r, const struct pickle_value *storage,
                                 const struct pickle_value *stated, struct assay_tensor *t,
                                 const struct zip_entry **entry)
{
    const struct pickle_value *id = pickle_item(storage, 0), *type = pickle_item(id, 1);
    const struct pickle_value *key = pickle_item(id, 2);
    char name[512];
    if (!type || type->kind != PICKLE_NAME || !key || key->kind != PICKLE_TEXT)
        return checkpoint_refuse(r->draft, 0, "tensor \"%.100s\": its storage has no type or key",
                                 t->name);
    if (stated && stated->kind == PICKLE_NAME &&
        pickle_is(type, PICKLE_NAME, "torch.storage UntypedStorage"))
        type = stated;
    t->dtype = ASSAY_DTYPE_OTHER;
    t->stored_as = type->text + (memcmp(type->text, "torch ", 6) == 0 ? 6 : 0);
    for (size_t i = 0; i < sizeof storages / sizeof storages[0]; i++)
        if (pickle_is(type, PICKLE_NAME, storages[i].name)) {
            t->dtype = storages[i].dtype;
            t->stored_as = assay_dtype_name(t->dtype);
        }
    int length = snprintf(name, sizeof name, "%.*sdata/%.*s", (int)r->prefix_size, r->prefix,
                          key->size > 200 ? 200 : (int)key->size, key->text);
    *entry = zip_find(&r->zip, name, (size_t)length);
    if (!*entry || !(*entry)->stored)
        return checkpoint_refuse(r->draft, 0, "tensor \"%.100s\": its storage is %s", t->name,
                                 *entry ? "compressed" : "not in the archive");
    return ASSAY_OK;
}

static bool whole(const struct pickle_value *v, uint64_t *number)
{
    if (!v || v->kind != PICKLE_INTEGER || v->integer < 0)
        return false;
    *number = (uint64_t)v->integer;
    return true;
}

/* The last element that strides reach, as a count of elements from the first. */
static bool reach(const struct assay_tensor *t, uint64_t *last)
{
    *last = 0;
    for (int i = 0; i < t->rank; i++) {
        uint64_t step;
        if (t->shape[i] == 0)
            return true;
        if (__builtin_mul_overflow(t->shape[i] - 1, t->stride[i], &step) ||
            __builtin_add_overflow(*last, step, last))
            return false;
    }
    return true;
}

static bool is_contiguous(const struct assay_tensor *t)
{
    uint64_t step = 1;
    for (int i = t->rank; i-- > 0;) {
        if (t->shape[i] != 1 && t->stride[i] != step)
            return false;
        step *= t->shape[i] ? t->shape[i] : 1;
    }
    return true;
}

static assay_status place(struct reading *r, struct assay_tensor *t, const struct zip_entry *entry,
                          uint64_t first)
{
    size_t block, width;
    uint64_t last, bytes, start;
    assay_dtype_block(t->dtype, &block, &width);
    if (!checkpoint_elements(t->rank, t->shape, &t->elements) || !reach(t, &last) ||
        __builtin_add_overflow(last, first, &last) || last == UINT64_MAX ||
        __builtin_mul_overflow(last + 1, width, &bytes) ||
        __builtin_mul_overflow(first, width, &start) || (t->elements ? bytes : start) > entry->size)
        return checkpoint_refuse(r->draft, entry->offset,
                                 "tensor \"%.100s\" reaches beyond its storage of %llu bytes",
                                 t->name, (unsigned long long)entry->size);
    if (t->elements > entry->size / width) { /* no more is read than the file holds */
        t->unreadable = "a view that repeats its storage";
        return ASSAY_OK;
    }
    t->offset = entry->offset + start;
    t->bytes = r->draft->bytes + t->offset;
    t->contiguous = is_contiguous(t);
    t->size = (size_t)(t->elements ? bytes - start : 0);
    return ASSAY_OK;
}

/* _rebuild_tensor_v2(storage, first, sizes, strides, ...), or _v3 with a type as the seventh */
static assay_status add(struct reading *r, const struct pickle_value *arguments, const char *name)
{
    const struct pickle_value *storage = pickle_item(arguments, 0);
    const struct pickle_value *sizes = pickle_item(arguments, 2),
                              *strides = pickle_item(arguments, 3);
    struct assay_tensor t = {.name = assay_arena_copy(r->draft->checkpoint->arena, name)};
    const struct zip_entry *entry = NULL;
    uint64_t first;
    if (!t.name)
        return checkpoint_no_memory(r->draft);
    if (r->tensors_left-- == 0)
        return checkpoint_refuse(r->draft, 0, "more tensors than a pickle of this size can name");
    if (!storage || storage->kind != PICKLE_STORAGE || !whole(pickle_item(arguments, 1), &first) ||
        !sizes || sizes->kind != PICKLE_LIST || !strides || strides->kind != PICKLE_LIST ||
        sizes->count != strides->count || sizes->count > ASSAY_TENSOR_MOST_RANK)
        return checkpoint_refuse(r->draft, 0, "tensor \"%.100s\": arguments of no tensor", name);
    t.rank = (int)sizes->count;
    for (size_t i = 0; i < sizes->count; i++)
        if (!whole(pickle_item(sizes, i), &t.shape[i]) ||
            !whole(pickle_item(strides, i), &t.stride[i]))
            return checkpoint_refuse(r->draft, 0, "tensor \"%.100s\": a size that is no number",
                                     name);
    ASSAY_TRY(find_storage(r, storage, pickle_item(arguments, 6), &t, &entry));
    if (t.dtype == ASSAY_DTYPE_OTHER)
        t.unreadable = assay_arena_print(r->draft->checkpoint->arena, "type %.40s is not supported",
                                         t.stored_as);
    else
        ASSAY_TRY(place(r, &t, entry, first));
    return checkpoint_add(r->draft, &t);
}

/* ---- the tree ------------------------------------------------------------------------ */

static assay_status walk(struct reading *r, const struct pickle_value *v, char *name, size_t used,
                         int depth);

static assay_status walk_into(struct reading *r, const struct pickle_value *v, const char *part,
                              size_t part_size, char *name, size_t used, int depth)
{
    size_t room = 400 - used, n = part_size < room ? part_size : room;
    if (used && n < room)
        name[used++] = '.';
    for (size_t i = 0; i < n; i++)
        name[used + i] = (char)((unsigned char)part[i] < 0x20 || part[i] == 0x7f ? '?' : part[i]);
    name[used + n] = '\0';
    return walk(r, v, name, used + n, depth + 1);
}

static assay_status walk_dict(struct reading *r, const struct pickle_value *v, char *name,
                              size_t used, int depth)
{
    char digits[32];
    for (const struct pickle_item *key = v->first; key && key->next; key = key->next->next) {
        const char *part = key->value->text;
        size_t size = key->value->size;
        if (key->value->kind == PICKLE_INTEGER) {
            size = (size_t)snprintf(digits, sizeof digits, "%lld", (long long)key->value->integer);
            part = digits;
        } else if (key->value->kind != PICKLE_TEXT) {
            continue;
        }
        ASSAY_TRY(walk_into(r, key->next->value, part, size, name, used, depth));
    }
    return ASSAY_OK;
}

static assay_status walk_list(struct reading *r, const struct pickle_value *v, char *name,
                              size_t used, int depth)
{
    char digits[32];
    size_t at = 0;
    for (const struct pickle_item *item = v->first; item; item = item->next) {
        int size = snprintf(digits, sizeof digits, "%zu", at++);
        ASSAY_TRY(walk_into(r, item->value, digits, (size_t)size, name, used, depth));
    }
    return ASSAY_OK;
}

static assay_status walk_call(struct reading *r, const struct pickle_value *v, char *name,
                              size_t used, int depth)
{
    const struct pickle_value *function = pickle_item(v, 0), *arguments = pickle_item(v, 1);
    if (pickle_is(function, PICKLE_NAME, "torch._utils _rebuild_tensor_v2") ||
        pickle_is(function, PICKLE_NAME, "torch._utils _rebuild_tensor_v3") ||
        pickle_is(function, PICKLE_NAME, "torch._utils _rebuild_tensor"))
        return add(r, arguments, used ? name : "tensor");
    if (pickle_is(function, PICKLE_NAME, "torch._utils _rebuild_parameter") &&
        pickle_item(arguments, 0))
        return walk(r, pickle_item(arguments, 0), name, used, depth + 1);
    return pickle_item(v, 2) ? walk(r, pickle_item(v, 2), name, used, depth + 1) : ASSAY_OK;
}

static assay_status walk(struct reading *r, const struct pickle_value *v, char *name, size_t used,
                         int depth)
{
    if (depth > DEEPEST || r->steps_left == 0)
        return checkpoint_refuse(r->draft, 0,
                                 "a pickle that contains itself, or shares parts endlessly");
    r->steps_left--;
    if (v->kind == PICKLE_DICT)
        return walk_dict(r, v, name, used, depth);
    if (v->kind == PICKLE_LIST)
        return walk_list(r, v, name, used, depth);
    if (v->kind == PICKLE_CALL)
        return walk_call(r, v, name, used, depth);
    return ASSAY_OK;
}

static const struct zip_entry *find_pickle(struct reading *r)
{
    static const char wanted[] = "data.pkl";
    for (size_t i = 0; i < r->zip.count; i++) {
        const struct zip_entry *e = &r->zip.entries[i];
        size_t tail = sizeof wanted - 1;
        if (e->name_size >= tail && memcmp(e->name + e->name_size - tail, wanted, tail) == 0 &&
            (e->name_size == tail || e->name[e->name_size - tail - 1] == '/')) {
            r->prefix = e->name;
            r->prefix_size = e->name_size - tail;
            return r->prefix_size < 256 ? e : NULL;
        }
    }
    return NULL;
}

assay_status pytorch_read(struct checkpoint_draft *draft)
{
    struct reading r = {.draft = draft};
    struct pickle_value *root;
    char name[512] = "";
    ASSAY_TRY(zip_read(draft->path, draft->bytes, draft->size, draft->checkpoint->arena, &r.zip,
                       draft->error));
    const struct zip_entry *entry = find_pickle(&r);
    if (!entry || !entry->stored)
        return checkpoint_refuse(draft, 0, "a zip archive without a stored data.pkl");
    if (entry->size > MOST_PICKLE)
        return assay_error_at_offset(
            draft->error, ASSAY_ERROR_LIMIT, draft->path, (long long)entry->offset,
            "a data.pkl of more than %d bytes: that describes no model", MOST_PICKLE);
    ASSAY_TRY(pickle_read(draft->path, draft->bytes, entry->offset, entry->size,
                          draft->checkpoint->arena, &root, draft->error));
    r.steps_left = 1000 + 4 * entry->size;
    r.tensors_left = 1000 + entry->size / 16; /* a name of its own and a reference take as much */
    return walk(&r, root, name, 0, 0);
}
