/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/train.h"

#include "base/pages.h"
#include "lab/layout.h"
#include "lab/maths.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BETA1 0.9
#define BETA2 0.95
#define TINY 1e-8
#define LEAST_RATE 0.1 /* of the highest, at the end */
#define PI 3.14159265358979323846

struct lab_schedule lab_schedule_default(void)
{
    return (struct lab_schedule){.rate = 0.001, .decay = 0.1, .clip = 1, .balance = 0.01};
}

static float *zeros(size_t n)
{
    float *x = calloc(n, sizeof *x);
    base_pages_large(x, n * sizeof *x);
    return x;
}

assay_status lab_trainer_new(struct lab_model *model, const struct lab_schedule *schedule,
                             struct lab_trainer *t, struct assay_error *error)
{
    *t = (struct lab_trainer){.model = model, .schedule = *schedule};
    t->gradient = zeros(model->count);
    t->first = zeros(model->count);
    t->second = zeros(model->count);
    if (t->gradient && t->first && t->second)
        return ASSAY_OK;
    lab_trainer_free(t);
    return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

void lab_trainer_free(struct lab_trainer *t)
{
    free(t->gradient);
    free(t->first);
    free(t->second);
    *t = (struct lab_trainer){.model = NULL};
}

double lab_schedule_rate(const struct lab_schedule *s, unsigned step)
{
    if (step < s->warmup)
        return s->rate * (step + 1) / s->warmup;
    if (s->cooldown > 0) {
        double left = ((double)s->steps - step) / (s->cooldown * s->steps);
        return s->rate * fmax(0, fmin(1, left));
    }
    double done =
        s->steps > s->warmup ? (double)(step - s->warmup) / (double)(s->steps - s->warmup) : 1;
    done = done < 1 ? done : 1;
    return s->rate * (LEAST_RATE + (1 - LEAST_RATE) * (1 + cos(PI * done)) / 2);
}

LAB_CLONES static void update(struct lab_trainer *t, size_t start, size_t n, double scale,
                              double decay)
{
    double rate = lab_schedule_rate(&t->schedule, t->step);
    float even1 = (float)(1 / (1 - pow(BETA1, t->step + 1)));
    float even2 = (float)(1 / (1 - pow(BETA2, t->step + 1)));
    float shrink = (float)(1 - rate * decay), by = (float)rate;
    for (size_t i = start; i < start + n; i++) {
        float g = t->gradient[i] * (float)scale;
        t->first[i] = (float)BETA1 * t->first[i] + (float)(1 - BETA1) * g;
        t->second[i] = (float)BETA2 * t->second[i] + (float)(1 - BETA2) * g * g;
        float step = t->first[i] * even1 / (sqrtf(t->second[i] * even2) + (float)TINY);
        t->model->weights[i] = t->model->weights[i] * shrink - by * step;
    }
}

/* The sum of squares. */
LAB_CLONES static double square_of(const float *x, size_t n)
{
    double lanes[8] = {0}, sum = 0;
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (size_t l = 0; l < 8; l++)
            lanes[l] += (double)x[i + l] * (double)x[i + l];
    for (size_t l = 0; i + l < n; l++)
        lanes[l] += (double)x[i + l] * (double)x[i + l];
    for (size_t l = 0; l < 8; l++)
        sum += lanes[l];
    return sum;
}

void lab_trainer_apply(struct lab_trainer *t)
{
    const struct lab_model *m = t->model;
    const struct lab_shape *s = &m->shape;
    size_t c = s->width, at = 0;
    double square = square_of(t->gradient, m->count), scale = 1;
    if (t->schedule.clip > 0 && sqrt(square) > t->schedule.clip)
        scale = t->schedule.clip / sqrt(square);
    at = s->vocabulary * c; /* the embedding, then layers with two norms each, the last norm */
    update(t, 0, at, scale, 0);
    for (unsigned l = 0; l < s->layers; l++) {
        const struct lab_layer *y = &m->layers[l];
        update(t, y->norm1, c, scale, 0);
        update(t, y->q, y->norm2 - y->q, scale, t->schedule.decay);
        update(t, y->norm2, c, scale, 0);
        update(t, y->router, s->experts * c + lab_expert_count(s) * lab_expert_weights(s), scale,
               t->schedule.decay);
    }
    update(t, m->norm, c, scale, 0);
    if (!s->tied)
        update(t, m->head, s->vocabulary * c, scale, t->schedule.decay);
    memset(t->gradient, 0, m->count * sizeof *t->gradient);
    t->step++;
}

double lab_trainer_learn(struct lab_trainer *t, struct lab_tape *tape, const struct lab_goal *goal,
                         float *log_p)
{
    struct lab_goal balanced = *goal;
    balanced.balance = t->schedule.balance;
    double loss = lab_model_learn(t->model, tape, &balanced, log_p, t->gradient);
    lab_trainer_apply(t);
    return loss;
}

double lab_trainer_step(struct lab_trainer *t, struct lab_tape *tape, const uint16_t *tokens,
                        const bool *counts)
{
    const struct lab_goal goal = lab_tape_goal(tape, tokens, counts);
    return lab_trainer_learn(t, tape, &goal, NULL);
}
