/* SPDX-License-Identifier: Apache-2.0 */
/* Response sets: read from whatever they are, answers sorted by key. */
#include "formats/fingerprint.h"
#include "formats/responses_reading.h"
#include "formats/unpack.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char *const format_names[] = {
    [ASSAY_RESPONSES_ALPACA_EVAL] = "AlpacaEval",
    [ASSAY_RESPONSES_ID_OUTPUT] = "id and output",
    [ASSAY_RESPONSES_LINES] = "prompt and answer",
    [ASSAY_RESPONSES_CHAT_LOG] = "chat completions",
    [ASSAY_RESPONSES_LM_EVAL] = "lm-evaluation-harness samples",
    [ASSAY_RESPONSES_FASTCHAT] = "FastChat answers",
    [ASSAY_RESPONSES_TEXTS] = "folder of texts",
    [ASSAY_RESPONSES_FINGERPRINT] = "fingerprint",
};

const char *assay_responses_format_name(enum assay_responses_format format)
{
    size_t i = (size_t)format;
    return i < sizeof format_names / sizeof format_names[0] ? format_names[i] : "unknown";
}

static int by_key(const void *a, const void *b)
{
    const struct assay_answer *x = a, *y = b;
    int order = strcmp(x->key, y->key);
    return order ? order : (x->order > y->order) - (x->order < y->order);
}

uint64_t assay_responses_key_hash(const char *key)
{
    char digest[65];
    char first[17] = {0};
    assay_sha256_bytes(key, strlen(key), digest);
    memcpy(first, digest, 16);
    return strtoull(first, NULL, 16);
}

/* Sorted, the first of each key kept, what is to be noted counted. */
static void finish(struct assay_responses *r)
{
    size_t kept = 0;
    if (r->n > 0)
        qsort(r->answers, r->n, sizeof *r->answers, by_key);
    for (size_t i = 0; i < r->n; i++) {
        if (kept > 0 && strcmp(r->answers[kept - 1].key, r->answers[i].key) == 0) {
            r->notes.duplicates++;
            continue;
        }
        const struct assay_answer *a = &r->answers[i];
        r->answers[i].key_hash = assay_responses_key_hash(a->key);
        bool empty = a->text[strspn(a->text, " \t\r\n\v\f")] == 0;
        r->notes.empty += empty;
        r->notes.truncated += a->truncated;
        r->notes.whitespace_led += !empty && isspace((unsigned char)a->text[0]);
        r->answers[kept++] = *a;
    }
    r->n = kept;
}

/* The last part of the path without the endings that say how it is packed. */
static char *name_of(struct assay_arena *arena, const char *path)
{
    static const char *const endings[] = {".zst", ".gz", ".jsonl", ".json", ".fingerprint"};
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/')
        end--;
    size_t start = end;
    while (start > 0 && path[start - 1] != '/')
        start--;
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        size_t n = strlen(endings[i]);
        if (end - start > n && strncmp(path + end - n, endings[i], n) == 0)
            end -= n;
    }
    return assay_arena_copy_bytes(arena, path + start, end - start);
}

static assay_status start(const char *path, struct responses_reading *w, struct assay_error *error)
{
    struct assay_responses *r = calloc(1, sizeof *r);
    struct assay_arena *arena = assay_arena_new();
    *w = (struct responses_reading){.path = path, .r = r, .error = error};
    if (!r || !arena) {
        free(r);
        assay_arena_free(arena);
        w->r = NULL;
        return responses_no_memory(w);
    }
    r->arena = arena;
    r->name = name_of(arena, path);
    r->path = assay_arena_copy(arena, path);
    if (!r->name || !r->path) {
        assay_responses_free(r);
        w->r = NULL;
        return responses_no_memory(w);
    }
    return ASSAY_OK;
}

