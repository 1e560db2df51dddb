/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lanes: 16 numbers at a time, written once for all processors. A sum over a row is kept in 16
 * lanes, lane l taking elements l, l + 16, ..., without fused operations: wider registers only do
 * more lanes at once, so the result is the same bits everywhere.
 */
#ifndef LINEAGE_LANES_H
#define LINEAGE_LANES_H

#include <stdint.h>
#include <string.h>

#define LANES 16

typedef float lanes __attribute__((vector_size(64)));
typedef int32_t lanes_int __attribute__((vector_size(64)));
typedef uint32_t lanes_word __attribute__((vector_size(64)));
typedef float lanes_anywhere __attribute__((vector_size(64), aligned(1), may_alias));

typedef uint16_t lanes_half_anywhere __attribute__((vector_size(32), aligned(1), may_alias));

/* Vectors are never passed or returned by value: how that is done depends on the processor. */
#define LANES_LOAD(from) (*(const lanes_anywhere *)(from))
#define LANES_HALVES(from) __builtin_convertvector(*(const lanes_half_anywhere *)(from), lanes_word)
#define LANES_BF16(from) ((lanes)(LANES_HALVES(from) << 16)) /* the upper half of the bits */
#define LANES_STORE(to, x) (*(lanes_anywhere *)(to) = (x))
/* yes where the mask is -1, no where it is 0 */
#define LANES_CHOOSE(mask, yes, no)                                                                \
    ((lanes)(((mask) & (lanes_int)(yes)) | (~(mask) & (lanes_int)(no))))
#define LANES_SIZE(x) ((lanes)((lanes_word)(x)&0x7fffffffu))

/* Under a sanitizer these loops would take most of the time; their bounds are the callers'. */
#define LANES_UNCHECKED __attribute__((no_sanitize("address", "undefined")))
#define LANES_INLINE                                                                               \
    static inline __attribute__((always_inline, no_sanitize("address", "undefined")))

/* Widths to build for: files that include a *_tmpl.h once for each. */
#if defined(__x86_64__)
#define LANES_AVX2 __attribute__((target("avx2"), no_sanitize("address", "undefined")))
#if defined(__clang__)
#define LANES_AVX512                                                                               \
    __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq"), min_vector_width(512),            \
                   no_sanitize("address", "undefined")))
#else
#define LANES_AVX512                                                                               \
    __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,prefer-vector-width=512"),           \
                   no_sanitize("address", "undefined")))
#endif

static inline int lanes_have_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
}
#endif

/* By halves: a fixed order. */
LANES_INLINE float lanes_sum(const lanes *x)
{
    float part[LANES];
    memcpy(part, x, sizeof part);
    for (int half = LANES / 2; half > 0; half /= 2)
        for (int lane = 0; lane < half; lane++)
            part[lane] += part[lane + half];
    return part[0];
}

LANES_INLINE float lanes_most(const lanes *x)
{
    float part[LANES];
    memcpy(part, x, sizeof part);
    for (int half = LANES / 2; half > 0; half /= 2)
        for (int lane = 0; lane < half; lane++)
            part[lane] = part[lane] > part[lane + half] ? part[lane] : part[lane + half];
    return part[0];
}

#endif
