/* SPDX-License-Identifier: Apache-2.0 */
/* The table of training runs as shipped, tables by others, and tables that must be refused. */
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

static struct assay_training_runs shipped;
static struct assay_claim_data data;

static const char *source_folder(void)
{
    const char *source = getenv("ASSAY_SOURCE");
    return source ? source : ".";
}

static int read_shipped(void **state)
{
    (void)state;
    char path[4096];
    struct assay_error error;
    snprintf(path, sizeof path, "%s/data/training_runs.csv", source_folder());
    assay_status status = assay_training_runs_read(path, &shipped, &error);
    snprintf(path, sizeof path, "%s/data", source_folder());
    if (status == ASSAY_OK)
        status = assay_claim_data_read(path, &data, &error);
    if (status == ASSAY_OK)
        return 0;
    fprintf(stderr, "%s:%ld: %s\n", error.file, error.line, error.message);
    return 1;
}

static int free_shipped(void **state)
{
    (void)state;
    assay_training_runs_free(&shipped);
    assay_training_runs_free(&shipped); /* harmless twice */
    assay_claim_data_free(&data);
    return 0;
}

static const struct assay_training_run *find(const struct assay_training_runs *runs, const char *id)
{
    for (size_t i = 0; i < runs->count; i++)
        if (strcmp(runs->rows[i].id, id) == 0)
            return &runs->rows[i];
    fail_msg("no row %s", id);
    return NULL;
}

static void the_claimed_run_is_read_in_si_units(void **state)
{
    (void)state;
    const struct assay_training_run *run = find(&shipped, "G01014");
    assert_string_equal(run->model, "DeepSeek-V3");
    assert_string_equal(run->group, "deepseek");
    assert_string_equal(run->attention, "MLA");
    assert_string_equal(run->software, "deepseek-2024");
    assert_string_equal(run->dropped, "");
    assert_near(run->tokens, 14.8e12, 1);
    assert_near(run->parameters, 671e9, 1);
    assert_near(run->active_parameters, 37e9, 1);
    assert_near(run->device_hours, 2664000, 0);
    assert_near(run->devices, 2048, 0);
    assert_near(run->pipeline * run->data_parallel * run->tensor, run->devices, 0);
    assert_true(isnan(run->step_seconds) && isnan(run->micro_batch) && isnan(run->head_dim));
    assert_string_equal(run->recompute, "selective");
}

static void printed_percentages_and_rates_are_fractions_and_operations(void **state)
{
    (void)state;
    const struct assay_training_run *run = find(&shipped, "G00035"); /* arXiv 2205.05198 table 5 */
    assert_near(run->mfu, 0.514, 1e-12);
    assert_near(run->hfu, 0.528, 1e-12);
    assert_near(run->step_seconds, 13.75, 0);
    assert_near(find(&shipped, "G00001")->flops_per_device, 137e12, 1);
    assert_near(find(&shipped, "G00041")->peak_memory_bytes, 55.125e9, 1);
}

static void every_row_names_a_known_accelerator(void **state)
{
    (void)state;
    assert_int_equal(shipped.count, 2478);
    for (size_t i = 0; i < shipped.count; i++)
        if (!assay_accelerator_find(&data, shipped.rows[i].accelerator, NULL))
            fail_msg("%s: \"%s\" names no accelerator", shipped.rows[i].id,
                     shipped.rows[i].accelerator);
}

static void rows_to_be_scored_have_what_a_prediction_needs(void **state)
{
    (void)state;
    size_t scored = 0;
    for (size_t i = 0; i < shipped.count; i++) {
        const struct assay_training_run *run = &shipped.rows[i];
        if (run->dropped[0]) {
            assert_non_null(strchr(run->dropped, ':')); /* a word, then the reason */
            continue;
        }
        scored++;
        assert_true(run->layers >= 1 && run->hidden >= 1 && run->sequence >= 1);
        assert_true(run->software[0] != '\0');
        assert_true(run->devices >= 1 && run->tensor >= 1 && run->pipeline >= 1);
        double context = isnan(run->context) ? 1 : run->context;
        assert_near(run->tensor * run->pipeline * run->data_parallel * context, run->devices, 0);
        assert_true(run->step_seconds > 0 || run->tokens_per_second_per_device > 0 ||
                    run->device_hours > 0 || run->peak_memory_bytes > 0 ||
                    run->flops_per_device > 0 || strcmp(run->kind, "bench-oom") == 0);
    }
    assert_true(scored > 1300 && scored < shipped.count);
}

