/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/model.h"

#include "lab/layout.h"
#include "lab/products.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define EPSILON 1e-5f
#define ROPE_BASE 10000.0
#define CHUNK 64 /* places whose logits are held at once */

/* ---- weights ------------------------------------------------------------------------- */

static bool possible(const struct lab_shape *s)
{
    return s->vocabulary >= 2 && s->vocabulary <= 65536 && s->width >= 2 && s->width <= 4096 &&
           s->layers >= 1 && s->layers <= 64 && s->heads >= 1 && s->heads <= s->width / 2 &&
           s->width % (2 * s->heads) == 0 && s->kv_heads >= 1 && s->kv_heads <= s->heads &&
           s->heads % s->kv_heads == 0 && s->hidden >= 1 && s->hidden <= 16384 && s->context >= 2 &&
           s->context <= 4096;
}

static size_t take(size_t *at, size_t n)
{
    size_t start = *at;
    *at += n;
    return start;
}

static void lay_out(struct lab_model *m)
{
    const struct lab_shape *s = &m->shape;
    size_t at = 0, c = s->width, kv = lab_kv_width(s);
    m->embedding = take(&at, s->vocabulary * c);
    for (unsigned l = 0; l < s->layers; l++) {
        struct lab_layer *y = &m->layers[l];
        y->norm1 = take(&at, c);
        y->q = take(&at, c * c);
        y->k = take(&at, kv * c);
        y->v = take(&at, kv * c);
        y->o = take(&at, c * c);
        y->norm2 = take(&at, c);
        y->gate = take(&at, s->hidden * c);
        y->up = take(&at, s->hidden * c);
        y->down = take(&at, c * s->hidden);
    }
    m->norm = take(&at, c);
    m->head = s->tied ? m->embedding : take(&at, s->vocabulary * c);
    m->count = at;
}

static void draw(struct lab_model *m, struct assay_random *random, size_t at, size_t n,
                 double deviation)
{
    for (size_t i = 0; i < n; i++)
        m->weights[at + i] = (float)(deviation * assay_random_normal(random));
}

static void ones(struct lab_model *m, size_t at)
{
    for (size_t i = 0; i < m->shape.width; i++)
        m->weights[at + i] = 1;
}

/* Normal, of variance 1 / inputs; what writes into the residual stream smaller by the root of its
 * 2 x layers terms (GPT-2). */
static void initialise(struct lab_model *m, uint64_t seed)
{
    const struct lab_shape *s = &m->shape;
    struct assay_random random;
    double in = 1 / sqrt(s->width), out = 1 / sqrt(2.0 * s->layers);
    size_t c = s->width, kv = lab_kv_width(s);
    assay_random_start(&random, seed, 0);
    draw(m, &random, m->embedding, s->vocabulary * c, s->tied ? in : 1);
    for (unsigned l = 0; l < s->layers; l++) {
        const struct lab_layer *y = &m->layers[l];
        ones(m, y->norm1);
        ones(m, y->norm2);
        draw(m, &random, y->q, c * c, in);
        draw(m, &random, y->k, kv * c, in);
        draw(m, &random, y->v, kv * c, in);
        draw(m, &random, y->o, c * c, in * out);
        draw(m, &random, y->gate, s->hidden * c, in);
        draw(m, &random, y->up, s->hidden * c, in);
        draw(m, &random, y->down, c * s->hidden, out / sqrt(s->hidden));
    }
    ones(m, m->norm);
    if (!s->tied)
        draw(m, &random, m->head, s->vocabulary * c, in);
}

assay_status lab_model_new(const struct lab_shape *shape, uint64_t seed, struct lab_model *m,
                           struct assay_error *error)
{
    *m = (struct lab_model){.shape = *shape};
    if (!possible(shape))
        return assay_error_at(error, ASSAY_ERROR_INPUT, NULL, 0,
                              "no model has this shape: vocabulary %u, width %u, layers %u, heads "
                              "%u, kv_heads %u, hidden %u, context %u",
                              shape->vocabulary, shape->width, shape->layers, shape->heads,
                              shape->kv_heads, shape->hidden, shape->context);
    m->layers = calloc(shape->layers, sizeof *m->layers);
    if (m->layers) {
        lay_out(m);
        m->weights = malloc(m->count * sizeof *m->weights);
    }
    if (!m->weights) {
        lab_model_free(m);
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    }
    initialise(m, seed);
    return ASSAY_OK;
}

