/* SPDX-License-Identifier: Apache-2.0 */
/* Fingerprints of weights: kin found from a few kilobytes, strangers not, broken files refused. */
#include <assay/lineage.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char *model_path(char path[1024], const char *name)
{
    const char *shared = getenv("ASSAY_SHARED"), *source = getenv("ASSAY_SOURCE");
    const char *from = shared ? shared : source ? source : ".";
    snprintf(path, 1024, "%s%s/models/%s", from, shared ? "" : "/../shared", name);
    if (access(path, R_OK) != 0) {
        print_message("# skipped: no %s\n", path);
        return NULL;
    }
    return path;
}

static void sketch_of(const char *path, struct assay_sketch *sketch)
{
    struct assay_checkpoint c;
    struct assay_context context = assay_context_default();
    assert_int_equal(assay_checkpoint_open(path, &c, NULL), ASSAY_OK);
    assert_int_equal(assay_lineage_sketch(&c, "made", &context, sketch, NULL), ASSAY_OK);
    assay_checkpoint_close(&c);
}

/* Random signs in every field that can be filled. */
static void fill(struct assay_sketch *s, uint64_t seed)
{
    struct assay_random random;
    assay_random_start(&random, seed, 0);
    memset(s, 0, sizeof *s);
    strcpy(s->name, "n\xc3\xa9");
    s->file_bytes = assay_random_u64(&random);
    s->tensors = 291;
    s->axis_count = ASSAY_SKETCH_AXES;
    for (size_t a = 0; a < s->axis_count; a++) {
        struct assay_sketch_axis *axis = &s->axes[a];
        strcpy(axis->role, a < 5 ? "up" : "down");
        axis->second = a == 7;
        axis->layer = (int32_t)a - 1;
        axis->expert = -1;
        axis->units = 11008;
        axis->width = 4096;
        axis->sampled = 64;
        for (size_t i = 0; i < 64; i++)
            for (size_t w = 0; w < 2; w++)
                axis->bits[i][w] = assay_random_u64(&random);
    }
}

static size_t written(const struct assay_sketch *s, unsigned char *bytes, size_t room)
{
    char path[] = "/tmp/assay-sketch-XXXXXX";
    struct assay_file file;
    size_t size;
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    close(descriptor);
    assert_int_equal(assay_sketch_write(s, path, &size, NULL), ASSAY_OK);
    assert_int_equal(assay_file_open(path, room, &file, NULL), ASSAY_OK);
    assert_int_equal(file.size, size);
    memcpy(bytes, file.bytes, size);
    assay_file_close(&file);
    unlink(path);
    return size;
}

static void what_is_written_is_read_again(void **state)
{
    (void)state;
    static struct assay_sketch s, again;
    static unsigned char bytes[65536];
    fill(&s, 1);
    size_t size = written(&s, bytes, sizeof bytes);
    assert_true(size < 9000);
    assert_int_equal(assay_sketch_parse("x", bytes, size, &again, NULL), ASSAY_OK);
    assert_memory_equal(&s, &again, sizeof s);
}

/* Cut anywhere, or with a byte too many, or with a field that cannot be, it is refused. */
static void a_broken_fingerprint_is_refused(void **state)
{
    (void)state;
    static struct assay_sketch s, again;
    static unsigned char bytes[65536];
    struct assay_error error;
    fill(&s, 2);
    size_t size = written(&s, bytes, sizeof bytes);
    for (size_t cut = 0; cut < size; cut++) {
        unsigned char *copy = malloc(cut + 1); /* so that a read beyond is noticed */
        assert_non_null(copy);
        memcpy(copy, bytes, cut);
        assert_int_equal(assay_sketch_parse("x", copy, cut, &again, &error), ASSAY_ERROR_INPUT);
        free(copy);
    }
    assert_int_equal(assay_sketch_parse("x", bytes, size + 1, &again, &error), ASSAY_ERROR_INPUT);
    assert_string_equal(error.message, "a broken fingerprint: something follows its end");
    static const struct {
        size_t at;
        unsigned char value;
        const char *message;
    } changes[] = {
        {0, 'A', "not a fingerprint of weights: expected it to begin with \"assay sketch 1\""},
        {16, 7, "a broken fingerprint: a control character in a name"},
        {16, 0xff, "a broken fingerprint: a name is not UTF-8"},
        {35, 9, "a broken fingerprint: too many axes"},
        {36, 16, "a broken fingerprint: a name is too long"},
        {39, 2, "a broken fingerprint: an axis is neither first nor second"},
        {43, 0x80, "a broken fingerprint: a layer's number is out of range"},
        {64, 65, "a broken fingerprint: units that cannot be"},
        {64, 0, "a broken fingerprint: units that cannot be"},
    };
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        unsigned char before = bytes[changes[i].at];
        bytes[changes[i].at] = changes[i].value;
        if (changes[i].at == 43)
            bytes[40] = bytes[41] = bytes[42] = 1;
        assert_int_equal(assay_sketch_parse("x", bytes, size, &again, &error), ASSAY_ERROR_INPUT);
        assert_string_equal(error.message, changes[i].message);
        bytes[changes[i].at] = before;
        if (changes[i].at == 43)
            bytes[40] = bytes[41] = bytes[42] = 0xff;
    }
}

