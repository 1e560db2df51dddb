/* SPDX-License-Identifier: Apache-2.0 */
/*
 * corpus: what several models answered, as tokens, prompts aligned. In: response sets, or
 * fingerprints of them. Out: for every model and prompt the tokens of its answer, or that it
 * gave none; of a fingerprint, the answer's length and where its runs are. What can go wrong:
 * memory. A model is a column, a prompt a row; an answer without tokens is an absent one.
 */
#ifndef STYLE_CORPUS_H
#define STYLE_CORPUS_H

#include "style/tokens.h"

#include <assay/responses.h>

#define STYLE_BLOCKS ASSAY_FINGERPRINT_BLOCKS /* of prompts: to draw anew, cheap to hold */

struct style_text {
    const uint32_t *tokens; /* NULL: not answered, or a fingerprint's */
    uint32_t n;             /* tokens; 0: not answered */
    uint32_t at;            /* of a fingerprint: which of its prompts */
};

struct style_corpus {
    size_t models, prompts;
    struct style_text *texts; /* [prompt * models + model] */
    unsigned char *block;     /* by prompt: below STYLE_BLOCKS, by the key's hash alone */
    const struct assay_fingerprint **fingerprints; /* by model; NULL: it has texts. Borrowed */
    bool sampled; /* some model is a fingerprint: only runs below `rate` are compared */
    uint32_t rate[ASSAY_FINGERPRINT_KINDS]; /* the least of all fingerprints */
    uint32_t **storage;                     /* private: one block a model */
};

/* `sets` may go as soon as this returns, but for fingerprints. Free with style_corpus_free. */
ASSAY_MUST_USE assay_status style_corpus_make(const struct assay_context *context,
                                              struct assay_responses *const *sets, size_t n,
                                              struct style_corpus *corpus,
                                              struct assay_error *error);
void style_corpus_free(struct style_corpus *corpus);

/*
 * Forgets every answer to a prompt that `model` did not answer, so that all pairs are compared on
 * the same prompts and are as uncertain. Rates of words in fingerprints stay those of all prompts.
 * Does nothing where nobody else answered any of the model's prompts.
 */
void style_corpus_keep_prompts_of(struct style_corpus *corpus, size_t model);

static inline const struct style_text *style_text_at(const struct style_corpus *corpus,
                                                     size_t prompt, size_t model)
{
    return &corpus->texts[prompt * corpus->models + model];
}

#endif
