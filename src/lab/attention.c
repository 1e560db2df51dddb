/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/attention.h"

#include "lab/layout.h"
#include "lab/maths.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define BLOCK 56 /* queries at once: rows of tiles */
#define PART 28  /* of them, that meet no key beyond the last one's */

/* Of one head: parts of the scratch. A key's or value's row is `step` floats after the last. */
struct head {
    size_t length, size, step;
    const float *q, *k, *v;
    float scale;
    struct lab_packed keys, keys_t, values, values_t;
    struct lab_packed some; /* a block of queries or of d_mixed */
    float *p, *d_p;         /* BLOCK rows, lab_rounded(keys) apart */
    float *d_k, *d_v;       /* length x size */
};

/* Cuts the scratch up; returns how much there must be. */
static size_t cut_up(const struct lab_shape *s, enum lab_processor processor, size_t length,
                     float *scratch, struct head *h)
{
    size_t size = s->width / s->heads, at = 0;
    *h = (struct head){.length = length,
                       .size = size,
                       .step = s->width + 2 * lab_kv_width(s),
                       .scale = 1 / sqrtf((float)size)};
    h->keys = lab_packed_part(processor, length, size, scratch, &at);
    h->keys_t = lab_packed_part(processor, size, length, scratch, &at);
    h->values = lab_packed_part(processor, length, size, scratch, &at);
    h->values_t = lab_packed_part(processor, size, length, scratch, &at);
    h->some = lab_packed_part(processor, BLOCK, size, scratch, &at);
    h->p = lab_part(scratch, &at, BLOCK * lab_rounded(length));
    h->d_p = lab_part(scratch, &at, BLOCK * lab_rounded(length));
    h->d_k = lab_part(scratch, &at, length * size);
    h->d_v = lab_part(scratch, &at, length * size);
    return at;
}

size_t lab_attention_scratch(const struct lab_shape *shape, size_t length)
{
    struct head head;
    return cut_up(shape, LAB_PLAIN, length, NULL, &head);
}

/* What of n queries from i on goes at once. */
static size_t part(size_t n, size_t i)
{
    return n - i < PART ? n - i : PART;
}

/* to (n x keys, rows lab_rounded(keys) apart) = x b, x of places from `first` on, each with the
 * keys up to its own at least. */
static void by_keys(const struct head *h, const struct lab_packed *b, size_t first, size_t n,
                    const float *x, size_t step, float *to)
{
    size_t row = lab_rounded(first + n);
    for (size_t i = 0; i < n; i += PART)
        lab_multiply(b, part(n, i), h->size, first + i + part(n, i), x + i * step, step, 1, NULL,
                     to + i * row, row);
}

/* to (n x size, rows `step` apart) = p b, over the same keys. */
static void over_keys(const struct head *h, const struct lab_packed *b, size_t first, size_t n,
                      const float *p, float *to, size_t step)
{
    size_t row = lab_rounded(first + n);
    for (size_t i = 0; i < n; i += PART)
        lab_multiply(b, part(n, i), first + i + part(n, i), h->size, p + i * row, row, 1, NULL,
                     to + i * step, step);
}

/* A row of p becomes exponentials of its first `seen` scores, the others 0; returns ln of their
 * sum. Whole vectors: what lies between is so small that its exponential is 0, which changes no
 * sum. */
LAB_CLONES static float soften(float *p, size_t seen, size_t keys, float scale)
{
    size_t whole = lab_rounded(seen), last = whole - LAB_LANES;
    for (size_t l = 0; l < LAB_LANES; l++)
        p[last + l] = last + l < seen ? p[last + l] : -FLT_MAX;
    float most = lab_most(p, whole), sum = lab_exp_all(p, whole, most, scale);
    for (size_t k = 0; k < whole; k += LAB_LANES)
        for (size_t l = 0; l < LAB_LANES; l++)
            p[k + l] /= sum;
    if (whole < keys)
        memset(p + whole, 0, (keys - whole) * sizeof *p);
    return most * scale + logf(sum);
}

static void forward_head(struct head *h, float *mixed, size_t width, float *log_sum)
{
    lab_pack(&h->keys_t, h->k, 1, h->step);
    lab_pack(&h->values, h->v, h->step, 1);
    for (size_t first = 0; first < h->length; first += BLOCK) {
        size_t n = h->length - first < BLOCK ? h->length - first : BLOCK, keys = first + n;
        size_t row = lab_rounded(keys);
        by_keys(h, &h->keys_t, first, n, h->q + first * h->step, h->step, h->p);
        for (size_t i = 0; i < n; i++)
            log_sum[first + i] = soften(h->p + i * row, first + i + 1, keys, h->scale);
        over_keys(h, &h->values, first, n, h->p, mixed + first * width, width);
    }
}

