/* SPDX-License-Identifier: Apache-2.0 */
/* Stages of models that the test trains, so that what they share is known. */
#include "lineage/stage_parts.h"

#include "lab/train.h"
#include "lab/world.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { ROWS = 8, LENGTH = 32, STEPS = 300, TENSORS = 12, TOKENS = 128, WIDTH = 32 };

static const struct lab_shape shape = {.vocabulary = TOKENS,
                                       .width = WIDTH,
                                       .layers = 1,
                                       .heads = 4,
                                       .kv_heads = 2,
                                       .hidden = 64,
                                       .context = LENGTH + 1};

static struct lab_world *world;

static void train(struct lab_model *m, uint64_t author, unsigned steps)
{
    static char text[20000];
    uint16_t tokens[ROWS * (LENGTH + 1)];
    struct assay_random random;
    struct lab_author *a;
    struct lab_trainer trainer;
    struct lab_tape *tape;
    const struct lab_schedule schedule = {.steps = steps, .warmup = 5, .rate = 0.004, .clip = 1};
    assert_int_equal(lab_author_new(world, author, 1, &a, NULL), ASSAY_OK);
    assert_int_equal(lab_tape_new(&shape, ROWS, LENGTH, &tape, NULL), ASSAY_OK);
    assert_int_equal(lab_trainer_new(m, &schedule, &trainer, NULL), ASSAY_OK);
    assay_random_start(&random, author, 5);
    size_t size = lab_author_write(a, &random, text, sizeof text);
    for (unsigned step = 0; step < steps; step++) {
        for (size_t r = 0; r < ROWS; r++) {
            size_t at = (size_t)assay_random_below(&random, size - LENGTH - 1);
            for (size_t i = 0; i <= LENGTH; i++)
                tokens[r * (LENGTH + 1) + i] = (uint16_t)(text[at + i] & 127);
        }
        lab_trainer_step(&trainer, tape, tokens, NULL);
    }
    lab_trainer_free(&trainer);
    lab_tape_free(tape);
    lab_author_free(a);
}

/* ---- models as files ------------------------------------------------------------------- */

struct file {
    char path[40];
    struct assay_checkpoint c;
};

/* `order`: which token each row of embedding and head belongs to; NULL: as they are. */
static void open_model(const struct lab_model *m, const size_t *order, struct file *f)
{
    static float moved[2][TOKENS * WIDTH];
    const struct lab_layer *l = &m->layers[0];
    const struct {
        const char *name;
        size_t at;
        uint64_t rows, columns;
    } all[TENSORS] = {{"model.embed_tokens.weight", m->embedding, TOKENS, WIDTH},
                      {"lm_head.weight", m->head, TOKENS, WIDTH},
                      {"model.norm.weight", m->norm, WIDTH, 0},
                      {"model.layers.0.input_layernorm.weight", l->norm1, WIDTH, 0},
                      {"model.layers.0.post_attention_layernorm.weight", l->norm2, WIDTH, 0},
                      {"model.layers.0.self_attn.q_proj.weight", l->q, WIDTH, WIDTH},
                      {"model.layers.0.self_attn.k_proj.weight", l->k, WIDTH / 2, WIDTH},
                      {"model.layers.0.self_attn.v_proj.weight", l->v, WIDTH / 2, WIDTH},
                      {"model.layers.0.self_attn.o_proj.weight", l->o, WIDTH, WIDTH},
                      {"model.layers.0.mlp.gate_proj.weight", l->gate, 64, WIDTH},
                      {"model.layers.0.mlp.up_proj.weight", l->up, 64, WIDTH},
                      {"model.layers.0.mlp.down_proj.weight", l->down, WIDTH, 64}};
    struct assay_tensor_out out[TENSORS];
    for (size_t t = 0; t < TENSORS; t++) {
        out[t] = (struct assay_tensor_out){.name = all[t].name,
                                           .dtype = ASSAY_DTYPE_F32,
                                           .rank = all[t].columns ? 2 : 1,
                                           .shape = {all[t].rows, all[t].columns},
                                           .bytes = m->weights + all[t].at};
        for (size_t row = 0; order && t < 2 && row < TOKENS; row++)
            memcpy(moved[t] + row * WIDTH, m->weights + all[t].at + order[row] * WIDTH,
                   WIDTH * sizeof(float));
        if (order && t < 2)
            out[t].bytes = moved[t];
    }
    strcpy(f->path, "/tmp/assay-stages-XXXXXX");
    close(mkstemp(f->path));
    assert_int_equal(assay_safetensors_write(f->path, out, TENSORS, NULL, 0, NULL), ASSAY_OK);
    assert_int_equal(assay_checkpoint_open(f->path, &f->c, NULL), ASSAY_OK);
}

