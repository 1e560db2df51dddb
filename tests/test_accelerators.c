/* SPDX-License-Identifier: Apache-2.0 */
/* The table of accelerators as shipped, the names people write, and tables that must be refused. */
#include <assay/claim.h>

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void assert_near(double found, double expected, double tolerance)
{
    if (!(fabs(found - expected) <= tolerance))
        fail_msg("found %.17g, expected %.17g", found, expected);
}

static struct assay_claim_data data;

static int read_shipped(void **state)
{
    (void)state;
    char folder[4096];
    struct assay_error error;
    const char *source = getenv("ASSAY_SOURCE");
    snprintf(folder, sizeof folder, "%s/data", source ? source : ".");
    if (assay_claim_data_read(folder, &data, &error) == ASSAY_OK)
        return 0;
    fprintf(stderr, "%s:%ld: %s\n", error.file, error.line, error.message);
    return 1;
}

static int free_shipped(void **state)
{
    (void)state;
    assay_claim_data_free(&data);
    assay_claim_data_free(&data); /* harmless twice */
    return 0;
}

static const struct assay_accelerator *get(const char *name)
{
    const struct assay_accelerator *a = assay_accelerator_find(&data, name, NULL);
    if (!a)
        fail_msg("\"%s\" names no accelerator", name);
    return a;
}

static void published_figures_are_read_in_si_units(void **state)
{
    (void)state;
    const struct assay_accelerator *h800 = get("H800-SXM");
    assert_string_equal(h800->vendor, "nvidia");
    assert_string_equal(h800->generation, "hopper");
    assert_near(h800->flops_bf16, 989e12, 1e9);
    assert_near(h800->flops_fp8, 1979e12, 1e9);
    assert_near(h800->memory_bytes, 80e9, 1);
    assert_near(h800->memory_bandwidth, 3350e9, 1);
    assert_near(h800->scale_up_bandwidth, 200e9, 1);
    assert_near(h800->scale_out_bandwidth, 50e9, 1); /* 400 Gb/s */
    assert_near(h800->compute_units, 132, 0);
    assert_int_equal(h800->scale_up_domain, 8);
    assert_string_equal(h800->launch_date, "2023-03-21");
    assert_null(h800->release_status);
    assert_string_equal(get("Rubin")->release_status, "announced");
    assert_null(get("Rubin")->launch_date);
    assert_near(get("TPU v4")->flops_fp8, 0, 0); /* has none */
    assert_int_equal(strlen(data.accelerators_file.sha256), 64);
}

static void a_sibling_differs_only_where_its_maker_cut_it(void **state)
{
    (void)state;
    const struct assay_accelerator *h100 = get("H100"), *h800 = get("H800");
    assert_near(h100->flops_bf16, h800->flops_bf16, 0);
    assert_near(h100->compute_units, h800->compute_units, 0);
    assert_near(h100->scale_up_bandwidth / h800->scale_up_bandwidth, 2.25, 1e-12);
    assert_near(get("A100")->scale_up_bandwidth / get("A800")->scale_up_bandwidth, 1.5, 1e-12);
    assert_true(get("H20")->flops_bf16 < get("A100")->flops_bf16 / 2);
    assert_true(get("H20")->memory_bandwidth > h100->memory_bandwidth);
}

static void every_accelerator_is_plausible(void **state)
{
    (void)state;
    assert_true(data.accelerator_count >= 45);
    for (size_t i = 0; i < data.accelerator_count; i++) {
        const struct assay_accelerator *a = &data.accelerators[i];
        assert_true(a->flops_bf16 > 5e13 && a->flops_bf16 < 1e16);
        assert_true(a->flops_fp8 == 0 || a->flops_fp8 >= a->flops_bf16);
        assert_true(a->flops_fp4 == 0 || a->flops_fp4 >= a->flops_fp8);
        assert_true(a->memory_bytes >= 16e9 && a->memory_bytes <= 432e9);
        assert_true(a->memory_usable_bytes < a->memory_bytes * 1.075);
        assert_true(a->memory_bandwidth > 5e11 && a->memory_bandwidth < 3e13);
        assert_true(a->scale_up_bandwidth > a->scale_out_bandwidth / 3);
        assert_true(a->scale_up_domain >= 2 && a->scale_up_domain <= 9216);
        assert_true(a->idle_watts < a->tdp_watts || a->idle_watts == 0);
        assert_ptr_equal(assay_accelerator_find(&data, a->name, NULL), a);
    }
}

