/* SPDX-License-Identifier: Apache-2.0 */
/* case_folder: a temporary folder with a case in it, and an instrument made up for tests. */
#ifndef CASE_FOLDER_H
#define CASE_FOLDER_H

#include "case/instruments.h"
#include "finding/finding_json.h"
#include "finding_sample.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct case_folder {
    char path[64];
};

static inline void write_file(const struct case_folder *folder, const char *name, const char *text)
{
    char path[128];
    struct assay_error error;
    snprintf(path, sizeof path, "%s/%s", folder->path, name);
    if (assay_file_write(path, text, strlen(text), &error) != ASSAY_OK)
        abort();
}

/* A new folder with claim.yaml and `text` as its case.yaml. */
static inline struct case_folder case_folder_new(const char *text)
{
    struct case_folder folder = {"/tmp/assay-case-XXXXXX"};
    if (!mkdtemp(folder.path))
        abort();
    write_file(&folder, "claim.yaml", "name: a run\n");
    write_file(&folder, "case.yaml", text);
    return folder;
}

static inline void case_folder_free(const struct case_folder *folder)
{
    static const char *const names[] = {"case.yaml", "claim.yaml"};
    for (size_t i = 0; i < SAMPLE_COUNT(names); i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", folder->path, names[i]);
        unlink(path);
    }
    rmdir(folder->path);
}

/* The repository's data/. */
static inline const char *shipped_data(void)
{
    static char path[4200];
    snprintf(path, sizeof path, "%s/data", getenv("ASSAY_SOURCE"));
    return path;
}

/* Gives the sample finding, whatever the input. */
static inline assay_status
sample_instrument(const char *path, const char *data_folder, const char *kept_folder,
                  const struct assay_context *context, struct assay_arena *arena,
                  struct assay_finding *finding, const struct assay_case_stated **stated,
                  size_t *stated_count, struct assay_error *error)
{
    (void)data_folder, (void)kept_folder;
    struct assay_finding sample = sample_finding();
    sample.seed = context->seed;
    json_t *json = finding_to_json(&sample);
    assay_status status = finding_from_json(json, path, finding, error);
    json_decref(json);
    struct assay_case_stated *list = assay_arena_alloc(arena, 1, sizeof *list);
    if (!list)
        abort();
    *list =
        (struct assay_case_stated){"devices", "64", "A report, p. 3", "2026-01", "claim.yaml", 7};
    *stated = list;
    *stated_count = 1;
    return status;
}

static inline const struct instrument_table *sample_table(void)
{
    static const struct instrument entries[] = {{"test.sample", "1", sample_instrument}};
    static const struct instrument_table table = {entries, 1};
    return &table;
}

#define SAMPLE_CASE                                                                                \
    "title: A case\n"                                                                              \
    "exhibits:\n"                                                                                  \
    "  - {id: E1, statement: We used 64 Alpha., said_by: The makers, source: A report,"            \
    " date: 2026-01, grade: C3}\n"                                                                 \
    "  - {id: E2, file: claim.yaml, source: Typed from E1, date: 2026-02-28, grade: B2}\n"         \
    "questions:\n"                                                                                 \
    "  - id: hardware\n"                                                                           \
    "    text: Would 64 Alpha have done it?\n"                                                     \
    "    kind: hardware\n"                                                                         \
    "    stated: 64 x Alpha\n"                                                                     \
    "    instruments:\n"                                                                           \
    "      - {instrument: test.sample, input: claim.yaml}\n"                                       \
    "    exhibits: [E1, E2]\n"

#define SAMPLE_PRIORS                                                                              \
    "    priors:\n"                                                                                \
    "      held_by: A reader\n"                                                                    \
    "      reason: Equal for want of better\n"                                                     \
    "      probabilities:\n"                                                                       \
    "        - {hypothesis: 64 x Alpha, probability: 50 %}\n"                                      \
    "        - {hypothesis: 16 x Alpha, probability: 50 %}\n"

#endif
