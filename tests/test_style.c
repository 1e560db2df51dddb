/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Style: on simulated writers whose descent is known, on trees whose shape is known, and on real
 * answers where they are at hand. A simulated writer draws words by its own rates; a student's
 * rates are a mixture of its teacher's and its own.
 */
#include "style/calibration.h"
#include "style/classify.h"
#include "style/join.h"
#include "style/offers.h"
#include "style/verdict.h"

#include <assay/stats.h>
#include <assay/style.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#include <cmocka.h>

#define WORDS 400
#define PROMPTS 64
#define LENGTH 120

/* ---- simulated writers ----------------------------------------------------------------- */

struct writer {
    double rate[WORDS]; /* cumulative */
};

static void make_writer(uint64_t seed, const struct writer *teacher, double dose, struct writer *w)
{
    struct assay_random random;
    double sum = 0, rate[WORDS], last = 0;
    assay_random_start(&random, seed, 99);
    for (int i = 0; i < WORDS; i++) {
        rate[i] = exp(0.6 * assay_random_normal(&random)) / (i + 3);
        sum += rate[i];
    }
    for (int i = 0; i < WORDS; i++) {
        double taught = teacher ? teacher->rate[i] - (i ? teacher->rate[i - 1] : 0) : 0;
        last += (1 - dose) * rate[i] / sum + dose * taught;
        w->rate[i] = last;
    }
}

static int draw_word(const struct writer *w, struct assay_random *random)
{
    double u = assay_random_uniform(random) * w->rate[WORDS - 1];
    int i = 0;
    while (i < WORDS - 1 && w->rate[i] < u)
        i++;
    return i;
}

/* What the writer says to prompts first to last - 1, as JSON lines, read. */
static struct assay_responses *answers(const char *name, const struct writer *w, uint64_t seed,
                                       int first, int last)
{
    char *text = malloc(((size_t)LENGTH * 8 + 64) * PROMPTS), path[64];
    size_t n = 0;
    struct assay_responses *r;
    struct assay_error error = {.message = ""};
    for (int p = first; p < last; p++) {
        struct assay_random random;
        assay_random_start(&random, seed, (uint64_t)p);
        n += (size_t)sprintf(text + n, "{\"prompt\":\"p%d\",\"output\":\"", p);
        for (int k = 0; k < LENGTH; k++) {
            int word = draw_word(w, &random); /* in letters: digits are other tokens */
            n += (size_t)sprintf(text + n, "w%c%c%c ", 'a' + word / 26 / 26, 'a' + word / 26 % 26,
                                 'a' + word % 26);
        }
        n += (size_t)sprintf(text + n, "\"}\n");
    }
    snprintf(path, sizeof path, "%s.jsonl", name);
    if (assay_responses_parse(path, text, n, &r, &error) != ASSAY_OK)
        fail_msg("%s", error.message);
    free(text);
    return r;
}

#define MODELS 24

struct world {
    struct writer writers[MODELS], student;
    struct assay_responses *sets[MODELS];
    struct assay_style_candidate candidates[4];
};

static void make_world(struct world *w, uint64_t seed)
{
    static char names[MODELS][16];
    for (int i = 0; i < MODELS; i++) {
        snprintf(names[i], sizeof names[i], "m%02d", i);
        make_writer(seed + (uint64_t)i, NULL, 0, &w->writers[i]);
        w->sets[i] = answers(names[i], &w->writers[i], seed * 100 + (uint64_t)i, 0, PROMPTS);
    }
    for (int c = 0; c < 4; c++)
        w->candidates[c] = (struct assay_style_candidate){names[c], &w->sets[c], 1};
}

static void free_world(struct world *w)
{
    for (int i = 0; i < MODELS; i++)
        assay_responses_free(w->sets[i]);
}

static struct assay_style_comparison ask(const struct world *w, enum assay_style_question question,
                                         struct assay_responses *suspect)
{
    struct assay_style_comparison r;
    struct assay_error error = {.message = ""};
    struct assay_context context = assay_context_default();
    struct assay_style_settings settings = assay_style_settings_default();
    settings.replicates = 8;
    if (assay_style_compare(&context, question, suspect, w->candidates, 4, w->sets + 4, MODELS - 4,
                            &settings, &r, &error) != ASSAY_OK)
        fail_msg("%s", error.message);
    return r;
}

