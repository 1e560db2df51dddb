/* SPDX-License-Identifier: Apache-2.0 */
/* The lab's transformer with experts: where places go, what comes of it, its gradient, its balance.
 */
#include "lab/experts.h"
#include "lab/generate.h"
#include "lab/layout.h"
#include "lab/tape.h"
#include "lab/train.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROWS 3
#define LENGTH 9
#define V 23
#define MOST_WEIGHTS 40000

static const struct lab_shape small = {.vocabulary = V,
                                       .width = 16,
                                       .layers = 2,
                                       .heads = 4,
                                       .kv_heads = 2,
                                       .hidden = 24,
                                       .context = 140,
                                       .experts = 4,
                                       .experts_per_token = 2};

static void draw_tokens(uint64_t seed, size_t n, uint16_t *tokens)
{
    struct assay_random random;
    assay_random_start(&random, seed, 1);
    for (size_t i = 0; i < n; i++)
        tokens[i] = (uint16_t)assay_random_below(&random, V);
}

static void make(const struct lab_shape *shape, size_t rows, size_t length, struct lab_model *m,
                 struct lab_tape **tape)
{
    struct assay_error error = {.message = ""};
    if (lab_model_new(shape, 7, m, &error) != ASSAY_OK ||
        lab_tape_new(shape, rows, length, tape, &error) != ASSAY_OK)
        fail_msg("%s", error.message);
    assert_true(m->count <= MOST_WEIGHTS);
}

#define MOST_PLACES ((size_t)2 * ROWS * LENGTH) /* of all layers */

/* The experts that each place of the last pass went to, as bits, layer by layer. */
static void choices(const struct lab_shape *s, const struct lab_tape *t, uint64_t *to)
{
    size_t n = ROWS * LENGTH, slots = s->experts_per_token;
    memset(to, 0, MOST_PLACES * sizeof *to);
    for (size_t i = 0; i < s->layers * n * slots; i++)
        to[i / slots] |= (uint64_t)1 << t->layers[i / slots / n].experts.chosen[i % (n * slots)];
}

/* How near any place of the last pass was to going elsewhere, in nats. */
static double narrowest(const struct lab_shape *s, const struct lab_tape *t)
{
    double gap = INFINITY;
    uint64_t to[MOST_PLACES];
    choices(s, t, to);
    for (size_t i = 0; i < MOST_PLACES; i++) {
        const float *p =
            t->layers[i / (ROWS * LENGTH)].experts.p + i % (ROWS * LENGTH) * s->experts;
        double in = INFINITY, out = -INFINITY;
        for (unsigned e = 0; e < s->experts; e++)
            if (to[i] >> e & 1)
                in = fmin(in, log((double)p[e]));
            else
                out = fmax(out, log((double)p[e]));
        gap = fmin(gap, in - out);
    }
    return gap;
}

/* Texts on which no place is near to going elsewhere: the loss has a jump there. */
static void draw_clear_texts(const struct lab_shape *s, uint16_t *tokens)
{
    struct lab_model m;
    struct lab_tape *t;
    double widest = -1;
    uint64_t best = 0;
    make(s, ROWS, LENGTH, &m, &t);
    for (uint64_t seed = 1; seed <= 400; seed++) {
        draw_tokens(seed, (size_t)ROWS * (LENGTH + 1), tokens);
        lab_model_loss(&m, t, tokens, NULL, NULL, NULL);
        double gap = narrowest(s, t);
        if (gap > widest) {
            widest = gap;
            best = seed;
        }
    }
    draw_tokens(best, (size_t)ROWS * (LENGTH + 1), tokens);
    lab_tape_free(t);
    lab_model_free(&m);
}

/* What is learnt: the loss and the balance, which the goal weighs. */
static double aim(const struct lab_model *m, struct lab_tape *t, const struct lab_goal *goal)
{
    double loss = lab_model_learn(m, t, goal, NULL, NULL);
    return loss + goal->balance * lab_tape_balance(t);
}

/* The slope along `direction` of n weights by central differences of two steps, extrapolated; steps
 * so short that every place still goes to the same experts, for there the loss has a jump. */
