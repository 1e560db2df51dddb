/* SPDX-License-Identifier: Apache-2.0 */
/* Clues, priors and posteriors: what must hold of them, on the DeepSeek-V3 claim. */
#include <assay/evidence.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "claim_fixture.h"

static char *claim_text;
static char file[64];

static int read_all(void **state)
{
    struct assay_file f;
    (void)state;
    if (!read_shipped_data() ||
        assay_file_open(in_tree("cases/deepseek-v3/claim.yaml"), 1 << 20, &f, NULL) != ASSAY_OK)
        return -1;
    /* the claim without the case's own clues and priors */
    claim_text = strndup((const char *)f.bytes, f.size);
    assay_file_close(&f);
    static const char *const own[] = {"\npriors:", "\nclues:"};
    for (int i = 0; i < 2; i++) {
        char *cut = strstr(claim_text, own[i]);
        if (cut)
            cut[1] = '\0';
    }
    snprintf(file, sizeof file, "/tmp/assay-evidence-%d.yaml", (int)getpid());
    return 0;
}

static int free_all(void **state)
{
    (void)state;
    unlink(file);
    free(claim_text);
    assay_claim_data_free(&data);
    return 0;
}

static bool without_days; /* leave out what is claimed of days, which would fix the count */

/* The claim with sections added. */
static void write_claim(const char *sections)
{
    FILE *f = fopen(file, "w");
    const char *days = strstr(claim_text, "  wall_time_per_token");
    assert_non_null(f);
    assert_non_null(days);
    fprintf(f, "%.*s%s%s%s", (int)(days - claim_text), claim_text, without_days ? "#" : "", days,
            sections);
    assert_int_equal(fclose(f), 0);
}

struct answer {
    struct assay_finding finding;
    struct assay_evidence evidence;
};

static struct answer weigh_on(const char *sections, int threads)
{
    struct assay_context context = assay_context_default();
    struct assay_error error = {0};
    struct answer a;
    write_claim(sections);
    context.threads = threads;
    if (assay_claim_weigh(file, &data, &context, &a.finding, &a.evidence, &error) != ASSAY_OK)
        fail_msg("%s", error.message);
    return a;
}

static struct answer weigh(const char *sections)
{
    return weigh_on(sections, 2);
}

static size_t find(const struct answer *a, const char *name)
{
    for (size_t i = 0; i < a->finding.weight_count; i++)
        if (strcmp(a->finding.weights[i].hypothesis, name) == 0)
            return i;
    fail_msg("no hypothesis %s", name);
    return 0;
}

static double posterior(const struct answer *a, const char *name)
{
    return a->evidence.posterior[find(a, name)];
}

/* Priors on a few kinds alone, so that tests are quick to weigh and easy to think about. */
#define FEW                                                                                        \
    "priors:\n  others: 0\n  accelerators: {H800-SXM: 1, H100-SXM: 1, A100-SXM: 1, H20: 1}\n"

static void refused(const char *sections, const char *why)
{
    struct assay_context context = assay_context_default();
    struct assay_error error = {0};
    struct answer a;
    write_claim(sections);
    assert_int_equal(assay_claim_weigh(file, &data, &context, &a.finding, &a.evidence, &error),
                     ASSAY_ERROR_INPUT);
    if (!strstr(error.message, why) || error.line == 0)
        fail_msg("line %ld: %s", error.line, error.message);
}

static void priors_and_posteriors_are_probabilities_and_zero_stays_zero(void **state)
{
    struct answer a = weigh(FEW);
    double prior = 0, after = 0;
    (void)state;
    for (size_t i = 0; i < a.evidence.hypotheses; i++) {
        prior += a.evidence.prior[i];
        after += a.evidence.posterior[i];
        if (a.evidence.prior[i] == 0)
            assert_true(a.evidence.posterior[i] == 0);
    }
    assert_true(fabs(prior - 1) < 1e-9 && fabs(after - 1) < 1e-9);
    assert_true(posterior(&a, "2048 x B200") == 0);
    assert_true(a.evidence.posterior_bits < a.evidence.prior_bits);
    assay_finding_free(&a.finding);
}

static void what_has_only_been_announced_is_listed_and_not_weighed(void **state)
{
    struct answer a =
        weigh("priors:\n  others: 0\n  accelerators: {H800-SXM: 1, Ascend-950DT: 1}\n");
    const struct assay_weight *announced = &a.finding.weights[find(&a, "2048 x Ascend-950DT")];
    (void)state;
    assert_false(announced->weighed);
    assert_non_null(strstr(announced->note, "announced"));
    assert_true(posterior(&a, "2048 x Ascend-950DT") == 0);
    assay_finding_free(&a.finding);
}

