/* SPDX-License-Identifier: Apache-2.0 */
/* One instrument of a case by itself: run, and kept beside the others' findings. */
#include "case/instruments.h"
#include "case/keep.h"

#include <string.h>

bool assay_case_task_find(const struct assay_case *subject, const char *question, const char *id,
                          struct assay_case_task_place *place)
{
    for (size_t q = 0; q < subject->question_count; q++)
        for (size_t t = 0; t < subject->questions[q].task_count; t++)
            if (strcmp(subject->questions[q].id, question) == 0 &&
                strcmp(subject->questions[q].tasks[t].id, id) == 0) {
                *place = (struct assay_case_task_place){&subject->questions[q],
                                                        &subject->questions[q].tasks[t]};
                return true;
            }
    return false;
}

static struct keeping keeping_of(const struct assay_case *subject,
                                 const struct assay_case_task_place *place, const char *data_folder,
                                 const char *kept_folder, uint64_t seed, struct assay_arena *arena)
{
    return (struct keeping){kept_folder,
                            subject->path,
                            place->question->id,
                            place->task,
                            instrument_find(&instruments_all, place->task->instrument),
                            data_folder,
                            seed,
                            arena};
}

assay_status assay_case_task_run(const struct assay_case *subject,
                                 const struct assay_case_task_place *place, const char *data_folder,
                                 const char *kept_folder, const struct assay_context *context,
                                 struct assay_error *error)
{
    const struct assay_case_stated *stated;
    struct assay_finding finding;
    size_t stated_count;
    struct assay_arena *arena = assay_arena_new();
    struct keeping k = keeping_of(subject, place, data_folder, kept_folder, context->seed, arena);
    assay_status status =
        arena ? k.instrument->run(place->task->path, data_folder, kept_folder, context, arena,
                                  &finding, &stated, &stated_count, error)
              : assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    if (status == ASSAY_OK) {
        keep_write(&k, &finding, stated, stated_count);
        assay_finding_free(&finding);
    }
    assay_arena_free(arena);
    if (status == ASSAY_OK &&
        !assay_case_task_kept(subject, place, data_folder, kept_folder, context->seed, &finding))
        return assay_error_at(error, ASSAY_ERROR_IO, kept_folder, 0,
                              "the finding of %s is made but cannot be kept: expected a folder "
                              "that can be written to, and input files that stay as they are",
                              place->task->id);
    if (status == ASSAY_OK)
        assay_finding_free(&finding);
    return status;
}

bool assay_case_task_kept(const struct assay_case *subject,
                          const struct assay_case_task_place *place, const char *data_folder,
                          const char *kept_folder, uint64_t seed, struct assay_finding *finding)
{
    const struct assay_case_stated *stated;
    size_t stated_count;
    struct assay_arena *arena = assay_arena_new();
    if (!arena)
        return false;
    struct keeping k = keeping_of(subject, place, data_folder, kept_folder, seed, arena);
    bool kept = keep_read(&k, finding, &stated, &stated_count);
    assay_arena_free(arena);
    return kept;
}