static double slope_along(struct lab_model *m, struct lab_tape *t, const struct lab_goal *goal,
                          size_t at, size_t n, const float *direction, double length)
{
    static float kept[MOST_WEIGHTS];
    uint64_t before[MOST_PLACES], after[MOST_PLACES];
    memcpy(kept, m->weights, m->count * sizeof *kept);
    aim(m, t, goal);
    choices(&m->shape, t, before);
    double slope[2];
    for (double step = 0.04; step > 0.002; step /= 2) {
        bool same = true;
        for (int k = 0; k < 2; k++) {
            double by = step / (k + 1), side[2];
            for (int s = 0; s < 2; s++) {
                for (size_t i = 0; i < n; i++)
                    m->weights[at + i] =
                        kept[at + i] + (float)((s ? by : -by) * (double)direction[i] / length);
                side[s] = aim(m, t, goal);
                choices(&m->shape, t, after);
                same = same && memcmp(before, after, sizeof before) == 0;
            }
            slope[k] = (side[1] - side[0]) / (2 * by);
        }
        memcpy(m->weights, kept, m->count * sizeof *kept);
        if (same)
            return (4 * slope[1] - slope[0]) / 3;
    }
    fail_msg("places go elsewhere at the shortest step");
    return 0;
}

static void check_tensor(struct lab_model *m, struct lab_tape *t, const struct lab_goal *goal,
                         const float *gradient, const char *name, size_t at, size_t n)
{
    double length = 0;
    for (size_t i = at; i < at + n; i++)
        length += (double)gradient[i] * (double)gradient[i];
    length = sqrt(length);
    assert_true(length > 0);
    double found = slope_along(m, t, goal, at, n, gradient + at, length);
    if (fabs(found - length) > 1e-4 * fmax(length, 0.05))
        fail_msg("%s: gradient %.8g, by differences %.8g", name, length, found);
}

/* Every tensor, the router's and each expert's by themselves. */
static void check_gradient(const struct lab_shape *s, const struct lab_goal *goal)
{
    struct lab_model m;
    struct lab_tape *t;
    static float gradient[MOST_WEIGHTS];
    size_t c = s->width, kv = lab_kv_width(s), part = s->hidden * c;
    make(s, ROWS, LENGTH, &m, &t);
    memset(gradient, 0, sizeof gradient);
    lab_model_learn(&m, t, goal, NULL, gradient);
    check_tensor(&m, t, goal, gradient, "embedding", m.embedding, s->vocabulary * c);
    for (unsigned l = 0; l < s->layers; l++) {
        const struct lab_layer *y = &m.layers[l];
        check_tensor(&m, t, goal, gradient, "norm1", y->norm1, c);
        check_tensor(&m, t, goal, gradient, "q", y->q, c * c);
        check_tensor(&m, t, goal, gradient, "k", y->k, kv * c);
        check_tensor(&m, t, goal, gradient, "v", y->v, kv * c);
        check_tensor(&m, t, goal, gradient, "o", y->o, c * c);
        check_tensor(&m, t, goal, gradient, "norm2", y->norm2, c);
        check_tensor(&m, t, goal, gradient, "router", y->router, s->experts * c);
        for (unsigned e = 0; e < s->experts; e++) {
            size_t on = e * lab_expert_weights(s);
            check_tensor(&m, t, goal, gradient, "gate", y->gate + on, part);
            check_tensor(&m, t, goal, gradient, "up", y->up + on, part);
            check_tensor(&m, t, goal, gradient, "down", y->down + on, part);
        }
    }
    check_tensor(&m, t, goal, gradient, "last norm", m.norm, c);
    lab_tape_free(t);
    lab_model_free(&m);
}

