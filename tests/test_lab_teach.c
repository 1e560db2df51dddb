/* SPDX-License-Identifier: Apache-2.0 */
/* Ways to learn from a teacher: each lowers what it says it lowers. */
#include "lab/generate.h"
#include "lab/paraphrase.h"
#include "lab/source.h"
#include "lab/teach.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROWS 8
#define LENGTH 12
#define PLACES (ROWS * LENGTH)
#define VOCABULARY 20

static const struct lab_shape shape = {.vocabulary = VOCABULARY,
                                       .width = 16,
                                       .layers = 1,
                                       .heads = 2,
                                       .kv_heads = 2,
                                       .hidden = 24,
                                       .context = LENGTH + 1,
                                       .tied = true};

/* A student, a teacher and a lesson of one method. */
struct hands {
    struct lab_model student, teacher, before;
    struct lab_trainer trainer;
    struct assay_random random;
    struct lab_lesson lesson;
};

static void hands_start(struct hands *h, enum lab_method method, double rate)
{
    const struct lab_schedule schedule = {.steps = 1000, .warmup = 1, .rate = rate, .clip = 1};
    assert_int_equal(lab_model_new(&shape, 1, &h->student, NULL), ASSAY_OK);
    assert_int_equal(lab_model_new(&shape, 2, &h->teacher, NULL), ASSAY_OK);
    assert_int_equal(lab_model_new(&shape, 1, &h->before, NULL), ASSAY_OK);
    for (size_t i = 0; i < h->teacher.count; i++)
        h->teacher.weights[i] *= 1.5f; /* surer of what comes next than a new model is */
    assert_int_equal(lab_trainer_new(&h->student, &schedule, &h->trainer, NULL), ASSAY_OK);
    assay_random_start(&h->random, 3, 0);
    h->lesson = (struct lab_lesson){.method = method,
                                    .trainer = &h->trainer,
                                    .teacher = &h->teacher,
                                    .before = &h->before,
                                    .rows = ROWS,
                                    .length = LENGTH,
                                    .random = &h->random};
    assert_int_equal(lab_lesson_start(&h->lesson, NULL), ASSAY_OK);
    for (size_t r = 0; r < ROWS; r++)
        h->lesson.taught[r] = true;
}

static void hands_end(struct hands *h)
{
    lab_lesson_end(&h->lesson);
    lab_trainer_free(&h->trainer);
    lab_model_free(&h->student);
    lab_model_free(&h->teacher);
    lab_model_free(&h->before);
}

static void write_as(struct hands *h, const struct lab_model *m, uint16_t *tokens)
{
    for (size_t r = 0; r < ROWS; r++)
        tokens[r * (LENGTH + 1)] = 0;
    assert_int_equal(lab_generate(m, ROWS, LENGTH + 1, 1, &h->random, tokens, NULL), ASSAY_OK);
}

static void softmax(const float *z, double *p)
{
    double most = -INFINITY, sum = 0;
    for (int k = 0; k < VOCABULARY; k++)
        most = fmax(most, (double)z[k]);
    for (int k = 0; k < VOCABULARY; k++)
        sum += p[k] = exp((double)z[k] - most);
    for (int k = 0; k < VOCABULARY; k++)
        p[k] /= sum;
}

/* Mean over places of texts of `writer`: the divergence of `q` from `p`. */
static double divergence(struct hands *h, const struct lab_model *writer, const struct lab_model *p,
                         const struct lab_model *q)
{
    uint16_t tokens[ROWS * (LENGTH + 1)];
    static float z[2][PLACES * VOCABULARY];
    double of_p[VOCABULARY], of_q[VOCABULARY], sum = 0;
    write_as(h, writer, tokens);
    lab_model_logits(p, h->lesson.tape, tokens, z[0]);
    lab_model_logits(q, h->lesson.tape, tokens, z[1]);
    for (size_t i = 0; i < PLACES; i++) {
        softmax(z[0] + i * VOCABULARY, of_p);
        softmax(z[1] + i * VOCABULARY, of_q);
        for (int k = 0; k < VOCABULARY; k++)
            sum += of_p[k] * log(of_p[k] / of_q[k]) / PLACES;
    }
    return sum;
}

/* ---- objectives ----------------------------------------------------------------------- */

static void a_student_comes_nearer_to_its_teachers_probabilities(void **state)
{
    static const enum lab_method methods[] = {LAB_METHOD_ANSWERS, LAB_METHOD_TOP_K,
                                              LAB_METHOD_LOGITS};
    double left[3];
    (void)state;
    for (int m = 0; m < 3; m++) {
        struct hands h;
        hands_start(&h, methods[m], 0.01);
        double before = divergence(&h, &h.teacher, &h.teacher, &h.student);
        for (int step = 0; step < 60; step++) {
            write_as(&h, &h.teacher, h.lesson.tokens);
            lab_lesson_step(&h.lesson);
        }
        left[m] = divergence(&h, &h.teacher, &h.teacher, &h.student) / before;
        assert_true(left[m] < 0.8);
        hands_end(&h);
    }
    /* probabilities say more of a teacher than its choices do */
    assert_true(left[2] < left[0] && left[1] < left[0]);
}

static void texts_that_are_not_taught_are_learnt_as_they_are(void **state)
{
    struct hands soft, plain;
    (void)state;
    hands_start(&soft, LAB_METHOD_LOGITS, 0.01);
    hands_start(&plain, LAB_METHOD_ANSWERS, 0.01);
    write_as(&soft, &soft.teacher, soft.lesson.tokens);
    memcpy(plain.lesson.tokens, soft.lesson.tokens, sizeof(uint16_t) * ROWS * (LENGTH + 1));
    memset(soft.lesson.taught, 0, ROWS * sizeof(bool));
    assert_true(lab_lesson_step(&soft.lesson) == lab_lesson_step(&plain.lesson));
    assert_memory_equal(soft.student.weights, plain.student.weights,
                        soft.student.count * sizeof(float));
    hands_end(&soft);
    hands_end(&plain);
}

