/* SPDX-License-Identifier: Apache-2.0 */
/* The forward model: what must hold whatever its parameters are. */
#include "claim/calibrate.h"
#include "claim/device.h"
#include "claim/efficiency.h"
#include "claim/flops.h"
#include "claim/network.h"
#include "claim/run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "claim_fixture.h"

static int read_data(void **state)
{
    (void)state;
    return read_shipped_data() ? 0 : -1;
}

static int free_data(void **state)
{
    (void)state;
    assay_claim_data_free(&data);
    return 0;
}

static struct assay_run dense_run(void)
{
    return dense_run_on("A100-SXM");
}

static struct assay_step step_of(const struct assay_run *run)
{
    struct assay_efficiency e;
    struct assay_step step;
    struct assay_error error = {0};
    if (assay_plan_check(run, &error) != ASSAY_OK)
        fail_msg("%s", error.message);
    assay_efficiency_resolve(data.efficiency, run, NULL, &e);
    assay_step_predict(run, &e, &step);
    return step;
}

static void parts_sum_to_the_step_and_none_is_negative(void **state)
{
    (void)state;
    struct assay_run run = dense_run();
    for (int tensor = 1; tensor <= 8; tensor *= 2)
        for (int pipeline = 1; pipeline <= 8; pipeline *= 2) {
            run.plan.tensor = tensor;
            run.plan.pipeline = pipeline;
            run.plan.data = 64 / tensor / pipeline;
            struct assay_step step = step_of(&run);
            double sum = 0;
            for (int part = 0; part < ASSAY_PART_COUNT; part++) {
                assert_true(step.part[part] >= -1e-12);
                sum += step.part[part];
            }
            assert_true(fabs(sum - step.seconds) < 1e-9 * step.seconds);
            assert_true(step.mfu > 0.02 && step.mfu < 1);
        }
}

static void flops_are_six_a_weight_and_attention(void **state)
{
    (void)state;
    /* GPT-3 175B at 2048 tokens: 6 N D + 6 L s h a token with causal attention (arXiv 2001.08361)
     */
    struct assay_run run = dense_run();
    struct assay_architecture *a = &run.architecture;
    struct assay_parameters count;
    a->layers = 96, a->hidden = 12288, a->heads = 96, a->kv_heads = 96, a->head_dim = 128;
    a->ffn = 49152, a->vocabulary = 51200, a->gated = false;
    assay_architecture_count(a, &count);
    double expected =
        2048 * (6.0 * (double)count.active_without_embedding + 6.0 * 96 * 2048 * 12288);
    assert_true(fabs(model_flops(a, 2048) / expected - 1) < 1e-12);
}

static void more_work_takes_longer(void **state)
{
    (void)state;
    struct assay_run run = dense_run();
    double before = step_of(&run).seconds;
    struct assay_run wider = run, longer = run, deeper = run, larger = run, full = run;
    wider.architecture.ffn *= 2;
    longer.sequence *= 2;
    deeper.architecture.layers *= 2;
    larger.plan.global_batch *= 2;
    full.plan.recompute = ASSAY_RECOMPUTE_FULL;
    assert_true(step_of(&wider).seconds > before);
    assert_true(step_of(&longer).seconds > before);
    assert_true(step_of(&deeper).seconds > before);
    assert_true(step_of(&larger).seconds > before);
    assert_true(step_of(&full).seconds > before);
}

static void a_better_device_is_never_slower(void **state)
{
    (void)state;
    struct assay_run run = dense_run();
    run.plan.tensor = 8;
    run.plan.data = 8;
    double before = step_of(&run).seconds;
    struct assay_run better[4] = {run, run, run, run};
    better[0].machine.accelerator.flops_bf16 *= 2;
    better[1].machine.accelerator.memory_bandwidth *= 2;
    better[2].machine.accelerator.scale_up_bandwidth *= 2;
    better[3].machine.accelerator.scale_out_bandwidth *= 2;
    for (int i = 0; i < 4; i++)
        assert_true(step_of(&better[i]).seconds <= before);
}

static void memory_shrinks_with_sharding_and_recomputation(void **state)
{
    (void)state;
    struct assay_run run = dense_run();
    double last = INFINITY;
    for (int zero = 0; zero <= 3; zero++) {
        run.plan.zero = zero;
        double peak = step_of(&run).memory.peak;
        assert_true(peak < last);
        last = peak;
    }
    run.plan.zero = 1;
    last = INFINITY;
    for (int r = ASSAY_RECOMPUTE_NONE; r <= ASSAY_RECOMPUTE_FULL; r++) {
        run.plan.recompute = (enum assay_recompute)r;
        double kept = step_of(&run).memory.activations;
        assert_true(kept < last);
        last = kept;
    }
}

