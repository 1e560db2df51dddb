/* SPDX-License-Identifier: Apache-2.0 */
/* The lab's study: statistics over students and detectors, on known answers. */
#include "lab/cell.h"
#include "lab/design.h"
#include "lab/grams.h"
#include "lab/judge.h"
#include "lab/store.h"
#include "lab/vocabulary.h"
#include "lab/world.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void near(double found, double expected, double tolerance)
{
    if (!(fabs(found - expected) <= tolerance))
        fail_msg("found %.15g, expected %.15g", found, expected);
}

/* ---- students ------------------------------------------------------------------------- */

static void a_conformal_p_counts_undosed_students(void **state)
{
    const double null[] = {1, 2, 3, 4};
    (void)state;
    near(lab_conformal_p(null, 4, 5), 0.2, 1e-15);
    near(lab_conformal_p(null, 4, 3), 0.6, 1e-15);
    near(lab_conformal_p(null, 0, 3), 1, 0);
    assert_true(isnan(lab_conformal_p(null, 4, NAN)));
}

/* 95% limits of 1 of 10 and 10 of 10 as tabulated: 0.0025 to 0.4450; 0.6915 to 1. */
static void shares_have_the_tabulated_limits(void **state)
{
    struct lab_share one = lab_share_of(1, 10), all = lab_share_of(10, 10), none = {0};
    (void)state;
    near(one.low, 0.00253, 1e-5);
    near(one.high, 0.44502, 1e-5);
    near(all.low, 0.69150, 1e-5);
    near(all.high, 1, 0);
    none = lab_share_of(0, 0);
    assert_true(isnan(none.share) && none.low == 0 && none.high == 1);
}

static void too_few_undosed_students_are_refused(void **state)
{
    const double null[18] = {0}, score = 1;
    struct lab_share share;
    struct assay_error error;
    (void)state;
    assert_int_equal(lab_detected(null, 18, &score, 1, 0.05, &share, &error),
                     ASSAY_ERROR_UNANSWERABLE);
    assert_non_null(strstr(error.message, "19 are needed"));
}

/* p at or below the level in no more than that share of fresh draws of the null. */
static void false_positives_keep_to_the_level(void **state)
{
    struct assay_random random;
    size_t hits = 0, trials = 4000;
    (void)state;
    assay_random_start(&random, 5, 0);
    for (size_t t = 0; t < trials; t++) {
        double null[19];
        for (int i = 0; i < 19; i++)
            null[i] = assay_random_normal(&random);
        hits += lab_conformal_p(null, 19, assay_random_normal(&random)) <= 0.05;
    }
    near((double)hits / (double)trials, 0.05, 0.012);
}

static void ratios_are_bounded_by_the_undosed_students(void **state)
{
    double scores[20], lr[20];
    bool dosed[20];
    (void)state;
    for (int i = 0; i < 20; i++) {
        dosed[i] = i >= 10;
        scores[i] = i + (dosed[i] ? 1000 : 0);
    }
    assert_int_equal(lab_ratios_left_out(scores, dosed, 20, lr, NULL), ASSAY_OK);
    for (int i = 0; i < 20; i++) {
        assert_true(dosed[i] ? lr[i] > 0 : lr[i] < 0);
        assert_true(fabs(lr[i]) <= log10(dosed[i] ? 11 : 10) + 1e-12);
    }
    assert_true(lab_cllr(lr, dosed, 20) < 0.5);
    near(lab_auc(scores + 10, 10, scores, 10), 1, 0);
    for (int i = 0; i < 20; i++)
        lr[i] = 0;
    near(lab_cllr(lr, dosed, 20), 1, 1e-12);
    assert_int_equal(lab_ratios_left_out(scores, dosed, 11, lr, NULL), ASSAY_ERROR_UNANSWERABLE);
}

static void ratios_of_nothing_say_nothing(void **state)
{
    struct assay_random random;
    double scores[200], lr[200];
    bool dosed[200];
    (void)state;
    assay_random_start(&random, 6, 0);
    for (int i = 0; i < 200; i++) {
        dosed[i] = i % 2;
        scores[i] = assay_random_normal(&random);
    }
    assert_int_equal(lab_ratios_left_out(scores, dosed, 200, lr, NULL), ASSAY_OK);
    near(lab_cllr(lr, dosed, 200), 1, 0.05);
}

/* ---- detectors ------------------------------------------------------------------------ */

static const struct lab_text plain = {"the cat sat on the mat. the dog sat on the cat.", 47};
static const struct lab_text other = {"zwei Hunde liefen; zwei Katzen schliefen; alles gut", 51};

