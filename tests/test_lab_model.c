/* SPDX-License-Identifier: Apache-2.0 */
/* The lab's transformer: its gradient, its products, and that it learns. */
#include "lab/generate.h"
#include "lab/part.h"
#include "lab/pass.h"
#include "lab/products.h"
#include "lab/train.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

/* The processor that defines what this one gives. */
static int definition(int processor)
{
    return processor == LAB_PLAIN_BF16 || processor == LAB_AVX512_BF16 ? LAB_PLAIN_BF16
           : processor == LAB_PLAIN_TILES || processor == LAB_AMX      ? LAB_PLAIN_TILES
                                                                       : LAB_PLAIN;
}

/* Against double sums, and to the bit between processors; whole and odd sizes, strides, prefixes.
 */
static void products_are_those_of_the_definition(void **state)
{
    (void)state;
    enum { N = 31, K = 531, M = 77 };
    static float a[N * K], b[K * M], turned[M * K], panels[(M + 31) / 32 * 32 * K],
        c[LAB_PROCESSORS][N * M];
    struct assay_random random;
    assay_random_start(&random, 3, 0);
    for (size_t i = 0; i < (size_t)N * K; i++)
        a[i] = (float)assay_random_normal(&random);
    for (size_t i = 0; i < (size_t)K * M; i++)
        turned[i % M * K + i / M] = b[i] = (float)assay_random_normal(&random);
    for (int p = 0; p < LAB_PROCESSORS; p++)
        for (int across = 0; across < 2; across++) {
            struct lab_packed packed = {(enum lab_processor)p, K, M, panels};
            if (!lab_processor_runs(packed.processor))
                continue;
            int by = definition(p);
            if (across)
                lab_pack(&packed, turned, 1, K);
            else
                lab_pack(&packed, b, M, 1);
            memset(c[p], 0, sizeof c[p]);
            lab_multiply(&packed, N, K, M, a, K, 1, c[p], c[p], M);
            for (size_t i = 0; i < N; i++)
                for (size_t j = 0; j < M; j++) {
                    double sum = 0;
                    for (size_t k = 0; k < K; k++)
                        sum += (double)a[i * K + k] * (double)b[k * M + j];
                    assert_float_equal(c[p][i * M + j], sum, by == LAB_PLAIN ? 2e-4 : 0.5);
                }
            assert_memory_equal(c[by], c[p], sizeof c[0]);
        }
    for (int p = 0; p < LAB_PROCESSORS; p++) {
        struct lab_packed packed = {(enum lab_processor)p, K, M, panels};
        if (!lab_processor_runs(packed.processor))
            continue;
        int by = definition(p);
        lab_pack(&packed, b, M, 1);
        memset(c[1], 0xff, sizeof c[1]);                             /* not read */
        lab_multiply(&packed, 20, 29, 40, a, 1, 20, NULL, c[1], 40); /* A^T, part of B */
        for (size_t i = 0; i < 20; i++)
            for (size_t j = 0; j < 40; j++) {
                double sum = 0;
                for (size_t k = 0; k < 29; k++)
                    sum += (double)a[k * 20 + i] * (double)b[k * M + j];
                assert_float_equal(c[1][i * 40 + j], sum, by == LAB_PLAIN ? 1e-4 : 0.2);
            }
    }
}