void lab_model_free(struct lab_model *m)
{
    free(m->layers);
    free(m->weights);
    *m = (struct lab_model){.count = 0};
}

/* ---- the tape ------------------------------------------------------------------------ */

/* Activations of one layer, n = rows x length places each. */
struct layer_tape {
    float *x;                                  /* what came in */
    float *h1, *q, *k, *v, *attention, *mixed; /* q and k after rotation */
    float *middle;                             /* after attention */
    float *h2, *gate, *up, *product;
    float *scale1, *scale2; /* 1 / root mean square */
};

struct lab_tape {
    size_t rows, length, n;
    struct layer_tape *layers;
    float *last, *h, *scale;
    float *logits;                                                  /* of CHUNK places */
    float *weights;                                                 /* of places */
    float *d, *d2, *d_hidden, *d_hidden2, *d_q, *d_k, *d_v, *d_row; /* gradients on the way back */
    float *cosine, *sine;                                           /* [place * half + pair] */
    float *transposed;                                              /* of one matrix */
    float *memory;
};

static size_t largest_matrix(const struct lab_shape *s)
{
    size_t c = s->width, most = c * c;
    most = (size_t)s->hidden * c > most ? (size_t)s->hidden * c : most;
    return (size_t)s->vocabulary * c > most ? (size_t)s->vocabulary * c : most;
}

/* Hands out the block's parts, or only counts when there is no block yet. */
static float *part(float *memory, size_t *at, size_t n)
{
    float *start = memory ? memory + *at : NULL;
    *at += n;
    return start;
}

static size_t cut_up(const struct lab_shape *s, struct lab_tape *t)
{
    size_t at = 0, n = t->n, c = s->width, kv = lab_kv_width(s), half = c / s->heads / 2;
    float *m = t->memory;
    for (unsigned l = 0; l < s->layers; l++) {
        struct layer_tape *y = &t->layers[l];
        y->x = part(m, &at, n * c);
        y->h1 = part(m, &at, n * c);
        y->q = part(m, &at, n * c);
        y->k = part(m, &at, n * kv);
        y->v = part(m, &at, n * kv);
        y->attention = part(m, &at, n * s->heads * t->length);
        y->mixed = part(m, &at, n * c);
        y->middle = part(m, &at, n * c);
        y->h2 = part(m, &at, n * c);
        y->gate = part(m, &at, n * s->hidden);
        y->up = part(m, &at, n * s->hidden);
        y->product = part(m, &at, n * s->hidden);
        y->scale1 = part(m, &at, n);
        y->scale2 = part(m, &at, n);
    }
    t->last = part(m, &at, n * c);
    t->h = part(m, &at, n * c);
    t->scale = part(m, &at, n);
    t->logits = part(m, &at, (n < CHUNK ? n : CHUNK) * s->vocabulary);
    t->weights = part(m, &at, n);
    t->d = part(m, &at, n * c);
    t->d2 = part(m, &at, n * c);
    t->d_hidden = part(m, &at, n * s->hidden);
    t->d_hidden2 = part(m, &at, n * s->hidden);
    t->d_q = part(m, &at, n * c);
    t->d_k = part(m, &at, n * kv);
    t->d_v = part(m, &at, n * kv);
    t->d_row = part(m, &at, t->length);
    t->cosine = part(m, &at, t->length * half);
    t->sine = part(m, &at, t->length * half);
    t->transposed = part(m, &at, largest_matrix(s));
    return at;
}

static void fill_rotations(const struct lab_shape *s, struct lab_tape *t)
{
    size_t half = s->width / s->heads / 2;
    for (size_t p = 0; p < t->length; p++)
        for (size_t i = 0; i < half; i++)
            lab_rotation(p, i, half, &t->cosine[p * half + i], &t->sine[p * half + i]);
}

