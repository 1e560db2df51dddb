/* SPDX-License-Identifier: Apache-2.0 */
/* Which response sets stand together for one candidate. */
#include "base/csv.h"

#include <assay/style.h>

#include <string.h>

/* The last part of what is between start and end, which excludes trailing slashes. */
static const char *last_part(const char *start, const char *end)
{
    const char *at = end;
    while (at > start && at[-1] != '/')
        at--;
    return at;
}

/*
 * The folder between a root and the file, as a length of `path`; 0 if the file lies in the root
 * itself or is what was asked for.
 */
static size_t group_length(const char *path, const char *const *roots, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t length = strlen(roots[i]);
        if (strncmp(path, roots[i], length) != 0 || path[length] != '/')
            continue;
        const char *slash = strchr(path + length + 1, '/');
        return slash ? (size_t)(slash - path) : 0;
    }
    return 0;
}

/* Sets of one folder follow one another, as they were listed. */
assay_status assay_style_candidates_group(const char *const *roots, size_t root_count,
                                          struct assay_responses *const *sets, size_t n,
                                          struct assay_arena *arena,
                                          struct assay_style_candidate **candidates, size_t *count,
                                          struct assay_error *error)
{
    struct assay_style_candidate *list = assay_arena_alloc(arena, n, sizeof *list);
    *candidates = list;
    *count = 0;
    for (size_t i = 0; i < n && list;) {
        const char *path = sets[i]->path, *name = sets[i]->name;
        size_t length = group_length(path, roots, root_count), next = i + 1;
        if (length > 0) {
            const char *part = last_part(path, path + length);
            name = assay_arena_copy_bytes(arena, part, (size_t)(path + length - part));
            while (next < n && group_length(sets[next]->path, roots, root_count) == length &&
                   strncmp(sets[next]->path, path, length) == 0)
                next++;
        }
        if (!name)
            list = NULL;
        else
            list[(*count)++] = (struct assay_style_candidate){name, sets + i, next - i};
        i = next;
    }
    return list ? ASSAY_OK : assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

/* ---- by what is known of public models --------------------------------------------------- */

struct known {
    const struct csv *csv;
    int model, family;
};

/* The candidate's name that a set stands for, or NULL: it is none. */
static const char *known_name(const struct known *k, enum assay_style_question question,
                              const char *model)
{
    for (size_t i = 0; i < k->csv->count; i++) {
        const char **cells = k->csv->rows[i].cells;
        if (strcmp(cells[k->model], model) != 0 || !cells[k->family][0])
            continue;
        return question == ASSAY_STYLE_RANK ? cells[k->family] : model;
    }
    return question == ASSAY_STYLE_IDENTIFY ? model : NULL;
}

/* Sets of one name side by side, in the order of their first. */
static assay_status group(const struct known *k, enum assay_style_question question,
                          struct assay_responses *const *sets, size_t n, struct assay_arena *arena,
                          struct assay_style_known *known)
{
    const char **names = assay_arena_alloc(arena, n, sizeof *names);
    struct assay_responses **sorted = assay_arena_alloc(arena, n, sizeof *sorted);
    struct assay_style_candidate *list = assay_arena_alloc(arena, n, sizeof *list);
    size_t used = 0;
    if (!names || !sorted || !list)
        return ASSAY_ERROR_MEMORY;
    for (size_t i = 0; i < n; i++)
        names[i] = known_name(k, question, sets[i]->name);
    for (size_t i = 0; i < n; i++) {
        struct assay_style_candidate *c = &list[known->candidate_count];
        if (!names[i] || !names[i][0]) /* none, or taken */
            continue;
        *c = (struct assay_style_candidate){assay_arena_copy(arena, names[i]), sorted + used, 0};
        if (!c->name)
            return ASSAY_ERROR_MEMORY;
        for (size_t m = i; m < n; m++)
            if (names[m] && strcmp(names[m], c->name) == 0) {
                sorted[used++] = sets[m];
                c->member_count++;
                names[m] = "";
            }
        known->candidate_count++;
    }
    known->candidates = list;
    known->panel = sorted + used;
    for (size_t i = 0; i < n; i++)
        if (!known_name(k, question, sets[i]->name))
            sorted[used + known->panel_count++] = sets[i];
    return ASSAY_OK;
}

assay_status assay_style_candidates_known(const char *models, enum assay_style_question question,
                                          struct assay_responses *const *sets, size_t n,
                                          struct assay_arena *arena,
                                          struct assay_style_known *known,
                                          struct assay_error *error)
{
    struct csv csv;
    struct assay_arena *own = assay_arena_new();
    *known = (struct assay_style_known){.candidates = NULL};
    assay_status status = own ? csv_read(models, own, &csv, error)
                              : assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    struct known k = {&csv, -1, -1};
    if (status == ASSAY_OK) {
        k.model = csv_column(&csv, "model");
        k.family = csv_column(&csv, "family");
        if (k.model < 0 || k.family < 0)
            status = assay_error_at(error, ASSAY_ERROR_INPUT, models, 1,
                                    "expected the columns model and family");
    }
    if (status == ASSAY_OK && group(&k, question, sets, n, arena, known) != ASSAY_OK)
        status = assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    assay_arena_free(own);
    return status;
}
