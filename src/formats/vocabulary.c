/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Vocabularies (those written a line each: vocabulary_lines.c). SentencePiece: ModelProto field 1,
 * one a piece, whose field 1 is its text (sentencepiece_model.proto,
 * github.com/google/sentencepiece). tokenizer.json: model.vocab as a map or a list, model.merges,
 * added_tokens (github.com/huggingface/tokenizers). GGUF: the arrays tokenizer.ggml.tokens and
 * tokenizer.ggml.merges.
 */
#include "formats/gguf.h"
#include "formats/protobuf.h"
#include "formats/vocabulary_lines.h"

#include "base/json.h"

#include <assay/checkpoint.h>

#include <string.h>
#include <unistd.h>

#define MOST_FILE ((size_t)1 << 27) /* as JSON it takes some 40 times as much memory */
#define MOST_PIECES 16777216

struct reading {
    const char *path;
    const unsigned char *bytes;
    size_t size;
    struct assay_vocabulary *v;
    struct assay_error *error;
};

static assay_status refuse(struct reading *r, uint64_t offset, const char *what)
{
    return assay_error_at_offset(r->error, ASSAY_ERROR_INPUT, r->path, (long long)offset, "%s",
                                 what);
}

static assay_status no_memory(struct reading *r)
{
    return assay_error_at(r->error, ASSAY_ERROR_MEMORY, r->path, 0, "out of memory");
}

static bool set(struct reading *r, struct assay_piece *to, const char *bytes, size_t size)
{
    to->bytes = assay_arena_copy_bytes(r->v->arena, bytes, size);
    to->size = size;
    return to->bytes != NULL;
}

/* ---- SentencePiece ------------------------------------------------------------------- */

static assay_status piece(struct reading *r, const struct protobuf_field *message,
                          struct assay_piece *to)
{
    struct protobuf_cursor cursor = protobuf_inside(r->bytes, message);
    struct protobuf_field field;
    while (cursor.at < cursor.end) {
        if (!protobuf_next(&cursor, &field))
            return refuse(r, cursor.at, "a malformed piece");
        if (field.id == 1 && field.wire == 2 &&
            !set(r, to, (const char *)r->bytes + field.bytes.offset, (size_t)field.bytes.size))
            return no_memory(r);
    }
    return ASSAY_OK;
}

static assay_status sentencepiece(struct reading *r)
{
    struct protobuf_field field;
    for (int pass = 0; pass < 2; pass++) { /* count, then read */
        struct protobuf_cursor cursor = {r->bytes, 0, r->size};
        size_t count = 0;
        while (cursor.at < cursor.end) {
            if (!protobuf_next(&cursor, &field))
                return refuse(r, cursor.at, "neither a SentencePiece model nor another vocabulary");
            if (field.id != 1 || field.wire != 2)
                continue;
            if (pass == 1)
                ASSAY_TRY(piece(r, &field, &r->v->pieces[count]));
            count++;
        }
        if (count == 0 || count > MOST_PIECES)
            return refuse(r, 0, "no pieces, or more than 16 million");
        r->v->count = count;
        if (pass == 0 &&
            !(r->v->pieces = assay_arena_alloc(r->v->arena, count, sizeof *r->v->pieces)))
            return no_memory(r);
    }
    r->v->format = "sentencepiece";
    return ASSAY_OK;
}

/* ---- GGUF -------------------------------------------------------------------------------------
 */

static bool named(struct gguf_string key, const char *name)
{
    return key.size == strlen(name) && memcmp(key.bytes, name, (size_t)key.size) == 0;
}

static assay_status strings(struct reading *r, const struct gguf_value *value,
                            struct assay_piece **list, size_t *count)
{
    struct gguf_cursor c = {r->bytes, value->elements, r->size};
    struct gguf_string string;
    if (value->type != GGUF_ARRAY || value->element_type != GGUF_STRING ||
        value->count > MOST_PIECES)
        return refuse(r, value->elements,
                      "a vocabulary that is no list of at most 16 million texts");
    *list = assay_arena_alloc(r->v->arena, (size_t)value->count, sizeof **list);
    if (!*list)
        return no_memory(r);
    *count = (size_t)value->count;
    for (size_t i = 0; i < *count; i++)
        if (!gguf_string(&c, &string) || !set(r, &(*list)[i], string.bytes, (size_t)string.size))
            return no_memory(r);
    return ASSAY_OK;
}