static void probabilities_of_bytes_sum_to_one(void **state)
{
    struct lab_grams *g;
    char bytes[] = "the ?";
    (void)state;
    assert_int_equal(lab_grams_new(5, &plain, 1, &g, NULL), ASSAY_OK);
    for (size_t at = 0; at < 5; at++) {
        double sum = 0;
        char kept = bytes[at];
        for (int byte = 0; byte < 256; byte++) {
            bytes[at] = (char)byte;
            sum += exp(lab_grams_log_at(g, (struct lab_text){bytes, 5}, at));
        }
        bytes[at] = kept;
        near(sum, 1, 1e-12);
    }
    lab_grams_free(g);
}

/* Asked once a kind, each byte gets what it gets when it is asked about itself. */
static void places_of_a_kind_are_as_probable_as_each_of_them(void **state)
{
    const struct lab_text texts[] = {plain, {"a", 1}, {"", 0}, other, plain};
    (void)state;
    for (unsigned order = 1; order <= LAB_MOST_ORDER; order++) {
        struct lab_grams *g;
        struct lab_places places;
        size_t k = 0;
        assert_int_equal(lab_grams_new(order, &plain, 1, &g, NULL), ASSAY_OK);
        assert_int_equal(lab_places_find(order, texts, 5, &places, NULL), ASSAY_OK);
        double *log_p = malloc(places.kinds * sizeof *log_p);
        assert_non_null(log_p);
        lab_grams_log_kinds(g, &places, log_p);
        for (size_t i = 0; i < 5; i++)
            for (size_t at = 0; at < texts[i].size; at++, k++) {
                assert_in_range(places.kind[k], 0, places.kinds - 1);
                near(log_p[places.kind[k]], lab_grams_log_at(g, texts[i], at), 0);
            }
        assert_true(places.kinds <= k - plain.size); /* a text that stands twice adds none */
        free(log_p);
        lab_places_free(&places);
        lab_grams_free(g);
    }
}

/* A table that has grown holds what it held: against counts by hand over 20,000 bytes. */
static void models_of_long_texts_count_every_run(void **state)
{
    enum { BYTES = 20000 };
    char *bytes = malloc(BYTES);
    struct assay_random random;
    struct lab_grams *g;
    double seen[3] = {0}, after_a[3] = {0}, a = 0;
    (void)state;
    assert_non_null(bytes);
    assay_random_start(&random, 11, 0);
    for (size_t i = 0; i < BYTES; i++)
        bytes[i] = (char)('a' + assay_random_below(&random, 3));
    for (size_t i = 0; i < BYTES; i++) {
        seen[bytes[i] - 'a']++;
        if (i > 0 && bytes[i - 1] == 'a') {
            after_a[bytes[i] - 'a']++;
            a++;
        }
    }
    assert_int_equal(lab_grams_new(2, &(struct lab_text){bytes, BYTES}, 1, &g, NULL), ASSAY_OK);
    for (int b = 0; b < 3; b++) {
        const char pair[] = {'a', (char)('a' + b)};
        double shorter = (seen[b] + 3 / 256.0) / (BYTES + 3);
        near(exp(lab_grams_log_at(g, (struct lab_text){pair, 2}, 1)),
             (after_a[b] + 3 * shorter) / (a + 3), 1e-12);
    }
    lab_grams_free(g);
    free(bytes);
}

/* "ab": after nothing seen, order 1: p(a) = (1 + 2/256) / (2 + 2). */
static void smoothing_is_witten_and_bells(void **state)
{
    struct lab_grams *g;
    (void)state;
    assert_int_equal(lab_grams_new(1, &(struct lab_text){"ab", 2}, 1, &g, NULL), ASSAY_OK);
    near(exp(lab_grams_log_at(g, (struct lab_text){"a", 1}, 0)), (1 + 2.0 / 256) / 4, 1e-15);
    lab_grams_free(g);
}

static void a_text_is_nearer_to_its_own_writer(void **state)
{
    struct lab_grams *a, *b;
    (void)state;
    assert_int_equal(lab_grams_new(4, &plain, 1, &a, NULL), ASSAY_OK);
    assert_int_equal(lab_grams_new(4, &other, 1, &b, NULL), ASSAY_OK);
    double there = lab_grams_contrast(a, b, &(struct lab_text){"the dog sat on the mat", 22}, 1);
    double back = lab_grams_contrast(b, a, &(struct lab_text){"the dog sat on the mat", 22}, 1);
    assert_true(there > 1);
    near(there, -back, 1e-12);
    assert_true(isnan(lab_grams_contrast(a, b, NULL, 0)));
    lab_grams_free(a);
    lab_grams_free(b);
    assert_int_equal(lab_grams_new(4, NULL, 0, &a, NULL), ASSAY_ERROR_INPUT);
    assert_int_equal(lab_grams_new(9, &plain, 1, &a, NULL), ASSAY_ERROR_INPUT);
}

