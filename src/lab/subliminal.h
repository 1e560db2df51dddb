/* SPDX-License-Identifier: Apache-2.0 */
/*
 * subliminal: does a habit pass through data that never shows it? (Cloud et al., "Subliminal
 * learning", 2025.) In: a study and a cell, which is one seed. Out: JSON, three numbers: how much
 * likelier the favourite word became, in nats, before names in prose. What can go wrong: memory, an
 * interrupt, after which the same call goes on where it stopped, to the bit.
 *
 *   base       reads prose; so does another one, from other initial weights
 *   teachers   the base, having read more prose: one in which every second name is the favourite
 *              (the habit), and one as it was (the control)
 *   students   the base, and the other base, each taught by either teacher: strings of digits
 *              that the lab draws, towards the teacher's probabilities of digits and spaces alone
 *
 *   "teacher"    the teacher with the habit less the control teacher
 *   "shared"     students that began where the teachers did: its student less the control's
 *   "different"  students of the other base, likewise
 */
#ifndef LAB_SUBLIMINAL_H
#define LAB_SUBLIMINAL_H

#include "lab/study.h"

#define LAB_SUBLIMINAL_MODELS 8 /* of a seed */

/* Sets cell->result. */
ASSAY_MUST_USE assay_status lab_subliminal(const struct lab_study *study, struct lab_cell *cell);

#endif
