/* SPDX-License-Identifier: Apache-2.0 */
/* layout: sizes that passes over many places and over a single one have in common. Pure. */
#ifndef LAB_LAYOUT_H
#define LAB_LAYOUT_H

#include "lab/model.h"

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

/* n floats, and what aligns the next to 64 bytes. */
static inline size_t lab_rounded(size_t n)
{
    return (n + 15) / 16 * 16;
}

#endif
