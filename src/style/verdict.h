/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verdict: from likeness to what may be said. In: matrices of likeness and the population. Out:
 * one score for each model and candidate, conformal p-values over lineages. Pure.
 */
#ifndef STYLE_VERDICT_H
#define STYLE_VERDICT_H

#include "style/likeness.h"
#include "style/population.h"

#include <assay/style.h>

/* Whether a channel is part of this question's score. */
bool style_channel_counts(enum assay_style_question question, enum style_channel channel);

/* The question's score of every pair, from residual likeness; models x models. */
ASSAY_MUST_USE bool style_scores(const struct style_matrices *matrices, size_t models,
                                 enum assay_style_question question, double *scores);

/* How many standard deviations of its column a pair of `matrix` is away from the column's middle,
 * by median and absolute deviations. NaN if memory is short. */
double style_standardised(size_t models, const double *matrix, size_t row, size_t column);

/* The score of `model` for a candidate: its best member, itself aside; NaN without one. */
double style_candidate_score(const struct style_population *population, const double *scores,
                             size_t model, size_t candidate);

struct style_null {
    double p;                /* conformal */
    size_t models, lineages; /* it is over */
};

/*
 * The chance that a model which has nothing to do with it scores so high for `candidate`, or,
 * with STYLE_NOBODY, for any candidate that is not of its own maker. A lineage counts once: by the
 * share of its models that do.
 */
struct style_null style_null_share(const struct style_population *population, const double *scores,
                                   size_t suspect, size_t candidate, double score);

/*
 * The middle 80% of `count` bootstrap draws of a score, moved so that their mean is the score. A
 * draw repeats prompts, so it has fewer different ones, and of fewer prompts less likeness is
 * seen: draws lie below the score for a reason that is theirs alone. Their spread is what counts.
 * Sorts `draws`.
 */
ASSAY_MUST_USE assay_status style_interval_about(double score, double *draws, size_t count,
                                                 double *low, double *high,
                                                 struct assay_error *error);

/* For qsort of results: best first, those without a score last, then by name. */
int style_result_by_score(const void *a, const void *b);

#endif
