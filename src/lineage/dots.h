/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dots: scalar products of floats, the same bits on every processor: for the small products of
 * matrices that a rotation takes. Four rows of a, `stride` apart, times one of b; `width` a
 * multiple of 16.
 */
#ifndef LINEAGE_DOTS_H
#define LINEAGE_DOTS_H

#include <stddef.h>

typedef void dots_function(const float *a, size_t stride, const float *b, size_t width,
                           float product[4]);

/* The definition. */
dots_function dots_plain;
/* The fastest that this processor has. */
dots_function *dots_fastest(void);

#endif
