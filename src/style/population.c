/* SPDX-License-Identifier: Apache-2.0 */
#include "style/population.h"

#include "base/csv.h"

#include <string.h>

bool style_population_start(struct assay_arena *arena, size_t n, size_t candidates,
                            struct style_population *p)
{
    *p = (struct style_population){.n = n, .candidates = candidates};
    p->names = assay_arena_alloc(arena, n, sizeof *p->names);
    p->lineage = assay_arena_alloc(arena, n, sizeof *p->lineage);
    p->maker = assay_arena_alloc(arena, n, sizeof *p->maker);
    p->candidate = assay_arena_alloc(arena, n, sizeof *p->candidate);
    p->null = assay_arena_alloc(arena, n, sizeof *p->null);
    return p->names && p->lineage && p->maker && p->candidate && p->null;
}

static const struct csv_row *row_of(const struct csv *csv, int column, const char *name)
{
    for (size_t i = 0; i < csv->count; i++)
        if (strcmp(csv->rows[i].cells[column], name) == 0)
            return &csv->rows[i];
    return NULL;
}

/* Models with the same text in `column` get the index of the first of them. */
static bool tell_apart(const struct csv *csv, int model, int column, size_t n,
                       const char *const *names, struct assay_arena *arena, size_t *index)
{
    const char **texts = assay_arena_alloc(arena, n, sizeof *texts);
    for (size_t i = 0; texts && i < n; i++) {
        const struct csv_row *row = row_of(csv, model, names[i]);
        texts[i] = row ? row->cells[column] : NULL;
        for (size_t k = 0; k < i && texts[i]; k++)
            if (texts[k] && strcmp(texts[k], texts[i]) == 0) {
                index[i] = index[k];
                break;
            }
    }
    return texts != NULL;
}

static assay_status fill(const struct csv *csv, struct style_population *p,
                         struct assay_arena *arena, struct assay_error *error)
{
    int model = csv_column(csv, "model"), lineage = csv_column(csv, "lineage");
    int maker = csv_column(csv, "maker"), taught = csv_column(csv, "taught");
    if (model < 0 || maker < 0 || lineage < 0 || taught < 0)
        return assay_error_at(error, ASSAY_ERROR_INPUT, csv->path, 1,
                              "expected the columns model, maker, lineage and taught");
    if (!tell_apart(csv, model, lineage, p->n, p->names, arena, p->lineage) ||
        !tell_apart(csv, model, maker, p->n, p->names, arena, p->maker))
        return assay_error_at(error, ASSAY_ERROR_MEMORY, csv->path, 0, "out of memory");
    for (size_t i = 0; i < p->n; i++) {
        const struct csv_row *row = row_of(csv, model, p->names[i]);
        p->null[i] = !row || strcmp(row->cells[taught], "yes") != 0;
    }
    return ASSAY_OK;
}

assay_status style_population_look_up(const char *path, struct style_population *p,
                                      struct assay_error *error)
{
    struct csv csv;
    for (size_t i = 0; i < p->n; i++) {
        p->lineage[i] = p->maker[i] = i;
        p->null[i] = true;
    }
    if (!path)
        return ASSAY_OK;
    struct assay_arena *arena = assay_arena_new();
    assay_status status = arena
                              ? csv_read(path, arena, &csv, error)
                              : assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    if (status == ASSAY_OK)
        status = fill(&csv, p, arena, error);
    assay_arena_free(arena);
    return status;
}
