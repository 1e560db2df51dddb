/* SPDX-License-Identifier: Apache-2.0 */
/* Response sets: from bytes to answers sorted by key. */
#include "formats/fingerprint.h"
#include "formats/responses_record.h"
#include "formats/unpack.h"

#include "base/utf8.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MOST_FILE ((size_t)1 << 30)
#define REPLACEMENT "\xEF\xBF\xBD"
#define MOST_WRITERS 64 /* told apart while counting */

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

struct reading {
    const char *path;
    struct assay_responses *r;
    struct assay_arena *scratch; /* of one record */
    size_t room;
    const char *writers[MOST_WRITERS];
    bool mended; /* the document had bytes that are no UTF-8 */
    struct assay_error *error;
};

static assay_status no_memory(struct reading *w)
{
    return assay_error_at(w->error, ASSAY_ERROR_MEMORY, w->path, 0, "out of memory");
}

static void put_replacement(void *at)
{
    static const unsigned char bytes[3] = {0xEF, 0xBF, 0xBD};
    memcpy(at, bytes, sizeof bytes);
}

/* ---- one answer ---------------------------------------------------------------------- */

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

static bool note_writer(struct reading *w, struct response_text writer)
{
    size_t n = w->r->notes.writers;
    char text[256];
    if (!writer.bytes || writer.size == 0)
        return true;
    snprintf(text, sizeof text, "%.*s", (int)(writer.size < 255 ? writer.size : 255), writer.bytes);
    for (size_t i = 0; i < n; i++)
        if (strcmp(w->writers[i], text) == 0)
            return true;
    if (n == MOST_WRITERS)
        return true;
    w->writers[n] = assay_arena_copy(w->r->arena, text);
    if (!w->writers[n])
        return false;
    w->r->notes.writers = n + 1;
    return true;
}

static bool make_room(struct reading *w)
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

static assay_status add(struct reading *w, const struct response_record *record)
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
        return no_memory(w);
    struct assay_answer *a = &w->r->answers[w->r->n];
    *a = (struct assay_answer){.order = w->r->n, .truncated = record->truncated};
    a->key = copy_key(w->r->arena, record->key);
    a->text = copy_text(w->r->arena, record->text, &a->bytes, &nul);
    if (!a->key || !a->text || !note_writer(w, record->writer))
        return no_memory(w);
    w->r->n++;
    w->r->notes.records++;
    w->r->notes.replaced += nul || (w->mended && strstr(a->text, REPLACEMENT) != NULL);
    return ASSAY_OK;
}

static assay_status add_object(struct reading *w, const json_t *object, bool in_array, long line)
{
    size_t turns = response_record_turns(object);
    for (size_t turn = 0; turn < turns; turn++) {
        struct response_record record = {.known = false};
        struct assay_arena *scratch = assay_arena_new();
        assay_status status =
            scratch && response_record_read(object, turn, in_array, scratch, &record)
                ? ASSAY_OK
                : no_memory(w);
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
            status = add(w, &record);
        }
        assay_arena_free(scratch);
        ASSAY_TRY(status);
    }
    return ASSAY_OK;
}

/* ---- JSON that was written by anything ----------------------------------------------- */

static bool is_hex4(const unsigned char *at)
{
    for (int i = 0; i < 4; i++)
        if (!isxdigit(at[i]))
            return false;
    return true;
}

/* 1 for a leading surrogate escape at `at`, 2 for a trailing one, else 0. */
static int surrogate(const unsigned char *at, const unsigned char *end)
{
    if (end - at < 6 || at[0] != '\\' || at[1] != 'u' || !is_hex4(at + 2) ||
        (at[2] != 'd' && at[2] != 'D'))
        return 0;
    int second = tolower(at[3]);
    return second >= '8' && second <= 'b' && !(second > '9' && second < 'a') ? 1
           : second >= 'c' && second <= 'f'                                  ? 2
                                                                             : 0;
}

/* A copy of the document in which what no JSON may hold (bytes that are no UTF-8, NULs, lone
 * surrogates) is U+FFFD. NULL if memory is short. */
static unsigned char *mend(const unsigned char *bytes, size_t size, size_t *mended_size)
{
    size_t room = 0, n = 0;
    unsigned char *out =
        assay_size_multiply(size, 3, &room) && assay_size_add(room, 1, &room) ? malloc(room) : NULL;
    const unsigned char *end = bytes + size;
    for (const unsigned char *at = bytes; out && at < end;) {
        size_t good = utf8_valid_prefix(at, (size_t)(end - at));
        for (const unsigned char *stop = at + good; at < stop;) {
            int kind = *at == '\\' ? surrogate(at, stop) : 0;
            size_t step = kind == 1 && surrogate(at + 6, stop) == 2   ? 12
                          : *at == '\\' && kind == 0 && at + 1 < stop ? 2
                          : kind                                      ? 6
                                                                      : 1;
            memcpy(out + n, kind && step == 6 ? (const unsigned char *)"\\uFFFD" : at, step);
            n += step;
            at += step;
        }
        if (at < end) {
            put_replacement(out + n);
            n += 3;
            at++;
        }
    }
    *mended_size = n;
    return out;
}

/* Parses one JSON document; mends it only when it does not parse as it is. */
static json_t *load(struct reading *w, const unsigned char *bytes, size_t size, json_error_t *where)
{
    json_t *root = json_loadb((const char *)bytes, size, JSON_ALLOW_NUL, where);
    if (root)
        return root;
    size_t mended_size = 0;
    unsigned char *mended = mend(bytes, size, &mended_size);
    if (mended && (mended_size != size || memcmp(mended, bytes, size) != 0)) {
        json_error_t again;
        root = json_loadb((const char *)mended, mended_size, JSON_ALLOW_NUL, &again);
        w->mended = w->mended || root;
    }
    free(mended);
    return root;
}