static void the_gradient_is_that_of_finite_differences(void **state)
{
    (void)state;
    uint16_t tokens[ROWS * (LENGTH + 1)];
    for (unsigned k = 1; k <= 4; k++) {
        struct lab_shape shape = small;
        shape.experts_per_token = k;
        shape.tied = k == 2;
        draw_clear_texts(&shape, tokens);
        /* one expert alone has all of a place: nothing pulls at the router but the balance */
        const struct lab_goal goal = {.tokens = tokens, .balance = 0.5};
        check_gradient(&shape, &goal);
    }
    draw_clear_texts(&small, tokens);
    const struct lab_goal alone = {.tokens = tokens};
    check_gradient(&small, &alone);
}

static void so_it_is_with_weights_of_either_sign(void **state)
{
    (void)state;
    uint16_t tokens[ROWS * (LENGTH + 1)];
    float weights[ROWS * LENGTH];
    struct assay_random random;
    double sizes = 0;
    draw_clear_texts(&small, tokens);
    assay_random_start(&random, 21, 0);
    for (size_t i = 0; i < (size_t)ROWS * LENGTH; i++) {
        weights[i] = i % 4 == 1 ? 0 : (float)assay_random_normal(&random);
        sizes += fabs((double)weights[i]);
    }
    const struct lab_goal goal = {
        .tokens = tokens, .weights = weights, .total = sizes, .balance = 0.5};
    check_gradient(&small, &goal);
}

/* Experts that are all the same, whatever the router thinks of them, are one SwiGLU. */
static void experts_that_are_alike_are_one(void **state)
{
    (void)state;
    struct lab_shape plain = small;
    struct lab_model m, dense;
    struct lab_tape *t, *one;
    uint16_t tokens[ROWS * (LENGTH + 1)];
    float first[ROWS * LENGTH], second[ROWS * LENGTH];
    plain.experts = plain.experts_per_token = 0;
    draw_tokens(7, sizeof tokens / sizeof tokens[0], tokens);
    make(&small, ROWS, LENGTH, &m, &t);
    make(&plain, ROWS, LENGTH, &dense, &one);
    memcpy(m.weights, dense.weights, dense.layers[0].norm1 * sizeof *m.weights);
    memcpy(m.weights + m.head, dense.weights + dense.head, V * 16 * sizeof *m.weights);
    for (unsigned l = 0; l < small.layers; l++) {
        const struct lab_layer *to = &m.layers[l], *from = &dense.layers[l];
        memcpy(m.weights + to->norm1, dense.weights + from->norm1,
               (from->gate - from->norm1) * sizeof *m.weights);
        for (unsigned e = 0; e < small.experts; e++)
            memcpy(m.weights + to->gate + e * lab_expert_weights(&small),
                   dense.weights + from->gate, lab_expert_weights(&small) * sizeof *m.weights);
    }
    double a = lab_model_loss(&m, t, tokens, NULL, first, NULL);
    double b = lab_model_loss(&dense, one, tokens, NULL, second, NULL);
    assert_float_equal(a, b, 1e-6);
    for (size_t i = 0; i < (size_t)ROWS * LENGTH; i++)
        assert_float_equal(first[i], second[i], 1e-5);
    assert_true(lab_tape_balance(t) > 0 && lab_tape_balance(one) == 0);
    lab_tape_free(t);
    lab_tape_free(one);
    lab_model_free(&m);
    lab_model_free(&dense);
}

/* A router that knows no difference is even; one that always wants the same expert is as uneven
 * as can be; of experts as likely the first are taken. */
