/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/bpe.h"

#include <stdlib.h>
#include <string.h>

#define FIRST 257 /* merge */

/* ---- words --------------------------------------------------------------------------- */

enum class { SPACE, LETTER, DIGIT, SIGN };

static enum class class_of(unsigned char c) {
    if (c == ' ' || (c >= '\t' && c <= '\r')) return SPACE;
    if (c >= 128 || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) return LETTER;
    return c >= '0' && c <= '9' ? DIGIT : SIGN;
}

/* 's, 't, 're, 've, 'm, 'll, 'd: their length, or 0. */
static size_t ending(const unsigned char *t, size_t n)
{
    if (n < 2 || t[0] != '\'')
        return 0;
    if (strchr("stmd", t[1]) && t[1])
        return 2;
    return n > 2 && (memcmp(t + 1, "re", 2) == 0 || memcmp(t + 1, "ve", 2) == 0 ||
                     memcmp(t + 1, "ll", 2) == 0)
               ? 3
               : 0;
}

size_t lab_bpe_word(const unsigned char *t, size_t n)
{
    size_t i = ending(t, n), run = 0;
    if (i)
        return i;
    i = t[0] == ' ' && n > 1 && class_of(t[1]) != SPACE;
    enum class first = class_of(t[i]);
    if (first != SPACE) {
        while (i < n && class_of(t[i]) == first)
            i++;
        return i;
    }
    while (run < n && class_of(t[run]) == SPACE)
        run++;
    return run == n || run == 1 ? run : run - 1; /* the last one goes with what follows */
}

/* ---- the vocabulary ------------------------------------------------------------------ */

static size_t slot_of(const struct lab_bpe *b, uint32_t pair)
{
    size_t at = (pair * 2654435761u) & (b->slots - 1);
    while (b->pair[at] && b->pair[at] != pair)
        at = (at + 1) & (b->slots - 1);
    return at;
}

uint16_t lab_bpe_merged(const struct lab_bpe *b, uint16_t left, uint16_t right)
{
    uint32_t pair = (uint32_t)left << 16 | right;
    size_t at = slot_of(b, pair);
    return b->pair[at] && pair ? b->token[at] : 0;
}

