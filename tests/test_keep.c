/* SPDX-License-Identifier: Apache-2.0 */
/* Findings kept between runs: used while nothing that they depend on has changed, else made anew.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "case_folder.h"

#include <sys/stat.h>

static int runs; /* of the instrument below */

/* The sample, which says that it read its input. */
static assay_status counting_instrument(const char *path, const char *data_folder,
                                        const char *kept_folder,
                                        const struct assay_context *context,
                                        struct assay_arena *arena, struct assay_finding *finding,
                                        const struct assay_case_stated **stated,
                                        size_t *stated_count, struct assay_error *error)
{
    ASSAY_TRY(sample_instrument(path, data_folder, kept_folder, context, arena, finding, stated,
                                stated_count, error));
    struct assay_exhibit *exhibit = assay_arena_alloc(finding->arena, 1, sizeof *exhibit);
    assert_non_null(exhibit);
    exhibit->path = assay_arena_copy(finding->arena, path);
    runs++;
    finding->exhibits = exhibit;
    finding->exhibit_count = 1;
    return assay_sha256_file(path, exhibit->sha256, error);
}

struct setting {
    struct case_folder folder;
    char kept[96], file[128];
    const char *version;
    uint64_t seed;
};

static void start(struct setting *s)
{
    *s = (struct setting){.folder = case_folder_new(SAMPLE_CASE), .version = "1", .seed = 1};
    snprintf(s->kept, sizeof s->kept, "%s/kept", s->folder.path);
    snprintf(s->file, sizeof s->file, "%s/hardware.test.sample.json", s->kept);
    assert_int_equal(mkdir(s->kept, 0777), 0);
    runs = 0;
}

static void stop(const struct setting *s)
{
    unlink(s->file);
    rmdir(s->kept);
    case_folder_free(&s->folder);
}

/* Runs the case; how many times the instrument ran. */
static int run_again(const struct setting *s)
{
    struct instrument entry = {"test.sample", s->version, counting_instrument};
    struct instrument_table table = {&entry, 1};
    struct assay_context context = assay_context_default();
    struct assay_case subject;
    struct assay_assessment assessment;
    struct assay_error error = {0};
    int before = runs;
    context.seed = s->seed;
    if (case_read_with(&table, s->folder.path, &subject, &error) != ASSAY_OK ||
        case_run_with(&table, &subject, shipped_data(), s->kept, &context, &assessment, &error) !=
            ASSAY_OK)
        fail_msg("%s", error.message);
    const struct assay_case_result *result = &assessment.replies[0].results[0];
    assert_string_equal(result->finding.answers[1], "128 x Beta fits as well.");
    assert_true(result->finding.weights[1].log10_likelihood.median == -0.05);
    assert_string_equal(result->finding.exhibits[0].path, subject.questions[0].tasks[0].path);
    assert_string_equal(result->stated[0].source, "A report, p. 3");
    assert_int_equal(result->stated[0].line, 7);
    assay_assessment_free(&assessment);
    assay_case_free(&subject);
    return runs - before;
}

static void nothing_runs_again_while_nothing_changes(void **state)
{
    (void)state;
    struct setting s;
    start(&s);
    assert_int_equal(run_again(&s), 1);
    assert_int_equal(run_again(&s), 0);
    write_file(&s.folder, "case.yaml", SAMPLE_CASE SAMPLE_PRIORS); /* weighs, does not measure */
    assert_int_equal(run_again(&s), 0);
    stop(&s);
}

static void a_changed_file_seed_or_version_runs_again(void **state)
{
    (void)state;
    struct setting s;
    start(&s);
    assert_int_equal(run_again(&s), 1);
    write_file(&s.folder, "claim.yaml", "name: a ruN\n"); /* the same size */
    assert_int_equal(run_again(&s), 1);
    assert_int_equal(run_again(&s), 0);
    s.seed = 2;
    assert_int_equal(run_again(&s), 1);
    s.seed = 1;
    assert_int_equal(run_again(&s), 1);
    s.version = "2"; /* the table's; the finding still says 1, so it is not kept */
    assert_int_equal(run_again(&s), 1);
    assert_int_equal(run_again(&s), 1);
    stop(&s);
}

/* Its path is not what a finding rests on. */
static void a_case_that_was_moved_keeps_its_findings(void **state)
{
    (void)state;
    struct setting s;
    char here[4096];
    start(&s);
    assert_int_equal(run_again(&s), 1);
    struct case_folder old = s.folder;
    snprintf(s.folder.path, sizeof s.folder.path, "%.50s-moved", old.path);
    assert_int_equal(rename(old.path, s.folder.path), 0);
    snprintf(s.kept, sizeof s.kept, "%s/kept", s.folder.path);
    snprintf(s.file, sizeof s.file, "%s/hardware.test.sample.json", s.kept);
    assert_int_equal(run_again(&s), 0);
    assert_non_null(getcwd(here, sizeof here));
    assert_int_equal(chdir(s.folder.path), 0);
    struct case_folder moved = s.folder;
    snprintf(s.folder.path, sizeof s.folder.path, ".");
    assert_int_equal(run_again(&s), 0);
    assert_int_equal(chdir(here), 0);
    s.folder = moved;
    stop(&s);
}

/* Cut anywhere, or not JSON at all: as good as none, and mended. */
static void a_damaged_kept_finding_is_made_anew(void **state)
{
    (void)state;
    struct setting s;
    struct assay_file file;
    start(&s);
    assert_int_equal(run_again(&s), 1);
    assert_int_equal(assay_file_open(s.file, 1 << 20, &file, NULL), ASSAY_OK);
    char *whole = malloc(file.size);
    size_t size = file.size;
    assert_non_null(whole);
    memcpy(whole, file.bytes, size);
    assay_file_close(&file);
    for (size_t cut = 0; cut < size; cut += 1 + size / 10) {
        assert_int_equal(assay_file_write(s.file, whole, cut, NULL), ASSAY_OK);
        assert_int_equal(run_again(&s), 1);
        assert_int_equal(run_again(&s), 0);
    }
    assert_int_equal(assay_file_write(s.file, "{\"finding\": 3}", 14, NULL), ASSAY_OK);
    assert_int_equal(run_again(&s), 1);
    free(whole);
    stop(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_runs_again_while_nothing_changes),
        cmocka_unit_test(a_changed_file_seed_or_version_runs_again),
        cmocka_unit_test(a_case_that_was_moved_keeps_its_findings),
        cmocka_unit_test(a_damaged_kept_finding_is_made_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
