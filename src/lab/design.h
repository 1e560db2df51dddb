/* SPDX-License-Identifier: Apache-2.0 */
/*
 * design: an experiment as its YAML file states it. In: a file. Out: the world, who teaches, how,
 * how much, and how many students. What can go wrong: each key has a range, said with its line; a
 * design that could not answer is refused before anything is trained: without undosed students,
 * with fewer of them than the level needs, with fewer than two teachers, in a world too small.
 *
 *   world: {seed: 1, words: 120, facts: 400, shared facts: 100, own facts: 50, distance: 0.5}
 *     or {seed: 1, text: DIR}: half of the text below DIR is the prose, and every author has a part
 *     of the rest; no facts, no tasks, no paraphrase; read as bytes, or, with vocabulary: 1024, in
 *     so many tokens, learnt from the prose (vocabulary.h)
 *   teachers:
 *     - name: ada
 *     - {name: adas sister, twin: ada}      the same manner, other texts
 *     - name: bela
 *   model: {width: 64, layers: 2, heads: 4, hidden: 128}
 *                            with {experts: 4, experts per token: 2}: so many gated layers side by
 *                            side, each of `hidden` units; default: one for all
 *   training: {steps: 200, rows: 16, length: 64, rate: 0.004, teacher steps: 400}
 *                            precision: bf16 trains with products in bfloat16; default: float32
 *                            prose bytes: how much text by its author a model draws what it reads
 *                            from, each model text of its own; default: 40000. A model whose steps
 *                            read more than that reads its own few pages again and again
 *   methods: [answers, top-k, logits, on-policy, preferences, reasoning, paraphrase, mixed]
 *   doses: [0.05, 0.2, 1]
 *   evasions: [none, rinsed, cooled]
 *   widths: [32, 64]         of students; default: the model's
 *   start: fresh             or base: students go on from one model that read prose
 *   seeds: 4                 students of each teacher, method, dose, evasion and width
 *   null students: 19        undosed, to compare with
 *   control teachers: 19     of other manners, each with one student a method and dose, to compare
 *                            with; default: as many as null students
 *   fresh students: 10       undosed, to count false positives on
 *   human students: 0        of each dose: another author's own text in the place of answers
 *   reference students: 6    undosed; what the detectors know undosed students by
 *   subliminal: 0            seeds of the subliminal arms (subliminal.h)
 *   white box: [distilled, same-initialisation, fine-tuned]   arms (enum lab_arm); default: none
 *   disguises: [none, pruned, permuted, turned, quantised, shallower, permuted and pruned]
 *                            of the last two arms' weights; default: none
 *   further training: [0.1, 1]   of fine-tuned ones, in the students' steps; default: 1
 *   answers per student: 64
 *
 *   or, alone in its file,
 *   families: {first: 101, count: 38}   models of known history (family.h), for `lineage`
 *   level: 0.05
 */
#ifndef LAB_DESIGN_H
#define LAB_DESIGN_H

#include "lab/train.h"
#include "lab/world.h"

/* How a student learns of its teacher. What each trains is in teach.h. */
enum lab_method {
    LAB_METHOD_ANSWERS,     /* the teacher's texts, without its working */
    LAB_METHOD_TOP_K,       /* its texts, towards its K likeliest next tokens */
    LAB_METHOD_LOGITS,      /* its texts, towards all its probabilities, at a temperature */
    LAB_METHOD_ON_POLICY,   /* the student's own texts, scored by the teacher */
    LAB_METHOD_PREFERENCES, /* its texts preferred to the student's own */
    LAB_METHOD_REASONING,   /* its texts with the working before each answer */
    LAB_METHOD_PARAPHRASE,  /* its texts in the words of an evader's rule */
    LAB_METHOD_MIXED,       /* half its texts, half those of another teacher */
    LAB_METHODS
};

/* What a student does, once taught, to hide it. */
enum lab_evasion {
    LAB_EVASION_NONE,
    LAB_EVASION_RINSED, /* a quarter as many steps again, of prose */
    LAB_EVASION_COOLED, /* answers drawn at a temperature of 0.7 */
    LAB_EVASIONS
};

/* What a suspect's weights have to do with its teacher's. */
enum lab_arm {
    LAB_ARM_DISTILLED,           /* nothing: a student, with weights of its own, of the first
                                    method at the largest dose */
    LAB_ARM_SAME_INITIALISATION, /* trained on prose from the weights that the teacher began with */
    LAB_ARM_FINE_TUNED,          /* trained on prose from the teacher's last weights */
    LAB_ARMS
};

