/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/model.h"

#include "base/pages.h"
#include "lab/layout.h"

#include <math.h>
#include <stdlib.h>

static bool possible(const struct lab_shape *s)
{
    return s->vocabulary >= 2 && s->vocabulary <= 65536 && s->width >= 2 && s->width <= 4096 &&
           s->layers >= 1 && s->layers <= 64 && s->heads >= 1 && s->heads <= s->width / 2 &&
           s->width % (2 * s->heads) == 0 && s->kv_heads >= 1 && s->kv_heads <= s->heads &&
           s->heads % s->kv_heads == 0 && s->hidden >= 1 && s->hidden <= 16384 && s->context >= 2 &&
           s->context <= 4096 &&
           (s->experts ? s->experts >= 2 && s->experts <= 64 && s->experts_per_token >= 1 &&
                             s->experts_per_token <= s->experts
                       : s->experts_per_token == 0);
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
        y->router = take(&at, s->experts * c);
        y->gate = take(&at, lab_expert_count(s) * lab_expert_weights(s));
        y->up = y->gate + s->hidden * c;
        y->down = y->up + s->hidden * c;
    }
    m->norm = take(&at, c);
    m->head = s->tied ? m->embedding : take(&at, s->vocabulary * c);
    m->count = at;
}

size_t lab_model_weights(const struct lab_shape *shape)
{
    struct lab_layer layers[64];
    struct lab_model m = {.shape = *shape, .layers = layers};
    if (!possible(shape))
        return 0;
    lay_out(&m);
    return m.count;
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
        draw(m, &random, y->router, s->experts * c, in);
        for (size_t e = 0; e < lab_expert_count(s); e++) {
            size_t on = e * lab_expert_weights(s);
            draw(m, &random, y->gate + on, s->hidden * c, in);
            draw(m, &random, y->up + on, s->hidden * c, in);
            draw(m, &random, y->down + on, c * s->hidden, out / sqrt(s->hidden));
        }
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
                              "%u, kv_heads %u, hidden %u, context %u, experts %u, a token %u",
                              shape->vocabulary, shape->width, shape->layers, shape->heads,
                              shape->kv_heads, shape->hidden, shape->context, shape->experts,
                              shape->experts_per_token);
    m->layers = calloc(shape->layers, sizeof *m->layers);
    if (m->layers) {
        lay_out(m);
        m->weights = malloc(m->count * sizeof *m->weights);
        base_pages_large(m->weights, m->count * sizeof *m->weights);
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
