/* SPDX-License-Identifier: Apache-2.0 */
/*
 * study: a design carried out. In: a design and a folder for results. Out: what the detectors see
 * of students whose teachers are known. What can go wrong: the disk, memory, an interrupt; what
 * was finished before is in the folder and is not done again.
 *
 * Bases are trained first, then teachers, then students, each a model a thread (cell.h). What a
 * model reads is in source.h, how it is taught in teach.h, what is kept of it in examine.h, what
 * detectors make of that in detect.h and what their scores are worth in weigh.h.
 */
#ifndef LAB_STUDY_H
#define LAB_STUDY_H

#include "lab/cell.h"
#include "lab/grams.h"
#include "lab/vocabulary.h"

#include <assay/lab.h>

#include <pthread.h>

/* A teacher, as students and detectors know it. */
struct lab_writer {
    uint64_t manner;
    struct lab_author *author;
    char *plain, *worked, *held; /* texts of `length` bytes, one after another: its answers without
                                    its working, with it, and answers that nobody learns from */
    size_t plain_count, worked_count, held_count;
    struct lab_grams *grams; /* of its answers */
    struct lab_model model;  /* count 0: not needed */
    const struct lab_cell *cell;
};

struct lab_study {
    const struct assay_lab_settings *settings;
    const struct assay_context *context;
    const struct lab_design *d;
    const struct lab_bpe *bpe; /* of the design's vocabulary; count 0: bytes */
    const char *folder;
    struct assay_lab_result *r;
    struct lab_world *world;                    /* NULL: a folder's text */
    struct lab_author *prose, *human;           /* who teach nobody */
    unsigned *facts;                            /* dealt: shared, then each candidate's */
    struct lab_writer *writers;                 /* candidates, then control teachers */
    struct lab_grams *undosed[LAB_MOST_WIDTHS]; /* of reference students' texts */
    struct lab_model base[LAB_MOST_WIDTHS];
    struct lab_cell *cells;
    size_t count;
    const char *phase; /* what is being done, and how far it is */
    uint64_t done, total;
    pthread_t starter; /* the thread that may report progress */
    int *stop;         /* somebody asked to */
    struct assay_error *error;
};

/* The index of a width among the design's. */
unsigned lab_width_index(const struct lab_design *design, unsigned width);

/* Called now and then while a model is trained; false: stop. Any thread. */
bool lab_study_goes_on(const struct lab_study *study);

/* Fills `result`, whose arena is set. */
ASSAY_MUST_USE assay_status lab_study_run(const struct assay_context *context,
                                          const struct assay_lab_settings *settings,
                                          const struct lab_design *design,
                                          const struct lab_bpe *bpe, const char *folder,
                                          struct assay_lab_result *result,
                                          struct assay_error *error);

#endif