static void close_model(struct file *f)
{
    assay_checkpoint_close(&f->c);
    unlink(f->path);
}

/* A family of known history, trained once. */
static struct {
    struct lab_model base, twin, stranger, tuned, tuned2, further;
    struct file files[6];
} family;

enum { BASE, TWIN, STRANGER, TUNED, TUNED2, FURTHER };

static struct lab_model copy(const struct lab_model *from)
{
    struct lab_model m;
    assert_int_equal(lab_model_new(&shape, 1, &m, NULL), ASSAY_OK);
    memcpy(m.weights, from->weights, m.count * sizeof *m.weights);
    return m;
}

static int make_family(void **state)
{
    (void)state;
    const struct lab_world_settings settings = {.seed = 5, .words = 40, .facts = 0};
    assert_int_equal(lab_world_new(&settings, &world, NULL), ASSAY_OK);
    assert_int_equal(lab_model_new(&shape, 11, &family.base, NULL), ASSAY_OK);
    assert_int_equal(lab_model_new(&shape, 12, &family.stranger, NULL), ASSAY_OK);
    family.twin = copy(&family.base);
    train(&family.base, 1, STEPS);
    train(&family.twin, 2, STEPS);
    train(&family.stranger, 1, STEPS);
    family.tuned = copy(&family.base);
    family.tuned2 = copy(&family.base);
    train(&family.tuned, 3, STEPS / 4);
    train(&family.tuned2, 4, STEPS / 4);
    family.further = copy(&family.tuned);
    train(&family.further, 6, STEPS / 8);
    struct lab_model *all[] = {&family.base,  &family.twin,   &family.stranger,
                               &family.tuned, &family.tuned2, &family.further};
    for (size_t i = 0; i < 6; i++) {
        open_model(all[i], NULL, &family.files[i]);
        if (i > 0)
            lab_model_free(all[i]);
    }
    return 0;
}

static int end_family(void **state)
{
    (void)state;
    for (size_t i = 0; i < 6; i++)
        close_model(&family.files[i]);
    lab_model_free(&family.base);
    lab_world_free(world);
    return 0;
}

/* ---- asking ------------------------------------------------------------------------------ */

static void ask(int a, int b, int base, struct assay_lineage_comparison *r)
{
    struct assay_lineage_settings settings = assay_lineage_settings_default();
    struct assay_context context = assay_context_default();
    const char *source = getenv("ASSAY_SOURCE");
    char pairs[1024];
    snprintf(pairs, sizeof pairs, "%s/data/stage_pairs.csv", source ? source : "..");
    const struct assay_checkpoint *x = &family.files[a].c, *y = &family.files[b].c;
    const struct assay_stage_sources sources = {.base = base < 0 ? NULL : &family.files[base].c,
                                                .pairs = pairs};
    assert_int_equal(assay_lineage_compare(x, y, &settings, &context, r, NULL), ASSAY_OK);
    assert_int_equal(assay_lineage_refine_stages(r, x, y, &sources, &context, NULL), ASSAY_OK);
}

