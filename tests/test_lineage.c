/* SPDX-License-Identifier: Apache-2.0 */
/* Descent: known relations found, none invented, p-values that hold, disguises seen through. */
#include "lineage/match.h"

#include "lineage_made.h"

#include <assay/lineage.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lineage_files.h"

/* ---- files ------------------------------------------------------------------------------------
 */

static const char *model_path(char path[1024], const char *name)
{
    const char *shared = getenv("ASSAY_SHARED"), *source = getenv("ASSAY_SOURCE");
    snprintf(path, 1024, "%s%s/models/%s",
             shared   ? shared
             : source ? source
                      : ".",
             shared ? "" : "/../shared", name);
    if (access(path, R_OK) != 0) {
        print_message("# skipped: no %s\n", path);
        return NULL;
    }
    return path;
}

static void compare_paths(const char *a, const char *b, struct assay_lineage_comparison *r)
{
    struct assay_checkpoint ca, cb;
    struct assay_error error;
    char text[1200] = "";
    struct assay_lineage_settings settings = assay_lineage_settings_default();
    struct assay_context context = assay_context_default();
    context.threads = 1;
    if (assay_checkpoint_open(a, &ca, &error) != ASSAY_OK ||
        assay_checkpoint_open(b, &cb, &error) != ASSAY_OK ||
        assay_lineage_compare(&ca, &cb, &settings, &context, r, &error) != ASSAY_OK) {
        assay_error_format(&error, text, sizeof text);
        fail_msg("%s", text);
    }
    assay_checkpoint_close(&ca);
    assay_checkpoint_close(&cb);
}

/* ---- the bounds ---------------------------------------------------------------------- */

/* Brute force over all 720 orders of 6: the exact tail can never be above the bound. */
static void bounds_hold_over_all_orders_of_six(void **state)
{
    (void)state;
    size_t fixed[7] = {0}, increasing[7] = {0}, order[6];
    for (size_t code = 0; code < 46656; code++) {
        size_t rest = code, k = 0, length;
        unsigned seen = 0;
        for (size_t i = 0; i < 6; i++, rest /= 6) {
            order[i] = rest % 6;
            seen |= 1u << order[i];
            k += order[i] == i;
        }
        if (seen != 63)
            continue;
        assert_true(match_increasing(order, 6, &length));
        for (size_t i = 0; i <= 6; i++) {
            fixed[i] += k >= i;
            increasing[i] += length >= i;
        }
    }
    assert_int_equal(fixed[0], 720);
    for (size_t k = 0; k <= 6; k++) {
        assert_true(log10((double)fixed[k] / 720 + 1e-300) <=
                    assay_lineage_fixed_tail(k, 6, 6) + 1e-12);
        assert_true(log10((double)increasing[k] / 720) <=
                    assay_lineage_increasing_tail(k, 6) + 1e-12);
    }
    assert_true(fabs(assay_lineage_fixed_tail(6, 6, 6) + log10(720)) < 1e-12);
    assert_true(fabs(assay_lineage_increasing_tail(6, 6) + log10(720)) < 1e-12);
    assert_true(assay_lineage_fixed_tail(328, 512, 512) < -680);
    /* without universal units agreement is the chance of fixed points; with them the binomial's */
    assert_true(fabs(assay_lineage_agreement_tail(4, 9, 20, 0) -
                     assay_lineage_fixed_tail(4, 9, 20)) < 1e-9);
    double binomial = log10(10 * pow(0.3, 9) * 0.7 + pow(0.3, 10)), tail;
    tail = assay_lineage_agreement_tail(9, 10, 1000000, 0.3);
    assert_true(tail >= binomial && tail < binomial + 0.01);
}

/* ---- models made here ---------------------------------------------------------------- */

static double compare_made(const struct made *a, const struct made *b, bool *permuted)
{
    struct assay_lineage_settings settings = assay_lineage_settings_default();
    struct assay_context context = assay_context_default();
    struct assay_lineage_comparison r;
    context.threads = 1;
    assert_int_equal(
        assay_lineage_compare(&a->checkpoint, &b->checkpoint, &settings, &context, &r, NULL),
        ASSAY_OK);
    double p = r.log10_p;
    *permuted = has_relation(&r, "permuted") || has_relation(&r, "rotated");
    assay_lineage_comparison_free(&r);
    return p;
}

/*
 * 60 pairs of independent models, a twentieth of whose units are universal, names hidden on one
 * side of a quarter of them and on both of another. The p-values must be above uniform: at level a,
 * at most 60 a + 4 deviations may lie below. (bench/null_lineage.c does it 100,000 times.)
 */
static void independent_models_of_one_world_are_never_related(void **state)
{
    (void)state;
    static struct made a, b;
    size_t below[3] = {0}, pairs = 60;
    static const double levels[3] = {0.3, 0.1, 0.01};
    for (size_t i = 0; i < pairs; i++) {
        bool permuted;
        made_make(&a, 1000 + 2 * i, MADE_UNITS / 20);
        made_make(&b, 1001 + 2 * i, MADE_UNITS / 20);
        if (i % 4 == 3)
            made_hide_names(&a, 1000 + 2 * i);
        if (i % 4 >= 2)
            made_hide_names(&b, 1001 + 2 * i);
        double p = compare_made(&a, &b, &permuted);
        assert_false(permuted);
        for (size_t k = 0; k < 3; k++)
            below[k] += p <= log10(levels[k]);
    }
    for (size_t k = 0; k < 3; k++) {
        double expected = levels[k] * (double)pairs;
        if ((double)below[k] > expected + 4 * sqrt(expected))
            fail_msg("%zu of %zu p-values at or below %g", below[k], pairs, levels[k]);
    }
}

