/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Weights rounded to 8 bits with a scale a tensor, row or column: as signed bytes whose scales are
 * elsewhere, and as floats on a grid. What is said must be so, and nothing is said of strangers.
 */
#define MADE_WIDTH 64
#define MADE_UNITS 96
#define MADE_TOKENS 200
#define MADE_LAYERS 2

#include "lineage_made.h"

#include <assay/lineage.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum scales { A_TENSOR, A_ROW, A_COLUMN };

static struct made original, other;
static signed char bytes[MADE_TENSORS][MADE_TOKENS * MADE_WIDTH + MADE_UNITS * MADE_WIDTH];

static float *values_of(struct made *m, size_t t)
{
    union {
        const unsigned char *bytes;
        float *floats;
    } of = {m->tensors[t].bytes};
    return of.floats;
}

/* The scale of value i: the largest of its tensor, row or column, over 127. */
static float scale_at(const struct assay_tensor *t, const float *x, uint64_t i, enum scales scales)
{
    uint64_t width = t->shape[1], row = i / width, column = i % width;
    float most = 0;
    for (uint64_t k = 0; k < t->elements; k++)
        if (scales == A_TENSOR || (scales == A_ROW ? k / width == row : k % width == column))
            most = fmaxf(most, fabsf(x[k]));
    return most / 127;
}

static float whole_at(struct made *m, size_t t, uint64_t i, enum scales scales, float *scale)
{
    static float
        kept[MADE_TOKENS]; /* by row or column, of the tensor whose first value was asked */
    const struct assay_tensor *tensor = &m->tensors[t];
    const float *x = values_of(m, t);
    uint64_t width = tensor->shape[1];
    uint64_t place = scales == A_TENSOR ? 0 : scales == A_ROW ? i / width : i % width;
    bool first = scales == A_TENSOR ? i == 0 : scales == A_ROW ? i % width == 0 : i < width;
    if (first)
        kept[place] = scale_at(tensor, x, i, scales);
    *scale = kept[place];
    return roundf(x[i] / *scale);
}

static void round_to_bytes(struct made *m, enum scales scales)
{
    float scale;
    for (size_t t = 0; t < MADE_TENSORS; t++) {
        struct assay_tensor *tensor = &m->tensors[t];
        for (uint64_t i = 0; i < tensor->elements; i++)
            bytes[t][i] = (signed char)whole_at(m, t, i, scales, &scale);
        tensor->dtype = ASSAY_DTYPE_I8;
        tensor->bytes = (const unsigned char *)bytes[t];
        tensor->size = tensor->elements;
    }
}

