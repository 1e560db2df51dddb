/* SPDX-License-Identifier: Apache-2.0 */
/* layout: sizes, and parts of memory, that passes over many places and over a single one have in
 * common. Pure. */
#ifndef LAB_LAYOUT_H
#define LAB_LAYOUT_H

#include "lab/model.h"
#include "lab/products.h"

#define LAB_EPSILON 1e-5      /* under the root of a norm */
#define LAB_ROPE_BASE 10000.0 /* of rotary positions */

/* Of the keys of one place. */
static inline size_t lab_kv_width(const struct lab_shape *s)
{
    return (size_t)s->width / s->heads * s->kv_heads;
}

/* Of queries, keys and values side by side. */
static inline size_t lab_qkv_width(const struct lab_shape *s)
{
    return s->width + 2 * lab_kv_width(s);
}

/* SwiGLUs of a layer. */
static inline size_t lab_expert_count(const struct lab_shape *s)
{
    return s->experts ? s->experts : 1;
}

/* Of them that a place goes through. */
static inline size_t lab_expert_slots(const struct lab_shape *s)
{
    return s->experts ? s->experts_per_token : 1;
}

/* Weights of one: gate, up and down. */
static inline size_t lab_expert_weights(const struct lab_shape *s)
{
    return 3 * (size_t)s->hidden * s->width;
}

/* n floats, and what aligns the next to 64 bytes. */
static inline size_t lab_rounded(size_t n)
{
    return (n + 15) / 16 * 16;
}

/* The next n floats of a block, or NULL if there is no block yet and it is only counted. */
static inline float *lab_part(float *memory, size_t *at, size_t n)
{
    float *start = memory ? memory + *at : NULL;
    *at += lab_rounded(n);
    return start;
}

/* Room for a packed matrix, k x m. */
static inline struct lab_packed lab_packed_part(enum lab_processor processor, size_t k, size_t m,
                                                float *memory, size_t *at)
{
    return (struct lab_packed){processor, k, m, lab_part(memory, at, lab_packed_size(k, m))};
}

#endif