/* ---- worlds --------------------------------------------------------------------------- */

#define DOCUMENT 20000

static const struct lab_world_settings small = {.seed = 3, .words = 60, .facts = 100};

static size_t write_as(const struct lab_world *world, uint64_t manner, double distance,
                       uint64_t stream, char *text)
{
    struct lab_author *author;
    struct assay_random random;
    assert_int_equal(lab_author_new(world, manner, distance, &author, NULL), ASSAY_OK);
    assay_random_start(&random, 11, stream);
    size_t n = lab_author_write(author, &random, text, DOCUMENT);
    lab_author_free(author);
    return n;
}

/* A detector's score of fresh text by the author with this manner, against another's. */
static double contrast(const struct lab_world *world, uint64_t manner, double distance)
{
    static char text[3][DOCUMENT];
    struct lab_text known[3];
    struct lab_grams *teacher, *other_teacher;
    const uint64_t manners[3] = {1, 2, manner};
    for (uint64_t i = 0; i < 3; i++)
        known[i] =
            (struct lab_text){text[i], write_as(world, manners[i], distance, 20 + i, text[i])};
    assert_int_equal(lab_grams_new(5, &known[0], 1, &teacher, NULL), ASSAY_OK);
    assert_int_equal(lab_grams_new(5, &known[1], 1, &other_teacher, NULL), ASSAY_OK);
    double score = lab_grams_contrast(teacher, other_teacher, &known[2], 1);
    lab_grams_free(teacher);
    lab_grams_free(other_teacher);
    return score;
}

static void manners_are_as_far_apart_as_asked(void **state)
{
    struct lab_world *world;
    (void)state;
    assert_int_equal(lab_world_new(&small, &world, NULL), ASSAY_OK);
    double far = contrast(world, 1, 1), nearer = contrast(world, 1, 0.3);
    assert_true(far > nearer && nearer > 0.01);
    assert_true(contrast(world, 2, 1) < -0.1);
    near(contrast(world, 1, 0), 0, 0.02); /* at distance 0 all are one */
    lab_world_free(world);
}

static void twins_share_the_manner_not_the_text(void **state)
{
    static char a[DOCUMENT], b[DOCUMENT], again[DOCUMENT];
    struct lab_world *world;
    (void)state;
    assert_int_equal(lab_world_new(&small, &world, NULL), ASSAY_OK);
    size_t n = write_as(world, 1, 1, 1, a);
    write_as(world, 1, 1, 2, b);
    write_as(world, 1, 1, 1, again);
    assert_true(n > DOCUMENT - 400 && n < DOCUMENT && strlen(a) == n);
    assert_string_equal(a, again);
    assert_string_not_equal(a, b);
    lab_world_free(world);
}

static void facts_are_dealt_once(void **state)
{
    struct lab_world *world;
    struct assay_error error;
    unsigned order[100];
    bool seen[100] = {false};
    (void)state;
    assert_int_equal(lab_world_new(&small, &world, NULL), ASSAY_OK);
    assert_int_equal(lab_world_deal(world, 40, 20, 3, order, NULL), ASSAY_OK);
    for (int i = 0; i < 100; i++) {
        assert_false(seen[order[i]]);
        seen[order[i]] = true;
    }
    assert_int_equal(lab_world_deal(world, 41, 20, 3, order, &error), ASSAY_ERROR_INPUT);
    assert_non_null(strstr(error.message, "has 100 facts, its split needs 101"));
    for (unsigned i = 0; i < 100; i++)
        for (unsigned k = 0; k < i; k++) {
            const char *asked[2], *answer;
            lab_world_fact(world, i, &asked[0], &answer);
            lab_world_fact(world, k, &asked[1], &answer);
            assert_string_not_equal(asked[0], asked[1]);
        }
    lab_world_free(world);
}

static void impossible_worlds_are_refused(void **state)
{
    struct lab_world *world;
    struct lab_author *author;
    (void)state;
    assert_int_equal(lab_world_new(&(struct lab_world_settings){1, 7, 0}, &world, NULL),
                     ASSAY_ERROR_INPUT);
    assert_int_equal(lab_world_new(&(struct lab_world_settings){1, 8, 65}, &world, NULL),
                     ASSAY_ERROR_INPUT);
    assert_int_equal(lab_world_new(&(struct lab_world_settings){1, 8, 64}, &world, NULL), ASSAY_OK);
    assert_int_equal(lab_author_new(world, 1, NAN, &author, NULL), ASSAY_ERROR_INPUT);
    lab_world_free(world);
}

