/* SPDX-License-Identifier: Apache-2.0 */
/*
 * csv: tables (RFC 4180: commas, double quotes, CRLF or LF), with lines that start with '#'
 * before the header taken as comments. In: a file of at most 64 MiB. Out: rows of text. What can
 * go wrong: a quote that never closes, a row with another number of fields than the header, a
 * column twice, a NUL byte, invalid UTF-8, more than 256 columns: ASSAY_ERROR_INPUT with file
 * and line.
 */
#ifndef BASE_CSV_H
#define BASE_CSV_H

#include <assay/base.h>

struct csv_row {
    long line;          /* where it starts */
    const char **cells; /* `columns` of them, never NULL */
};

struct csv {
    const char *path;
    const char **names; /* of columns */
    size_t columns;
    struct csv_row *rows;
    size_t count;
};

/* The table lives in `arena`. */
ASSAY_MUST_USE assay_status csv_read(const char *path, struct assay_arena *arena, struct csv *csv,
                                     struct assay_error *error);
/* The same from memory; `path` is for messages. */
ASSAY_MUST_USE assay_status csv_parse(const char *path, const void *bytes, size_t size,
                                      struct assay_arena *arena, struct csv *csv,
                                      struct assay_error *error);

/* The column's index, or -1. */
int csv_column(const struct csv *csv, const char *name);

/* A finite number that is all of `text` (spaces around it allowed), or false. */
ASSAY_MUST_USE bool csv_number(const char *text, double *number);

/* The number in a row's column, from `least` to `most`; else ASSAY_ERROR_INPUT with the line. */
ASSAY_MUST_USE assay_status csv_number_within(const struct csv *csv, const struct csv_row *row,
                                              int column, double least, double most, double *number,
                                              struct assay_error *error);

#endif
