/* SPDX-License-Identifier: Apache-2.0 */
/*
 * figures: a lab's result as curves. In: a result. Out: for each depth of access power against dose
 * and against the number of answers, false positives, ROC and Tippett's curves; and what students
 * took from their teachers. What can go wrong: memory, noted in the writer.
 */
#ifndef LAB_FIGURES_H
#define LAB_FIGURES_H

#include "finding/writer.h"

#include <assay/lab.h>

/* Sets the writer's finding's figures; a figure with fewer than two places on its axis is left out.
 */
void lab_figures_write(struct finding_writer *to, const struct assay_lab_result *result);

#endif
