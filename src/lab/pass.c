/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/pass.h"

#include "lab/attention.h"
#include "lab/layout.h"
#include "lab/pointwise.h"
#include "lab/tape.h"

#include <math.h>
#include <string.h>

#define NEAR 84 /* places that go through a layer at once, so that they stay near: whole tiles */

/* What goes through at once: rows `first` .. `first` + n / length of the caller's. */
struct batch {
    const struct lab_model *m;
    struct lab_tape *t;
    const uint16_t *tokens; /* of all rows */
    const float *weights;   /* of all places, or NULL */
    double balance;         /* of experts, of a layer and a weight of 1 */
    size_t first;           /* place, counted over all rows */
    float *gradient;
};

/* ---- forward ------------------------------------------------------------------------- */

/* Queries and keys, which lie side by side, of n places from `first` on. */
static void turn(const struct lab_shape *s, const struct lab_tape *t, size_t first, size_t n,
                 float *qkv, bool back)
{
    size_t size = s->width / s->heads, half = size / 2;
    for (size_t i = first; i < first + n; i++) {
        size_t at = i % t->length * half;
        lab_rotate(s->heads + s->kv_heads, size, t->cosine + at, t->sine + at, back,
                   qkv + i * lab_qkv_width(s));
    }
}

static const float *weights_of(const struct batch *b)
{
    return b->weights ? b->weights + b->first : NULL;
}

/* Experts in the place of one SwiGLU. */
static void forward_experts(const struct batch *b, struct lab_experts *x, const float *h,
                            float *out)
{
    struct lab_tape *t = b->t;
    double size = 0;
    lab_experts_apply(&b->m->shape, x, &t->room, t->n, h, out);
    for (size_t i = 0; i < t->n; i++)
        size += b->weights ? fabs((double)weights_of(b)[i]) : 1;
    t->balance += size * lab_experts_balance(&b->m->shape, x, t->n, weights_of(b));
    t->counted += size;
}

/* Of n places from `at` on. */
static void before_attention(const struct batch *b, unsigned l, size_t at, size_t n)
{
    const struct lab_shape *s = &b->m->shape;
    const struct lab_layer_tape *y = &b->t->layers[l];
    size_t c = s->width, qkv = lab_qkv_width(s);
    lab_norm(n, c, y->x + at * c, b->m->weights + b->m->layers[l].norm1, y->scale1 + at,
             y->h1 + at * c);
    lab_apply(&y->qkv.on, n, y->h1 + at * c, NULL, y->qkv_at + at * qkv);
    turn(s, b->t, at, n, y->qkv_at, false);
}

/* Without experts to the layer's end, else to what they read. */
static void after_attention(const struct batch *b, unsigned l, size_t at, size_t n, float *out)
{
    const struct lab_shape *s = &b->m->shape;
    const struct lab_layer_tape *y = &b->t->layers[l];
    size_t c = s->width, first = at * c;
    lab_apply(&y->o.on, n, y->mixed + first, y->x + first, y->middle + first);
    lab_norm(n, c, y->middle + first, b->m->weights + b->m->layers[l].norm2, y->scale2 + at,
             y->h2 + first);
    if (s->experts)
        return;
    float *gate_up = y->gate_up_at + at * 2 * s->hidden, *product = y->product + at * s->hidden;
    lab_apply(&y->gate_up.on, n, y->h2 + first, NULL, gate_up);
    lab_swiglu(n, s->hidden, gate_up, product);
    lab_apply(&y->down.on, n, product, y->middle + first, out + first);
}

