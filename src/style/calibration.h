/* SPDX-License-Identifier: Apache-2.0 */
/*
 * calibration: what a score is worth. In: style_calibration.csv, made by `assay style validate`
 * from pairs of known descent. Out: log10 of how much likelier the score is for a model taught
 * by the candidate than for one that is not. What can go wrong: a broken table.
 */
#ifndef STYLE_CALIBRATION_H
#define STYLE_CALIBRATION_H

#include <assay/style.h>

/* log10 LR = intercept + slope x score, kept within +-bound. */
struct style_calibration {
    bool known;
    double intercept, slope;
    double intercept_variance, slope_variance, covariance;
    double bound; /* log10 of one more than the lineages of known descent that it was fitted on */
};

/*
 * Reads the question's row, of several the one for the most answers that are no more than
 * `answers`; `known` is false when there is none or `path` is NULL.
 */
ASSAY_MUST_USE assay_status style_calibration_read(const char *path,
                                                   enum assay_style_question question,
                                                   size_t answers,
                                                   struct style_calibration *calibration,
                                                   struct assay_error *error);

/* The same of scores of log-probabilities, from lab_calibration.csv, which `assay lab run` writes:
 * the row for the most other scorers that are no more than `scorers`, and for no more writers
 * than `writers`. */
ASSAY_MUST_USE assay_status style_calibration_read_contrast(const char *path, size_t scorers,
                                                            size_t writers,
                                                            struct style_calibration *calibration,
                                                            struct assay_error *error);

/* 80% interval of the log10 likelihood ratio at `score`; NaN when not known. */
struct assay_interval style_calibration_at(const struct style_calibration *calibration,
                                           double score);

/*
 * Logistic regression of `taught` on scores, each weighted, both sides to the same total, so that
 * its log odds are a log likelihood ratio (Morrison 2013, "Tutorial on logistic-regression
 * calibration and fusion"); a ridge of half an observation on each side. False if it does not
 * converge.
 */
ASSAY_MUST_USE bool style_calibration_fit(const double *scores, const double *weights,
                                          const bool *taught, size_t n,
                                          struct style_calibration *calibration);

#endif
