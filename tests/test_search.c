/* SPDX-License-Identifier: Apache-2.0 */
/* The search: exact over its space, against brute force through the public model. */
#include <assay/search.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "claim_fixture.h"

static struct assay_run v3;

static int read_all(void **state)
{
    (void)state;
    if (!read_shipped_data() || !read_case("deepseek-v3/claim.yaml", &v3))
        return -1;
    v3.plan_known = false;
    v3.machine.devices = 48;
    v3.plan.global_batch = 96;
    return 0;
}

static int free_all(void **state)
{
    (void)state;
    assay_run_free(&v3);
    assay_claim_data_free(&data);
    return 0;
}

/* Every combination of degrees up to generous bounds, kept if the space's words allow it. */
struct brute {
    uint64_t plans, fit;
    struct assay_plan plan;
    struct assay_step step;
};

static void try_plan(const struct assay_run *run, const struct assay_efficiency *e, struct brute *b)
{
    struct assay_step step;
    const struct assay_plan *p = &run->plan;
    int64_t each = (run->architecture.layers + p->pipeline - 1) / p->pipeline;
    if (assay_plan_check(run, NULL) != ASSAY_OK || p->pipeline > run->architecture.layers)
        return;
    if (p->virtual_stages > 1 &&
        (p->pipeline == 1 || each % p->virtual_stages != 0 ||
         (int64_t)p->pipeline * p->virtual_stages > run->architecture.layers))
        return;
    if (p->schedule != ASSAY_SCHEDULE_1F1B && (p->pipeline == 1 || p->virtual_stages > 1))
        return;
    if (p->schedule == ASSAY_SCHEDULE_DUALPIPE && p->pipeline % 2 != 0)
        return;
    if (p->zero > 1 && p->pipeline > 1)
        return;
    assay_step_predict(run, e, &step);
    b->fit += step.memory.fits;
    bool better = b->plans == 0 || step.memory.fits > b->step.memory.fits ||
                  (step.memory.fits == b->step.memory.fits &&
                   (step.memory.fits ? step.seconds < b->step.seconds
                                     : step.memory.peak < b->step.memory.peak));
    b->plans++;
    if (better) {
        b->plan = *p;
        b->step = step;
    }
}

static void schedules(struct assay_run *run, const struct assay_efficiency *e, struct brute *b)
{
    struct assay_plan *p = &run->plan;
    for (int s = 0; s <= ASSAY_SCHEDULE_DUALPIPE; s++)
        for (int r = 0; r <= ASSAY_RECOMPUTE_FULL; r++)
            for (p->zero = 0; p->zero <= 3; p->zero++)
                for (int split = 0; split <= (p->tensor > 1); split++) {
                    p->schedule = (enum assay_schedule)s;
                    p->recompute = (enum assay_recompute)r;
                    p->sequence_parallel = split;
                    try_plan(run, e, b);
                }
}

static struct brute brute_force(struct assay_run run, const struct assay_search_space *space)
{
    struct assay_efficiency e;
    struct brute b = {0};
    struct assay_plan *p = &run.plan;
    assay_efficiency_resolve(data.efficiency, &run, NULL, &e);
    for (p->tensor = 1; p->tensor <= run.machine.accelerator.scale_up_domain; p->tensor++)
        for (p->context = 1; p->context <= space->most_context; p->context *= 2)
            for (p->pipeline = 1; p->pipeline <= 48; p->pipeline++)
                for (p->expert = 1; p->expert <= 48; p->expert++)
                    for (p->micro_batch = 1; p->micro_batch <= space->most_micro_batch;
                         p->micro_batch++)
                        for (p->virtual_stages = 1; p->virtual_stages <= space->most_virtual;
                             p->virtual_stages++) {
                            int width = p->tensor * p->context * p->pipeline;
                            if (run.machine.devices % width != 0)
                                continue;
                            p->data = (int)(run.machine.devices / width);
                            schedules(&run, &e, &b);
                        }
    return b;
}