static void names_are_found_as_people_write_them(void **state)
{
    (void)state;
    static const struct {
        const char *written, *name;
        double memory;
    } names[] = {
        {"H100", "H100-SXM", 0},
        {"H100 80GB HBM3", "H100-SXM", 80e9},
        {"H100-SXM5-80GB", "H100-SXM", 80e9},
        {"h100 sxm5 80 GB", "H100-SXM", 80e9},
        {"NVIDIA H100 80GB HBM3", "H100-SXM", 80e9},
        {"NVIDIA H100 PCIe", "H100-PCIe", 0},
        {"NVIDIA H200-SXM5-141GB", "H200-SXM", 141e9},
        {"NVIDIA A100-SXM4-80GB", "A100-SXM", 80e9},
        {"A100", "A100-SXM", 0},
        {"A100-80GB-SXM", "A100-SXM", 80e9},
        {"A100-40GB-SXM", "A100-SXM-40GB", 40e9},
        {"A100 40GiB", "A100-SXM-40GB", 40 * 1073741824.0},
        {"A100-40GB-SXM (as README says)", "A100-SXM-40GB", 40e9},
        {"A100-PCIe-80GB", "A100-PCIe", 80e9},
        {"Tesla V100-SXM2-32GB", "V100-SXM2", 32e9},
        {"V100-32GB-SXM", "V100-SXM2", 32e9},
        {"A800-80GB-SXM", "A800-SXM", 80e9},
        {"H800", "H800-SXM", 0},
        {"H20", "H20", 0},
        {"HGX H20 96GB", "H20", 96e9},
        {"L20", "L20", 0},
        {"GH200", "GH200", 0},
        {"GB200 NVL72", "GB200", 0},
        {"GB300", "GB300", 0},
        {"B200?(row printed H200)", "B200", 0},
        {"(not stated; H100 by context)", "H100-SXM", 0},
        {"TPU v5p", "TPU-v5p", 0},
        {"TPU-v5e", "TPU-v5e", 0},
        {"Cloud TPU v4", "TPU-v4", 0},
        {"v6e/Trillium", "TPU-v6e", 0},
        {"v6e", "TPU-v6e", 0},
        {"Trillium", "TPU-v6e", 0},
        {"Ironwood", "TPU7x-Ironwood", 0},
        {"AMD Instinct MI300X OAM", "MI300X", 0},
        {"MI250X", "MI250X", 0},
        {"Intel Gaudi 2", "Gaudi2", 0},
        {"Habana Gaudi3", "Gaudi3", 0},
        {"AWS Trainium2", "Trainium2", 0},
        {"Ascend 910C", "Ascend-910C", 0},
        {"Huawei Ascend 910B", "Ascend-910B", 0},
        {"Ascend-910B (Atlas 900 A2 PODc)", "Ascend-910B", 0},
        {"Ascend 910B3", "Ascend-910B3", 0},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        double memory = -1;
        const struct assay_accelerator *a =
            assay_accelerator_find(&data, names[i].written, &memory);
        if (!a)
            fail_msg("\"%s\" names no accelerator", names[i].written);
        assert_string_equal(a->name, names[i].name);
        assert_near(memory, names[i].memory, 1);
    }
}

