/* SPDX-License-Identifier: Apache-2.0 */
/* One step of each method. */
#include "lab/generate.h"
#include "lab/teach.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct room {
    bool *soft;         /* places */
    float *logits;      /* places x vocabulary, of the teacher */
    uint16_t *kept;     /* places x LAB_TOP_K */
    float *kept_p;      /* likewise */
    float *weights;     /* places */
    float *log_p, *his; /* places: the student's, another's */
};

bool lab_method_needs_teacher(enum lab_method method)
{
    return method == LAB_METHOD_TOP_K || method == LAB_METHOD_LOGITS ||
           method == LAB_METHOD_ON_POLICY;
}

bool lab_method_is_post_training(enum lab_method method)
{
    return method == LAB_METHOD_ON_POLICY || method == LAB_METHOD_PREFERENCES;
}

assay_status lab_lesson_start(struct lab_lesson *l, struct assay_error *error)
{
    const struct lab_shape *s = &l->trainer->model->shape;
    size_t n = l->rows * l->length;
    struct room *r = calloc(1, sizeof *r);
    l->room = r;
    l->tokens = calloc(l->rows * (l->length + 1), sizeof *l->tokens);
    l->taught = calloc(l->rows, sizeof *l->taught);
    l->worse = calloc(l->rows * (l->length + 1), sizeof *l->worse);
    l->tape = l->teacher_tape = l->before_tape = NULL;
    if (r)
        *r = (struct room){.soft = calloc(n, sizeof *r->soft),
                           .logits = malloc(n * s->vocabulary * sizeof *r->logits),
                           .kept = malloc(n * LAB_TOP_K * sizeof *r->kept),
                           .kept_p = malloc(n * LAB_TOP_K * sizeof *r->kept_p),
                           .weights = malloc(n * sizeof *r->weights),
                           .log_p = malloc(n * sizeof *r->log_p),
                           .his = malloc(n * sizeof *r->his)};
    bool good = r && l->tokens && l->taught && l->worse && r->soft && r->logits && r->kept &&
                r->kept_p && r->weights && r->log_p && r->his;
    assay_status status =
        good ? ASSAY_OK : assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    if (status == ASSAY_OK)
        status = lab_tape_new_in(l->precision, s, l->rows, l->length, &l->tape, error);
    if (status == ASSAY_OK && l->teacher)
        status = lab_tape_new_in(l->precision, &l->teacher->shape, l->rows, l->length,
                                 &l->teacher_tape, error);
    if (status == ASSAY_OK && l->before)
        status = lab_tape_new_in(l->precision, &l->before->shape, l->rows, l->length,
                                 &l->before_tape, error);
    if (status != ASSAY_OK)
        lab_lesson_end(l);
    return status;
}

void lab_lesson_end(struct lab_lesson *l)
{
    struct room *r = l->room;
    if (r) {
        free(r->soft);
        free(r->logits);
        free(r->kept);
        free(r->kept_p);
        free(r->weights);
        free(r->log_p);
        free(r->his);
    }
    free(r);
    free(l->tokens);
    free(l->taught);
    free(l->worse);
    lab_tape_free(l->tape);
    lab_tape_free(l->teacher_tape);
    lab_tape_free(l->before_tape);
    l->room = NULL;
    l->tokens = l->worse = NULL;
    l->taught = NULL;
    l->tape = l->teacher_tape = l->before_tape = NULL;
}

/* ---- towards probabilities ----------------------------------------------------------- */

/* The likeliest tokens of one place, and their probabilities. */
static void keep(const float *z, size_t vocabulary, uint16_t *kept, float *kept_p)
{
    double most = -INFINITY, sum = 0;
    for (size_t k = 0; k < vocabulary; k++)
        most = fmax(most, (double)z[k]);
    for (size_t k = 0; k < vocabulary; k++)
        sum += exp((double)z[k] - most);
    for (size_t i = 0; i < LAB_TOP_K; i++) {
        size_t best = vocabulary;
        for (size_t k = 0; k < vocabulary; k++) {
            bool taken = false;
            for (size_t j = 0; j < i; j++)
                taken = taken || kept[j] == k;
            if (!taken && (best == vocabulary || z[k] > z[best]))
                best = k;
        }
        kept[i] = (uint16_t)best;
        kept_p[i] = (float)(exp((double)z[best] - most) / sum);
    }
}

