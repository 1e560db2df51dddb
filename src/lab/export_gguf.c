/* SPDX-License-Identifier: Apache-2.0 */
/* GGUF version 3 (ggml's docs/gguf.md): header, keys, tensors' places, then their numbers. */
#include "lab/export.h"

#include "lab/bpe_file.h"
#include "lab/layout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALIGNMENT 32

enum type { U32 = 4, I32 = 5, F32 = 6, BOOL = 7, TEXT = 8, LIST = 9 };
enum token_type { NORMAL = 1, CONTROL = 3 };

/* A file that grows. */
struct out {
    unsigned char *bytes;
    size_t size, room;
    uint64_t keys;
    bool failed; /* memory */
};

static void put(struct out *o, const void *bytes, size_t size)
{
    if (size > o->room - o->size) {
        size_t room = 2 * (o->size + size);
        unsigned char *more = o->failed ? NULL : realloc(o->bytes, room);
        if (!more) {
            o->failed = true;
            return;
        }
        o->bytes = more;
        o->room = room;
    }
    memcpy(o->bytes + o->size, bytes, size);
    o->size += size;
}

static void put32(struct out *o, uint32_t x)
{
    put(o, &x, sizeof x);
}

static void put64(struct out *o, uint64_t x)
{
    put(o, &x, sizeof x);
}

static void put_text(struct out *o, const char *text, size_t size)
{
    put64(o, size);
    put(o, text, size);
}

static void pad(struct out *o)
{
    static const unsigned char zeros[ALIGNMENT];
    put(o, zeros, (ALIGNMENT - o->size % ALIGNMENT) % ALIGNMENT);
}

static void key(struct out *o, const char *name, enum type type)
{
    put_text(o, name, strlen(name));
    put32(o, type);
    o->keys++;
}

static void key_u32(struct out *o, const char *name, uint32_t value)
{
    key(o, name, U32);
    put32(o, value);
}

static void key_f32(struct out *o, const char *name, float value)
{
    key(o, name, F32);
    put(o, &value, sizeof value);
}

static void key_text(struct out *o, const char *name, const char *value)
{
    key(o, name, TEXT);
    put_text(o, value, strlen(value));
}

static void key_list(struct out *o, const char *name, enum type of, uint64_t count)
{
    key(o, name, LIST);
    put32(o, of);
    put64(o, count);
}

/* ---- keys ---------------------------------------------------------------------------- */

static void put_shape(struct out *o, const struct lab_shape *s)
{
    key_text(o, "general.architecture", "llama");
    key_text(o, "general.name", "trained by assay lab");
    key_u32(o, "general.file_type", 0);
    key_u32(o, "general.alignment", ALIGNMENT);
    key_u32(o, "llama.vocab_size", s->vocabulary);
    key_u32(o, "llama.context_length", s->context);
    key_u32(o, "llama.embedding_length", s->width);
    key_u32(o, "llama.block_count", s->layers);
    key_u32(o, "llama.feed_forward_length", s->hidden);
    if (s->experts) {
        key_u32(o, "llama.expert_count", s->experts);
        key_u32(o, "llama.expert_used_count", s->experts_per_token);
    }
    key_u32(o, "llama.attention.head_count", s->heads);
    key_u32(o, "llama.attention.head_count_kv", s->kv_heads);
    key_f32(o, "llama.attention.layer_norm_rms_epsilon", (float)LAB_EPSILON);
    key_u32(o, "llama.rope.dimension_count", s->width / s->heads);
    key_f32(o, "llama.rope.freq_base", (float)LAB_ROPE_BASE);
}

/* "piece: left right" spelt into `text`. */
static void put_merges(struct out *o, const struct lab_bpe *b, char *text)
{
    key_list(o, "tokenizer.ggml.merges", TEXT, b->count - LAB_BPE_LEAST);
    for (size_t i = 0; i + LAB_BPE_LEAST < b->count; i++) {
        size_t n = lab_bpe_spelling(b, b->merges[i].left, text);
        text[n++] = ' ';
        n += lab_bpe_spelling(b, b->merges[i].right, text + n);
        put_text(o, text, n);
    }
}

static void put_vocabulary(struct out *o, const struct lab_bpe *b, char *text)
{
    key_text(o, "tokenizer.ggml.model", "gpt2");
    key_text(o, "tokenizer.ggml.pre", "gpt-2");
    key_list(o, "tokenizer.ggml.tokens", TEXT, b->count);
    for (size_t t = 0; t < b->count; t++)
        put_text(o, text, lab_bpe_spelling(b, t, text));
    key_list(o, "tokenizer.ggml.token_type", I32, b->count);
    for (size_t t = 0; t < b->count; t++)
        put32(o, t ? NORMAL : CONTROL);
    put_merges(o, b, text);
    key_u32(o, "tokenizer.ggml.bos_token_id", 0);
    key_u32(o, "tokenizer.ggml.eos_token_id", 0);
    key(o, "tokenizer.ggml.add_bos_token", BOOL);
    put(o, "\1", 1);
}

/* ---- tensors ------------------------------------------------------------------------- */

static size_t elements(const struct lab_tensor *t)
{
    return t->rows * (t->columns ? t->columns : 1) * (t->stack ? t->stack : 1);
}

static void put_places(struct out *o, const struct lab_tensor *list, size_t n)
{
    uint64_t at = 0;
    for (size_t i = 0; i < n; i++) {
        const struct lab_tensor *t = &list[i];
        put_text(o, t->name, strlen(t->name));
        put32(o, t->stack ? 3 : t->columns ? 2 : 1); /* the fastest first */
        if (t->columns)
            put64(o, t->columns);
        put64(o, t->rows);
        if (t->stack)
            put64(o, t->stack);
        put32(o, 0); /* float32 */
        put64(o, at);
        at += (elements(t) * sizeof(float) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }
    pad(o);
}

static void put_numbers(struct out *o, const struct lab_model *m, const struct lab_tensor *t)
{
    const float *w = m->weights + t->at;
    if (t->stack)
        for (size_t e = 0; e < t->stack; e++)
            put(o, w + e * lab_expert_weights(&m->shape), t->rows * t->columns * sizeof *w);
    else if (!t->turned)
        put(o, w, elements(t) * sizeof *w);
    else
        for (size_t r = 0; r < t->rows; r++)
            put(o, w + lab_turned_row(r, t->rows, t->turned) * t->columns, t->columns * sizeof *w);
    pad(o);
}

assay_status lab_export_gguf(const struct lab_model *m, const struct lab_bpe *b, const char *path,
                             struct assay_error *error)
{
    struct out keys = {.bytes = NULL}, all = {.bytes = NULL};
    struct lab_tensor *list;
    size_t n = lab_tensors(m, true, &list);
    char *text = malloc(2 * lab_bpe_longest(b) + 1);
    bool there = n && text;
    if (there) {
        put_shape(&keys, &m->shape);
        put_vocabulary(&keys, b, text);
        put(&all, "GGUF", 4);
        put32(&all, 3);
        put64(&all, n);
        put64(&all, keys.keys);
        if (!keys.failed)
            put(&all, keys.bytes, keys.size);
        put_places(&all, list, n);
        for (size_t i = 0; i < n; i++)
            put_numbers(&all, m, &list[i]);
    }
    assay_status status = there && !keys.failed && !all.failed
                              ? assay_file_write(path, all.bytes, all.size, error)
                              : assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    free(list);
    free(text);
    free(keys.bytes);
    free(all.bytes);
    return status;
}
