/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a checkpoint: which format; the list of tensors and its checks. */
#include "formats/checkpoint.h"
#include "formats/llama2c.h"

#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_TENSORS 4000000
#define MOST_VIEWS 64

/* ---- what the readers call ---------------------------------------------------------------- */

assay_status checkpoint_refuse(struct checkpoint_draft *draft, uint64_t offset, const char *format,
                               ...)
{
    char text[400];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    return assay_error_at_offset(draft->error, ASSAY_ERROR_INPUT, draft->path, (long long)offset,
                                 "%s", text);
}

assay_status checkpoint_no_memory(struct checkpoint_draft *draft)
{
    return assay_error_at(draft->error, ASSAY_ERROR_MEMORY, draft->path, 0, "out of memory");
}

bool checkpoint_elements(int rank, const uint64_t *shape, uint64_t *elements)
{
    uint64_t product = 1;
    for (int i = 0; i < rank; i++) /* a 0 does not excuse what overflows beside it */
        if (shape[i] > INT64_MAX ||
            (shape[i] && __builtin_mul_overflow(product, shape[i], &product)) ||
            product > INT64_MAX)
            return false;
    *elements = product;
    for (int i = 0; i < rank; i++)
        if (shape[i] == 0)
            *elements = 0;
    return true;
}

bool checkpoint_bytes(enum assay_dtype dtype, uint64_t elements, uint64_t *bytes)
{
    size_t block, width;
    assay_dtype_block(dtype, &block, &width);
    return elements % block == 0 && !__builtin_mul_overflow(elements / block, width, bytes);
}

static bool grow(struct assay_arena *arena, void **list, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return true;
    size_t wanted = *room ? 2 * *room : 64;
    void *larger = assay_arena_alloc(arena, wanted, size);
    if (!larger)
        return false;
    if (count)
        memcpy(larger, *list, count * size);
    *list = larger;
    *room = wanted;
    return true;
}

/* A strided tensor's last element must lie in its storage, which the reader has checked. */
static assay_status place(struct checkpoint_draft *draft, struct assay_tensor *t)
{
    uint64_t bytes;
    if (t->bytes) /* decoded into the arena, or a view that the reader has checked */
        return ASSAY_OK;
    if (!checkpoint_bytes(t->dtype, t->elements, &bytes))
        return checkpoint_refuse(draft, t->offset,
                                 "tensor \"%.100s\": %llu elements are no whole number of blocks",
                                 t->name, (unsigned long long)t->elements);
    if (t->offset > draft->size || bytes > draft->size - t->offset)
        return checkpoint_refuse(draft, t->offset,
                                 "tensor \"%.100s\" of %llu bytes reaches beyond the file's %zu",
                                 t->name, (unsigned long long)bytes, draft->size);
    t->bytes = draft->bytes + t->offset;
    t->size = (size_t)bytes;
    return ASSAY_OK;
}

assay_status checkpoint_add(struct checkpoint_draft *draft, const struct assay_tensor *tensor)
{
    struct assay_checkpoint *c = draft->checkpoint;
    struct assay_tensor t = *tensor;
    void *list = c->tensors;
    if (t.dtype == ASSAY_DTYPE_OTHER && !t.unreadable) /* its reason found no memory */
        return checkpoint_no_memory(draft);
    if (!checkpoint_elements(t.rank, t.shape, &t.elements))
        return checkpoint_refuse(draft, t.offset, "tensor \"%.100s\": its shape overflows", t.name);
    if (!t.bytes || t.contiguous || t.unreadable) {
        uint64_t step = 1;
        for (int i = t.rank; i-- > 0;) {
            t.stride[i] = step;
            step *= t.shape[i] ? t.shape[i] : 1;
        }
        t.contiguous = true;
    }
    if (!t.unreadable)
        ASSAY_TRY(place(draft, &t));
    t.file = draft->path;
    if (c->count >= MOST_TENSORS)
        return checkpoint_refuse(draft, t.offset, "more than %d tensors", MOST_TENSORS);
    if (!grow(c->arena, &list, c->count, &draft->tensor_room, sizeof t))
        return checkpoint_no_memory(draft);
    c->tensors = list;
    c->tensors[c->count++] = t;
    return ASSAY_OK;
}