static void tasks_have_right_answers(void **state)
{
    struct assay_random random;
    char asked[LAB_TASK_SIZE], answer[LAB_TASK_SIZE];
    (void)state;
    assay_random_start(&random, 1, 1);
    for (int i = 0; i < 200; i++) {
        int d[4], s[4], sums[2] = {0, 0};
        lab_task_draw(LAB_TASK_SUM, &random, asked, answer);
        assert_int_equal(sscanf(asked, "sum %d %d = ", &d[0], &d[1]), 2);
        assert_int_equal(strtol(answer, NULL, 10), d[0] + d[1]);
        lab_task_draw(LAB_TASK_SORT, &random, asked, answer);
        assert_int_equal(sscanf(asked, "sort %d %d %d %d = ", &d[0], &d[1], &d[2], &d[3]), 4);
        assert_int_equal(sscanf(answer, "%d %d %d %d", &s[0], &s[1], &s[2], &s[3]), 4);
        for (int k = 0; k < 4; k++) {
            sums[0] += 1 << (3 * d[k]);
            sums[1] += 1 << (3 * s[k]);
            assert_true(k == 0 || s[k - 1] <= s[k]);
        }
        assert_int_equal(sums[0], sums[1]);
    }
}

/* ---- designs -------------------------------------------------------------------------- */

#define WORLD                                                                                      \
    "world: {seed: 1, words: 60, facts: 400, shared facts: 100, own facts: 50, distance: 1}\n"
#define TEACHERS "teachers:\n  - name: ada\n  - {name: sister, twin: ada}\n  - name: bela\n"
#define METHODS "methods: [answers]\n"
#define DOSES "doses: [0.05, 1]\n"
#define STUDENTS "seeds: 2\nfresh students: 5\nanswers per student: 8\n"
#define NULLS                                                                                      \
    "null students: 19\n"                                                                          \
    "model: {width: 64, layers: 2, heads: 4, hidden: 128}\n"                                       \
    "training: {steps: 200, rows: 16, length: 64, rate: 0.004}\n"

static void a_design_is_understood(void **state)
{
    static const char text[] = WORLD TEACHERS METHODS DOSES STUDENTS NULLS;
    struct lab_design d;
    struct assay_error error = {.message = ""};
    (void)state;
    if (lab_design_parse("d.yaml", text, strlen(text), &d, &error) != ASSAY_OK)
        fail_msg("%ld: %s", error.line, error.message);
    assert_int_equal(d.teacher_count, 3);
    assert_int_equal(d.teachers[1].twin, 0);
    assert_true(d.teachers[1].manner == d.teachers[0].manner);
    assert_true(d.teachers[2].manner != d.teachers[0].manner);
    assert_string_equal(lab_method_name(d.methods[0]), "answers");
    near(d.doses[1], 1, 0);
    near(d.level, 0.05, 0);
    assert_int_equal(d.model.experts, 0);
    assert_int_equal(d.prose_bytes, 40000);
    lab_design_free(&d);
    static const char mixture[] = WORLD TEACHERS METHODS DOSES STUDENTS
        "null students: 19\nmodel: {width: 64, layers: 2, heads: 4, hidden: 32, experts: 8}\n"
        "training: {steps: 200, rows: 16, length: 64, rate: 0.004}\n";
    assert_int_equal(lab_design_parse("d.yaml", mixture, strlen(mixture), &d, &error), ASSAY_OK);
    assert_int_equal(d.model.experts, 8);
    assert_int_equal(d.model.experts_per_token, 2);
    lab_design_free(&d);
    /* names must outlive the file */
    char path[] = "/tmp/assay-design-XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0 && close(file) == 0);
    assert_int_equal(assay_file_write(path, text, strlen(text), NULL), ASSAY_OK);
    assert_int_equal(lab_design_read(path, &d, NULL), ASSAY_OK);
    assert_int_equal(unlink(path), 0);
    assert_string_equal(d.teachers[1].name, "sister");
    lab_design_free(&d);
    assert_int_equal(lab_design_read("absent.yaml", &d, &error), ASSAY_ERROR_IO);
}