/* 6,000 matchings of independent random units: each tail bound is above what happens. */
static void p_values_of_single_tests_are_above_uniform(void **state)
{
    (void)state;
    enum { N = 12, ROUNDS = 6000 };
    struct assay_context context = assay_context_default();
    struct units a, b;
    size_t best[N], fixed_below[4] = {0}, order_below[4] = {0};
    float score[N];
    static const double levels[4] = {0.2, 0.05, 0.01, 0.001};
    context.threads = 1;
    for (uint64_t round = 0; round < ROUNDS; round++) {
        struct assay_random random;
        size_t fixed = 0, length;
        assert_true(units_new(&a, N, 16) && units_new(&b, N, 16));
        assay_random_start(&random, 9, round);
        for (size_t i = 0; i < N * 16; i++) {
            a.values[i] = (float)assay_random_normal(&random);
            b.values[i] = (float)assay_random_normal(&random);
        }
        struct packed pa, pb;
        assert_int_equal(units_pack(&context, &a, true, &pa, NULL), ASSAY_OK);
        assert_int_equal(units_pack(&context, &b, true, &pb, NULL), ASSAY_OK);
        assert_int_equal(match_packed(&context, &pa, &pb, best, score, NULL), ASSAY_OK);
        for (size_t i = 0; i < N; i++)
            fixed += best[i] == i;
        assert_true(match_increasing(best, N, &length));
        for (size_t k = 0; k < 4; k++) {
            fixed_below[k] += assay_lineage_fixed_tail(fixed, N, N) <= log10(levels[k]);
            order_below[k] += assay_lineage_increasing_tail(length, N) <= log10(levels[k]);
        }
        units_free(&a);
        units_free(&b);
        packed_free(&pa);
        packed_free(&pb);
    }
    for (size_t k = 0; k < 4; k++) {
        double most = levels[k] * ROUNDS + 4 * sqrt(levels[k] * ROUNDS);
        assert_true((double)fixed_below[k] <= most);
        assert_true((double)order_below[k] <= most);
    }
}

static void a_descendant_with_noise_is_found(void **state)
{
    (void)state;
    static struct made a, b;
    bool permuted;
    struct assay_random random;
    made_make(&a, 1, 0);
    b = a;
    made_lay_out(&b);
    assay_random_start(&random, 4, 0);
    for (size_t l = 0; l < MADE_LAYERS; l++)
        for (size_t p = 0; p < 3; p++)
            for (size_t i = 0; i < MADE_UNITS * MADE_WIDTH; i++)
                b.part[l][p][i] += (float)assay_random_normal(&random);
    assert_true(compare_made(&a, &b, &permuted) < -30);
    assert_false(permuted);
}

/* Quickly: 64 units on both sides, from one pair of tensors if that is enough. */
static void a_quick_look_finds_a_descendant_and_no_stranger(void **state)
{
    (void)state;
    static struct made a, b, stranger;
    struct assay_lineage_settings settings = assay_lineage_settings_default();
    struct assay_context context = assay_context_default();
    struct assay_lineage_comparison r;
    settings.quick = true;
    made_make(&a, 1, 0);
    made_make(&stranger, 2, 3);
    b = a;
    made_lay_out(&b);
    b.part[0][0][5] += 0.5f;
    assert_int_equal(
        assay_lineage_compare(&a.checkpoint, &b.checkpoint, &settings, &context, &r, NULL),
        ASSAY_OK);
    assert_true(r.log10_p < -30);
    assert_int_equal(r.match_count, 1);
    assert_true(r.tests > 1); /* all that were planned are corrected for */
    assert_true(has_relation(&r, "related"));
    assay_lineage_comparison_free(&r);
    assert_int_equal(
        assay_lineage_compare(&a.checkpoint, &stranger.checkpoint, &settings, &context, &r, NULL),
        ASSAY_OK);
    assert_true(r.log10_p > -3);
    assert_int_equal(r.relation_count, 0);
    assert_true(r.match_count > 4);
    assay_lineage_comparison_free(&r);
}

