/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/generate.h"

#include "lab/experts.h"
#include "lab/layout.h"
#include "lab/maths.h"
#include "lab/pointwise.h"
#include "lab/products.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct layer_work {
    struct lab_packed qkv, o, gate_up, down;
    struct lab_experts experts; /* if there are any, instead of gate_up and down */
    float *keys, *values;       /* [(row * length + place) * kv] */
};

struct work {
    const struct lab_model *m;
    size_t rows, length, place;
    struct layer_work *layers;
    struct lab_packed head;
    struct lab_experts_room room;
    float *x, *h, *qkv, *mixed, *gate_up, *product, *logits, *score, *cosine, *sine;
    float *memory;
};

static struct lab_packed packed(size_t out, size_t in, float *memory, size_t *at)
{
    return lab_packed_part(lab_processor_fastest(LAB_FLOAT32), in, out, memory, at);
}

/* Hands out the block's parts, or only counts when there is no block yet. */
static size_t cut_up(struct work *w)
{
    const struct lab_shape *s = &w->m->shape;
    size_t at = 0, c = s->width, n = w->rows, kept = n * w->length * lab_kv_width(s);
    float *m = w->memory;
    for (unsigned l = 0; l < s->layers; l++) {
        struct layer_work *y = &w->layers[l];
        y->qkv = packed(lab_qkv_width(s), c, m, &at);
        y->o = packed(c, c, m, &at);
        y->keys = lab_part(m, &at, kept);
        y->values = lab_part(m, &at, kept);
        if (s->experts) {
            at = lab_experts_cut_up(s, n, y->qkv.processor, false, m, at, &y->experts);
            continue;
        }
        y->gate_up = packed(2 * (size_t)s->hidden, c, m, &at);
        y->down = packed(c, s->hidden, m, &at);
    }
    w->head = packed(s->vocabulary, c, m, &at);
    w->x = lab_part(m, &at, n * c);
    w->h = lab_part(m, &at, n * c);
    w->qkv = lab_part(m, &at, n * lab_qkv_width(s));
    w->mixed = lab_part(m, &at, n * c);
    w->gate_up = lab_part(m, &at, n * 2 * s->hidden);
    w->product = lab_part(m, &at, n * s->hidden);
    w->room.in = lab_part(m, &at, s->experts ? n * c : 0);
    w->room.out = lab_part(m, &at, s->experts ? n * c : 0);
    w->logits = lab_part(m, &at, n * s->vocabulary);
    w->score = lab_part(m, &at, w->length);
    w->cosine = lab_part(m, &at, w->length * (c / s->heads / 2));
    w->sine = lab_part(m, &at, w->length * (c / s->heads / 2));
    return at;
}

static void load(const struct lab_packed *to, const float *w)
{
    lab_pack(to, w, 1, to->k);
}

static bool start(struct work *w)
{
    const struct lab_model *m = w->m;
    w->layers = calloc(m->shape.layers, sizeof *w->layers);
    if (!w->layers)
        return false;
    w->memory = aligned_alloc(64, cut_up(w) * sizeof *w->memory);
    if (!w->memory)
        return false;
    cut_up(w);
    for (unsigned l = 0; l < m->shape.layers; l++) {
        load(&w->layers[l].qkv, m->weights + m->layers[l].q);
        load(&w->layers[l].o, m->weights + m->layers[l].o);
        if (m->shape.experts) {
            lab_experts_load(m, l, false, &w->layers[l].experts);
            continue;
        }
        load(&w->layers[l].gate_up, m->weights + m->layers[l].gate);
        load(&w->layers[l].down, m->weights + m->layers[l].down);
    }
    load(&w->head, m->weights + m->head);
    lab_rotation_fill(w->length, m->shape.width / m->shape.heads / 2, w->cosine, w->sine);
    return true;
}

static void finish(struct work *w)
{
    free(w->layers);
    free(w->memory);
}

