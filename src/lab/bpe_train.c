/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Learning merges: words and how often each stands in the text; pairs, how often each stands in
 * words, and in which; a heap of pairs by count, whose entries are checked when they come up.
 */
#include "lab/bpe.h"

#include <stdlib.h>
#include <string.h>

struct word {
    size_t start; /* in the text, then in `tokens` */
    uint32_t length, count;
};

struct pair {
    uint32_t key; /* left << 16 | right; 0: free */
    int64_t count;
    uint32_t *words; /* where it stands or stood */
    uint32_t used, room;
};

struct entry {
    int64_t count;
    uint32_t key;
};

struct learner {
    const unsigned char *text;
    struct word *words;
    size_t word_count, word_room;
    uint32_t *word_slots; /* index + 1; 0: free */
    size_t word_mask;
    uint16_t *tokens;
    struct pair *pairs;
    size_t pair_count, pair_mask;
    struct entry *heap;
    size_t heap_count, heap_room;
    bool failed; /* memory */
};

/* More room for `*items` of `size` if all is used. */
static void *grown(struct learner *l, void *items, size_t used, size_t *room, size_t size)
{
    if (used < *room)
        return items;
    size_t more = *room ? *room * 2 : 64;
    void *to = realloc(items, more * size);
    if (!to) {
        l->failed = true;
        return items;
    }
    *room = more;
    return to;
}

/* ---- words --------------------------------------------------------------------------- */

static uint64_t hash_of(const unsigned char *text, size_t n)
{
    uint64_t h = 0xcbf29ce484222325u; /* FNV-1a */
    for (size_t i = 0; i < n; i++)
        h = (h ^ text[i]) * 0x100000001b3u;
    return h ^ h >> 29;
}

static void place_words(struct learner *l)
{
    memset(l->word_slots, 0, (l->word_mask + 1) * sizeof *l->word_slots);
    for (size_t i = 0; i < l->word_count; i++) {
        size_t at = hash_of(l->text + l->words[i].start, l->words[i].length) & l->word_mask;
        while (l->word_slots[at])
            at = (at + 1) & l->word_mask;
        l->word_slots[at] = (uint32_t)i + 1;
    }
}

static void more_slots(struct learner *l)
{
    size_t mask = 2 * l->word_mask + 1;
    uint32_t *slots = realloc(l->word_slots, (mask + 1) * sizeof *slots);
    if (!slots) {
        l->failed = true;
        return;
    }
    l->word_slots = slots;
    l->word_mask = mask;
    place_words(l);
}

static void count_word(struct learner *l, size_t start, size_t n)
{
    size_t at = hash_of(l->text + start, n) & l->word_mask;
    for (; l->word_slots[at]; at = (at + 1) & l->word_mask) {
        struct word *w = &l->words[l->word_slots[at] - 1];
        if (w->length == n && memcmp(l->text + w->start, l->text + start, n) == 0) {
            w->count++;
            return;
        }
    }
    l->words = grown(l, l->words, l->word_count, &l->word_room, sizeof *l->words);
    if (l->failed)
        return;
    l->words[l->word_count++] = (struct word){start, (uint32_t)n, 1};
    l->word_slots[at] = (uint32_t)l->word_count;
    if (2 * l->word_count > l->word_mask)
        more_slots(l);
}

/* Words that stand anywhere in the text; afterwards their bytes as tokens. */
static void count_words(struct learner *l, size_t size)
{
    size_t total = 0;
    for (size_t at = 0; at < size && !l->failed;) {
        size_t n = lab_bpe_word(l->text + at, size - at);
        count_word(l, at, n);
        at += n;
    }
    for (size_t i = 0; i < l->word_count; i++)
        total += l->words[i].length;
    l->tokens = l->failed ? NULL : malloc((total + 1) * sizeof *l->tokens);
    if (!l->tokens) {
        l->failed = true;
        return;
    }
    total = 0;
    for (size_t i = 0; i < l->word_count; i++) {
        struct word *w = &l->words[i];
        for (size_t k = 0; k < w->length; k++)
            l->tokens[total + k] = (uint16_t)(l->text[w->start + k] + 1);
        w->start = total;
        total += w->length;
    }
}

