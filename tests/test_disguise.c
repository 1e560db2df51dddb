/* SPDX-License-Identifier: Apache-2.0 */
/* The generator of disguises: what must keep a model's function keeps it, what cannot is refused.
 */
#include <assay/lineage.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- a forward pass of Llama's architecture, written from its description ------------ */

enum { WIDTH = 64, HIDDEN = 172, HEADS = 8, KV_HEADS = 4, HEAD = 8, VOCABULARY = 512, PLACES = 12 };

static const struct assay_checkpoint *model;

/* The tensor whose name has the layer's number for the first # and the expert's for the second. */
static const float *weights(const char *pattern, long layer, long expert)
{
    static float *kept[1024];
    static size_t count;
    char name[128];
    if (!pattern) { /* frees what was read */
        while (count > 0)
            free(kept[--count]);
        return NULL;
    }
    const char *first = strchr(pattern, '#'), *second = first ? strchr(first + 1, '#') : NULL;
    if (second)
        snprintf(name, sizeof name, "%.*s%ld%.*s%ld%s", (int)(first - pattern), pattern, layer,
                 (int)(second - first - 1), first + 1, expert, second + 1);
    else if (first)
        snprintf(name, sizeof name, "%.*s%ld%s", (int)(first - pattern), pattern, layer, first + 1);
    else
        snprintf(name, sizeof name, "%s", pattern);
    const struct assay_tensor *t = assay_checkpoint_find(model, name);
    if (!t)
        return NULL;
    float *values = malloc(t->elements * sizeof *values);
    assert_true(values && count < 1024);
    assert_int_equal(assay_tensor_read(t, 0, t->elements, values, NULL), ASSAY_OK);
    return kept[count++] = values;
}

static void multiply(const float *w, const double *x, size_t rows, size_t columns, double *y)
{
    assert_non_null(w);
    for (size_t r = 0; r < rows; r++) {
        y[r] = 0;
        for (size_t c = 0; c < columns; c++)
            y[r] += (double)w[r * columns + c] * x[c];
    }
}

static void norm(const float *scale, const double *x, double *y)
{
    double sum = 0;
    assert_non_null(scale);
    for (size_t c = 0; c < WIDTH; c++)
        sum += x[c] * x[c];
    for (size_t c = 0; c < WIDTH; c++)
        y[c] = (double)scale[c] * x[c] / sqrt(sum / WIDTH + 1e-5);
}

/* Rotary positions, a pair side by side. */
static void turn(double *x, size_t heads, size_t place)
{
    for (size_t i = 0; i < heads * HEAD; i += 2) {
        double angle = (double)place / pow(10000, (double)(i % HEAD) / HEAD);
        double a = x[i], b = x[i + 1];
        x[i] = a * cos(angle) - b * sin(angle);
        x[i + 1] = a * sin(angle) + b * cos(angle);
    }
}

static double keys[16][PLACES][KV_HEADS * HEAD], values[16][PLACES][KV_HEADS * HEAD];

static void attend(long layer, size_t place, const double *h, double *x)
{
    double q[WIDTH], mixed[WIDTH] = {0}, out[WIDTH];
    multiply(weights("layers.#.attention.wq.weight", layer, 0), h, WIDTH, WIDTH, q);
    multiply(weights("layers.#.attention.wk.weight", layer, 0), h, KV_HEADS * HEAD, WIDTH,
             keys[layer][place]);
    multiply(weights("layers.#.attention.wv.weight", layer, 0), h, KV_HEADS * HEAD, WIDTH,
             values[layer][place]);
    turn(q, HEADS, place);
    turn(keys[layer][place], KV_HEADS, place);
    for (size_t head = 0; head < HEADS; head++) {
        size_t kv = head / (HEADS / KV_HEADS) * HEAD;
        double score[PLACES], sum = 0;
        for (size_t t = 0; t <= place; t++) {
            double dot = 0;
            for (size_t i = 0; i < HEAD; i++)
                dot += q[head * HEAD + i] * keys[layer][t][kv + i];
            sum += score[t] = exp(dot / sqrt(HEAD));
        }
        for (size_t t = 0; t <= place; t++)
            for (size_t i = 0; i < HEAD; i++)
                mixed[head * HEAD + i] += score[t] / sum * values[layer][t][kv + i];
    }
    multiply(weights("layers.#.attention.wo.weight", layer, 0), mixed, WIDTH, WIDTH, out);
    for (size_t c = 0; c < WIDTH; c++)
        x[c] += out[c];
}