/* More rows and columns than go through at once, A across and down: to the bit. */
static void products_of_many_rows_and_columns_are_too(void **state)
{
    (void)state;
    enum { N = 241, K = 35, M = 301 };
    static float a[N * K], b[K * M], panels[(M + 31) / 32 * 32 * K], c[2][LAB_PROCESSORS][N * M];
    struct assay_random random;
    assay_random_start(&random, 8, 0);
    for (size_t i = 0; i < (size_t)N * K; i++)
        a[i] = (float)assay_random_normal(&random);
    for (size_t i = 0; i < (size_t)K * M; i++)
        b[i] = (float)assay_random_normal(&random);
    for (int p = 0; p < LAB_PROCESSORS; p++) {
        struct lab_packed packed = {(enum lab_processor)p, K, M, panels};
        int by = definition(p);
        if (!lab_processor_runs(packed.processor))
            continue;
        lab_pack(&packed, b, M, 1);
        lab_multiply(&packed, N, K, M, a, K, 1, NULL, c[0][p], M);
        lab_multiply(&packed, N, K, M, a, 1, N, NULL, c[1][p], M);
        assert_memory_equal(c[0][by], c[0][p], sizeof c[0][0]);
        assert_memory_equal(c[1][by], c[1][p], sizeof c[1][0]);
        for (size_t i = 0; by == p && i < N; i++)
            for (size_t j = 0; j < M; j++) {
                double sum[2] = {0};
                for (size_t k = 0; k < K; k++) {
                    sum[0] += (double)a[i * K + k] * (double)b[k * M + j];
                    sum[1] += (double)a[k * N + i] * (double)b[k * M + j];
                }
                assert_float_equal(c[0][p][i * M + j], sum[0], by == LAB_PLAIN ? 1e-4 : 0.3);
                assert_float_equal(c[1][p][i * M + j], sum[1], by == LAB_PLAIN ? 1e-4 : 0.3);
            }
    }
}

/* In bfloat16 processors take what is denormal for 0, and so does plain C, with its sign. */
static void numbers_too_small_are_zero_in_bfloat16(void **state)
{
    (void)state;
    enum { N = 17, K = 40, M = 33 };
    static float a[N * K], b[K * M], panels[(M + 31) / 32 * 32 * K], c[LAB_PROCESSORS][N * M];
    struct assay_random random;
    assay_random_start(&random, 5, 0);
    for (size_t i = 0; i < (size_t)N * K; i++)
        a[i] = (float)(assay_random_normal(&random) *
                       pow(10, -(double)assay_random_below(&random, 41)));
    for (size_t i = 0; i < (size_t)K * M; i++)
        b[i] = (float)(assay_random_normal(&random) *
                       pow(10, -(double)assay_random_below(&random, 41)));
    for (int p = 0; p < LAB_PROCESSORS; p++) {
        struct lab_packed packed = {(enum lab_processor)p, K, M, panels};
        int by = definition(p);
        if (by == LAB_PLAIN || !lab_processor_runs(packed.processor))
            continue;
        for (size_t i = 0; i < (size_t)N * M; i++) /* of all sizes down to denormal, and -0 */
            c[p][i] = i % 3 ? -(float)pow(10, -(double)(i % 45)) : -0.0f;
        lab_pack(&packed, b, M, 1);
        lab_multiply(&packed, N, K, M, a, K, 1, c[p], c[p], M);
        assert_memory_equal(c[by], c[p], sizeof c[0]);
    }
}