static void bubbles_follow_the_published_order(void **state)
{
    (void)state;
    struct assay_run run = dense_run();
    run.plan.pipeline = 8;
    run.plan.data = 8;
    run.plan.global_batch = 128;
    double plain = step_of(&run).part[ASSAY_PART_BUBBLE];
    run.plan.virtual_stages = 4;
    double interleaved = step_of(&run).part[ASSAY_PART_BUBBLE];
    run.plan.virtual_stages = 1;
    run.plan.schedule = ASSAY_SCHEDULE_ZERO_BUBBLE;
    double zero = step_of(&run).part[ASSAY_PART_BUBBLE];
    /* arXiv 2104.04473, 2.2.2: a v-th of it; arXiv 2401.10241: about a third */
    assert_true(fabs(interleaved - plain / 4) < 1e-9);
    assert_true(zero < 0.6 * plain);
    run.plan.schedule = ASSAY_SCHEDULE_1F1B;
    run.plan.pipeline = 1;
    run.plan.data = 64;
    assert_true(step_of(&run).part[ASSAY_PART_BUBBLE] == 0);
}

static void matrix_products_lose_to_partly_filled_waves(void **state)
{
    (void)state;
    struct assay_run run = dense_run();
    struct assay_efficiency e;
    struct device device;
    assay_efficiency_resolve(data.efficiency, &run, NULL, &e);
    device_set(&device, &run, &e);
    double units = device.units;
    /* as many tiles as units, and one more row of tiles */
    double full = device_matrix_seconds(&device, WIDTH_16, 256 * units, 128, 4096, 1) / units;
    double over =
        device_matrix_seconds(&device, WIDTH_16, 256 * (units + 1), 128, 4096, 1) / (units + 1);
    assert_true(over > full);
    assert_true(device_matrix_seconds(&device, WIDTH_16, 0, 128, 4096, 1) == 0);
    /* never above the peak */
    double seconds = device_matrix_seconds(&device, WIDTH_16, 8192, 8192, 8192, 1);
    assert_true(2 * 8192.0 * 8192 * 8192 / seconds < run.machine.accelerator.flops_bf16);
}

static void exchanges_cross_the_slower_tier_only_when_they_must(void **state)
{
    (void)state;
    struct network network = {.up = 300e9, .out = 25e9, .domain = 8};
    double inside = network_gather_seconds(&network, (struct group){8, 1}, 1e9);
    double across = network_gather_seconds(&network, (struct group){8, 8}, 1e9);
    assert_true(fabs(inside - 1e9 * 7 / 8 / 300e9) < 1e-12);
    assert_true(fabs(across - 1e9 * 7 / 8 / 25e9) < 1e-12);
    assert_true(network_gather_seconds(&network, (struct group){1, 1}, 1e9) == 0);
    /* eight ports of a node carry a ring that spans two nodes */
    double two_nodes = network_gather_seconds(&network, (struct group){16, 1}, 1e9);
    assert_true(fabs(two_nodes - 1e9 * 15 / 16 / 200e9) < 1e-12);
}

static void routing_to_fewer_nodes_sends_less_across(void **state)
{
    (void)state;
    struct network network = {.up = 160e9, .out = 50e9, .domain = 8};
    double limited = network_dispatch_seconds(&network, 64, 4096 * 7168.0, 8, 4);
    double free_routing = network_dispatch_seconds(&network, 64, 4096 * 7168.0, 8, 0);
    assert_true(limited < free_routing);
    assert_true(network_dispatch_seconds(&network, 1, 4096 * 7168.0, 8, 4) == 0);
}

static void one_draw_serves_every_thread_alike(void **state)
{
    (void)state;
    struct assay_run run = dense_run();
    struct assay_prediction one, two;
    struct assay_context context = assay_context_default();
    context.threads = 1;
    assert_int_equal(assay_claim_predict(&data, &run, &context, &one, NULL), ASSAY_OK);
    context.threads = 2;
    assert_int_equal(assay_claim_predict(&data, &run, &context, &two, NULL), ASSAY_OK);
    assert_memory_equal(&one, &two, sizeof one);
    assert_true(one.step_seconds.low < one.step_seconds.median);
    assert_true(one.step_seconds.median < one.step_seconds.high);
}