static void the_balance_is_one_where_all_are_alike_and_their_number_where_one_has_all(void **state)
{
    (void)state;
    struct lab_shape shape = small;
    struct lab_model m;
    struct lab_tape *t;
    uint16_t tokens[ROWS * (LENGTH + 1)];
    shape.layers = 1;
    draw_tokens(8, sizeof tokens / sizeof tokens[0], tokens);
    for (unsigned k = 1; k <= 2; k++) {
        shape.experts_per_token = k;
        make(&shape, ROWS, LENGTH, &m, &t);
        memset(m.weights + m.layers[0].router, 0, 4 * 16 * sizeof *m.weights);
        lab_model_loss(&m, t, tokens, NULL, NULL, NULL);
        assert_float_equal(lab_tape_balance(t), 1, 1e-6);
        for (size_t i = 0; i < (size_t)ROWS * LENGTH * k; i++) {
            assert_int_equal(t->layers[0].experts.chosen[i], i % k);
            assert_float_equal(t->layers[0].experts.share[i], 1.0 / k, 1e-6);
        }
        lab_tape_free(t);
        lab_model_free(&m);
    }
    shape.experts_per_token = 1;
    make(&shape, ROWS, LENGTH, &m, &t);
    /* norms with one gain alone: every place has the same direction, up to its sign */
    memset(m.weights + m.layers[0].norm2, 0, 16 * sizeof *m.weights);
    m.weights[m.layers[0].norm2] = 1;
    memset(m.weights + m.layers[0].router, 0, 4 * 16 * sizeof *m.weights);
    m.weights[m.layers[0].router + 2 * 16] = 1000;
    m.weights[m.layers[0].router + 1 * 16] = -1000;
    lab_model_loss(&m, t, tokens, NULL, NULL, NULL);
    double up = 0, n = ROWS * LENGTH;
    for (size_t i = 0; i < (size_t)ROWS * LENGTH; i++) {
        uint32_t to = t->layers[0].experts.chosen[i];
        assert_true(to == 1 || to == 2);
        up += to == 2;
    }
    double expected = 4 * (up * up + (n - up) * (n - up)) / (n * n);
    assert_float_equal(lab_tape_balance(t), expected, 1e-3);
    lab_tape_free(t);
    lab_model_free(&m);
}

/* Texts longer than what goes through at once, and alone. */
static void a_place_goes_its_way_whatever_goes_beside_it(void **state)
{
    (void)state;
    enum { R = 6, L = 130 };
    struct lab_model m;
    struct lab_tape *all, *one;
    static uint16_t tokens[R * (L + 1)];
    static float first[MOST_WEIGHTS], second[MOST_WEIGHTS], log_p[R * L], apart[L];
    draw_tokens(9, sizeof tokens / sizeof tokens[0], tokens);
    make(&small, R, L, &m, &all);
    assert_int_equal(lab_tape_new(&small, 1, L, &one, NULL), ASSAY_OK);
    memset(first, 0, sizeof first);
    memset(second, 0, sizeof second);
    struct lab_goal goal = {.tokens = tokens, .total = R * L};
    double loss = lab_model_learn(&m, all, &goal, log_p, first), sum = 0;
    for (size_t r = 0; r < R; r++) {
        goal.tokens = tokens + r * (L + 1);
        sum += lab_model_learn(&m, one, &goal, apart, second);
        assert_memory_equal(apart, log_p + r * L, sizeof apart);
    }
    assert_float_equal(loss, sum, 1e-6);
    for (size_t i = 0; i < m.count; i++)
        assert_float_equal(first[i], second[i], 1e-6);
    lab_tape_free(all);
    lab_tape_free(one);
    lab_model_free(&m);
}

/* Token k + 1 follows k. Returns the balance at the end. */
static double learn_to_count(double balance, struct lab_model *m, struct lab_tape *t, double *last)
{
    struct lab_trainer trainer;
    struct assay_random random;
    uint16_t tokens[ROWS * (LENGTH + 1)];
    const struct lab_schedule schedule = {
        .steps = 150, .warmup = 10, .rate = 0.01, .clip = 1, .balance = balance};
    double mean = 0;
    *last = 0;
    assert_int_equal(lab_trainer_new(m, &schedule, &trainer, NULL), ASSAY_OK);
    assay_random_start(&random, 8, 0);
    for (unsigned i = 0; i < schedule.steps; i++) {
        for (size_t r = 0; r < ROWS; r++) {
            size_t start = assay_random_below(&random, V);
            for (size_t p = 0; p <= LENGTH; p++)
                tokens[r * (LENGTH + 1) + p] = (uint16_t)((start + p) % V);
        }
        double loss = lab_trainer_step(&trainer, t, tokens, NULL);
        *last += i >= 130 ? loss / 20 : 0;
        mean += i >= 130 ? lab_tape_balance(t) / 20 : 0;
    }
    lab_trainer_free(&trainer);
    return mean;
}

