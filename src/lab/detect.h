/* SPDX-License-Identifier: Apache-2.0 */
/*
 * detect: what a detector makes of one student, asked of one candidate. In: what is kept of the
 * student, of reference students and of every writer. Out: scores; the larger, the more like a
 * student of the candidate. What can go wrong: memory.
 *
 * First, how near the student is to each writer, candidate or control teacher:
 * Black box: a student that was taught chooses its words now as its teacher does, now as others
 * do, within one answer. Of every run of two words, by byte n-grams of the writer's texts and of
 * undosed students':
 *     mean over runs of ln(1 - d + d p(run | writer) / p(run | undosed)), d = 0.2.
 * The share is set, not fitted: a sum over runs that is the same for every student is what the line
 * below can take others' influence out of; the best share of each student is not.
 * Grey box: how much likelier than reference students it finds held answers of the writer, in nats
 * a byte.
 *
 * Then, how far the candidate stands out among teachers of other manners for this very student.
 * Any dose, of whatever teacher, brings a student nearer to all of them, and to some more than to
 * others: control teachers' students show how much (the mean over them, a writer). The student's
 * nearness to teachers of other manners is fitted by a straight line on that; the score is the
 * candidate's distance from the line, in standard deviations of theirs.
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

#define LAB_DEPTHS (LAB_LEVELS + 1) /* the black box at each level, and the grey box */

struct lab_scores {
    double *near[LAB_DEPTHS];  /* [writer] */
    double *score[LAB_DEPTHS]; /* [candidate] */
};

/* What is known of undosed students of one width. */
struct lab_undosed {
    const struct lab_grams *grams; /* of reference students' texts */
    const double *log_p;           /* a writer: mean over them */
};

/* Fills scores->near, whose arrays are there. */
ASSAY_MUST_USE assay_status lab_detect_near(const struct lab_study *study,
                                            const struct lab_examined *student,
                                            const struct lab_undosed *undosed,
                                            struct lab_scores *scores, struct assay_error *error);

/*
 * The score of candidate `t` from `near` (a writer) and `moved`: how near control teachers'
 * students are to each writer, mean over those whose teacher the student's is not. 0 with fewer
 * than four teachers of other manners.
 */
double lab_detect_score(const struct lab_study *study, const struct lab_cell *cell, unsigned t,
                        const double *near, const double *moved);

#endif
