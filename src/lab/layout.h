/* SPDX-License-Identifier: Apache-2.0 */
/* layout: what a pass over many places and one over a single place have in common. Pure. */
#ifndef LAB_LAYOUT_H
#define LAB_LAYOUT_H

#include "lab/model.h"

/* Of the keys of one place. */
static inline size_t lab_kv_width(const struct lab_shape *s)
{
    return (size_t)s->width / s->heads * s->kv_heads;
}

/* n rows of c: each over its root mean square, times g; `scale` (n, or NULL) gets the inverses. */
void lab_norm(size_t n, size_t c, const float *x, const float *g, float *scale, float *h);

/* The cosine and sine by which pair `pair` of `half` is turned at a place. */
void lab_rotation(size_t place, size_t pair, size_t half, float *cosine, float *sine);

/* Turns the heads of one place. */
void lab_rotate(size_t place, size_t heads, size_t size, float *x);

#endif