static void feed(const char *const names[3], long layer, long expert, double share, const double *h,
                 double *x)
{
    double gate[HIDDEN], up[HIDDEN], out[WIDTH];
    multiply(weights(names[0], layer, expert), h, HIDDEN, WIDTH, gate);
    multiply(weights(names[1], layer, expert), h, HIDDEN, WIDTH, up);
    for (size_t i = 0; i < HIDDEN; i++)
        up[i] *= gate[i] / (1 + exp(-gate[i]));
    multiply(weights(names[2], layer, expert), up, WIDTH, HIDDEN, out);
    for (size_t c = 0; c < WIDTH; c++)
        x[c] += share * out[c];
}

/* Dense, or the two experts that the router likes best, by their softmax. */
static void feed_forward(long layer, long experts, const double *h, double *x)
{
    static const char *const dense[3] = {"layers.#.feed_forward.w1.weight",
                                         "layers.#.feed_forward.w3.weight",
                                         "layers.#.feed_forward.w2.weight"};
    static const char *const expert[3] = {"layers.#.feed_forward.experts.#.w1.weight",
                                          "layers.#.feed_forward.experts.#.w3.weight",
                                          "layers.#.feed_forward.experts.#.w2.weight"};
    double score[8];
    long first = 0, second = -1;
    if (experts == 0) {
        feed(dense, layer, 0, 1, h, x);
        return;
    }
    multiply(weights("layers.#.feed_forward.router.weight", layer, 0), h, (size_t)experts, WIDTH,
             score);
    for (long e = 1; e < experts; e++)
        first = score[e] > score[first] ? e : first;
    for (long e = 0; e < experts; e++)
        if (e != first && (second < 0 || score[e] > score[second]))
            second = e;
    double share = 1 / (1 + exp(score[second] - score[first]));
    feed(expert, layer, first, share, h, x);
    feed(expert, layer, second, 1 - share, h, x);
}

/* Logits of every place of a fixed text. */
static void forward(const struct assay_checkpoint *checkpoint, long layers, long experts,
                    double logits[PLACES][VOCABULARY])
{
    static const size_t text[PLACES] = {1, 403, 407, 261, 378, 15, 422, 300, 27, 9, 511, 64};
    model = checkpoint;
    for (size_t place = 0; place < PLACES; place++) {
        double x[WIDTH], h[WIDTH];
        const float *table = weights("tok_embeddings.weight", 0, 0);
        const float *head = weights("output.weight", 0, 0);
        for (size_t c = 0; c < WIDTH; c++)
            x[c] = (double)table[text[place] * WIDTH + c];
        for (long l = 0; l < layers; l++) {
            norm(weights("layers.#.attention_norm.weight", l, 0), x, h);
            attend(l, place, h, x);
            norm(weights("layers.#.ffn_norm.weight", l, 0), x, h);
            feed_forward(l, experts, h, x);
        }
        norm(weights("norm.weight", 0, 0), x, h);
        multiply(head ? head : table, h, VOCABULARY, WIDTH, logits[place]);
        weights(NULL, 0, 0);
    }
}

/* ---- on a real model ----------------------------------------------------------------- */

static bool open_real(struct assay_checkpoint *c)
{
    const char *shared = getenv("ASSAY_SHARED"), *source = getenv("ASSAY_SOURCE");
    char path[1024];
    snprintf(path, sizeof path, "%s%s/models/llama2c/stories260K.bin",
             shared   ? shared
             : source ? source
                      : ".",
             shared ? "" : "/../shared");
    if (assay_checkpoint_open(path, c, NULL) == ASSAY_OK)
        return true;
    print_message("# skipped: no %s\n", path);
    return false;
}

static double largest_difference(double a[PLACES][VOCABULARY], double b[PLACES][VOCABULARY])
{
    double most = 0;
    for (size_t i = 0; i < (size_t)PLACES * VOCABULARY; i++)
        most =
            fmax(most, fabs(a[i / VOCABULARY][i % VOCABULARY] - b[i / VOCABULARY][i % VOCABULARY]));
    return most;
}

static const struct {
    const char *name;
    struct assay_disguise disguise;
    long layers, experts;
} faithful[] = {
    {"rescale", {.rescale = true}, 5, 0},
    {"permute", {.permute = true}, 5, 0},
    {"permute heads", {.permute_heads = true}, 5, 0},
    {"mix heads", {.mix_heads = true}, 5, 0},
    {"rotate", {.rotate = true}, 5, 0},
    {"experts", {.experts = 3}, 5, 3},
    {"experts, renumbered", {.experts = 4, .permute = true, .rescale = true}, 5, 4},
    {"the same layers", {.layers = "0,1,2,3,4"}, 5, 0},
    {"all together",
     {.rescale = true,
      .permute = true,
      .permute_heads = true,
      .mix_heads = true,
      .rotate = true,
      .experts = 3},
     5,
     3},
};