/* On the grid, as float32, or as its upper half (bfloat16). */
static void round_in_place(struct made *m, enum scales scales, bool bfloat16)
{
    static float kept[MADE_TOKENS * MADE_WIDTH];
    float scale;
    for (size_t t = 0; t < MADE_TENSORS; t++) {
        struct assay_tensor *tensor = &m->tensors[t];
        float *x = values_of(m, t);
        for (uint64_t i = 0; i < tensor->elements; i++) {
            kept[i] = whole_at(m, t, i, scales, &scale);
            kept[i] *= scale;
        }
        memcpy(x, kept, tensor->elements * sizeof *x);
        uint16_t *half = (uint16_t *)(void *)x;
        for (uint64_t i = 0; i < tensor->elements && bfloat16; i++) {
            uint32_t bits;
            memcpy(&bits, &kept[i], 4);
            half[i] = (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
        }
        if (bfloat16) {
            tensor->dtype = ASSAY_DTYPE_BF16;
            tensor->size = 2 * tensor->elements;
        }
    }
}

static void add_noise(struct made *m, double size)
{
    struct assay_random random;
    assay_random_start(&random, 9, 0);
    for (size_t t = 0; t < MADE_TENSORS; t++)
        for (uint64_t i = 0; i < m->tensors[t].elements; i++)
            values_of(m, t)[i] += (float)(size * assay_random_normal(&random));
}

static void compare(const struct made *a, const struct made *b,
                    struct assay_lineage_comparison *result)
{
    struct assay_lineage_settings settings = assay_lineage_settings_default();
    struct assay_context context = assay_context_default();
    assert_int_equal(
        assay_lineage_compare(&a->checkpoint, &b->checkpoint, &settings, &context, result, NULL),
        ASSAY_OK);
}

static const struct assay_lineage_relation *find(const struct assay_lineage_comparison *r,
                                                 const char *kind)
{
    for (size_t i = 0; i < r->relation_count; i++)
        if (strcmp(r->relations[i].kind, kind) == 0)
            return &r->relations[i];
    return NULL;
}

static void expect(const struct made *a, const struct made *b, const char *says, bool also_tuned,
                   enum assay_lineage_direction direction)
{
    struct assay_lineage_comparison r;
    compare(a, b, &r);
    const struct assay_lineage_relation *rounded = find(&r, "quantised");
    if (!rounded || !strstr(rounded->note, says))
        fail_msg("expected \"%s\", got: %s", says, rounded ? rounded->note : "nothing");
    assert_null(strstr(rounded->note, "F16"));
    if (!!find(&r, "fine-tuned") != also_tuned)
        fail_msg("%s, but fine-tuned is %ssaid: %s", says, also_tuned ? "not " : "", rounded->note);
    assert_int_equal(r.direction, direction);
    assert_true(r.log10_p < -20);
    assay_lineage_comparison_free(&r);
}

static void a_pair(void)
{
    made_make(&original, 3, 0);
    made_make(&other, 3, 0);
}

static void signed_bytes_are_named_with_the_scales_that_explain_them(void **state)
{
    (void)state;
    static const char *const says[] = {"one scale a tensor makes", "one scale a row makes",
                                       "one scale a column makes"};
    for (enum scales scales = A_TENSOR; scales <= A_COLUMN; scales++) {
        a_pair();
        round_to_bytes(&other, scales);
        expect(&original, &other, says[scales], false, ASSAY_DIRECTION_A_TO_B);
        expect(&other, &original, says[scales], false, ASSAY_DIRECTION_B_TO_A);
    }
}

static void bytes_and_their_own_weights_written_out_have_no_direction(void **state)
{
    (void)state;
    a_pair();
    round_in_place(&original, A_ROW, false);
    round_to_bytes(&other, A_ROW);
    expect(&original, &other, "written in two ways", false, ASSAY_DIRECTION_UNKNOWN);
}

static void bytes_of_a_tuned_model_are_tuned_and_rounded(void **state)
{
    (void)state;
    a_pair();
    add_noise(&other, 0.1);
    round_to_bytes(&other, A_ROW);
    expect(&original, &other, "no one scale", true, ASSAY_DIRECTION_UNKNOWN);
}

static void floats_on_a_grid_of_127_steps_are_named_with_their_scales(void **state)
{
    (void)state;
    static const char *const says[] = {"one step a tensor", "one step a row"};
    for (enum scales scales = A_TENSOR; scales <= A_ROW; scales++)
        for (int bfloat16 = 0; bfloat16 < 2; bfloat16++) {
            a_pair();
            round_in_place(&other, scales, bfloat16);
            expect(&original, &other, says[scales], false, ASSAY_DIRECTION_A_TO_B);
            add_noise(&original, 0.05);
            expect(&original, &other, "do not all round to them", true, ASSAY_DIRECTION_A_TO_B);
        }
}

static void nothing_is_said_of_a_strangers_bytes_or_of_random_ones(void **state)
{
    (void)state;
    struct assay_lineage_comparison r;
    struct assay_random random;
    made_make(&original, 3, 0);
    made_make(&other, 4, 0);
    round_to_bytes(&other, A_ROW);
    compare(&original, &other, &r);
    assert_int_equal(r.relation_count, 0);
    assert_true(r.log10_p > -3);
    assay_lineage_comparison_free(&r);
    assay_random_start(&random, 5, 0);
    for (size_t t = 0; t < MADE_TENSORS; t++)
        for (size_t i = 0; i < other.tensors[t].elements; i++)
            bytes[t][i] = (signed char)assay_random_u32(&random);
    compare(&original, &other, &r);
    assert_int_equal(r.relation_count, 0);
    assay_lineage_comparison_free(&r);
    compare(&other, &other, &r);
    assert_string_equal(r.relations[0].kind, "identical");
    assay_lineage_comparison_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signed_bytes_are_named_with_the_scales_that_explain_them),
        cmocka_unit_test(bytes_and_their_own_weights_written_out_have_no_direction),
        cmocka_unit_test(bytes_of_a_tuned_model_are_tuned_and_rounded),
        cmocka_unit_test(floats_on_a_grid_of_127_steps_are_named_with_their_scales),
        cmocka_unit_test(nothing_is_said_of_a_strangers_bytes_or_of_random_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
