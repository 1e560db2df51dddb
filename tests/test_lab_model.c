/* SPDX-License-Identifier: Apache-2.0 */
/* The lab's transformer: its gradient, its products, and that it learns. */
#include "lab/generate.h"
#include "lab/model.h"
#include "lab/products.h"
#include "lab/train.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct lab_shape small = {.vocabulary = 23,
                                       .width = 16,
                                       .layers = 2,
                                       .heads = 4,
                                       .kv_heads = 2,
                                       .hidden = 24,
                                       .context = 12,
                                       .tied = false};

#define ROWS 3
#define LENGTH 9

static void draw_tokens(uint64_t seed, unsigned vocabulary, size_t n, uint16_t *tokens)
{
    struct assay_random random;
    assay_random_start(&random, seed, 1);
    for (size_t i = 0; i < n; i++)
        tokens[i] = (uint16_t)assay_random_below(&random, vocabulary);
}

static void make(const struct lab_shape *shape, struct lab_model *m, struct lab_tape **tape)
{
    struct assay_error error = {.message = ""};
    if (lab_model_new(shape, 7, m, &error) != ASSAY_OK ||
        lab_tape_new(shape, ROWS, LENGTH, tape, &error) != ASSAY_OK)
        fail_msg("%s", error.message);
}

static void products_are_those_of_the_definition(void **state)
{
    (void)state;
    enum { N = 13, K = 71, M = 530 };
    static float a[N * K], at[K * N], b[K * M], c[N * M], d[N * M];
    struct assay_random random;
    assay_random_start(&random, 3, 0);
    for (size_t i = 0; i < (size_t)N * K; i++)
        a[i] = (float)assay_random_normal(&random);
    for (size_t i = 0; i < (size_t)K * M; i++)
        b[i] = (float)assay_random_normal(&random);
    lab_multiply(N, K, M, a, b, c);
    lab_transpose(N, K, a, at);
    lab_multiply_transposed(K, N, M, at, b, d);
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < M; j++) {
            double sum = 0;
            for (size_t k = 0; k < K; k++)
                sum += (double)a[i * K + k] * (double)b[k * M + j];
            assert_float_equal(c[i * M + j], sum, 1e-4);
        }
    assert_memory_equal(c, d, sizeof c); /* the same sums in the same order */
}

/* Along the gradient of each tensor, by central differences of two steps, extrapolated. */
static void check_gradient(const struct lab_shape *shape)
{
    struct lab_model m;
    struct lab_tape *tape;
    uint16_t tokens[ROWS * (LENGTH + 1)];
    bool counts[ROWS * LENGTH];
    make(shape, &m, &tape);
    draw_tokens(5, shape->vocabulary, sizeof tokens / sizeof tokens[0], tokens);
    for (size_t i = 0; i < sizeof counts; i++)
        counts[i] = i % 4 != 1;
    float *gradient = calloc(m.count, sizeof *gradient);
    float *kept = malloc(m.count * sizeof *kept);
    memcpy(kept, m.weights, m.count * sizeof *kept);
    lab_model_loss(&m, tape, tokens, counts, NULL, gradient);
    const struct lab_layer *y = &m.layers[1];
    const size_t starts[] = {m.embedding,
                             m.layers[0].norm1,
                             m.layers[0].q,
                             m.layers[0].k,
                             m.layers[0].v,
                             m.layers[0].o,
                             m.layers[0].norm2,
                             m.layers[0].gate,
                             m.layers[0].up,
                             m.layers[0].down,
                             y->norm1,
                             y->q,
                             y->k,
                             y->v,
                             y->o,
                             y->norm2,
                             y->gate,
                             y->up,
                             y->down,
                             m.norm,
                             m.count};
    for (size_t t = 0; t + 1 < sizeof starts / sizeof starts[0]; t++) {
        double length = 0, slope[2];
        for (size_t i = starts[t]; i < starts[t + 1]; i++)
            length += (double)gradient[i] * (double)gradient[i];
        length = sqrt(length);
        for (int k = 0; k < 2; k++) {
            double step = (k ? 0.02 : 0.04), loss[2];
            for (int side = 0; side < 2; side++) {
                for (size_t i = starts[t]; i < starts[t + 1]; i++)
                    m.weights[i] =
                        kept[i] + (float)((side ? step : -step) * (double)gradient[i] / length);
                loss[side] = lab_model_loss(&m, tape, tokens, counts, NULL, NULL);
            }
            slope[k] = (loss[1] - loss[0]) / (2 * step);
        }
        memcpy(m.weights, kept, m.count * sizeof *kept);
        double found = (4 * slope[1] - slope[0]) / 3;
        if (fabs(found - length) > 1e-4 * fmax(length, 0.05))
            fail_msg("tensor %zu: gradient %.8g, by differences %.8g", t, length, found);
    }
    free(gradient);
    free(kept);
    lab_tape_free(tape);
    lab_model_free(&m);
}