/* With fewer tokens than the stream is wide a turn is known only as far as the tokens span it. */
static void a_turn_is_found_from_fewer_tokens_than_dimensions(void **state)
{
    (void)state;
    static struct made a, b;
    char path[] = "/tmp/assay-lineage-XXXXXX";
    struct assay_disguise d = {.rotate = true, .permute = true, .noise = 0.2, .seed = 4};
    struct assay_checkpoint c;
    made_make(&a, 1, 0);
    a.tensors[0].shape[0] = 24; /* of 32 dimensions */
    a.tensors[0].elements = a.tensors[0].size / 4 * 24 / MADE_TOKENS;
    a.tensors[0].size = a.tensors[0].elements * 4;
    close(mkstemp(path));
    for (int related = 0; related < 2; related++) {
        struct assay_lineage_settings settings = assay_lineage_settings_default();
        struct assay_context context = assay_context_default();
        struct assay_lineage_comparison r;
        made_make(&b, related ? 1 : 2, 0);
        b.tensors[0] = a.tensors[0];
        b.tensors[0].bytes = (const unsigned char *)b.embedding;
        assert_int_equal(assay_lineage_disguise(&b.checkpoint, &d, path, NULL), ASSAY_OK);
        assert_int_equal(assay_checkpoint_open(path, &c, NULL), ASSAY_OK);
        assert_int_equal(assay_lineage_compare(&a.checkpoint, &c, &settings, &context, &r, NULL),
                         ASSAY_OK);
        if (related
                ? r.log10_p > -20 || !has_relation(&r, "rotated") || !has_relation(&r, "fine-tuned")
                : r.log10_p < -2)
            fail_msg("%s: p = 10^%.1f, first found %s", related ? "related" : "independent",
                     r.log10_p, r.relation_count ? r.relations[0].kind : "nothing");
        assay_lineage_comparison_free(&r);
        assay_checkpoint_close(&c);
    }
    unlink(path);
}

/* GPT's form: what is found must be found by up and down alone. */
static void models_without_gates_are_found_behind_renumbering(void **state)
{
    (void)state;
    static struct made a, b;
    char path[] = "/tmp/assay-lineage-XXXXXX";
    close(mkstemp(path));
    for (int related = 0; related < 2; related++)
        for (int hidden = 0; hidden < 2; hidden++) {
            struct assay_disguise d = {
                .permute = true, .noise = 0.2, .rename = hidden != 0, .seed = 4};
            struct assay_lineage_settings settings = assay_lineage_settings_default();
            struct assay_context context = assay_context_default();
            struct assay_lineage_comparison r;
            struct assay_checkpoint c;
            made_make(&a, 1, 0);
            made_make(&b, related ? 1 : 2, 0);
            made_leave_out_gates(&a);
            made_leave_out_gates(&b);
            assert_int_equal(assay_lineage_disguise(&b.checkpoint, &d, path, NULL), ASSAY_OK);
            assert_int_equal(assay_checkpoint_open(path, &c, NULL), ASSAY_OK);
            assert_int_equal(
                assay_lineage_compare(&a.checkpoint, &c, &settings, &context, &r, NULL), ASSAY_OK);
            if (related ? r.log10_p > -20 || !has_relation(&r, "permuted") ||
                              !has_relation(&r, "fine-tuned")
                        : r.log10_p < -2)
                fail_msg("%s, names %s: p = 10^%.1f, first found %s",
                         related ? "related" : "independent", hidden ? "hidden" : "known",
                         r.log10_p, r.relation_count ? r.relations[0].kind : "nothing");
            assay_lineage_comparison_free(&r);
            assay_checkpoint_close(&c);
        }
    unlink(path);
}

/* Query rows of two rotary heads, once in halves and once in pairs, as GGUF files hold them:
 * the same weights, and enough of them that whole blocks are compared as they are stored. */
static void rotary_rows_in_another_order_are_the_same_weights(void **state)
{
    (void)state;
    enum { HEADS = 2, OF = 32, LONG = 8192, ROWS_OF_Q = HEADS * OF };
    static float rows[ROWS_OF_Q * LONG], pairs[ROWS_OF_Q * LONG];
    static struct made a, b;
    struct assay_random random;
    struct assay_checkpoint *checkpoints[2] = {&a.checkpoint, &b.checkpoint};
    struct assay_lineage_settings settings = assay_lineage_settings_default();
    struct assay_context context = assay_context_default();
    struct assay_lineage_comparison r;
    made_make(&a, 1, 0);
    made_make(&b, 1, 0);
    assay_random_start(&random, 12, 0);
    for (size_t i = 0; i < ROWS_OF_Q * LONG; i++)
        rows[i] = (float)assay_random_normal(&random);
    for (size_t row = 0; row < ROWS_OF_Q; row++) {
        size_t within = row % OF,
               stored = row - within + 2 * (within % (OF / 2)) + within / (OF / 2);
        memcpy(pairs + stored * LONG, rows + row * LONG, LONG * sizeof *rows);
    }
    for (int side = 0; side < 2; side++) { /* in place of the embedding */
        struct assay_tensor *q = &checkpoints[side]->tensors[0];
        q->name = side ? "blk.0.attn_q.weight" : "model.layers.0.self_attn.q_proj.weight";
        q->shape[0] = ROWS_OF_Q;
        q->shape[1] = q->stride[0] = LONG;
        q->elements = ROWS_OF_Q * LONG;
        q->size = q->elements * 4;
        q->bytes = (const unsigned char *)(side ? pairs : rows);
        q->rotary_heads = side ? HEADS : 0;
    }
    assert_int_equal(
        assay_lineage_compare(&a.checkpoint, &b.checkpoint, &settings, &context, &r, NULL),
        ASSAY_OK);
    assert_true(r.equal_share >= 1);
    assert_true(has_relation(&r, "identical"));
    assay_lineage_comparison_free(&r);
}