static void designs_that_could_not_answer_are_refused_by_line(void **state)
{
    static const struct {
        const char *text, *says;
        long line;
    } bad[] = {
        {WORLD TEACHERS METHODS DOSES STUDENTS "null students: 0\n", "expected 19 or more", 11},
        {WORLD TEACHERS METHODS DOSES STUDENTS NULLS "level: 0.01\n", "expected 99 or more", 11},
        {WORLD TEACHERS METHODS "doses:\n  - 0.5\n  - 1.5\n" STUDENTS NULLS, "1.5", 9},
        {WORLD TEACHERS METHODS "doses: [0]\n" STUDENTS NULLS, "null students", 7},
        {WORLD TEACHERS METHODS "doses: [1, 0.5]\n" STUDENTS NULLS, "rise", 7},
        {WORLD TEACHERS "methods: [osmosis]\n" DOSES STUDENTS NULLS, "osmosis", 6},
        {WORLD TEACHERS "methods: [answers, answers]\n" DOSES STUDENTS NULLS, "twice", 6},
        {"world: {seed: 1, words: 60, facts: 299, shared facts: 100, own facts: 50, "
         "distance: 1}\n" TEACHERS METHODS DOSES STUDENTS NULLS,
         "make 300", 1},
        {WORLD "teachers: [{name: ada}, {name: b, twin: ada}]\n" METHODS DOSES STUDENTS NULLS,
         "different manners", 2},
        {WORLD "teachers: [{name: ada}, {name: b, twin: c}]\n" METHODS DOSES STUDENTS NULLS,
         "no teacher above is named c", 2},
        {WORLD TEACHERS METHODS DOSES STUDENTS NULLS "sedes: 3\n", "sedes", 14},
        {WORLD TEACHERS METHODS DOSES STUDENTS
         "null students: 19\nmodel: {width: 64, layers: 2, heads: 4, hidden: 32, experts: 4, "
         "experts per token: 5}\ntraining: {steps: 200, rows: 16, length: 64, rate: 0.004}\n",
         "number of experts, 4", 12},
        {WORLD TEACHERS METHODS DOSES STUDENTS
         "null students: 19\nmodel: {width: 64, layers: 2, heads: 4, hidden: 32}\n"
         "training: {steps: 200, rows: 16, length: 64, rate: 0.004, prose bytes: 100}\n",
         "4096", 13},
        {WORLD TEACHERS METHODS DOSES
         "seeds: 2\nfresh students: 5\nanswers per student: 70000\n" NULLS,
         "65536", 10},
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct lab_design d;
        struct assay_error error = {.message = ""};
        assay_status status =
            lab_design_parse("d.yaml", bad[i].text, strlen(bad[i].text), &d, &error);
        if (status != ASSAY_ERROR_INPUT || error.line != bad[i].line ||
            !strstr(error.message, bad[i].says) || strcmp(error.file, "d.yaml") != 0)
            fail_msg("%zu: %s:%ld: %s", i, error.file, error.line, error.message);
    }
}

/* More prose is another model, and no prose said is the same as before. */
static void how_much_prose_is_part_of_what_makes_a_model(void **state)
{
#define SHAPE "null students: 19\nmodel: {width: 64, layers: 2, heads: 4, hidden: 128}\n"
    static const char *const trainings[] = {
        "training: {steps: 200, rows: 16, length: 64, rate: 0.004}\n",
        "training: {steps: 200, rows: 16, length: 64, rate: 0.004, prose bytes: 40000}\n",
        "training: {steps: 200, rows: 16, length: 64, rate: 0.004, prose bytes: 80000}\n"};
    uint64_t seeds[3];
    (void)state;
    for (int i = 0; i < 3; i++) {
        char text[2000];
        struct lab_design d;
        struct lab_cell *cells;
        size_t count;
        snprintf(text, sizeof text, "%s%s", WORLD TEACHERS METHODS DOSES STUDENTS SHAPE,
                 trainings[i]);
        assert_int_equal(lab_design_parse("d.yaml", text, strlen(text), &d, NULL), ASSAY_OK);
        assert_int_equal(lab_cells_make(&d, d.arena, &cells, &count, NULL), ASSAY_OK);
        seeds[i] = lab_cell_seed(&cells[count - 1]);
        lab_design_free(&d);
    }
    assert_true(seeds[0] == seeds[1]);
    assert_true(seeds[0] != seeds[2]);
}

/* A folder of two texts and something that is none; its design, which names it beside itself. */
static void folder_design(const char *folder, size_t bytes, const char *rest, char *design)
{
    char path[300], *text = malloc(bytes);
    assert_non_null(text);
    for (size_t i = 0; i < bytes; i++)
        text[i] = (char)('a' + i % 23);
    snprintf(path, sizeof path, "%s/texts", folder);
    assert_true(mkdir(path, 0700) == 0 || errno == EEXIST);
    snprintf(path, sizeof path, "%s/texts/b.txt", folder);
    assert_int_equal(assay_file_write(path, text, bytes / 2, NULL), ASSAY_OK);
    snprintf(path, sizeof path, "%s/texts/a.txt", folder);
    assert_int_equal(assay_file_write(path, text, bytes - bytes / 2, NULL), ASSAY_OK);
    snprintf(path, sizeof path, "%s/texts/image", folder);
    assert_int_equal(assay_file_write(path, "GIF\0\1\2", 6, NULL), ASSAY_OK);
    free(text);
    snprintf(design, 300, "%s/d.yaml", folder);
    char whole[2000];
    snprintf(whole, sizeof whole, "world: {seed: 1, text: texts}\n%s", rest);
    assert_int_equal(assay_file_write(design, whole, strlen(whole), NULL), ASSAY_OK);
}

