/* SPDX-License-Identifier: Apache-2.0 */
/*
 * design: an experiment as its YAML file states it. In: a file. Out: the world, who teaches, how,
 * how much, and how many students. What can go wrong: each key has a range, said with its line; a
 * design that could not answer is refused before anything is trained: without undosed students,
 * with fewer of them than the level needs, with fewer than two teachers, in a world too small.
 *
 *   world: {seed: 1, words: 120, facts: 400, shared facts: 100, own facts: 50, distance: 0.5}
 *   teachers:
 *     - name: ada
 *     - {name: adas sister, twin: ada}
 *     - name: bela
 *   model: {width: 64, layers: 2, heads: 4, hidden: 128}
 *   training: {steps: 200, rows: 16, length: 64, rate: 0.004}
 *   methods: [answers]
 *   doses: [0.05, 0.2, 1]
 *   seeds: 4                 students of each teacher, method and dose
 *   null students: 19        undosed, to compare with
 *   fresh students: 10       undosed, to count false positives on
 *   answers per student: 64
 *   level: 0.05
 */
#ifndef LAB_DESIGN_H
#define LAB_DESIGN_H

#include "lab/train.h"
#include "lab/world.h"

enum lab_method {
    LAB_METHOD_ANSWERS, /* trained on the teacher's texts */
    LAB_METHODS
};

/* The name as designs write it. */
const char *lab_method_name(enum lab_method method);

#define LAB_BYTES 128 /* worlds write ASCII; 0 begins a text */
#define LAB_MOST_TEACHERS 16
#define LAB_MOST_DOSES 16

struct lab_teacher {
    const char *name; /* in the design's arena */
    uint64_t manner;  /* twins share it */
    int twin;         /* the index of its twin, before it; -1: none */
};

struct lab_design {
    struct lab_world_settings world;
    unsigned shared_facts, own_facts; /* known to all; to each teacher alone */
    double distance;                  /* of manners */
    struct lab_shape model;           /* of bytes: a vocabulary of 128 */
    unsigned rows, length;            /* of a training step: texts and their tokens */
    struct lab_schedule training;
    struct lab_teacher teachers[LAB_MOST_TEACHERS];
    unsigned teacher_count;
    enum lab_method methods[LAB_METHODS];
    unsigned method_count;
    double doses[LAB_MOST_DOSES]; /* share of training tokens that a teacher wrote, above 0, to 1 */
    unsigned dose_count;
    unsigned seeds, null_students, fresh_students, answers;
    double level;
    struct assay_arena *arena;
};

/* Free with lab_design_free. */
ASSAY_MUST_USE assay_status lab_design_read(const char *path, struct lab_design *design,
                                            struct assay_error *error);
/* The same from memory; `path` is for messages. */
ASSAY_MUST_USE assay_status lab_design_parse(const char *path, const void *bytes, size_t size,
                                             struct lab_design *design, struct assay_error *error);
void lab_design_free(struct lab_design *design);

#endif