static void disguises_that_must_keep_the_function_keep_it(void **state)
{
    (void)state;
    static double before[PLACES][VOCABULARY], after[PLACES][VOCABULARY];
    char path[] = "/tmp/assay-disguise-XXXXXX";
    struct assay_checkpoint c, d;
    if (!open_real(&c))
        skip();
    close(mkstemp(path));
    forward(&c, 5, 0, before);
    for (size_t i = 0; i < sizeof faithful / sizeof faithful[0]; i++) {
        struct assay_disguise disguise = faithful[i].disguise;
        disguise.seed = 40 + i;
        assert_int_equal(assay_lineage_disguise(&c, &disguise, path, NULL), ASSAY_OK);
        assert_int_equal(assay_checkpoint_open(path, &d, NULL), ASSAY_OK);
        forward(&d, faithful[i].layers, faithful[i].experts, after);
        assay_checkpoint_close(&d);
        double most = largest_difference(before, after);
        if (!(most < 2e-3))
            fail_msg("%s: logits differ by %g", faithful[i].name, most);
    }
    assay_checkpoint_close(&c);
    unlink(path);
}

/* Else the test above would pass with disguises that do nothing. */
static void disguises_that_change_weights_change_them(void **state)
{
    (void)state;
    static const struct {
        struct assay_disguise disguise;
        bool function;
    } cases[] = {{{.tune = 0.3}, true},
                 {{.lora = 4}, true},
                 {{.layers = "0,2,1,3,4"}, true},
                 {{.noise = 0.1}, true},
                 {{.permute_heads = true}, false},
                 {{.mix_heads = true}, false},
                 {{.permute = true}, false}};
    static double before[PLACES][VOCABULARY], after[PLACES][VOCABULARY];
    char path[] = "/tmp/assay-disguise-XXXXXX";
    struct assay_checkpoint c, d;
    if (!open_real(&c))
        skip();
    close(mkstemp(path));
    forward(&c, 5, 0, before);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        float x[256], y[256];
        assert_int_equal(assay_lineage_disguise(&c, &cases[i].disguise, path, NULL), ASSAY_OK);
        assert_int_equal(assay_checkpoint_open(path, &d, NULL), ASSAY_OK);
        forward(&d, 5, 0, after);
        const struct assay_tensor *a = assay_checkpoint_find(&c, "layers.1.attention.wk.weight");
        const struct assay_tensor *b = assay_checkpoint_find(&d, "layers.1.attention.wk.weight");
        assert_int_equal(assay_tensor_read(a, 0, 256, x, NULL), ASSAY_OK);
        assert_int_equal(assay_tensor_read(b, 0, 256, y, NULL), ASSAY_OK);
        assert_memory_not_equal(x, y, sizeof x);
        if (cases[i].function)
            assert_true(largest_difference(before, after) > 1e-2);
        assay_checkpoint_close(&d);
    }
    assay_checkpoint_close(&c);
    unlink(path);
}

static void layers_may_be_doubled_and_left_out(void **state)
{
    (void)state;
    char path[] = "/tmp/assay-disguise-XXXXXX";
    struct assay_checkpoint c, d;
    struct assay_configuration configuration;
    struct assay_disguise disguise = {.layers = "0,2,2,1,4,4"};
    float x[64], y[64];
    if (!open_real(&c))
        skip();
    close(mkstemp(path));
    assert_int_equal(assay_lineage_disguise(&c, &disguise, path, NULL), ASSAY_OK);
    assert_int_equal(assay_checkpoint_open(path, &d, NULL), ASSAY_OK);
    static const long from[6] = {0, 2, 2, 1, 4, 4};
    for (long l = 0; l < 6; l++) {
        char a[64], b[64];
        snprintf(a, sizeof a, "layers.%ld.feed_forward.w2.weight", from[l]);
        snprintf(b, sizeof b, "layers.%ld.feed_forward.w2.weight", l);
        assert_int_equal(assay_tensor_read(assay_checkpoint_find(&c, a), 0, 64, x, NULL), ASSAY_OK);
        assert_int_equal(assay_tensor_read(assay_checkpoint_find(&d, b), 0, 64, y, NULL), ASSAY_OK);
        assert_memory_equal(x, y, sizeof x);
    }
    assert_null(assay_checkpoint_find(&d, "layers.6.feed_forward.w2.weight"));
    assert_int_equal(assay_configuration_read(path, &d, &configuration, NULL), ASSAY_OK);
    assert_true(configuration.value[ASSAY_KEY_HEADS] == 8);
    assert_true(configuration.value[ASSAY_KEY_KV_HEADS] == 4);
    assay_checkpoint_close(&d);
    assay_checkpoint_close(&c);
    unlink(path);
}

