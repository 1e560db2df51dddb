/* SPDX-License-Identifier: Apache-2.0 */
/* What a control cost and method won back: what must hold on any day, and what is known of one. */
#include <assay/fence.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "claim_fixture.h"

static struct assay_export_rules rules;
static struct assay_run v3;

static int read_all(void **state)
{
    (void)state;
    return read_shipped_data() &&
                   assay_export_rules_read(in_tree("data"), &rules, NULL) == ASSAY_OK &&
                   read_case("deepseek-v3/claim.yaml", &v3)
               ? 0
               : -1;
}

static int free_all(void **state)
{
    (void)state;
    assay_run_free(&v3);
    assay_export_rules_free(&rules);
    assay_claim_data_free(&data);
    return 0;
}

static struct assay_fence fence_on(const struct assay_run *run, const char *date)
{
    struct assay_context context = assay_context_default();
    struct assay_fence fence;
    struct assay_error error = {0};
    if (assay_claim_fence(&data, &rules, run, date, &context, &fence, &error) != ASSAY_OK)
        fail_msg("%s", error.message);
    return fence;
}

static const struct assay_fence_chip *chip(const struct assay_fence *fence, const char *name)
{
    for (size_t i = 0; i < fence->count; i++)
        if (strcmp(fence->chips[i].accelerator->name, name) == 0)
            return &fence->chips[i];
    return NULL;
}

static struct assay_run small_run(void)
{
    struct assay_run run = dense_run_on("A100-SXM");
    run.plan.recompute = ASSAY_RECOMPUTE_FULL;
    return run;
}

static void
in_june_2023_the_h800_was_the_best_that_was_sold_and_method_won_more_than_it_cost(void **state)
{
    (void)state;
    struct assay_fence f = fence_on(&v3, "2023-06-01");
    assert_string_equal(f.rule->name, "2022-10");
    assert_string_equal(f.best->accelerator->name, "H100-SXM");
    assert_string_equal(f.best_legal->accelerator->name, "H800-SXM");
    assert_ptr_equal(f.own, f.best_legal);
    /* The chips differ in their links alone: method hides what was cut. */
    assert_true(f.control_with.median > 0.99 && f.control_with.median < 1.1);
    assert_true(f.control_without.median > f.control_with.median);
    assert_true(f.best_legal->saves_all.median > f.control_without.median);
    for (int t = 0; t < ASSAY_TECHNIQUE_COUNT; t++) {
        assert_true(f.own->uses[t]);
        assert_true(f.own->saves[t].median > 0.99);
        assert_true(f.own->saves[t].low <= f.own->saves[t].median);
    }
    assert_true(f.own->saves[ASSAY_TECHNIQUE_FP8].median > 1.1);
    /* Less bandwidth, more to win by sending less and by hiding it. */
    assert_true(f.own->saves[ASSAY_TECHNIQUE_SCHEDULE].median >
                f.best->saves[ASSAY_TECHNIQUE_SCHEDULE].median);
    assert_null(chip(&f, "H20")); /* November 2023 */
    assert_null(chip(&f, "Rubin-SXM"));
    assay_fence_free(&f);
    assay_fence_free(&f); /* harmless twice */
}

static void
after_october_2023_the_h20_is_the_best_that_is_sold_and_costs_several_times(void **state)
{
    (void)state;
    struct assay_fence f = fence_on(&v3, "2024-06-01");
    assert_string_equal(f.best_legal->accelerator->name, "H20");
    assert_true(f.control_with.median > 3);
    assert_false(f.own->legal);
    assert_true(f.own->weighed);
    assert_string_equal(f.best_domestic->accelerator->vendor, "biren");
    assay_fence_free(&f);
}

static void before_any_rule_nothing_was_lost(void **state)
{
    (void)state;
    struct assay_run run = small_run();
    struct assay_fence f = fence_on(&run, "2022-01-01");
    assert_null(f.rule);
    assert_ptr_equal(f.best, f.best_legal);
    assert_true(fabs(f.control_with.median - 1) < 1e-12);
    assert_true(fabs(f.control_with.low - 1) < 1e-12);
    assert_true(fabs(f.control_without.high - 1) < 1e-12);
    assay_fence_free(&f);
}