static void a_low_rank_change_is_told_from_a_full_one(void **state)
{
    (void)state;
    static struct made a, b;
    struct assay_lineage_settings settings = assay_lineage_settings_default();
    struct assay_context context = assay_context_default();
    for (int full = 0; full < 2; full++) {
        struct assay_random random;
        struct assay_lineage_comparison r;
        float u[2][MADE_UNITS], v[2][MADE_UNITS];
        made_make(&a, 1, 0);
        b = a;
        made_lay_out(&b);
        assay_random_start(&random, 8, 0);
        for (size_t l = 0; l < MADE_LAYERS; l++)
            for (size_t p = 0; p < 3; p++) {
                size_t columns = p < 2 ? MADE_WIDTH : MADE_UNITS;
                for (size_t i = 0; i < 2 * MADE_UNITS; i++) {
                    u[i / MADE_UNITS][i % MADE_UNITS] = 0.2f * (float)assay_random_normal(&random);
                    v[i / MADE_UNITS][i % MADE_UNITS] = (float)assay_random_normal(&random);
                }
                for (size_t i = 0; i < MADE_UNITS * MADE_WIDTH; i++)
                    b.part[l][p][i] += full ? 0.2f * (float)assay_random_normal(&random)
                                            : u[0][i / columns] * v[0][i % columns] +
                                                  u[1][i / columns] * v[1][i % columns];
            }
        assert_int_equal(
            assay_lineage_compare(&a.checkpoint, &b.checkpoint, &settings, &context, &r, NULL),
            ASSAY_OK);
        assert_true(has_relation(&r, "fine-tuned"));
        assert_int_equal(has_relation(&r, "low-rank"), !full);
        assay_lineage_comparison_free(&r);
    }
}

static void weights_that_are_no_numbers_do_no_harm(void **state)
{
    (void)state;
    static struct made a, b;
    bool permuted;
    made_make(&a, 1, 0);
    made_make(&b, 2, 0);
    for (size_t i = 0; i < MADE_UNITS * MADE_WIDTH; i++)
        b.part[0][i % 3][i] = i % 2 ? NAN : INFINITY;
    memset(b.embedding, 0, sizeof b.embedding);
    made_lay_out(&b);
    assert_true(compare_made(&a, &b, &permuted) > -2);
}

/* ---- real models --------------------------------------------------------------------- */

static const struct {
    const char *a, *b, *kind; /* NULL: independent */
} known[] = {
    {"magika/standard_v3_0.onnx", "magika/standard_v3_1.onnx", "shared-initialisation"},
    {"magika/standard_v2_0.onnx", "magika/standard_v2_1.onnx", NULL},
    {"magika/standard_v2_1.onnx", "magika/standard_v3_0.onnx", NULL},
    {"magika/standard_v2_0.onnx", "magika/standard_v3_1.onnx", NULL},
    {"magika/fast_v2_1.onnx", "magika/standard_v2_1.onnx", NULL},
    {"magika/fast_v2_1.onnx", "magika/standard_v3_1.onnx", NULL},
    {"silero/2024-06-27_d0ccd9d_silero_vad.onnx", "silero/2024-08-22_97e39fb_silero_vad_half.onnx",
     "identical"},
    {"silero/2024-06-27_42a5ed4_silero_vad.jit", "silero/2024-06-27_d0ccd9d_silero_vad.onnx",
     "identical"},
    {"silero/2025-11-06_80c5592_silero_vad.onnx",
     "silero/2025-12-10_367975d_silero_vad_16k.safetensors", "fine-tuned"},
    {"silero/2021-12-17_127ffc9_silero_vad.onnx", "silero/2022-10-27_e6db48d_silero_vad.onnx",
     NULL},
    {"silero/2022-10-27_e6db48d_silero_vad.onnx", "silero/2024-06-27_d0ccd9d_silero_vad.onnx",
     NULL},
    {"silero/2024-06-27_42a5ed4_silero_vad.jit", "silero/2025-11-06_80c5592_silero_vad.onnx", NULL},
    {"silero/2024-08-22_97e39fb_silero_vad_half.onnx",
     "silero/2025-12-10_367975d_silero_vad_16k.safetensors", NULL},
    {"magika/standard_v3_0.onnx", "silero/2025-11-06_80c5592_silero_vad.onnx", NULL},
};

static void every_known_relation_among_real_models_is_found_and_none_invented(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        char a[1024], b[1024];
        struct assay_lineage_comparison r;
        if (!model_path(a, known[i].a) || !model_path(b, known[i].b))
            skip();
        for (int swap = 0; swap < 2; swap++) {
            compare_paths(swap ? b : a, swap ? a : b, &r);
            if (known[i].kind ? r.log10_p > -100 || !has_relation(&r, known[i].kind)
                              : r.log10_p < -2 || r.relation_count > 0)
                fail_msg("%s and %s: p = 10^%.1f, %zu relations (%s), expected %s", known[i].a,
                         known[i].b, r.log10_p, r.relation_count,
                         r.relation_count ? r.relations[0].kind : "",
                         known[i].kind ? known[i].kind : "none");
            assay_lineage_comparison_free(&r);
        }
    }
}

static void a_fourier_basis_is_no_evidence(void **state)
{
    (void)state;
    char a[1024], b[1024];
    struct assay_lineage_comparison r;
    bool listed = false;
    if (!model_path(a, "silero/2024-08-22_97e39fb_silero_vad_half.onnx") ||
        !model_path(b, "silero/2025-12-10_367975d_silero_vad_16k.safetensors"))
        skip();
    compare_paths(a, b, &r);
    for (size_t i = 0; i < r.ignored_count; i++)
        listed = listed || strstr(r.ignored[i].tensor, "stft");
    assert_true(listed);
    for (size_t i = 0; i < r.match_count; i++)
        assert_null(strstr(r.matches[i].a, "stft"));
    assay_lineage_comparison_free(&r);
}

