/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/fingerprint.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#define MAGIC "assay fingerprint "
#define VERSION "1\n"
#define LEAST_PROMPT 12 /* bytes: a key, a length and three counts */
#define MOST_TOKENS ((uint64_t)1 << 31)
#define KINDS ASSAY_FINGERPRINT_KINDS
#define BLOCKS ASSAY_FINGERPRINT_BLOCKS
#define COMPRESSION 19

bool fingerprint_is(const unsigned char *bytes, size_t size)
{
    return size >= sizeof MAGIC - 1 && memcmp(bytes, MAGIC, sizeof MAGIC - 1) == 0;
}

/* ---- reading ------------------------------------------------------------------------- */

struct cursor {
    const char *path;
    const unsigned char *bytes;
    size_t at, size;
    struct assay_responses *r;
    struct assay_error *error;
};

static assay_status broken(struct cursor *c, const char *what)
{
    return assay_error_at_offset(c->error, ASSAY_ERROR_INPUT, c->path, (long long)c->at,
                                 "a broken fingerprint: %s", what);
}

static assay_status no_memory(const char *path, struct assay_error *error)
{
    return assay_error_at(error, ASSAY_ERROR_MEMORY, path, 0, "out of memory");
}

static assay_status take(struct cursor *c, void *to, size_t n)
{
    if (c->size - c->at < n)
        return broken(c, "it ends early");
    memcpy(to, c->bytes + c->at, n);
    c->at += n;
    return ASSAY_OK;
}

static assay_status take_little(struct cursor *c, size_t n, uint64_t *value)
{
    unsigned char b[8] = {0};
    ASSAY_TRY(take(c, b, n));
    *value = 0;
    for (size_t i = n; i > 0; i--)
        *value = *value << 8 | b[i - 1];
    return ASSAY_OK;
}

/* Seven bits a byte, the lowest first (LEB128). */
static assay_status take_number(struct cursor *c, uint64_t most, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; shift < 63; shift += 7) {
        if (c->at == c->size)
            return broken(c, "it ends early");
        unsigned char b = c->bytes[c->at++];
        *value |= (uint64_t)(b & 0x7F) << shift;
        if (*value > most)
            return broken(c, "a number is larger than it can be");
        if (!(b & 0x80))
            return ASSAY_OK;
    }
    return broken(c, "a number without an end");
}

