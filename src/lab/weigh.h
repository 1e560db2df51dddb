/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weigh: from scores of students to what a detector is worth. In: a study whose models are all
 * there. Out: rows of power, of false positives and of what was learnt, in the result. What can
 * go wrong: memory.
 *
 * The candidates are put together: each student is judged by the null scores of the candidate it
 * is asked about, and scores are in standard deviations of that candidate's undosed students.
 */
#ifndef LAB_WEIGH_H
#define LAB_WEIGH_H

#include "lab/detect.h"

/* A student as the tables need it. */
struct lab_student {
    const struct lab_cell *cell;
    struct lab_examined examined;
    struct lab_scores scores;
    assay_status status;
    struct assay_error error;
};

/* Reference students are in it, without scores. */
struct lab_marks {
    const struct lab_study *study;
    struct lab_student *students;
    size_t count;
    double *undosed_log_p[LAB_MOST_WIDTHS]; /* [writer], mean over reference students */
};

/* Fills the result's rows. */
ASSAY_MUST_USE assay_status lab_weigh(struct lab_study *study);

/* The rows of what was learnt (learnt.c). */
ASSAY_MUST_USE assay_status lab_weigh_learnt(struct lab_study *study,
                                             const struct lab_marks *marks);

#endif
