/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shapes: texts seen through a sieve, so that what is counted of them is something else than their
 * words. In: a corpus. Out: a corpus of the same prompts and models whose tokens are features.
 * What can go wrong: memory. A fingerprint has no texts: its answers are absent.
 */
#ifndef STYLE_SHAPES_H
#define STYLE_SHAPES_H

#include "style/corpus.h"

enum style_shape {
    STYLE_SHAPE_SENTENCES, /* runs of three tokens, every word that is not among the most frequent
                              replaced by its case: how sentences are built, not about what */
    STYLE_SHAPE_ODD,       /* words in capitals, signs beyond ASCII, emoji */
};

/* Free with style_corpus_free; `corpus` may go before it. */
ASSAY_MUST_USE assay_status style_shapes_make(const struct assay_context *context,
                                              const struct style_corpus *corpus,
                                              enum style_shape shape, struct style_corpus *shapes,
                                              struct assay_error *error);

#endif
