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

enum style_run_kind { STYLE_RUN_WORDS, STYLE_RUN_PHRASES, STYLE_RUN_OPENINGS, STYLE_RUN_KINDS };

/* Marks, symbols and line ends are set aside. */
struct style_grams {
    unsigned order;    /* words in a run */
    double most_share; /* a run in more than this share of the models does not count */
    uint32_t first;    /* only the first so many words; 0: all */
};

extern const struct style_grams style_grams_kinds[STYLE_RUN_KINDS];

/*
 * The hashes of an answer's runs, one each time it comes; `words` and `hashes` have room for the
 * answer's tokens. Returns how many.
 */
size_t style_grams_runs(const struct style_grams *grams, const struct style_text *text,
                        uint32_t *words, uint64_t *hashes);

/* What a fingerprint calls a run: below rate << 10 it is kept. */
static inline uint32_t style_run_id(uint64_t hash)
{
    hash = (hash ^ hash >> 31) * UINT64_C(0xD6E8FEB86659FD93);
    return (uint32_t)(hash >> (64 - ASSAY_FINGERPRINT_ID_BITS));
}

/* The first id that is not kept. */
static inline uint32_t style_run_end(uint32_t rate)
{
    return rate << (ASSAY_FINGERPRINT_ID_BITS - 16);
}

/* sums[(block * models + a) * models + b], symmetric, the diagonal unset. */
ASSAY_MUST_USE assay_status style_grams_compare(const struct assay_context *context,
                                                const struct style_corpus *corpus,
                                                enum style_run_kind kind, float *sums,
                                                struct assay_error *error);

#endif