static struct assay_lineage_stage stage(const struct assay_lineage_comparison *r, const char *name)
{
    for (size_t i = 0; i < r->stage_count; i++)
        if (strcmp(r->stages[i].stage, name) == 0)
            return r->stages[i];
    fail_msg("no stage %s", name);
    return (struct assay_lineage_stage){0};
}

static void one_seed_with_other_data_is_told_from_shared_training(void **state)
{
    (void)state;
    struct assay_lineage_comparison r;
    ask(BASE, TWIN, -1, &r);
    assert_true(stage(&r, "initialisation").log10_p < -20);
    assert_true(r.cosine > 0.9); /* which alone would mislead */
    assert_true(stage(&r, "pre-training").log10_lr < -0.5);
    assay_lineage_comparison_free(&r);
    static const int together[][2] = {{BASE, TUNED}, {TUNED, TUNED2}, {FURTHER, TUNED2}};
    for (size_t i = 0; i < 3; i++) {
        ask(together[i][0], together[i][1], -1, &r);
        assert_true(stage(&r, "pre-training").log10_lr > 0.5);
        assert_true(stage(&r, "pre-training").log10_lr <= log10(39) + 1e-9);
        assay_lineage_comparison_free(&r);
    }
}

static const struct assay_lineage_relation *training(const struct assay_lineage_comparison *r)
{
    assert_true(r->relation_count > 0);
    return &r->relations[0];
}

/* The cosine of base and twin is one that tunings have. */
static void a_shared_seed_is_not_called_a_tuning(void **state)
{
    (void)state;
    struct assay_lineage_settings settings = assay_lineage_settings_default();
    struct assay_context context = assay_context_default();
    struct assay_lineage_comparison r;
    assert_int_equal(assay_lineage_compare(&family.files[BASE].c, &family.files[TWIN].c, &settings,
                                           &context, &r, NULL),
                     ASSAY_OK);
    assert_string_equal(training(&r)->kind, "fine-tuned"); /* as far as the cosine goes, which */
    assert_non_null(strstr(training(&r)->note, "one initialisation was trained apart"));
    assay_lineage_comparison_free(&r);
    ask(BASE, TWIN, -1, &r);
    assert_string_equal(training(&r)->kind, "shared-initialisation");
    assert_non_null(strstr(training(&r)->note, "one seed, trained apart"));
    assay_lineage_comparison_free(&r);
    static const int together[][2] = {{BASE, TUNED}, {TUNED, TUNED2}, {TUNED, FURTHER}};
    for (size_t i = 0; i < 3; i++) {
        ask(together[i][0], together[i][1], -1, &r);
        assert_string_equal(training(&r)->kind, "fine-tuned");
        assert_non_null(strstr(training(&r)->note, "shared training, by"));
        assay_lineage_comparison_free(&r);
    }
}

/* Without the table the kind goes by the cosine, and the note says what that is worth. */
static void without_a_ratio_the_kind_is_said_to_be_open(void **state)
{
    (void)state;
    struct assay_lineage_settings settings = assay_lineage_settings_default();
    struct assay_context context = assay_context_default();
    const struct assay_stage_sources none = {.pairs = NULL};
    const struct assay_checkpoint *a = &family.files[BASE].c, *b = &family.files[TWIN].c;
    struct assay_lineage_comparison r;
    assert_int_equal(assay_lineage_compare(a, b, &settings, &context, &r, NULL), ASSAY_OK);
    assert_int_equal(assay_lineage_refine_stages(&r, a, b, &none, &context, NULL), ASSAY_OK);
    assert_string_equal(training(&r)->kind, "fine-tuned");
    assert_non_null(strstr(training(&r)->note, "not told apart here"));
    assay_lineage_comparison_free(&r);
}