/* ---- pairs --------------------------------------------------------------------------- */

static struct pair *find(struct learner *l, uint32_t key)
{
    size_t at = (key * 2654435761u) & l->pair_mask;
    while (l->pairs[at].key && l->pairs[at].key != key)
        at = (at + 1) & l->pair_mask;
    return &l->pairs[at];
}

static void more_pairs(struct learner *l)
{
    struct pair *old = l->pairs;
    size_t mask = l->pair_mask;
    l->pairs = calloc(2 * (mask + 1), sizeof *l->pairs);
    if (!l->pairs) {
        l->pairs = old;
        l->failed = true;
        return;
    }
    l->pair_mask = 2 * mask + 1;
    for (size_t i = 0; i <= mask; i++)
        if (old[i].key)
            *find(l, old[i].key) = old[i];
    free(old);
}

static bool above(struct entry a, struct entry b)
{
    return a.count != b.count ? a.count > b.count : a.key < b.key;
}

static void push(struct learner *l, struct entry e)
{
    l->heap = grown(l, l->heap, l->heap_count, &l->heap_room, sizeof *l->heap);
    if (l->failed)
        return;
    size_t i = l->heap_count++;
    for (; i > 0 && above(e, l->heap[(i - 1) / 2]); i = (i - 1) / 2)
        l->heap[i] = l->heap[(i - 1) / 2];
    l->heap[i] = e;
}

static struct entry pop(struct learner *l)
{
    struct entry top = l->heap[0], last = l->heap[--l->heap_count];
    size_t i = 0;
    for (size_t child = 1; child < l->heap_count; child = 2 * i + 1) {
        if (child + 1 < l->heap_count && above(l->heap[child + 1], l->heap[child]))
            child++;
        if (!above(l->heap[child], last))
            break;
        l->heap[i] = l->heap[child];
        i = child;
    }
    l->heap[i] = last;
    return top;
}

static void add(struct learner *l, uint16_t left, uint16_t right, uint32_t word, int64_t by)
{
    uint32_t key = (uint32_t)left << 16 | right;
    struct pair *p = find(l, key);
    if (!p->key) {
        if (2 * l->pair_count > l->pair_mask)
            more_pairs(l);
        p = find(l, key);
        p->key = key;
        l->pair_count++;
    }
    p->count += by;
    if (by > 0 && (p->used == 0 || p->words[p->used - 1] != word)) {
        size_t room = p->room;
        p->words = grown(l, p->words, p->used, &room, sizeof *p->words);
        p->room = (uint32_t)room;
        if (!l->failed)
            p->words[p->used++] = word;
    }
}

static void count_pairs(struct learner *l)
{
    for (size_t i = 0; i < l->word_count; i++) {
        const struct word *w = &l->words[i];
        for (size_t k = 0; k + 1 < w->length; k++)
            add(l, l->tokens[w->start + k], l->tokens[w->start + k + 1], (uint32_t)i, w->count);
    }
    for (size_t i = 0; i <= l->pair_mask; i++)
        if (l->pairs[i].key)
            push(l, (struct entry){l->pairs[i].count, l->pairs[i].key});
}

