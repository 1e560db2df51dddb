/* SPDX-License-Identifier: Apache-2.0 */
/* Answers from a JSON document or JSON lines, whoever wrote them. */
#include "formats/responses_reading.h"

#include "base/utf8.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static assay_status add_object(struct responses_reading *w, const json_t *object, bool in_array,
                               long line)
{
    size_t turns = response_record_turns(object);
    for (size_t turn = 0; turn < turns; turn++) {
        struct response_record record = {.known = false};
        struct assay_arena *scratch = assay_arena_new();
        assay_status status =
            scratch && response_record_read(object, turn, in_array, scratch, &record)
                ? ASSAY_OK
                : responses_no_memory(w);
        if (status == ASSAY_OK && !record.known)
            status = assay_error_at(
                w->error, ASSAY_ERROR_UNSUPPORTED, w->path, line,
                "record %zu is no answer that Assay knows: expected an object with a prompt "
                "(instruction, prompt, question, messages) or an id, and an output, response, "
                "choices or resps",
                w->r->notes.records + w->r->notes.without_answer + 1);
        if (status == ASSAY_OK) {
            bool first = w->r->notes.records + w->r->notes.without_answer == 0;
            w->r->format = first ? record.format : w->r->format;
            w->r->keyed_by_prompt = (first || w->r->keyed_by_prompt) && record.by_prompt;
            status = responses_add(w, &record);
        }
        assay_arena_free(scratch);
        ASSAY_TRY(status);
    }
    return ASSAY_OK;
}

/* Parses one JSON document; mends it only when it does not parse as it is. */
static json_t *load(struct responses_reading *w, const unsigned char *bytes, size_t size,
                    json_error_t *where)
{
    json_t *root = json_loadb((const char *)bytes, size, JSON_ALLOW_NUL, where);
    if (root)
        return root;
    size_t mended_size = 0;
    unsigned char *mended = responses_mend(bytes, size, &mended_size);
    if (mended && (mended_size != size || memcmp(mended, bytes, size) != 0)) {
        json_error_t again;
        root = json_loadb((const char *)mended, mended_size, JSON_ALLOW_NUL, &again);
        w->mended = w->mended || root;
    }
    free(mended);
    return root;
}

static assay_status not_json(struct responses_reading *w, const json_error_t *where, size_t offset,
                             long line)
{
    long long at = (long long)offset + (where->position > 0 ? where->position : 0);
    if (line > 0)
        return assay_error_at(w->error, ASSAY_ERROR_INPUT, w->path, line,
                              "broken JSON at byte %lld: %s", at, where->text);
    return assay_error_at_offset(w->error, ASSAY_ERROR_INPUT, w->path, at, "broken JSON: %s",
                                 where->text);
}

static assay_status read_array(struct responses_reading *w, const json_t *array)
{
    for (size_t i = 0; i < json_array_size(array); i++)
        ASSAY_TRY(add_object(w, json_array_get(array, i), true, 0));
    return ASSAY_OK;
}

/* An object that holds the one array of answers: {"outputs": [...], ...}. */
static const json_t *only_array(json_t *root)
{
    const json_t *found = NULL, *value;
    const char *key;
    struct response_record unused;
    struct assay_arena *scratch = assay_arena_new();
    bool record =
        !scratch || !response_record_read(root, 0, false, scratch, &unused) || unused.known;
    assay_arena_free(scratch);
    if (record)
        return NULL;
    json_object_foreach(root, key, value)
    {
        if (!json_is_array(value) || !json_is_object(json_array_get(value, 0)))
            continue;
        if (found)
            return NULL;
        found = value;
    }
    return found;
}

static assay_status read_whole(struct responses_reading *w, const unsigned char *bytes, size_t size,
                               size_t offset)
{
    json_error_t where;
    json_t *root = load(w, bytes, size, &where);
    if (!root)
        return not_json(w, &where, offset, 0);
    const json_t *array = json_is_array(root) ? root : only_array(root);
    assay_status status = array ? read_array(w, array) : add_object(w, root, false, 0);
    json_decref(root);
    return status;
}

static assay_status read_lines(struct responses_reading *w, const unsigned char *bytes, size_t size,
                               size_t offset, long line)
{
    for (size_t at = 0; at < size; line++) {
        const unsigned char *end = memchr(bytes + at, '\n', size - at);
        size_t length = end ? (size_t)(end - (bytes + at)) : size - at;
        size_t blank = 0;
        while (blank < length && isspace(bytes[at + blank]))
            blank++;
        if (blank < length) {
            json_error_t where;
            json_t *object = load(w, bytes + at, length, &where);
            if (!object)
                return not_json(w, &where, offset + at, line);
            assay_status status = add_object(w, object, false, line);
            json_decref(object);
            ASSAY_TRY(status);
        }
        at += length + 1;
    }
    return ASSAY_OK;
}

/* JSON lines if the first line is an object of its own, else one document. */
assay_status responses_read_document(struct responses_reading *w, const unsigned char *bytes,
                                     size_t size)
{
    size_t at = utf8_mark(bytes, size);
    long line = 1;
    json_error_t where;
    while (at < size && isspace(bytes[at]))
        line += bytes[at++] == '\n';
    if (at == size)
        return assay_error_at(w->error, ASSAY_ERROR_INPUT, w->path, 0, "holds no answers");
    if (bytes[at] == '{') {
        const unsigned char *end = memchr(bytes + at, '\n', size - at);
        json_t *first = load(w, bytes + at, end ? (size_t)(end - (bytes + at)) : size - at, &where);
        bool alone = first && !only_array(first);
        json_decref(first);
        if (alone)
            return read_lines(w, bytes + at, size - at, at, line);
    } else if (size >= 2 &&
               (memcmp(bytes, "\xFF\xFE", 2) == 0 || memcmp(bytes, "\xFE\xFF", 2) == 0)) {
        return assay_error_at_offset(w->error, ASSAY_ERROR_UNSUPPORTED, w->path, 0,
                                     "UTF-16: expected UTF-8, save it so");
    } else if (bytes[at] != '[') {
        return assay_error_at_offset(
            w->error, ASSAY_ERROR_UNSUPPORTED, w->path, (long long)at,
            "not JSON; plain texts are read from a folder of .txt or .md files, one answer each");
    }
    return read_whole(w, bytes + at, size - at, at);
}
