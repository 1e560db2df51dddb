/* SPDX-License-Identifier: Apache-2.0 */
/* Export rules as data: known statuses of known accelerators, and tables that must be refused. */
#include <assay/fence.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "claim_fixture.h"

static struct assay_export_rules rules;

static int read_shipped(void **state)
{
    (void)state;
    return read_shipped_data() && assay_export_rules_read(in_tree("data"), &rules, NULL) == ASSAY_OK
               ? 0
               : -1;
}

static int free_shipped(void **state)
{
    (void)state;
    assay_export_rules_free(&rules);
    assay_export_rules_free(&rules); /* harmless twice */
    assay_claim_data_free(&data);
    return 0;
}

static struct assay_export_judgement on(const char *date, const char *name)
{
    return assay_export_judge(&rules, assay_export_rule_at(&rules, date), get_accelerator(name));
}

static void expect(const char *date, const char *name, enum assay_export_status status)
{
    enum assay_export_status found = on(date, name).status;
    if (found != status)
        fail_msg("%s on %s: found %s, expected %s", name, date, assay_export_status_name(found),
                 assay_export_status_name(status));
}

static void scores_agree_with_the_worked_figures_of_the_rule(void **state)
{
    (void)state;
    /* 88 FR 73458: 4800 is met by 600 TOPS at 8 bits or 300 TFLOPS at 16 bits */
    struct assay_accelerator eight = {.flops_fp8 = 600e12}, sixteen = {.flops_bf16 = 300e12};
    assert_true(fabs(assay_processing_performance(&eight) - 4800) < 1e-9);
    assert_true(fabs(assay_processing_performance(&sixteen) - 4800) < 1e-9);
    /* as the trade writes them: A100 4992 and 6.04, H100 15,832 and 19.45, H20 2368 and 2.91 */
    assert_true(fabs(assay_processing_performance(get_accelerator("A100")) - 4992) < 1);
    assert_true(fabs(assay_performance_density(get_accelerator("A100")) - 6.04) < 0.005);
    assert_true(fabs(assay_processing_performance(get_accelerator("H100")) - 15832) < 1);
    assert_true(fabs(assay_performance_density(get_accelerator("H100")) - 19.45) < 0.005);
    assert_true(fabs(assay_processing_performance(get_accelerator("H20")) - 2368) < 1);
    assert_true(fabs(assay_performance_density(get_accelerator("H20")) - 2.91) < 0.005);
    assert_true(isnan(assay_performance_density(get_accelerator("TPU v4"))));
}

static void before_the_first_rule_everything_is_free(void **state)
{
    (void)state;
    assert_null(assay_export_rule_at(&rules, "2022-10-06"));
    expect("2022-01-01", "A100", ASSAY_EXPORT_FREE);
    expect("2022-01-01", "H100", ASSAY_EXPORT_FREE);
}

static void a100_and_h100_are_controlled_since_october_2022(void **state)
{
    (void)state;
    static const char *const days[] = {"2022-10-21", "2023-12-01", "2025-02-01", "2025-06-01"};
    for (size_t i = 0; i < sizeof days / sizeof days[0]; i++) {
        expect(days[i], "A100", ASSAY_EXPORT_DENIAL);
        expect(days[i], "H100", ASSAY_EXPORT_DENIAL);
        expect(days[i], "B200", ASSAY_EXPORT_DENIAL);
    }
}

static void a800_and_h800_were_free_until_the_rule_of_october_2023(void **state)
{
    (void)state;
    expect("2023-11-16", "A800", ASSAY_EXPORT_FREE);
    expect("2023-11-16", "H800", ASSAY_EXPORT_FREE);
    expect("2023-11-17", "A800", ASSAY_EXPORT_DENIAL);
    expect("2023-11-17", "H800", ASSAY_EXPORT_DENIAL);
    expect("2023-11-16", "L40S", ASSAY_EXPORT_FREE);
    expect("2023-11-17", "L40S", ASSAY_EXPORT_DENIAL);
}

static void h20_needs_a_licence_from_april_2025_and_l20_none(void **state)
{
    (void)state;
    expect("2023-11-17", "H20", ASSAY_EXPORT_FREE);
    expect("2025-04-08", "H20", ASSAY_EXPORT_FREE);
    expect("2025-04-09", "H20", ASSAY_EXPORT_LICENCE);
    expect("2026-02-01", "H20", ASSAY_EXPORT_LICENCE);
    expect("2026-02-01", "L20", ASSAY_EXPORT_FREE);
}