/* ---- disguises ----------------------------------------------------------------------- */

static const struct {
    struct assay_disguise disguise;
    const char *kinds[3];
} disguises[] = {
    {{.noise = 0.3}, {"fine-tuned"}},
    {{.noise = 1}, {"continued-training"}},
    {{.quantise = "f16"}, {"quantised"}},
    {{.quantise = "bf16"}, {"quantised"}},
    {{.quantise = "q8_0"}, {"quantised"}},
    {{.quantise = "q4_0"}, {"quantised"}},
    {{.permute = true}, {"permuted"}},
    {{.rotate = true}, {"rotated"}},
    {{.rescale = true}, {"rescaled"}},
    {{.prune = 0.3}, {"pruned"}},
    {{.drop_layers = "1,3"}, {"layers-dropped"}},
    {{.rename = true}, {"identical"}},
    {{.rename = true, .noise = 0.3}, {"fine-tuned"}},
    {{.rename = true, .permute = true}, {"permuted"}},
    {{.permute = true, .rotate = true, .rescale = true, .noise = 0.3},
     {"permuted", "rotated", "rescaled"}},
    {{.permute = true, .rotate = true, .drop_layers = "2", .noise = 0.3},
     {"permuted", "rotated", "layers-dropped"}},
    {{.permute = true, .rotate = true, .prune = 0.3, .quantise = "q4_0"},
     {"permuted", "rotated", "pruned"}},
    {{.tune = 0.2}, {"fine-tuned"}},
    {{.lora = 4}, {"fine-tuned", "low-rank"}},
    {{.lora = 4, .permute = true, .rotate = true}, {"permuted", "rotated", "low-rank"}},
    {{.layers = "0,1,2,2,3,4"}, {"layers-duplicated"}},
    {{.layers = "0,2,1,3,4", .permute = true}, {"layers-reordered", "permuted"}},
    {{.permute_heads = true}, {"heads-permuted"}},
    {{.permute_heads = true, .mix_heads = true, .rotate = true},
     {"heads-permuted", "heads-mixed", "rotated"}},
    {{.experts = 3, .noise = 0.3}, {"fine-tuned", "upcycled"}},
    {{.experts = 3, .noise = 0.2, .permute = true, .rotate = true},
     {"upcycled", "permuted", "rotated"}},
    {{.permute = true, .quantise = "f16"}, {"permuted", "quantised"}},
    {{.rename = true, .permute = true, .drop_layers = "2"}, {"permuted", "layers-dropped"}},
    {{.rename = true, .rotate = true, .prune = 0.3}, {"rotated", "pruned"}},
    {{.rename = true, .experts = 3, .permute = true, .noise = 0.2}, {"upcycled", "permuted"}},
};

static void every_disguise_of_a_real_transformer_is_seen_through(void **state)
{
    (void)state;
    char source[1024], path[] = "/tmp/assay-lineage-XXXXXX";
    if (!model_path(source, "llama2c/stories260K.bin"))
        skip();
    close(mkstemp(path));
    for (size_t i = 0; i < sizeof disguises / sizeof disguises[0]; i++) {
        struct assay_checkpoint c;
        struct assay_lineage_comparison r;
        struct assay_disguise d = disguises[i].disguise;
        d.seed = 100 + i;
        assert_int_equal(assay_checkpoint_open(source, &c, NULL), ASSAY_OK);
        struct assay_error error;
        if (assay_lineage_disguise(&c, &d, path, &error) != ASSAY_OK)
            fail_msg("disguise %zu: %s", i, error.message);
        assay_checkpoint_close(&c);
        compare_paths(source, path, &r);
        for (size_t k = 0; k < 3 && disguises[i].kinds[k]; k++)
            if (r.log10_p > -30 || !has_relation(&r, disguises[i].kinds[k]))
                fail_msg("disguise %zu: p = 10^%.1f, expected %s, first found %s", i, r.log10_p,
                         disguises[i].kinds[k], r.relation_count ? r.relations[0].kind : "nothing");
        if (d.quantise && !d.rotate)
            assert_int_equal(r.direction, ASSAY_DIRECTION_A_TO_B);
        assay_lineage_comparison_free(&r);
    }
    unlink(path);
}

/* Layers 0, 2, 1, 3, 3 of the first are those of the second, and 4 is in none. */
static void the_map_of_layers_shows_where_each_one_went(void **state)
{
    (void)state;
    static const size_t from[] = {0, 2, 1, 3, 3};
    char source[1024], path[] = "/tmp/assay-lineage-XXXXXX";
    struct assay_disguise moved = {.layers = "0,2,1,3,3", .tune = 0.05, .permute = true, .seed = 5};
    struct assay_lineage_comparison r;
    struct assay_checkpoint c;
    if (!model_path(source, "llama2c/stories260K.bin"))
        skip();
    close(mkstemp(path));
    assert_int_equal(assay_checkpoint_open(source, &c, NULL), ASSAY_OK);
    assert_int_equal(assay_lineage_disguise(&c, &moved, path, NULL), ASSAY_OK);
    assay_checkpoint_close(&c);
    compare_paths(source, path, &r);
    assert_int_equal(r.layer_count_a, 5);
    assert_int_equal(r.layer_count_b, 5);
    assert_string_equal(r.layers_a[4], "layer 4");
    for (size_t a = 0; a < 5; a++)
        for (size_t b = 0; b < 5; b++)
            if (from[b] == a)
                assert_true(r.layers_found[a * 5 + b] > 0.9);
            else
                assert_true(r.layers_found[a * 5 + b] < 0.1);
    assay_lineage_comparison_free(&r);
    unlink(path);
}