static void forward_layer(const struct batch *b, unsigned l, float *out)
{
    const struct lab_shape *s = &b->m->shape;
    struct lab_tape *t = b->t;
    struct lab_layer_tape *y = &t->layers[l];
    size_t c = s->width, qkv = lab_qkv_width(s), length = t->length;
    for (size_t at = 0; at < t->n; at += NEAR)
        before_attention(b, l, at, t->n - at < NEAR ? t->n - at : NEAR);
    for (size_t at = 0; at < t->n; at += length)
        lab_attention(s, y->qkv.on.processor, length, y->qkv_at + at * qkv, y->mixed + at * c,
                      y->log_sum + at * s->heads, t->scratch);
    for (size_t at = 0; at < t->n; at += NEAR)
        after_attention(b, l, at, t->n - at < NEAR ? t->n - at : NEAR, out);
    if (s->experts) {
        memcpy(out, y->middle, t->n * c * sizeof *out);
        forward_experts(b, &y->experts, y->h2, out);
    }
}

static size_t token_at(const struct batch *b, size_t i)
{
    size_t place = b->first + i, length = b->t->length;
    return b->tokens[place / length * (length + 1) + place % length];
}

static void forward(const struct batch *b)
{
    const struct lab_shape *s = &b->m->shape;
    struct lab_tape *t = b->t;
    size_t c = s->width;
    for (size_t i = 0; i < t->n; i++)
        memcpy(t->layers[0].x + i * c, b->m->weights + b->m->embedding + token_at(b, i) * c,
               c * sizeof *t->last);
    for (unsigned l = 0; l < s->layers; l++)
        forward_layer(b, l, l + 1 < s->layers ? t->layers[l + 1].x : t->last);
    lab_norm(t->n, c, t->last, b->m->weights + b->m->norm, t->scale, t->h);
}

/* ---- backward ------------------------------------------------------------------------ */

/* t->d holds the gradient by what the layer gave, and then by what it took. */
static void backward_layer(const struct batch *b, unsigned l)
{
    const struct lab_shape *s = &b->m->shape;
    const struct lab_layer *w = &b->m->layers[l];
    const float *base = b->m->weights;
    struct lab_tape *t = b->t;
    const struct lab_layer_tape *y = &t->layers[l];
    float *g = b->gradient;
    size_t c = s->width, n = t->n, qkv = lab_qkv_width(s), length = t->length;
    if (s->experts) {
        lab_experts_back(s, w, &y->experts, &t->room, n, y->h2, t->d, weights_of(b), b->balance, g,
                         t->d2);
    } else {
        lab_apply_back(&y->down, n, y->product, t->d, g + w->down, t->d_product, t->some);
        lab_swiglu_back(n, s->hidden, y->gate_up_at, t->d_product, t->d_gate_up);
        lab_apply_back(&y->gate_up, n, y->h2, t->d_gate_up, g + w->gate, t->d2, t->some);
    }
    lab_norm_back(n, c, y->middle, base + w->norm2, y->scale2, t->d2, g + w->norm2, t->d);
    lab_apply_back(&y->o, n, y->mixed, t->d, g + w->o, t->d2, t->some);
    for (size_t at = 0; at < n; at += length)
        lab_attention_back(s, y->qkv.on.processor, length, y->qkv_at + at * qkv, y->mixed + at * c,
                           y->log_sum + at * s->heads, t->d2 + at * c, t->d_qkv + at * qkv,
                           t->scratch);
    turn(s, t, 0, n, t->d_qkv, true);
    lab_apply_back(&y->qkv, n, y->h1, t->d_qkv, g + w->q, t->d2, t->some);
    lab_norm_back(n, c, y->x, base + w->norm1, y->scale1, t->d2, g + w->norm1, t->d);
}

/* From d2, the gradient by the head's input. */
static void backward(const struct batch *b)
{
    struct lab_tape *t = b->t;
    size_t c = b->m->shape.width;
    memset(t->d, 0, t->n * c * sizeof *t->d);
    lab_norm_back(t->n, c, t->last, b->m->weights + b->m->norm, t->scale, t->d2,
                  b->gradient + b->m->norm, t->d);
    for (unsigned l = b->m->shape.layers; l > 0; l--)
        backward_layer(b, l - 1);
    for (size_t i = 0; i < t->n; i++) {
        float *to = b->gradient + b->m->embedding + token_at(b, i) * c;
        for (size_t k = 0; k < c; k++)
            to[k] += t->d[i * c + k];
    }
}