static assay_status no_memory(struct assay_error *error)
{
    return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

static size_t length_of(const struct lab_bpe *b, uint16_t token)
{
    return b->start[token + 1] - b->start[token];
}

/* Starts and bytes of all tokens, from the merges. */
static assay_status spell(struct lab_bpe *b, struct assay_error *error)
{
    size_t at = 0;
    for (size_t t = 0; t < b->count; t++) {
        size_t length = t == 0 ? 0 : 1;
        b->start[t] = (uint32_t)at;
        if (t >= FIRST) {
            struct lab_merge m = b->merges[t - FIRST];
            if (m.left == 0 || m.right == 0 || m.left >= t || m.right >= t)
                return assay_error_at(error, ASSAY_ERROR_INPUT, NULL, 0,
                                      "merge %zu joins tokens %u and %u, of which one is not "
                                      "before it",
                                      t - FIRST, m.left, m.right);
            length = length_of(b, m.left) + length_of(b, m.right);
        }
        at += length;
        if (at > (1u << 28))
            return assay_error_at(error, ASSAY_ERROR_LIMIT, NULL, 0,
                                  "the tokens' bytes are more than 256 MiB together");
        b->start[t + 1] = (uint32_t)at;
    }
    b->bytes = malloc(at + 1);
    if (!b->bytes)
        return no_memory(error);
    for (size_t t = 1; t < b->count; t++) {
        unsigned char *to = b->bytes + b->start[t];
        if (t < FIRST) {
            *to = (unsigned char)(t - 1);
        } else {
            struct lab_merge m = b->merges[t - FIRST];
            memcpy(to, b->bytes + b->start[m.left], length_of(b, m.left));
            memcpy(to + length_of(b, m.left), b->bytes + b->start[m.right], length_of(b, m.right));
        }
    }
    return ASSAY_OK;
}

assay_status lab_bpe_new(const struct lab_merge *merges, size_t n, struct lab_bpe *b,
                         struct assay_error *error)
{
    *b = (struct lab_bpe){.count = FIRST + n, .slots = 1024};
    if (b->count > LAB_BPE_MOST)
        return assay_error_at(error, ASSAY_ERROR_LIMIT, NULL, 0,
                              "found %zu tokens; at most %d are possible", b->count, LAB_BPE_MOST);
    while (b->slots < 2 * n)
        b->slots *= 2;
    b->merges = malloc((n + 1) * sizeof *b->merges);
    b->start = malloc((b->count + 1) * sizeof *b->start);
    b->pair = calloc(b->slots, sizeof *b->pair);
    b->token = calloc(b->slots, sizeof *b->token);
    assay_status status =
        b->merges && b->start && b->pair && b->token ? ASSAY_OK : no_memory(error);
    if (status == ASSAY_OK) {
        if (n)
            memcpy(b->merges, merges, n * sizeof *merges);
        status = spell(b, error);
    }
    for (size_t i = 0; i < n && status == ASSAY_OK; i++) {
        uint32_t pair = (uint32_t)merges[i].left << 16 | merges[i].right;
        size_t at = slot_of(b, pair);
        if (!b->pair[at]) { /* of two merges of a pair the first holds */
            b->pair[at] = pair;
            b->token[at] = (uint16_t)(FIRST + i);
        }
    }
    if (status != ASSAY_OK)
        lab_bpe_free(b);
    return status;
}

void lab_bpe_free(struct lab_bpe *b)
{
    free(b->merges);
    free(b->start);
    free(b->bytes);
    free(b->pair);
    free(b->token);
    *b = (struct lab_bpe){.count = 0};
}

/* ---- texts to tokens ----------------------------------------------------------------- */

/* Joins the pair that comes first among the merges, leftmost, until none is left. Words are short:
 * a scan for each merge; a long one goes in stretches of the same, each by a heap, below. */
static size_t join_short(const struct lab_bpe *b, uint16_t *t, size_t n)
{
    while (n > 1) {
        size_t best = 0;
        uint16_t token = 0;
        for (size_t i = 0; i + 1 < n; i++) {
            uint16_t made = lab_bpe_merged(b, t[i], t[i + 1]);
            if (made && (!token || made < token)) {
                token = made;
                best = i;
            }
        }
        if (!token)
            break;
        t[best] = token;
        memmove(t + best + 1, t + best + 2, (n - best - 2) * sizeof *t);
        n--;
    }
    return n;
}

/* A candidate: the pair at `at`, with the right token at `next`, would make `token`. */
struct candidate {
    uint32_t at, next;
    uint16_t token, left, right;
};

struct long_word {
    const struct lab_bpe *b;
    uint16_t *t;
    uint32_t *next, *before; /* UINT32_MAX: none */
    struct candidate *heap;
    size_t count;
};

static bool earlier(const struct candidate *a, const struct candidate *b)
{
    return a->token != b->token ? a->token < b->token : a->at < b->at;
}

static void push(struct long_word *w, uint32_t at)
{
    uint32_t next = at == UINT32_MAX ? at : w->next[at];
    uint16_t token = next == UINT32_MAX ? 0 : lab_bpe_merged(w->b, w->t[at], w->t[next]);
    if (!token)
        return;
    struct candidate c = {at, next, token, w->t[at], w->t[next]};
    size_t i = w->count++;
    for (; i > 0 && earlier(&c, &w->heap[(i - 1) / 2]); i = (i - 1) / 2)
        w->heap[i] = w->heap[(i - 1) / 2];
    w->heap[i] = c;
}

static struct candidate pop(struct long_word *w)
{
    struct candidate top = w->heap[0], last = w->heap[--w->count];
    size_t i = 0;
    for (size_t child = 1; child < w->count; child = 2 * i + 1) {
        if (child + 1 < w->count && earlier(&w->heap[child + 1], &w->heap[child]))
            child++;
        if (!earlier(&w->heap[child], &last))
            break;
        w->heap[i] = w->heap[child];
        i = child;
    }
    w->heap[i] = last;
    return top;
}

/* Each merge adds at most two candidates, so that 3 n suffice. */
static assay_status join_long(const struct lab_bpe *b, uint16_t *t, size_t *n,
                              struct assay_error *error)
{
    struct long_word w = {.b = b, .t = t};
    size_t many = *n, out = 0;
    w.next = malloc(many * sizeof *w.next);
    w.before = malloc(many * sizeof *w.before);
    w.heap = malloc(3 * many * sizeof *w.heap);
    bool there = w.next && w.before && w.heap;
    for (size_t i = 0; there && i < many; i++) {
        w.next[i] = i + 1 < many ? (uint32_t)i + 1 : UINT32_MAX;
        w.before[i] = i ? (uint32_t)i - 1 : UINT32_MAX;
    }
    for (size_t i = 0; there && i < many; i++)
        push(&w, (uint32_t)i);
    while (there && w.count) {
        struct candidate c = pop(&w);
        if (t[c.at] != c.left || w.next[c.at] != c.next || t[c.next] != c.right)
            continue; /* a neighbour was joined since */
        t[c.at] = c.token;
        t[c.next] = 0;
        w.next[c.at] = w.next[c.next];
        if (w.next[c.at] != UINT32_MAX)
            w.before[w.next[c.at]] = c.at;
        push(&w, c.at);
        push(&w, w.before[c.at]);
    }
    for (size_t i = 0; there && i < many; i++)
        if (t[i])
            t[out++] = t[i];
    *n = out;
    free(w.next);
    free(w.before);
    free(w.heap);
    return there ? ASSAY_OK : no_memory(error);
}

assay_status lab_bpe_encode(const struct lab_bpe *b, const char *text, size_t size,
                            uint16_t *tokens, size_t *count, struct assay_error *error)
{
    const unsigned char *from = (const unsigned char *)text;
    size_t at = 0, out = 0;
    while (at < size) {
        size_t n = lab_bpe_word(from + at, size - at);
        if (n >= UINT32_MAX / 4)
            return assay_error_at(error, ASSAY_ERROR_LIMIT, NULL, 0, "a word of %zu bytes", n);
        for (size_t i = 0; i < n; i++)
            tokens[out + i] = (uint16_t)(from[at + i] + 1);
        at += n;
        if (n <= 64)
            n = join_short(b, tokens + out, n);
        else
            ASSAY_TRY(join_long(b, tokens + out, &n, error));
        out += n;
    }
    *count = out;
    return ASSAY_OK;
}

size_t lab_bpe_decode(const struct lab_bpe *b, const uint16_t *tokens, size_t n, char *text,
                      size_t most)
{
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        size_t length = tokens[i] < b->count ? length_of(b, tokens[i]) : 0;
        if (at < most && length)
            memcpy(text + at, b->bytes + b->start[tokens[i]],
                   length < most - at ? length : most - at);
        at += length;
    }
    return at;
}