/* Neither side has names: both are put together from shapes and from what finds what. */
static void names_hidden_on_both_sides_hide_nothing(void **state)
{
    (void)state;
    static const struct {
        struct assay_disguise disguise;
        const char *kinds[2];
    } cases[] = {
        {{.rename = true}, {"identical"}},
        {{.rename = true, .noise = 0.3}, {"fine-tuned"}},
        {{.rename = true, .permute = true, .drop_layers = "2"}, {"permuted", "layers-dropped"}},
        {{.rename = true, .rotate = true, .noise = 0.2}, {"rotated", "fine-tuned"}},
    };
    char source[1024], first[] = "/tmp/assay-first-XXXXXX", second[] = "/tmp/assay-second-XXXXXX";
    struct assay_disguise hidden = {.rename = true, .seed = 99};
    struct assay_checkpoint c;
    if (!model_path(source, "llama2c/stories260K.bin"))
        skip();
    close(mkstemp(first));
    close(mkstemp(second));
    assert_int_equal(assay_checkpoint_open(source, &c, NULL), ASSAY_OK);
    assert_int_equal(assay_lineage_disguise(&c, &hidden, first, NULL), ASSAY_OK);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct assay_lineage_comparison r;
        assert_int_equal(assay_lineage_disguise(&c, &cases[i].disguise, second, NULL), ASSAY_OK);
        compare_paths(first, second, &r);
        for (size_t k = 0; k < 2 && cases[i].kinds[k]; k++)
            if (r.log10_p > -30 || !has_relation(&r, cases[i].kinds[k]))
                fail_msg("case %zu: p = 10^%.1f, expected %s, first found %s", i, r.log10_p,
                         cases[i].kinds[k], r.relation_count ? r.relations[0].kind : "nothing");
        assay_lineage_comparison_free(&r);
    }
    assay_checkpoint_close(&c);
    unlink(first);
    unlink(second);
}

/* The source with every feed-forward matrix three times over, as experts, and noise on all of
 * it; or with experts that are noise alone. */
static void write_experts(const char *source, const char *path, bool copies)
{
    enum { EXPERTS = 3, MOST = 256 };
    static char names[MOST][96];
    static struct assay_tensor_out out[MOST];
    struct assay_checkpoint c;
    struct assay_random random;
    size_t n = 0;
    assay_random_start(&random, 77, 0);
    assert_int_equal(assay_checkpoint_open(source, &c, NULL), ASSAY_OK);
    for (size_t i = 0; i < c.count; i++) {
        const struct assay_tensor *t = &c.tensors[i];
        const char *dense = strstr(t->name, "feed_forward.");
        for (int e = 0; e < (dense ? EXPERTS : 1); e++) {
            float *values = malloc(t->elements * sizeof *values);
            double square = 0;
            assert_true(values && n < MOST);
            assert_int_equal(assay_tensor_read(t, 0, t->elements, values, NULL), ASSAY_OK);
            for (size_t k = 0; k < t->elements; k++)
                square += (double)values[k] * (double)values[k];
            double deviation = sqrt(square / (double)t->elements);
            for (size_t k = 0; k < t->elements; k++)
                values[k] = (float)((dense && !copies ? 0 : (double)values[k]) +
                                    (dense && !copies ? 1 : 0.3) * deviation *
                                        assay_random_normal(&random));
            if (dense)
                snprintf(names[n], sizeof names[n], "%.*sblock_sparse_moe.experts.%d.%s",
                         (int)(dense - t->name), t->name, e, dense + strlen("feed_forward."));
            else
                snprintf(names[n], sizeof names[n], "%s", t->name);
            out[n] = (struct assay_tensor_out){names[n], ASSAY_DTYPE_F32, t->rank, {0}, values};
            memcpy(out[n].shape, t->shape, sizeof out[n].shape);
            n++;
        }
    }
    assert_int_equal(assay_safetensors_write(path, out, n, NULL, 0, NULL), ASSAY_OK);
    for (size_t i = 0; i < n; i++)
        free((void *)(uintptr_t)out[i].bytes);
    assay_checkpoint_close(&c);
}

static void experts_that_began_as_copies_are_upcycled_and_others_are_not(void **state)
{
    (void)state;
    char source[1024], path[] = "/tmp/assay-lineage-XXXXXX";
    struct assay_lineage_comparison r;
    if (!model_path(source, "llama2c/stories260K.bin"))
        skip();
    close(mkstemp(path));
    write_experts(source, path, true);
    compare_paths(source, path, &r);
    assert_true(has_relation(&r, "upcycled") && r.log10_p < -100);
    assert_int_equal(r.direction, ASSAY_DIRECTION_A_TO_B);
    assay_lineage_comparison_free(&r);
    compare_paths(path, source, &r);
    assert_true(has_relation(&r, "upcycled"));
    assert_int_equal(r.direction, ASSAY_DIRECTION_B_TO_A);
    assay_lineage_comparison_free(&r);
    write_experts(source, path, false);
    compare_paths(source, path, &r);
    assert_false(has_relation(&r, "upcycled"));
    assay_lineage_comparison_free(&r);
    unlink(path);
}