static void h200_and_mi325x_are_decided_case_by_case_from_2026_and_b200_is_not(void **state)
{
    (void)state;
    expect("2026-01-14", "H200", ASSAY_EXPORT_DENIAL);
    expect("2026-01-15", "H200", ASSAY_EXPORT_CASE);
    expect("2026-01-15", "MI325X", ASSAY_EXPORT_CASE);
    expect("2026-01-15", "B200", ASSAY_EXPORT_DENIAL);
    expect("2026-01-15", "GB300", ASSAY_EXPORT_DENIAL);
}

static void a_missing_die_area_leaves_open_only_what_hangs_on_it(void **state)
{
    (void)state;
    struct assay_accelerator a = *get_accelerator("H20");
    a.die_area_mm2 = 0;
    const struct assay_export_rule *rule = assay_export_rule_at(&rules, "2023-12-01");
    struct assay_export_judgement j = assay_export_judge(&rules, rule, &a);
    assert_int_equal(j.status, ASSAY_EXPORT_UNKNOWN);
    assert_string_equal(j.missing, "die area");
    a.flops_fp8 = a.flops_bf16 = a.flops_tf32 = a.flops_fp32 = 1e13; /* below every threshold */
    assert_int_equal(assay_export_judge(&rules, rule, &a).status, ASSAY_EXPORT_FREE);
    a.flops_fp8 = 1e15; /* above, whatever its size */
    assert_int_equal(assay_export_judge(&rules, rule, &a).status, ASSAY_EXPORT_DENIAL);
    a.scale_up_bandwidth = 0;
    j = assay_export_judge(&rules, assay_export_rule_at(&rules, "2023-01-01"), &a);
    assert_int_equal(j.status, ASSAY_EXPORT_UNKNOWN);
    assert_string_equal(j.missing, "bandwidth of links");
}

