/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lab: distils on purpose, and measures what detectors see of it.
 *
 * In: a design (a YAML file): a made-up world, teachers, doses, students. Out: how often dosed and
 * undosed students are named, by depth of access, with exact intervals. What can go wrong: a
 * design that could not answer is refused by line before anything is trained; a full disk; an
 * interrupt, after which the same call goes on where it stopped.
 *
 * The student is the unit of every test. Power in such a world is no power in ours.
 */
#ifndef ASSAY_LAB_H
#define ASSAY_LAB_H

#include "assay/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The share of students that a detector names at the design's level. */
struct assay_lab_share {
    const char *depth;  /* "black box" (its texts) or "grey box" (its log-probabilities); static */
    const char *method; /* how it was taught: "answers"; NULL for undosed students; static */
    double dose;        /* 0 for undosed students */
    size_t n;           /* students, each against each teacher that could have taught it */
    double share, low, high; /* 95% (Clopper and Pearson); of undosed students the tests share
                                students, so theirs is somewhat too narrow */
    double auc;              /* against the null students; NaN for undosed ones */
    double cllr; /* of likelihood ratios fitted without the student, bits; NaN for undosed ones */
};

struct assay_lab_result {
    size_t cells;   /* models that the design asks for */
    size_t trained; /* of them, in this run; the rest was there */
    double level;
    struct assay_lab_share *power; /* by depth, method and dose */
    size_t power_count;
    struct assay_lab_share *false_positive; /* by depth, on fresh undosed students */
    size_t false_positive_count;
    struct assay_arena *arena;
};

/*
 * Runs the design at `path` on context->threads threads, a model a thread, keeping every model's
 * result in `folder`, which is made if need be, under the SHA-256 of all that made it. The same
 * design and folder give the same result, without training anything again. Free it with
 * assay_lab_result_free.
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_lab_run(const struct assay_context *context,
                                                    const char *path, const char *folder,
                                                    struct assay_lab_result *result,
                                                    struct assay_error *error);
ASSAY_API void assay_lab_result_free(struct assay_lab_result *result);

#ifdef __cplusplus
}
#endif
#endif