static void a_student_is_ranked_to_its_teacher(void **state)
{
    static struct world w;
    (void)state;
    make_world(&w, 1);
    make_writer(500, &w.writers[2], 0.7, &w.student);
    struct assay_responses *suspect = answers("suspect", &w.student, 777, 0, PROMPTS);
    struct assay_style_comparison r = ask(&w, ASSAY_STYLE_RANK, suspect);
    assert_string_equal(r.results[0].name, "m02");
    assert_false(r.abstain);
    assert_true(r.results[0].p_value <= 0.05 && r.results[0].q_value >= r.results[0].p_value);
    assert_true(r.results[0].score_low < r.results[0].score &&
                r.results[0].score < r.results[0].score_high);
    assert_int_equal(r.results[0].shared_prompts, PROMPTS);
    assert_true(isnan(r.results[0].log10_lr.median)); /* no calibration was given */
    for (size_t i = 1; i < r.count; i++)
        assert_true(r.results[i - 1].score >= r.results[i].score);
    assay_style_comparison_free(&r);
    assay_responses_free(suspect);
    free_world(&w);
}

/* Conformal: of suspects with no teacher among the candidates at most 5% are given one. With 24
 * exchangeable models q is uniform on a grid, so 40 suspects name one twice on average. */
static void suspects_without_a_teacher_are_named_no_more_often_than_the_level(void **state)
{
    static struct world w;
    size_t named = 0;
    (void)state;
    make_world(&w, 2);
    for (uint64_t s = 0; s < 40; s++) {
        struct writer stranger;
        make_writer(9000 + s, NULL, 0, &stranger);
        struct assay_responses *suspect = answers("suspect", &stranger, 7000 + s, 0, PROMPTS);
        struct assay_style_comparison r = ask(&w, ASSAY_STYLE_RANK, suspect);
        named += !r.abstain;
        assay_style_comparison_free(&r);
        assay_responses_free(suspect);
    }
    free_world(&w);
    /* one in 10^5 under 5% */
    assert_true(assay_stats_binomial_tail((int64_t)named, 40, 0.05, ASSAY_UPPER) > -5);
}

static void the_writer_is_identified_on_prompts_that_it_never_answered(void **state)
{
    static struct world w;
    (void)state;
    make_world(&w, 3);
    for (int c = 0; c < 4; c++) { /* candidates answered the first half, the suspect the second */
        assay_responses_free(w.sets[c]);
        char name[8];
        snprintf(name, sizeof name, "m%02d", c);
        w.sets[c] = answers(name, &w.writers[c], 300 + (uint64_t)c, 0, PROMPTS / 2);
    }
    struct assay_responses *suspect = answers("service", &w.writers[1], 4242, PROMPTS / 2, PROMPTS);
    struct assay_style_comparison r = ask(&w, ASSAY_STYLE_IDENTIFY, suspect);
    assert_string_equal(r.results[0].name, "m01");
    assert_int_equal(r.results[0].shared_prompts, 0);
    assay_style_comparison_free(&r);
    assay_responses_free(suspect);
    free_world(&w);
}

static void answers_do_not_depend_on_threads(void **state)
{
    static struct world w;
    double scores[2];
    (void)state;
    make_world(&w, 4);
    for (int i = 0; i < 2; i++) {
        struct assay_style_comparison r;
        struct assay_context context = assay_context_default();
        struct assay_style_settings settings = assay_style_settings_default();
        context.threads = i == 0 ? 1 : 3;
        settings.replicates = 4;
        assert_int_equal(assay_style_compare(&context, ASSAY_STYLE_IDENTIFY, w.sets[20],
                                             w.candidates, 4, w.sets + 4, 16, &settings, &r, NULL),
                         ASSAY_OK);
        scores[i] = r.results[0].score + r.results[3].score_low;
        assay_style_comparison_free(&r);
    }
    assert_memory_equal(&scores[0], &scores[1], sizeof scores[0]);
    free_world(&w);
}

