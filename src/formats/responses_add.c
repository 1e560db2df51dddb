/* SPDX-License-Identifier: Apache-2.0 */
/* One answer put into a response set: its key and text copied, its writer counted. */
#include "formats/responses_reading.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

assay_status responses_no_memory(struct responses_reading *w)
{
    return assay_error_at(w->error, ASSAY_ERROR_MEMORY, w->path, 0, "out of memory");
}

static void put_replacement(void *at)
{
    memcpy(at, RESPONSES_REPLACEMENT, 3);
}

/* White space made one, ends trimmed: how a prompt is spelt must not matter. NULs become U+FFFD. */
static char *copy_key(struct assay_arena *arena, struct response_text from)
{
    size_t size = 0, n = 0;
    char *key = assay_size_multiply(from.size, 3, &size) && assay_size_add(size, 1, &size)
                    ? assay_arena_alloc(arena, size, 1)
                    : NULL;
    for (size_t i = 0; key && i < from.size; i++) {
        unsigned char c = (unsigned char)from.bytes[i];
        if (isspace(c)) {
            if (n > 0 && key[n - 1] != ' ')
                key[n++] = ' ';
        } else if (c == 0) {
            put_replacement(key + n);
            n += 3;
        } else {
            key[n++] = (char)c;
        }
    }
    if (key && n > 0 && key[n - 1] == ' ')
        key[n - 1] = 0;
    return key;
}

/* The text with U+FFFD for each NUL. */
static char *copy_text(struct assay_arena *arena, struct response_text from, size_t *bytes,
                       bool *replaced)
{
    size_t nuls = 0, size = 0;
    for (size_t i = 0; i < from.size; i++)
        nuls += from.bytes[i] == 0;
    *replaced = nuls > 0;
    *bytes = from.size + 2 * nuls;
    if (nuls == 0)
        return assay_arena_copy_bytes(arena, from.bytes, from.size);
    if (!assay_size_add(*bytes, 1, &size))
        return NULL;
    char *text = assay_arena_alloc(arena, size, 1);
    for (size_t i = 0, n = 0; text && i < from.size; i++) {
        if (from.bytes[i] == 0) {
            put_replacement(text + n);
            n += 3;
        } else {
            text[n++] = from.bytes[i];
        }
    }
    return text;
}

static bool note_writer(struct responses_reading *w, struct response_text writer)
{
    size_t n = w->r->notes.writers;
    char text[256];
    if (!writer.bytes || writer.size == 0)
        return true;
    snprintf(text, sizeof text, "%.*s", (int)(writer.size < 255 ? writer.size : 255), writer.bytes);
    for (size_t i = 0; i < n; i++)
        if (strcmp(w->writers[i], text) == 0)
            return true;
    if (n == RESPONSES_MOST_WRITERS)
        return true;
    w->writers[n] = assay_arena_copy(w->r->arena, text);
    if (!w->writers[n])
        return false;
    w->r->notes.writers = n + 1;
    return true;
}

static bool make_room(struct responses_reading *w)
{
    if (w->r->n < w->room)
        return true;
    size_t room = w->room ? 2 * w->room : 1024;
    struct assay_answer *answers = realloc(w->r->answers, room * sizeof *answers);
    if (!answers)
        return false;
    w->r->answers = answers;
    w->room = room;
    return true;
}

assay_status responses_add(struct responses_reading *w, const struct response_record *record)
{
    bool nul = false;
    if (!record->text.bytes) {
        w->r->notes.without_answer++;
        return ASSAY_OK;
    }
    if (w->r->n == ASSAY_RESPONSES_MOST_ANSWERS)
        return assay_error_at(w->error, ASSAY_ERROR_LIMIT, w->path, 0,
                              "more than %zu answers in one set", ASSAY_RESPONSES_MOST_ANSWERS);
    if (!make_room(w))
        return responses_no_memory(w);
    struct assay_answer *a = &w->r->answers[w->r->n];
    *a = (struct assay_answer){.order = w->r->n, .truncated = record->truncated};
    a->key = copy_key(w->r->arena, record->key);
    a->text = copy_text(w->r->arena, record->text, &a->bytes, &nul);
    if (!a->key || !a->text || !note_writer(w, record->writer))
        return responses_no_memory(w);
    w->r->n++;
    w->r->notes.records++;
    w->r->notes.replaced += nul || (w->mended && strstr(a->text, RESPONSES_REPLACEMENT) != NULL);
    return ASSAY_OK;
}
