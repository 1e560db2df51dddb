/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of queries and keys. Rotary positions turn coordinates in pairs; Meta's files (llama2.c's,
 * too) keep the two of a pair side by side, Hugging Face's a head's first ones and then its second
 * ones. llama.cpp's converter puts those of Llama's family side by side again (permute() of
 * convert_hf_to_gguf.py, read November 2026), which needs the number of heads. Here matrices whose
 * pairs stand side by side are marked with it; nothing is moved.
 */
#include "formats/checkpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *note_of(const struct assay_checkpoint *c, const char *key)
{
    for (size_t i = 0; i < c->note_count; i++)
        if (strcmp(c->notes[i].key, key) == 0)
            return c->notes[i].value;
    return NULL;
}

/* A number of heads that a GGUF key gives; 0: none, or a list with one a layer. */
static uint64_t heads_of(const struct assay_checkpoint *c, const char *family, const char *ending)
{
    char key[128];
    if (snprintf(key, sizeof key, "%s.%s", family, ending) >= (int)sizeof key)
        return 0;
    const char *value = note_of(c, key);
    unsigned long long heads = value ? strtoull(value, NULL, 10) : 0;
    return heads <= 1u << 20 ? heads : 0;
}

/* Families whose rows the converter moves. */
static bool is_moved(const char *family)
{
    static const char *const moved[] = {"llama",   "minicpm", "internlm2",  "baichuan",
                                        "xverse",  "granite", "granitemoe", "arcee",
                                        "smollm3", "olmo",    "deci"};
    for (size_t i = 0; family && i < sizeof moved / sizeof moved[0]; i++)
        if (strcmp(family, moved[i]) == 0)
            return true;
    return false;
}

static bool ends_with(const char *text, const char *ending)
{
    size_t n = strlen(text), m = strlen(ending);
    return n >= m && strcmp(text + n - m, ending) == 0;
}

void checkpoint_mark_rotary(struct assay_tensor *t, uint64_t heads)
{
    if (t->rank == 2 && heads > 0 && t->shape[0] > 0 && t->shape[0] % (2 * heads) == 0)
        t->rotary_heads = heads;
}

static void mark_gguf(struct assay_checkpoint *c)
{
    const char *family = note_of(c, "general.architecture");
    if (!is_moved(family))
        return;
    uint64_t heads = heads_of(c, family, "attention.head_count");
    uint64_t kv_heads = heads_of(c, family, "attention.head_count_kv");
    for (size_t i = 0; i < c->count; i++) {
        if (ends_with(c->tensors[i].name, ".attn_q.weight"))
            checkpoint_mark_rotary(&c->tensors[i], heads);
        else if (ends_with(c->tensors[i].name, ".attn_k.weight"))
            checkpoint_mark_rotary(&c->tensors[i], kv_heads ? kv_heads : heads);
    }
}

/* Meta's own files hold the frequencies of one head's pairs. */
static void mark_meta(struct assay_checkpoint *c)
{
    const struct assay_tensor *frequencies = assay_checkpoint_find(c, "rope.freqs");
    if (!frequencies || frequencies->rank != 1 || frequencies->shape[0] == 0)
        return;
    for (size_t i = 0; i < c->count; i++) {
        struct assay_tensor *t = &c->tensors[i];
        if (t->rank == 2 && t->shape[0] / 2 % frequencies->shape[0] == 0 &&
            (ends_with(t->name, ".wq.weight") || ends_with(t->name, ".wk.weight")))
            checkpoint_mark_rotary(t, t->shape[0] / 2 / frequencies->shape[0]);
    }
}

void checkpoint_mark_all_rotary(struct assay_checkpoint *c)
{
    if (strcmp(c->format, "gguf") == 0)
        mark_gguf(c);
    else if (strcmp(c->format, "llama2c") != 0)
        mark_meta(c);
}
