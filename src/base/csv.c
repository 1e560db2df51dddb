/* SPDX-License-Identifier: Apache-2.0 */
#include "base/csv.h"

#include "base/utf8.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_BYTES ((size_t)64 << 20)
#define MOST_COLUMNS 256

struct scanner {
    const char *path;
    const char *at, *end;
    long line;
    char *cell; /* scratch for one cell, as large as the file */
    struct assay_arena *arena;
    struct assay_error *error;
};

static assay_status fail(const struct scanner *s, long line, const char *message)
{
    return assay_error_at(s->error, ASSAY_ERROR_INPUT, s->path, line, "%s", message);
}

/* Reads one cell into the arena; *last tells whether it ended its row. */
static assay_status read_cell(struct scanner *s, const char **text, bool *last)
{
    size_t n = 0;
    long start = s->line;
    if (s->at < s->end && *s->at == '"') {
        s->at++;
        for (;; s->at++) {
            if (s->at == s->end)
                return fail(s, start, "a quoted field never ends: expected a closing '\"'");
            if (*s->at == '"' && s->at + 1 < s->end && s->at[1] == '"')
                s->at++;
            else if (*s->at == '"')
                break;
            s->line += *s->at == '\n';
            s->cell[n++] = *s->at;
        }
        s->at++;
    } else {
        while (s->at < s->end && *s->at != ',' && *s->at != '\n' && *s->at != '\r') {
            if (*s->at == '"')
                return fail(s, s->line, "a '\"' inside a field that does not start with one");
            s->cell[n++] = *s->at++;
        }
    }
    *last = true;
    if (s->at < s->end && *s->at == ',') {
        *last = false;
        s->at++;
    } else {
        if (s->at < s->end && *s->at == '\r')
            s->at++;
        if (s->at < s->end && *s->at != '\n')
            return fail(s, s->line, "expected ',' or the end of the line after a field");
        if (s->at < s->end)
            s->at++;
        s->line++;
    }
    *text = assay_arena_copy_bytes(s->arena, s->cell, n);
    return *text ? ASSAY_OK
                 : assay_error_at(s->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

static assay_status read_header(struct scanner *s, struct csv *csv)
{
    const char *names[MOST_COLUMNS];
    bool last = false;
    long line = s->line;
    while (s->at < s->end && *s->at == '#') {
        const char *newline = memchr(s->at, '\n', (size_t)(s->end - s->at));
        s->at = newline ? newline + 1 : s->end;
        line = ++s->line;
    }
    while (!last) {
        if (csv->columns == MOST_COLUMNS)
            return fail(s, line, "expected at most 256 columns");
        ASSAY_TRY(read_cell(s, &names[csv->columns], &last));
        for (size_t i = 0; i < csv->columns; i++)
            if (strcmp(names[i], names[csv->columns]) == 0)
                return assay_error_at(s->error, ASSAY_ERROR_INPUT, s->path, line,
                                      "column \"%s\" stands twice", names[i]);
        csv->columns++;
    }
    csv->names = assay_arena_alloc(s->arena, csv->columns, sizeof *csv->names);
    if (!csv->names)
        return assay_error_at(s->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    memcpy(csv->names, names, csv->columns * sizeof *names);
    return ASSAY_OK;
}

static assay_status read_row(struct scanner *s, const struct csv *csv, struct csv_row *row)
{
    bool last = false;
    row->line = s->line;
    row->cells = assay_arena_alloc(s->arena, csv->columns, sizeof *row->cells);
    if (!row->cells)
        return assay_error_at(s->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    size_t n = 0;
    while (!last) {
        const char *text;
        ASSAY_TRY(read_cell(s, &text, &last));
        if (n < csv->columns)
            row->cells[n] = text;
        n++;
    }
    if (n != csv->columns)
        return assay_error_at(s->error, ASSAY_ERROR_INPUT, s->path, row->line,
                              "found %zu fields, expected the header's %zu", n, csv->columns);
    return ASSAY_OK;
}

static assay_status read_rows(struct scanner *s, struct csv *csv)
{
    size_t room = 0;
    ASSAY_TRY(read_header(s, csv));
    while (s->at < s->end) {
        if (*s->at == '\n' || (*s->at == '\r' && s->at + 1 < s->end && s->at[1] == '\n')) {
            s->at += *s->at == '\r' ? 2 : 1; /* an empty line */
            s->line++;
            continue;
        }
        if (csv->count == room) {
            size_t more = room ? 2 * room : 256;
            struct csv_row *rows = assay_arena_alloc(s->arena, more, sizeof *rows);
            if (!rows)
                return assay_error_at(s->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
            if (csv->count)
                memcpy(rows, csv->rows, csv->count * sizeof *rows);
            csv->rows = rows;
            room = more;
        }
        ASSAY_TRY(read_row(s, csv, &csv->rows[csv->count]));
        csv->count++;
    }
    return ASSAY_OK;
}

assay_status csv_parse(const char *path, const void *bytes, size_t size, struct assay_arena *arena,
                       struct csv *csv, struct assay_error *error)
{
    struct scanner s = {.path = path,
                        .at = bytes,
                        .end = (const char *)bytes + size,
                        .line = 1,
                        .arena = arena,
                        .error = error};
    memset(csv, 0, sizeof *csv);
    csv->path = path;
    size_t valid = utf8_valid_prefix(bytes, size);
    if (valid < size)
        return assay_error_at_offset(error, ASSAY_ERROR_INPUT, path, (long long)valid,
                                     "expected UTF-8 without NUL bytes");
    if (size > MOST_BYTES)
        return assay_error_at(error, ASSAY_ERROR_LIMIT, path, 0,
                              "found %zu bytes, expected at most %zu", size, MOST_BYTES);
    s.at += utf8_mark(bytes, size);
    s.cell = malloc(size + 1);
    if (!s.cell)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    assay_status status = read_rows(&s, csv);
    free(s.cell);
    return status;
}

assay_status csv_read(const char *path, struct assay_arena *arena, struct csv *csv,
                      struct assay_error *error)
{
    struct assay_file file;
    ASSAY_TRY(assay_file_open(path, MOST_BYTES, &file, error));
    assay_status status = csv_parse(path, file.bytes, file.size, arena, csv, error);
    assay_file_close(&file);
    return status;
}

int csv_column(const struct csv *csv, const char *name)
{
    for (size_t i = 0; i < csv->columns; i++)
        if (strcmp(csv->names[i], name) == 0)
            return (int)i;
    return -1;
}

bool csv_number(const char *text, double *number)
{
    char *end;
    while (*text == ' ')
        text++;
    if (*text == '\0' || strspn(text, "+-.0123456789eE ") != strlen(text))
        return false; /* strtod would also take "nan", "inf" and hexadecimal */
    *number = strtod(text, &end);
    while (*end == ' ')
        end++;
    return *end == '\0' && isfinite(*number);
}

assay_status csv_number_within(const struct csv *csv, const struct csv_row *row, int column,
                               double least, double most, double *number, struct assay_error *error)
{
    const char *text = row->cells[column];
    if (!csv_number(text, number) || !(*number >= least && *number <= most))
        return assay_error_at(error, ASSAY_ERROR_INPUT, csv->path, row->line,
                              "%s: found \"%.40s\", expected a number from %g to %g",
                              csv->names[column], text, least, most);
    return ASSAY_OK;
}
