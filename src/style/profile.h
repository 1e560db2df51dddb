/* SPDX-License-Identifier: Apache-2.0 */
/*
 * profile: how often each model uses the most frequent words and marks, whatever it was asked.
 * In: a corpus. Out: counts by block of prompts, so that the prompts can be drawn again. What
 * can go wrong: memory.
 */
#ifndef STYLE_PROFILE_H
#define STYLE_PROFILE_H

#include "style/corpus.h"
#include "style/grams.h"

struct style_profile {
    size_t models, features;
    uint32_t *tokens; /* folded; the most frequent by mean rate over models, first */
    float *counts;    /* [(block * models + model) * features + feature] */
    float *totals;    /* [block * models + model] tokens of any kind */
};

/* The `most` features are chosen on the first so many `blocks` of prompts; all are counted. */
ASSAY_MUST_USE assay_status style_profile_make(const struct assay_context *context,
                                               const struct style_corpus *corpus, size_t most,
                                               unsigned blocks, struct style_profile *profile,
                                               struct assay_error *error);
void style_profile_free(struct style_profile *profile);

#define STYLE_PLAIN_SLOTS 1024

/* Words that tell little of a topic, by hash; 0: free. */
struct style_plain {
    uint32_t slots[STYLE_PLAIN_SLOTS];
};

/* The `most` (up to 256) most frequent words, without marks. */
ASSAY_MUST_USE assay_status style_plain_words(const struct assay_context *context,
                                              const struct style_corpus *corpus, size_t most,
                                              struct style_plain *plain, struct assay_error *error);

/* The token, or only its case if it is a word that is not plain. */
uint32_t style_masked(uint32_t token, const struct style_plain *plain);

/*
 * Burrows' delta with the cosine (Smith and Aldridge 2011): rates standardised over models, then
 * the cosine of each pair. `times` says how often each block counts. `likeness` is models x
 * models, its diagonal 1. False if memory is short.
 */
ASSAY_MUST_USE bool style_profile_compare(const struct style_profile *profile,
                                          const unsigned times[STYLE_BLOCKS], double *likeness);

#endif
