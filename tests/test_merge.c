/* SPDX-License-Identifier: Apache-2.0 */
/* Merges whose shares are known: made-up models of four layers, tuned, summed and stacked. */
#include <assay/lineage.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define LAYERS 4
#define ROWS 48
#define COLUMNS 40
#define CELLS ((size_t)ROWS * COLUMNS)

struct made {
    float values[LAYERS][ROWS * COLUMNS];
};

static void make_base(uint64_t seed, struct made *m)
{
    for (size_t l = 0; l < LAYERS; l++) {
        struct assay_random random;
        assay_random_start(&random, seed, l);
        for (size_t i = 0; i < CELLS; i++)
            m->values[l][i] = (float)assay_random_normal(&random);
    }
}

/* The base, each weight moved by so many of its standard deviations. */
static void tune(uint64_t seed, double by, const struct made *base, struct made *m)
{
    struct made step;
    make_base(seed, &step);
    for (size_t l = 0; l < LAYERS; l++)
        for (size_t i = 0; i < CELLS; i++)
            m->values[l][i] = base->values[l][i] + (float)by * step.values[l][i];
}

static void mix(const struct made *a, double share_a, const struct made *b, double share_b,
                struct made *m)
{
    for (size_t l = 0; l < LAYERS; l++)
        for (size_t i = 0; i < CELLS; i++)
            m->values[l][i] = (float)share_a * a->values[l][i] + (float)share_b * b->values[l][i];
}

static void open_made(const struct made *m, const char *path, struct assay_checkpoint *c)
{
    struct assay_tensor_out out[LAYERS + 1];
    struct assay_error error = {.message = ""};
    char names[LAYERS][32];
    static const float ones[ROWS] = {1, 1, 1, 1};
    for (int l = 0; l < LAYERS; l++) {
        snprintf(names[l], sizeof names[l], "model.layers.%d.up.weight", l);
        out[l] =
            (struct assay_tensor_out){names[l], ASSAY_DTYPE_F32, 2, {ROWS, COLUMNS}, m->values[l]};
    }
    out[LAYERS] = (struct assay_tensor_out){"norm.weight", ASSAY_DTYPE_F32, 1, {ROWS}, ones};
    if (assay_safetensors_write(path, out, LAYERS + 1, NULL, 0, &error) != ASSAY_OK ||
        assay_checkpoint_open(path, c, &error) != ASSAY_OK)
        fail_msg("%s", error.message);
    unlink(path);
}

struct family {
    struct made base, first, second, stranger;
    struct assay_checkpoint files[3];
    const struct assay_checkpoint *parents[3];
};

static void make_family(struct family *f)
{
    make_base(1, &f->base);
    make_base(2, &f->stranger);
    tune(3, 0.1, &f->base, &f->first);
    tune(4, 0.1, &f->base, &f->second);
    open_made(&f->first, "merge_first.safetensors", &f->files[0]);
    open_made(&f->second, "merge_second.safetensors", &f->files[1]);
    open_made(&f->stranger, "merge_stranger.safetensors", &f->files[2]);
    for (int i = 0; i < 3; i++)
        f->parents[i] = &f->files[i];
}

static void close_family(struct family *f)
{
    for (int i = 0; i < 3; i++)
        assay_checkpoint_close(&f->files[i]);
    free(f);
}

static struct assay_lineage_merge find(const struct family *f, const struct made *child)
{
    struct assay_lineage_merge merge;
    struct assay_checkpoint c;
    struct assay_error error = {.message = ""};
    open_made(child, "merge_child.safetensors", &c);
    if (assay_lineage_merge_find(&c, f->parents, 3, NULL, &merge, &error) != ASSAY_OK)
        fail_msg("%s", error.message);
    assay_checkpoint_close(&c);
    return merge;
}

static struct family *new_family(void)
{
    struct family *f = calloc(1, sizeof *f);
    assert_non_null(f);
    make_family(f);
    return f;
}

static void the_shares_of_a_merge_of_two_tunings_are_found(void **state)
{
    (void)state;
    struct family *f = new_family();
    struct made *child = malloc(sizeof *child);
    mix(&f->first, 0.7, &f->second, 0.3, child);
    struct assay_lineage_merge m = find(f, child);
    assert_int_equal(m.kind, ASSAY_MERGE_MERGED);
    assert_float_equal(m.parents[0].share.median, 0.7, 1e-4);
    assert_float_equal(m.parents[1].share.median, 0.3, 1e-4);
    assert_float_equal(m.parents[2].share.median, 0, 1e-4);
    assert_true(m.explained > 0.999999 && m.tensors == LAYERS && m.layer_count == LAYERS);
    assay_lineage_merge_free(&m);
    tune(9, 0.02, child, child); /* and tuned on: the shares hold within their interval */
    m = find(f, child);
    assert_int_equal(m.kind, ASSAY_MERGE_MERGED);
    assert_true(fabs(m.parents[0].share.median - 0.7) < 0.02);
    assert_true(m.parents[0].share.low <= 0.705 && m.parents[0].share.high >= 0.695);
    assay_lineage_merge_free(&m);
    free(child);
    close_family(f);
}