static void the_gradient_is_that_of_finite_differences(void **state)
{
    (void)state;
    struct lab_shape tied = small;
    tied.tied = true;
    check_gradient(&small);
    check_gradient(&tied);
}

static void what_comes_later_does_not_change_what_came_before(void **state)
{
    (void)state;
    struct lab_model m;
    struct lab_tape *tape;
    uint16_t tokens[ROWS * (LENGTH + 1)];
    float before[ROWS * LENGTH], after[ROWS * LENGTH];
    make(&small, &m, &tape);
    draw_tokens(5, small.vocabulary, sizeof tokens / sizeof tokens[0], tokens);
    double loss = lab_model_loss(&m, tape, tokens, NULL, before, NULL);
    double mean = 0;
    for (size_t i = 0; i < (size_t)ROWS * LENGTH; i++)
        mean -= (double)before[i] / (ROWS * LENGTH);
    assert_float_equal(loss, mean, 1e-6);
    tokens[LENGTH] = (uint16_t)((tokens[LENGTH] + 1) % small.vocabulary); /* the first row's last */
    lab_model_loss(&m, tape, tokens, NULL, after, NULL);
    assert_memory_equal(before, after, (LENGTH - 1) * sizeof *before);
    assert_true(before[LENGTH - 1] != after[LENGTH - 1]);
    assert_memory_equal(before + LENGTH, after + LENGTH, (ROWS - 1) * LENGTH * sizeof *before);
    lab_tape_free(tape);
    lab_model_free(&m);
}

static void probabilities_of_all_tokens_sum_to_one(void **state)
{
    (void)state;
    struct lab_model m;
    struct lab_tape *tape;
    uint16_t tokens[ROWS * (LENGTH + 1)];
    float log_p[ROWS * LENGTH];
    double sum = 0;
    make(&small, &m, &tape);
    draw_tokens(6, small.vocabulary, sizeof tokens / sizeof tokens[0], tokens);
    for (unsigned k = 0; k < small.vocabulary; k++) {
        tokens[LENGTH] = (uint16_t)k;
        lab_model_loss(&m, tape, tokens, NULL, log_p, NULL);
        sum += exp((double)log_p[LENGTH - 1]);
    }
    assert_float_equal(sum, 1, 1e-5);
    lab_tape_free(tape);
    lab_model_free(&m);
}

/* Token k + 1 follows k, but for the one that may be followed by either of two. */
static void write_pattern(struct assay_random *random, size_t rows, size_t length, uint16_t *tokens)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t p = 0; p < length; p++) {
            uint16_t before = p ? tokens[r * length + p - 1] : 0;
            tokens[r * length + p] = (uint16_t)(p == 0        ? assay_random_below(random, 20)
                                                : before == 5 ? 6 + assay_random_below(random, 2)
                                                              : (before + 1u) % 20);
        }
}