static void chips_stand_in_order_of_cost_and_the_best_has_ratio_one(void **state)
{
    (void)state;
    struct assay_run run = small_run();
    struct assay_fence f = fence_on(&run, "2025-02-01");
    double last = 0;
    assert_true(f.count > 20);
    for (size_t i = 0; i < f.count; i++) {
        const struct assay_fence_chip *c = &f.chips[i];
        if (!c->fits)
            continue;
        assert_true(c->ratio.median >= last);
        assert_true(c->device_hours.low < c->device_hours.median);
        assert_true(c->device_hours.median < c->device_hours.high);
        assert_true(c->same_time >= 64 * c->ratio.median - 1e-6);
        last = c->ratio.median;
    }
    assert_true(fabs(f.best->ratio.median - 1) < 1e-12);
    assay_fence_free(&f);
}

static void a_technique_that_a_run_does_not_use_saves_nothing(void **state)
{
    (void)state;
    struct assay_run run = small_run();
    struct assay_fence f = fence_on(&run, "2023-06-01");
    static const enum assay_technique unused[] = {ASSAY_TECHNIQUE_FP8, ASSAY_TECHNIQUE_ROUTING,
                                                  ASSAY_TECHNIQUE_SCHEDULE};
    for (size_t i = 0; i < 3; i++) {
        assert_false(f.own->uses[unused[i]]);
        assert_true(f.own->saves[unused[i]].median == 1);
    }
    assert_true(f.own->saves_all.median >= 1 - 1e-12);
    assert_true(fabs(f.own->saves_all.median - f.own->saves[ASSAY_TECHNIQUE_OVERLAP].median) <
                1e-9);
    assay_fence_free(&f);
}

static void the_same_seed_gives_the_same_on_any_number_of_threads(void **state)
{
    (void)state;
    struct assay_run run = small_run();
    struct assay_context one = assay_context_default(), two = one;
    struct assay_fence x, y;
    one.threads = 1;
    two.threads = 2;
    assert_int_equal(assay_claim_fence(&data, &rules, &run, "2023-06-01", &one, &x, NULL),
                     ASSAY_OK);
    assert_int_equal(assay_claim_fence(&data, &rules, &run, "2023-06-01", &two, &y, NULL),
                     ASSAY_OK);
    assert_int_equal(x.count, y.count);
    for (size_t i = 0; i < x.count; i++) {
        assert_ptr_equal(x.chips[i].accelerator, y.chips[i].accelerator);
        assert_true(x.chips[i].device_hours.low == y.chips[i].device_hours.low);
    }
    assay_fence_free(&x);
    assay_fence_free(&y);
}

static void what_cannot_be_priced_is_refused_with_the_reason(void **state)
{
    (void)state;
    struct assay_run run = small_run();
    struct assay_context context = assay_context_default();
    struct assay_fence f;
    struct assay_error error;
    assert_int_equal(assay_claim_fence(&data, &rules, &run, "2010-01-01", &context, &f, &error),
                     ASSAY_ERROR_UNANSWERABLE);
    assert_non_null(strstr(error.message, "no accelerator"));
    assert_null(f.arena);
    run.tokens = NAN;
    assert_int_equal(assay_claim_fence(&data, &rules, &run, "2023-06-01", &context, &f, &error),
                     ASSAY_ERROR_UNANSWERABLE);
    assert_non_null(strstr(error.message, "training.tokens"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            in_june_2023_the_h800_was_the_best_that_was_sold_and_method_won_more_than_it_cost),
        cmocka_unit_test(
            after_october_2023_the_h20_is_the_best_that_is_sold_and_costs_several_times),
        cmocka_unit_test(before_any_rule_nothing_was_lost),
        cmocka_unit_test(chips_stand_in_order_of_cost_and_the_best_has_ratio_one),
        cmocka_unit_test(a_technique_that_a_run_does_not_use_saves_nothing),
        cmocka_unit_test(the_same_seed_gives_the_same_on_any_number_of_threads),
        cmocka_unit_test(what_cannot_be_priced_is_refused_with_the_reason),
    };
    return cmocka_run_group_tests(tests, read_all, free_all);
}