static void a_tuning_of_one_parent_is_no_merge(void **state)
{
    (void)state;
    struct family *f = new_family();
    struct made *child = malloc(sizeof *child);
    tune(11, 0.05, &f->second, child);
    struct assay_lineage_merge m = find(f, child);
    assert_int_equal(m.kind, ASSAY_MERGE_ONE);
    assert_true(m.parents[1].share.low > 0.9 && m.parents[0].share.low < 0.05);
    assay_lineage_merge_free(&m);
    free(child);
    close_family(f);
}

static void a_sibling_is_no_merge_and_its_base_says_so(void **state)
{
    (void)state;
    struct family *f = new_family();
    struct made *child = malloc(sizeof *child);
    for (uint64_t seed = 40; seed < 50; seed++) {
        tune(seed, 0.01 * (double)(seed - 39), &f->base, child);
        struct assay_lineage_merge m = find(f, child);
        assert_int_equal(m.kind, ASSAY_MERGE_KIN);
        assay_lineage_merge_free(&m);
    }
    assay_checkpoint_close(&f->files[2]);
    open_made(&f->base, "merge_base.safetensors", &f->files[2]);
    struct assay_lineage_merge m = find(f, child);
    assert_int_equal(m.kind, ASSAY_MERGE_ONE);
    assert_true(m.parents[2].share.low > 0.9);
    assay_lineage_merge_free(&m);
    free(child);
    close_family(f);
}

static void a_stranger_has_none_of_these_parents(void **state)
{
    (void)state;
    struct family *f = new_family();
    struct made *child = malloc(sizeof *child);
    for (uint64_t seed = 20; seed < 30; seed++) {
        make_base(seed, child);
        struct assay_lineage_merge m = find(f, child);
        assert_int_equal(m.kind, ASSAY_MERGE_NONE);
        assert_true(m.explained < 0.01);
        assay_lineage_merge_free(&m);
    }
    free(child);
    close_family(f);
}

static void layers_of_different_parents_are_a_stack(void **state)
{
    (void)state;
    struct family *f = new_family();
    struct made *child = malloc(sizeof *child);
    for (int l = 0; l < LAYERS; l++)
        memcpy(child->values[l], (l < 2 ? &f->first : &f->stranger)->values[l],
               sizeof child->values[l]);
    struct assay_lineage_merge m = find(f, child);
    assert_int_equal(m.kind, ASSAY_MERGE_STACKED);
    for (size_t l = 0; l < m.layer_count; l++)
        assert_float_equal(m.layers[l].shares[atoi(m.layers[l].layer) < 2 ? 0 : 2], 1, 1e-4);
    assay_lineage_merge_free(&m);
    free(child);
    close_family(f);
}

static void what_cannot_be_compared_is_refused(void **state)
{
    (void)state;
    struct family *f = new_family();
    struct assay_lineage_merge m;
    struct assay_error error = {.message = ""};
    struct assay_checkpoint c;
    float values[512] = {0};
    const struct assay_tensor_out out = {"other", ASSAY_DTYPE_F32, 2, {16, 32}, values};
    assert_int_equal(assay_lineage_merge_find(&f->files[0], f->parents, 0, NULL, &m, &error),
                     ASSAY_ERROR_INPUT);
    assert_int_equal(assay_lineage_merge_find(&f->files[0], f->parents, 9, NULL, &m, &error),
                     ASSAY_ERROR_INPUT);
    assert_int_equal(assay_safetensors_write("merge_other.safetensors", &out, 1, NULL, 0, &error),
                     ASSAY_OK);
    assert_int_equal(assay_checkpoint_open("merge_other.safetensors", &c, &error), ASSAY_OK);
    unlink("merge_other.safetensors");
    assert_int_equal(assay_lineage_merge_find(&c, f->parents, 3, NULL, &m, &error),
                     ASSAY_ERROR_UNANSWERABLE);
    assay_checkpoint_close(&c);
    /* twice the same parent: one of them is enough, and nothing breaks */
    const struct assay_checkpoint *twice[2] = {&f->files[0], &f->files[0]};
    assert_int_equal(assay_lineage_merge_find(&f->files[0], twice, 2, NULL, &m, &error), ASSAY_OK);
    assert_int_equal(m.kind, ASSAY_MERGE_ONE);
    assay_lineage_merge_free(&m);
    close_family(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_shares_of_a_merge_of_two_tunings_are_found),
        cmocka_unit_test(a_tuning_of_one_parent_is_no_merge),
        cmocka_unit_test(a_sibling_is_no_merge_and_its_base_says_so),
        cmocka_unit_test(a_stranger_has_none_of_these_parents),
        cmocka_unit_test(layers_of_different_parents_are_a_stack),
        cmocka_unit_test(what_cannot_be_compared_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
