/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/experts.h"

#include "lab/layout.h"
#include "lab/maths.h"
#include "lab/pointwise.h"

#include <math.h>
#include <string.h>

/* ---- where a place goes ------------------------------------------------------------------ */

/* The `slots` greatest of z, the greatest first. */
static void choose(size_t experts, size_t slots, const float *z, uint32_t *chosen)
{
    uint64_t taken = 0;
    for (size_t j = 0; j < slots; j++) {
        size_t best = experts;
        for (size_t e = 0; e < experts; e++)
            if (!(taken >> e & 1) && (best == experts || z[e] > z[best]))
                best = e;
        taken |= (uint64_t)1 << best;
        chosen[j] = (uint32_t)best;
    }
}

/* Choices by expert, and shares that sum to 1 over a place. */
static void sort(size_t experts, size_t slots, size_t n, struct lab_experts *x)
{
    uint32_t next[LAB_MOST_EXPERTS] = {0};
    for (size_t i = 0; i < n * slots; i++)
        next[x->chosen[i]]++;
    x->first[0] = 0;
    for (size_t e = 0; e < experts; e++) {
        x->first[e + 1] = x->first[e] + next[e];
        next[e] = x->first[e];
    }
    for (size_t i = 0; i < n; i++) {
        const uint32_t *chosen = x->chosen + i * slots;
        const float *p = x->p + i * experts;
        float sum = 0;
        for (size_t j = 0; j < slots; j++)
            sum += p[chosen[j]];
        for (size_t j = 0; j < slots; j++) {
            uint32_t at = next[chosen[j]]++;
            x->place[at] = (uint32_t)i;
            x->share[at] = p[chosen[j]] / sum; /* the likeliest has 1 / experts at least */
        }
    }
}

static void route(const struct lab_shape *s, struct lab_experts *x, size_t n, const float *h)
{
    size_t experts = s->experts, slots = s->experts_per_token;
    lab_apply(&x->router.on, n, h, NULL, x->p);
    for (size_t i = 0; i < n; i++) {
        float *p = x->p + i * experts;
        choose(experts, slots, p, x->chosen + i * slots);
        float sum = lab_exp_all(p, experts, lab_most(p, experts), 1);
        for (size_t e = 0; e < experts; e++)
            p[e] /= sum;
    }
    sort(experts, slots, n, x);
}

/* ---- forward ----------------------------------------------------------------------------- */

/* Row j of `to` is by[j] (NULL: 1) times row place[j] of `from`. */
LAB_CLONES static void gather(size_t n, size_t c, const uint32_t *place, const float *by,
                              const float *from, float *restrict to)
{
    for (size_t j = 0; j < n; j++)
        for (size_t k = 0; k < c; k++)
            to[j * c + k] = (by ? by[j] : 1) * from[place[j] * c + k];
}

/* Row place[j] of `to` grows by by[j] (NULL: 1) times row j of `from`. */
LAB_CLONES static void scatter(size_t n, size_t c, const uint32_t *place, const float *by,
                               const float *from, float *restrict to)
{
    for (size_t j = 0; j < n; j++)
        for (size_t k = 0; k < c; k++)
            to[place[j] * c + k] += (by ? by[j] : 1) * from[j * c + k];
}

void lab_experts_apply(const struct lab_shape *s, struct lab_experts *x,
                       const struct lab_experts_room *room, size_t n, const float *h, float *out)
{
    size_t c = s->width, hidden = s->hidden;
    route(s, x, n, h);
    for (size_t e = 0; e < s->experts; e++) {
        size_t at = x->first[e], many = x->first[e + 1] - at;
        float *gate_up = x->gate_up_at + at * 2 * hidden, *product = x->product + at * hidden;
        gather(many, c, x->place + at, NULL, h, room->in);
        lab_apply(&x->gate_up[e].on, many, room->in, NULL, gate_up);
        lab_swiglu(many, hidden, gate_up, product);
        lab_apply(&x->down[e].on, many, product, NULL, room->out);
        scatter(many, c, x->place + at, x->share + at, room->out, out);
    }
}

/* ---- balance ----------------------------------------------------------------------------- */

static double size_at(const float *weights, size_t i)
{
    return weights ? fabs((double)weights[i]) : 1;
}

/* f of each expert; returns the sum of the weights' sizes. */
static double loads(const struct lab_shape *s, const struct lab_experts *x, size_t n,
                    const float *weights, double f[LAB_MOST_EXPERTS])
{
    size_t slots = s->experts_per_token;
    double sum = 0;
    memset(f, 0, s->experts * sizeof *f);
    for (size_t i = 0; i < n; i++) {
        double size = size_at(weights, i);
        sum += size;
        for (size_t j = 0; j < slots; j++)
            f[x->chosen[i * slots + j]] += size;
    }
    for (size_t e = 0; e < s->experts; e++)
        f[e] = sum > 0 ? f[e] / ((double)slots * sum) : 0;
    return sum;
}

/* The sum over experts of f x p, of one place. */
static double mean_load(size_t experts, const double *f, const float *p)
{
    double sum = 0;
    for (size_t e = 0; e < experts; e++)
        sum += f[e] * (double)p[e];
    return sum;
}