static void the_suspect_among_its_candidates_is_set_aside_and_said(void **state)
{
    static struct world w;
    (void)state;
    make_world(&w, 5);
    struct assay_responses *again = answers("m00", &w.writers[0], 500, 0, PROMPTS);
    struct assay_style_comparison r = ask(&w, ASSAY_STYLE_RANK, again);
    assert_int_equal(r.left_out_count, 1);
    assert_non_null(strstr(r.left_out[0], "the suspect itself"));
    assert_string_equal(r.results[3].name, "m00"); /* last, without a score */
    assert_true(isnan(r.results[3].score));
    assay_style_comparison_free(&r);
    assay_responses_free(again);
    free_world(&w);
}

static void bad_input_is_refused(void **state)
{
    static struct world w;
    struct assay_style_comparison r;
    struct assay_error error;
    struct assay_context context = assay_context_default();
    (void)state;
    make_world(&w, 6);
    assert_int_equal(assay_style_compare(&context, ASSAY_STYLE_RANK, w.sets[9], w.candidates, 0,
                                         NULL, 0, NULL, &r, &error),
                     ASSAY_ERROR_INPUT);
    assert_int_equal(assay_style_compare(&context, ASSAY_STYLE_RANK, w.sets[9], w.candidates, 2,
                                         NULL, 0, NULL, &r, &error),
                     ASSAY_ERROR_UNANSWERABLE);
    struct assay_style_candidate twice[4] = {w.candidates[0], w.candidates[1], w.candidates[2],
                                             w.candidates[0]};
    assert_int_equal(assay_style_compare(&context, ASSAY_STYLE_RANK, w.sets[9], twice, 4, NULL, 0,
                                         NULL, &r, &error),
                     ASSAY_ERROR_INPUT);
    assert_non_null(strstr(error.message, "two candidates are called m00"));
    free_world(&w);
}

/* ---- tokens, copies, tree, calibration --------------------------------------------------- */

static void case_and_quotes_do_not_make_another_word(void **state)
{
    uint32_t a[16], b[16];
    (void)state;
    assert_int_equal(style_tokenise("Don't STOP, 42!", 15, a), 5);
    assert_int_equal(style_tokenise("don\xE2\x80\x99t stop, 42!", 17, b), 5);
    for (int i = 0; i < 5; i++)
        assert_int_equal(style_folded(a[i]), style_folded(b[i]));
    assert_int_equal(style_kind_of(a[0]), STYLE_CAPITALISED);
    assert_int_equal(style_kind_of(a[1]), STYLE_UPPER);
    assert_int_equal(style_kind_of(a[3]), STYLE_NUMBER);
    assert_int_equal(style_tokenise(" \n a\n\nb \n", 9, a), 3); /* ends do not count */
    assert_int_equal(style_kind_of(a[1]), STYLE_PARAGRAPH);
}

static struct assay_responses *one_answer(const char *name, const char *text)
{
    char json[512];
    struct assay_responses *r;
    snprintf(json, sizeof json, "[{\"id\":1,\"output\":\"%s\"}]", text);
    assert_int_equal(assay_responses_parse(name, json, strlen(json), &r, NULL), ASSAY_OK);
    return r;
}

