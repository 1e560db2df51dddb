/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grams: how alike two models' answers to the same prompt are in the runs of n words that they
 * share. In: a corpus and which runs count. Out: for each pair of models and each block of
 * prompts, the sum over prompts of the cosine of their runs, each run weighted by
 * (1 + ln count) ln(models / models that have it): what everyone says to a prompt says nothing.
 * What can go wrong: memory.
 */
#ifndef STYLE_GRAMS_H
#define STYLE_GRAMS_H

#include "style/corpus.h"

#define STYLE_BLOCKS 16 /* prompt p is in block p mod 16: halves to bootstrap, cheap to hold */

struct style_grams {
    unsigned order;    /* words in a run */
    double most_share; /* a run in more than this share of the models does not count */
    uint32_t first;    /* only the first so many tokens; 0: all */
    bool words_only;   /* marks, symbols and line ends set aside */
};

/* sums[(block * models + a) * models + b], symmetric, the diagonal unset. */
ASSAY_MUST_USE assay_status style_grams_compare(const struct assay_context *context,
                                                const struct style_corpus *corpus,
                                                const struct style_grams *grams, float *sums,
                                                struct assay_error *error);

#endif