double lab_experts_balance(const struct lab_shape *s, const struct lab_experts *x, size_t n,
                           const float *weights)
{
    double f[LAB_MOST_EXPERTS], sum = loads(s, x, n, weights, f), all = 0;
    for (size_t i = 0; i < n; i++)
        all += size_at(weights, i) * mean_load(s->experts, f, x->p + i * s->experts);
    return sum > 0 ? s->experts * all / sum : 0;
}

/* ---- backward ---------------------------------------------------------------------------- */

LAB_CLONES static void add(size_t n, const float *from, float *restrict to)
{
    for (size_t i = 0; i < n; i++)
        to[i] += from[i];
}

/* By the router's logits. A share w of a place is the softmax over its chosen logits alone, so that
 * with the slope s by ln w its logit's is s - w x (the sum of s over the place's choices). The
 * balance takes f as given, for counts have no slope. */
static void router_slopes(const struct lab_shape *s, const struct lab_experts *x, size_t n,
                          const float *pull, const float *weights, double balance, float *sums,
                          float *d_z)
{
    size_t experts = s->experts;
    double f[LAB_MOST_EXPERTS];
    memset(sums, 0, n * sizeof *sums);
    for (size_t j = 0; j < x->first[experts]; j++)
        sums[x->place[j]] += pull[j];
    loads(s, x, n, weights, f);
    for (size_t i = 0; i < n; i++) {
        const float *p = x->p + i * experts;
        double mean = mean_load(experts, f, p), by = balance * size_at(weights, i) * s->experts;
        for (size_t e = 0; e < experts; e++)
            d_z[i * experts + e] = (float)(by * (double)p[e] * (f[e] - mean));
    }
    for (size_t e = 0; e < experts; e++)
        for (size_t j = x->first[e]; j < x->first[e + 1]; j++)
            d_z[x->place[j] * experts + e] += pull[j] - x->share[j] * sums[x->place[j]];
}

void lab_experts_back(const struct lab_shape *s, const struct lab_layer *w,
                      const struct lab_experts *x, const struct lab_experts_room *room, size_t n,
                      const float *h, const float *d_out, const float *weights, double balance,
                      float *gradient, float *d_h)
{
    size_t c = s->width, hidden = s->hidden;
    memset(d_h, 0, n * c * sizeof *d_h);
    for (size_t e = 0; e < s->experts; e++) {
        size_t at = x->first[e], many = x->first[e + 1] - at, on = e * lab_expert_weights(s);
        const uint32_t *place = x->place + at;
        const float *product = x->product + at * hidden;
        gather(many, c, place, x->share + at, d_out, room->out);
        lab_apply_back(&x->down[e], many, product, room->out, gradient + w->down + on,
                       room->d_product, room->packed);
        for (size_t j = 0; j < many; j++) /* share x what a whole share would bring */
            room->pull[at + j] =
                lab_dot(room->d_product + j * hidden, product + j * hidden, hidden);
        lab_swiglu_back(many, hidden, x->gate_up_at + at * 2 * hidden, room->d_product,
                        room->d_gate_up);
        gather(many, c, place, NULL, h, room->in);
        lab_apply_back(&x->gate_up[e], many, room->in, room->d_gate_up, gradient + w->gate + on,
                       room->out, room->packed);
        scatter(many, c, place, NULL, room->out, d_h);
    }
    router_slopes(s, x, n, room->pull, weights, balance, room->in, room->d_z);
    lab_apply_back(&x->router, n, h, room->d_z, gradient + w->router, room->out, room->packed);
    add(n * c, room->out, d_h);
}

/* ---- memory ------------------------------------------------------------------------------ */

static struct lab_turned turned(enum lab_processor processor, size_t out, size_t in, bool back,
                                float *memory, size_t *at)
{
    struct lab_turned t = {.on = lab_packed_part(processor, in, out, memory, at)};
    if (back)
        t.back = lab_packed_part(processor, out, in, memory, at);
    return t;
}

size_t lab_experts_cut_up(const struct lab_shape *s, size_t n, enum lab_processor processor,
                          bool back, float *memory, size_t at, struct lab_experts *x)
{
    size_t c = s->width, hidden = s->hidden, rows = n * s->experts_per_token;
    x->router = turned(lab_processor_fastest(LAB_FLOAT32), s->experts, c, back, memory, &at);
    for (unsigned e = 0; e < s->experts; e++) {
        x->gate_up[e] = turned(processor, 2 * hidden, c, back, memory, &at);
        x->down[e] = turned(processor, c, hidden, back, memory, &at);
    }
    x->p = lab_part(memory, &at, n * s->experts);
    x->chosen = (uint32_t *)(void *)lab_part(memory, &at, rows);
    x->place = (uint32_t *)(void *)lab_part(memory, &at, rows);
    x->share = lab_part(memory, &at, rows);
    x->gate_up_at = lab_part(memory, &at, rows * 2 * hidden);
    x->product = lab_part(memory, &at, rows * hidden);
    return at;
}

void lab_experts_load(const struct lab_model *m, unsigned layer, bool back, struct lab_experts *x)
{
    const struct lab_layer *y = &m->layers[layer];
    lab_turned_load(&x->router, m->weights + y->router, back);
    for (unsigned e = 0; e < m->shape.experts; e++) {
        const float *first = m->weights + e * lab_expert_weights(&m->shape);
        lab_turned_load(&x->gate_up[e], first + y->gate, back);
        lab_turned_load(&x->down[e], first + y->down, back);
    }
}
