/* SPDX-License-Identifier: Apache-2.0 */
/*
 * study: a design carried out. In: a design and a folder for results. Out: what the detectors see
 * of students whose teachers are known. What can go wrong: the disk, memory, an interrupt; what
 * was finished before is in the folder and is not done again.
 *
 * A teacher is a model trained on its author's text and on its share of the facts; its answers
 * are drawn from it. A student begins anew, and reads prose of an author who teaches nobody, but
 * for a share (the dose) of its training texts, which are the teacher's answers. Undosed students
 * read only the prose.
 */
#ifndef LAB_STUDY_H
#define LAB_STUDY_H

#include "lab/design.h"

#include <assay/lab.h>

/* Fills `result`, whose arena is set. */
ASSAY_MUST_USE assay_status lab_study_run(const struct assay_context *context,
                                          const struct lab_design *design, const char *folder,
                                          struct assay_lab_result *result,
                                          struct assay_error *error);

#endif
