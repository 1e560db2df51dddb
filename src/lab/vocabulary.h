/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vocabulary: what a study's models read and write in. In: a design whose world is a folder of text
 * and asks for a vocabulary; texts, as bytes. Out: merges learnt from the folder's prose alone
 * (bpe.h); tokens of texts, and texts of tokens. Without a vocabulary bytes are the tokens. What
 * can go wrong: a vocabulary larger than the prose supports, or one whose tokens are so long that
 * an author's part may not fill a training text, said with the design's line; the disk; memory.
 *
 * Detectors never see a token: whatever a model wrote or is asked about is bytes to them.
 */
#ifndef LAB_VOCABULARY_H
#define LAB_VOCABULARY_H

#include "lab/bpe.h"
#include "lab/design.h"

/* Learns the design's vocabulary and sets its digest; a design without one gets bpe->count 0. Free
 * with lab_bpe_free. */
ASSAY_MUST_USE assay_status lab_vocabulary_learn(struct lab_design *design, struct lab_bpe *bpe,
                                                 struct assay_error *error);

/* Writes FOLDER/DIGEST.tokenizer.json, the digest that of the merges, for who reads the models'
 * weights; no run reads it again. */
ASSAY_MUST_USE assay_status lab_vocabulary_keep(const struct lab_design *design,
                                                const struct lab_bpe *bpe, const char *folder,
                                                struct assay_error *error);

/* Bytes a token of the prose, of its first megabyte; NaN if memory is short. */
double lab_vocabulary_bytes(const struct lab_design *design, const struct lab_bpe *bpe);

/* Tokens of a text, at most `size` of them; `bpe->count` 0: its bytes. */
ASSAY_MUST_USE assay_status lab_vocabulary_encode(const struct lab_bpe *bpe, const char *text,
                                                  size_t size, uint16_t *tokens, size_t *count,
                                                  struct assay_error *error);

/* The first `size` bytes of n tokens, n at least `size`. What stands in no text, the token that
 * begins one and a zero byte, is a new line. */
void lab_vocabulary_spell(const struct lab_bpe *bpe, const uint16_t *tokens, size_t n, char *text,
                          size_t size);

#endif