/* Joins the pair in a word; counts of its neighbours follow, and those that grew are pushed. */
static void join(struct learner *l, uint32_t word, uint16_t left, uint16_t right, uint16_t made)
{
    struct word *w = &l->words[word];
    uint16_t *t = l->tokens + w->start;
    size_t out = 0;
    for (size_t i = 0; i < w->length; i++) {
        if (i + 1 == w->length || t[i] != left || t[i + 1] != right) {
            t[out++] = t[i];
            continue;
        }
        add(l, left, right, word, -(int64_t)w->count);
        if (out) {
            add(l, t[out - 1], left, word, -(int64_t)w->count);
            add(l, t[out - 1], made, word, w->count);
            push(l, (struct entry){find(l, (uint32_t)t[out - 1] << 16 | made)->count,
                                   (uint32_t)t[out - 1] << 16 | made});
        }
        if (i + 2 < w->length) {
            add(l, right, t[i + 2], word, -(int64_t)w->count);
            add(l, made, t[i + 2], word, w->count);
            push(l, (struct entry){find(l, (uint32_t)made << 16 | t[i + 2])->count,
                                   (uint32_t)made << 16 | t[i + 2]});
        }
        t[out++] = made;
        i++;
    }
    w->length = (uint32_t)out;
}

/* ---- all of it ----------------------------------------------------------------------- */

static bool next_pair(struct learner *l, uint32_t *key)
{
    while (l->heap_count && !l->failed) {
        struct entry top = pop(l);
        int64_t count = find(l, top.key)->count;
        if (count == top.count && count >= 2) {
            *key = top.key;
            return true;
        }
        if (count >= 2 && count < top.count)
            push(l, (struct entry){count, top.key});
    }
    return false;
}

static size_t learn(struct learner *l, size_t most, struct lab_merge *merges)
{
    size_t n = 0;
    uint32_t key;
    for (; n < most && next_pair(l, &key); n++) {
        uint16_t left = (uint16_t)(key >> 16), right = (uint16_t)key;
        struct pair *p = find(l, key);
        uint32_t *words = p->words, used = p->used; /* `join` may move the table, not this */
        p->words = NULL;
        p->used = p->room = 0;
        for (uint32_t i = 0; i < used && !l->failed; i++)
            join(l, words[i], left, right, (uint16_t)(257 + n));
        free(words);
        merges[n] = (struct lab_merge){left, right};
    }
    return n;
}

static void release(struct learner *l)
{
    for (size_t i = 0; l->pairs && i <= l->pair_mask; i++)
        free(l->pairs[i].words);
    free(l->words);
    free(l->word_slots);
    free(l->tokens);
    free(l->pairs);
    free(l->heap);
}

assay_status lab_bpe_train(const char *text, size_t size, size_t count, struct lab_bpe *bpe,
                           struct assay_error *error)
{
    struct learner l = {.text = (const unsigned char *)text, .word_mask = 4095, .pair_mask = 65535};
    *bpe = (struct lab_bpe){.count = 0};
    if (count < LAB_BPE_LEAST || count > LAB_BPE_MOST)
        return assay_error_at(error, ASSAY_ERROR_INPUT, NULL, 0,
                              "expected a vocabulary of %d to %d tokens, found %zu", LAB_BPE_LEAST,
                              LAB_BPE_MOST, count);
    if (size >= UINT32_MAX)
        return assay_error_at(error, ASSAY_ERROR_LIMIT, NULL, 0,
                              "a vocabulary is learnt from less than 4 GiB of text");
    struct lab_merge *merges = malloc((count - 256) * sizeof *merges);
    l.word_slots = calloc(l.word_mask + 1, sizeof *l.word_slots);
    l.pairs = calloc(l.pair_mask + 1, sizeof *l.pairs);
    l.failed = !merges || !l.word_slots || !l.pairs;
    if (!l.failed)
        count_words(&l, size);
    if (!l.failed)
        count_pairs(&l);
    size_t n = l.failed ? 0 : learn(&l, count - LAB_BPE_LEAST, merges);
    assay_status status = ASSAY_OK;
    if (l.failed)
        status = assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    else if (n < count - LAB_BPE_LEAST)
        status = assay_error_at(error, ASSAY_ERROR_INPUT, NULL, 0,
                                "a vocabulary of %zu tokens is larger than the text supports: no "
                                "pair stands twice after %zu",
                                count, LAB_BPE_LEAST + n);
    if (status == ASSAY_OK)
        status = lab_bpe_new(merges, n, bpe, error);
    release(&l);
    free(merges);
    return status;
}