static assay_status not_json(struct reading *w, const json_error_t *where, size_t offset, long line)
{
    long long at = (long long)offset + (where->position > 0 ? where->position : 0);
    if (line > 0)
        return assay_error_at(w->error, ASSAY_ERROR_INPUT, w->path, line,
                              "broken JSON at byte %lld: %s", at, where->text);
    return assay_error_at_offset(w->error, ASSAY_ERROR_INPUT, w->path, at, "broken JSON: %s",
                                 where->text);
}

static assay_status read_array(struct reading *w, const json_t *array)
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

static assay_status read_whole(struct reading *w, const unsigned char *bytes, size_t size,
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

static assay_status read_lines(struct reading *w, const unsigned char *bytes, size_t size,
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
static assay_status read_document(struct reading *w, const unsigned char *bytes, size_t size)
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
    } else if (bytes[at] != '[') {
        return assay_error_at_offset(
            w->error, ASSAY_ERROR_UNSUPPORTED, w->path, (long long)at,
            "not JSON; plain texts are read from a folder of .txt or .md files, one answer each");
    }
    return read_whole(w, bytes + at, size - at, at);
}

/* ---- a folder of texts --------------------------------------------------------------- */

static bool is_text_name(const char *name)
{
    size_t n = strlen(name);
    return name[0] != '.' && ((n > 4 && strcmp(name + n - 4, ".txt") == 0) ||
                              (n > 3 && strcmp(name + n - 3, ".md") == 0));
}

static int text_entry(const struct dirent *entry)
{
    return is_text_name(entry->d_name);
}

static int in_byte_order(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static assay_status read_text(struct reading *w, const char *folder, const char *name,
                              char digests[65])
{
    char path[4096], both[129];
    struct assay_file file;
    struct response_record record = {.known = true};
    size_t size = 0;
    unsigned char *mended = NULL;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    ASSAY_TRY(assay_file_open(path, MOST_FILE, &file, w->error));
    record.key = (struct response_text){name, strlen(name)};
    record.text = (struct response_text){(const char *)file.bytes, file.size};
    w->mended = utf8_valid_prefix(file.bytes, file.size) < file.size;
    if (w->mended) {
        mended = mend(file.bytes, file.size, &size);
        record.text = (struct response_text){(const char *)mended, size};
    }
    assay_status status = w->mended && !mended ? no_memory(w) : add(w, &record);
    snprintf(both, 65, "%s", digests);
    assay_sha256_bytes(file.bytes, file.size, both + 64);
    assay_sha256_bytes(both, 128, digests);
    free(mended);
    assay_file_close(&file);
    return status;
}

static assay_status read_folder(struct reading *w, const char *folder)
{
    struct dirent **names = NULL;
    int n = scandir(folder, &names, text_entry, in_byte_order);
    assay_status status = ASSAY_OK;
    if (n < 0)
        return assay_error_at(w->error, ASSAY_ERROR_IO, folder, 0, "cannot list this folder");
    w->r->format = ASSAY_RESPONSES_TEXTS;
    memset(w->r->sha256, '0', 64);
    for (int i = 0; i < n; i++) {
        if (status == ASSAY_OK)
            status = read_text(w, folder, names[i]->d_name, w->r->sha256);
        free(names[i]);
    }
    free(names);
    if (status == ASSAY_OK && n == 0)
        return assay_error_at(w->error, ASSAY_ERROR_INPUT, folder, 0,
                              "a folder without .txt or .md files is no response set");
    return status;
}

/* ---- the whole ----------------------------------------------------------------------- */

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

static assay_status start(const char *path, struct reading *w, struct assay_error *error)
{
    struct assay_responses *r = calloc(1, sizeof *r);
    struct assay_arena *arena = assay_arena_new();
    *w = (struct reading){.path = path, .r = r, .error = error};
    if (!r || !arena) {
        free(r);
        assay_arena_free(arena);
        w->r = NULL;
        return no_memory(w);
    }
    r->arena = arena;
    r->name = name_of(arena, path);
    r->path = assay_arena_copy(arena, path);
    if (!r->name || !r->path) {
        assay_responses_free(r);
        w->r = NULL;
        return no_memory(w);
    }
    return ASSAY_OK;
}

static assay_status end(struct reading *w, assay_status status, struct assay_responses **responses)
{
    static char nobody[1] = "";
    if (status == ASSAY_OK && w->r->n == 0)
        status = assay_error_at(w->error, ASSAY_ERROR_INPUT, w->path, 0, "holds no answers");
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
        return no_memory(w);
    }
    memcpy(w->r->source_sha256, w->r->sha256, sizeof w->r->sha256);
    *responses = w->r;
    return ASSAY_OK;
}

assay_status assay_responses_parse(const char *path, const void *bytes, size_t size,
                                   struct assay_responses **responses, struct assay_error *error)
{
    struct reading w;
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
    return end(&w, read_document(&w, bytes, size), responses);
}

assay_status assay_responses_read(const char *path, struct assay_responses **responses,
                                  struct assay_error *error)
{
    struct stat info;
    struct assay_file file;
    struct unpacked unpacked;
    struct reading w;
    *responses = NULL;
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode)) {
        ASSAY_TRY(start(path, &w, error));
        return end(&w, read_folder(&w, path), responses);
    }
    ASSAY_TRY(assay_file_open(path, MOST_FILE, &file, error));
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
