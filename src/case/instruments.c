/* SPDX-License-Identifier: Apache-2.0 */
/* The instruments of this library. A new one is a function here and a row in the table. */
#include "case/instruments.h"

#include "case/further.h"

#include <assay/claim.h>
#include <assay/lab.h>
#include <assay/lineage.h>
#include <assay/style.h>

static char *copied(struct assay_arena *arena, const char *text)
{
    return text ? assay_arena_copy(arena, text) : NULL;
}

/* What the run states, with its sources, outlives the run. */
static assay_status copy_statements(const struct assay_run *run, const char *path,
                                    struct assay_arena *arena,
                                    const struct assay_case_stated **stated, size_t *count,
                                    struct assay_error *error)
{
    struct assay_case_stated *list = assay_arena_alloc(arena, run->statement_count, sizeof *list);
    if (!list)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    for (size_t i = 0; i < run->statement_count; i++) {
        const struct assay_statement *s = &run->statements[i];
        list[i] = (struct assay_case_stated){.name = copied(arena, s->name),
                                             .value = copied(arena, s->value),
                                             .source = copied(arena, s->source),
                                             .date = copied(arena, s->date),
                                             .file = path,
                                             .line = s->line};
        if (!list[i].name || !list[i].value)
            return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    }
    *stated = list;
    *count = run->statement_count;
    return ASSAY_OK;
}

static assay_status infer_hardware(const char *path, const char *data_folder,
                                   const char *kept_folder, const struct assay_context *context,
                                   struct assay_arena *arena, struct assay_finding *finding,
                                   const struct assay_case_stated **stated, size_t *stated_count,
                                   struct assay_error *error)
{
    (void)kept_folder;
    struct assay_claim_data data;
    struct assay_run run;
    ASSAY_TRY(assay_claim_data_read(data_folder, &data, error));
    assay_status status = assay_run_read(path, &data, &run, error);
    if (status == ASSAY_OK) {
        status = copy_statements(&run, path, arena, stated, stated_count, error);
        assay_run_free(&run);
    }
    if (status == ASSAY_OK)
        status = assay_claim_infer(path, &data, context, finding, error);
    assay_claim_data_free(&data);
    return status;
}

/* What the case knows of other instruments goes along. */
static assay_status add_further(assay_status status, struct assay_finding *finding,
                                const char *data_folder, struct assay_error *error)
{
    ASSAY_TRY(status);
    status = further_offers(finding, data_folder, error);
    if (status != ASSAY_OK)
        assay_finding_free(finding);
    return status;
}

static assay_status compare_checkpoints(const char *path, const char *data_folder,
                                        const char *kept_folder,
                                        const struct assay_context *context,
                                        struct assay_arena *arena, struct assay_finding *finding,
                                        const struct assay_case_stated **stated,
                                        size_t *stated_count, struct assay_error *error)
{
    (void)kept_folder;
    char *pairs = assay_arena_print(arena, "%s/stage_pairs.csv", data_folder);
    *stated = NULL; /* two files state nothing */
    *stated_count = 0;
    return pairs ? add_further(assay_lineage_finding(path, pairs, context, finding, error), finding,
                               data_folder, error)
                 : assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

static assay_status compare_stages(const char *path, const char *data_folder,
                                   const char *kept_folder, const struct assay_context *context,
                                   struct assay_arena *arena, struct assay_finding *finding,
                                   const struct assay_case_stated **stated, size_t *stated_count,
                                   struct assay_error *error)
{
    (void)kept_folder;
    char *pairs = assay_arena_print(arena, "%s/stage_pairs.csv", data_folder);
    *stated = NULL; /* files state nothing */
    *stated_count = 0;
    return pairs ? assay_lineage_stages_finding(path, pairs, context, finding, error)
                 : assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

static assay_status compare_answers(const char *path, const char *data_folder,
                                    const char *kept_folder, const struct assay_context *context,
                                    struct assay_arena *arena, struct assay_finding *finding,
                                    const struct assay_case_stated **stated, size_t *stated_count,
                                    struct assay_error *error)
{
    (void)kept_folder;
    (void)arena;
    *stated = NULL; /* answers state nothing */
    *stated_count = 0;
    return add_further(assay_style_finding(path, data_folder, context, finding, error), finding,
                       data_folder, error);
}

static assay_status run_lab(const char *path, const char *data_folder, const char *kept_folder,
                            const struct assay_context *context, struct assay_arena *arena,
                            struct assay_finding *finding, const struct assay_case_stated **stated,
                            size_t *stated_count, struct assay_error *error)
{
    (void)data_folder, (void)arena;
    *stated = NULL; /* a design states nothing of the world */
    *stated_count = 0;
    return assay_lab_finding(path, kept_folder, context, finding, error);
}

static const struct instrument instruments[] = {
    {"claim.infer", ASSAY_CLAIM_INFER_VERSION, infer_hardware},
    {"lab.run", ASSAY_LAB_RUN_VERSION, run_lab},
    {"lineage.compare", ASSAY_LINEAGE_COMPARE_VERSION, compare_checkpoints},
    {"lineage.stages", ASSAY_LINEAGE_STAGES_VERSION, compare_stages},
    {"style.rank", ASSAY_STYLE_RANK_VERSION, compare_answers},
};

const struct instrument_table instruments_all = {instruments,
                                                 sizeof instruments / sizeof instruments[0]};
