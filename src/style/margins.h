/* SPDX-License-Identifier: Apache-2.0 */
/*
 * margins: what the classifier says of a suspect, and of models that are not what it was trained
 * to find. In: a corpus whose first model is the suspect, and the population. Out: for every
 * model and candidate the mean margin of as many answers as the suspect gave, in standard
 * deviations over models that are not the candidate. Answers that the others are judged by are
 * kept out of training. What can go wrong: memory; no prompts to keep out.
 */
#ifndef STYLE_MARGINS_H
#define STYLE_MARGINS_H

#include "style/classify.h"
#include "style/population.h"

struct style_margins {
    size_t models, candidates;
    double *others;  /* [model * candidates + candidate]; NaN for the suspect and where unknown */
    double *suspect; /* [block * candidates + candidate]: sums of margins */
    double answers[STYLE_BLOCKS]; /* of the suspect */
    double centre, spread;        /* of margins of models that are not the candidate */
};

ASSAY_MUST_USE assay_status style_margins_make(const struct assay_context *context,
                                               const struct style_corpus *corpus,
                                               const struct style_population *population,
                                               struct style_margins *margins,
                                               struct assay_error *error);
void style_margins_free(struct style_margins *margins);

/* Adds them, if they were made, to scores (models x models), the suspect's by blocks as often as
 * `times` says. */
void style_margins_add(const struct style_margins *margins,
                       const struct style_population *population,
                       const unsigned times[STYLE_BLOCKS], double *scores);

#endif