static void training_learns_and_its_balance_evens_the_load(void **state)
{
    (void)state;
    struct lab_model m;
    struct lab_tape *t;
    struct assay_random random;
    double even, free_of_it, last;
    make(&small, ROWS, LENGTH, &m, &t);
    free_of_it = learn_to_count(0, &m, t, &last);
    assert_true(last < 0.05);
    lab_model_free(&m);
    lab_tape_free(t);
    make(&small, ROWS, LENGTH, &m, &t);
    even = learn_to_count(0.1, &m, t, &last);
    assert_true(last < 0.05);
    assert_true(even < 1.05 && even < free_of_it);
    /* cold, it says what a whole pass finds likeliest, place by place */
    uint16_t text[ROWS * (LENGTH + 1)] = {0};
    float log_p[ROWS * LENGTH];
    for (int r = 0; r < ROWS; r++)
        text[r * (LENGTH + 1)] = (uint16_t)(7 + r);
    assay_random_start(&random, 3, 0);
    assert_int_equal(lab_generate(&m, ROWS, LENGTH + 1, 0.02, &random, text, NULL), ASSAY_OK);
    lab_model_loss(&m, t, text, NULL, log_p, NULL);
    for (int r = 0; r < ROWS; r++)
        for (int p = 0; p < LENGTH; p++) {
            assert_int_equal(text[r * (LENGTH + 1) + p + 1], (text[r * (LENGTH + 1) + p] + 1) % V);
            assert_true(log_p[r * LENGTH + p] > logf(0.5f));
        }
    lab_tape_free(t);
    lab_model_free(&m);
}

static void products_in_bfloat16_lose_little(void **state)
{
    (void)state;
    struct lab_model m;
    struct lab_tape *t, *half;
    uint16_t tokens[ROWS * (LENGTH + 1)];
    static float first[MOST_WEIGHTS], second[MOST_WEIGHTS];
    double dot = 0, one = 0, other = 0;
    draw_tokens(5, sizeof tokens / sizeof tokens[0], tokens);
    make(&small, ROWS, LENGTH, &m, &t);
    assert_int_equal(lab_tape_new_in(LAB_BFLOAT16, &small, ROWS, LENGTH, &half, NULL), ASSAY_OK);
    memset(first, 0, sizeof first);
    memset(second, 0, sizeof second);
    double loss = lab_model_loss(&m, t, tokens, NULL, NULL, first);
    double rough = lab_model_loss(&m, half, tokens, NULL, NULL, second);
    assert_true(loss != rough && fabs(loss - rough) < 0.02 * loss);
    for (size_t i = 0; i < m.count; i++) {
        dot += (double)first[i] * (double)second[i];
        one += (double)first[i] * (double)first[i];
        other += (double)second[i] * (double)second[i];
    }
    assert_true(dot / sqrt(one * other) > 0.99);
    lab_tape_free(t);
    lab_tape_free(half);
    lab_model_free(&m);
}

static void impossible_numbers_of_experts_are_refused(void **state)
{
    (void)state;
    struct lab_model m;
    struct assay_error error = {.message = ""};
    struct lab_shape bad[5] = {small, small, small, small, small};
    bad[0].experts = 1;
    bad[1].experts = 65;
    bad[2].experts_per_token = 0;
    bad[3].experts_per_token = 5;
    bad[4].experts = 0;
    for (int i = 0; i < 5; i++)
        assert_int_equal(lab_model_new(&bad[i], 1, &m, &error), ASSAY_ERROR_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_gradient_is_that_of_finite_differences),
        cmocka_unit_test(so_it_is_with_weights_of_either_sign),
        cmocka_unit_test(experts_that_are_alike_are_one),
        cmocka_unit_test(the_balance_is_one_where_all_are_alike_and_their_number_where_one_has_all),
        cmocka_unit_test(a_place_goes_its_way_whatever_goes_beside_it),
        cmocka_unit_test(training_learns_and_its_balance_evens_the_load),
        cmocka_unit_test(products_in_bfloat16_lose_little),
        cmocka_unit_test(impossible_numbers_of_experts_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
