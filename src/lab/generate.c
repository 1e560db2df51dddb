/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/generate.h"

#include "lab/layout.h"
#include "lab/products.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct work {
    const struct lab_model *m;
    size_t rows, length, place;
    float *turned;        /* the model's matrices, inputs x outputs, at their own places */
    float *keys, *values; /* [((layer * rows + row) * length + place) * kv] */
    float *x, *h, *q, *mixed, *gate, *up, *logits, *score;
};

static void turn(struct work *w, size_t at, size_t out, size_t in)
{
    lab_transpose(out, in, w->m->weights + at, w->turned + at);
}

static void turn_all(struct work *w)
{
    const struct lab_shape *s = &w->m->shape;
    size_t c = s->width, kv = lab_kv_width(s);
    for (unsigned l = 0; l < s->layers; l++) {
        const struct lab_layer *y = &w->m->layers[l];
        turn(w, y->q, c, c);
        turn(w, y->k, kv, c);
        turn(w, y->v, kv, c);
        turn(w, y->o, c, c);
        turn(w, y->gate, s->hidden, c);
        turn(w, y->up, s->hidden, c);
        turn(w, y->down, c, s->hidden);
    }
    turn(w, w->m->head, s->vocabulary, c);
}

static bool start(struct work *w)
{
    const struct lab_shape *s = &w->m->shape;
    size_t cache = s->layers * w->rows * w->length * lab_kv_width(s), n = w->rows;
    w->turned = malloc(w->m->count * sizeof *w->turned);
    w->keys = malloc(cache * sizeof *w->keys);
    w->values = malloc(cache * sizeof *w->values);
    w->x = malloc(n * s->width * sizeof *w->x);
    w->h = malloc(n * s->width * sizeof *w->h);
    w->q = malloc(n * s->width * sizeof *w->q);
    w->mixed = malloc(n * s->width * sizeof *w->mixed);
    w->gate = malloc(n * s->hidden * sizeof *w->gate);
    w->up = malloc(n * s->hidden * sizeof *w->up);
    w->logits = malloc(n * s->vocabulary * sizeof *w->logits);
    w->score = malloc(w->length * sizeof *w->score);
    return w->turned && w->keys && w->values && w->x && w->h && w->q && w->mixed && w->gate &&
           w->up && w->logits && w->score;
}

static void finish(struct work *w)
{
    free(w->turned);
    free(w->keys);
    free(w->values);
    free(w->x);
    free(w->h);
    free(w->q);
    free(w->mixed);
    free(w->gate);
    free(w->up);
    free(w->logits);
    free(w->score);
}

static void apply(struct work *w, size_t at, size_t out, size_t in, const float *x, float *y,
                  bool add)
{
    if (!add)
        memset(y, 0, w->rows * out * sizeof *y);
    lab_multiply(w->rows, in, out, x, w->turned + at, y);
}

static float *cached(const struct work *w, float *cache, unsigned layer, size_t row, size_t place)
{
    return cache + ((layer * w->rows + row) * w->length + place) * lab_kv_width(&w->m->shape);
}

/* One row's heads over what is kept. */
static void attend(struct work *w, unsigned layer, size_t row)
{
    const struct lab_shape *s = &w->m->shape;
    size_t size = s->width / s->heads, group = s->heads / s->kv_heads;
    float scale = 1 / sqrtf((float)size);
    for (size_t h = 0; h < s->heads; h++) {
        const float *q = w->q + row * s->width + h * size;
        float *to = w->mixed + row * s->width + h * size, most = -INFINITY, sum = 0;
        memset(to, 0, size * sizeof *to);
        for (size_t p = 0; p <= w->place; p++) {
            const float *k = cached(w, w->keys, layer, row, p) + h / group * size;
            float dot = 0;
            for (size_t d = 0; d < size; d++)
                dot += q[d] * k[d];
            w->score[p] = dot * scale;
            most = w->score[p] > most ? w->score[p] : most;
        }
        for (size_t p = 0; p <= w->place; p++)
            sum += w->score[p] = expf(w->score[p] - most);
        for (size_t p = 0; p <= w->place; p++) {
            const float *v = cached(w, w->values, layer, row, p) + h / group * size;
            for (size_t d = 0; d < size; d++)
                to[d] += w->score[p] / sum * v[d];
        }
    }
}

static void layer(struct work *w, unsigned l)
{
    const struct lab_shape *s = &w->m->shape;
    const struct lab_layer *y = &w->m->layers[l];
    const float *base = w->m->weights;
    size_t c = s->width, kv = lab_kv_width(s), size = c / s->heads;
    lab_norm(w->rows, c, w->x, base + y->norm1, NULL, w->h);
    apply(w, y->q, c, c, w->h, w->q, false);
    for (size_t r = 0; r < w->rows; r++) {
        float *k = cached(w, w->keys, l, r, w->place), *v = cached(w, w->values, l, r, w->place);
        memset(k, 0, kv * sizeof *k);
        memset(v, 0, kv * sizeof *v);
        lab_multiply(1, c, kv, w->h + r * c, w->turned + y->k, k);
        lab_multiply(1, c, kv, w->h + r * c, w->turned + y->v, v);
        lab_rotate(w->place, s->heads, size, w->q + r * c);
        lab_rotate(w->place, s->kv_heads, size, k);
        attend(w, l, r);
    }
    apply(w, y->o, c, c, w->mixed, w->x, true);
    lab_norm(w->rows, c, w->x, base + y->norm2, NULL, w->h);
    apply(w, y->gate, s->hidden, c, w->h, w->gate, false);
    apply(w, y->up, s->hidden, c, w->h, w->up, false);
    for (size_t i = 0; i < w->rows * s->hidden; i++)
        w->gate[i] = w->gate[i] / (1 + expf(-w->gate[i])) * w->up[i];
    apply(w, y->down, c, s->hidden, w->gate, w->x, true);
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
    if (rows == 0 || rows > 65536 || length == 0 || length > m->shape.context || !(temperature > 0))
        return assay_error_at(error, ASSAY_ERROR_INPUT, NULL, 0,
                              "expected 1 to 65536 texts of 1 to %u tokens at a temperature above "
                              "0, found %zu of %zu at %g",
                              m->shape.context, rows, length, temperature);
    if (!start(&w)) {
        finish(&w);
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    }
    turn_all(&w);
    for (w.place = 0; w.place + 1 < length; w.place++) {
        for (size_t r = 0; r < rows; r++)
            memcpy(w.x + r * c, m->weights + m->embedding + tokens[r * length + w.place] * c,
                   c * sizeof *w.x);
        for (unsigned l = 0; l < m->shape.layers; l++)
            layer(&w, l);
        lab_norm(rows, c, w.x, m->weights + m->norm, NULL, w.h);
        apply(&w, m->head, m->shape.vocabulary, c, w.h, w.logits, false);
        for (size_t r = 0; r < rows; r++)
            tokens[r * length + w.place + 1] =
                draw(w.logits + r * m->shape.vocabulary, m->shape.vocabulary, temperature, random);
    }
    finish(&w);
    return ASSAY_OK;
}