static void a_prior_moves_posterior_odds_by_its_own_ratio(void **state)
{
    struct answer even = weigh(FEW);
    struct answer odd = weigh("priors:\n  others: 0\n  accelerators: {H800-SXM: 7, H100-SXM: 1, "
                              "A100-SXM: 1, H20: 1}\n");
    double before = posterior(&even, "2048 x H800-SXM") / posterior(&even, "2048 x H100-SXM");
    double after = posterior(&odd, "2048 x H800-SXM") / posterior(&odd, "2048 x H100-SXM");
    (void)state;
    assert_true(fabs(after / before - 7) < 1e-6);
    assay_finding_free(&even.finding);
    assay_finding_free(&odd.finding);
}

static void a_device_seen_by_a_good_source_tells_h100_from_h800(void **state)
{
    struct answer before = weigh(FEW);
    struct answer after = weigh(FEW "clues:\n- {kind: inspected, accelerator: H100-SXM, value: "
                                    "0.95, grade: A1}\n");
    struct answer doubtful = weigh(FEW "clues:\n- {kind: inspected, accelerator: H100-SXM, value: "
                                       "0.95, grade: E5}\n");
    (void)state;
    assert_true(posterior(&before, "2048 x H100-SXM") < 0.7);
    assert_true(posterior(&after, "2048 x H100-SXM") > 0.9);
    assert_true(posterior(&doubtful, "2048 x H100-SXM") < posterior(&after, "2048 x H100-SXM"));
    assert_true(posterior(&doubtful, "2048 x H100-SXM") > posterior(&before, "2048 x H100-SXM"));
    assert_int_equal(after.evidence.clue_count, before.evidence.clue_count + 1);
    assert_true(after.evidence.clues[after.evidence.clue_count - 1].log10_lr < -0.5);
    assay_finding_free(&before.finding);
    assay_finding_free(&after.finding);
    assay_finding_free(&doubtful.finding);
}

static void a_meter_that_reads_twice_the_power_speaks_for_more_devices(void **state)
{
    /* 2,048 at 700 W and 2.2 over rating are 3.15 MW */
    without_days = true;
    struct answer right =
        weigh(FEW "clues:\n- {kind: power, value: 3.15 MW, sd: 10 %, grade: A1}\n");
    struct answer twice =
        weigh(FEW "clues:\n- {kind: power, value: 6.3 MW, sd: 10 %, grade: A1}\n");
    size_t last = right.evidence.clue_count - 1;
    (void)state;
    without_days = false;
    assert_true(right.evidence.clues[last].environment);
    assert_true(right.evidence.clues[last].log10_lr > twice.evidence.clues[last].log10_lr + 0.3);
    assert_true(posterior(&twice, "4096 x H800-SXM") > posterior(&right, "4096 x H800-SXM"));
    assay_finding_free(&right.finding);
    assay_finding_free(&twice.finding);
}

static void fewer_shipped_than_ran_speaks_against_and_a_balance_adds_up(void **state)
{
    struct answer a = weigh(FEW "clues:\n- {kind: shipped, accelerator: H800-SXM, begin: 100, "
                                "receipts: 900, shipments: 200, end: 500, sd: 10 %, grade: B2}\n");
    (void)state;
    assert_int_equal(a.evidence.balance_count, 1);
    assert_true(a.evidence.balances[0].available == 800);
    assert_true(a.evidence.balances[0].unaccounted == 300);
    assert_true(fabs(a.evidence.balances[0].sigma - 80) < 1e-9);
    assert_true(posterior(&a, "2048 x H800-SXM") < 0.3 * posterior(&a, "2048 x H100-SXM"));
    assay_finding_free(&a.finding);
}

static void what_to_look_for_is_bounded_by_what_is_open_and_leaves_out_what_is_known(void **state)
{
    struct answer a = weigh(FEW "clues:\n- {kind: power, value: 3.15 MW, grade: B2}\n");
    (void)state;
    assert_true(a.evidence.next_count > 5);
    for (size_t i = 0; i < a.evidence.next_count; i++) {
        const struct assay_lookout *o = &a.evidence.next[i];
        assert_string_not_equal(o->name, "power");
        assert_true(o->bits >= 0 && o->bits <= a.evidence.posterior_bits + 4 * o->bits_sd + 1e-9);
        assert_true(i == 0 || o->bits <= a.evidence.next[i - 1].bits);
    }
    /* H100 or H800 is what is open: the kind of one device tells most, or what was delivered */
    assert_true(strcmp(a.evidence.next[0].name, "inspected") == 0 ||
                strcmp(a.evidence.next[0].name, "shipped") == 0);
    assay_finding_free(&a.finding);
}