static double soft_step(struct lab_lesson *l)
{
    struct room *r = l->room;
    size_t vocabulary = l->teacher->shape.vocabulary;
    struct lab_goal goal = {.tokens = l->tokens, .soft = r->soft};
    bool any = false;
    for (size_t i = 0; i < l->rows * l->length; i++)
        any |= r->soft[i] = l->taught[i / l->length];
    if (!any)
        return lab_trainer_step(l->trainer, l->tape, l->tokens, NULL);
    lab_model_logits(l->teacher, l->teacher_tape, l->tokens, r->logits);
    if (l->method == LAB_METHOD_LOGITS) {
        goal.teacher_logits = r->logits;
        goal.temperature = LAB_TEMPERATURE;
        return lab_trainer_learn(l->trainer, l->tape, &goal, NULL);
    }
    for (size_t i = 0; i < l->rows * l->length; i++)
        if (r->soft[i])
            keep(r->logits + i * vocabulary, vocabulary, r->kept + i * LAB_TOP_K,
                 r->kept_p + i * LAB_TOP_K);
    goal.kept = LAB_TOP_K;
    goal.kept_tokens = r->kept;
    goal.kept_p = r->kept_p;
    return lab_trainer_learn(l->trainer, l->tape, &goal, NULL);
}

/* ---- by weights ---------------------------------------------------------------------- */

/* Returns the mean over places of the student's ln p less the teacher's: the divergence. */
static double on_policy_step(struct lab_lesson *l)
{
    struct room *r = l->room;
    size_t n = l->rows * l->length;
    double mean = 0;
    for (size_t i = 0; i < l->rows; i++)
        l->tokens[i * (l->length + 1)] = 0;
    /* cannot fail but for memory, and then the texts that are there are scored */
    if (lab_generate(l->trainer->model, l->rows, l->length + 1, 1, l->random, l->tokens, NULL) !=
        ASSAY_OK)
        return NAN;
    lab_model_loss(l->teacher, l->teacher_tape, l->tokens, NULL, r->his, NULL);
    lab_model_loss(l->trainer->model, l->tape, l->tokens, NULL, r->log_p, NULL);
    for (size_t i = 0; i < n; i++)
        mean += ((double)r->his[i] - (double)r->log_p[i]) / (double)n;
    for (size_t i = 0; i < n; i++)
        r->weights[i] = r->his[i] - r->log_p[i] - (float)mean;
    struct lab_goal goal = {.tokens = l->tokens, .weights = r->weights, .total = (double)n};
    lab_trainer_learn(l->trainer, l->tape, &goal, NULL);
    return -mean;
}

static double sum_of(const float *values, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)values[i];
    return sum;
}

/* margins[row] += sign x beta x (the student's ln p of the row less that before). */
static void add_margins(struct lab_lesson *l, const uint16_t *tokens, double sign, double *margins)
{
    struct room *r = l->room;
    lab_model_loss(l->trainer->model, l->tape, tokens, NULL, r->log_p, NULL);
    lab_model_loss(l->before, l->before_tape, tokens, NULL, r->his, NULL);
    for (size_t i = 0; i < l->rows; i++)
        margins[i] += sign * (double)LAB_BETA *
                      (sum_of(r->log_p + i * l->length, l->length) -
                       sum_of(r->his + i * l->length, l->length));
}

static double preference_step(struct lab_lesson *l)
{
    struct room *r = l->room;
    struct lab_model *m = l->trainer->model;
    double margins[256] = {0}, loss = 0; /* a design has at most 256 rows */
    size_t n = l->rows * l->length;
    add_margins(l, l->tokens, 1, margins);
    add_margins(l, l->worse, -1, margins);
    for (int side = 0; side < 2; side++) {
        for (size_t i = 0; i < n; i++) {
            double pull = (double)LAB_BETA / (1 + exp(margins[i / l->length]));
            r->weights[i] = (float)(side == 0 ? pull : -pull);
        }
        struct lab_goal goal = {.tokens = side == 0 ? l->tokens : l->worse,
                                .weights = r->weights,
                                .total = (double)l->rows,
                                .balance = l->trainer->schedule.balance};
        lab_model_learn(m, l->tape, &goal, NULL, l->trainer->gradient);
    }
    lab_trainer_apply(l->trainer);
    for (size_t i = 0; i < l->rows; i++)
        loss += log1p(exp(-margins[i])) / (double)l->rows;
    return loss;
}

double lab_lesson_step(struct lab_lesson *l)
{
    bool any = false;
    for (size_t i = 0; i < l->rows; i++)
        any |= l->taught[i];
    if (any && l->method == LAB_METHOD_ON_POLICY)
        return on_policy_step(l);
    if (any && l->method == LAB_METHOD_PREFERENCES)
        return preference_step(l);
    if (any && (l->method == LAB_METHOD_TOP_K || l->method == LAB_METHOD_LOGITS))
        return soft_step(l);
    return lab_trainer_step(l->trainer, l->tape, l->tokens, NULL);
}
