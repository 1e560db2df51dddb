/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pointwise: what a transformer does to each place by itself, and its gradients: RMS norms, rotary
 * positions, SwiGLU. In: rows of floats. Out: the same. Pure; the same bits on every processor.
 */
#ifndef LAB_POINTWISE_H
#define LAB_POINTWISE_H

#include <stdbool.h>
#include <stddef.h>

/* n rows of c: each over its root mean square, times g; `scale` (n, or NULL) gets the inverses. */
void lab_norm(size_t n, size_t c, const float *x, const float *g, float *scale, float *h);

/* From d_h adds to d_g (c) and d_x. */
void lab_norm_back(size_t n, size_t c, const float *x, const float *g, const float *scale,
                   const float *d_h, float *d_g, float *d_x);

/* cosine and sine, length x half: by which pair `pair` is turned at a place. */
void lab_rotation_fill(size_t length, size_t half, float *cosine, float *sine);

/*
 * Turns `heads` heads of `size` at x, one place: pairs half a head apart, by the cosines and sines
 * of that place; `back` the other way.
 */
void lab_rotate(size_t heads, size_t size, const float *cosine, const float *sine, bool back,
                float *x);

/* n rows of gate and up side by side (2 x hidden): product = silu(gate) x up (n x hidden). */
void lab_swiglu(size_t n, size_t hidden, const float *gate_up, float *product);

/* d_gate_up (n x 2 hidden) from d_product. */
void lab_swiglu_back(size_t n, size_t hidden, const float *gate_up, const float *d_product,
                     float *d_gate_up);

#endif
