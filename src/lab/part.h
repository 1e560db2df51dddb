/* SPDX-License-Identifier: Apache-2.0 */
/*
 * part: a model in hand, kept so that a run that was stopped goes on with it, to the bit. In: a
 * trainer and what else its next step depends on. Out:
 * FOLDER/SHA256-OF-THE-DESCRIPTION.part.safetensors (checkpoint.h), and the weights before
 * preferences beside it; removed once the result is there. What can go wrong: the disk. A file that
 * is torn, of another version or of another model counts as absent: the model is begun again.
 *
 * A cell of several models (subliminal.h, family.h) keeps each of them under a name of its own,
 * those that are finished too, until the cell's result is there.
 */
#ifndef LAB_PART_H
#define LAB_PART_H

#include "lab/train.h"

/* What a step depends on besides the step's number and the cell. */
struct lab_in_hand {
    struct lab_trainer *trainer;
    struct assay_random *draw, *own; /* what is read; what the student writes */
    double *loss;                    /* of the last step */
    struct lab_model *before;        /* the student before preferences; NULL: not there (yet) */
};

ASSAY_MUST_USE assay_status lab_part_save(const char *folder, const char *description,
                                          const struct lab_in_hand *part,
                                          struct assay_error *error);

/*
 * Sets all that `part` points at, if the folder holds a part of that description; false, and
 * nothing changed, if not. `post`: the step from which on `before` (may be NULL) has been filled.
 */
bool lab_part_load(const char *folder, const char *description, struct lab_in_hand *part,
                   unsigned post);

/* Removes what lab_part_save left. */
void lab_part_forget(const char *folder, const char *description);

/* The description of model `number` of a cell of several. */
#define LAB_PART_NAME 96
void lab_part_name(const char *description, unsigned number, char name[LAB_PART_NAME]);

/* Keeps a model while it is trained, as often as a study's settings say. */
struct lab_study;
struct lab_keeper {
    const struct lab_study *study; /* NULL: nobody interrupts, and nothing is kept */
    const char *description;
    unsigned saved; /* the step that is kept */
    double last;    /* the second at which it was */
};

/* Loads what an earlier run left, as lab_part_load does, and sets `resumed` if there was anything.
 */
struct lab_keeper lab_keeper_start(const struct lab_study *study, const char *description,
                                   struct lab_in_hand *part, unsigned post, bool *resumed);

/* To be called before each step: saves when it is time to, or when somebody asked to stop, and then
 * gives ASSAY_ERROR_INTERRUPTED. */
ASSAY_MUST_USE assay_status lab_keeper_look(struct lab_keeper *keeper,
                                            const struct lab_in_hand *part,
                                            struct assay_error *error);

/* Saves a model whose last step is done and whose result is not there yet, if `least` seconds of
 * training or more would be lost, or as many as `save_every`. */
ASSAY_MUST_USE assay_status lab_keeper_finish(struct lab_keeper *keeper,
                                              const struct lab_in_hand *part, double least,
                                              struct assay_error *error);

#endif