static void a_merge_is_the_weighted_sum_or_whole_layers(void **state)
{
    (void)state;
    char first[] = "/tmp/assay-disguise-XXXXXX", second[] = "/tmp/assay-disguise-XXXXXX";
    struct assay_checkpoint c, d, e;
    struct assay_disguise noisy = {.noise = 1, .seed = 3};
    float x[64], y[64], z[64];
    if (!open_real(&c))
        skip();
    close(mkstemp(first));
    close(mkstemp(second));
    assert_int_equal(assay_lineage_disguise(&c, &noisy, first, NULL), ASSAY_OK);
    assert_int_equal(assay_checkpoint_open(first, &d, NULL), ASSAY_OK);
    for (int stacked = 0; stacked < 2; stacked++) {
        struct assay_disguise merge = {
            .merge_with = &d, .merge_share = 0.4, .merge_stacked = stacked != 0};
        assert_int_equal(assay_lineage_disguise(&c, &merge, second, NULL), ASSAY_OK);
        assert_int_equal(assay_checkpoint_open(second, &e, NULL), ASSAY_OK);
        for (int l = 2; l < 4; l++) { /* of five layers the last two are the other's */
            char name[64];
            snprintf(name, sizeof name, "layers.%d.attention.wq.weight", l);
            assert_int_equal(assay_tensor_read(assay_checkpoint_find(&c, name), 0, 64, x, NULL), 0);
            assert_int_equal(assay_tensor_read(assay_checkpoint_find(&d, name), 0, 64, y, NULL), 0);
            assert_int_equal(assay_tensor_read(assay_checkpoint_find(&e, name), 0, 64, z, NULL), 0);
            double share = !stacked ? 0.4 : l < 3 ? 0 : 1;
            for (size_t i = 0; i < 64; i++)
                assert_true(fabs((double)z[i] - (1 - share) * (double)x[i] - share * (double)y[i]) <
                            1e-6);
        }
        assay_checkpoint_close(&e);
    }
    assay_checkpoint_close(&d);
    assay_checkpoint_close(&c);
    unlink(first);
    unlink(second);
}

/* ---- refusals ------------------------------------------------------------------------ */

static void what_cannot_be_done_is_refused_with_the_reason(void **state)
{
    (void)state;
    static float numbers[64 * 64];
    static const char *const names[] = {
        "model.embed_tokens.weight", "model.layers.0.mlp.up_proj.weight",
        "model.layers.0.mlp.down_proj.weight", "model.layers.0.self_attn.q_proj.weight"};
    struct assay_tensor tensors[4];
    struct assay_checkpoint c = {.path = "made", .tensors = tensors, .count = 4}, other = c;
    for (size_t i = 0; i < 4; i++)
        tensors[i] = (struct assay_tensor){.name = names[i],
                                           .dtype = ASSAY_DTYPE_F32,
                                           .rank = 2,
                                           .shape = {64, 64},
                                           .stride = {64, 1},
                                           .contiguous = true,
                                           .elements = sizeof numbers / 4,
                                           .bytes = (const unsigned char *)numbers,
                                           .size = sizeof numbers,
                                           .file = "made"};
    other.count = 3;
    const struct {
        struct assay_disguise disguise;
        assay_status status;
        const char *says;
    } cases[] = {
        {{.prune = 2}, ASSAY_ERROR_INPUT, "prune"},
        {{.tune = -1}, ASSAY_ERROR_INPUT, "tune"},
        {{.lora = 65}, ASSAY_ERROR_INPUT, "rank"},
        {{.layers = "0,1"}, ASSAY_ERROR_INPUT, "layers of 0 to 0"},
        {{.drop_layers = "x"}, ASSAY_ERROR_INPUT, "layers of 0 to 0"},
        {{.quantise = "q9"}, ASSAY_ERROR_INPUT, "q9"},
        {{.rescale = true}, ASSAY_ERROR_UNSUPPORTED, "gated"},
        {{.permute_heads = true}, ASSAY_ERROR_UNSUPPORTED, "--heads"},
        {{.mix_heads = true, .heads = 4}, ASSAY_ERROR_UNSUPPORTED, "layer 0"},
        {{.merge_with = &other, .merge_share = 0.5}, ASSAY_ERROR_UNSUPPORTED, "q_proj"},
    };
    char path[] = "/tmp/assay-disguise-XXXXXX";
    close(mkstemp(path));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct assay_error error;
        char text[1200] = "";
        assert_int_equal(assay_lineage_disguise(&c, &cases[i].disguise, path, &error),
                         cases[i].status);
        assay_error_format(&error, text, sizeof text);
        if (!strstr(text, cases[i].says))
            fail_msg("case %zu says \"%s\", not \"%s\"", i, text, cases[i].says);
    }
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(disguises_that_must_keep_the_function_keep_it),
        cmocka_unit_test(disguises_that_change_weights_change_them),
        cmocka_unit_test(layers_may_be_doubled_and_left_out),
        cmocka_unit_test(a_merge_is_the_weighted_sum_or_whole_layers),
        cmocka_unit_test(what_cannot_be_done_is_refused_with_the_reason),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