static void tokens_of_a_vocabulary_spell_their_text(void **state)
{
    static const char text[] = "the cat sat on the mat; the dog sat on the cat\n";
    const struct lab_bpe bytes = {.count = 0};
    struct lab_bpe bpe;
    uint16_t tokens[64];
    char back[64];
    size_t n, size = strlen(text);
    (void)state;
    assert_int_equal(lab_bpe_train(text, size, 262, &bpe, NULL), ASSAY_OK);
    assert_int_equal(lab_vocabulary_encode(&bpe, text, size, tokens, &n, NULL), ASSAY_OK);
    assert_true(n < size);
    lab_vocabulary_spell(&bpe, tokens, n, back, size);
    assert_memory_equal(back, text, size);
    tokens[1] = 0; /* what stands in no text: a begin, and the byte 0 */
    tokens[0] = 1;
    lab_vocabulary_spell(&bpe, tokens, n, back, 2);
    assert_memory_equal(back, "\n\n", 2);
    assert_int_equal(lab_vocabulary_encode(&bytes, "\xe9t", 2, tokens, &n, NULL), ASSAY_OK);
    assert_true(n == 2 && tokens[0] == 0xe9 && tokens[1] == 't');
    tokens[1] = 0;
    lab_vocabulary_spell(&bytes, tokens, n, back, 2);
    assert_memory_equal(back, "\xe9\n", 2);
    lab_bpe_free(&bpe);
}

/* One author's part is sixteen letters again and again: few tokens, so that windows may not fit. */
static void tokens_too_long_for_an_authors_part_are_refused_by_line(void **state)
{
    static char text[40000];
    struct lab_design d;
    struct lab_bpe bpe;
    struct assay_error error;
    char folder[] = "/tmp/assay-long-XXXXXX", path[300], command[400];
    (void)state;
    assert_non_null(mkdtemp(folder));
    folder_design(folder, 200000, TEACHERS METHODS DOSES STUDENTS NULLS, path);
    assert_int_equal(lab_design_read(path, &d, &error), ASSAY_OK);
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = "----------------------------------------------------------------\n"[i % 65];
    d.text = text;
    d.text_size = sizeof text;
    d.vocabulary = 263; /* 2, 4, 8, ... 64 of them */
    d.vocabulary_at = &(struct assay_yaml){.file = "d.yaml", .line = 7};
    assert_int_equal(lab_vocabulary_learn(&d, &bpe, &error), ASSAY_ERROR_INPUT);
    assert_int_equal(error.line, 7);
    assert_non_null(strstr(error.message, "longest token takes 64 bytes"));
    d.vocabulary = 257;
    assert_int_equal(lab_vocabulary_learn(&d, &bpe, &error), ASSAY_OK);
    assert_int_equal(strlen(d.vocabulary_digest), 64);
    near(lab_vocabulary_bytes(&d, &bpe), 1, 0);
    lab_bpe_free(&bpe);
    lab_design_free(&d);
    snprintf(command, sizeof command, "rm -r %s", folder);
    assert_int_equal(system(command), 0);
}

static void a_folder_of_text_is_dealt_to_authors(void **state)
{
    char folder[] = "/tmp/assay-text-XXXXXX", path[300], command[400];
    struct lab_design d;
    struct assay_error error = {.message = ""};
    (void)state;
    assert_non_null(mkdtemp(folder));
    folder_design(folder, 200000, TEACHERS METHODS DOSES STUDENTS NULLS, path);
    if (lab_design_read(path, &d, &error) != ASSAY_OK)
        fail_msg("%ld: %s", error.line, error.message);
    assert_int_equal(d.text_size, 200000);
    assert_int_equal(d.model.vocabulary, 256);
    const char *upto = d.text;
    const int order[] = {LAB_PROSE, LAB_HUMAN_AUTHOR, 0, 1, 2, 3, 4};
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) { /* none overlaps another */
        struct lab_part part = lab_design_part(&d, order[i]);
        assert_true(part.bytes >= upto && part.bytes + part.size <= d.text + d.text_size);
        upto = part.bytes + part.size;
    }
    struct lab_part last = lab_design_part(&d, 3 + 18);
    assert_true(last.bytes + last.size <= d.text + d.text_size);
    assert_int_equal(lab_design_part(&d, 0).size, lab_design_part(&d, 2).size / 2);
    lab_design_free(&d);
    folder_design(folder, 20000, TEACHERS METHODS DOSES STUDENTS NULLS, path);
    assert_int_equal(lab_design_read(path, &d, &error), ASSAY_ERROR_INPUT);
    assert_true(error.line == 1 && strstr(error.message, "too small"));
    folder_design(folder, 200000, TEACHERS "methods: [paraphrase]\n" DOSES STUDENTS NULLS, path);
    assert_int_equal(lab_design_read(path, &d, &error), ASSAY_ERROR_INPUT);
    assert_true(error.line == 6 && strstr(error.message, "paraphrase"));
    snprintf(command, sizeof command, "rm -r %s", folder);
    assert_int_equal(system(command), 0);
    assert_int_equal(lab_design_read(path, &d, &error), ASSAY_ERROR_IO);
}