assay_status checkpoint_note(struct checkpoint_draft *draft, const char *key, const char *value,
                             size_t length)
{
    struct assay_checkpoint *c = draft->checkpoint;
    struct assay_checkpoint_note note;
    union {
        const struct assay_checkpoint_note *constant;
        void *plain;
    } list = {c->notes};
    length = utf8_valid_prefix((const unsigned char *)value,
                               length < ASSAY_LONGEST_NOTE ? length : ASSAY_LONGEST_NOTE);
    note.key = assay_arena_copy(c->arena, key);
    note.value = assay_arena_copy_bytes(c->arena, value, length);
    if (!note.key || !note.value ||
        !grow(c->arena, &list.plain, c->note_count, &draft->note_room, sizeof note))
        return checkpoint_no_memory(draft);
    memcpy((char *)list.plain + c->note_count * sizeof note, &note, sizeof note);
    c->notes = list.plain;
    c->note_count++;
    return ASSAY_OK;
}

/* ---- which format ---------------------------------------------------------------------------- */

struct format {
    const char *name;
    bool (*looks_like)(const struct checkpoint_draft *draft);
    assay_status (*read)(struct checkpoint_draft *draft);
};

static bool is_safetensors(const struct checkpoint_draft *d)
{
    return d->size >= 9 && d->bytes[8] == '{' && d->bytes[7] == 0 && d->bytes[6] == 0;
}

/* A ModelProto begins with its ir_version: field 1, a small varint, and then another field. */
static bool is_onnx(const struct checkpoint_draft *d)
{
    return d->size >= 4 && d->bytes[0] == 0x08 && d->bytes[1] > 0 && d->bytes[1] < 0x40 &&
           d->bytes[2] != 0;
}

static bool is_gguf(const struct checkpoint_draft *d)
{
    return d->size >= 4 && memcmp(d->bytes, "GGUF", 4) == 0;
}

static bool is_zip(const struct checkpoint_draft *d)
{
    return d->size >= 4 && memcmp(d->bytes, "PK\003\004", 4) == 0;
}

/* From the surest sign to the weakest. */
static const struct format formats[] = {
    {"gguf", is_gguf, gguf_read},
    {"pytorch", is_zip, pytorch_read},
    {"safetensors", is_safetensors, safetensors_read},
    {"llama2c", llama2c_fits, llama2c_read},
    {"onnx", is_onnx, onnx_read},
};

static const struct format *recognise(const struct checkpoint_draft *draft)
{
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        if (formats[i].looks_like(draft))
            return &formats[i];
    return NULL;
}