static assay_status end(struct responses_reading *w, assay_status status,
                        struct assay_responses **responses)
{
    static char nobody[1] = "";
    if (status == ASSAY_OK && w->r->n == 0)
        status = w->r->notes.without_answer == 0
                     ? assay_error_at(w->error, ASSAY_ERROR_INPUT, w->path, 0, "holds no answers")
                     : assay_error_at(w->error, ASSAY_ERROR_INPUT, w->path, 0,
                                      "holds no answers: none of its %zu records has a text as "
                                      "output, response, completion, answer, generation, text, "
                                      "choices or resps, or an assistant's message at the end",
                                      w->r->notes.without_answer);
    if (status != ASSAY_OK) {
        assay_responses_free(w->r);
        w->r = NULL;
        return status;
    }
    finish(w->r);
    w->r->writer = nobody;
    if (w->r->notes.writers > 0)
        w->r->writer = assay_arena_copy(w->r->arena, w->writers[0]);
    if (!w->r->writer) {
        assay_responses_free(w->r);
        w->r = NULL;
        return responses_no_memory(w);
    }
    memcpy(w->r->source_sha256, w->r->sha256, sizeof w->r->sha256);
    *responses = w->r;
    return ASSAY_OK;
}

assay_status assay_responses_parse(const char *path, const void *bytes, size_t size,
                                   struct assay_responses **responses, struct assay_error *error)
{
    struct responses_reading w;
    *responses = NULL;
    ASSAY_TRY(start(path, &w, error));
    assay_sha256_bytes(bytes, size, w.r->sha256);
    if (fingerprint_is(bytes, size)) {
        assay_status status = fingerprint_parse(path, bytes, size, w.r, error);
        if (status != ASSAY_OK)
            assay_responses_free(w.r);
        else
            *responses = w.r;
        return status;
    }
    return end(&w, responses_read_document(&w, bytes, size), responses);
}

assay_status assay_responses_read(const char *path, struct assay_responses **responses,
                                  struct assay_error *error)
{
    struct stat info;
    struct assay_file file;
    struct unpacked unpacked;
    struct responses_reading w;
    *responses = NULL;
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode)) {
        ASSAY_TRY(start(path, &w, error));
        return end(&w, responses_read_folder(&w, path), responses);
    }
    ASSAY_TRY(assay_file_open(path, RESPONSES_MOST_FILE, &file, error));
    assay_status status =
        unpack(path, file.bytes, file.size, ASSAY_RESPONSES_MOST_BYTES, &unpacked, error);
    if (status == ASSAY_OK) {
        status = assay_responses_parse(path, unpacked.bytes, unpacked.size, responses, error);
        if (status == ASSAY_OK)
            assay_sha256_bytes(file.bytes, file.size, (*responses)->sha256);
        if (status == ASSAY_OK && !(*responses)->fingerprint)
            memcpy((*responses)->source_sha256, (*responses)->sha256, sizeof(*responses)->sha256);
        unpacked_free(&unpacked);
    }
    assay_file_close(&file);
    return status;
}

void assay_responses_free(struct assay_responses *responses)
{
    if (!responses)
        return;
    free(responses->answers);
    assay_arena_free(responses->arena);
    free(responses);
}

/* A fingerprint has no prompts' texts, and is sorted by their hashes. */
static size_t shared_by_hash(const struct assay_responses *a, const struct assay_responses *b)
{
    const struct assay_responses *sorted = a->fingerprint ? a : b, *other = a->fingerprint ? b : a;
    size_t shared = 0;
    for (size_t i = 0; i < other->n; i++) {
        uint64_t key = other->answers[i].key_hash;
        size_t low = 0, high = sorted->n;
        while (low < high) {
            size_t middle = low + (high - low) / 2;
            if (sorted->answers[middle].key_hash < key)
                low = middle + 1;
            else
                high = middle;
        }
        shared += low < sorted->n && sorted->answers[low].key_hash == key;
    }
    return shared;
}

size_t assay_responses_shared(const struct assay_responses *a, const struct assay_responses *b)
{
    size_t shared = 0;
    if (!a->fingerprint != !b->fingerprint)
        return shared_by_hash(a, b);
    for (size_t x = 0, y = 0; x < a->n && y < b->n;) {
        int order = strcmp(a->answers[x].key, b->answers[y].key);
        shared += order == 0;
        x += order <= 0;
        y += order >= 0;
    }
    return shared;
}
