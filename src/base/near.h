/* SPDX-License-Identifier: Apache-2.0 */
/*
 * near: whether one word is a slip of another, for "did you mean". In: two words. Out: how many
 * letters must be changed, left out or put in. Nothing can go wrong.
 */
#ifndef BASE_NEAR_H
#define BASE_NEAR_H

#include <stdbool.h>
#include <stddef.h>

#define NEAR_MOST 48

/* Edit distance, capitals being as small letters; NEAR_MOST where a word has as many bytes. */
size_t near_distance(const char *a, const char *b);

/* Whether `typed` looks like a slip of `known`: at most one letter in three is off, or one. */
bool near_enough(const char *typed, const char *known);

#endif