static assay_status gguf(struct reading *r)
{
    struct gguf_cursor c;
    struct gguf_header header;
    struct gguf_string key;
    struct gguf_value value;
    if (!gguf_start(&c, r->bytes, r->size, &header) || header.version < 2 || header.version > 3)
        return refuse(r, 0, "expected GGUF version 2 or 3");
    for (uint64_t i = 0; i < header.pairs; i++) {
        uint64_t at = c.at;
        if (!gguf_pair(&c, &key, &value))
            return refuse(r, at, "a key that does not fit the file");
        if (named(key, "tokenizer.ggml.tokens"))
            ASSAY_TRY(strings(r, &value, &r->v->pieces, &r->v->count));
        else if (named(key, "tokenizer.ggml.merges"))
            ASSAY_TRY(strings(r, &value, &r->v->merges, &r->v->merge_count));
    }
    r->v->format = "gguf";
    return r->v->count ? ASSAY_OK : refuse(r, 0, "no tokenizer.ggml.tokens in this file");
}

/* ---- tokenizer.json ----------------------------------------------------------------------------
 */

static bool number_in(const json_t *value, size_t most, size_t *number)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0 ||
        (uint64_t)json_integer_value(value) >= most)
        return false;
    *number = (size_t)json_integer_value(value);
    return true;
}

/* Numbers may have gaps, but not so wide that a small file asks for much memory. */
static assay_status room_for(struct reading *r, json_t *vocab, json_t *added)
{
    size_t most = json_object_size(vocab) + json_array_size(vocab) + json_array_size(added);
    most = 2 * most + 65536;
    if (most > MOST_PIECES)
        return refuse(r, 0, "more than 16 million pieces");
    r->v->pieces = assay_arena_alloc(r->v->arena, most, sizeof *r->v->pieces);
    r->v->count = most;
    return r->v->pieces ? ASSAY_OK : no_memory(r);
}

static assay_status put(struct reading *r, const json_t *text, const json_t *id, size_t *end)
{
    size_t number;
    if (!json_is_string(text) || !number_in(id, r->v->count, &number))
        return refuse(r, 0, "a piece without a text, or with a number far beyond the vocabulary");
    if (!set(r, &r->v->pieces[number], json_string_value(text), json_string_length(text)))
        return no_memory(r);
    *end = number + 1 > *end ? number + 1 : *end;
    return ASSAY_OK;
}

static assay_status pieces(struct reading *r, json_t *vocab, json_t *added)
{
    const char *key;
    json_t *value;
    size_t i, end = 0;
    ASSAY_TRY(room_for(r, vocab, added));
    json_object_foreach(vocab, key, value)
    {
        json_t *text = json_string(key);
        assay_status status = text ? put(r, text, value, &end) : no_memory(r);
        json_decref(text);
        ASSAY_TRY(status);
    }
    json_array_foreach(vocab, i, value) /* Unigram: [text, score] */
    {
        json_t *id = json_integer((json_int_t)i);
        assay_status status = put(r, json_array_get(value, 0), id, &end);
        json_decref(id);
        ASSAY_TRY(status);
    }
    json_array_foreach(added, i, value)
        ASSAY_TRY(put(r, json_object_get(value, "content"), json_object_get(value, "id"), &end));
    r->v->count = end;
    return end ? ASSAY_OK : refuse(r, 0, "no pieces in model.vocab");
}

/* Older files write "left right", newer ones ["left", "right"]. */
static assay_status merges(struct reading *r, json_t *list)
{
    size_t i;
    json_t *value;
    r->v->merges = assay_arena_alloc(r->v->arena, json_array_size(list), sizeof *r->v->merges);
    if (!r->v->merges)
        return no_memory(r);
    json_array_foreach(list, i, value)
    {
        const char *left = json_string_value(json_array_get(value, 0));
        const char *right = json_string_value(json_array_get(value, 1));
        const char *text = left && right ? assay_arena_print(r->v->arena, "%s %s", left, right)
                                         : json_string_value(value);
        if (!text)
            return refuse(r, 0, "a merge that is no pair of texts");
        if (!set(r, &r->v->merges[i], text, strlen(text)))
            return no_memory(r);
    }
    r->v->merge_count = json_array_size(list);
    return ASSAY_OK;
}