/* Mutual information of hypothesis and outcome, at the posterior. */
static double bits_of(const struct answer *a, const struct assay_obtainable *o)
{
    double bits = 0;
    for (size_t c = 0; c < o->outcome_count; c++) {
        double p = 0;
        for (size_t h = 0; h < a->evidence.hypotheses; h++)
            if (a->evidence.posterior[h] > 0)
                p += a->evidence.posterior[h] * o->outcomes[c].probabilities[h];
        for (size_t h = 0; h < a->evidence.hypotheses; h++)
            if (a->evidence.posterior[h] > 0)
                bits += a->evidence.posterior[h] * o->outcomes[c].probabilities[h] *
                        log2(o->outcomes[c].probabilities[h] / p);
    }
    return bits;
}

static const struct assay_obtainable *offer(const struct answer *a, const char *name)
{
    for (size_t i = 0; i < a->finding.obtainable_count; i++)
        if (strcmp(a->finding.obtainables[i].id, name) == 0)
            return &a->finding.obtainables[i];
    fail_msg("%s is not offered", name);
    return NULL;
}

static size_t place_of(const struct answer *a, const char *hypothesis)
{
    size_t i = 0;
    while (i + 1 < a->finding.weight_count &&
           strcmp(a->finding.weights[i].hypothesis, hypothesis) != 0)
        i++;
    return i;
}

/* Ranges lose a little of what the numbers would tell, and add nothing. */
static void what_a_clue_could_show_is_offered_with_nearly_all_it_would_tell(void **state)
{
    struct answer a = weigh(FEW "clues:\n- {kind: power, value: 3.15 MW, grade: B2}\n");
    (void)state;
    assert_int_equal(a.finding.obtainable_count, a.evidence.next_count);
    for (size_t i = 0; i < a.evidence.next_count; i++) {
        const struct assay_lookout *known = &a.evidence.next[i];
        const struct assay_obtainable *o = offer(&a, known->name);
        double bits = bits_of(&a, o), slack = 4 * known->bits_sd + 0.03;
        if (!(bits <= known->bits + slack && bits >= 0.8 * known->bits - slack))
            fail_msg("%s: %g bits in ranges, %g as a number", known->name, bits, known->bits);
        for (size_t h = 0; h < a.finding.weight_count; h++) {
            double sum = 0;
            for (size_t c = 0; c < o->outcome_count; c++)
                sum += o->outcomes[c].probabilities[h];
            assert_true(!a.finding.weights[h].weighed || fabs(sum - 1) < 1e-9);
        }
    }
    /* four times the devices, four times the servers; a quarter, a quarter */
    const struct assay_obtainable *servers = offer(&a, "servers");
    size_t last = servers->outcome_count - 1;
    assert_true(servers->outcomes[last].probabilities[place_of(&a, "8192 x H800-SXM")] > 0.9);
    assert_true(servers->outcomes[0].probabilities[place_of(&a, "512 x H800-SXM")] > 0.9);
    assay_finding_free(&a.finding);
}

/* C3 is trusted with 1/2: whatever it says, it is worth 2 at most; by A1, 100. */
static void a_clue_is_worth_no_more_than_its_grade_allows(void **state)
{
    (void)state;
    static const struct {
        const char *grade;
        double most;
    } grades[] = {{"C3", 2}, {"B2", 4}, {"B3", 2}, {"D3", 4.0 / 3}, {"A1", 100}};
    struct answer without = weigh(FEW);
    double before = posterior(&without, "2048 x H800-SXM") / posterior(&without, "2048 x H100-SXM");
    for (size_t i = 0; i < sizeof grades / sizeof grades[0]; i++) {
        char text[256];
        snprintf(text, sizeof text,
                 FEW "clues:\n- {kind: inspected, accelerator: H800-SXM, value: 0.999, grade: "
                     "%s}\n",
                 grades[i].grade);
        struct answer with = weigh(text);
        double after = posterior(&with, "2048 x H800-SXM") / posterior(&with, "2048 x H100-SXM");
        assert_true(after / before < grades[i].most * 1.001);
        assert_true(after / before > grades[i].most * 0.97);
        assay_finding_free(&with.finding);
    }
    assay_finding_free(&without.finding);
}