static void step_and_throughput_agree_where_both_are_printed(void **state)
{
    (void)state;
    size_t compared = 0;
    for (size_t i = 0; i < shipped.count; i++) {
        const struct assay_training_run *run = &shipped.rows[i];
        double tokens = run->step_seconds * run->devices * run->tokens_per_second_per_device;
        double batch = run->global_batch * run->sequence;
        if (run->dropped[0] || isnan(tokens) || isnan(batch))
            continue;
        assert_near(tokens / batch, 1, 0.05);
        compared++;
    }
    assert_true(compared > 400);
}

static void a_table_with_the_original_header_is_accepted(void **state)
{
    (void)state;
    char path[4096];
    const char *shared = getenv("ASSAY_SHARED");
    struct assay_training_runs runs;
    struct assay_error error;
    if (shared)
        snprintf(path, sizeof path, "%s/facts/training_runs.csv", shared);
    else
        snprintf(path, sizeof path, "%s/../shared/facts/training_runs.csv", source_folder());
    if (access(path, R_OK) != 0) {
        print_message("# skipped: no shared/facts/training_runs.csv (set ASSAY_SHARED)\n");
        skip();
    }
    assert_int_equal(assay_training_runs_read(path, &runs, &error), ASSAY_OK);
    assert_int_equal(runs.count, 2478);
    for (size_t i = 0; i < runs.count; i++) {
        assert_string_equal(runs.rows[i].software, "");
        assert_string_equal(runs.rows[i].dropped, "");
        if (!assay_accelerator_find(&data, runs.rows[i].accelerator, NULL))
            fail_msg("%s: \"%s\"", runs.rows[i].id, runs.rows[i].accelerator);
    }
    assert_true(isnan(find(&runs, "G01016")->sequence)); /* "32768/131072" */
    assay_training_runs_free(&runs);
}

/* ---- tables that must be refused ----------------------------------------------------------- */

static const char *const names[] = {
    "id",
    "group",
    "kind",
    "model",
    "family",
    "attn",
    "layers",
    "hidden",
    "heads",
    "kv_heads",
    "ffn",
    "vocab",
    "seq",
    "experts",
    "topk",
    "moe_ffn",
    "params_B",
    "active_B",
    "tokens_B",
    "precision",
    "accel",
    "n_accel",
    "tp",
    "pp",
    "vp",
    "dp",
    "ep",
    "cp",
    "zero",
    "mbs",
    "gbs",
    "recompute",
    "seq_par",
    "overlap_sched",
    "tflops_per_accel",
    "mfu_pct",
    "hfu_pct",
    "step_s",
    "tok_s_accel",
    "peak_mem_GB",
    "gpu_hours",
    "wall_hours",
    "node_power_W",
    "d_tok_s_accel",
    "d_6N_tflops",
    "arch_source",
    "source",
    "confidence",
    "tier",
    "notes",
};
#define NAME_COUNT (sizeof names / sizeof names[0])

/* A table of one row that has `value` in `column` and, backwards, in another order of columns. */
static void write_table(FILE *file, bool backwards, const char *missing, const char *extra,
                        const char *column, const char *value, const char *ids)
{
    for (int row = -1; row < (int)strlen(ids); row++) {
        const char *comma = "";
        for (size_t i = 0; i < NAME_COUNT; i++) {
            const char *name = names[backwards ? NAME_COUNT - 1 - i : i];
            if (strcmp(name, missing) == 0)
                continue;
            if (row < 0)
                fprintf(file, "%s%s", comma, name);
            else if (strcmp(name, "id") == 0 && strcmp(column, "id") != 0)
                fprintf(file, "%s%c", comma, ids[row]);
            else
                fprintf(file, "%s%s", comma, strcmp(name, column) == 0 ? value : "");
            comma = ",";
        }
        fprintf(file, "%s%s\n", extra[0] ? "," : "", row < 0 ? extra : "");
    }
}

static assay_status read_table(bool backwards, const char *missing, const char *extra,
                               const char *column, const char *value, const char *ids,
                               struct assay_training_runs *runs, struct assay_error *error)
{
    char path[] = "/tmp/assay-test-XXXXXX";
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    FILE *file = fdopen(descriptor, "w");
    assert_non_null(file);
    write_table(file, backwards, missing, extra, column, value, ids);
    fclose(file);
    assay_status status = assay_training_runs_read(path, runs, error);
    remove(path);
    return status;
}

static void refused(const char *missing, const char *extra, const char *column, const char *value,
                    const char *ids, long line, const char *message)
{
    struct assay_training_runs runs;
    struct assay_error error;
    assert_int_equal(read_table(false, missing, extra, column, value, ids, &runs, &error),
                     ASSAY_ERROR_INPUT);
    assert_null(runs.arena);
    assert_int_equal(error.line, line);
    if (!strstr(error.message, message))
        fail_msg("\"%s\" does not say \"%s\"", error.message, message);
}

