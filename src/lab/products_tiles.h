/* SPDX-License-Identifier: Apache-2.0 */
/*
 * products_tiles: the inner kernel of products.c in bfloat16 as AMX's tiles sum it. In: 32 packed
 * rows of A, a packed panel of B, 32 x 32 sums to go on from. Out: those of C. What can go wrong:
 * nothing.
 *
 * The definition (TDPBF16PS, Intel's manual, volume 2): 16 pairs of factors at a time, the sum of
 * the first products of all pairs and that of the second ones, each from 0 in order, by fused
 * multiply-adds; the two are added, and what comes out is added to C. Every result is rounded to
 * the nearest, and what is denormal is 0, with its sign. VDPBF16PS adds every product to C by
 * itself, so the two cannot give the same bits.
 */
#ifndef LAB_PRODUCTS_TILES_H
#define LAB_PRODUCTS_TILES_H

#include "lab/products.h"

#include <stdint.h>

#define LAB_TILE_STRIDE (256 + 16) /* elements of A from one packed row to the next */
#define LAB_TILE_ROWS 32
#define LAB_TILE_PAIRS 16 /* k is a multiple of it */

/* From `from` on (rows step_from apart; 0: all the same) to c, which may be one. A:
 * [LAB_TILE_ROWS][LAB_TILE_STRIDE], B: [k][LAB_PANEL], of pairs; k counts pairs. */
typedef void lab_tile_function(size_t k, const void *a, const void *b, const float *from,
                               size_t step_from, float *c, size_t step_c);

lab_tile_function lab_tiles_plain; /* the definition */

/* On AMX if processor and system allow it and it gives what plain C gives on a small problem, else
 * NULL. Between amx_begin and amx_end (base/amx.h). */
lab_tile_function *lab_tiles_amx(void);

#endif