static void independent_models_share_no_stage(void **state)
{
    (void)state;
    struct assay_lineage_comparison r;
    ask(BASE, STRANGER, -1, &r);
    assert_true(stage(&r, "embedding").log10_p > -2);
    assert_true(stage(&r, "initialisation").log10_p > -2);
    assert_true(isnan(r.direction_log10_lr));
    assay_lineage_comparison_free(&r);
}

static void with_a_base_shared_tuning_outweighs_separate_tuning(void **state)
{
    (void)state;
    struct assay_lineage_comparison shared, apart;
    ask(TUNED, FURTHER, BASE, &shared);
    ask(TUNED2, FURTHER, BASE, &apart);
    double first = stage(&shared, "tuning").log10_lr, second = stage(&apart, "tuning").log10_lr;
    assert_true(isfinite(first) && isfinite(second) && first > second && second < 0);
    assay_lineage_comparison_free(&shared);
    assay_lineage_comparison_free(&apart);
    ask(TUNED, FURTHER, -1, &shared);
    assert_true(isnan(stage(&shared, "tuning").log10_lr));
    assert_non_null(strstr(stage(&shared, "tuning").note, "without a common base"));
    assay_lineage_comparison_free(&shared);
}

/* Rows in another order: only the texts of their pieces say which belong together. */
static void embeddings_are_compared_over_shared_tokens(void **state)
{
    (void)state;
    size_t order[TOKENS];
    char letters[TOKENS][4];
    struct assay_piece a[TOKENS], b[TOKENS];
    struct assay_random random;
    struct file moved;
    struct embedding_test test;
    struct assay_context context = assay_context_default();
    assay_random_start(&random, 4, 0);
    for (size_t i = 0; i < TOKENS; i++) {
        size_t j = (size_t)assay_random_below(&random, i + 1);
        order[i] = i;
        order[i] = order[j];
        order[j] = i;
        snprintf(letters[i], sizeof letters[i], "%zu", i);
        a[i] = (struct assay_piece){letters[i], strlen(letters[i])};
    }
    for (size_t i = 0; i < TOKENS; i++)
        b[i] = a[order[i]];
    open_model(&family.base, order, &moved);
    struct assay_vocabulary va = {.pieces = a, .count = TOKENS},
                            vb = {.pieces = b, .count = TOKENS};
    struct stage_input in = {.a = &family.files[TUNED].c, .b = &moved.c, .context = &context};
    assert_int_equal(stage_embedding(&in, &test, NULL), ASSAY_OK);
    assert_true(test.log10_p > -3);
    in.vocabulary_a = &va;
    in.vocabulary_b = &vb;
    assert_int_equal(stage_embedding(&in, &test, NULL), ASSAY_OK);
    assert_int_equal(test.fixed, WIDTH);
    assert_true(test.log10_p < -30);
    close_model(&moved);
}

/* Strangers' embeddings share meanings: over many pairs the p-value is none too small. */
static void embeddings_of_strangers_give_no_small_p(void **state)
{
    (void)state;
    enum { PAIRS = 200, WIDE = 48, MEANINGS = 8 };
    static float values[2][TOKENS * WIDE];
    float meaning[TOKENS * MEANINGS];
    struct assay_random random;
    struct assay_context context = assay_context_default();
    size_t below_tenth = 0;
    assay_random_start(&random, 9, 0);
    for (int pair = 0; pair < PAIRS; pair++) {
        struct assay_tensor t[2];
        struct assay_checkpoint c[2];
        struct embedding_test test;
        for (size_t i = 0; i < TOKENS * MEANINGS; i++)
            meaning[i] = (float)assay_random_normal(&random);
        for (int side = 0; side < 2; side++) {
            for (size_t j = 0; j < WIDE; j++) { /* a column is a mixture of meanings, and noise */
                float mixture[MEANINGS];
                for (size_t k = 0; k < MEANINGS; k++)
                    mixture[k] = (float)assay_random_normal(&random);
                for (size_t i = 0; i < TOKENS; i++) {
                    float sum = (float)assay_random_normal(&random);
                    for (size_t k = 0; k < MEANINGS; k++)
                        sum += mixture[k] * meaning[i * MEANINGS + k];
                    values[side][i * WIDE + j] = sum;
                }
            }
            t[side] = (struct assay_tensor){.name = "model.embed_tokens.weight",
                                            .dtype = ASSAY_DTYPE_F32,
                                            .rank = 2,
                                            .shape = {TOKENS, WIDE},
                                            .stride = {WIDE, 1},
                                            .elements = TOKENS * WIDE,
                                            .bytes = (const unsigned char *)values[side],
                                            .size = sizeof values[side],
                                            .contiguous = true};
            c[side] = (struct assay_checkpoint){
                .path = "x", .format = "safetensors", .tensors = &t[side], .count = 1};
        }
        const struct stage_input in = {.a = &c[0], .b = &c[1], .context = &context};
        assert_int_equal(stage_embedding(&in, &test, NULL), ASSAY_OK);
        assert_true(test.log10_p > -4);
        below_tenth += test.log10_p < -1;
    }
    assert_true(below_tenth <= 34); /* 20 expected at most; 34 is beyond by 3 deviations */
}