static void the_longest_shared_run_is_exact(void **state)
{
    struct assay_style_copies copies;
    struct assay_context context = assay_context_default();
    (void)state;
    struct assay_responses *suspect =
        one_answer("s", "xx the  quick br\xC3\xB6wn fox jumps over it yy");
    struct assay_responses *models[] = {
        one_answer("copy", "aa the quick br\xC3\xB6wn fox jumps over it bb"),
        one_answer("short", "the quick br\xC3\xB6wn f and no more of it"),
    };
    assert_int_equal(assay_style_copies_find(&context, suspect, models, 2, 20, &copies, NULL),
                     ASSAY_OK);
    assert_string_equal(copies.list[0].name, "copy");
    assert_int_equal(copies.list[0].prompts_with_long_runs, 1);
    assert_string_equal(copies.list[0].examples[0].text,
                        " the quick br\xC3\xB6wn fox jumps over it ");
    assert_int_equal(copies.list[0].longest_run_characters, 35);
    assert_int_equal(copies.list[1].prompts_with_long_runs, 0);
    assay_style_copies_free(&copies);
    /* a third of the population says it: no copy */
    assert_int_equal(
        assay_style_copies_find(&context, models[0],
                                (struct assay_responses *[]){suspect, suspect, models[1]}, 3, 20,
                                &copies, NULL),
        ASSAY_OK);
    assert_int_equal(copies.list[0].prompts_with_long_runs, 0);
    assay_style_copies_free(&copies);
    assert_int_equal(assay_style_copies_find(&context, suspect, models, 2, 19, &copies, NULL),
                     ASSAY_ERROR_INPUT);
    assay_responses_free(suspect);
    assay_responses_free(models[0]);
    assay_responses_free(models[1]);
}

/* Saitou and Nei 1987 recover any tree from its own distances: ((0,1),(2,3),4) here. */
static void neighbour_joining_recovers_an_additive_tree(void **state)
{
    static const double leaf[5] = {2, 3, 4, 1, 5};
    static const int side[5] = {0, 0, 1, 1, 2};
    static const double inner[3] = {1.5, 2.5, 0};
    double d[25];
    struct style_join tree;
    (void)state;
    for (int i = 0; i < 5; i++)
        for (int k = 0; k < 5; k++)
            d[i * 5 + k] = i == k ? 0
                                  : leaf[i] + leaf[k] +
                                        (side[i] == side[k] ? 0 : inner[side[i]] + inner[side[k]]);
    assert_true(style_join(5, d, &tree));
    assert_int_equal(tree.nodes, 8);
    assert_int_equal(tree.parent[0], tree.parent[1]);
    assert_int_equal(tree.parent[2], tree.parent[3]);
    assert_int_not_equal(tree.parent[0], tree.parent[2]);
    for (int i = 0; i < 4; i++)
        assert_true(fabs(tree.length[i] - leaf[i]) < 1e-12);
    style_join_free(&tree);
}

static void calibrated_ratios_are_those_of_the_densities(void **state)
{
    /* two normals of one variance, means 0 and 2: ln LR = 2 x - 2 */
    enum { N = 20000 };
    static double scores[N], weights[N];
    static bool taught[N];
    struct assay_random random;
    struct style_calibration c;
    (void)state;
    assay_random_start(&random, 5, 5);
    for (int i = 0; i < N; i++) {
        taught[i] = i % 4 == 0; /* unbalanced: the ratio must not be */
        scores[i] = assay_random_normal(&random) + (taught[i] ? 2 : 0);
        weights[i] = 1;
    }
    assert_true(style_calibration_fit(scores, weights, taught, N, &c));
    assert_true(fabs(c.slope * 2.302585 - 2) < 0.1);
    assert_true(fabs(c.intercept * 2.302585 + 2) < 0.1);
    c.bound = 1;
    assert_true(style_calibration_at(&c, 50).median == 1);
    assert_true(style_calibration_at(&c, 1).low <= style_calibration_at(&c, 1).high);
}

static void a_sibling_is_explained_away_and_a_second_teacher_is_not(void **state)
{
    (void)state;
    struct world w;
    struct writer sibling, mixed;
    make_world(&w, 41);
    /* m01's child stands among the candidates as m02; the suspect is m01's own second answers */
    make_writer(700, &w.writers[1], 0.7, &sibling);
    struct assay_responses *kept = w.sets[2];
    w.sets[2] = answers("m02", &sibling, 5, 0, PROMPTS);
    struct assay_responses *suspect = answers("suspect", &w.writers[1], 6, 0, PROMPTS);
    struct assay_style_comparison r = ask(&w, ASSAY_STYLE_RANK, suspect);
    assert_false(r.abstain);
    assert_string_equal(r.results[0].name, "m01");
    assert_null(r.results[0].explained_by);
    assert_string_equal(r.results[1].name, "m02");
    assert_true(r.results[1].p_value <= 0.05);
    assert_string_equal(r.results[1].explained_by, "m01");
    assay_style_comparison_free(&r);
    assay_responses_free(suspect);
    assay_responses_free(w.sets[2]);
    w.sets[2] = kept;
    for (int i = 0; i < WORDS; i++)
        mixed.rate[i] = 0.55 * w.writers[1].rate[i] + 0.45 * w.writers[3].rate[i];
    suspect = answers("suspect", &mixed, 7, 0, PROMPTS);
    r = ask(&w, ASSAY_STYLE_RANK, suspect);
    for (int i = 0; i < 2; i++) {
        assert_true(strcmp(r.results[i].name, "m01") == 0 || strcmp(r.results[i].name, "m03") == 0);
        assert_null(r.results[i].explained_by);
    }
    assay_style_comparison_free(&r);
    assay_responses_free(suspect);
    free_world(&w);
}

