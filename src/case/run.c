/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the instruments of a case, question by question, and combines what they give. */
#include "case/combine.h"
#include "case/compare.h"
#include "case/grades.h"
#include "case/instruments.h"
#include "case/keep.h"
#include "case/measured.h"

#include <string.h>

const struct instrument *instrument_find(const struct instrument_table *table, const char *name)
{
    for (size_t i = 0; i < table->count; i++)
        if (strcmp(table->entries[i].name, name) == 0)
            return &table->entries[i];
    return NULL;
}

static assay_status run_task(const struct instrument_table *table, const struct assay_case *subject,
                             const struct assay_case_question *question,
                             const struct assay_case_task *task, const char *data_folder,
                             const char *kept_folder, const struct assay_context *context,
                             struct assay_arena *arena, struct assay_case_result *result,
                             struct assay_error *error)
{
    const struct instrument *instrument = instrument_find(table, task->instrument);
    if (!instrument)
        return assay_error_at(error, ASSAY_ERROR_INPUT, subject->path, task->line,
                              "unknown instrument '%s'", task->instrument);
    struct keeping keeping = {kept_folder, subject->path, question->id,  task,
                              instrument,  data_folder,   context->seed, arena};
    result->task = task;
    if (!keep_read(&keeping, &result->finding, &result->stated, &result->stated_count)) {
        ASSAY_TRY(instrument->run(task->path, data_folder, kept_folder, context, arena,
                                  &result->finding, &result->stated, &result->stated_count, error));
        keep_write(&keeping, &result->finding, result->stated, result->stated_count);
    }
    return compare_result(subject->path, question, arena, result, error);
}

static assay_status run_all(const struct instrument_table *table, const struct assay_case *subject,
                            const char *data_folder, const char *kept_folder,
                            const struct assay_context *context,
                            struct assay_assessment *assessment, struct assay_error *error)
{
    struct assay_arena *arena = assessment->arena;
    char *powers = assay_arena_print(arena, "%s/instrument_power.csv", data_folder);
    assessment->replies =
        assay_arena_alloc(arena, subject->question_count, sizeof *assessment->replies);
    if (!assessment->replies || !powers)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    for (size_t q = 0; q < subject->question_count; q++) {
        struct assay_case_reply *reply = &assessment->replies[q];
        reply->question = &subject->questions[q];
        reply->results =
            assay_arena_alloc(arena, reply->question->task_count, sizeof *reply->results);
        if (!reply->results)
            return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
        /* Counted before they are filled, so that freeing reaches a half-made one. */
        assessment->reply_count++;
        for (size_t t = 0; t < reply->question->task_count; t++) {
            reply->result_count++;
            ASSAY_TRY(run_task(table, subject, reply->question, &reply->question->tasks[t],
                               data_folder, kept_folder, context, arena, &reply->results[t],
                               error));
        }
        ASSAY_TRY(measured_resolve(subject, powers, arena, reply, error));
        ASSAY_TRY(combine_question(subject, reply, &assessment->reliability, context, arena,
                                   &reply->combination, error));
    }
    return ASSAY_OK;
}

assay_status case_run_with(const struct instrument_table *table, const struct assay_case *subject,
                           const char *data_folder, const char *kept_folder,
                           const struct assay_context *context, struct assay_assessment *assessment,
                           struct assay_error *error)
{
    memset(assessment, 0, sizeof *assessment);
    assessment->subject = subject;
    assessment->seed = context->seed;
    assessment->data_folder = data_folder;
    assessment->arena = assay_arena_new();
    if (!assessment->arena)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    assay_status status = grades_read(data_folder, subject, &assessment->reliability,
                                      assessment->reliability_sha256, error);
    if (status == ASSAY_OK)
        status = run_all(table, subject, data_folder, kept_folder, context, assessment, error);
    if (status != ASSAY_OK)
        assay_assessment_free(assessment);
    return status;
}

assay_status assay_case_run(const struct assay_case *subject, const char *data_folder,
                            const struct assay_context *context,
                            struct assay_assessment *assessment, struct assay_error *error)
{
    return case_run_with(&instruments_all, subject, data_folder, NULL, context, assessment, error);
}

assay_status assay_case_run_kept(const struct assay_case *subject, const char *data_folder,
                                 const char *kept_folder, const struct assay_context *context,
                                 struct assay_assessment *assessment, struct assay_error *error)
{
    return case_run_with(&instruments_all, subject, data_folder, kept_folder, context, assessment,
                         error);
}

void assay_assessment_free(struct assay_assessment *assessment)
{
    if (!assessment)
        return;
    for (size_t q = 0; q < assessment->reply_count; q++)
        for (size_t t = 0; t < assessment->replies[q].result_count; t++)
            assay_finding_free(&assessment->replies[q].results[t].finding);
    assay_arena_free(assessment->arena);
    memset(assessment, 0, sizeof *assessment);
}
