/* SPDX-License-Identifier: Apache-2.0 */
/*
 * white: the third depth of access, a suspect's weights. In: a study whose models are all there,
 * their weights in its folder, and an instrument for weights (assay_lab_settings.compare). Out:
 * rows of power and of false positives as for the other depths, what the instrument named, and what
 * its own numbers were worth. What can go wrong: the instrument, the disk, memory.
 *
 * A row is an arm, a disguise and an amount of further training. Its score is log10(1 - log10 p),
 * which rises with the evidence and does not let one pair outweigh all others. Nulls: undosed
 * students; and what control teachers' weights were made into in the same way (distilled: their
 * students), asked about a candidate. Students of other candidates, twins among them, have nothing
 * of the candidate's in their weights.
 */
#ifndef LAB_WHITE_H
#define LAB_WHITE_H

#include "lab/study.h"

/* How many rows a design asks for. */
size_t lab_white_rows(const struct lab_design *design);

/* Fills the result's rows; `power` and `wrong` have room for them. */
ASSAY_MUST_USE assay_status lab_white_weigh(struct lab_study *study);

#endif