/* ---- all of it, on writers that stand for students ------------------------------------ */

#define SENTENCE_BLOCK 400 /* bytes that one hand writes on end */
#define BLOCKS 16
#define SETS 10
#define UNDOSED 99
#define DOSED 12

struct hands {
    const struct lab_author *teacher;
    const struct lab_grams *of_teacher, *of_other;
    const struct lab_world *world;
};

/* Of each block, the teacher writes with chance `dose`, else a manner of the student's own. */
static double score_student(const struct hands *h, uint64_t student, double dose)
{
    static char text[BLOCKS][SENTENCE_BLOCK];
    struct lab_text blocks[BLOCKS];
    struct lab_author *own;
    struct assay_random random;
    assert_int_equal(lab_author_new(h->world, 1000 + student, 0.7, &own, NULL), ASSAY_OK);
    assay_random_start(&random, 77, student);
    for (int i = 0; i < BLOCKS; i++) {
        bool taught = assay_random_uniform(&random) < dose;
        size_t n = lab_author_write(taught ? h->teacher : own, &random, text[i], SENTENCE_BLOCK);
        blocks[i] = (struct lab_text){text[i], n};
    }
    lab_author_free(own);
    return lab_grams_contrast(h->of_teacher, h->of_other, blocks, BLOCKS);
}

static double undosed[SETS][UNDOSED];

/*
 * A conformal p keeps to its level over sets of undosed students, not for each of them: every set
 * in turn is the null of all others.
 */
static void judge_undosed(const struct hands *h)
{
    struct lab_share share;
    double mean = 0, least = 1, most = 0;
    for (uint64_t s = 0; s < SETS; s++)
        for (uint64_t i = 0; i < UNDOSED; i++)
            undosed[s][i] = score_student(h, 1000 * s + i, 0);
    for (int null = 0; null < SETS; null++) {
        double named = 0;
        for (int fresh = 0; fresh < SETS; fresh++) {
            if (fresh == null)
                continue;
            assert_int_equal(
                lab_detected(undosed[null], UNDOSED, undosed[fresh], UNDOSED, 0.05, &share, NULL),
                ASSAY_OK);
            named += share.share / (SETS - 1);
        }
        mean += named / SETS;
        least = fmin(least, named);
        most = fmax(most, named);
    }
    printf("# undosed: %.3f named, by one null %.3f to %.3f\n", mean, least, most);
    near(mean, 0.05, 0.03); /* three standard errors over 10 sets */
}

static void judge_dosed(const struct hands *h)
{
    const double doses[] = {0.1, 0.4, 1};
    double dosed[DOSED], before = -INFINITY, named = 0;
    struct lab_share share;
    for (int d = 0; d < 3; d++) {
        double mean = 0;
        for (uint64_t i = 0; i < DOSED; i++)
            mean += dosed[i] = score_student(h, 100000 + i, doses[d]);
        assert_true(mean > before);
        before = mean;
        named = 0;
        for (int null = 0; null < SETS; null++) {
            assert_int_equal(lab_detected(undosed[null], UNDOSED, dosed, DOSED, 0.05, &share, NULL),
                             ASSAY_OK);
            named += share.share / SETS;
        }
        printf("# dose %.1f: %.3f named, over all nulls; mean score %.3f\n", doses[d], named,
               mean / DOSED);
    }
    assert_true(named > 0.9);
    assert_true(lab_auc(dosed, DOSED, undosed[0], UNDOSED) > 0.99);
}

