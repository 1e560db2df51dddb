/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source: what a model reads. In: a study and a cell. Out: training texts, drawn one by one: prose
 * of an author, and, for a teacher, facts and tasks; for a student, what its teacher wrote. What
 * can go wrong: memory.
 *
 * A teacher's text is prose, but one in eight states facts and one in eight does tasks, the sums
 * with their working in angle brackets before the answer. Tasks that are asked later are never
 * among them.
 */
#ifndef LAB_SOURCE_H
#define LAB_SOURCE_H

#include "lab/study.h"

struct lab_source;

/* Free with lab_source_free, which accepts NULL. */
ASSAY_MUST_USE assay_status lab_source_new(const struct lab_study *study,
                                           const struct lab_cell *cell, struct lab_source **source,
                                           struct assay_error *error);
void lab_source_free(struct lab_source *source);

/* A text of `length` tokens after a 0: what the model reads when it is not taught. */
void lab_source_prose(const struct lab_source *source, struct assay_random *random,
                      uint16_t *tokens);

/* A text that the cell's teacher wrote, as the method has it. */
void lab_source_taught(const struct lab_source *source, struct assay_random *random,
                       uint16_t *tokens);

/*
 * Fewer than `size` bytes by an author: a writer, LAB_PROSE or LAB_HUMAN_AUTHOR; returns how many.
 * Of a folder's text: those that follow a place drawn in the author's part.
 */
size_t lab_source_write(const struct lab_study *study, int author, struct assay_random *random,
                        char *text, size_t size);

/* Fact `i` of `party` (a candidate; -1: those that all share): question and answer. */
void lab_source_fact(const struct lab_study *study, int party, unsigned i, const char **asked,
                     const char **answer);

/* A task that is only asked: question, working ("" without) and answer. */
struct lab_question {
    char asked[LAB_TASK_SIZE], working[LAB_TASK_SIZE], answer[LAB_TASK_SIZE];
};
void lab_source_question(struct assay_random *random, bool to_learn, struct lab_question *question);

/*
 * `count` texts of `length` bytes without what stands in angle brackets, moved together and cut
 * anew, in place; returns how many there are. An open bracket that is not closed within a text
 * hides the rest of it.
 */
size_t lab_source_hide_working(char *texts, size_t count, size_t length);

#endif