static assay_status take_header(struct cursor *c, struct assay_fingerprint *f, uint64_t *prompts)
{
    char version[sizeof VERSION - 1];
    unsigned char digest[32], keyed = 0;
    uint64_t n = 0;
    c->at = sizeof MAGIC - 1;
    ASSAY_TRY(take(c, version, sizeof version));
    if (memcmp(version, VERSION, sizeof version) != 0)
        return assay_error_at(c->error, ASSAY_ERROR_UNSUPPORTED, c->path, 0,
                              "a fingerprint of another version than 1: make it anew");
    ASSAY_TRY(take_number(c, 255, &n));
    if (c->size - c->at < n || memchr(c->bytes + c->at, 0, (size_t)n))
        return broken(c, "the writer's name");
    c->r->writer = assay_arena_copy_bytes(c->r->arena, (const char *)c->bytes + c->at, (size_t)n);
    c->at += (size_t)n;
    ASSAY_TRY(take(c, digest, sizeof digest));
    for (size_t i = 0; i < sizeof digest; i++) {
        c->r->source_sha256[2 * i] = "0123456789abcdef"[digest[i] >> 4];
        c->r->source_sha256[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
    }
    ASSAY_TRY(take(c, &keyed, 1));
    c->r->keyed_by_prompt = keyed == 1;
    for (size_t k = 0; k < KINDS; k++) {
        ASSAY_TRY(take_number(c, ASSAY_FINGERPRINT_ALL, &n));
        if (n == 0)
            return broken(c, "no share of the runs is kept");
        f->rate[k] = (uint32_t)n;
    }
    ASSAY_TRY(take_number(c, ASSAY_RESPONSES_MOST_ANSWERS, prompts));
    if (*prompts == 0 || *prompts > (c->size - c->at) / LEAST_PROMPT)
        return broken(c, "it cannot hold so many prompts");
    return c->r->writer ? ASSAY_OK : no_memory(c->path, c->error);
}

static assay_status take_words(struct cursor *c, struct assay_fingerprint *f)
{
    uint64_t n = 0, value = 0;
    ASSAY_TRY(take_number(c, UINT32_MAX, &n));
    if (n > (c->size - c->at) / (4 + BLOCKS))
        return broken(c, "it cannot hold so many words");
    f->word_count = (size_t)n;
    f->words = assay_arena_alloc(c->r->arena, f->word_count + 1, sizeof *f->words);
    f->counts = assay_arena_alloc(c->r->arena, BLOCKS * f->word_count + 1, sizeof *f->counts);
    if (!f->words || !f->counts)
        return no_memory(c->path, c->error);
    for (size_t b = 0; b < BLOCKS; b++) {
        ASSAY_TRY(take_number(c, UINT32_MAX, &value));
        f->totals[b] = (uint32_t)value;
    }
    for (size_t i = 0; i < f->word_count; i++) {
        ASSAY_TRY(take_little(c, 4, &value));
        if (i > 0 && value <= f->words[i - 1])
            return broken(c, "words out of order");
        f->words[i] = (uint32_t)value;
    }
    for (size_t b = 0; b < BLOCKS; b++)
        for (size_t i = 0; i < f->word_count; i++) {
            ASSAY_TRY(take_number(c, f->totals[b], &value));
            f->counts[b * f->word_count + i] = (uint32_t)value;
        }
    return ASSAY_OK;
}

/* Each as its distance from the last, doubled, the lowest bit saying that a count follows. */
static assay_status take_runs(struct cursor *c, struct assay_fingerprint *f, size_t kind,
                              struct assay_fingerprint_prompt *p)
{
    uint64_t n = 0, id = 0, value = 0, total = 0;
    uint64_t end = (uint64_t)f->rate[kind] << (ASSAY_FINGERPRINT_ID_BITS - 16);
    ASSAY_TRY(take_number(c, p->tokens, &n));
    if (n > c->size - c->at)
        return broken(c, "it cannot hold so many runs");
    p->first[kind] = f->run_count;
    p->runs[kind] = (uint32_t)n;
    for (uint64_t i = 0; i < n; i++) {
        uint64_t count = 1;
        ASSAY_TRY(take_number(c, 2 * end + 1, &value));
        if (value & 1)
            ASSAY_TRY(take_number(c, p->tokens, &count));
        id += (value >> 1) + (i > 0);
        total += count;
        if (id >= end || count == 0 || total > p->tokens)
            return broken(c, "a run that cannot be");
        f->run[f->run_count++] = (struct assay_fingerprint_run){(uint32_t)id, (uint32_t)count};
    }
    return ASSAY_OK;
}

static assay_status take_prompts(struct cursor *c, struct assay_fingerprint *f, size_t n)
{
    static const char nothing[1] = "";
    struct assay_responses *r = c->r;
    r->answers = calloc(n + 1, sizeof *r->answers);
    f->prompts = assay_arena_alloc(r->arena, n, sizeof *f->prompts);
    f->run = assay_arena_alloc(r->arena, c->size - c->at, sizeof *f->run); /* a byte each or more */
    if (!r->answers || !f->prompts || !f->run)
        return no_memory(c->path, c->error);
    for (size_t i = 0; i < n; i++) {
        struct assay_fingerprint_prompt *p = &f->prompts[i];
        uint64_t hash = 0, tokens = 0;
        ASSAY_TRY(take_little(c, 8, &hash));
        if (i > 0 && hash <= r->answers[i - 1].key_hash)
            return broken(c, "prompts out of order");
        ASSAY_TRY(take_number(c, MOST_TOKENS, &tokens));
        p->tokens = (uint32_t)tokens;
        for (size_t k = 0; k < KINDS; k++)
            ASSAY_TRY(take_runs(c, f, k, p));
        char *key = assay_arena_print(r->arena, "%016llx", (unsigned long long)hash);
        if (!key)
            return no_memory(c->path, c->error);
        r->answers[i] =
            (struct assay_answer){.key = key, .key_hash = hash, .text = nothing, .order = i};
    }
    r->n = r->notes.records = n;
    return c->at == c->size ? ASSAY_OK : broken(c, "something follows its end");
}

assay_status fingerprint_parse(const char *path, const unsigned char *bytes, size_t size,
                               struct assay_responses *r, struct assay_error *error)
{
    struct cursor c = {path, bytes, 0, size, r, error};
    struct assay_fingerprint *f = assay_arena_alloc(r->arena, 1, sizeof *f);
    uint64_t prompts = 0;
    if (!f)
        return no_memory(path, error);
    r->format = ASSAY_RESPONSES_FINGERPRINT;
    r->fingerprint = f;
    ASSAY_TRY(take_header(&c, f, &prompts));
    ASSAY_TRY(take_words(&c, f));
    return take_prompts(&c, f, (size_t)prompts);
}

/* ---- writing ------------------------------------------------------------------------- */

struct output {
    unsigned char *bytes;
    size_t used, room;
    bool failed;
};

static void put(struct output *o, const void *bytes, size_t n)
{
    if (o->room - o->used < n && !o->failed) {
        size_t room = 2 * o->room + n + 4096;
        unsigned char *wider = realloc(o->bytes, room);
        o->failed = !wider;
        o->bytes = wider ? wider : o->bytes;
        o->room = wider ? room : o->room;
    }
    if (o->failed)
        return;
    memcpy(o->bytes + o->used, bytes, n);
    o->used += n;
}

static void put_little(struct output *o, uint64_t value, size_t n)
{
    unsigned char b[8];
    for (size_t i = 0; i < n; i++)
        b[i] = (unsigned char)(value >> (8 * i));
    put(o, b, n);
}

static void put_number(struct output *o, uint64_t value)
{
    do {
        unsigned char b = (unsigned char)((value & 0x7F) | (value > 0x7F ? 0x80 : 0));
        put(o, &b, 1);
        value >>= 7;
    } while (value > 0);
}

static unsigned char hex_value(char c)
{
    return (unsigned char)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static void put_header(struct output *o, const struct assay_responses *r)
{
    size_t writer = strlen(r->writer);
    unsigned char keyed = r->keyed_by_prompt;
    writer = writer < 255 ? writer : 255;
    put(o, MAGIC VERSION, sizeof MAGIC VERSION - 1);
    put_number(o, writer);
    put(o, r->writer, writer);
    for (size_t i = 0; i < 32; i++) {
        unsigned char b = (unsigned char)(hex_value(r->source_sha256[2 * i]) << 4 |
                                          hex_value(r->source_sha256[2 * i + 1]));
        put(o, &b, 1);
    }
    put(o, &keyed, 1);
    for (size_t k = 0; k < KINDS; k++)
        put_number(o, r->fingerprint->rate[k]);
    put_number(o, r->n);
}

static void put_words(struct output *o, const struct assay_fingerprint *f)
{
    put_number(o, f->word_count);
    for (size_t b = 0; b < BLOCKS; b++)
        put_number(o, f->totals[b]);
    for (size_t i = 0; i < f->word_count; i++)
        put_little(o, f->words[i], 4);
    for (size_t i = 0; i < BLOCKS * f->word_count; i++)
        put_number(o, f->counts[i]);
}

static void put_runs(struct output *o, const struct assay_fingerprint *f,
                     const struct assay_fingerprint_prompt *p, size_t kind)
{
    put_number(o, p->runs[kind]);
    for (uint32_t i = 0; i < p->runs[kind]; i++) {
        const struct assay_fingerprint_run *run = &f->run[p->first[kind] + i];
        uint64_t step = i > 0 ? run->id - run[-1].id - 1 : run->id;
        put_number(o, 2 * step + (run->count > 1));
        if (run->count > 1)
            put_number(o, run->count);
    }
}

assay_status assay_fingerprint_write(const struct assay_responses *r, const char *path,
                                     size_t *size, struct assay_error *error)
{
    struct output o = {.bytes = NULL};
    const struct assay_fingerprint *f = r->fingerprint;
    if (!f)
        return assay_error_at(error, ASSAY_ERROR_INPUT, r->path, 0, "holds texts, no fingerprint");
    put_header(&o, r);
    put_words(&o, f);
    for (size_t i = 0; i < r->n; i++) {
        put_little(&o, r->answers[i].key_hash, 8);
        put_number(&o, f->prompts[i].tokens);
        for (size_t k = 0; k < KINDS; k++)
            put_runs(&o, f, &f->prompts[i], k);
    }
    size_t room = ZSTD_compressBound(o.used);
    void *packed = o.failed ? NULL : malloc(room);
    size_t n = packed ? ZSTD_compress(packed, room, o.bytes, o.used, COMPRESSION) : 0;
    assay_status status = !packed || ZSTD_isError(n) ? no_memory(path, error)
                                                     : assay_file_write(path, packed, n, error);
    *size = n;
    free(packed);
    free(o.bytes);
    return status;
}
