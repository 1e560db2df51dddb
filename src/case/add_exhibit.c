/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An exhibit written into case.yaml. The place is found in the text, by the lines that the reader
 * gives the exhibits that are there; nothing else of the text is touched. Whether the outcome is a
 * case, with one exhibit more and no other change, is then for the reader to say.
 */
#include "case/instruments.h"

#include "base/json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NEW_NAME ".case-new.yaml"
#define MOST_BYTES ((size_t)16 << 20)

struct adding {
    const char *folder;
    const struct assay_case_new_exhibit *exhibit;
    struct assay_arena *arena;
    const char *path, *new_path;
    struct assay_file file;
    struct assay_error *error;
};

static assay_status out_of_memory(const struct adding *a)
{
    return assay_error_at(a->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

/* ---- where it goes --------------------------------------------------------------------------- */

/* The bytes of line `number`, from 1; NULL beyond the last. */
static const char *line_at(const struct assay_file *file, long number)
{
    const char *at = (const char *)file->bytes, *end = at + file->size;
    for (long i = 1; i < number && at; i++) {
        at = memchr(at, '\n', (size_t)(end - at));
        at = at && at + 1 < end ? at + 1 : NULL;
    }
    return at;
}

static size_t indent_of(const char *line, const char *end)
{
    size_t n = 0;
    while (line + n < end && line[n] == ' ')
        n++;
    return n;
}

static const char *next_line(const char *line, const char *end)
{
    const char *stop = memchr(line, '\n', (size_t)(end - line));
    return stop ? stop + 1 : end;
}

/* Blank, or a comment that does not stand inside an entry. */
static bool is_between(const char *line, const char *end, size_t indent)
{
    size_t n = indent_of(line, end);
    return line + n == end || line[n] == '\n' || line[n] == '\r' || (line[n] == '#' && n <= indent);
}

/* After the last line of the entry that begins on `line`; comments below it belong to what follows.
 */
static const char *entry_end(const char *line, const char *end, size_t indent)
{
    const char *last = next_line(line, end);
    for (const char *at = last; at < end; at = next_line(at, end)) {
        if (is_between(at, end, indent))
            continue;
        if (indent_of(at, end) <= indent)
            break;
        last = next_line(at, end);
    }
    return last;
}

/* The offset to write at, and how far entries are indented. */
static assay_status find_place(const struct adding *a, struct assay_yaml *root, size_t *offset,
                               size_t *indent)
{
    const char *bytes = (const char *)a->file.bytes, *end = bytes + a->file.size;
    struct assay_yaml *list = assay_yaml_get(root, "exhibits"), *last = list ? list->child : NULL;
    *offset = a->file.size;
    *indent = 2;
    if (!list)
        return ASSAY_OK;
    while (last && last->next)
        last = last->next;
    const char *line = last ? line_at(&a->file, last->line) : NULL;
    *indent = line ? indent_of(line, end) : 0;
    if (!line || line + *indent + 1 >= end || line[*indent] != '-' || line[*indent + 1] != ' ')
        return assay_error_at(a->error, ASSAY_ERROR_UNSUPPORTED, a->path, list->line,
                              "exhibits are not a list with each entry on lines of its own ('- id: "
                              "...'): write it so, or add the exhibit by hand");
    *offset = (size_t)(entry_end(line, end, *indent) - bytes);
    return ASSAY_OK;
}

/* ---- what goes there ------------------------------------------------------------------------- */

/* Between quotation marks, as JSON has them: YAML reads them so. */
static void put(FILE *to, const char *lead, const char *key, const char *text, const char *newline)
{
    json_t *value = json_string(text);
    char *quoted = value ? json_dumps(value, JSON_ENCODE_ANY) : NULL;
    fprintf(to, "%s%s: %s%s", lead, key, quoted ? quoted : "\"\"", newline);
    free(quoted);
    json_decref(value);
}

static void put_entry(FILE *to, const struct assay_case_new_exhibit *e, size_t indent,
                      const char *newline)
{
    char first[80], rest[80];
    int n = (int)(indent < 60 ? indent : 60);
    snprintf(first, sizeof first, "%*s- ", n, "");
    snprintf(rest, sizeof rest, "%*s  ", n, "");
    put(to, first, "id", e->id, newline);
    put(to, rest, "file", e->file, newline);
    put(to, rest, "sha256", e->sha256, newline);
    if (e->said_by)
        put(to, rest, "said_by", e->said_by, newline);
    put(to, rest, "source", e->source, newline);
    put(to, rest, "date", e->date, newline);
    put(to, rest, "grade", e->grade, newline);
}

static assay_status make_text(const struct adding *a, char **text, size_t *size)
{
    struct assay_yaml *root;
    size_t offset, indent;
    const char *bytes = (const char *)a->file.bytes;
    ASSAY_TRY(assay_yaml_parse(a->path, bytes, a->file.size, a->arena, &root, a->error));
    ASSAY_TRY(find_place(a, root, &offset, &indent));
    const char *first = memchr(bytes, '\n', a->file.size);
    const char *newline = first && first > bytes && first[-1] == '\r' ? "\r\n" : "\n";
    *text = NULL;
    FILE *to = open_memstream(text, size);
    if (!to)
        return out_of_memory(a);
    fwrite(bytes, 1, offset, to);
    if (offset > 0 && bytes[offset - 1] != '\n')
        fputs(newline, to);
    if (!assay_yaml_get(root, "exhibits"))
        fprintf(to, "exhibits:%s", newline);
    put_entry(to, a->exhibit, indent, newline);
    fwrite(bytes + offset, 1, a->file.size - offset, to);
    bool failed = ferror(to) != 0;
    return fclose(to) == 0 && !failed && *text ? ASSAY_OK : out_of_memory(a);
}

/* ---- whether it may ---------------------------------------------------------------------------
 */

static assay_status check_new(const struct adding *a, const struct assay_case *before)
{
    struct assay_case after;
    assay_status status = case_read_named(&instruments_all, a->folder, NEW_NAME, &after, a->error);
    if (status != ASSAY_OK) {
        if (a->error && strcmp(a->error->file, a->new_path) == 0)
            snprintf(a->error->file, sizeof a->error->file, "%s, as it would be", a->path);
        return status;
    }
    size_t n = before->exhibit_count;
    const struct assay_case_exhibit *e = after.exhibit_count == n + 1 ? &after.exhibits[n] : NULL;
    bool good =
        e && e->file && strcmp(e->id, a->exhibit->id) == 0 &&
        strcmp(e->file, a->exhibit->file) == 0 && strcmp(e->source, a->exhibit->source) == 0 &&
        after.question_count == before->question_count && strcmp(after.title, before->title) == 0;
    for (size_t i = 0; good && i < n; i++)
        good = strcmp(after.exhibits[i].id, before->exhibits[i].id) == 0;
    assay_case_free(&after);
    return good ? ASSAY_OK
                : assay_error_at(a->error, ASSAY_ERROR_UNSUPPORTED, a->path, 0,
                                 "the exhibit cannot be written into this file without changing "
                                 "something else: add it by hand");
}

/* Is case.yaml still what was read? */
static assay_status check_unchanged(const struct adding *a)
{
    struct assay_file now;
    ASSAY_TRY(assay_file_open(a->path, MOST_BYTES, &now, a->error));
    bool same = now.size == a->file.size && memcmp(now.bytes, a->file.bytes, now.size) == 0;
    assay_file_close(&now);
    return same ? ASSAY_OK
                : assay_error_at(a->error, ASSAY_ERROR_INPUT, a->path, 0,
                                 "the file was changed meanwhile: try again");
}

static assay_status write_new(const struct adding *a, const struct assay_case *before)
{
    char *text = NULL;
    size_t size = 0;
    assay_status status = make_text(a, &text, &size);
    if (status == ASSAY_OK)
        status = assay_file_write(a->new_path, text, size, a->error);
    free(text);
    ASSAY_TRY(status);
    status = check_new(a, before);
    if (status == ASSAY_OK)
        status = check_unchanged(a);
    if (status == ASSAY_OK && rename(a->new_path, a->path) != 0)
        status = assay_error_at(a->error, ASSAY_ERROR_IO, a->path, 0, "cannot be written: %s",
                                strerror(errno));
    if (status != ASSAY_OK)
        unlink(a->new_path);
    return status;
}

assay_status assay_case_add_exhibit(const char *folder,
                                    const struct assay_case_new_exhibit *exhibit,
                                    const char *case_sha256, struct assay_error *error)
{
    struct assay_case before;
    ASSAY_TRY(assay_case_read(folder, &before, error));
    struct adding a = {.folder = folder,
                       .exhibit = exhibit,
                       .arena = before.arena,
                       .path = before.path,
                       .error = error};
    size_t length = strlen(folder);
    a.new_path = assay_arena_print(a.arena, "%s%s" NEW_NAME, folder,
                                   length && folder[length - 1] == '/' ? "" : "/");
    assay_status status = ASSAY_OK;
    if (!a.new_path)
        status = out_of_memory(&a);
    else if (case_sha256 && strcmp(case_sha256, before.sha256) != 0)
        status = assay_error_at(error, ASSAY_ERROR_INPUT, before.path, 0,
                                "case.yaml was changed since it was shown: look at it again");
    if (status == ASSAY_OK)
        status = assay_file_open(a.path, MOST_BYTES, &a.file, error);
    if (status == ASSAY_OK) {
        status = write_new(&a, &before);
        assay_file_close(&a.file);
    }
    assay_case_free(&before);
    return status;
}