static void columns_may_stand_in_any_order(void **state)
{
    (void)state;
    struct assay_training_runs runs;
    struct assay_error error;
    assert_int_equal(read_table(true, "", "dropped", "wall_hours", "2.5", "ab", &runs, &error),
                     ASSAY_OK);
    assert_int_equal(runs.count, 2);
    assert_string_equal(runs.rows[1].id, "b");
    assert_near(runs.rows[0].wall_seconds, 9000, 1e-9);
    assert_true(isnan(runs.rows[0].layers));
    assay_training_runs_free(&runs);
}

static void several_numbers_in_a_cell_count_as_absent(void **state)
{
    (void)state;
    struct assay_training_runs runs;
    assert_int_equal(read_table(false, "", "", "seq", "32768/131072", "a", &runs, NULL), ASSAY_OK);
    assert_true(isnan(runs.rows[0].sequence));
    assay_training_runs_free(&runs);
}

static void an_empty_table_is_a_table(void **state)
{
    (void)state;
    struct assay_training_runs runs;
    assert_int_equal(read_table(false, "", "", "seq", "", "", &runs, NULL), ASSAY_OK);
    assert_int_equal(runs.count, 0);
    assay_training_runs_free(&runs);
}

/* A careful reader of a long table wants the row named and not the table refused. */
static void marked(const char *column, const char *value, const char *message)
{
    struct assay_training_runs runs;
    struct assay_error error;
    assert_int_equal(read_table(false, "", "", column, value, "ab", &runs, &error), ASSAY_OK);
    assert_int_equal(runs.count, 2);
    assert_int_equal(runs.unreadable, 2);
    assert_non_null(runs.rows[0].unreadable);
    if (!strstr(runs.rows[0].unreadable, message) || !strstr(runs.rows[0].unreadable, "line 2"))
        fail_msg("\"%s\" does not say \"%s\"", runs.rows[0].unreadable, message);
    assert_true(isnan(runs.rows[0].layers) && isnan(runs.rows[0].step_seconds));
    assay_training_runs_free(&runs);
}

static void a_cell_that_is_no_number_marks_its_row(void **state)
{
    (void)state;
    marked("layers", "many", "found \"many\" for layers");
    marked("layers", "12 layers", "for layers");
    marked("step_s", "-1", "at least 0");
    marked("step_s", "nan", "for step_s");
    marked("step_s", "inf", "for step_s");
    marked("step_s", "0x10", "for step_s");
    marked("d_6N_tflops", "?", "for d_6N_tflops");
    marked("seq", "4096/", "for seq");
    marked("seq", "/", "for seq");
    marked("seq", "4096/long", "for seq");
}

static void bad_tables_are_refused_with_the_line(void **state)
{
    (void)state;
    refused("seq", "", "id", "a", "a", 0, "no column is named \"seq\"");
    refused("", "speed", "seq", "", "a", 0, "nobody knows the column \"speed\"");
    refused("", "seq", "seq", "", "a", 1, "stands twice");
    refused("", "", "id", "", "a", 2, "without id");
    refused("", "", "seq", "", "aba", 4, "the id \"a\" stands twice");
}

static void a_missing_file_is_an_io_error(void **state)
{
    (void)state;
    struct assay_training_runs runs;
    struct assay_error error;
    assert_int_equal(assay_training_runs_read("/nonexistent.csv", &runs, &error), ASSAY_ERROR_IO);
    assert_non_null(strstr(error.file, "nonexistent"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_claimed_run_is_read_in_si_units),
        cmocka_unit_test(printed_percentages_and_rates_are_fractions_and_operations),
        cmocka_unit_test(every_row_names_a_known_accelerator),
        cmocka_unit_test(rows_to_be_scored_have_what_a_prediction_needs),
        cmocka_unit_test(step_and_throughput_agree_where_both_are_printed),
        cmocka_unit_test(a_table_with_the_original_header_is_accepted),
        cmocka_unit_test(columns_may_stand_in_any_order),
        cmocka_unit_test(several_numbers_in_a_cell_count_as_absent),
        cmocka_unit_test(an_empty_table_is_a_table),
        cmocka_unit_test(a_cell_that_is_no_number_marks_its_row),
        cmocka_unit_test(bad_tables_are_refused_with_the_line),
        cmocka_unit_test(a_missing_file_is_an_io_error),
    };
    return cmocka_run_group_tests(tests, read_shipped, free_shipped);
}