/* ---- fingerprints ---------------------------------------------------------------------- */

/* Written, read back, and its path removed. */
static struct assay_responses *fingerprint_of(struct assay_responses *set, double share)
{
    struct assay_error error = {.message = ""};
    struct assay_context context = assay_context_default();
    struct assay_style_fingerprint_settings settings = assay_style_fingerprint_settings_default();
    struct assay_responses *made, *read;
    char path[64];
    size_t size = 0;
    for (int k = 0; k < ASSAY_FINGERPRINT_KINDS; k++)
        settings.share[k] = share;
    snprintf(path, sizeof path, "%s.fingerprint", set->name);
    if (assay_style_fingerprint_make(&context, set, &settings, &made, &error) != ASSAY_OK ||
        assay_fingerprint_write(made, path, &size, &error) != ASSAY_OK ||
        assay_responses_read(path, &read, &error) != ASSAY_OK)
        fail_msg("%s", error.message);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(made->n, read->n);
    assert_int_equal(made->fingerprint->run_count, read->fingerprint->run_count);
    assert_memory_equal(made->fingerprint->run, read->fingerprint->run,
                        made->fingerprint->run_count * sizeof *made->fingerprint->run);
    assert_memory_equal(made->fingerprint->totals, read->fingerprint->totals,
                        sizeof made->fingerprint->totals);
    assert_string_equal(read->source_sha256, set->source_sha256);
    assay_responses_free(made);
    return read;
}

static void compare_with_fingerprints(double share, const double tolerance[3])
{
    struct world w, prints;
    make_world(&w, 71);
    make_writer(500, &w.writers[1], 0.6, &w.student);
    struct assay_responses *suspect = answers("suspect", &w.student, 9, 0, PROMPTS);
    prints = w;
    for (int i = 0; i < MODELS; i++)
        prints.sets[i] = fingerprint_of(w.sets[i], share);
    for (int c = 0; c < 4; c++)
        prints.candidates[c].members = &prints.sets[c];
    for (int question = ASSAY_STYLE_PARENT; question <= ASSAY_STYLE_RANK; question++) {
        struct assay_style_comparison a = ask(&w, (enum assay_style_question)question, suspect);
        struct assay_style_comparison b =
            ask(&prints, (enum assay_style_question)question, suspect);
        assert_string_equal(a.results[0].name, b.results[0].name);
        for (size_t i = 0; i < a.count; i++)
            for (size_t k = 0; k < b.count; k++)
                if (strcmp(a.results[i].name, b.results[k].name) == 0)
                    assert_float_equal(a.results[i].score, b.results[k].score, tolerance[question]);
        assay_style_comparison_free(&a);
        assay_style_comparison_free(&b);
    }
    free_world(&w);
    free_world(&prints);
    assay_responses_free(suspect);
}

static void a_fingerprint_that_keeps_all_says_what_the_texts_say(void **state)
{
    (void)state;
    /* a few runs share an id of 26 bits; words used less than three times are left out */
    compare_with_fingerprints(1, (const double[3]){0, 0.2, 0.2});
}

static void a_fingerprint_of_a_half_of_the_runs_says_nearly_so(void **state)
{
    (void)state;
    compare_with_fingerprints(0.5, (const double[3]){0, 1.5, 1.5});
}