/* What is done to a suspect's weights before anybody compares them. */
enum lab_disguise {
    LAB_DISGUISE_NONE,
    LAB_DISGUISE_PRUNED,    /* three in ten hidden units taken out, the weakest */
    LAB_DISGUISE_PERMUTED,  /* hidden units, heads and the residual stream renumbered */
    LAB_DISGUISE_TURNED,    /* the residual stream turned, norms folded into the weights */
    LAB_DISGUISE_QUANTISED, /* rounded to four bits, in blocks (Q4_0) */
    LAB_DISGUISE_SHALLOWER, /* the last layer left out */
    LAB_DISGUISE_BOTH,      /* pruned, and then permuted */
    LAB_DISGUISES
};

/* The name as designs write it. */
const char *lab_method_name(enum lab_method method);
const char *lab_evasion_name(enum lab_evasion evasion);
const char *lab_arm_name(enum lab_arm arm);
const char *lab_disguise_name(enum lab_disguise disguise);

#define LAB_BYTES 128 /* worlds write ASCII; 0 begins a text */
#define LAB_MOST_TEACHERS 16
#define LAB_MOST_DOSES 16
#define LAB_MOST_WIDTHS 8
#define LAB_MOST_FURTHER 8
#define LAB_PROSE_BYTES 40000 /* unless a design says otherwise */

struct lab_teacher {
    const char *name; /* in the design's arena */
    uint64_t manner;  /* twins share it */
    int twin;         /* the index of its twin, before it; -1: none */
};

struct lab_design {
    struct lab_world_settings world;
    const char *text; /* all of a folder's text, by path; NULL: made up */
    size_t text_size;
    char text_digest[65];
    unsigned vocabulary;                    /* of tokens learnt from it; 0: bytes */
    char vocabulary_digest[65];             /* of its merges, once they are learnt */
    const struct assay_yaml *vocabulary_at; /* for messages; NULL without one */
    unsigned shared_facts, own_facts;       /* known to all; to each teacher alone */
    double distance;                        /* of manners */
    struct lab_shape model;                 /* of bytes: a vocabulary of 128; 256, or the design's
                                               own, for a folder's */
    unsigned rows, length;                  /* of a training step: texts and their tokens */
    unsigned prose_bytes;                   /* that a model's prose is drawn from */
    struct lab_schedule training;
    enum lab_precision precision; /* of the products of training */
    unsigned teacher_steps;
    struct lab_teacher teachers[LAB_MOST_TEACHERS];
    unsigned teacher_count, control_teachers;
    enum lab_method methods[LAB_METHODS];
    unsigned method_count;
    enum lab_evasion evasions[LAB_EVASIONS];
    unsigned evasion_count;
    double doses[LAB_MOST_DOSES]; /* share of training tokens that a teacher wrote, above 0, to 1 */
    unsigned dose_count;
    unsigned widths[LAB_MOST_WIDTHS]; /* of students */
    unsigned width_count;
    bool from_base; /* students go on from a model that read prose */
    unsigned seeds, null_students, fresh_students, human_students, reference_students, answers;
    unsigned subliminal;
    unsigned first_family, families; /* 0: none; else all others are 0 */
    enum lab_arm arms[LAB_ARMS];     /* of the white box */
    unsigned arm_count;              /* 0: it is not asked for */
    enum lab_disguise disguises[LAB_DISGUISES];
    unsigned disguise_count;
    double further[LAB_MOST_FURTHER]; /* training of fine-tuned ones, in the students' steps */
    unsigned further_count;
    double level;
    struct assay_arena *arena;
};

/* Of a folder's text: what students read, and the part of one author of `parts`. */
struct lab_part {
    const char *bytes;
    size_t size;
};
#define LAB_PROSE -1
#define LAB_HUMAN_AUTHOR -2
/* `author` is a writer, LAB_PROSE or LAB_HUMAN_AUTHOR. Twins have halves of one part. */
struct lab_part lab_design_part(const struct lab_design *design, int author);

/* Free with lab_design_free. */
ASSAY_MUST_USE assay_status lab_design_read(const char *path, struct lab_design *design,
                                            struct assay_error *error);
/* The same from memory; `path` is for messages. */
ASSAY_MUST_USE assay_status lab_design_parse(const char *path, const void *bytes, size_t size,
                                             struct lab_design *design, struct assay_error *error);
void lab_design_free(struct lab_design *design);

#endif
