/* SPDX-License-Identifier: Apache-2.0 */
/*
 * checkpoint: a training that can go on, to the bit. In: a trainer. Out: one safetensors file with
 * the weights, both moments and, in its metadata, shape, schedule, step, recipe and the SHA-256 of
 * its numbers; written beside and renamed, so that a file is a whole one. What can go wrong: the
 * disk; a file of another version, or damaged, which is refused.
 *
 * Draws of a training are functions of its seed and the step (base.h), so there is no other state.
 */
#ifndef LAB_CHECKPOINT_H
#define LAB_CHECKPOINT_H

#include "lab/train.h"

#define LAB_CHECKPOINT_VERSION "2"
#define LAB_MOST_RECIPE 512

/* `recipe` says in words of the caller's everything else that makes the training what it is; less
 * than LAB_MOST_RECIPE bytes. */
ASSAY_MUST_USE assay_status lab_checkpoint_write(const char *path,
                                                 const struct lab_trainer *trainer,
                                                 const char *recipe, struct assay_error *error);

/*
 * Makes a model and, unless `trainer` is NULL, its trainer; free both. `recipe` (LAB_MOST_RECIPE,
 * or NULL) gets the recipe.
 */
ASSAY_MUST_USE assay_status lab_checkpoint_read(const char *path, struct lab_model *model,
                                                struct lab_trainer *trainer, char *recipe,
                                                struct assay_error *error);

#endif