static void training_learns_a_pattern_down_to_its_entropy(void **state)
{
    (void)state;
    struct lab_model m;
    struct lab_tape *tape;
    struct lab_trainer t;
    struct assay_random random;
    struct assay_error error = {.message = ""};
    const struct lab_schedule schedule = {.steps = 150, .warmup = 10, .rate = 0.01, .clip = 1};
    uint16_t tokens[ROWS * (LENGTH + 1)];
    double first = 0, last = 0;
    make(&small, &m, &tape);
    assert_int_equal(lab_trainer_new(&m, &schedule, &t, &error), ASSAY_OK);
    assay_random_start(&random, 8, 0);
    for (unsigned i = 0; i < schedule.steps; i++) {
        write_pattern(&random, ROWS, LENGTH + 1, tokens);
        double loss = lab_trainer_step(&t, tape, tokens, NULL);
        first = i == 0 ? loss : first;
        last += i >= 130 ? loss / 20 : 0;
    }
    assert_true(first > 2.5 && last < 0.15); /* ln 2 in twenty, and in a few firsts */
    /* cold, it says what a whole pass finds likeliest, place by place */
    uint16_t text[ROWS * (LENGTH + 1)] = {0};
    float log_p[ROWS * LENGTH];
    for (int r = 0; r < ROWS; r++)
        text[r * (LENGTH + 1)] = (uint16_t)(7 + r);
    assert_int_equal(lab_generate(&m, ROWS, LENGTH + 1, 0.02, &random, text, &error), ASSAY_OK);
    lab_model_loss(&m, tape, text, NULL, log_p, NULL);
    for (int r = 0; r < ROWS; r++)
        for (int p = 0; p < LENGTH; p++) {
            assert_int_equal(text[r * (LENGTH + 1) + p + 1], (text[r * (LENGTH + 1) + p] + 1) % 20);
            assert_true(log_p[r * LENGTH + p] > logf(0.5f));
        }
    assert_int_equal(lab_generate(&m, 1, small.context + 1, 1, &random, text, &error),
                     ASSAY_ERROR_INPUT);
    lab_trainer_free(&t);
    lab_tape_free(tape);
    lab_model_free(&m);
}

/* How often each token is drawn after the first is what a whole pass says of it. */
static void tokens_are_drawn_as_often_as_the_model_says(void **state)
{
    (void)state;
    enum { TEXTS = 4000 };
    struct lab_model m;
    struct lab_tape *tape;
    struct assay_random random;
    struct assay_error error = {.message = ""};
    static uint16_t texts[TEXTS * 3];
    double expected[23], counted[23] = {0}, chi = 0;
    uint16_t tokens[ROWS * (LENGTH + 1)] = {4, 9};
    float log_p[ROWS * LENGTH];
    make(&small, &m, &tape);
    for (unsigned k = 0; k < 23; k++) { /* of the third token after 4 and 9 */
        tokens[2] = (uint16_t)k;
        lab_model_loss(&m, tape, tokens, NULL, log_p, NULL);
        expected[k] = exp((double)log_p[1]);
    }
    assay_random_start(&random, 12, 0);
    for (int i = 0; i < TEXTS; i++)
        texts[3 * i] = 4;
    assert_int_equal(lab_generate(&m, TEXTS, 3, 1, &random, texts, &error), ASSAY_OK);
    double total = 0;
    for (int i = 0; i < TEXTS; i++)
        if (texts[3 * i + 1] == 9) {
            counted[texts[3 * i + 2]]++;
            total++;
        }
    assert_true(total > 50);
    for (int k = 0; k < 23; k++)
        chi += (counted[k] - total * expected[k]) * (counted[k] - total * expected[k]) /
               (total * expected[k]);
    assert_true(chi < 60); /* 22 degrees of freedom: beyond it 2e-5 */
    lab_tape_free(tape);
    lab_model_free(&m);
}

static void impossible_shapes_are_refused(void **state)
{
    (void)state;
    struct lab_model m;
    struct lab_tape *tape;
    struct assay_error error = {.message = ""};
    struct lab_shape bad[4] = {small, small, small, small};
    bad[0].width = 15;
    bad[1].kv_heads = 3;
    bad[2].vocabulary = 1;
    bad[3].layers = 65;
    for (int i = 0; i < 4; i++)
        assert_int_equal(lab_model_new(&bad[i], 1, &m, &error), ASSAY_ERROR_INPUT);
    assert_int_equal(lab_tape_new(&small, 1, 13, &tape, &error), ASSAY_ERROR_INPUT);
    assert_int_equal(lab_tape_new(&small, 0, 3, &tape, &error), ASSAY_ERROR_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_are_those_of_the_definition),
        cmocka_unit_test(the_gradient_is_that_of_finite_differences),
        cmocka_unit_test(what_comes_later_does_not_change_what_came_before),
        cmocka_unit_test(probabilities_of_all_tokens_sum_to_one),
        cmocka_unit_test(training_learns_a_pattern_down_to_its_entropy),
        cmocka_unit_test(tokens_are_drawn_as_often_as_the_model_says),
        cmocka_unit_test(impossible_shapes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