assay_status lab_tape_new(const struct lab_shape *shape, size_t rows, size_t length,
                          struct lab_tape **tape, struct assay_error *error)
{
    struct lab_tape *t = calloc(1, sizeof *t);
    *tape = NULL;
    if (rows == 0 || length == 0 || length > shape->context || rows > 65536) {
        free(t);
        return assay_error_at(error, ASSAY_ERROR_INPUT, NULL, 0,
                              "expected 1 to 65536 rows of 1 to %u tokens, found %zu of %zu",
                              shape->context, rows, length);
    }
    if (t) {
        t->rows = rows;
        t->length = length;
        t->n = rows * length;
        t->layers = calloc(shape->layers, sizeof *t->layers);
    }
    if (t && t->layers)
        t->memory = malloc(cut_up(shape, t) * sizeof *t->memory);
    if (!t || !t->memory) {
        lab_tape_free(t);
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    }
    cut_up(shape, t);
    fill_rotations(shape, t);
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

/* ---- forward ------------------------------------------------------------------------- */

/* y (n x out) = x (n x in) W^T, or added to y. */
static void apply(struct lab_tape *t, const float *w, size_t out, size_t in, const float *x,
                  float *y, bool add)
{
    lab_transpose(out, in, w, t->transposed);
    if (!add)
        memset(y, 0, t->n * out * sizeof *y);
    lab_multiply(t->n, in, out, x, t->transposed, y);
}

void lab_norm(size_t n, size_t c, const float *x, const float *g, float *scale, float *h)
{
    for (size_t i = 0; i < n; i++) {
        float square = 0;
        for (size_t k = 0; k < c; k++)
            square += x[i * c + k] * x[i * c + k];
        float inverse = 1 / sqrtf(square / (float)c + EPSILON);
        for (size_t k = 0; k < c; k++)
            h[i * c + k] = x[i * c + k] * inverse * g[k];
        if (scale)
            scale[i] = inverse;
    }
}

void lab_rotation(size_t place, size_t pair, size_t half, float *cosine, float *sine)
{
    double angle = (double)place * pow(ROPE_BASE, -(double)pair / (double)half);
    *cosine = (float)cos(angle);
    *sine = (float)sin(angle);
}

void lab_rotate(size_t place, size_t heads, size_t size, float *x)
{
    size_t half = size / 2;
    for (size_t k = 0; k < half; k++) {
        float cosine, sine;
        lab_rotation(place, k, half, &cosine, &sine);
        for (size_t h = 0; h < heads; h++) {
            float *at = x + h * size, a = at[k], b = at[k + half];
            at[k] = a * cosine - b * sine;
            at[k + half] = b * cosine + a * sine;
        }
    }
}

/* Turns pairs half a head apart; `back` the other way. */
static void rotate(const struct lab_tape *t, size_t heads, size_t size, float *x, bool back)
{
    size_t half = size / 2;
    for (size_t i = 0; i < t->n; i++) {
        const float *cosine = t->cosine + i % t->length * half;
        const float *sine = t->sine + i % t->length * half;
        for (size_t h = 0; h < heads; h++) {
            float *at = x + (i * heads + h) * size;
            for (size_t k = 0; k < half; k++) {
                float a = at[k], b = at[k + half], s = back ? -sine[k] : sine[k];
                at[k] = a * cosine[k] - b * s;
                at[k + half] = b * cosine[k] + a * s;
            }
        }
    }
}

static void attend(const struct lab_shape *s, struct lab_tape *t, struct layer_tape *y)
{
    size_t size = s->width / s->heads, group = s->heads / s->kv_heads, kv = lab_kv_width(s);
    float scale = 1 / sqrtf((float)size);
    memset(y->mixed, 0, t->n * s->width * sizeof *y->mixed);
    for (size_t i = 0; i < t->n; i++)
        for (size_t h = 0; h < s->heads; h++) {
            size_t first = i - i % t->length, places = i % t->length + 1;
            const float *q = y->q + i * s->width + h * size;
            float *a = y->attention + (i * s->heads + h) * t->length, most = -INFINITY, sum = 0;
            for (size_t p = 0; p < places; p++) {
                const float *k = y->k + (first + p) * kv + h / group * size;
                float dot = 0;
                for (size_t d = 0; d < size; d++)
                    dot += q[d] * k[d];
                a[p] = dot * scale;
                most = a[p] > most ? a[p] : most;
            }
            for (size_t p = 0; p < places; p++)
                sum += a[p] = expf(a[p] - most);
            for (size_t p = 0; p < places; p++) {
                const float *v = y->v + (first + p) * kv + h / group * size;
                float *to = y->mixed + i * s->width + h * size;
                a[p] /= sum;
                for (size_t d = 0; d < size; d++)
                    to[d] += a[p] * v[d];
            }
        }
}

static float sigmoid(float x)
{
    return 1 / (1 + expf(-x));
}

static void forward_layer(const struct lab_model *m, struct lab_tape *t, unsigned l, float *out)
{
    const struct lab_shape *s = &m->shape;
    const struct lab_layer *w = &m->layers[l];
    const float *base = m->weights;
    struct layer_tape *y = &t->layers[l];
    size_t c = s->width, kv = lab_kv_width(s), size = c / s->heads;
    lab_norm(t->n, c, y->x, base + w->norm1, y->scale1, y->h1);
    apply(t, base + w->q, c, c, y->h1, y->q, false);
    apply(t, base + w->k, kv, c, y->h1, y->k, false);
    apply(t, base + w->v, kv, c, y->h1, y->v, false);
    rotate(t, s->heads, size, y->q, false);
    rotate(t, s->kv_heads, size, y->k, false);
    attend(s, t, y);
    memcpy(y->middle, y->x, t->n * c * sizeof *y->x);
    apply(t, base + w->o, c, c, y->mixed, y->middle, true);
    lab_norm(t->n, c, y->middle, base + w->norm2, y->scale2, y->h2);
    apply(t, base + w->gate, s->hidden, c, y->h2, y->gate, false);
    apply(t, base + w->up, s->hidden, c, y->h2, y->up, false);
    for (size_t i = 0; i < t->n * s->hidden; i++)
        y->product[i] = y->gate[i] * sigmoid(y->gate[i]) * y->up[i];
    memcpy(out, y->middle, t->n * c * sizeof *out);
    apply(t, base + w->down, c, s->hidden, y->product, out, true);
}

static void forward(const struct lab_model *m, struct lab_tape *t, const uint16_t *tokens)
{
    const struct lab_shape *s = &m->shape;
    size_t c = s->width;
    for (size_t i = 0; i < t->n; i++) {
        size_t token = tokens[i / t->length * (t->length + 1) + i % t->length];
        memcpy(t->layers[0].x + i * c, m->weights + m->embedding + token * c,
               c * sizeof *m->weights);
    }
    for (unsigned l = 0; l < s->layers; l++)
        forward_layer(m, t, l, l + 1 < s->layers ? t->layers[l + 1].x : t->last);
    lab_norm(t->n, c, t->last, m->weights + m->norm, t->scale, t->h);
}

/* ---- backward ------------------------------------------------------------------------ */

/* Gradients of y = x W^T: to the weights, and, if d_x is not NULL, to x, added or set. */
static void apply_back(struct lab_tape *t, const float *w, size_t out, size_t in, const float *x,
                       const float *d_y, float *d_w, float *d_x, bool add)
{
    lab_multiply_transposed(t->n, out, in, d_y, x, d_w);
    if (!add)
        memset(d_x, 0, t->n * in * sizeof *d_x);
    lab_multiply(t->n, out, in, d_y, w, d_x);
}

/* Adds the norm's gradient to d_x. */
static void norm_back(size_t n, size_t c, const float *x, const float *g, const float *scale,
                      const float *d_h, float *d_g, float *d_x)
{
    for (size_t i = 0; i < n; i++) {
        const float *row = x + i * c, *d = d_h + i * c;
        float dot = 0, r = scale[i];
        for (size_t k = 0; k < c; k++) {
            dot += d[k] * g[k] * row[k];
            d_g[k] += d[k] * row[k] * r;
        }
        dot *= r * r * r / (float)c;
        for (size_t k = 0; k < c; k++)
            d_x[i * c + k] += d[k] * g[k] * r - row[k] * dot;
    }
}

/* From d_mixed to d_q, d_k, d_v. */
static void attend_back(const struct lab_shape *s, struct lab_tape *t, const struct layer_tape *y,
                        const float *d_mixed)
{
    size_t size = s->width / s->heads, group = s->heads / s->kv_heads, kv = lab_kv_width(s);
    float scale = 1 / sqrtf((float)size);
    memset(t->d_q, 0, t->n * s->width * sizeof *t->d_q);
    memset(t->d_k, 0, t->n * kv * sizeof *t->d_k);
    memset(t->d_v, 0, t->n * kv * sizeof *t->d_v);
    for (size_t i = 0; i < t->n; i++)
        for (size_t h = 0; h < s->heads; h++) {
            size_t first = i - i % t->length, places = i % t->length + 1;
            const float *a = y->attention + (i * s->heads + h) * t->length;
            const float *d = d_mixed + i * s->width + h * size;
            const float *q = y->q + i * s->width + h * size;
            float *d_q = t->d_q + i * s->width + h * size, sum = 0;
            for (size_t p = 0; p < places; p++) {
                size_t at = (first + p) * kv + h / group * size;
                float dot = 0;
                for (size_t k = 0; k < size; k++) {
                    dot += d[k] * y->v[at + k];
                    t->d_v[at + k] += a[p] * d[k];
                }
                t->d_row[p] = dot;
                sum += a[p] * dot;
            }
            for (size_t p = 0; p < places; p++) {
                size_t at = (first + p) * kv + h / group * size;
                float d_score = a[p] * (t->d_row[p] - sum) * scale;
                for (size_t k = 0; k < size; k++) {
                    d_q[k] += d_score * y->k[at + k];
                    t->d_k[at + k] += d_score * q[k];
                }
            }
        }
}

/* t->d holds the gradient by what the layer gave, and then by what it took. */
static void backward_layer(const struct lab_model *m, struct lab_tape *t, unsigned l, float *g)
{
    const struct lab_shape *s = &m->shape;
    const struct lab_layer *w = &m->layers[l];
    const float *base = m->weights;
    const struct layer_tape *y = &t->layers[l];
    size_t c = s->width, kv = lab_kv_width(s), size = c / s->heads;
    apply_back(t, base + w->down, c, s->hidden, y->product, t->d, g + w->down, t->d_hidden, false);
    for (size_t i = 0; i < t->n * s->hidden; i++) {
        float z = sigmoid(y->gate[i]), d = t->d_hidden[i];
        t->d_hidden[i] = d * y->up[i] * z * (1 + y->gate[i] * (1 - z));
        t->d_hidden2[i] = d * y->gate[i] * z;
    }
    apply_back(t, base + w->gate, s->hidden, c, y->h2, t->d_hidden, g + w->gate, t->d2, false);
    apply_back(t, base + w->up, s->hidden, c, y->h2, t->d_hidden2, g + w->up, t->d2, true);
    norm_back(t->n, c, y->middle, base + w->norm2, y->scale2, t->d2, g + w->norm2, t->d);
    apply_back(t, base + w->o, c, c, y->mixed, t->d, g + w->o, t->d2, false);
    attend_back(s, t, y, t->d2);
    rotate(t, s->heads, size, t->d_q, true);
    rotate(t, s->kv_heads, size, t->d_k, true);
    apply_back(t, base + w->q, c, c, y->h1, t->d_q, g + w->q, t->d2, false);
    apply_back(t, base + w->k, kv, c, y->h1, t->d_k, g + w->k, t->d2, true);
    apply_back(t, base + w->v, kv, c, y->h1, t->d_v, g + w->v, t->d2, true);
    norm_back(t->n, c, y->x, base + w->norm1, y->scale1, t->d2, g + w->norm1, t->d);
}

static void backward(const struct lab_model *m, struct lab_tape *t, const uint16_t *tokens,
                     float *g)
{
    const struct lab_shape *s = &m->shape;
    size_t c = s->width;
    memset(t->d, 0, t->n * c * sizeof *t->d);
    norm_back(t->n, c, t->last, m->weights + m->norm, t->scale, t->d2, g + m->norm, t->d);
    for (unsigned l = s->layers; l > 0; l--)
        backward_layer(m, t, l - 1, g);
    for (size_t i = 0; i < t->n; i++) {
        size_t token = tokens[i / t->length * (t->length + 1) + i % t->length];
        for (size_t k = 0; k < c; k++)
            g[m->embedding + token * c + k] += t->d[i * c + k];
    }
}

/* ---- the head, fused with the loss --------------------------------------------------- */

static size_t target_of(const struct lab_tape *t, const uint16_t *tokens, size_t place)
{
    return tokens[place / t->length * (t->length + 1) + place % t->length + 1];
}

/* Logits of `n` places from `first` on, into the tape. */
static void say(const struct lab_model *m, struct lab_tape *t, size_t first, size_t n)
{
    size_t c = m->shape.width, v = m->shape.vocabulary;
    memset(t->logits, 0, n * v * sizeof *t->logits);
    lab_multiply(n, c, v, t->h + first * c, t->transposed, t->logits);
}

/* The loss of all places, a chunk of logits at a time; d2 gets the gradient by the head's input. */
static double settle(const struct lab_model *m, struct lab_tape *t, const struct lab_goal *goal,
                     double total, float *log_p, float *gradient)
{
    size_t c = m->shape.width, v = m->shape.vocabulary;
    double loss = 0;
    lab_transpose(v, c, m->weights + m->head, t->transposed);
    for (size_t first = 0; first < t->n; first += CHUNK) {
        size_t n = t->n - first < CHUNK ? t->n - first : CHUNK;
        say(m, t, first, n);
        for (size_t i = first; i < first + n; i++) {
            float weight = lab_goal_weight(goal, i), value;
            double here = lab_goal_settle(goal, i, target_of(t, goal->tokens, i), v,
                                          (float)((double)weight / total),
                                          t->logits + (i - first) * v, &value);
            loss += weight != 0 ? (double)weight * here : 0;
            if (log_p)
                log_p[i] = value;
        }
        if (!gradient)
            continue;
        lab_multiply_transposed(n, v, c, t->logits, t->h + first * c, gradient + m->head);
        memset(t->d2 + first * c, 0, n * c * sizeof *t->d2);
        lab_multiply(n, v, c, t->logits, m->weights + m->head, t->d2 + first * c);
    }
    return loss / total;
}

double lab_model_learn(const struct lab_model *m, struct lab_tape *t, const struct lab_goal *goal,
                       float *log_p, float *gradient)
{
    double total = lab_goal_total(goal, t->n);
    bool counts = total != 0;
    forward(m, t, goal->tokens);
    double loss = settle(m, t, goal, counts ? total : 1, log_p, counts ? gradient : NULL);
    if (gradient && counts)
        backward(m, t, goal->tokens, gradient);
    return counts ? loss : (double)NAN;
}

double lab_model_loss(const struct lab_model *m, struct lab_tape *t, const uint16_t *tokens,
                      const bool *counts, float *log_p, float *gradient)
{
    struct lab_goal goal = {.tokens = tokens};
    for (size_t i = 0; counts && i < t->n; i++)
        t->weights[i] = counts[i];
    goal.weights = counts ? t->weights : NULL;
    return lab_model_learn(m, t, &goal, log_p, gradient);
}

void lab_model_logits(const struct lab_model *m, struct lab_tape *t, const uint16_t *tokens,
                      float *logits)
{
    size_t v = m->shape.vocabulary;
    forward(m, t, tokens);
    lab_transpose(v, m->shape.width, m->weights + m->head, t->transposed);
    for (size_t first = 0; first < t->n; first += CHUNK) {
        size_t n = t->n - first < CHUNK ? t->n - first : CHUNK;
        say(m, t, first, n);
        memcpy(logits + first * v, t->logits, n * v * sizeof *logits);
    }
}
