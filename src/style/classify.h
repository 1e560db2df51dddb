/* SPDX-License-Identifier: Apache-2.0 */
/*
 * classify: which model wrote an answer to a prompt that nobody else was asked. In: a corpus,
 * classes of models. Out: for an answer one margin a class. Linear support vector machines, one
 * class against the rest, squared hinge loss, trained by dual coordinate descent (Hsieh et al.,
 * "A dual coordinate descent method for large-scale linear SVM", ICML 2008, algorithm 1 with
 * C = 1). What can go wrong: memory.
 *
 * Features, hashed, each family of unit length: words and marks with their case, alone and in
 * pairs; the same with every word that is not among the 150 most frequent masked by its case, in
 * runs of one to four, which tells how sentences are built but not about what; first and last
 * words, length and lines.
 */
#ifndef STYLE_CLASSIFY_H
#define STYLE_CLASSIFY_H

#include "style/corpus.h"
#include "style/grams.h"
#include "style/profile.h"

#define STYLE_FOLDS 16 /* the p-th prompt is in fold p mod 16: to train on, or kept to judge by */

struct style_classifier {
    size_t classes, buckets;
    float *weights;           /* [class * (buckets + 1) + bucket]; the last is the constant */
    float *rarity;            /* by bucket: ln(answers / answers that have it) */
    struct style_plain plain; /* others are masked */
};

/*
 * class_of[model] is below `classes` or SIZE_MAX: not trained on. Of the prompts only those of
 * folds with `use[fold]` are; a fingerprint has no texts to train on. Free with
 * style_classifier_free.
 */
ASSAY_MUST_USE assay_status style_classifier_train(const struct assay_context *context,
                                                   const struct style_corpus *corpus,
                                                   const size_t *class_of, size_t classes,
                                                   const bool use[STYLE_FOLDS],
                                                   struct style_classifier *classifier,
                                                   struct assay_error *error);
void style_classifier_free(struct style_classifier *classifier);

/* margins[class] of one answer, 0 for all if it has no tokens. False if memory is short. */
ASSAY_MUST_USE bool style_classifier_margins(const struct style_classifier *classifier,
                                             const struct style_text *text, double *margins);

#endif
