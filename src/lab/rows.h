/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rows: from scores of the students of one row to what the row says. In: for each candidate the
 * scores of its own students, of the nulls and of those whom the question is not true of. Out: a
 * row of power, rows of false positives. What can go wrong: memory.
 *
 * The candidates are put together: each student is judged by the null scores of the candidate it
 * is asked about.
 */
#ifndef LAB_ROWS_H
#define LAB_ROWS_H

#include "lab/study.h"

/* The first two are the nulls, the last the students whom the question is true of. */
enum lab_kind {
    LAB_UNDOSED_NULL,
    LAB_OTHERS_NULL,
    LAB_FRESH_ONES,
    LAB_HUMANS,
    LAB_OF_OTHERS,
    LAB_OF_TWINS,
    LAB_DOSED,
    LAB_KINDS
};

/* All candidates together. */
struct lab_pooled {
    double *scores[LAB_KINDS];
    size_t n[LAB_KINDS];
    size_t named[LAB_KINDS], by_undosed[LAB_KINDS], by_others[LAB_KINDS]; /* how many of them */
};

/* Room for `most` scores of each kind. */
bool lab_pooled_new(struct assay_arena *arena, size_t most, struct lab_pooled *pooled);

/*
 * Adds one candidate's: `one` has a row of `most` for each kind, n[kind] of them there. With
 * `standard` the scores are first put in standard deviations of its undosed students', for scores
 * whose scale is a candidate's own.
 */
void lab_pool(struct lab_pooled *pooled, double *one, size_t most, const size_t *n, double level,
              bool standard);

/* Fills what pooled scores say: rates, areas, ROC and, from two dosed students on, ratios. The
 * arrays of the row are in the result's arena. */
ASSAY_MUST_USE assay_status lab_row_power(struct lab_study *study, const struct lab_pooled *pooled,
                                          struct assay_lab_power *row);

/* Up to four rows of students that the candidate did not teach, into the result, which has room:
 * `like` says of what depth, method, dose and width. */
void lab_rows_wrong(struct lab_study *study, const struct lab_pooled *pooled,
                    const struct assay_lab_wrong *like);

/* A share and its interval. */
struct assay_lab_rate lab_rate(size_t hits, size_t n);

#endif