static void experts_under_other_numbers_are_found(void **state)
{
    (void)state;
    char source[1024], first[] = "/tmp/assay-first-XXXXXX", second[] = "/tmp/assay-second-XXXXXX";
    struct assay_disguise experts = {.experts = 3, .noise = 0.4, .seed = 3};
    struct assay_disguise renumbered = {.permute = true, .seed = 4};
    struct assay_lineage_comparison r;
    struct assay_checkpoint c;
    if (!model_path(source, "llama2c/stories260K.bin"))
        skip();
    close(mkstemp(first));
    close(mkstemp(second));
    assert_int_equal(assay_checkpoint_open(source, &c, NULL), ASSAY_OK);
    assert_int_equal(assay_lineage_disguise(&c, &experts, first, NULL), ASSAY_OK);
    assay_checkpoint_close(&c);
    assert_int_equal(assay_checkpoint_open(first, &c, NULL), ASSAY_OK);
    assert_int_equal(assay_lineage_disguise(&c, &renumbered, second, NULL), ASSAY_OK);
    assay_checkpoint_close(&c);
    compare_paths(first, second, &r);
    assert_true(r.log10_p < -50 && has_relation(&r, "permuted") &&
                has_relation(&r, "experts-permuted"));
    assert_false(has_relation(&r, "upcycled"));
    /* by agreement alone: marked, and worth no more than what was measured */
    assert_false(r.exact);
    assert_true(r.log10_lr > 2 && r.log10_lr < 2.5);
    assay_lineage_comparison_free(&r);
    compare_paths(first, first, &r);
    assert_true(r.exact && r.log10_lr > 50);
    assay_lineage_comparison_free(&r);
    unlink(first);
    unlink(second);
}

static void a_disguise_is_the_same_bytes_for_the_same_seed(void **state)
{
    (void)state;
    static struct made a;
    char first[] = "/tmp/assay-first-XXXXXX", second[] = "/tmp/assay-second-XXXXXX";
    char x[65], y[65];
    struct assay_disguise d = {.noise = 0.1, .permute = true, .rename = true, .seed = 5};
    made_make(&a, 1, 0);
    close(mkstemp(first));
    close(mkstemp(second));
    assert_int_equal(assay_lineage_disguise(&a.checkpoint, &d, first, NULL), ASSAY_OK);
    assert_int_equal(assay_lineage_disguise(&a.checkpoint, &d, second, NULL), ASSAY_OK);
    assert_int_equal(assay_sha256_file(first, x, NULL), ASSAY_OK);
    assert_int_equal(assay_sha256_file(second, y, NULL), ASSAY_OK);
    assert_string_equal(x, y);
    d.prune = 2;
    assert_int_equal(assay_lineage_disguise(&a.checkpoint, &d, first, NULL), ASSAY_ERROR_INPUT);
    d.prune = 0;
    d.drop_layers = "7";
    assert_int_equal(assay_lineage_disguise(&a.checkpoint, &d, first, NULL), ASSAY_ERROR_INPUT);
    unlink(first);
    unlink(second);
}

static void absolute(const char *path, const char *folder, char to[2048])
{
    snprintf(to, 2048, "%s%s%s", path[0] == '/' ? "" : folder, path[0] == '/' ? "" : "/", path);
}

/* ---- tokenizers
 * ---------------------------------------------------------------------------------
 */

static void tokenizers(const char *a, const char *b, struct assay_tokenizer_likeness *l)
{
    struct assay_vocabulary x, y;
    assert_int_equal(assay_vocabulary_read(a, &x, NULL), ASSAY_OK);
    assert_int_equal(assay_vocabulary_read(b, &y, NULL), ASSAY_OK);
    assert_int_equal(assay_lineage_tokenizers(&x, &y, l, NULL), ASSAY_OK);
    assay_vocabulary_free(&x);
    assay_vocabulary_free(&y);
}

/* Mistral put 768 control pieces before the others in its second tokenizer. */
static void mistrals_second_tokenizer_is_the_first_one_shifted(void **state)
{
    (void)state;
    char a[1024], b[1024];
    struct assay_tokenizer_likeness l;
    if (!model_path(a, "tokenizers/tokenizer.model.v1") ||
        !model_path(b, "tokenizers/mistral_instruct_tokenizer_240216.model.v2"))
        skip();
    tokenizers(a, b, &l);
    assert_int_equal(l.shared, 32000);
    assert_int_equal(l.same_number, 3);
    assert_int_equal(l.shift, 768);
    assert_true(fabs(l.jaccard - 32000.0 / 32768.0) < 1e-12);
    assert_true(l.order > 0.99999);
}

static void one_vocabulary_in_two_formats_is_the_same(void **state)
{
    (void)state;
    char a[1024], b[1024];
    struct assay_tokenizer_likeness l;
    if (!model_path(a, "tokenizers/llama2-tokenizer.model") ||
        !model_path(b, "gguf-vocab/ggml-vocab-llama-spm.gguf"))
        skip();
    tokenizers(a, b, &l);
    assert_int_equal(l.same_number, 32000);
    assert_true(l.jaccard == 1);
}

