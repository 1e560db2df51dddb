/* SPDX-License-Identifier: Apache-2.0 */
#include "case/grades.h"

#include "finding/grades.h"

#include <math.h>

assay_status grades_read(const char *data_folder, const struct assay_case *subject,
                         struct assay_case_reliability *reliability, char sha256[65],
                         struct assay_error *error)
{
    struct assay_arena *arena = assay_arena_new();
    char *path = arena ? assay_arena_print(arena, "%s/source_reliability.csv", data_folder) : NULL;
    struct assay_grades table;
    reliability->because = subject->reliability.because;
    reliability->line = subject->reliability.line;
    assay_status status =
        path ? ASSAY_OK : assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    if (status == ASSAY_OK)
        status = grades_table_read(path, &table, error);
    if (status == ASSAY_OK)
        status = assay_sha256_file(path, sha256, error);
    assay_arena_free(arena);
    for (size_t i = 0; i < 6 && status == ASSAY_OK; i++) {
        double letter = subject->reliability.letters[i], digit = subject->reliability.digits[i];
        reliability->letters[i] = isnan(letter) ? table.letters[i] : letter;
        reliability->digits[i] = isnan(digit) ? table.digits[i] : digit;
    }
    return status;
}