static int by_name(const void *a, const void *b)
{
    const struct assay_tensor *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

static assay_status refuse_twins(struct checkpoint_draft *draft, const struct assay_tensor *a,
                                 const struct assay_tensor *b)
{
    bool apart = strcmp(a->file, b->file) != 0;
    return assay_error_at_offset(draft->error, ASSAY_ERROR_INPUT, b->file, (long long)b->offset,
                                 "two tensors are named \"%.100s\"%s%.200s", b->name,
                                 apart ? ", the other in " : "", apart ? a->file : "");
}

/* Two tensors of one name would let a reader see one and a checker the other. */
static assay_status check_names(struct checkpoint_draft *draft)
{
    struct assay_checkpoint *c = draft->checkpoint;
    const struct assay_tensor **sorted = malloc((c->count + 1) * sizeof *sorted);
    assay_status status = ASSAY_OK;
    if (!sorted)
        return checkpoint_no_memory(draft);
    for (size_t i = 0; i < c->count; i++)
        sorted[i] = &c->tensors[i];
    qsort(sorted, c->count, sizeof *sorted, by_name);
    for (size_t i = 1; i < c->count && status == ASSAY_OK; i++)
        if (strcmp(sorted[i - 1]->name, sorted[i]->name) == 0)
            status = refuse_twins(draft, sorted[i - 1], sorted[i]);
    free(sorted);
    return status;
}

assay_status checkpoint_read_one(struct checkpoint_draft *draft)
{
    const struct format *format = recognise(draft);
    if (!format)
        return assay_error_at_offset(draft->error, ASSAY_ERROR_UNSUPPORTED, draft->path, 0,
                                     "no checkpoint format begins like this: expected safetensors, "
                                     "GGUF, ONNX, a PyTorch zip or llama2.c");
    draft->checkpoint->format = format->name;
    draft->checkpoint->file_bytes += draft->size;
    return format->read(draft);
}

/* ---- opening ----------------------------------------------------------------------------------
 */

static assay_status start(const char *path, struct assay_checkpoint *c,
                          struct checkpoint_draft *draft, struct assay_error *error)
{
    memset(c, 0, sizeof *c);
    *draft = (struct checkpoint_draft){.checkpoint = c, .path = path, .error = error};
    c->arena = assay_arena_new();
    c->path = c->arena ? assay_arena_copy(c->arena, path) : NULL;
    if (!c->path)
        return checkpoint_no_memory(draft);
    draft->path = c->path;
    return ASSAY_OK;
}

/* Views of one storage are usual (tied weights), thousands of them make a small file endless. */
static assay_status check_work(struct checkpoint_draft *draft)
{
    const struct assay_checkpoint *c = draft->checkpoint;
    double bytes = 0; /* 4 million tensors of 2^46 bytes would overflow 64 bits */
    for (size_t i = 0; i < c->count; i++)
        bytes += (double)c->tensors[i].size;
    if (bytes > MOST_VIEWS * (double)c->file_bytes)
        return assay_error_at(draft->error, ASSAY_ERROR_INPUT, c->path, 0,
                              "its tensors are views of the same data, more than %d times what "
                              "the file holds",
                              MOST_VIEWS);
    return ASSAY_OK;
}

static assay_status end(struct checkpoint_draft *draft, assay_status status)
{
    if (status == ASSAY_OK)
        status = check_names(draft);
    if (status == ASSAY_OK)
        status = check_work(draft);
    if (status == ASSAY_OK)
        checkpoint_mark_all_rotary(draft->checkpoint);
    if (status != ASSAY_OK)
        assay_checkpoint_close(draft->checkpoint);
    return status;
}

assay_status assay_checkpoint_parse(const char *path, const void *bytes, size_t size,
                                    struct assay_checkpoint *checkpoint, struct assay_error *error)
{
    struct checkpoint_draft draft;
    assay_status status = start(path, checkpoint, &draft, error);
    draft.bytes = bytes;
    draft.size = size;
    if (status == ASSAY_OK)
        status = checkpoint_read_one(&draft);
    return end(&draft, status);
}

assay_status assay_checkpoint_open(const char *path, struct assay_checkpoint *checkpoint,
                                   struct assay_error *error)
{
    struct checkpoint_draft draft;
    assay_status status = start(path, checkpoint, &draft, error);
    if (status == ASSAY_OK)
        status = checkpoint_open_files(&draft);
    return end(&draft, status);
}

void assay_checkpoint_close(struct assay_checkpoint *checkpoint)
{
    for (size_t i = 0; i < checkpoint->file_count; i++)
        assay_file_close(&checkpoint->files[i]);
    assay_arena_free(checkpoint->arena);
    memset(checkpoint, 0, sizeof *checkpoint);
}

const struct assay_tensor *assay_checkpoint_find(const struct assay_checkpoint *checkpoint,
                                                 const char *name)
{
    for (size_t i = 0; i < checkpoint->count; i++)
        if (strcmp(checkpoint->tensors[i].name, name) == 0)
            return &checkpoint->tensors[i];
    return NULL;
}
