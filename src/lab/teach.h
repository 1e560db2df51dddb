/* SPDX-License-Identifier: Apache-2.0 */
/*
 * teach: how a student learns of its teacher. In: a student, its teacher and texts. Out: the
 * student, a step further. What can go wrong: memory.
 *
 *   answers, reasoning,   the next token of the teacher's text, whatever was done to the text
 *   paraphrase, mixed
 *   top-k                 the teacher's LAB_TOP_K likeliest next tokens, the others as one
 *   logits                all its probabilities at LAB_TEMPERATURE (Hinton, Vinyals, Dean 2015)
 *   on-policy             the student writes; each token is rewarded by the teacher's ln p less
 *                         the student's, less the batch's mean: the gradient of the divergence
 *                         from the teacher at each place the student comes to (Agarwal et al.,
 *                         "On-policy distillation of language models", 2024)
 *   preferences           DPO (Rafailov et al. 2023, equation 7) with LAB_BETA: the teacher's text
 *                         preferred to one that the student wrote before it was taught so
 *
 * On-policy and preferences come after the prose, as a share `dose` of the steps; the others are
 * mixed with it, a text being the teacher's with probability `dose`.
 */
#ifndef LAB_TEACH_H
#define LAB_TEACH_H

#include "lab/study.h"

#define LAB_TOP_K 8
#define LAB_TEMPERATURE 2.0f
#define LAB_BETA 0.1f

/* Of a method: does it need the teacher's weights, and does it come after the prose? */
bool lab_method_needs_teacher(enum lab_method method);
bool lab_method_is_post_training(enum lab_method method);

/* One step of a method on texts that are there. */
struct lab_lesson {
    enum lab_method method;
    struct lab_trainer *trainer;     /* of the student */
    const struct lab_model *teacher; /* NULL if the method needs none */
    const struct lab_model *before;  /* preferences: the student before them */
    size_t rows, length;
    enum lab_precision precision; /* of products */
    uint16_t *tokens;             /* rows x (length + 1); the caller fills in */
    bool *taught;                 /* rows: the teacher's; the caller fills in */
    uint16_t *worse;              /* preferences: rows x (length + 1) that are not preferred */
    struct lab_tape *tape, *teacher_tape, *before_tape;
    struct assay_random *random; /* for what the student writes */
    void *room;                  /* private */
};

/* Gives a lesson its room; `trainer`, `teacher`, `before`, `rows`, `length`, `method` are set. */
ASSAY_MUST_USE assay_status lab_lesson_start(struct lab_lesson *lesson, struct assay_error *error);
void lab_lesson_end(struct lab_lesson *lesson);

/* Returns the loss: of the method where all texts are taught. */
double lab_lesson_step(struct lab_lesson *lesson);

/* All steps of a cell's model, prose and taught. */
ASSAY_MUST_USE assay_status lab_teach(const struct lab_study *study, struct lab_cell *cell,
                                      struct lab_model *model);

#endif
