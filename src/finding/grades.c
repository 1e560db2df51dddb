/* SPDX-License-Identifier: Apache-2.0 */
#include "finding/grades.h"

#include "base/csv.h"

#include <math.h>
#include <string.h>

static assay_status read_row(const struct csv *csv, const struct csv_row *row,
                             struct assay_grades *grades, struct assay_error *error)
{
    static const char letters[] = "ABCDEF", digits[] = "123456";
    const char *scale = row->cells[csv_column(csv, "scale")];
    const char *grade = row->cells[csv_column(csv, "grade")];
    bool source = strcmp(scale, "source") == 0;
    const char *at = strlen(grade) == 1 ? strchr(source ? letters : digits, grade[0]) : NULL;
    if ((!source && strcmp(scale, "statement") != 0) || !at)
        return assay_error_at(error, ASSAY_ERROR_INPUT, csv->path, row->line,
                              "found %.20s %.20s, expected source A to F or statement 1 to 6",
                              scale, grade);
    double *to = source ? &grades->letters[at - letters] : &grades->digits[at - digits];
    if (!isnan(*to))
        return assay_error_at(error, ASSAY_ERROR_INPUT, csv->path, row->line,
                              "grade %s stands twice", grade);
    return csv_number_within(csv, row, csv_column(csv, "probability"), 0, 1, to, error);
}

static assay_status read_table(const char *path, struct assay_arena *arena,
                               struct assay_grades *grades, struct assay_error *error)
{
    static const char *const columns[] = {"scale", "grade", "probability"};
    struct csv csv;
    ASSAY_TRY(csv_read(path, arena, &csv, error));
    for (size_t i = 0; i < 3; i++)
        if (csv_column(&csv, columns[i]) < 0)
            return assay_error_at(error, ASSAY_ERROR_INPUT, path, 1, "expected a column \"%s\"",
                                  columns[i]);
    for (size_t i = 0; i < csv.count; i++)
        ASSAY_TRY(read_row(&csv, &csv.rows[i], grades, error));
    for (size_t i = 0; i < 6; i++)
        if (isnan(grades->letters[i]) || isnan(grades->digits[i]))
            return assay_error_at(error, ASSAY_ERROR_INPUT, path, 0,
                                  "expected a row for each of A to F and 1 to 6");
    return ASSAY_OK;
}

assay_status grades_table_read(const char *path, struct assay_grades *grades,
                               struct assay_error *error)
{
    struct assay_arena *arena = assay_arena_new();
    for (size_t i = 0; i < 6; i++)
        grades->letters[i] = grades->digits[i] = NAN;
    if (!arena)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    assay_status status = read_table(path, arena, grades, error);
    assay_arena_free(arena);
    return status;
}

double assay_grades_chance(const struct assay_grades *grades, char letter, int digit)
{
    if (letter < 'A' || letter > 'F' || digit < 1 || digit > 6)
        return NAN;
    return fmin(grades->letters[letter - 'A'], grades->digits[digit - 1]);
}