static struct assay_search_result search(const struct assay_run *run,
                                         const struct assay_search_space *space, int threads)
{
    struct assay_context context = assay_context_default();
    struct assay_search_result result;
    struct assay_error error = {0};
    context.threads = threads;
    if (assay_claim_search(&data, run, space, &context, &result, &error) != ASSAY_OK)
        fail_msg("%s", error.message);
    return result;
}

static void the_search_times_the_plans_that_brute_force_times_and_finds_the_same_best(void **state)
{
    struct assay_search_space space = assay_search_space_default();
    (void)state;
    space.most_context = 2;
    space.most_virtual = 4;
    space.most_micro_batch = 4;
    for (int dense = 0; dense <= 1; dense++) {
        struct assay_run run = v3;
        if (dense) {
            struct assay_architecture *a = &run.architecture;
            a->experts = a->experts_active = a->expert_ffn = a->shared_ffn = 0;
            a->layers = 30;
        }
        struct brute brute = brute_force(run, &space);
        struct assay_search_result found = search(&run, &space, 2);
        assert_true(brute.plans > 1000);
        assert_int_equal(found.plans, brute.plans);
        assert_int_equal(found.fit, brute.fit);
        assert_true(found.step.memory.fits == brute.step.memory.fits);
        if (brute.step.memory.fits)
            assert_true(found.step.seconds == brute.step.seconds);
        else
            assert_true(found.step.memory.peak == brute.step.memory.peak);
    }
}

static void the_best_is_what_the_model_says_of_its_plan(void **state)
{
    struct assay_search_space space = assay_search_space_default();
    struct assay_run run = v3;
    struct assay_efficiency e;
    struct assay_step step;
    (void)state;
    run.machine.devices = 2048;
    run.plan.global_batch = 15360;
    struct assay_search_result found = search(&run, &space, 1);
    run.plan = found.plan;
    assert_int_equal(assay_plan_check(&run, NULL), ASSAY_OK);
    assay_efficiency_resolve(data.efficiency, &run, NULL, &e);
    assay_step_predict(&run, &e, &step);
    assert_true(step.seconds == found.step.seconds);
    assert_true(step.memory.peak == found.step.memory.peak);
}

static void threads_do_not_change_the_answer(void **state)
{
    struct assay_search_space space = assay_search_space_default();
    (void)state;
    struct assay_search_result one = search(&v3, &space, 1), four = search(&v3, &space, 4);
    assert_memory_equal(&one.plan, &four.plan, sizeof one.plan);
    assert_int_equal(one.plans, four.plans);
    assert_int_equal(one.fit, four.fit);
}

static void a_larger_space_is_never_slower(void **state)
{
    struct assay_search_space small = assay_search_space_default(), large = small;
    struct assay_run run = v3;
    (void)state;
    run.machine.devices = 1024;
    run.plan.global_batch = 4096;
    small.most_virtual = 2;
    small.most_micro_batch = 2;
    small.most_context = 1;
    assert_true(search(&run, &large, 2).step.seconds <= search(&run, &small, 2).step.seconds);
}

static void a_batch_that_nothing_divides_is_an_error_that_says_so(void **state)
{
    struct assay_search_space space = assay_search_space_default();
    struct assay_context context = assay_context_default();
    struct assay_search_result result;
    struct assay_error error = {0};
    struct assay_run run = v3;
    (void)state;
    run.machine.devices = 97;
    run.plan.global_batch = 96;
    assert_int_equal(assay_claim_search(&data, &run, &space, &context, &result, &error),
                     ASSAY_ERROR_UNANSWERABLE);
    assert_non_null(strstr(error.message, "97 devices"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_search_times_the_plans_that_brute_force_times_and_finds_the_same_best),
        cmocka_unit_test(the_best_is_what_the_model_says_of_its_plan),
        cmocka_unit_test(threads_do_not_change_the_answer),
        cmocka_unit_test(a_larger_space_is_never_slower),
        cmocka_unit_test(a_batch_that_nothing_divides_is_an_error_that_says_so),
    };
    return cmocka_run_group_tests(tests, read_all, free_all);
}
