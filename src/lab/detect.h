/* SPDX-License-Identifier: Apache-2.0 */
/*
 * detect: what a detector makes of one student, asked of one candidate. In: what is kept of the
 * student, of reference students and of every writer. Out: scores; the larger, the more like a
 * student of the candidate. What can go wrong: memory.
 *
 * Black box: each answer may be the candidate's way of writing or something else. Something else
 * is, in equal parts, what undosed students write and what teachers of other manners write, each
 * by byte n-grams. The score is the log of the likelihood ratio of the best share d against none,
 *     max over d of sum over answers of ln(1 - d + d p(answer | candidate) / p(answer | else)).
 * Grey box: how much likelier than reference students the student finds held answers of the
 * candidate, less the same of teachers of other manners, in nats a byte.
 *
 * The student's own teacher, unless it is the candidate, and its twins are left out of "other
 * manners": an investigator who does not suspect a teacher does not have its texts.
 */
#ifndef LAB_DETECT_H
#define LAB_DETECT_H

#include "lab/examine.h"

#define LAB_LEVELS 4 /* of answers: an eighth, a quarter, a half, all */

/* How many answers a level has. */
size_t lab_level_answers(const struct lab_design *design, int level);

struct lab_scores {
    double *black[LAB_LEVELS]; /* [candidate] */
    double *grey;              /* [candidate] */
};

/* What is known of undosed students of one width. */
struct lab_undosed {
    const struct lab_grams *grams; /* of reference students' texts */
    const double *log_p;           /* a writer: mean over them */
};

/* Fills `scores`, whose arrays are there. */
ASSAY_MUST_USE assay_status lab_detect(const struct lab_study *study, const struct lab_cell *cell,
                                       const struct lab_examined *student,
                                       const struct lab_undosed *undosed, struct lab_scores *scores,
                                       struct assay_error *error);

#endif
