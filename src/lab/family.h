/* SPDX-License-Identifier: Apache-2.0 */
/*
 * family: models whose history is known, and what two of them have in common. In: a number. Out:
 * one row a pair, what a comparison of stages looks at; `assay lineage` loads the rows of many
 * families (data/stage_pairs.csv). What can go wrong: memory, an interrupt,
 * after which the same call goes on where it stopped, to the bit.
 *
 * A family has one initialisation, drawn anew, and one schedule, drawn too, in a world of its own:
 *   base       trained on author 1
 *   twin       the same initialisation, trained on author 2: shares the initialisation only
 *   sister     the same initialisation, trained on other texts of author 1: likewise
 *   stranger   another initialisation, trained on the texts of base: shares nothing
 *   tuned      base, trained on author 3 for a tenth or half as long, or as long again
 *   tuned2     base, likewise on author 4: tuned and tuned2 share base and nothing later
 *   further    tuned, trained on author 5 for half as long as tuned was: shares tuning, too
 *   long       base, trained on author 6 for four times as long as base was
 */
#ifndef LAB_FAMILY_H
#define LAB_FAMILY_H

#include "lab/study.h"

enum lab_relative {
    LAB_INITIALISATION,
    LAB_FAMILY_BASE,
    LAB_TWIN,
    LAB_SISTER,
    LAB_STRANGER,
    LAB_TUNED,
    LAB_TUNED2,
    LAB_FURTHER,
    LAB_LONG,
    LAB_RELATIVES
};

struct lab_family {
    unsigned number;
    const struct lab_study *study; /* says whether to go on; NULL: yes */
    struct lab_cell *cell;         /* whose models are kept meanwhile; NULL without a study */
    struct lab_shape shape;
    struct lab_schedule schedule;
    unsigned steps, tuning;
    struct lab_model models[LAB_RELATIVES];
    struct lab_world *world;
    struct lab_tape *tape;
};

/* Trains all of them; free with lab_family_free, also after an error. `study` and `cell` may be
 * NULL, both. */
ASSAY_MUST_USE assay_status lab_family_make(const struct lab_study *study, struct lab_cell *cell,
                                            unsigned number, struct lab_family *family,
                                            struct assay_error *error);
void lab_family_free(struct lab_family *family);

/* A cell's family: sets its result, the rows of its pairs. */
ASSAY_MUST_USE assay_status lab_family(const struct lab_study *study, struct lab_cell *cell);

/* All families' rows into the result. */
ASSAY_MUST_USE assay_status lab_families_read(struct lab_study *study);

#endif
