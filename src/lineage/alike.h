/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alike: two runs of weights side by side. In: as they stand in the file, from any address, a
 * multiple of 16 of them and at most ALIKE_MOST. Out: sums in float32, the same bits on every
 * processor. Weights that are not finite, or too large to be squared, make a sum that is not
 * finite; the caller then looks closer.
 */
#ifndef LINEAGE_ALIKE_H
#define LINEAGE_ALIKE_H

#include <stddef.h>
#include <stdint.h>

#define ALIKE_MOST 4096 /* 256 a lane: sums keep five digits */

struct alike_sums {
    float dot, aa, bb, difference; /* difference: of squares of a - b */
    uint32_t equal;                /* -0 and 0 are one weight */
};

/* How many weights are finite on both sides, and of these: equal once rounded, and fitting. */
struct alike_types {
    uint32_t counted;
    uint32_t half_equal, a_half, b_half;
    uint32_t bfloat16_equal, a_bfloat16, b_bfloat16;
};

typedef void alike_function(const void *a, const void *b, size_t count, struct alike_sums *sums);

struct alike_functions {
    alike_function *f32, *bf16, *f16; /* both sides stored so */
    void (*types)(const float *a, const float *b, size_t count, struct alike_types *types);
};

#define ALIKE_KINDS 3

/* Those that this processor can run, the plain ones first, the fastest last: how many. */
size_t alike_list(const struct alike_functions *list[ALIKE_KINDS]);
const struct alike_functions *alike_fastest(void);

#endif
