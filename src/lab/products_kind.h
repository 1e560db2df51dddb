/* SPDX-License-Identifier: Apache-2.0 */
/*
 * products_kind: what products.c and products_pack.c know of each processor: its tile, its inner
 * kernels, and how both factors lie in memory for them.
 *
 * B lies in panels of LAB_PANEL columns, [depth][LAB_PANEL]. A lies in strips of a tile's rows:
 * across, [rows][LAB_TILE_STRIDE], or down, [depth][rows], whichever its packing is quick for.
 * Elements are numbers, or in bfloat16 pairs of them along k, the first of them low.
 */
#ifndef LAB_PRODUCTS_KIND_H
#define LAB_PRODUCTS_KIND_H

#include "lab/products_tiles.h"

struct lab_kind {
    const char *name;
    bool pairs;                       /* bfloat16, two in an element */
    size_t rows, columns;             /* of a tile; columns divide LAB_PANEL */
    size_t deep;                      /* elements that it takes at once; more than 1: only across */
    lab_tile_function *across, *down; /* as rows of A are packed */
    lab_tile_function *across_half, *down_half; /* of half the columns; NULL: there is none */
};

extern const struct lab_kind lab_kinds[];

/* Elements of a panel or strip along k. */
static inline size_t lab_kind_depth(const struct lab_kind *kind, size_t k)
{
    size_t elements = kind->pairs ? (k + 1) / 2 : k;
    return (elements + kind->deep - 1) / kind->deep * kind->deep;
}

/* Of a strip of A, k deep. */
static inline size_t lab_kind_strip(const struct lab_kind *kind, bool down, size_t k)
{
    return kind->rows * (down && kind->deep == 1 ? lab_kind_depth(kind, k) : LAB_TILE_STRIDE);
}

/* Rows of A in strips, lab_kind_strip apart, the last one's missing rows 0. A's element (i, p) is
 * a[i * step_n + p * step_k]; step_k is 1, or step_n is and A lies down. k is at most what a row
 * across holds. */
void lab_pack_rows(const struct lab_kind *kind, size_t n, size_t k, const float *a, size_t step_n,
                   size_t step_k, float *packed);

#endif