static assay_status tokenizer_json(struct reading *r)
{
    json_t *root;
    ASSAY_TRY(json_parse(r->path, r->bytes, r->size, &root, r->error));
    json_t *model = json_object_get(root, "model");
    bool bare = !json_is_object(model); /* vocab.json: texts and numbers, nothing else */
    assay_status status =
        bare ? pieces(r, root, NULL)
             : pieces(r, json_object_get(model, "vocab"), json_object_get(root, "added_tokens"));
    if (status == ASSAY_OK && !bare)
        status = merges(r, json_object_get(model, "merges"));
    json_decref(root);
    r->v->format = bare ? "vocab.json" : "tokenizer.json";
    return status;
}

/* ---- opening ------------------------------------------------------------------------- */

assay_status assay_vocabulary_parse(const char *path, const void *bytes, size_t size,
                                    struct assay_vocabulary *vocabulary, struct assay_error *error)
{
    struct reading r = {path, bytes, size, vocabulary, error};
    memset(vocabulary, 0, sizeof *vocabulary);
    vocabulary->arena = assay_arena_new();
    assay_status status = vocabulary->arena ? ASSAY_OK : no_memory(&r);
    size_t at = 0;
    while (at < size && strchr(" \t\r\n", r.bytes[at]) && r.bytes[at])
        at++;
    if (status == ASSAY_OK)
        status = size >= 4 && memcmp(bytes, "GGUF", 4) == 0 ? gguf(&r)
                 : at < size && r.bytes[at] == '{'          ? tokenizer_json(&r)
                 : vocabulary_is_ranks(bytes, size)
                     ? vocabulary_ranks(path, bytes, size, vocabulary, error)
                     : sentencepiece(&r);
    if (status != ASSAY_OK)
        assay_vocabulary_free(vocabulary);
    return status;
}

/* The merges.txt beside a vocab.json, if it is there. */
static assay_status read_merges(const char *path, struct assay_vocabulary *vocabulary,
                                struct assay_error *error)
{
    struct assay_file file;
    char *beside = assay_path_beside(vocabulary->arena, path, "merges.txt");
    if (!beside)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, path, 0, "out of memory");
    if (access(beside, R_OK) != 0)
        return ASSAY_OK;
    ASSAY_TRY(assay_file_open(beside, MOST_FILE, &file, error));
    assay_status status =
        assay_vocabulary_parse_merges(beside, file.bytes, file.size, vocabulary, error);
    assay_file_close(&file);
    return status;
}

assay_status assay_vocabulary_read(const char *path, struct assay_vocabulary *vocabulary,
                                   struct assay_error *error)
{
    struct assay_file file;
    memset(vocabulary, 0, sizeof *vocabulary);
    ASSAY_TRY(assay_file_open(path, (size_t)1 << 46, &file, error));
    bool whole_model = file.size >= 4 && memcmp(file.bytes, "GGUF", 4) == 0;
    assay_status status =
        file.size > MOST_FILE && !whole_model
            ? assay_error_at(error, ASSAY_ERROR_LIMIT, path, 0, "a vocabulary of more than 128 MiB")
            : assay_vocabulary_parse(path, file.bytes, file.size, vocabulary, error);
    assay_file_close(&file);
    if (status == ASSAY_OK && strcmp(vocabulary->format, "vocab.json") == 0)
        status = read_merges(path, vocabulary, error);
    if (status != ASSAY_OK)
        assay_vocabulary_free(vocabulary);
    return status;
}

void assay_vocabulary_free(struct assay_vocabulary *vocabulary)
{
    assay_arena_free(vocabulary->arena);
    memset(vocabulary, 0, sizeof *vocabulary);
}