static void a_broken_fingerprint_is_refused_wherever_it_breaks(void **state)
{
    (void)state;
    struct writer w;
    struct assay_error error = {.message = ""};
    struct assay_context context = assay_context_default();
    struct assay_responses *set, *made, *read = NULL;
    struct assay_file file;
    size_t size = 0, refused = 0;
    make_writer(3, NULL, 0, &w);
    set = answers("broken", &w, 3, 0, 6);
    assert_int_equal(assay_style_fingerprint_make(&context, set, NULL, &made, &error), ASSAY_OK);
    assert_int_equal(assay_style_fingerprint_make(&context, made, NULL, &read, &error),
                     ASSAY_ERROR_INPUT);
    assert_int_equal(assay_fingerprint_write(set, "broken.fingerprint", &size, &error),
                     ASSAY_ERROR_INPUT);
    assert_int_equal(assay_fingerprint_write(made, "broken.fingerprint", &size, &error), ASSAY_OK);
    assert_int_equal(assay_file_open("broken.fingerprint", 1 << 20, &file, &error), ASSAY_OK);
    unsigned char *plain = malloc(1 << 20);
    size_t n = ZSTD_decompress(plain, 1 << 20, file.bytes, file.size);
    assert_false(ZSTD_isError(n));
    for (size_t cut = 18; cut < n; cut++)
        assert_int_not_equal(assay_responses_parse("cut", plain, cut, &read, &error), ASSAY_OK);
    for (size_t at = 0; at < n; at++) { /* some bits may change what it says, none may break us */
        plain[at] ^= 0x55;
        if (assay_responses_parse("changed", plain, n, &read, &error) == ASSAY_OK)
            assay_responses_free(read);
        else
            refused++;
        plain[at] ^= 0x55;
    }
    assert_true(refused > 30);
    plain[18] = '2';
    assert_int_equal(assay_responses_parse("newer", plain, n, &read, &error),
                     ASSAY_ERROR_UNSUPPORTED);
    free(plain);
    assay_file_close(&file);
    unlink("broken.fingerprint");
    assay_responses_free(set);
    assay_responses_free(made);
}

/* ---- real answers ------------------------------------------------------------------------ */

static void parents_of_real_models_are_found_at_the_stated_rates(void **state)
{
    char folder[1024], table[1024];
    const char *source = getenv("ASSAY_SOURCE");
    struct assay_style_validation v;
    struct assay_error error = {.message = ""};
    struct assay_context context = assay_context_default();
    (void)state;
    snprintf(folder, sizeof folder, "%s/../shared/data/alpaca_eval", source ? source : ".");
    snprintf(table, sizeof table, "%s/data/style_models.csv", source ? source : ".");
    if (access(folder, R_OK) != 0) {
        print_message("# skipped: no %s\n", folder);
        skip();
    }
    struct assay_arena *arena = assay_arena_new();
    const char *const paths[] = {folder};
    char **found;
    size_t n, left_out;
    assert_int_equal(assay_responses_list(paths, 1, arena, &found, &n, &left_out, &error),
                     ASSAY_OK);
    struct assay_responses **sets = calloc(n, sizeof *sets);
    assert_int_equal(assay_responses_read_all(&context, found, n, sets, &error), ASSAY_OK);
    assert_int_equal(
        assay_style_validate(&context, ASSAY_STYLE_PARENT, sets, n, table, 0, 0.05, &v, &error),
        ASSAY_OK);
    assert_true(v.top1 >= 0.93);
    assert_true(v.true_positive_1 >= 0.95);
    assert_true(v.absent_named <= 0.06);
    assert_true(v.cllr < 0.35);
    const double all = v.top1; /* five prompts tell less, but more than chance */
    assert_int_equal(
        assay_style_validate(&context, ASSAY_STYLE_PARENT, sets, n, table, 5, 0.05, &v, &error),
        ASSAY_OK);
    assert_true(v.top1 < all && v.top1 > 0.2);
    for (size_t i = 0; i < n; i++)
        assay_responses_free(sets[i]);
    free(sets);
    assay_arena_free(arena);
}

