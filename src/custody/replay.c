/* SPDX-License-Identifier: Apache-2.0 */
#include "custody/replay.h"

#include "base/json.h"

#include <assay/report.h>

#include <stdlib.h>
#include <string.h>

#define MOST_REPORT ((size_t)1 << 30)

/* The seed is a text in a report, for a JSON number need not keep 64 bits. */
static assay_status stored_seed(const char *path, const json_t *report, uint64_t *seed,
                                struct assay_error *error)
{
    const char *kind = json_string_value(json_object_get(report, "assay"));
    const char *text = json_string_value(json_object_get(report, "seed"));
    if (!kind || strncmp(kind, "report/", 7) != 0)
        return assay_error_at(error, ASSAY_ERROR_INPUT, path, 0,
                              "expected a report: an object with \"assay\": \"report/...\"");
    if (!text || !*text || strlen(text) > 20 || strspn(text, "0123456789") != strlen(text))
        return assay_error_at(error, ASSAY_ERROR_INPUT, path, 0,
                              "\"seed\": expected digits between quotes");
    *seed = strtoull(text, NULL, 10);
    return ASSAY_OK;
}

static assay_status recompute(const char *folder, const char *data_folder,
                              const struct assay_context *context, struct replay *replay,
                              char **text, struct assay_error *error)
{
    struct assay_case subject;
    struct assay_assessment assessment;
    ASSAY_TRY(assay_case_read(folder, &subject, error));
    assay_status status = assay_case_run(&subject, data_folder, context, &assessment, error);
    if (status == ASSAY_OK) {
        for (size_t q = 0; q < assessment.reply_count; q++)
            replay->finding_count += assessment.replies[q].result_count;
        status = assay_report_json(&assessment, text, error);
        assay_assessment_free(&assessment);
    }
    assay_case_free(&subject);
    return status;
}

/* Equal values may still be other bytes: another order of keys, another layout. */
static assay_status compare_bytes(const struct assay_file *file, const char *text,
                                  struct replay *replay, struct assay_error *error)
{
    size_t size = strlen(text);
    replay->same = size == file->size && memcmp(text, file->bytes, size) == 0;
    ASSAY_TRY(json_parse("report", text, size, &replay->recomputed, error));
    return json_differences_find(replay->stored, replay->recomputed, &replay->found, error);
}

static assay_status replay_file(const char *folder, const char *report,
                                const struct assay_file *file, const char *data_folder,
                                const struct assay_context *context, struct replay *replay,
                                struct assay_error *error)
{
    struct assay_context seeded = *context;
    ASSAY_TRY(json_parse(report, file->bytes, file->size, &replay->stored, error));
    ASSAY_TRY(stored_seed(report, replay->stored, &seeded.seed, error));
    char *text = NULL;
    ASSAY_TRY(recompute(folder, data_folder, &seeded, replay, &text, error));
    assay_status status = compare_bytes(file, text, replay, error);
    free(text);
    return status;
}

assay_status replay_run(const char *folder, const char *report, const char *data_folder,
                        const struct assay_context *context, struct replay *replay,
                        struct assay_error *error)
{
    struct assay_file file;
    memset(replay, 0, sizeof *replay);
    ASSAY_TRY(assay_file_open(report, MOST_REPORT, &file, error));
    assay_status status = replay_file(folder, report, &file, data_folder, context, replay, error);
    assay_file_close(&file);
    if (status != ASSAY_OK)
        replay_free(replay);
    return status;
}

void replay_free(struct replay *replay)
{
    if (!replay)
        return;
    json_differences_free(&replay->found);
    json_decref(replay->stored);
    json_decref(replay->recomputed);
    memset(replay, 0, sizeof *replay);
}