/* 2,000 pairs of random fingerprints: no more p-values below a level than uniform ones. */
static void p_values_of_strangers_are_above_uniform(void **state)
{
    (void)state;
    enum { PAIRS = 2000 };
    static struct assay_sketch a, b;
    static const double levels[3] = {0.2, 0.05, 0.01};
    size_t below[3] = {0};
    for (uint64_t i = 0; i < PAIRS; i++) {
        fill(&a, 100 + 2 * i);
        fill(&b, 101 + 2 * i);
        struct assay_sketch_likeness l = assay_lineage_sketches_compare(&a, &b);
        assert_int_equal(l.tests, 25 + 4 + 1);
        for (size_t k = 0; k < 3; k++)
            below[k] += l.log10_p <= log10(levels[k]);
    }
    for (size_t k = 0; k < 3; k++)
        assert_true((double)below[k] <= levels[k] * PAIRS + 4 * sqrt(levels[k] * PAIRS));
}

/* Signs of which a share is flipped, as a lower cosine does, under layers renumbered. */
static void a_relative_is_found_under_other_layer_numbers(void **state)
{
    (void)state;
    static struct assay_sketch a, b;
    struct assay_random random;
    fill(&a, 7);
    fill(&b, 8);
    assay_random_start(&random, 9, 0);
    for (size_t i = 0; i < 64; i++) /* a's layer 3 is b's layer 0 */
        for (size_t bit = 0; bit < 128; bit++) {
            uint64_t flip = assay_random_uniform(&random) < 0.3;
            uint64_t value = (a.axes[4].bits[i][bit / 64] >> bit % 64 & 1) ^ flip;
            b.axes[1].bits[i][bit / 64] &= ~((uint64_t)1 << bit % 64);
            b.axes[1].bits[i][bit / 64] |= value << bit % 64;
        }
    struct assay_sketch_likeness l = assay_lineage_sketches_compare(&a, &b);
    assert_true(l.log10_p < -30);
    assert_int_equal(l.layer_a, 3);
    assert_int_equal(l.layer_b, 0);
    b.axes[1].units++; /* another shape is another thing */
    assert_true(assay_lineage_sketches_compare(&a, &b).log10_p > -3);
}

/* What a fingerprint sees of a real transformer's descendants, and what it does not. */
static void descendants_of_a_real_transformer_are_found(void **state)
{
    (void)state;
    char source[1024], path[] = "/tmp/assay-sketch-XXXXXX";
    static struct assay_sketch a, b;
    struct assay_checkpoint c;
    static const struct {
        struct assay_disguise disguise;
        bool found;
    } cases[] = {
        {{.noise = 1}, true},           {{.quantise = "q4_0"}, true},
        {{.drop_layers = "1,3"}, true}, {{.rescale = true, .quantise = "f16"}, true},
        {{.prune = 0.3}, true}, /* the residual stream keeps its numbers */
        {{.permute = true}, false},     {{.rotate = true}, false},
    };
    if (!model_path(source, "llama2c/stories260K.bin"))
        return;
    sketch_of(source, &a);
    int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(assay_checkpoint_open(source, &c, NULL), ASSAY_OK);
        assert_int_equal(assay_lineage_disguise(&c, &cases[i].disguise, path, NULL), ASSAY_OK);
        assay_checkpoint_close(&c);
        sketch_of(path, &b);
        double p = assay_lineage_sketches_compare(&a, &b).log10_p;
        if (cases[i].found ? p > -20 : p < -3)
            fail_msg("case %zu: log10 p %g", i, p);
    }
    unlink(path);
}

static void real_relatives_are_found_and_no_others(void **state)
{
    (void)state;
    static const char *const names[] = {
        "magika/standard_v3_0.onnx",
        "magika/standard_v3_1.onnx",
        "magika/standard_v2_1.onnx",
        "silero/2024-06-27_42a5ed4_silero_vad.jit",
        "silero/2024-06-27_d0ccd9d_silero_vad.onnx",
        "silero/2024-08-22_97e39fb_silero_vad_half.onnx",
        "silero/2025-11-06_80c5592_silero_vad.onnx",
        "silero/2025-12-10_367975d_silero_vad_16k.safetensors",
    };
    static const int family[] = {0, 0, 1, 2, 2, 2, 3, 3};
    enum { N = sizeof names / sizeof names[0] };
    static struct assay_sketch sketches[N];
    char path[1024];
    for (size_t i = 0; i < N; i++) {
        if (!model_path(path, names[i]))
            return;
        sketch_of(path, &sketches[i]);
    }
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < i; j++) {
            double p = assay_lineage_sketches_compare(&sketches[i], &sketches[j]).log10_p;
            if (family[i] == family[j] ? p > -10 : p < -2)
                fail_msg("%s and %s: log10 p %g", names[i], names[j], p);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_again),
        cmocka_unit_test(a_broken_fingerprint_is_refused),
        cmocka_unit_test(p_values_of_strangers_are_above_uniform),
        cmocka_unit_test(a_relative_is_found_under_other_layer_numbers),
        cmocka_unit_test(descendants_of_a_real_transformer_are_found),
        cmocka_unit_test(real_relatives_are_found_and_no_others),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
