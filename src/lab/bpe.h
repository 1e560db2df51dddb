/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bpe: a byte-level vocabulary of the lab's own (Sennrich et al. 2016, on bytes as in GPT-2). In: a
 * text and a size. Out: merges; tokens of a text, and the text of tokens: any bytes come back as
 * they were. What can go wrong: a text that does not hold so many merges; memory.
 *
 * Token 0 begins a text and stands for no bytes; 1 to 256 are the bytes; merges follow in order.
 * Texts are cut into words first, as GPT-2 cuts ASCII: a word takes the space before it, digits and
 * signs stand apart. Every byte above 127 counts as a letter.
 */
#ifndef LAB_BPE_H
#define LAB_BPE_H

#include <assay/base.h>

#define LAB_BPE_LEAST 257  /* no merges */
#define LAB_BPE_MOST 65536 /* tokens are 16 bits */

struct lab_merge {
    uint16_t left, right;
};

struct lab_bpe {
    size_t count;             /* of tokens */
    struct lab_merge *merges; /* count - 257; merge i makes token 257 + i */
    uint32_t *start;          /* count + 1: token t stands for bytes[start[t]] to [start[t + 1]] */
    unsigned char *bytes;
    uint32_t *pair; /* open-addressed by left << 16 | right; 0: free */
    uint16_t *token;
    size_t slots; /* a power of two */
};

/*
 * Learns a vocabulary of `count` tokens: the commonest pair of tokens within words, again and
 * again; of equally common ones the smallest. The same text gives the same merges.
 * ASSAY_ERROR_INPUT if no pair stands twice before there are that many; the message says how many
 * there are. Free with lab_bpe_free.
 */
ASSAY_MUST_USE assay_status lab_bpe_train(const char *text, size_t size, size_t count,
                                          struct lab_bpe *bpe, struct assay_error *error);

/* From merges, which are copied; ASSAY_ERROR_INPUT if one names a token that is not before it. */
ASSAY_MUST_USE assay_status lab_bpe_new(const struct lab_merge *merges, size_t merge_count,
                                        struct lab_bpe *bpe, struct assay_error *error);
void lab_bpe_free(struct lab_bpe *bpe);

/* Tokens of a text, into room for `size` of them; *count gets how many. */
ASSAY_MUST_USE assay_status lab_bpe_encode(const struct lab_bpe *bpe, const char *text, size_t size,
                                           uint16_t *tokens, size_t *count,
                                           struct assay_error *error);

/* The bytes of n tokens, at most `most` of them; returns how many there are in all. A token that
 * is not in the vocabulary stands for no bytes. */
size_t lab_bpe_decode(const struct lab_bpe *bpe, const uint16_t *tokens, size_t n, char *text,
                      size_t most);

/* The token that two make, or 0. */
uint16_t lab_bpe_merged(const struct lab_bpe *bpe, uint16_t left, uint16_t right);

/* How many of the n (at least 1) bytes at `text` are its first word. */
size_t lab_bpe_word(const unsigned char *text, size_t n);

#endif