void lab_attention(const struct lab_shape *s, enum lab_processor processor, size_t length,
                   const float *qkv, float *mixed, float *log_sum, float *scratch)
{
    struct head h;
    size_t group = s->heads / s->kv_heads, kv = lab_kv_width(s);
    cut_up(s, processor, length, scratch, &h);
    for (size_t i = 0; i < s->heads; i++) {
        h.q = qkv + i * h.size;
        h.k = qkv + s->width + i / group * h.size;
        h.v = h.k + kv;
        forward_head(&h, mixed + i * h.size, s->width, log_sum + i * length);
    }
}

/* One query on the way back: p from its score, and then d_p becomes d_score. */
LAB_CLONES static void harden(float *restrict p, float *restrict d_p, size_t seen, size_t keys,
                              float scale, float log_sum, float dot)
{
    for (size_t k = 0; k < lab_rounded(seen); k += LAB_LANES)
        for (size_t l = 0; l < LAB_LANES; l++) {
            p[k + l] = lab_exp(p[k + l] * scale - log_sum);
            d_p[k + l] = p[k + l] * (d_p[k + l] - dot) * scale;
        }
    memset(p + seen, 0, (keys - seen) * sizeof *p);
    memset(d_p + seen, 0, (keys - seen) * sizeof *d_p);
}

LAB_CLONES static float dot(const float *a, const float *b, size_t n)
{
    return lab_dot(a, b, n);
}

/* Sets d_q and adds to d_k and d_v of the head. */
static void back_head(struct head *h, const float *mixed, const float *d_mixed, size_t width,
                      const float *log_sum, float *d_q)
{
    for (size_t first = 0; first < h->length; first += BLOCK) {
        size_t n = h->length - first < BLOCK ? h->length - first : BLOCK, keys = first + n;
        size_t row = lab_rounded(keys);
        const float *d = d_mixed + first * width;
        by_keys(h, &h->keys_t, first, n, h->q + first * h->step, h->step, h->p);
        by_keys(h, &h->values_t, first, n, d, width, h->d_p);
        for (size_t i = 0; i < n; i++)
            harden(h->p + i * row, h->d_p + i * row, first + i + 1, keys, h->scale,
                   log_sum[first + i], dot(mixed + (first + i) * width, d + i * width, h->size));
        over_keys(h, &h->keys, first, n, h->d_p, d_q + first * h->step, h->step);
        h->some.k = n;
        lab_pack(&h->some, d, width, 1);
        lab_multiply(&h->some, keys, n, h->size, h->p, 1, row, h->d_v, h->d_v, h->size);
        lab_pack(&h->some, h->q + first * h->step, h->step, 1);
        lab_multiply(&h->some, keys, n, h->size, h->d_p, 1, row, h->d_k, h->d_k, h->size);
    }
}

static void hand_over(const struct head *h, const float *from, float *to)
{
    for (size_t i = 0; i < h->length; i++)
        memcpy(to + i * h->step, from + i * h->size, h->size * sizeof *to);
}

void lab_attention_back(const struct lab_shape *s, enum lab_processor processor, size_t length,
                        const float *qkv, const float *mixed, const float *log_sum,
                        const float *d_mixed, float *d_qkv, float *scratch)
{
    struct head h;
    size_t group = s->heads / s->kv_heads, kv = lab_kv_width(s);
    cut_up(s, processor, length, scratch, &h);
    for (size_t i = 0; i < s->heads; i++) {
        float *d_k = d_qkv + s->width + i / group * h.size;
        h.q = qkv + i * h.size;
        h.k = qkv + s->width + i / group * h.size;
        h.v = h.k + kv;
        if (i % group == 0) {
            lab_pack(&h.keys_t, h.k, 1, h.step);
            lab_pack(&h.keys, h.k, h.step, 1);
            lab_pack(&h.values_t, h.v, 1, h.step);
            memset(h.d_k, 0, length * h.size * sizeof *h.d_k);
            memset(h.d_v, 0, length * h.size * sizeof *h.d_v);
        }
        back_head(&h, mixed + i * h.size, d_mixed + i * h.size, s->width, log_sum + i * length,
                  d_qkv + i * h.size);
        if (i % group == group - 1) {
            hand_over(&h, h.d_k, d_k);
            hand_over(&h, h.d_v, d_k + kv);
        }
    }
}