static void unknown_names_find_nothing(void **state)
{
    (void)state;
    static const char *const names[] = {
        "",  " ",    "()",     "RTX 4090",       "GPU",       "NVIDIA",       "80GB",
        "H", "H900", "TPU v5", "A100 40GB 80GB", "H100 H200", "Threadripper", "\xc3\xa9",
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (assay_accelerator_find(&data, names[i], NULL))
            fail_msg("\"%s\" was found", names[i]);
    assert_null(assay_accelerator_find(&data, NULL, NULL));
    char long_name[5000];
    memset(long_name, 'h', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    assert_null(assay_accelerator_find(&data, long_name, NULL));
}

/* ---- tables that must be refused ----------------------------------------------------------- */

#define HEADER "accelerator,field,value,unit,source,date,confidence,note\n"
#define GOOD                                                                                       \
    "X1,vendor,acme,,s,2026,own,\nX1,generation,g,,s,2026,own,\n"                                  \
    "X1,peak_dense_bf16,100,TFLOP/s,s,2026,quoted,\nX1,memory,80,GB,s,2026,quoted,\n"              \
    "X1,memory_bandwidth,2000,GB/s,s,2026,quoted,\n"

static assay_status read_text(const char *text, struct assay_claim_data *read,
                              struct assay_error *error)
{
    char folder[] = "/tmp/assay-test-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/accelerators.csv", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    static const char *const others[] = {"efficiency.csv", "clues.csv",
                                         "source_reliability.csv"}; /* are read with it */
    char beside[96], shipped[4200];
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        snprintf(beside, sizeof beside, "%s/%s", folder, others[i]);
        snprintf(shipped, sizeof shipped, "%s/data/%s", getenv("ASSAY_SOURCE"), others[i]);
        assert_int_equal(symlink(shipped, beside), 0);
    }
    assay_status status = assay_claim_data_read(folder, read, error);
    remove(path);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        snprintf(beside, sizeof beside, "%s/%s", folder, others[i]);
        remove(beside);
    }
    rmdir(folder);
    return status;
}

static void refused(const char *rows, long line, const char *message)
{
    struct assay_claim_data read;
    struct assay_error error;
    assert_int_equal(read_text(rows, &read, &error), ASSAY_ERROR_INPUT);
    assert_null(read.arena);
    assert_int_equal(error.line, line);
    if (!strstr(error.message, message))
        fail_msg("\"%s\" does not say \"%s\"", error.message, message);
}

static void a_small_good_table_is_read(void **state)
{
    (void)state;
    struct assay_claim_data read;
    struct assay_error error;
    assert_int_equal(read_text("# a comment\n" HEADER GOOD, &read, &error), ASSAY_OK);
    assert_int_equal(read.accelerator_count, 1);
    assert_near(assay_accelerator_find(&read, "x1", NULL)->flops_bf16, 1e14, 1);
    assay_claim_data_free(&read);
}

static void two_accelerators_of_one_name_are_not_chosen_between(void **state)
{
    (void)state;
    struct assay_claim_data read;
    struct assay_error error;
    const char *text = HEADER GOOD "X1,alias,Twin,,s,2026,own,\n"
                                   "X2,alias,twin,,s,2026,own,\n"
                                   "X2,vendor,acme,,s,2026,own,\nX2,generation,g,,s,2026,own,\n"
                                   "X2,peak_dense_bf16,100,TFLOP/s,s,2026,quoted,\n"
                                   "X2,memory,40,GB,s,2026,quoted,\n"
                                   "X2,memory_bandwidth,2000,GB/s,s,2026,quoted,\n"
                                   "X2,alias,Twin 40GB,,s,2026,own,\n";
    assert_int_equal(read_text(text, &read, &error), ASSAY_OK);
    assert_null(assay_accelerator_find(&read, "TWIN", NULL));
    assert_string_equal(assay_accelerator_find(&read, "twin-40GB", NULL)->name, "X2");
    assay_claim_data_free(&read);
}