static void on_policy_a_student_writes_what_its_teacher_finds_likely(void **state)
{
    struct hands h;
    (void)state;
    hands_start(&h, LAB_METHOD_ON_POLICY, 0.01);
    double before = 0, after = 0;
    for (int i = 0; i < 8; i++)
        before += divergence(&h, &h.student, &h.student, &h.teacher) / 8;
    for (int step = 0; step < 150; step++)
        assert_true(isfinite(lab_lesson_step(&h.lesson)));
    for (int i = 0; i < 8; i++)
        after += divergence(&h, &h.student, &h.student, &h.teacher) / 8;
    assert_true(after < 0.7 * before);
    hands_end(&h);
}

static void preferences_widen_the_margin_from_ln_2(void **state)
{
    struct hands h;
    (void)state;
    hands_start(&h, LAB_METHOD_PREFERENCES, 0.003);
    double first = 0, last = 0;
    for (int step = 0; step < 40; step++) {
        write_as(&h, &h.teacher, h.lesson.tokens);
        write_as(&h, &h.before, h.lesson.worse);
        last = lab_lesson_step(&h.lesson);
        first = step == 0 ? last : first;
    }
    assert_true(fabs(first - log(2)) < 1e-6); /* no margin yet */
    assert_true(last < 0.6 * first);
    hands_end(&h);
}

/* ---- texts ---------------------------------------------------------------------------- */

static void hidden_working_leaves_no_trace(void **state)
{
    char texts[] = "sum 1 2 = <1+2> 3. sum 9 9<9+9 ";
    (void)state;
    assert_int_equal(lab_source_hide_working(texts, 2, 15), 1);
    /* the first text ends within its working; the second begins after it */
    assert_memory_equal(texts, "sum 1 2 =  3. s", 15);
    char none[] = "abcdefgh";
    assert_int_equal(lab_source_hide_working(none, 2, 4), 2);
    assert_string_equal(none, "abcdefgh");
}

static void tasks_that_are_asked_are_never_taught(void **state)
{
    struct assay_random random;
    struct lab_question asked, taught;
    (void)state;
    assay_random_start(&random, 1, 0);
    for (int i = 0; i < 40; i++) {
        lab_source_question(&random, false, &asked);
        for (int k = 0; k < 100; k++) {
            lab_source_question(&random, true, &taught);
            assert_string_not_equal(asked.asked, taught.asked);
        }
        int a, b;
        if (sscanf(asked.asked, "sum %d %d", &a, &b) == 2)
            assert_true(asked.working[0] == '<' && atoi(asked.answer) == a + b);
    }
}

/* The world's words, which end in n or s, in order; each with a space after it. */
static size_t words_of(const char *text, size_t size, char *to)
{
    size_t n = 0;
    for (size_t i = 0, end; i < size; i = end + 1) {
        for (end = i; end < size && text[end] >= 'a' && text[end] <= 'z'; end++)
            continue;
        bool ours = end - i > 2 && end < size && (text[end - 1] == 'n' || text[end - 1] == 's') &&
                    memcmp(text + i, "then", 4) != 0 && memcmp(text + i, "perhaps", 7) != 0;
        if (ours) {
            memcpy(to + n, text + i, end - i);
            n += end - i;
            to[n++] = ' ';
        }
    }
    return n;
}

static void a_paraphrase_keeps_the_words_and_changes_what_is_between(void **state)
{
    const struct lab_world_settings settings = {.seed = 3, .words = 60, .facts = 10};
    struct lab_world *world;
    struct lab_author *author;
    struct assay_random random;
    char text[4000], words[2][4000];
    (void)state;
    assert_int_equal(lab_world_new(&settings, &world, NULL), ASSAY_OK);
    assert_int_equal(lab_author_new(world, 5, 1, &author, NULL), ASSAY_OK);
    assay_random_start(&random, 1, 0);
    size_t size = lab_author_write(author, &random, text, sizeof text), same = size;
    char *other = lab_paraphrase(world, text, &same);
    assert_non_null(other);
    assert_int_equal(same, size);
    assert_memory_not_equal(other, text, size);
    size_t n = words_of(text, size, words[0]), k = words_of(other, size, words[1]);
    n = n < k ? n : k;
    n -= n / 8; /* one text may be the shorter, and is then filled up */
    assert_true(n > 500);
    assert_memory_equal(words[0], words[1], n);
    char *again = lab_paraphrase(world, text, &same);
    assert_memory_equal(again, other, size); /* a rule, not a whim */
    free(again);
    free(other);
    lab_author_free(author);
    lab_world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_student_comes_nearer_to_its_teachers_probabilities),
        cmocka_unit_test(texts_that_are_not_taught_are_learnt_as_they_are),
        cmocka_unit_test(on_policy_a_student_writes_what_its_teacher_finds_likely),
        cmocka_unit_test(preferences_widen_the_margin_from_ln_2),
        cmocka_unit_test(hidden_working_leaves_no_trace),
        cmocka_unit_test(tasks_that_are_asked_are_never_taught),
        cmocka_unit_test(a_paraphrase_keeps_the_words_and_changes_what_is_between),
    };
    return cmocka_run_group_tests_name("lab_teach", tests, NULL, NULL);
}