static void between_2400_and_4800_density_decides(void **state)
{
    (void)state;
    const struct assay_export_rule *rule = assay_export_rule_at(&rules, "2024-01-01");
    static const struct {
        double tpp, density;
        enum assay_export_status status;
    } cases[] = {
        {4800, 0.1, ASSAY_EXPORT_DENIAL},  {4799, 5.93, ASSAY_EXPORT_DENIAL},
        {4799, 5.91, ASSAY_EXPORT_NOTIFY}, {2401, 1.61, ASSAY_EXPORT_NOTIFY},
        {2401, 1.59, ASSAY_EXPORT_FREE},   {2399, 3.21, ASSAY_EXPORT_NOTIFY},
        {2399, 3.19, ASSAY_EXPORT_FREE},   {1601, 5.93, ASSAY_EXPORT_DENIAL},
        {1599, 50, ASSAY_EXPORT_FREE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct assay_accelerator a = {.vendor = "nvidia",
                                      .flops_fp8 = cases[i].tpp / 8 * 1e12,
                                      .die_area_mm2 = cases[i].tpp / cases[i].density};
        enum assay_export_status found = assay_export_judge(&rules, rule, &a).status;
        if (found != cases[i].status)
            fail_msg("TPP %g, density %g: found %s", cases[i].tpp, cases[i].density,
                     assay_export_status_name(found));
    }
}

static void what_is_made_in_china_is_no_export_and_what_is_rented_not_sold(void **state)
{
    (void)state;
    expect("2022-01-01", "Ascend 910B", ASSAY_EXPORT_DOMESTIC);
    expect("2026-02-01", "Ascend 910C", ASSAY_EXPORT_DOMESTIC);
    expect("2023-01-01", "TPU v4", ASSAY_EXPORT_RENTED);
}

static void every_threshold_has_a_source_and_every_status_a_word(void **state)
{
    (void)state;
    assert_true(rules.count >= 5);
    for (size_t r = 0; r < rules.count; r++)
        for (size_t c = 0; c < rules.rules[r].clause_count; c++) {
            const struct assay_export_clause *clause = &rules.rules[r].clauses[c];
            assert_true(clause->condition_count > 0);
            assert_true(strlen(clause->source) > 5 && strlen(clause->grade) > 2);
        }
    for (int s = 0; s <= ASSAY_EXPORT_COUNT; s++) {
        assert_true(strlen(assay_export_status_name((enum assay_export_status)s)) <= 8);
        assert_true(strlen(assay_export_status_words((enum assay_export_status)s)) > 4);
    }
}

/* ---- tables that must be refused ----------------------------------------------------------- */

#define HEADER                                                                                     \
    "rule,in_force,clause,outcome,quantity,operator,threshold,unit,source,date,grade,note\n"
#define GOOD "2022-10,2022-10-21,a,denial,tpp,>=,4800,TPP,s,2023,read,\n"

static void refused(const char *text, long line, const char *message)
{
    char folder[] = "/tmp/assay-rules-XXXXXX", path[64];
    struct assay_export_rules read;
    struct assay_error error;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/export_rules.csv", folder);
    assert_int_equal(assay_file_write(path, text, strlen(text), NULL), ASSAY_OK);
    assay_status status = assay_export_rules_read(folder, &read, &error);
    remove(path);
    rmdir(folder);
    if (!message) {
        assert_int_equal(status, ASSAY_OK);
        assay_export_rules_free(&read);
        return;
    }
    assert_int_equal(status, ASSAY_ERROR_INPUT);
    assert_null(read.arena);
    assert_int_equal(error.line, line);
    if (!strstr(error.message, message))
        fail_msg("\"%s\" does not say \"%s\"", error.message, message);
}

static void bad_tables_are_refused_with_the_line(void **state)
{
    (void)state;
    refused(HEADER GOOD, 0, NULL);
    refused(HEADER, 0, "no rule");
    refused(HEADER "2022-10,2022-13-21,a,denial,tpp,>=,4800,TPP,s,2023,read,\n", 2, "a day as");
    refused(HEADER "2022-10,2022-10-21,a,banned,tpp,>=,4800,TPP,s,2023,read,\n", 2, "outcome");
    refused(HEADER "2022-10,2022-10-21,a,denial,speed,>=,4800,TPP,s,2023,read,\n", 2, "quantity");
    refused(HEADER "2022-10,2022-10-21,a,denial,tpp,>,4800,TPP,s,2023,read,\n", 2, "operator");
    refused(HEADER "2022-10,2022-10-21,a,denial,tpp,=,4800,TPP,s,2023,read,\n", 2, "compared");
    refused(HEADER "2022-10,2022-10-21,a,denial,tpp,>=,many,TPP,s,2023,read,\n", 2, "threshold");
    refused(HEADER "2022-10,2022-10-21,a,denial,tpp,>=,-1,TPP,s,2023,read,\n", 2, "above 0");
    refused(HEADER "2022-10,2022-10-21,a,denial,tpp,>=,4800,TOPS,s,2023,read,\n", 2, "unit");
    refused(HEADER "2022-10,2022-10-21,a,denial,tpp,>=,4800,TPP,,2023,read,\n", 2, "source");
    refused(HEADER "2022-10,2022-10-21,a,denial,tpp,>=,4800,TPP,s,2023,sure,\n", 2, "grade");
    refused(HEADER GOOD "2022-10,2022-10-21,a,case,tpp,<,9000,TPP,s,2023,read,\n", 3, "outcome");
    refused(HEADER GOOD "2022-10,2022-10-22,b,denial,tpp,<,9000,TPP,s,2023,read,\n", 3, "began");
    refused(HEADER GOOD "2021-10,2021-10-22,b,denial,tpp,<,9000,TPP,s,2023,read,\n", 3, "order");
    refused(HEADER GOOD "every version,,v,rented,vendor,=,x,,s,2023,own,\n", 3, "first");
    refused("rule,in_force\n", 0, "columns");
}

static void days_are_told_from_other_text(void **state)
{
    (void)state;
    assert_true(assay_is_date("2023-11-17"));
    assert_false(assay_is_date("2023-11"));
    assert_false(assay_is_date("2023-11-32"));
    assert_true(assay_is_date("2024-02-29") && assay_is_date("2000-02-29"));
    assert_true(assay_is_date("2023-07-31") && assay_is_date("2023-08-31"));
    assert_false(assay_is_date("2023-02-29") || assay_is_date("1900-02-29"));
    assert_false(assay_is_date("2023-04-31") || assay_is_date("2023-09-31"));
    assert_false(assay_is_date("17.11.2023"));
    assert_false(assay_is_date(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scores_agree_with_the_worked_figures_of_the_rule),
        cmocka_unit_test(before_the_first_rule_everything_is_free),
        cmocka_unit_test(a100_and_h100_are_controlled_since_october_2022),
        cmocka_unit_test(a800_and_h800_were_free_until_the_rule_of_october_2023),
        cmocka_unit_test(h20_needs_a_licence_from_april_2025_and_l20_none),
        cmocka_unit_test(h200_and_mi325x_are_decided_case_by_case_from_2026_and_b200_is_not),
        cmocka_unit_test(a_missing_die_area_leaves_open_only_what_hangs_on_it),
        cmocka_unit_test(between_2400_and_4800_density_decides),
        cmocka_unit_test(what_is_made_in_china_is_no_export_and_what_is_rented_not_sold),
        cmocka_unit_test(every_threshold_has_a_source_and_every_status_a_word),
        cmocka_unit_test(bad_tables_are_refused_with_the_line),
        cmocka_unit_test(days_are_told_from_other_text),
    };
    return cmocka_run_group_tests(tests, read_shipped, free_shipped);
}