/* Along the gradient of each tensor, by central differences of two steps, extrapolated. */
static void check_gradient(const struct lab_shape *shape, const struct lab_goal *goal)
{
    struct lab_model m;
    struct lab_tape *tape;
    make(shape, &m, &tape);
    float *gradient = calloc(m.count, sizeof *gradient);
    float *kept = malloc(m.count * sizeof *kept);
    memcpy(kept, m.weights, m.count * sizeof *kept);
    lab_model_learn(&m, tape, goal, NULL, gradient);
    const struct lab_layer *x = &m.layers[0], *y = &m.layers[1];
    const size_t starts[] = {m.embedding, x->norm1, x->q,    x->k,     x->v,    x->o,   x->norm2,
                             x->gate,     x->up,    x->down, y->norm1, y->q,    y->k,   y->v,
                             y->o,        y->norm2, y->gate, y->up,    y->down, m.norm, m.count};
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
                loss[side] = lab_model_learn(&m, tape, goal, NULL, NULL);
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

/* Everything that a goal can name. */
struct goal_parts {
    uint16_t tokens[ROWS * (LENGTH + 1)], kept_tokens[ROWS * LENGTH * 3];
    float weights[ROWS * LENGTH], kept_p[ROWS * LENGTH * 3], logits[ROWS * LENGTH * 23];
    bool soft[ROWS * LENGTH];
};

static void fill(struct goal_parts *g)
{
    struct assay_random random;
    assay_random_start(&random, 21, 0);
    draw_tokens(5, 23, ROWS * (LENGTH + 1), g->tokens);
    for (size_t i = 0; i < (size_t)ROWS * LENGTH; i++) {
        g->weights[i] = i % 4 == 1 ? 0 : (float)assay_random_normal(&random);
        g->soft[i] = i % 3 != 0;
        for (size_t k = 0; k < 3; k++) {
            g->kept_tokens[3 * i + k] = (uint16_t)((g->tokens[i] + 7 * k) % 23);
            g->kept_p[3 * i + k] = 0.6f / (float)(k + 1) - (i % 2 ? 0.3f / (float)(k + 1) : 0.1f);
        }
    }
    for (size_t i = 0; i < (size_t)ROWS * LENGTH * 23; i++)
        g->logits[i] = (float)assay_random_normal(&random);
}

static void the_gradient_is_that_of_finite_differences(void **state)
{
    (void)state;
    struct goal_parts g;
    struct lab_shape tied = small;
    fill(&g);
    tied.tied = true;
    const struct lab_goal answers = {.tokens = g.tokens};
    check_gradient(&small, &answers);
    check_gradient(&tied, &answers);
}

/* Texts longer than a block of queries, more of them than go through at once. */
static void so_it_is_over_several_batches(void **state)
{
    (void)state;
    enum { R = 6, L = 130 };
    struct lab_shape shape = small;
    struct lab_model m;
    struct lab_tape *all, *one;
    static uint16_t tokens[R * (L + 1)];
    static float first[20000], second[20000], log_p[R * L], apart[L];
    shape.context = L;
    draw_tokens(9, 23, sizeof tokens / sizeof tokens[0], tokens);
    assert_int_equal(lab_model_new(&shape, 7, &m, NULL), ASSAY_OK);
    assert_int_equal(lab_tape_new(&shape, R, L, &all, NULL), ASSAY_OK);
    assert_int_equal(lab_tape_new(&shape, 1, L, &one, NULL), ASSAY_OK);
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
    /* along the whole gradient */
    double length = 0, slope[2];
    for (size_t i = 0; i < m.count; i++)
        length += (double)first[i] * (double)first[i];
    length = sqrt(length);
    goal.tokens = tokens;
    for (int side = 0; side < 2; side++) {
        double step = side ? 0.02 : -0.02;
        for (size_t i = 0; i < m.count; i++)
            m.weights[i] += (float)((side ? 0.04 : step) * (double)first[i] / length);
        slope[side] = lab_model_learn(&m, all, &goal, NULL, NULL);
    }
    double found = (slope[1] - slope[0]) / 0.04;
    assert_true(fabs(found - length) < 1e-3 * length);
    lab_tape_free(all);
    lab_tape_free(one);
    lab_model_free(&m);
}

/* In bfloat16 the gradient points the same way, and training still learns. */
static void products_in_bfloat16_lose_little(void **state)
{
    (void)state;
    struct goal_parts g;
    struct lab_model m;
    struct lab_tape *tape, *half;
    static float first[20000], second[20000];
    double dot = 0, one = 0, other = 0;
    fill(&g);
    make(&small, &m, &tape);
    assert_int_equal(lab_tape_new_in(LAB_BFLOAT16, &small, ROWS, LENGTH, &half, NULL), ASSAY_OK);
    memset(first, 0, sizeof first);
    memset(second, 0, sizeof second);
    double loss = lab_model_loss(&m, tape, g.tokens, NULL, NULL, first);
    double rough = lab_model_loss(&m, half, g.tokens, NULL, NULL, second);
    assert_true(loss != rough);
    assert_true(fabs(loss - rough) < 0.02 * loss);
    for (size_t i = 0; i < m.count; i++) {
        dot += (double)first[i] * (double)second[i];
        one += (double)first[i] * (double)first[i];
        other += (double)second[i] * (double)second[i];
    }
    assert_true(dot / sqrt(one * other) > 0.999);
    lab_tape_free(tape);
    lab_tape_free(half);
    lab_model_free(&m);
}

static void so_it_is_with_weights_of_either_sign(void **state)
{
    (void)state;
    struct goal_parts g;
    fill(&g);
    const struct lab_goal goal = {.tokens = g.tokens, .weights = g.weights, .total = 7};
    check_gradient(&small, &goal);
}

static void so_it_is_towards_what_a_teacher_holds_likeliest(void **state)
{
    (void)state;
    struct goal_parts g;
    fill(&g);
    const struct lab_goal goal = {.tokens = g.tokens,
                                  .kept = 3,
                                  .kept_tokens = g.kept_tokens,
                                  .kept_p = g.kept_p,
                                  .soft = g.soft};
    check_gradient(&small, &goal);
}

static void so_it_is_towards_a_teachers_logits(void **state)
{
    (void)state;
    struct goal_parts g;
    fill(&g);
    struct lab_goal goal = {.tokens = g.tokens, .teacher_logits = g.logits, .temperature = 1.5f};
    check_gradient(&small, &goal);
    goal.temperature = 0;
    goal.soft = g.soft;
    check_gradient(&small, &goal);
}

/* With all tokens kept, or with the student as its own teacher, the losses are known. */
static void teachers_losses_agree_where_they_should(void **state)
{
    (void)state;
    enum { V = 23, N = ROWS * LENGTH };
    struct goal_parts g;
    struct lab_model m;
    struct lab_tape *tape;
    static float own[N * V], p[N * V], first[20000], second[20000];
    static uint16_t all[N * V];
    float log_p[N];
    fill(&g);
    make(&small, &m, &tape);
    assert_true(m.count <= sizeof first / sizeof first[0]);
    lab_model_logits(&m, tape, g.tokens, own);
    struct lab_goal goal = {.tokens = g.tokens, .teacher_logits = own, .temperature = 3};
    assert_float_equal(lab_model_learn(&m, tape, &goal, log_p, NULL), 0, 1e-6);
    for (size_t i = 0; i < N; i++) { /* the logits are those that log_p was made from */
        double sum = 0;
        for (size_t k = 0; k < V; k++)
            sum += exp((double)own[i * V + k]);
        size_t next = g.tokens[i / LENGTH * (LENGTH + 1) + i % LENGTH + 1];
        double expected = (double)own[i * V + next] - log(sum);
        assert_float_equal(log_p[i], expected, 1e-5);
        sum = 0;
        for (size_t k = 0; k < V; k++)
            sum += exp((double)g.logits[i * V + k]);
        for (size_t k = 0; k < V; k++) {
            all[i * V + k] = (uint16_t)k;
            p[i * V + k] = (float)(exp((double)g.logits[i * V + k]) / sum);
        }
    }
    const struct lab_goal logits = {.tokens = g.tokens, .teacher_logits = g.logits};
    const struct lab_goal kept = {.tokens = g.tokens, .kept = V, .kept_tokens = all, .kept_p = p};
    memset(first, 0, sizeof first);
    memset(second, 0, sizeof second);
    double one = lab_model_learn(&m, tape, &logits, NULL, first);
    double other = lab_model_learn(&m, tape, &kept, NULL, second);
    assert_true(one > 0.2);
    assert_float_equal(one, other, 1e-5);
    for (size_t i = 0; i < m.count; i++)
        assert_float_equal(first[i], second[i], 1e-5);
    lab_tape_free(tape);
    lab_model_free(&m);
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

/* The slopes that python/reference_llama.py found in double precision, of the same weights. */
static void check_slopes(FILE *table, const char *kind, bool tied, unsigned experts)
{
    const struct lab_shape shape = {13, 8, 2, 4, 2, 12, 8, tied, experts, experts ? 2u : 0u};
    const uint16_t tokens[] = {0, 5, 12, 3, 3, 7, 1, 9};
    struct lab_model m;
    struct lab_tape *tape;
    char line[256];
    static float gradient[4000];
    size_t at = 0, seen = 0;
    assert_int_equal(lab_model_new(&shape, 1, &m, NULL), ASSAY_OK);
    assert_int_equal(lab_tape_new(&shape, 1, 7, &tape, NULL), ASSAY_OK);
    memset(gradient, 0, sizeof gradient);
    for (size_t i = 0; i < m.count; i++) {
        bool norm = false;
        for (unsigned l = 0; l < shape.layers; l++)
            norm = norm || (i - m.layers[l].norm1 < 8) || (i - m.layers[l].norm2 < 8);
        norm = norm || i - m.norm < 8;
        m.weights[i] = (float)(norm + 0.6 * sin(1.7 * (double)i + 0.3));
    }
    const struct lab_goal goal = {.tokens = tokens, .balance = 0.3};
    double loss = lab_model_learn(&m, tape, &goal, NULL, gradient), value;
    loss += goal.balance * lab_tape_balance(tape);
    rewind(table);
    while (fgets(line, sizeof line, table)) {
        char head[16], tensor[96];
        if (sscanf(line, "%15s %95s %lf", head, tensor, &value) != 3 || strcmp(head, kind) != 0)
            continue;
        seen++;
        if (strcmp(tensor, "loss") == 0) {
            assert_true(fabs(loss - value) < 1e-5);
            continue;
        }
        size_t n = strstr(tensor, "norm")                                 ? 8
                   : strstr(tensor, "embed") || strstr(tensor, "head")    ? 13 * 8
                   : strstr(tensor, "k_proj") || strstr(tensor, "v_proj") ? 4 * 8
                   : strstr(tensor, "mlp") || strstr(tensor, "experts")   ? 12 * 8
                   : strstr(tensor, "moe.gate")                           ? 4 * 8
                                                                          : 8 * 8;
        double slope = 0, length = 0;
        for (size_t i = 0; i < n; i++) {
            slope += (double)gradient[at + i] * sin(0.9 * (double)i + 1);
            length += (double)gradient[at + i] * (double)gradient[at + i];
        }
        at += n;
        if (fabs(slope - value) > 1e-4 * fmax(sqrt(length), 0.01))
            fail_msg("%s, %s: slope %.8g, expected %.8g", kind, tensor, slope, value);
    }
    assert_int_equal(at, m.count);
    assert_int_equal(seen, (experts ? 41 : 21) + !tied);
    lab_tape_free(tape);
    lab_model_free(&m);
}

static void the_gradient_is_that_of_an_implementation_written_apart(void **state)
{
    (void)state;
    char path[4096];
    const char *source = getenv("ASSAY_SOURCE");
    snprintf(path, sizeof path, "%s/tests/data/lab_slopes.tsv", source ? source : ".");
    FILE *table = fopen(path, "r");
    assert_non_null(table);
    check_slopes(table, "free", false, 0);
    check_slopes(table, "tied", true, 0);
    check_slopes(table, "experts", true, 4);
    fclose(table);
}

static void the_rate_rises_then_falls_as_the_schedule_says(void **state)
{
    (void)state;
    const struct lab_schedule cosine = {.steps = 100, .warmup = 10, .rate = 0.1};
    const struct lab_schedule steady = {.steps = 100, .warmup = 10, .rate = 0.1, .cooldown = 0.2};
    assert_true(fabs(lab_schedule_rate(&cosine, 0) - 0.01) < 1e-12);
    assert_true(fabs(lab_schedule_rate(&cosine, 10) - 0.1) < 1e-12);
    assert_true(fabs(lab_schedule_rate(&cosine, 55) - 0.055) < 1e-12);
    assert_true(fabs(lab_schedule_rate(&cosine, 100) - 0.01) < 1e-12);
    assert_true(fabs(lab_schedule_rate(&steady, 4) - 0.05) < 1e-12);
    assert_true(fabs(lab_schedule_rate(&steady, 80) - 0.1) < 1e-12);
    assert_true(fabs(lab_schedule_rate(&steady, 90) - 0.05) < 1e-12);
    assert_true(lab_schedule_rate(&steady, 100) == 0);
}

static void a_part_after_preferences_began_is_read_back_to_the_bit(void **state)
{
    (void)state;
    struct lab_schedule schedule = {.steps = UINT32_MAX,
                                    .warmup = UINT32_MAX,
                                    .rate = -1.0 / 3,
                                    .decay = -DBL_MIN,
                                    .clip = -DBL_MIN,
                                    .cooldown = -DBL_MIN,
                                    .balance = -DBL_MIN};
    struct lab_model model, before, other, other_before;
    struct lab_trainer t, into;
    struct assay_random longest, drawn[2];
    double loss = -1.0 / 3 * DBL_MIN, got = 0;
    char folder[] = "/tmp/assay-part-XXXXXX";
    assert_non_null(mkdtemp(folder));
    memset(&longest, 0xff, sizeof longest);
    longest.used = 4;
    assert_int_equal(lab_model_new(&small, 1, &model, NULL), ASSAY_OK);
    assert_int_equal(lab_model_new(&small, 2, &before, NULL), ASSAY_OK);
    assert_int_equal(lab_model_new(&small, 3, &other, NULL), ASSAY_OK);
    assert_int_equal(lab_model_new(&small, 4, &other_before, NULL), ASSAY_OK);
    assert_int_equal(lab_trainer_new(&model, &schedule, &t, NULL), ASSAY_OK);
    assert_int_equal(lab_trainer_new(&other, &schedule, &into, NULL), ASSAY_OK);
    t.step = UINT32_MAX - 1;
    struct lab_in_hand kept = {&t, &longest, &longest, &loss, &before};
    struct lab_in_hand read = {&into, &drawn[0], &drawn[1], &got, &other_before};
    assert_int_equal(lab_part_save(folder, "a model", &kept, NULL), ASSAY_OK);
    assert_false(lab_part_load(folder, "another model", &read, 5));
    assert_true(lab_part_load(folder, "a model", &read, 5));
    assert_int_equal(into.step, t.step);
    assert_true(got == loss);
    assert_memory_equal(&drawn[0], &longest, sizeof longest);
    assert_memory_equal(&drawn[1], &longest, sizeof longest);
    assert_memory_equal(other.weights, model.weights, model.count * sizeof *model.weights);
    assert_memory_equal(other_before.weights, before.weights, before.count * sizeof(float));
    lab_part_forget(folder, "a model");
    assert_int_equal(rmdir(folder), 0);
    lab_trainer_free(&t);
    lab_trainer_free(&into);
    lab_model_free(&model);
    lab_model_free(&before);
    lab_model_free(&other);
    lab_model_free(&other_before);
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
        cmocka_unit_test(products_of_many_rows_and_columns_are_too),
        cmocka_unit_test(numbers_too_small_are_zero_in_bfloat16),
        cmocka_unit_test(the_gradient_is_that_of_finite_differences),
        cmocka_unit_test(so_it_is_over_several_batches),
        cmocka_unit_test(products_in_bfloat16_lose_little),
        cmocka_unit_test(so_it_is_with_weights_of_either_sign),
        cmocka_unit_test(so_it_is_towards_what_a_teacher_holds_likeliest),
        cmocka_unit_test(so_it_is_towards_a_teachers_logits),
        cmocka_unit_test(teachers_losses_agree_where_they_should),
        cmocka_unit_test(what_comes_later_does_not_change_what_came_before),
        cmocka_unit_test(probabilities_of_all_tokens_sum_to_one),
        cmocka_unit_test(training_learns_a_pattern_down_to_its_entropy),
        cmocka_unit_test(tokens_are_drawn_as_often_as_the_model_says),
        cmocka_unit_test(the_gradient_is_that_of_an_implementation_written_apart),
        cmocka_unit_test(the_rate_rises_then_falls_as_the_schedule_says),
        cmocka_unit_test(a_part_after_preferences_began_is_read_back_to_the_bit),
        cmocka_unit_test(impossible_shapes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