/* One row's heads over what is kept. */
static void attend(struct work *w, const struct layer_work *y, size_t row)
{
    const struct lab_shape *s = &w->m->shape;
    size_t size = s->width / s->heads, group = s->heads / s->kv_heads, kv = lab_kv_width(s);
    float scale = 1 / sqrtf((float)size);
    for (size_t h = 0; h < s->heads; h++) {
        const float *q = w->qkv + row * lab_qkv_width(s) + h * size;
        size_t at = row * w->length * kv + h / group * size, seen = w->place + 1;
        float *to = w->mixed + row * s->width + h * size;
        for (size_t p = 0; p < seen; p++)
            w->score[p] = lab_dot(q, y->keys + at + p * kv, size);
        float sum = lab_exp_all(w->score, seen, lab_most(w->score, seen), scale);
        memset(to, 0, size * sizeof *to);
        for (size_t p = 0; p < seen; p++)
            for (size_t d = 0; d < size; d++)
                to[d] += w->score[p] / sum * y->values[at + p * kv + d];
    }
}

static void layer(struct work *w, unsigned l)
{
    const struct lab_shape *s = &w->m->shape;
    const struct lab_layer *at = &w->m->layers[l];
    struct layer_work *y = &w->layers[l];
    const float *base = w->m->weights;
    size_t c = s->width, kv = lab_kv_width(s), size = c / s->heads, turned = w->place * (size / 2);
    lab_norm(w->rows, c, w->x, base + at->norm1, NULL, w->h);
    lab_apply(&y->qkv, w->rows, w->h, NULL, w->qkv);
    for (size_t r = 0; r < w->rows; r++) {
        float *q = w->qkv + r * lab_qkv_width(s), *k = q + c;
        lab_rotate(s->heads + s->kv_heads, size, w->cosine + turned, w->sine + turned, false, q);
        memcpy(y->keys + (r * w->length + w->place) * kv, k, kv * sizeof *k);
        memcpy(y->values + (r * w->length + w->place) * kv, k + kv, kv * sizeof *k);
        attend(w, y, r);
    }
    lab_apply(&y->o, w->rows, w->mixed, w->x, w->x);
    lab_norm(w->rows, c, w->x, base + at->norm2, NULL, w->h);
    if (s->experts) {
        lab_experts_apply(s, &y->experts, &w->room, w->rows, w->h, w->x);
        return;
    }
    lab_apply(&y->gate_up, w->rows, w->h, NULL, w->gate_up);
    lab_swiglu(w->rows, s->hidden, w->gate_up, w->product);
    lab_apply(&y->down, w->rows, w->product, w->x, w->x);
}

static uint16_t draw(const float *z, size_t n, double temperature, struct assay_random *random)
{
    double most = -INFINITY, sum = 0;
    for (size_t k = 0; k < n; k++)
        most = fmax(most, (double)z[k]);
    for (size_t k = 0; k < n; k++)
        sum += exp(((double)z[k] - most) / temperature);
    double left = assay_random_uniform(random) * sum;
    for (size_t k = 0; k + 1 < n; k++) {
        left -= exp(((double)z[k] - most) / temperature);
        if (left < 0)
            return (uint16_t)k;
    }
    return (uint16_t)(n - 1);
}

assay_status lab_generate(const struct lab_model *m, size_t rows, size_t length, double temperature,
                          struct assay_random *random, uint16_t *tokens, struct assay_error *error)
{
    struct work w = {.m = m, .rows = rows, .length = length};
    size_t c = m->shape.width;
    if (rows == 0 || rows > LAB_MOST_ROWS || length == 0 || length > m->shape.context ||
        !(temperature > 0))
        return assay_error_at(error, ASSAY_ERROR_INPUT, NULL, 0,
                              "expected 1 to %d texts of 1 to %u tokens at a temperature above "
                              "0, found %zu of %zu at %g",
                              LAB_MOST_ROWS, m->shape.context, rows, length, temperature);
    if (!start(&w)) {
        finish(&w);
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    }
    for (w.place = 0; w.place + 1 < length; w.place++) {
        for (size_t r = 0; r < rows; r++)
            memcpy(w.x + r * c, m->weights + m->embedding + tokens[r * length + w.place] * c,
                   c * sizeof *w.x);
        for (unsigned l = 0; l < m->shape.layers; l++)
            layer(&w, l);
        lab_norm(rows, c, w.x, m->weights + m->norm, NULL, w.h);
        lab_apply(&w.head, rows, w.h, NULL, w.logits);
        for (size_t r = 0; r < rows; r++)
            tokens[r * length + w.place + 1] =
                draw(w.logits + r * m->shape.vocabulary, m->shape.vocabulary, temperature, random);
    }
    finish(&w);
    return ASSAY_OK;
}
