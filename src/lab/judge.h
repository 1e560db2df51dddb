/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge: what scores of students of known descent say about a detector. In: one score a student;
 * the student is the unit of everything here, for answers of one student are no independent
 * witnesses. Out: conformal p-values, power with exact intervals, calibrated likelihood ratios
 * and what they cost. What can go wrong: too few students for the level. Pure.
 */
#ifndef LAB_JUDGE_H
#define LAB_JUDGE_H

#include <assay/base.h>

/*
 * (1 + undosed students with a score of at least `score`) / (n + 1) (Vovk, Gammerman and Shafer
 * 2005, section 2.2): never below 1 / (n + 1), 1 with no students. NaN if a score is.
 */
double lab_conformal_p(const double *null, size_t n, double score);

/* A share of students and its central 95% interval (Clopper and Pearson 1934). */
struct lab_share {
    size_t n;                /* students; 0: nothing is known, the share is NaN, 0 to 1 */
    double share, low, high; /* 0 to 1 */
};

struct lab_share lab_share_of(size_t hits, size_t n);

/*
 * The share of `scores` whose conformal p against `null` is at or below `level`: power when they
 * are of dosed students, false positives when they are of fresh undosed ones.
 * ASSAY_ERROR_UNANSWERABLE where so few students in `null` cannot give such a p at all;
 * ASSAY_ERROR_INPUT for a score that is NaN.
 */
ASSAY_MUST_USE assay_status lab_detected(const double *null, size_t null_count,
                                         const double *scores, size_t n, double level,
                                         struct lab_share *share, struct assay_error *error);

/* The chance that a dosed student scores above an undosed one, ties half; NaN over none. */
double lab_auc(const double *dosed, size_t dosed_count, const double *null, size_t null_count);

/*
 * log10 likelihood ratios of n students, each by a logistic curve fitted on the others, both
 * kinds weighing the same, and bounded by log10(others of the undosed kind + 1): so few undosed
 * students can carry no more. ASSAY_ERROR_UNANSWERABLE with fewer than two students of a kind;
 * ASSAY_ERROR_INPUT for a score that is not finite; ASSAY_ERROR_MEMORY.
 */
ASSAY_MUST_USE assay_status lab_ratios_left_out(const double *scores, const bool *dosed, size_t n,
                                                double *log10_lr, struct assay_error *error);

/* log10 of the likelihood ratio is intercept + slope x score, and how well that is known. */
struct lab_curve {
    double intercept, slope, intercept_variance, slope_variance, covariance;
};

/*
 * The logistic curve of all n scores, both kinds weighing the same; scores are in standard
 * deviations of undosed ones. Variances are of as many observations as there are students of the
 * rarer kind (`students`: undosed, dosed), for scores of one student are no independent witnesses.
 * Both kinds must be there.
 */
void lab_curve_fit(const double *scores, const bool *dosed, size_t n, const size_t students[2],
                   struct lab_curve *curve);

/*
 * The cost of likelihood ratios in bits (Brummer and du Preez, "Application-independent
 * evaluation of speaker detection", 2006): 0 is perfect, 1 is what saying nothing costs. NaN
 * without a student of either kind.
 */
double lab_cllr(const double *log10_lr, const bool *dosed, size_t n);

#endif