/* Of two, by a normal difference of spread s sqrt 2; of many without evidence, by chance. */
static void
how_often_the_true_one_of_many_comes_first_is_known_where_it_can_be_had_by_hand(void **state)
{
    (void)state;
    for (double s = 0; s < 4; s += 0.5) {
        /* means differ by s^2: P(first) = Phi(s^2 / (s sqrt 2)) */
        double expected = 0.5 * erfc(-s / sqrt(2) / sqrt(2));
        assert_true(fabs(style_first_of(s, 2) - expected) < 1e-6);
    }
    assert_true(fabs(style_first_of(0, 22) - 1.0 / 22) < 1e-6);
    assert_true(style_first_of(1, 22) < style_first_of(2, 22));
    assert_true(style_first_of(12, 22) > 0.999);
}

static void offer_more(size_t answered, size_t could_be, struct assay_finding *f)
{
    static const struct assay_weight weights[] = {{"a", {0, -0.1, 0.1, 0.8}, NULL, true},
                                                  {"b", {-0.2, -0.3, 0, 0.8}, NULL, true},
                                                  {"none of these", {-0.1, 0, 0, 0.8}, NULL, true}};
    char folder[4200];
    struct assay_error error = {0};
    const char *source = getenv("ASSAY_SOURCE");
    snprintf(folder, sizeof folder, "%s/data", source ? source : "..");
    *f = (struct assay_finding){.arena = assay_arena_new(), .weights = weights, .weight_count = 3};
    if (style_offer_answers(f, "rank", answered, could_be, folder, &error) != ASSAY_OK)
        fail_msg("%s", error.message);
}

static void more_answers_are_offered_where_more_were_seen_to_tell_more(void **state)
{
    (void)state;
    struct assay_finding few, many, all;
    offer_more(25, 400, &few);
    offer_more(100, 400, &many);
    offer_more(400, 805, &all); /* none came first more often with more than 400 */
    assert_int_equal(few.obtainable_count, 1);
    assert_int_equal(many.obtainable_count, 1);
    assert_int_equal(all.obtainable_count, 0);
    const struct assay_outcome *first = &few.obtainables[0].outcomes[0];
    assert_int_equal(few.obtainables[0].outcome_count, 2);
    assert_string_equal(first->text, "a");
    assert_true(first->probabilities[0] > many.obtainables[0].outcomes[0].probabilities[0]);
    assert_true(fabs(first->probabilities[1] - (1 - first->probabilities[0])) < 1e-9);
    assert_true(fabs(first->probabilities[2] - 0.5) < 1e-9);
    assay_finding_free(&few);
    assay_finding_free(&many);
    assay_finding_free(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            how_often_the_true_one_of_many_comes_first_is_known_where_it_can_be_had_by_hand),
        cmocka_unit_test(more_answers_are_offered_where_more_were_seen_to_tell_more),
        cmocka_unit_test(a_student_is_ranked_to_its_teacher),
        cmocka_unit_test(suspects_without_a_teacher_are_named_no_more_often_than_the_level),
        cmocka_unit_test(the_writer_is_identified_on_prompts_that_it_never_answered),
        cmocka_unit_test(answers_do_not_depend_on_threads),
        cmocka_unit_test(the_suspect_among_its_candidates_is_set_aside_and_said),
        cmocka_unit_test(bad_input_is_refused),
        cmocka_unit_test(case_and_quotes_do_not_make_another_word),
        cmocka_unit_test(the_longest_shared_run_is_exact),
        cmocka_unit_test(neighbour_joining_recovers_an_additive_tree),
        cmocka_unit_test(calibrated_ratios_are_those_of_the_densities),
        cmocka_unit_test(a_sibling_is_explained_away_and_a_second_teacher_is_not),
        cmocka_unit_test(a_fingerprint_that_keeps_all_says_what_the_texts_say),
        cmocka_unit_test(a_fingerprint_of_a_half_of_the_runs_says_nearly_so),
        cmocka_unit_test(a_broken_fingerprint_is_refused_wherever_it_breaks),
        cmocka_unit_test(parents_of_real_models_are_found_at_the_stated_rates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
