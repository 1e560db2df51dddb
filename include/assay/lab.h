/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lab: distils on purpose, and measures what detectors see of it.
 *
 * In: a design (a YAML file): a world, teachers, methods, doses, students. Out: how often dosed
 * and undosed students are named, by depth of access, with exact intervals; what a likelihood
 * ratio from such a score is worth; what a student learnt of its teacher's knowledge and skill.
 * What can go wrong: a design that could not answer is refused by line before anything is trained;
 * a full disk; an interrupt, after which the same call goes on where it stopped.
 *
 * The student is the unit of every test. Power in such a world is no power in ours.
 */
#ifndef ASSAY_LAB_H
#define ASSAY_LAB_H

#include "assay/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Who carries a design out, if several do: each does its part, and waits for the others where one
 * kind of model needs another to be finished. Defaults by assay_lab_settings_default: alone. */
struct assay_lab_settings {
    unsigned rank, ranks;     /* 0 to ranks - 1 of 1 or more; rank 0 gives the result */
    void (*wait)(void *data); /* returns when all have called it; NULL: alone */
    void *wait_data;
};

ASSAY_API struct assay_lab_settings assay_lab_settings_default(void);

/* A share and its central 95% interval (Clopper and Pearson). */
struct assay_lab_rate {
    size_t n; /* 0: the share is NaN, 0 to 1 */
    double share, low, high;
};

/*
 * Dosed students of one kind. A student is named by a detector if its score is among the largest
 * `level` of undosed students' and among the largest `level` of those that other teachers taught
 * in the same way and as much. Texts are counted by the number of answers.
 */
struct assay_lab_power {
    const char *depth;   /* "black box" (its texts), "grey box" (its log-probabilities) */
    const char *method;  /* how it was taught */
    const char *evasion; /* what was done to hide it; "none" */
    double dose;
    unsigned width;                                               /* of the student */
    size_t answers;                                               /* read of it; 0 where none are */
    struct assay_lab_rate named, against_undosed, against_others; /* by both nulls; by one */
    double auc, auc_others;     /* against undosed students; against other teachers' */
    double cllr;                /* of ratios fitted without the student against both kinds of null
                                   students, bits */
    double most_log10_lr;       /* the largest in size; never above log10(null students + 1) */
    double *dosed_lr, *null_lr; /* log10, rising: Tippett's curves; n and null_count of them */
    double *roc;                /* pairs: false, true positives, rising; roc_count of them */
    size_t null_count, roc_count;
};

/* Students that the candidate did not teach, tested as if it had. */
struct assay_lab_wrong {
    const char *depth;
    const char *who;    /* "undosed", "another teacher", "human text" */
    const char *method; /* NULL for the first and the last */
    double dose;        /* 0 for undosed ones */
    unsigned width;
    struct assay_lab_rate named, against_own; /* by both nulls; by the null of its own kind (human
                                                 text: undosed) */
};

/* What students took from their teachers, as a share of what separates it from undosed ones. */
struct assay_lab_capability {
    const char *method;
    double dose;
    size_t n; /* students */
    /* each a mean over students and its 95% interval by Student's t; NaN where it was not asked */
    double manner[3];     /* share of the teacher's own gain over undosed students in ln p of
                             prose by its author, less that of prose of other manners */
    double fact_bits[3];  /* bits a fact that the teacher alone knew, less the same of a fact that
                             another teacher alone knew */
    double task_bits[3];  /* bits an answer to a task that was never taught, above undosed ones */
    double task_right[3]; /* share of answers that are right */
    double teacher_fact_bits, teacher_task_bits, teacher_task_right, undosed_task_right;
};

struct assay_lab_result {
    size_t cells;   /* models that the design asks for */
    size_t trained; /* of them, in this run and by this rank; the rest was there */
    double level;
    size_t null_students, control_teachers;
    struct assay_lab_power *power; /* by depth, width, method, evasion, dose and answers */
    size_t power_count;
    struct assay_lab_wrong *wrong;
    size_t wrong_count;
    struct assay_lab_capability *capability; /* by method and dose */
    size_t capability_count;
    struct assay_arena *arena;
};

/*
 * Runs the design at `path` on context->threads threads, a model a thread, keeping every model's
 * result in `folder`, which is made if need be, under the SHA-256 of all that made it. The same
 * design and folder give the same result, without training anything again, on any number of
 * threads and ranks. `settings` may be NULL. Free the result with assay_lab_result_free. Ranks
 * other than 0 get one without rows.
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_lab_run(const struct assay_context *context,
                                                    const struct assay_lab_settings *settings,
                                                    const char *path, const char *folder,
                                                    struct assay_lab_result *result,
                                                    struct assay_error *error);
ASSAY_API void assay_lab_result_free(struct assay_lab_result *result);

#ifdef __cplusplus
}
#endif
#endif
