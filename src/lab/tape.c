/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/tape.h"

#include "base/pages.h"
#include "lab/attention.h"
#include "lab/layout.h"
#include "lab/pointwise.h"

#include <stdlib.h>

#define PLACES 512           /* that go through at once, about */
#define LOGITS (1024 * 1024) /* held at once, about */

static struct lab_turned turned(enum lab_processor processor, size_t out, size_t in, float *memory,
                                size_t *at)
{
    struct lab_turned t;
    t.on = lab_packed_part(processor, in, out, memory, at);
    t.back = lab_packed_part(processor, out, in, memory, at);
    return t;
}

static size_t cut_up_layer(const struct lab_shape *s, size_t n, enum lab_processor p, float *m,
                           size_t at, struct lab_layer_tape *y)
{
    size_t c = s->width, qkv = lab_qkv_width(s), hidden = s->hidden;
    y->qkv = turned(p, qkv, c, m, &at);
    y->o = turned(p, c, c, m, &at);
    y->x = lab_part(m, &at, n * c);
    y->h1 = lab_part(m, &at, n * c);
    y->qkv_at = lab_part(m, &at, n * qkv);
    y->log_sum = lab_part(m, &at, n * s->heads);
    y->mixed = lab_part(m, &at, n * c);
    y->middle = lab_part(m, &at, n * c);
    y->h2 = lab_part(m, &at, n * c);
    y->scale1 = lab_part(m, &at, n);
    y->scale2 = lab_part(m, &at, n);
    if (s->experts)
        return lab_experts_cut_up(s, n, p, true, m, at, &y->experts);
    y->gate_up = turned(p, 2 * hidden, c, m, &at);
    y->down = turned(p, c, hidden, m, &at);
    y->gate_up_at = lab_part(m, &at, n * 2 * hidden);
    y->product = lab_part(m, &at, n * hidden);
    return at;
}

/* Hands out the block's parts, or only counts when there is no block yet. */
static size_t cut_up(const struct lab_shape *s, struct lab_tape *t)
{
    size_t at = 0, n = t->most * t->length, c = s->width, half = c / s->heads / 2;
    size_t widest = s->hidden > c ? s->hidden : c;
    enum lab_processor p = lab_processor_fastest(t->precision);
    float *m = t->memory;
    for (unsigned l = 0; l < s->layers; l++)
        at = cut_up_layer(s, n, p, m, at, &t->layers[l]);
    t->head = turned(p, s->vocabulary, c, m, &at);
    t->some = lab_part(m, &at, lab_packed_size(n, widest));
    t->last = lab_part(m, &at, n * c);
    t->h = lab_part(m, &at, n * c);
    t->scale = lab_part(m, &at, n);
    t->logits = lab_part(m, &at, t->chunk * s->vocabulary);
    t->weights = lab_part(m, &at, t->rows * t->length);
    t->d = lab_part(m, &at, n * c);
    t->d2 = lab_part(m, &at, n * c);
    t->d_product = lab_part(m, &at, n * s->hidden);
    t->d_gate_up = lab_part(m, &at, n * 2 * s->hidden);
    t->room = (struct lab_experts_room){
        .d_product = t->d_product, .d_gate_up = t->d_gate_up, .packed = t->some};
    if (s->experts) {
        t->room.in = lab_part(m, &at, n * c);
        t->room.out = lab_part(m, &at, n * c);
        t->room.pull = lab_part(m, &at, n * s->experts_per_token);
        t->room.d_z = lab_part(m, &at, n * s->experts);
    }
    t->d_qkv = lab_part(m, &at, n * lab_qkv_width(s));
    t->scratch = lab_part(m, &at, lab_attention_scratch(s, t->length));
    t->cosine = lab_part(m, &at, t->length * half);
    t->sine = lab_part(m, &at, t->length * half);
    return at;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

assay_status lab_tape_new(const struct lab_shape *shape, size_t rows, size_t length,
                          struct lab_tape **tape, struct assay_error *error)
{
    return lab_tape_new_in(LAB_FLOAT32, shape, rows, length, tape, error);
}

assay_status lab_tape_new_in(enum lab_precision precision, const struct lab_shape *shape,
                             size_t rows, size_t length, struct lab_tape **tape,
                             struct assay_error *error)
{
    *tape = NULL;
    if (rows == 0 || length == 0 || length > shape->context || rows > 65536)
        return assay_error_at(error, ASSAY_ERROR_INPUT, NULL, 0,
                              "expected 1 to 65536 rows of 1 to %u tokens, found %zu of %zu",
                              shape->context, rows, length);
    struct lab_tape *t = calloc(1, sizeof *t);
    if (t) {
        t->precision = precision;
        t->rows = rows;
        t->length = length;
        t->most = least(rows, length < PLACES ? PLACES / length : 1);
        t->chunk = LOGITS / shape->vocabulary / 42 * 42; /* whole tiles of every processor */
        t->chunk = least(t->chunk < 84 ? 84 : t->chunk, t->most * length);
        t->layers = calloc(shape->layers, sizeof *t->layers);
    }
    if (t && t->layers)
        t->memory = aligned_alloc(64, cut_up(shape, t) * sizeof *t->memory);
    if (t && t->memory)
        base_pages_large(t->memory, cut_up(shape, t) * sizeof *t->memory);
    if (!t || !t->memory) {
        lab_tape_free(t);
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    }
    cut_up(shape, t);
    lab_rotation_fill(length, shape->width / shape->heads / 2, t->cosine, t->sine);
    *tape = t;
    return ASSAY_OK;
}

void lab_tape_free(struct lab_tape *t)
{
    if (!t)
        return;
    free(t->layers);
    free(t->memory);
    free(t);
}

void lab_tape_load(struct lab_tape *t, const struct lab_model *m, bool back)
{
    const float *w = m->weights;
    t->balance = t->counted = 0;
    for (unsigned l = 0; l < m->shape.layers; l++) {
        struct lab_layer_tape *y = &t->layers[l];
        lab_turned_load(&y->qkv, w + m->layers[l].q, back);
        lab_turned_load(&y->o, w + m->layers[l].o, back);
        if (m->shape.experts) {
            lab_experts_load(m, l, back, &y->experts);
            continue;
        }
        lab_turned_load(&y->gate_up, w + m->layers[l].gate, back);
        lab_turned_load(&y->down, w + m->layers[l].down, back);
    }
    lab_turned_load(&t->head, w + m->head, back);
}