static void plans_that_cannot_be_are_refused_with_the_product(void **state)
{
    (void)state;
    struct assay_error error;
    struct assay_run run = dense_run();
    run.plan.tensor = 3;
    assert_int_equal(assay_plan_check(&run, &error), ASSAY_ERROR_INPUT);
    assert_non_null(strstr(error.message, "= 192 devices, expected the run's 64"));
    run = dense_run();
    run.plan.expert = 8;
    assert_int_equal(assay_plan_check(&run, &error), ASSAY_ERROR_INPUT);
    assert_non_null(strstr(error.message, "no experts"));
    run = dense_run();
    run.plan.global_batch = 1000;
    assert_int_equal(assay_plan_check(&run, &error), ASSAY_ERROR_INPUT);
    assert_non_null(strstr(error.message, "not a multiple"));
}

static void a_chosen_plan_fits_and_is_no_slower_than_a_plain_one(void **state)
{
    (void)state;
    struct assay_run run = dense_run(), plain = run;
    plain.plan.recompute = ASSAY_RECOMPUTE_FULL;
    assert_int_equal(assay_plan_choose(&data, &run, NULL), ASSAY_OK);
    struct assay_step chosen = step_of(&run);
    assert_true(chosen.memory.fits);
    assert_true(chosen.seconds <= step_of(&plain).seconds);
}

/* Runs of many shapes, "measured" as the model predicts them with one parameter moved. */
static void calibration_finds_a_parameter_that_was_moved(void **state)
{
    (void)state;
    enum { N = 60 };
    static struct assay_run runs[N];
    static struct observation observations[N];
    bool used[N];
    struct assay_context context = assay_context_default();
    struct assay_arena *arena = assay_arena_new();
    struct assay_efficiency_table *priors = efficiency_priors(data.efficiency, arena), *fitted;
    size_t memory = 0;
    while (strcmp(priors->rows[memory].parameter, "memory") != 0 ||
           priors->rows[memory].scope[0] != '\0')
        memory++;
    double shift[EFFICIENCY_MOST_ROWS] = {0};
    shift[memory] = -0.15;
    for (int i = 0; i < N; i++) {
        struct assay_efficiency e;
        runs[i] = dense_run();
        runs[i].architecture.hidden = 1024 * (1 + i % 4);
        runs[i].architecture.head_dim = runs[i].architecture.hidden / 32;
        runs[i].sequence = 1024 << (i % 3);
        runs[i].plan.micro_batch = 1 << (i % 2);
        observations[i] = (struct observation){.run = &runs[i],
                                               .quantity = MEASURED_STEP_SECONDS,
                                               .source = (size_t)i % 6,
                                               .weight = 1};
        efficiency_resolve_shifted(priors, &runs[i], shift, &e);
        observations[i].log_measured = observation_predict(&observations[i], &e);
        used[i] = true;
    }
    assert_int_equal(calibrate(priors, observations, used, N, 6, &context, arena, &fitted, NULL),
                     ASSAY_OK);
    double before = 0, after = 0;
    for (int i = 0; i < N; i++) {
        struct assay_efficiency e;
        efficiency_resolve_shifted(priors, &runs[i], NULL, &e);
        before +=
            fabs(observations[i].log_measured - observation_predict(&observations[i], &e)) / N;
        efficiency_resolve_shifted(fitted, &runs[i], NULL, &e);
        after += fabs(observations[i].log_measured - observation_predict(&observations[i], &e)) / N;
    }
    assert_true(before > 0.01);
    assert_true(after < before / 2);
    assert_true(fitted->rows[memory].log_value < priors->rows[memory].log_value);
    for (size_t i = 0; i < fitted->count; i++) /* data never make a parameter less well known */
        assert_true(fitted->rows[i].log_sd <= priors->rows[i].log_sd * (1 + 1e-6));
    assay_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_sum_to_the_step_and_none_is_negative),
        cmocka_unit_test(flops_are_six_a_weight_and_attention),
        cmocka_unit_test(more_work_takes_longer),
        cmocka_unit_test(a_better_device_is_never_slower),
        cmocka_unit_test(memory_shrinks_with_sharding_and_recomputation),
        cmocka_unit_test(bubbles_follow_the_published_order),
        cmocka_unit_test(matrix_products_lose_to_partly_filled_waves),
        cmocka_unit_test(exchanges_cross_the_slower_tier_only_when_they_must),
        cmocka_unit_test(routing_to_fewer_nodes_sends_less_across),
        cmocka_unit_test(one_draw_serves_every_thread_alike),
        cmocka_unit_test(plans_that_cannot_be_are_refused_with_the_product),
        cmocka_unit_test(a_chosen_plan_fits_and_is_no_slower_than_a_plain_one),
        cmocka_unit_test(calibration_finds_a_parameter_that_was_moved),
    };
    return cmocka_run_group_tests_name("claim", tests, read_data, free_data);
}
