/* SPDX-License-Identifier: Apache-2.0 */
/* The split of a ratio of costs: properties that must hold of any two runs, and a known one. */
#include <assay/fence.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "claim_fixture.h"

static struct assay_run llama, v3, v2, dense;

static int read_all(void **state)
{
    (void)state;
    return read_shipped_data() && read_case("llama-3.1-405b/claim.yaml", &llama) &&
                   read_case("deepseek-v3/claim.yaml", &v3) &&
                   read_case("baselines/deepseek-v2.yaml", &v2) &&
                   read_case("baselines/deepseek-67b.yaml", &dense)
               ? 0
               : -1;
}

static int free_all(void **state)
{
    (void)state;
    assay_run_free(&llama);
    assay_run_free(&v3);
    assay_run_free(&v2);
    assay_run_free(&dense);
    assay_claim_data_free(&data);
    return 0;
}

static struct assay_explanation explain(const struct assay_run *a, const struct assay_run *b)
{
    struct assay_context context = assay_context_default();
    struct assay_explanation x;
    struct assay_error error = {0};
    if (assay_claim_explain(&data, a, b, NULL, &context, &x, &error) != ASSAY_OK)
        fail_msg("%s", error.message);
    return x;
}

static double product(const struct assay_explanation *x)
{
    double all = 1;
    for (size_t i = 0; i < x->count; i++)
        all *= x->factors[i].factor;
    return all;
}

static double factor(const struct assay_explanation *x, const char *name)
{
    for (size_t i = 0; i < x->count; i++)
        if (strcmp(x->factors[i].name, name) == 0)
            return x->factors[i].factor;
    fail_msg("no factor is named %s", name);
    return NAN;
}

static void near(double found, double expected, double tolerance)
{
    if (!(fabs(found / expected - 1) <= tolerance))
        fail_msg("found %.10g, expected %.10g", found, expected);
}

static struct assay_run small_run(void)
{
    struct assay_run run = dense_run_on("H100-SXM");
    run.plan.tensor = 2;
    run.plan.data = 32;
    run.plan.zero = 1;
    run.plan.recompute = ASSAY_RECOMPUTE_FULL;
    return run;
}

static double hours_of(const struct assay_run *run)
{
    struct assay_efficiency e;
    struct assay_step step;
    assert_int_equal(assay_plan_check(run, NULL), ASSAY_OK);
    assay_efficiency_resolve(data.efficiency, run, NULL, &e);
    assay_step_predict(run, &e, &step);
    return step.seconds * (double)run->machine.devices / 3600 * run->tokens /
           ((double)run->plan.global_batch * (double)run->sequence) * e.run_overhead;
}

static void published_figures_give_the_known_split_of_llama_over_deepseek_v3(void **state)
{
    (void)state;
    /* 30.84M over 2.664M hours = 405.85/37 x 15.6/14.8 x 342.6/342.2 (TFLOP/s at 6 N D) */
    static const double active[2] = {405.85e9, 37e9};
    struct assay_context context = assay_context_default();
    struct assay_explanation x;
    assert_int_equal(assay_claim_explain(&data, &llama, &v3, active, &context, &x, NULL), ASSAY_OK);
    assert_true(x.stated);
    near(x.ratio, 11.58, 0.001);
    near(x.active_ratio, 10.97, 0.001);
    near(x.tokens_ratio, 1.054, 0.001);
    near(x.rate_ratio, 1.00, 0.005);
    near(x.rate[0], 342.2e12, 0.001);
    near(x.rate[1], 342.6e12, 0.001);
    near(x.active_ratio * x.tokens_ratio * x.rate_ratio, x.ratio, 1e-12);
    near(product(&x), x.ratio, 1e-9);
    near(45 / x.ratio, 3.9, 0.01); /* what was said has a factor of about four without hours */
    near(factor(&x, "tokens"), 15.6 / 14.8, 1e-12);
    assert_true(factor(&x, "operations") > 8 && factor(&x, "operations") < 11);
    assert_true(factor(&x, "model") < 0.8); /* mixtures run their operations slower */
    assert_true(factor(&x, "precision") > 1.1);
    assert_true(x.hybrids == 254 && x.rechosen <= x.hybrids);
}

static void factors_multiply_to_the_ratio_and_lie_in_their_intervals(void **state)
{
    (void)state;
    const struct assay_run *runs[] = {&v3, &v2, &dense};
    for (size_t i = 0; i < 3; i++) {
        struct assay_explanation x = explain(runs[i], runs[(i + 1) % 3]);
        near(product(&x), x.ratio, 1e-9);
        for (size_t k = 0; k < x.count; k++) {
            assert_true(x.factors[k].factor > 0);
            assert_true(x.factors[k].low <= x.factors[k].factor);
            assert_true(x.factors[k].factor <= x.factors[k].high);
        }
    }
}

/* Every member of a run that the model reads belongs to a group: none is left as B has it. */
static void all_groups_of_a_put_into_b_make_a(void **state)
{
    (void)state;
    struct assay_run odd = dense; /* with what the files do not vary */
    odd.software[0] = 'x';
    odd.communication_units = 20;
    odd.gradient_bytes = 2;
    odd.architecture.window = 1024;
    odd.architecture.tied = true;
    odd.architecture.qk_norm = true;
    odd.plan.unfused_attention = true;
    odd.machine.accelerator = *assay_accelerator_find(&data, "TPU v5p", NULL);
    struct assay_explanation x = explain(&odd, &v3);
    near(x.predicted, hours_of(&odd) / hours_of(&v3), 1e-9);
    near(product(&x), x.ratio, 1e-9);
}

