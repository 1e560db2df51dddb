/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kernel: exact scalar products of vectors of signed bytes, 16 units at a time. In: tiles of 16
 * units by 64 coordinates. Out: 32-bit sums. Sums of integers know no order, so every processor
 * gives the same; nothing can go wrong, as long as the width is at most KERNEL_MOST_WIDTH and no
 * byte is -128.
 */
#ifndef LINEAGE_KERNEL_H
#define LINEAGE_KERNEL_H

#include <assay/base.h>

#define KERNEL_UNITS 16
#define KERNEL_COORDINATES 64
#define KERNEL_TILE ((size_t)KERNEL_UNITS * KERNEL_COORDINATES) /* bytes of a tile */
#define KERNEL_MOST_WIDTH ((size_t)1 << 17)                     /* 127 * 127 * 2^17 < 2^31 */
#define KERNEL_MOST_PANELS 4                                    /* of the left side in one call */

/* The left side: `panels` times 16 units, each as `tiles` tiles. */
struct kernel_left {
    size_t panels, tiles;
    const int8_t *rows;  /* [panel][tile][unit][coordinate] */
    const int32_t *sums; /* [panel][unit]: of all its coordinates */
};

/*
 * product[panel][unit of the left][unit of the right], for one panel of 16 units on the right,
 * laid out as [tile][coordinate / 4][unit][coordinate % 4].
 */
typedef void match_kernel(const struct kernel_left *left, const int8_t *right,
                          int32_t product[][KERNEL_UNITS][KERNEL_UNITS]);

/* The definition. */
match_kernel kernel_plain;

struct kernel_choice {
    const char *name;
    match_kernel *kernel;
};

#define KERNEL_KINDS 5

/* The kernels that this processor has, plain C first, the fastest last: how many. */
size_t kernel_list(struct kernel_choice list[KERNEL_KINDS]);

/* The fastest. */
match_kernel *kernel_fastest(void);

/*
 * kernel_amx.c: the kernel for Intel's matrix tiles if processor and system allow them and it
 * gives what plain C gives on a small problem; else NULL.
 */
match_kernel *kernel_amx(void);

#endif