/* As bench/stage_kinds.py counts: each pair by the groups that it is not in. */
static void pairs_of_known_history_are_weighed_without_their_own_group(void **state)
{
    (void)state;
    const char *source = getenv("ASSAY_SOURCE");
    struct assay_simulated_stages s;
    struct assay_error error;
    char pairs[1024];
    size_t right[ASSAY_STAGE_TRUTHS] = {0}, all[ASSAY_STAGE_TRUTHS] = {0};
    snprintf(pairs, sizeof pairs, "%s/data/stage_pairs.csv", source ? source : "..");
    assert_int_equal(assay_lineage_simulate_stages(pairs, &s, &error), ASSAY_OK);
    for (size_t i = 0; i < s.count; i++) {
        const struct assay_weight *w = s.pairs[i].weights;
        all[s.pairs[i].truth]++;
        if (!s.pairs[i].related)
            continue;
        double apart = w[0].log10_likelihood.median - w[1].log10_likelihood.median;
        right[s.pairs[i].truth] += s.pairs[i].truth == ASSAY_STAGE_TOGETHER ? apart > 0 : apart < 0;
        assert_true(fabs(apart) <= log10(39));
        assert_true(w[2].log10_likelihood.median < -50);
    }
    assert_int_equal(all[ASSAY_STAGE_NOTHING], 38);
    assert_int_equal(all[ASSAY_STAGE_SEED], 76); /* half with other data, half with like data */
    /* long tunings are hardly told from one seed, and one seed hardly from like data */
    assert_true(right[ASSAY_STAGE_SEED] > 0.5 * (double)all[ASSAY_STAGE_SEED]);
    assert_true(right[ASSAY_STAGE_TOGETHER] > 0.75 * (double)all[ASSAY_STAGE_TOGETHER]);
    assay_simulated_stages_free(&s);
    struct assay_weight w[3];
    assay_lineage_weigh_unrelated(log10(0.25), w); /* 1/(2 sqrt p) is 1 */
    assert_true(fabs(w[2].log10_likelihood.median - w[0].log10_likelihood.median) < 1e-12);
    assert_false(w[1].weighed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_seed_with_other_data_is_told_from_shared_training),
        cmocka_unit_test(a_shared_seed_is_not_called_a_tuning),
        cmocka_unit_test(pairs_of_known_history_are_weighed_without_their_own_group),
        cmocka_unit_test(without_a_ratio_the_kind_is_said_to_be_open),
        cmocka_unit_test(independent_models_share_no_stage),
        cmocka_unit_test(with_a_base_shared_tuning_outweighs_separate_tuning),
        cmocka_unit_test(embeddings_are_compared_over_shared_tokens),
        cmocka_unit_test(embeddings_of_strangers_give_no_small_p),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_family, end_family);
}
