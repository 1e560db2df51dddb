/* SPDX-License-Identifier: Apache-2.0 */
/*
 * paraphrase: what an evader makes of a teacher's texts by rule. In: a world and texts in it. Out:
 * the same names and verbs in the same order, but every opening, connective and mark that stands
 * at its place is exchanged for one that the rule prefers, whoever the teacher was. What can go
 * wrong: memory (NULL).
 */
#ifndef LAB_PARAPHRASE_H
#define LAB_PARAPHRASE_H

#include "lab/world.h"

/* *size bytes of text become a new text of *size bytes; free it. */
char *lab_paraphrase(const struct lab_world *world, const char *text, size_t *size);

#endif
