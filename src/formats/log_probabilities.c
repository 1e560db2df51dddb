/* SPDX-License-Identifier: Apache-2.0 */
/* How probable models find texts, a line each. */
#include "formats/unpack.h"

#include <assay/responses.h>

#include <ctype.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_FILE ((size_t)1 << 30)

struct work {
    const char *path;
    struct assay_scored_texts *texts;
    size_t room;
    json_t *names; /* each name to its copy's place in the arena, so that it is kept once */
    struct assay_error *error;
};

static assay_status no_memory(struct work *w)
{
    return assay_error_at(w->error, ASSAY_ERROR_MEMORY, w->path, 0, "out of memory");
}

static assay_status refuse(struct work *w, long line, const char *what)
{
    return assay_error_at(w->error, ASSAY_ERROR_INPUT, w->path, line, "%s", what);
}

/* One copy of each name. NULL if memory is short. */
static const char *kept(struct work *w, const char *name)
{
    const json_t *known = json_object_get(w->names, name);
    if (known)
        return (const char *)(uintptr_t)json_integer_value(known);
    const char *copy = assay_arena_copy(w->texts->arena, name);
    bool good =
        copy && json_object_set_new(w->names, name, json_integer((json_int_t)(uintptr_t)copy)) == 0;
    return good ? copy : NULL;
}

/* White space made one, ends trimmed, as the keys of response sets are. */
static uint64_t prompt_hash(const char *prompt)
{
    size_t n = 0;
    char *key = malloc(strlen(prompt) + 1);
    for (const char *at = prompt; key && *at; at++) {
        bool blank = isspace((unsigned char)*at);
        if (!blank)
            key[n++] = *at;
        else if (n > 0 && key[n - 1] != ' ')
            key[n++] = ' ';
    }
    if (key)
        key[n > 0 && key[n - 1] == ' ' ? n - 1 : n] = 0;
    uint64_t hash = key ? assay_responses_key_hash(key) : 0;
    free(key);
    return hash;
}

static assay_status make_room(struct work *w)
{
    struct assay_scored_texts *t = w->texts;
    if (t->count < w->room)
        return ASSAY_OK;
    size_t room = w->room ? 2 * w->room : 1024;
    struct assay_scored_text *list = realloc(t->list, room * sizeof *list);
    if (!list)
        return no_memory(w);
    t->list = list;
    w->room = room;
    return ASSAY_OK;
}

static assay_status add(struct work *w, const json_t *object, long line)
{
    const char *writer = json_string_value(json_object_get(object, "writer"));
    const char *scorer = json_string_value(json_object_get(object, "scorer"));
    const char *prompt = json_string_value(json_object_get(object, "prompt"));
    const json_t *p = json_object_get(object, "log_probability");
    const json_t *bytes = json_object_get(object, "bytes");
    if (!writer || !writer[0] || !prompt || !json_is_number(p) || !json_is_number(bytes))
        return refuse(w, line,
                      "expected {\"scorer\": text, \"writer\": text, \"prompt\": text, "
                      "\"log_probability\": nats, \"bytes\": number}");
    if (!(json_number_value(p) <= 0) || !isfinite(json_number_value(p)))
        return refuse(w, line, "expected a log_probability of 0 or less");
    if (!(json_number_value(bytes) > 0) || json_number_value(bytes) > 1e12)
        return refuse(w, line, "expected a text of one byte or more");
    if (w->texts->count == ASSAY_RESPONSES_MOST_ANSWERS)
        return assay_error_at(w->error, ASSAY_ERROR_LIMIT, w->path, line, "more than %zu lines",
                              ASSAY_RESPONSES_MOST_ANSWERS);
    ASSAY_TRY(make_room(w));
    const char *by = kept(w, scorer && scorer[0] ? scorer : "suspect"), *of = kept(w, writer);
    if (!by || !of)
        return no_memory(w);
    w->texts->list[w->texts->count++] = (struct assay_scored_text){
        by, of, prompt_hash(prompt), json_number_value(p), json_number_value(bytes), line};
    return ASSAY_OK;
}

static assay_status read_lines(struct work *w, const char *bytes, size_t size)
{
    long line = 1;
    for (size_t at = 0; at < size; line++) {
        const char *end = memchr(bytes + at, '\n', size - at);
        size_t length = end ? (size_t)(end - (bytes + at)) : size - at, blank = 0;
        while (blank < length && isspace((unsigned char)bytes[at + blank]))
            blank++;
        if (blank < length) {
            json_error_t where;
            json_t *object = json_loadb(bytes + at, length, 0, &where);
            assay_status status = object ? add(w, object, line)
                                         : assay_error_at(w->error, ASSAY_ERROR_INPUT, w->path,
                                                          line, "broken JSON: %s", where.text);
            json_decref(object);
            ASSAY_TRY(status);
        }
        at += length + (end != NULL);
    }
    return w->texts->count > 0 ? ASSAY_OK : refuse(w, 0, "holds no scored texts");
}

assay_status assay_scored_texts_parse(const char *path, const void *bytes, size_t size,
                                      struct assay_scored_texts *texts, struct assay_error *error)
{
    struct work w = {.path = path, .texts = texts, .error = error};
    *texts = (struct assay_scored_texts){.arena = assay_arena_new()};
    w.names = json_object();
    assay_status status = texts->arena && w.names ? ASSAY_OK : no_memory(&w);
    if (status == ASSAY_OK && !(texts->path = assay_arena_copy(texts->arena, path)))
        status = no_memory(&w);
    if (status == ASSAY_OK)
        status = read_lines(&w, bytes, size);
    assay_sha256_bytes(bytes, size, texts->sha256);
    json_decref(w.names);
    if (status != ASSAY_OK)
        assay_scored_texts_free(texts);
    return status;
}

assay_status assay_scored_texts_read(const char *path, struct assay_scored_texts *texts,
                                     struct assay_error *error)
{
    struct assay_file file;
    struct unpacked unpacked;
    ASSAY_TRY(assay_file_open(path, MOST_FILE, &file, error));
    assay_status status =
        unpack(path, file.bytes, file.size, ASSAY_RESPONSES_MOST_BYTES, &unpacked, error);
    if (status == ASSAY_OK) {
        status = assay_scored_texts_parse(path, unpacked.bytes, unpacked.size, texts, error);
        if (status == ASSAY_OK)
            assay_sha256_bytes(file.bytes, file.size, texts->sha256);
        unpacked_free(&unpacked);
    }
    assay_file_close(&file);
    return status;
}

void assay_scored_texts_free(struct assay_scored_texts *texts)
{
    free(texts->list);
    assay_arena_free(texts->arena);
    *texts = (struct assay_scored_texts){.count = 0};
}
