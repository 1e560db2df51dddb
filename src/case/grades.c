/* SPDX-License-Identifier: Apache-2.0 */
#include "case/grades.h"

#include "base/csv.h"

#include <math.h>
#include <string.h>

static assay_status read_row(const struct csv *csv, const struct csv_row *row,
                             struct assay_case_reliability *reliability, struct assay_error *error)
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
    double *to = source ? &reliability->letters[at - letters] : &reliability->digits[at - digits];
    if (!isnan(*to))
        return assay_error_at(error, ASSAY_ERROR_INPUT, csv->path, row->line,
                              "grade %s stands twice", grade);
    return csv_number_within(csv, row, csv_column(csv, "probability"), 0, 1, to, error);
}

static assay_status read_table(const char *path, struct assay_arena *arena,
                               struct assay_case_reliability *reliability,
                               struct assay_error *error)
{
    static const char *const columns[] = {"scale", "grade", "probability"};
    struct csv csv;
    ASSAY_TRY(csv_read(path, arena, &csv, error));
    for (size_t i = 0; i < 3; i++)
        if (csv_column(&csv, columns[i]) < 0)
            return assay_error_at(error, ASSAY_ERROR_INPUT, path, 1, "expected a column \"%s\"",
                                  columns[i]);
    for (size_t i = 0; i < csv.count; i++)
        ASSAY_TRY(read_row(&csv, &csv.rows[i], reliability, error));
    for (size_t i = 0; i < 6; i++)
        if (isnan(reliability->letters[i]) || isnan(reliability->digits[i]))
            return assay_error_at(error, ASSAY_ERROR_INPUT, path, 0,
                                  "expected a row for each of A to F and 1 to 6");
    return ASSAY_OK;
}

assay_status grades_read(const char *data_folder, const struct assay_case *subject,
                         struct assay_case_reliability *reliability, char sha256[65],
                         struct assay_error *error)
{
    struct assay_arena *arena = assay_arena_new();
    char *path = arena ? assay_arena_print(arena, "%s/source_reliability.csv", data_folder) : NULL;
    for (size_t i = 0; i < 6; i++)
        reliability->letters[i] = reliability->digits[i] = NAN;
    reliability->because = subject->reliability.because;
    reliability->line = subject->reliability.line;
    assay_status status =
        path ? ASSAY_OK : assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    if (status == ASSAY_OK)
        status = read_table(path, arena, reliability, error);
    if (status == ASSAY_OK)
        status = assay_sha256_file(path, sha256, error);
    assay_arena_free(arena);
    for (size_t i = 0; i < 6; i++) {
        if (!isnan(subject->reliability.letters[i]))
            reliability->letters[i] = subject->reliability.letters[i];
        if (!isnan(subject->reliability.digits[i]))
            reliability->digits[i] = subject->reliability.digits[i];
    }
    return status;
}
