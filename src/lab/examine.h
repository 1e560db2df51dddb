/* SPDX-License-Identifier: Apache-2.0 */
/*
 * examine: what is kept of a model. In: a study, a cell and its trained model. Out: JSON:
 *
 *   teachers   texts    answers, with their working; then held ones that nobody learns from
 *   students   texts    answers
 *              log_p    of each writer's held answers: mean ln p a byte
 *   both       prose    mean ln p a byte of prose by each candidate's author
 *              facts    log2 p of the answer, mean over each candidate's own facts, given the
 *                       question; null where a text does not hold a fact
 *              tasks    [right, log2 p of the answer] over tasks never taught; "right": each byte
 *                       of the answer is the likeliest, as one that always takes it would write
 *              worked   the same, the right working being given
 *              loss     of the last step
 *
 * What can go wrong: memory.
 */
#ifndef LAB_EXAMINE_H
#define LAB_EXAMINE_H

#include "lab/study.h"

#define LAB_TASKS 64 /* asked of every model */

/* The same of what was kept. */
struct lab_examined {
    const char *texts; /* bytes as they are, in the arena; `size` of them */
    size_t size;
    double *log_p; /* a writer; students only */
    double *prose; /* a candidate */
    double *facts; /* a candidate; NaN where there is none */
    double right, tasks, worked_right, worked;
    double loss;
};

/* Sets cell->result. */
ASSAY_MUST_USE assay_status lab_examine(const struct lab_study *study, struct lab_cell *cell,
                                        const struct lab_model *model);

/* ASSAY_ERROR_INPUT if it is not what lab_examine makes. */
ASSAY_MUST_USE assay_status lab_examined_read(const struct lab_study *study,
                                              const struct lab_cell *cell,
                                              struct lab_examined *examined,
                                              struct assay_error *error);

#endif
