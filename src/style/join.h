/* SPDX-License-Identifier: Apache-2.0 */
/*
 * join: neighbour joining (Saitou and Nei 1987; the criterion as Studier and Keppler 1988 have
 * it). In: distances. Out: a tree without a root, as nodes each with its parent, the last one
 * standing in the middle of the last three. What can go wrong: memory.
 */
#ifndef STYLE_JOIN_H
#define STYLE_JOIN_H

#include <assay/base.h>

/* Leaves are 0 to n - 1, inner nodes n to 2 n - 3, the last of them the centre. */
struct style_join {
    size_t leaves, nodes;
    size_t *parent;  /* SIZE_MAX for the centre */
    double *length;  /* of the branch to the parent; never negative */
    uint64_t *split; /* of each node: which leaves lie behind its branch, the same for both sides */
};

/* distances: n x n, symmetric, n >= 3; overwritten. */
ASSAY_MUST_USE bool style_join(size_t n, double *distances, struct style_join *tree);
void style_join_free(struct style_join *tree);

#endif
