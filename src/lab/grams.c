/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/grams.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_SIZE 1024 /* of a table */

/* A run of bytes, or a context: how often, and followed by how many different bytes. */
struct entry {
    uint64_t key; /* 0: free */
    uint32_t count, followers;
};

struct lab_grams {
    unsigned order;
    struct entry *table;
    size_t size, used; /* a power of two, at most half of it used */
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

/* Of a context: counted apart from runs of its length, for what ends a text has no follower. */
static uint64_t context_key(struct lab_text text, size_t at, unsigned length)
{
    uint64_t key = ~key_of(text, at, length);
    return key ? key : 1;
}

static struct entry *slot(const struct lab_grams *g, uint64_t key)
{
    size_t at = (size_t)key & (g->size - 1);
    while (g->table[at].key != 0 && g->table[at].key != key)
        at = (at + 1) & (g->size - 1);
    return &g->table[at];
}

/* Its entry, a new one if there is none. */
static struct entry *entry_of(struct lab_grams *g, uint64_t key)
{
    struct entry *e = slot(g, key);
    g->used += e->key == 0;
    e->key = key;
    return e;
}

/* Counts the byte at `at` after each context that is long enough there. */
static void count(struct lab_grams *g, struct lab_text text, size_t at)
{
    for (unsigned length = 0; length < g->order && length <= at; length++) {
        struct entry *whole = entry_of(g, key_of(text, at + 1, length + 1));
        bool fresh = whole->count++ == 0;
        struct entry *before = entry_of(g, context_key(text, at, length));
        before->count++;
        before->followers += fresh;
    }
}

/* Room for the entries of one more byte: small tables stay in the cache. */
static bool make_room(struct lab_grams *g)
{
    struct lab_grams larger = *g;
    if (g->used + 2 * (size_t)g->order <= g->size / 2)
        return true;
    larger.size = 2 * g->size;
    larger.table = calloc(larger.size, sizeof *larger.table);
    if (!larger.table)
        return false;
    for (size_t i = 0; i < g->size; i++)
        if (g->table[i].key != 0)
            *slot(&larger, g->table[i].key) = g->table[i];
    free(g->table);
    *g = larger;
    return true;
}

assay_status lab_grams_new(unsigned order, const struct lab_text *texts, size_t n,
                           struct lab_grams **grams, struct assay_error *error)
{
    size_t bytes = 0;
    *grams = NULL;
    for (size_t i = 0; i < n; i++)
        if (!assay_size_add(bytes, texts[i].size, &bytes))
            return assay_error_at(error, ASSAY_ERROR_LIMIT, NULL, 0, "texts too large");
    if (bytes == 0 || bytes > UINT32_MAX || order < 1 || order > LAB_MOST_ORDER)
        return assay_error_at(error, ASSAY_ERROR_INPUT, NULL, 0,
                              "expected texts of at most %u bytes and an order of 1 to %d, found "
                              "%zu bytes and %u",
                              UINT32_MAX, LAB_MOST_ORDER, bytes, order);
    struct lab_grams *g = calloc(1, sizeof *g);
    if (g)
        *g = (struct lab_grams){order, calloc(FIRST_SIZE, sizeof *g->table), FIRST_SIZE, 0};
    bool good = g && g->table;
    for (size_t i = 0; good && i < n; i++)
        for (size_t at = 0; good && at < texts[i].size; at++) {
            good = make_room(g);
            if (good)
                count(g, texts[i], at);
        }
    if (!good) {
        lab_grams_free(g);
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    }
    *grams = g;
    return ASSAY_OK;
}

void lab_grams_free(struct lab_grams *g)
{
    if (g)
        free(g->table);
    free(g);
}

/* Contexts from the shortest to `order` - 1 bytes; keys of runs and of contexts, by turns. */
static double log_p_of(const struct lab_grams *g, const uint64_t *keys, unsigned lengths)
{
    double p = 1.0 / 256;
    for (unsigned length = 0; length < lengths; length++) {
        const struct entry *before = slot(g, keys[2 * length + 1]);
        if (before->count == 0)
            break; /* longer contexts are unseen as well */
        const struct entry *whole = slot(g, keys[2 * length]);
        p = (whole->count + before->followers * p) / ((double)before->count + before->followers);
    }
    return log(p);
}

/* Returns how many lengths of context there are. */
static unsigned keys_at(unsigned order, struct lab_text text, size_t at, uint64_t *keys)
{
    unsigned length = 0;
    for (; length < order && length <= at; length++) {
        keys[2 * length] = key_of(text, at + 1, length + 1);
        keys[2 * length + 1] = context_key(text, at, length);
    }
    return length;
}

double lab_grams_log_at(const struct lab_grams *g, struct lab_text text, size_t at)
{
    uint64_t keys[2 * LAB_MOST_ORDER];
    unsigned lengths = keys_at(g->order, text, at, keys);
    return log_p_of(g, keys, lengths);
}

/* ---- places -------------------------------------------------------------------------- */

/* The longest run that ends at `at`: its hash has its length, so a short one is no other's end. */
static uint64_t kind_key(unsigned order, struct lab_text text, size_t at)
{
    return key_of(text, at + 1, at + 1 < order ? (unsigned)at + 1 : order);
}

static bool keep_kind(struct lab_places *p, size_t *room, struct lab_text text, size_t at)
{
    size_t stride = 2 * (size_t)p->order;
    if (p->kinds == *room) {
        uint64_t *more = realloc(p->keys, 2 * *room * stride * sizeof *more);
        if (!more)
            return false;
        p->keys = more;
        *room *= 2;
    }
    uint64_t *keys = p->keys + p->kinds * stride;
    unsigned lengths = keys_at(p->order, text, at, keys);
    memset(keys + 2 * (size_t)lengths, 0, (stride - 2 * (size_t)lengths) * sizeof *keys);
    p->kinds++;
    return true;
}

/* `seen` counts kinds: its entries' counts are one more than their numbers. */
static bool find_all(struct lab_places *p, struct lab_grams *seen, const struct lab_text *texts,
                     size_t n)
{
    size_t room = FIRST_SIZE, k = 0;
    p->keys = malloc(room * 2 * p->order * sizeof *p->keys);
    if (!p->keys)
        return false;
    for (size_t i = 0; i < n; i++)
        for (size_t at = 0; at < texts[i].size; at++) {
            if (!make_room(seen))
                return false;
            struct entry *e = entry_of(seen, kind_key(p->order, texts[i], at));
            if (e->count == 0) {
                if (!keep_kind(p, &room, texts[i], at))
                    return false;
                e->count = (uint32_t)p->kinds;
            }
            p->kind[k++] = e->count - 1;
        }
    return true;
}

assay_status lab_places_find(unsigned order, const struct lab_text *texts, size_t n,
                             struct lab_places *places, struct assay_error *error)
{
    size_t bytes = 0;
    *places = (struct lab_places){.order = order};
    for (size_t i = 0; i < n; i++)
        if (!assay_size_add(bytes, texts[i].size, &bytes) || bytes > UINT32_MAX - 1)
            return assay_error_at(error, ASSAY_ERROR_LIMIT, NULL, 0, "texts too large");
    struct lab_grams seen = {order, calloc(FIRST_SIZE, sizeof *seen.table), FIRST_SIZE, 0};
    places->kind = malloc((bytes + 1) * sizeof *places->kind);
    bool good = seen.table && places->kind && find_all(places, &seen, texts, n);
    free(seen.table);
    if (good)
        return ASSAY_OK;
    lab_places_free(places);
    return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

void lab_places_free(struct lab_places *places)
{
    free(places->kind);
    free(places->keys);
    *places = (struct lab_places){.kinds = 0};
}

void lab_grams_log_kinds(const struct lab_grams *g, const struct lab_places *p, double *log_p)
{
    size_t stride = 2 * (size_t)p->order;
    for (size_t i = 0; i < p->kinds; i++) {
        const uint64_t *keys = p->keys + i * stride;
        unsigned lengths = 0;
        while (lengths < p->order && keys[2 * (size_t)lengths] != 0)
            lengths++;
        log_p[i] = log_p_of(g, keys, lengths);
    }
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