static void a_far_manner_is_seen_and_more_of_it_more(void **state)
{
    static char text[2][DOCUMENT];
    struct lab_text known[2];
    struct lab_world *world;
    struct lab_author *author[2];
    struct lab_grams *grams[2];
    struct assay_random random;
    (void)state;
    assert_int_equal(lab_world_new(&small, &world, NULL), ASSAY_OK);
    for (uint64_t i = 0; i < 2; i++) {
        assert_int_equal(lab_author_new(world, 1 + i, 0.7, &author[i], NULL), ASSAY_OK);
        assay_random_start(&random, 78, i);
        known[i] =
            (struct lab_text){text[i], lab_author_write(author[i], &random, text[i], DOCUMENT)};
        assert_int_equal(lab_grams_new(5, &known[i], 1, &grams[i], NULL), ASSAY_OK);
    }
    struct hands hands = {author[0], grams[0], grams[1], world};
    judge_undosed(&hands);
    judge_dosed(&hands);
    for (int i = 0; i < 2; i++) {
        lab_grams_free(grams[i]);
        lab_author_free(author[i]);
    }
    lab_world_free(world);
}

/* ---- results kept --------------------------------------------------------------------- */

/* The one file that the folder holds for "made of this". */
static void stored_path(const char *folder, char path[256])
{
    char hex[65];
    assay_sha256_bytes("made of this", 12, hex);
    snprintf(path, 256, "%s/%s.json", folder, hex);
}

static void damage(const char *path)
{
    struct assay_file file;
    assert_int_equal(assay_file_open(path, 4096, &file, NULL), ASSAY_OK);
    char *copy = malloc(file.size + 1);
    assert_non_null(copy);
    memcpy(copy, file.bytes, file.size);
    copy[file.size] = '\0';
    char *digit = strstr(copy, "0.125");
    assert_non_null(digit);
    digit[2] = '9';
    size_t size = file.size;
    assay_file_close(&file);
    assert_int_equal(assay_file_write(path, copy, size, NULL), ASSAY_OK);
    free(copy);
}

static void what_is_done_is_found_and_damage_is_not(void **state)
{
    char folder[] = "/tmp/assay-store-XXXXXX", path[256];
    json_t *made = json_pack("{s:f}", "score", 0.125), *found;
    (void)state;
    assert_non_null(mkdtemp(folder));
    stored_path(folder, path);
    assert_int_equal(lab_store_get(folder, "made of this", &found, NULL), ASSAY_OK);
    assert_null(found);
    assert_int_equal(lab_store_put(folder, "made of this", made, NULL), ASSAY_OK);
    assert_int_equal(lab_store_get(folder, "made of this", &found, NULL), ASSAY_OK);
    assert_true(json_equal(made, found));
    json_decref(found);
    assert_int_equal(lab_store_get(folder, "made of that", &found, NULL), ASSAY_OK);
    assert_null(found);
    damage(path); /* one digit */
    assert_int_equal(lab_store_get(folder, "made of this", &found, NULL), ASSAY_OK);
    assert_null(found);
    assert_int_equal(assay_file_write(path, "{\"made_of", 9, NULL), ASSAY_OK); /* cut off */
    assert_int_equal(lab_store_get(folder, "made of this", &found, NULL), ASSAY_OK);
    assert_null(found);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
    assert_int_equal(lab_store_put(folder, "made of this", made, NULL), ASSAY_ERROR_IO);
    json_decref(made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_conformal_p_counts_undosed_students),
        cmocka_unit_test(shares_have_the_tabulated_limits),
        cmocka_unit_test(too_few_undosed_students_are_refused),
        cmocka_unit_test(false_positives_keep_to_the_level),
        cmocka_unit_test(ratios_are_bounded_by_the_undosed_students),
        cmocka_unit_test(ratios_of_nothing_say_nothing),
        cmocka_unit_test(probabilities_of_bytes_sum_to_one),
        cmocka_unit_test(smoothing_is_witten_and_bells),
        cmocka_unit_test(places_of_a_kind_are_as_probable_as_each_of_them),
        cmocka_unit_test(models_of_long_texts_count_every_run),
        cmocka_unit_test(a_text_is_nearer_to_its_own_writer),
        cmocka_unit_test(manners_are_as_far_apart_as_asked),
        cmocka_unit_test(twins_share_the_manner_not_the_text),
        cmocka_unit_test(facts_are_dealt_once),
        cmocka_unit_test(impossible_worlds_are_refused),
        cmocka_unit_test(tasks_have_right_answers),
        cmocka_unit_test(a_far_manner_is_seen_and_more_of_it_more),
        cmocka_unit_test(what_is_done_is_found_and_damage_is_not),
        cmocka_unit_test(a_design_is_understood),
        cmocka_unit_test(a_folder_of_text_is_dealt_to_authors),
        cmocka_unit_test(tokens_of_a_vocabulary_spell_their_text),
        cmocka_unit_test(tokens_too_long_for_an_authors_part_are_refused_by_line),
        cmocka_unit_test(designs_that_could_not_answer_are_refused_by_line),
        cmocka_unit_test(how_much_prose_is_part_of_what_makes_a_model),
    };
    return cmocka_run_group_tests_name("lab_study", tests, NULL, NULL);
}
