/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tokens: a text as words, numbers, marks and line ends. In: UTF-8. Out: one 32-bit token each:
 * its kind in the upper three bits, 29 bits of a hash of its lower-case form below, so that a
 * word at the head of a sentence is the same word. Nothing can go wrong but memory. Two of
 * half a million different words share a token with a chance of 1e-3 each, which no statistic
 * here notices.
 */
#ifndef STYLE_TOKENS_H
#define STYLE_TOKENS_H

#include <assay/base.h>

enum style_kind {
    STYLE_WORD,        /* all lower case, or a script without case */
    STYLE_CAPITALISED, /* first letter upper case */
    STYLE_UPPER,       /* all upper case, two letters or more */
    STYLE_NUMBER,
    STYLE_MARK,      /* one ASCII punctuation character, or one of U+2000-206F, U+3000-303F */
    STYLE_LINE,      /* a line end */
    STYLE_PARAGRAPH, /* two or more */
    STYLE_SYMBOL,    /* emoji and the like */
};

#define STYLE_HASH_BITS 29
#define STYLE_HASH_MASK (((uint32_t)1 << STYLE_HASH_BITS) - 1)

static inline enum style_kind style_kind_of(uint32_t token)
{
    return (enum style_kind)(token >> STYLE_HASH_BITS);
}

/* The same for "The", "the" and "THE". */
static inline uint32_t style_folded(uint32_t token)
{
    return style_kind_of(token) <= STYLE_UPPER ? token & STYLE_HASH_MASK : token;
}

static inline bool style_is_word(uint32_t token)
{
    return style_kind_of(token) <= STYLE_NUMBER;
}

/* Never more tokens than bytes. Returns how many were written. White space at both ends is no
 * token: it tells how answers were stored, not who wrote them. */
size_t style_tokenise(const char *text, size_t bytes, uint32_t *tokens);

/* A well-mixed 64-bit hash from a hash and one more token. */
static inline uint64_t style_mix(uint64_t hash, uint32_t token)
{
    hash = (hash ^ token) * UINT64_C(0x9E3779B97F4A7C15);
    return hash ^ (hash >> 32);
}

#endif