static void a_mixture_has_the_prior_that_the_file_gives_it(void **state)
{
    struct answer a = weigh("priors:\n  others: 0\n  mixed: 0.25\n  accelerators: {H800-SXM: 1, "
                            "H100-SXM: 1, H20: 1}\n");
    double mixed = 0;
    (void)state;
    for (size_t i = 0; i < a.evidence.hypotheses; i++)
        if (strstr(a.finding.weights[i].hypothesis, "half"))
            mixed += a.evidence.prior[i];
    assert_true(fabs(mixed - 0.25) < 1e-9);
    find(&a, "2048 x half H800-SXM, half H20");
    assay_finding_free(&a.finding);
}

static void threads_do_not_change_a_byte(void **state)
{
    const char *sections = FEW "clues:\n- {kind: power, value: 3 MW, grade: B2}\n";
    struct answer one = weigh_on(sections, 1), three = weigh_on(sections, 3);
    size_t n = one.evidence.hypotheses;
    (void)state;
    assert_memory_equal(one.evidence.posterior, three.evidence.posterior, n * sizeof(double));
    assert_memory_equal(one.evidence.posterior_sd, three.evidence.posterior_sd, n * sizeof(double));
    assert_int_equal(one.evidence.next_count, three.evidence.next_count);
    for (size_t i = 0; i < one.evidence.next_count; i++)
        assert_true(one.evidence.next[i].bits == three.evidence.next[i].bits);
    assay_finding_free(&one.finding);
    assay_finding_free(&three.finding);
}

static void a_clue_that_cannot_be_is_refused_with_the_reason(void **state)
{
    (void)state;
    refused("clues:\n- {kind: power, value: 20 kW}\n", "idle");
    refused("clues:\n- {kind: power, value: 300 MW}\n", "rated");
    refused("clues:\n- {kind: power, value: 3 MWh}\n", "1.4 MW");
    refused("clues:\n- {kind: weather, value: 3}\n", "weather");
    refused("clues:\n- {kind: inspected, value: 0.9}\n", "accelerator");
    refused("clues:\n- {kind: inspected, value: 0.9, accelerator: H999}\n", "H999");
    refused("clues:\n- {kind: servers, value: 256, grade: Z9}\n", "grade");
    refused("clues:\n- {kind: shipped, accelerator: H800-SXM, receipts: 5, shipments: 9}\n",
            "more than 0");
    refused("clues:\n- {kind: servers, value: 256, colour: red}\n", "colour");
    refused("priors:\n  share_used: {low: 0.9, high: 0.3}\n", "above high");
    refused("priors:\n  accelerators: {H999: 1}\n", "H999");
}

static void simulated_claims_are_calibrated_and_great_lies_are_found(void **state)
{
    struct assay_context context = assay_context_default();
    struct assay_simulation s;
    struct assay_error error = {0};
    (void)state;
    write_claim(FEW);
    if (assay_claim_simulate(file, &data, &context, 200, &s, &error) != ASSAY_OK)
        fail_msg("%s", error.message);
    assert_true(s.rank_log10_p > -3);
    assert_true(s.calibration_error < 3 * s.calibration_scatter);
    for (size_t set = 0; set < ASSAY_SIMULATION_CLUE_SETS; set++) {
        assert_true(s.realised_false_alarm[set] <= 0.08);
        assert_true(s.power[set][ASSAY_SIMULATION_LIES - 1] > 0.9);
        assert_true(s.power[set][1] <= s.power[set][ASSAY_SIMULATION_LIES - 1]);
    }
    assay_simulation_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(priors_and_posteriors_are_probabilities_and_zero_stays_zero),
        cmocka_unit_test(what_has_only_been_announced_is_listed_and_not_weighed),
        cmocka_unit_test(a_prior_moves_posterior_odds_by_its_own_ratio),
        cmocka_unit_test(a_device_seen_by_a_good_source_tells_h100_from_h800),
        cmocka_unit_test(a_meter_that_reads_twice_the_power_speaks_for_more_devices),
        cmocka_unit_test(fewer_shipped_than_ran_speaks_against_and_a_balance_adds_up),
        cmocka_unit_test(what_to_look_for_is_bounded_by_what_is_open_and_leaves_out_what_is_known),
        cmocka_unit_test(a_clue_is_worth_no_more_than_its_grade_allows),
        cmocka_unit_test(what_a_clue_could_show_is_offered_with_nearly_all_it_would_tell),
        cmocka_unit_test(a_mixture_has_the_prior_that_the_file_gives_it),
        cmocka_unit_test(threads_do_not_change_a_byte),
        cmocka_unit_test(a_clue_that_cannot_be_is_refused_with_the_reason),
        cmocka_unit_test(simulated_claims_are_calibrated_and_great_lies_are_found),
    };
    return cmocka_run_group_tests(tests, read_all, free_all);
}