static void a_run_against_itself_is_all_ones(void **state)
{
    (void)state;
    struct assay_explanation x = explain(&v3, &v3);
    near(x.ratio, 1, 1e-12);
    assert_int_equal(x.hybrids, 0);
    for (size_t i = 0; i < x.count; i++)
        near(x.factors[i].factor, 1, 1e-12);
}

static void the_other_way_round_every_factor_is_the_reciprocal(void **state)
{
    (void)state;
    struct assay_explanation x = explain(&dense, &v2), y = explain(&v2, &dense);
    assert_int_equal(x.count, y.count);
    for (size_t i = 0; i < x.count; i++)
        near(x.factors[i].factor * y.factors[i].factor, 1, 1e-9);
    near(x.ratio * y.ratio, 1, 1e-12);
}

static void two_groups_share_as_the_mean_of_both_orders(void **state)
{
    (void)state;
    struct assay_run b = small_run(), a = b, only_precision = b, only_recompute = b;
    a.precision = only_precision.precision = ASSAY_PRECISION_FP8;
    a.plan.recompute = only_recompute.plan.recompute = ASSAY_RECOMPUTE_SELECTIVE;
    double none = hours_of(&b), all = hours_of(&a);
    double p = hours_of(&only_precision), r = hours_of(&only_recompute);
    struct assay_explanation x = explain(&a, &b);
    assert_false(x.stated);
    assert_int_equal(x.rechosen, 0);
    near(factor(&x, "precision"), sqrt(p / none * (all / r)), 1e-9);
    near(factor(&x, "recomputation"), sqrt(r / none * (all / p)), 1e-9);
    near(x.ratio, all / none, 1e-9);
    near(x.hours[0], all, 1e-9);
    near(factor(&x, "operations"), 1, 1e-12);
}

static void what_does_not_differ_has_factor_one_and_tokens_are_exact(void **state)
{
    (void)state;
    struct assay_run b = small_run(), a = b;
    a.tokens *= 3;
    a.architecture.layers *= 2;
    struct assay_explanation x = explain(&a, &b);
    near(factor(&x, "tokens"), 3, 1e-12);
    near(factor(&x, "precision"), 1, 1e-12);
    near(factor(&x, "network"), 1, 1e-12);
    assert_true(factor(&x, "operations") > 1.8 && factor(&x, "operations") < 2);
    near(product(&x), x.ratio, 1e-9);
}

static void a_false_statement_of_hours_is_left_unexplained(void **state)
{
    (void)state;
    struct assay_run b = small_run(), a = b;
    a.claimed.device_hours = hours_of(&a) / 4;
    b.claimed.device_hours = hours_of(&b);
    struct assay_explanation x = explain(&a, &b);
    near(x.ratio, 0.25, 1e-12);
    near(factor(&x, "unexplained"), 0.25, 1e-9);
    assert_true(1 / factor(&x, "unexplained") > x.doubt);
}

static void the_same_seed_gives_the_same_on_any_number_of_threads(void **state)
{
    (void)state;
    struct assay_context one = assay_context_default(), two = one;
    struct assay_explanation x, y;
    one.threads = 1;
    two.threads = 2;
    assert_int_equal(assay_claim_explain(&data, &dense, &v2, NULL, &one, &x, NULL), ASSAY_OK);
    assert_int_equal(assay_claim_explain(&data, &dense, &v2, NULL, &two, &y, NULL), ASSAY_OK);
    for (size_t i = 0; i < x.count; i++) {
        assert_true(x.factors[i].factor == y.factors[i].factor);
        assert_true(x.factors[i].low == y.factors[i].low);
    }
}

static void a_run_without_tokens_has_no_cost(void **state)
{
    (void)state;
    struct assay_run b = small_run(), a = b;
    struct assay_context context = assay_context_default();
    struct assay_explanation x;
    struct assay_error error;
    a.tokens = NAN;
    assert_int_equal(assay_claim_explain(&data, &a, &b, NULL, &context, &x, &error),
                     ASSAY_ERROR_UNANSWERABLE);
    assert_non_null(strstr(error.message, "training.tokens"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_figures_give_the_known_split_of_llama_over_deepseek_v3),
        cmocka_unit_test(factors_multiply_to_the_ratio_and_lie_in_their_intervals),
        cmocka_unit_test(all_groups_of_a_put_into_b_make_a),
        cmocka_unit_test(a_run_against_itself_is_all_ones),
        cmocka_unit_test(the_other_way_round_every_factor_is_the_reciprocal),
        cmocka_unit_test(two_groups_share_as_the_mean_of_both_orders),
        cmocka_unit_test(what_does_not_differ_has_factor_one_and_tokens_are_exact),
        cmocka_unit_test(a_false_statement_of_hours_is_left_unexplained),
        cmocka_unit_test(the_same_seed_gives_the_same_on_any_number_of_threads),
        cmocka_unit_test(a_run_without_tokens_has_no_cost),
    };
    return cmocka_run_group_tests(tests, read_all, free_all);
}