static void a_tokenizer_json_is_read_with_its_merges_and_refused_when_it_lies(void **state)
{
    (void)state;
    static const char good[] =
        "{\"model\":{\"vocab\":{\"a\":0,\"b\":1,\"ab\":2},\"merges\":[[\"a\",\"b\"],\"b a\"]},"
        "\"added_tokens\":[{\"id\":4,\"content\":\"<s>\"}]}";
    static const char *const bad[] = {"{\"model\":{\"vocab\":{\"a\":4000000000000}}}",
                                      "{\"model\":{\"vocab\":{\"a\":-1}}}",
                                      "{\"model\":{\"vocab\":[[1,2]]}}",
                                      "{\"model\":{}}",
                                      "{",
                                      "",
                                      "\x0a\xff\xff\xff\xff\x7f"};
    struct assay_vocabulary v;
    assert_int_equal(assay_vocabulary_parse("x", good, sizeof good - 1, &v, NULL), ASSAY_OK);
    assert_int_equal(v.count, 5);
    assert_int_equal(v.pieces[3].size, 0);
    assert_memory_equal(v.pieces[4].bytes, "<s>", 3);
    assert_int_equal(v.merge_count, 2);
    assert_memory_equal(v.merges[0].bytes, "a b", 3);
    assay_vocabulary_free(&v);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(assay_vocabulary_parse("x", bad[i], strlen(bad[i]), &v, NULL),
                         ASSAY_ERROR_INPUT);
}

/* A pair file as a case hands it on; the two hypotheses, the better one first, with exhibits.
 */
static void a_comparison_becomes_a_finding_with_two_hypotheses(void **state)
{
    (void)state;
    char a[1024], b[1024], path[] = "/tmp/assay-pair-XXXXXX", text[4096];
    char real_a[2048], real_b[2048], folder[1000];
    struct assay_context context = assay_context_default();
    struct assay_finding f;
    struct assay_error error;
    if (!model_path(a, "magika/standard_v3_0.onnx") || !model_path(b, "magika/standard_v3_1.onnx"))
        skip();
    assert_non_null(getcwd(folder, sizeof folder));
    absolute(a, folder, real_a);
    absolute(b, folder, real_b);
    close(mkstemp(path));
    int length = snprintf(text, sizeof text, "first: %.1500s\nsecond: %.1500s\n", real_a, real_b);
    assert_int_equal(assay_file_write(path, text, (size_t)length, &error), ASSAY_OK);
    assert_int_equal(assay_lineage_finding(path, NULL, &context, &f, &error), ASSAY_OK);
    assert_int_equal(f.weight_count, 2);
    assert_string_equal(f.weights[0].hypothesis, "common origin");
    assert_true(f.weights[1].log10_likelihood.median < -300);
    assert_true(f.weights[1].log10_likelihood.low <= f.weights[1].log10_likelihood.median);
    assert_int_equal(f.exhibit_count, 3);
    assert_int_equal(strlen(f.exhibits[1].sha256), 64);
    assay_finding_free(&f);
    length = snprintf(text, sizeof text, "first: %.1500s\nthird: x\n", real_a);
    assert_int_equal(assay_file_write(path, text, (size_t)length, &error), ASSAY_OK);
    assert_int_equal(assay_lineage_finding(path, NULL, &context, &f, &error), ASSAY_ERROR_INPUT);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bounds_hold_over_all_orders_of_six),
        cmocka_unit_test(p_values_of_single_tests_are_above_uniform),
        cmocka_unit_test(independent_models_of_one_world_are_never_related),
        cmocka_unit_test(a_descendant_with_noise_is_found),
        cmocka_unit_test(a_quick_look_finds_a_descendant_and_no_stranger),
        cmocka_unit_test(a_turn_is_found_from_fewer_tokens_than_dimensions),
        cmocka_unit_test(models_without_gates_are_found_behind_renumbering),
        cmocka_unit_test(rotary_rows_in_another_order_are_the_same_weights),
        cmocka_unit_test(a_low_rank_change_is_told_from_a_full_one),
        cmocka_unit_test(weights_that_are_no_numbers_do_no_harm),
        cmocka_unit_test(every_known_relation_among_real_models_is_found_and_none_invented),
        cmocka_unit_test(a_fourier_basis_is_no_evidence),
        cmocka_unit_test(every_disguise_of_a_real_transformer_is_seen_through),
        cmocka_unit_test(the_map_of_layers_shows_where_each_one_went),
        cmocka_unit_test(names_hidden_on_both_sides_hide_nothing),
        cmocka_unit_test(mistrals_second_tokenizer_is_the_first_one_shifted),
        cmocka_unit_test(one_vocabulary_in_two_formats_is_the_same),
        cmocka_unit_test(a_tokenizer_json_is_read_with_its_merges_and_refused_when_it_lies),
        cmocka_unit_test(a_comparison_becomes_a_finding_with_two_hypotheses),
        cmocka_unit_test(experts_that_began_as_copies_are_upcycled_and_others_are_not),
        cmocka_unit_test(experts_under_other_numbers_are_found),
        cmocka_unit_test(a_disguise_is_the_same_bytes_for_the_same_seed),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
