/* SPDX-License-Identifier: Apache-2.0 */
/*
 * llama2.c's first format: seven 32-bit numbers, then float32 weights in a fixed order, each kind
 * for all layers together. Source: the README and export of github.com/karpathy/llama2.c. Tensors
 * get the names of Meta's Llama files, one a layer.
 */
#include "formats/llama2c.h"

#include <string.h>

#define HEADER 28

struct sizes {
    uint64_t dim, hidden, layers, heads, kv_heads, vocabulary, positions;
    bool own_classifier;
};

struct part {
    const char *name; /* with %llu for the layer, if one a layer */
    bool each_layer;
    uint64_t rows, columns; /* rows 0: a vector */
};

#define PARTS 14

static bool read_header(const struct checkpoint_draft *d, struct sizes *s)
{
    int32_t header[7];
    if (d->size < HEADER)
        return false;
    memcpy(header, d->bytes, HEADER);
    for (int i = 0; i < 7; i++)
        if (header[i] == 0 || header[i] < -(1 << 24) || header[i] > 1 << 24 ||
            (header[i] < 0 && i != 5))
            return false;
    s->own_classifier = header[5] < 0;
    *s = (struct sizes){(uint64_t)header[0], (uint64_t)header[1],
                        (uint64_t)header[2], (uint64_t)header[3],
                        (uint64_t)header[4], (uint64_t)(header[5] < 0 ? -header[5] : header[5]),
                        (uint64_t)header[6], header[5] < 0};
    return s->dim % s->heads == 0 && s->heads % s->kv_heads == 0 && s->layers <= 4096;
}

static size_t lay_out(const struct sizes *s, struct part parts[PARTS])
{
    uint64_t half = s->dim / s->heads / 2, kv = s->dim / s->heads * s->kv_heads;
    const struct part all[PARTS] = {
        {"tok_embeddings.weight", false, s->vocabulary, s->dim},
        {"layers.%llu.attention_norm.weight", true, 0, s->dim},
        {"layers.%llu.attention.wq.weight", true, s->dim, s->dim},
        {"layers.%llu.attention.wk.weight", true, kv, s->dim},
        {"layers.%llu.attention.wv.weight", true, kv, s->dim},
        {"layers.%llu.attention.wo.weight", true, s->dim, s->dim},
        {"layers.%llu.ffn_norm.weight", true, 0, s->dim},
        {"layers.%llu.feed_forward.w1.weight", true, s->hidden, s->dim},
        {"layers.%llu.feed_forward.w2.weight", true, s->dim, s->hidden},
        {"layers.%llu.feed_forward.w3.weight", true, s->hidden, s->dim},
        {"norm.weight", false, 0, s->dim},
        {"freq_cis_real", false, s->positions, half},
        {"freq_cis_imag", false, s->positions, half},
        {"output.weight", false, s->vocabulary, s->dim},
    };
    memcpy(parts, all, sizeof all);
    return s->own_classifier ? PARTS : PARTS - 1;
}

/* Each size is at most 2^24, so a product of two and a layer count stays below 2^60. */
static uint64_t bytes_of(const struct part *part)
{
    return 4 * part->columns * (part->rows ? part->rows : 1);
}

bool llama2c_fits(const struct checkpoint_draft *draft)
{
    struct sizes s;
    struct part parts[PARTS];
    uint64_t total = HEADER;
    if (!read_header(draft, &s))
        return false;
    size_t count = lay_out(&s, parts);
    for (size_t i = 0; i < count; i++) {
        uint64_t part = bytes_of(&parts[i]) * (parts[i].each_layer ? s.layers : 1);
        if (part > draft->size)
            return false;
        total += part;
    }
    return total == draft->size;
}

assay_status llama2c_read(struct checkpoint_draft *draft)
{
    struct sizes s;
    struct part parts[PARTS];
    uint64_t at = HEADER;
    if (!read_header(draft, &s))
        return checkpoint_refuse(draft, 0, "a header that makes no model");
    size_t count = lay_out(&s, parts);
    for (size_t i = 0; i < count; i++)
        for (uint64_t layer = 0; layer < (parts[i].each_layer ? s.layers : 1); layer++) {
            struct assay_tensor t = {.dtype = ASSAY_DTYPE_F32, .stored_as = "F32", .offset = at};
            const char *number = strstr(parts[i].name, "%llu");
            t.name = number ? assay_arena_print(draft->checkpoint->arena, "%.*s%llu%s",
                                                (int)(number - parts[i].name), parts[i].name,
                                                (unsigned long long)layer, number + 4)
                            : parts[i].name;
            if (!t.name)
                return checkpoint_no_memory(draft);
            if (parts[i].rows)
                t.shape[t.rank++] = parts[i].rows;
            t.shape[t.rank++] = parts[i].columns;
            if (strstr(parts[i].name, ".wq."))
                checkpoint_mark_rotary(&t, s.heads);
            else if (strstr(parts[i].name, ".wk."))
                checkpoint_mark_rotary(&t, s.kv_heads);
            ASSAY_TRY(checkpoint_add(draft, &t));
            at += bytes_of(&parts[i]);
        }
    return ASSAY_OK;
}