/* ---- the head, fused with the loss --------------------------------------------------- */

/* Logits of `n` places from `at` on, into `logits`. */
static void say(const struct lab_tape *t, size_t at, size_t n, float *logits)
{
    const struct lab_packed *w = &t->head.on;
    lab_apply(w, n, t->h + at * w->k, NULL, logits);
}

/* The summed loss of a batch, a chunk of logits at a time; d2 gets the gradient by the head's
 * input. */
static double settle(const struct batch *b, const struct lab_goal *goal, double total, float *log_p)
{
    struct lab_tape *t = b->t;
    size_t c = b->m->shape.width, v = b->m->shape.vocabulary;
    double loss = 0;
    for (size_t at = 0; at < t->n; at += t->chunk) {
        size_t n = t->n - at < t->chunk ? t->n - at : t->chunk;
        say(t, at, n, t->logits);
        for (size_t i = 0; i < n; i++) {
            size_t place = b->first + at + i;
            float weight = lab_goal_weight(goal, place), value;
            size_t target = b->tokens[place / t->length * (t->length + 1) + place % t->length + 1];
            double here = lab_goal_settle(goal, place, target, v, (float)((double)weight / total),
                                          t->logits + i * v, &value);
            loss += weight != 0 ? (double)weight * here : 0;
            if (log_p)
                log_p[place] = value;
        }
        if (b->gradient)
            lab_apply_back(&t->head, n, t->h + at * c, t->logits, b->gradient + b->m->head,
                           t->d2 + at * c, t->some);
    }
    return loss;
}

/* ---- all rows, batch by batch -------------------------------------------------------- */

/* The next batch, or false. */
static bool next(struct batch *b, size_t *at)
{
    struct lab_tape *t = b->t;
    size_t all = t->rows * t->length, most = t->most * t->length;
    b->first = *at;
    t->n = all - *at < most ? all - *at : most;
    *at += t->n;
    return t->n > 0;
}

double lab_model_learn(const struct lab_model *m, struct lab_tape *t, const struct lab_goal *goal,
                       float *log_p, float *gradient)
{
    double total = lab_goal_total(goal, t->rows * t->length), loss = 0;
    bool counts = total != 0;
    struct batch b = {.m = m,
                      .t = t,
                      .tokens = goal->tokens,
                      .weights = goal->weights,
                      .balance = counts ? goal->balance / (fabs(total) * m->shape.layers) : 0,
                      .gradient = counts ? gradient : NULL};
    lab_tape_load(t, m, b.gradient != NULL);
    for (size_t at = 0; next(&b, &at);) {
        forward(&b);
        loss += settle(&b, goal, counts ? total : 1, log_p);
        if (b.gradient)
            backward(&b);
    }
    return counts ? loss / total : (double)NAN;
}

double lab_tape_balance(const struct lab_tape *t)
{
    return t->counted > 0 ? t->balance / t->counted : 0;
}

struct lab_goal lab_tape_goal(struct lab_tape *t, const uint16_t *tokens, const bool *counts)
{
    for (size_t i = 0; counts && i < t->rows * t->length; i++)
        t->weights[i] = counts[i];
    return (struct lab_goal){.tokens = tokens, .weights = counts ? t->weights : NULL};
}

double lab_model_loss(const struct lab_model *m, struct lab_tape *t, const uint16_t *tokens,
                      const bool *counts, float *log_p, float *gradient)
{
    const struct lab_goal goal = lab_tape_goal(t, tokens, counts);
    return lab_model_learn(m, t, &goal, log_p, gradient);
}

void lab_model_logits(const struct lab_model *m, struct lab_tape *t, const uint16_t *tokens,
                      float *logits)
{
    struct batch b = {.m = m, .t = t, .tokens = tokens};
    lab_tape_load(t, m, false);
    for (size_t at = 0; next(&b, &at);) {
        forward(&b);
        say(t, 0, t->n, logits + b.first * m->shape.vocabulary);
    }
}