static void bad_tables_are_refused_with_the_line(void **state)
{
    (void)state;
    refused(HEADER GOOD "X1,tdp,700,kW,s,2026,quoted,\n", 7, "unit");
    refused(HEADER GOOD "X1,memory_usable,80,GB,s,2026,quoted,\n", 7, "expected \"GiB\"");
    refused(HEADER GOOD "X1,memory,96,GB,s,2026,quoted,\n", 7, "stands twice");
    refused(HEADER GOOD "X1,vendor,other,,s,2026,own,\n", 7, "stands twice");
    refused(HEADER GOOD "X1,tdp,about 700,W,s,2026,quoted,\n", 7, "expected a number");
    refused(HEADER GOOD "X1,tdp,nan,W,s,2026,quoted,\n", 7, "expected a number");
    refused(HEADER GOOD "X1,tdp,-700,W,s,2026,quoted,\n", 7, "expected a number above 0");
    refused(HEADER GOOD "X1,tdp,0,W,s,2026,quoted,\n", 7, "expected a number above 0");
    refused(HEADER GOOD "X1,tdp,1e300,W,s,2026,quoted,\n", 7, "expected a number");
    refused(HEADER GOOD "X1,scaleup_domain,7.5,devices,s,2026,quoted,\n", 7, "whole number");
    refused(HEADER GOOD "X1,scaleup_domain,1e12,devices,s,2026,quoted,\n", 7, "whole number");
    refused(HEADER GOOD "X1,launch_date,May 2023,,s,2026,quoted,\n", 7, "expected a date");
    refused(HEADER GOOD "X1,launch_date,2023-13-01,,s,2026,quoted,\n", 7, "expected a date");
    refused(HEADER GOOD "X1,speed,7,W,s,2026,quoted,\n", 7, "no field is named");
    refused(HEADER GOOD "X1,tdp,700,W,s,2026,sure,\n", 7, "confidence");
    refused(HEADER GOOD "X1,tdp,700,W,,2026,quoted,\n", 7, "without a source");
    refused(HEADER GOOD "X1,tdp,700,W,s,,quoted,\n", 7, "date");
    refused(HEADER GOOD "X1,foundry,,,s,2026,quoted,\n", 7, "without a value");
    refused(HEADER GOOD ",tdp,700,W,s,2026,quoted,\n", 7, "without an accelerator");
    refused(HEADER GOOD "X1,alias,80GB,,s,2026,own,\n", 7, "names no kind");
    refused(HEADER GOOD "X1,tdp,700,W,s,2026\n", 7, "fields");
    refused(HEADER GOOD "X2,vendor,acme,,s,2026,own,\n", 0, "X2 has no generation");
    refused("accelerator,field,value,unit,source,confidence,note\n", 0, "no column");
    refused("accelerator,field,value,unit,source,date,confidence,note,more\n", 0, "columns");
}

static void a_missing_folder_is_an_io_error(void **state)
{
    (void)state;
    struct assay_claim_data read;
    struct assay_error error;
    assert_int_equal(assay_claim_data_read("/nonexistent", &read, &error), ASSAY_ERROR_IO);
    assert_int_equal(assay_claim_data_read("/nonexistent", &read, NULL), ASSAY_ERROR_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_figures_are_read_in_si_units),
        cmocka_unit_test(a_sibling_differs_only_where_its_maker_cut_it),
        cmocka_unit_test(every_accelerator_is_plausible),
        cmocka_unit_test(names_are_found_as_people_write_them),
        cmocka_unit_test(unknown_names_find_nothing),
        cmocka_unit_test(a_small_good_table_is_read),
        cmocka_unit_test(two_accelerators_of_one_name_are_not_chosen_between),
        cmocka_unit_test(bad_tables_are_refused_with_the_line),
        cmocka_unit_test(a_missing_folder_is_an_io_error),
    };
    return cmocka_run_group_tests(tests, read_shipped, free_shipped);
}
