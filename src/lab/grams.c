/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/grams.h"

#include <math.h>
#include <stdlib.h>

/* A run of bytes, or a context: how often, and followed by how many different bytes. */
struct entry {
    uint64_t key; /* 0: free */
    uint32_t count, followers;
};

struct lab_grams {
    unsigned order;
    struct entry *table;
    size_t size; /* a power of two, at most half full */
};

/* splitmix64's finaliser: two runs share a key with a chance of 2^-64. */
static uint64_t mix(uint64_t h, unsigned char byte)
{
    h = (h ^ (byte + 1u)) * 0x9e3779b97f4a7c15u;
    h = (h ^ (h >> 30)) * 0xbf58476d1ce4e5b9u;
    h = (h ^ (h >> 27)) * 0x94d049bb133111ebu;
    return h ^ (h >> 31);
}

/* The run that ends before `end`, `length` bytes long. */
static uint64_t key_of(struct lab_text text, size_t end, unsigned length)
{
    uint64_t h = 0x51ed270b + length;
    for (size_t i = end - length; i < end; i++)
        h = mix(h, (unsigned char)text.bytes[i]);
    return h ? h : 1;
}

static struct entry *slot(const struct lab_grams *g, uint64_t key)
{
    size_t at = (size_t)key & (g->size - 1);
    while (g->table[at].key != 0 && g->table[at].key != key)
        at = (at + 1) & (g->size - 1);
    return &g->table[at];
}

/* Counts the byte at `at` after each context that is long enough there. */
static void count(struct lab_grams *g, struct lab_text text, size_t at)
{
    for (unsigned length = 0; length < g->order && length <= at; length++) {
        uint64_t run = key_of(text, at + 1, length + 1), context = key_of(text, at, length);
        /* a context and a run of one length are counted apart: what ends a text has no follower */
        struct entry *whole = slot(g, run);
        bool fresh = whole->key == 0;
        whole->key = run;
        whole->count++;
        struct entry *before = slot(g, ~context ? ~context : 1);
        before->key = ~context ? ~context : 1;
        before->count++;
        before->followers += fresh;
    }
}

assay_status lab_grams_new(unsigned order, const struct lab_text *texts, size_t n,
                           struct lab_grams **grams, struct assay_error *error)
{
    size_t bytes = 0, entries, size = 16;
    *grams = NULL;
    for (size_t i = 0; i < n; i++)
        if (!assay_size_add(bytes, texts[i].size, &bytes))
            return assay_error_at(error, ASSAY_ERROR_LIMIT, NULL, 0, "texts too large");
    if (bytes == 0 || order < 1 || order > LAB_MOST_ORDER)
        return assay_error_at(error, ASSAY_ERROR_INPUT, NULL, 0,
                              "expected texts and an order of 1 to %d, found %zu bytes and %u",
                              LAB_MOST_ORDER, bytes, order);
    if (!assay_size_multiply(bytes, 4u * order, &entries) || entries > SIZE_MAX / 64)
        return assay_error_at(error, ASSAY_ERROR_LIMIT, NULL, 0, "texts too large");
    while (size < entries)
        size *= 2;
    struct lab_grams *g = calloc(1, sizeof *g);
    if (g)
        *g = (struct lab_grams){order, calloc(size, sizeof *g->table), size};
    if (!g || !g->table) {
        lab_grams_free(g);
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    }
    for (size_t i = 0; i < n; i++)
        for (size_t at = 0; at < texts[i].size; at++)
            count(g, texts[i], at);
    *grams = g;
    return ASSAY_OK;
}

void lab_grams_free(struct lab_grams *g)
{
    if (g)
        free(g->table);
    free(g);
}

double lab_grams_log_at(const struct lab_grams *g, struct lab_text text, size_t at)
{
    double p = 1.0 / 256;
    for (unsigned length = 0; length < g->order && length <= at; length++) {
        uint64_t context = key_of(text, at, length);
        const struct entry *before = slot(g, ~context ? ~context : 1);
        if (before->count == 0)
            break; /* longer contexts are unseen as well */
        const struct entry *whole = slot(g, key_of(text, at + 1, length + 1));
        p = (whole->count + before->followers * p) / ((double)before->count + before->followers);
    }
    return log(p);
}

double lab_grams_contrast(const struct lab_grams *teacher, const struct lab_grams *other,
                          const struct lab_text *suspect, size_t n)
{
    double sum = 0;
    size_t bytes = 0;
    for (size_t i = 0; i < n; i++) {
        bytes += suspect[i].size;
        for (size_t at = 0; at < suspect[i].size; at++)
            sum +=
                lab_grams_log_at(teacher, suspect[i], at) - lab_grams_log_at(other, suspect[i], at);
    }
    return sum / (double)bytes;
}
