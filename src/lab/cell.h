/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cell: the models that a design asks for. In: a design. Out: a list of cells, one a model, each
 * with a text of everything that makes its result, from which come its streams of random numbers
 * and its place in the store. What can go wrong: memory.
 *
 * Writers are the candidates 0 .. teacher_count - 1 and, after them, the control teachers, whom
 * nobody asks about.
 */
#ifndef LAB_CELL_H
#define LAB_CELL_H

#include "lab/design.h"

#include <jansson.h>

enum lab_role {
    LAB_BASE,       /* read prose; students may go on from it */
    LAB_TEACHER,    /* a candidate or a control teacher */
    LAB_REFERENCE,  /* undosed: what detectors know undosed students by */
    LAB_NULL,       /* undosed: to compare with */
    LAB_FRESH,      /* undosed: to count false positives on */
    LAB_HUMAN,      /* dosed with an author's own text */
    LAB_CONTROL,    /* taught by a control teacher: to compare with */
    LAB_STUDENT,    /* taught by a candidate */
    LAB_KIN,        /* its weights come of a teacher's; for the white box */
    LAB_SUBLIMINAL, /* one seed of the subliminal arms, eight models */
    LAB_FAMILY,     /* models of known history, nine of them (family.h) */
    LAB_ROLES
};

const char *lab_role_name(enum lab_role role);

struct lab_cell {
    enum lab_role role;
    int writer; /* that it is, or that taught it; -1: nobody */
    enum lab_method method;
    enum lab_evasion evasion;
    double dose;
    enum lab_arm arm; /* of kin */
    double further;   /* training of kin, in the students' steps */
    unsigned width;
    unsigned number;         /* among its like */
    const char *description; /* everything that makes the result */
    json_t *result;          /* as stored; NULL before */
    double loss;             /* of the last step */
    bool made, resumed;      /* in this run; from a part of it that was kept */
    assay_status status;
    struct assay_error error;
};

/* Whether it learns of the writer, rather than being it or beginning from its weights. */
static inline bool lab_cell_is_taught(const struct lab_cell *c)
{
    return c->writer >= 0 && c->role != LAB_TEACHER && c->role != LAB_KIN;
}

/* Whether its weights are kept: others begin from them or learn of them, or they are compared. */
bool lab_cell_keeps_weights(const struct lab_design *d, const struct lab_cell *c);

/* Candidates and control teachers. */
static inline unsigned lab_writers(const struct lab_design *d)
{
    return d->teacher_count + d->control_teachers;
}

/* Control teachers have manners that no candidate has. */
uint64_t lab_manner_of(const struct lab_design *d, unsigned writer);

/* How long its texts are: the pool to learn from, the held ones to be asked about. */
size_t lab_pool_count(const struct lab_design *d);
#define LAB_HELD 192

/* Bases first, then teachers, then students; *cells in `arena`. */
ASSAY_MUST_USE assay_status lab_cells_make(const struct lab_design *design,
                                           struct assay_arena *arena, struct lab_cell **cells,
                                           size_t *count, struct assay_error *error);

/* The shape of its model. */
struct lab_shape lab_cell_shape(const struct lab_design *design, const struct lab_cell *cell);

/* A number that belongs to a cell alone, for its streams. */
uint64_t lab_cell_seed(const struct lab_cell *cell);

#endif
