/* SPDX-License-Identifier: Apache-2.0 */
/* case.yaml as a struct assay_case: the document, and the steps that all its parts share. */
#include "case/read.h"

#include "case/check.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

assay_status read_refuse(struct reading *r, const struct assay_yaml *node, const char *format, ...)
{
    char message[400];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    return assay_error_at(r->error, ASSAY_ERROR_INPUT, node->file, node->line, "%s", message);
}

assay_status read_out_of_memory(struct reading *r)
{
    return assay_error_at(r->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

assay_status read_text(struct reading *r, struct assay_yaml *map, const char *key, bool need,
                       const char **text)
{
    struct assay_yaml *node = assay_yaml_get(map, key);
    *text = NULL;
    if (!node && !need)
        return ASSAY_OK;
    ASSAY_TRY(assay_yaml_need(map, key, &node, r->error));
    return assay_yaml_text(node, text, r->error);
}

assay_status read_list(struct reading *r, struct assay_yaml *map, const char *key, bool need,
                       size_t size, struct assay_yaml **first, void **entries)
{
    struct assay_yaml *node = assay_yaml_get(map, key);
    *first = NULL;
    *entries = NULL;
    if (!node && !need)
        return ASSAY_OK;
    ASSAY_TRY(assay_yaml_need(map, key, &node, r->error));
    if (node->kind != ASSAY_YAML_LIST || !node->child)
        return read_refuse(r, node, "%s: expected a list of at least one entry", key);
    *first = node->child;
    *entries = assay_arena_alloc(r->subject->arena, node->count, size);
    return *entries ? ASSAY_OK : read_out_of_memory(r);
}

assay_status read_need_map(struct reading *r, const struct assay_yaml *node, const char *what)
{
    if (node->kind == ASSAY_YAML_MAP)
        return ASSAY_OK;
    return read_refuse(r, node, "expected %s, found %s", what,
                       node->kind == ASSAY_YAML_LIST ? "a list" : "a text");
}

assay_status read_id(struct reading *r, struct assay_yaml *map, const char **id)
{
    ASSAY_TRY(read_text(r, map, "id", true, id));
    return check_id(assay_yaml_get(map, "id"), *id, r->error);
}

assay_status read_exhibit_list(struct reading *r, struct assay_yaml *map, const char *key,
                               const struct assay_case_exhibit *const **exhibits, size_t *count)
{
    struct assay_yaml *entry;
    void *entries;
    ASSAY_TRY(read_list(r, map, key, false, sizeof **exhibits, &entry, &entries));
    const struct assay_case_exhibit **list = entries;
    *exhibits = (const struct assay_case_exhibit *const *)list;
    *count = 0;
    for (; entry; entry = entry->next) {
        const char *id;
        ASSAY_TRY(assay_yaml_text(entry, &id, r->error));
        size_t at = names_find(&r->exhibits, id);
        if (at == SIZE_MAX)
            return read_refuse(
                r, entry, "there is no exhibit '%s': expected the id of one under exhibits", id);
        list[(*count)++] = &r->subject->exhibits[at];
    }
    return ASSAY_OK;
}

assay_status read_no_twice(struct reading *r, const struct name_index *index,
                           struct assay_yaml *first, const char *what)
{
    size_t a, b, line = 0;
    if (!names_twice(index, &a, &b))
        return ASSAY_OK;
    struct assay_yaml *node = first;
    for (size_t i = 0; i < b; i++, node = node->next)
        if (i == a)
            line = (size_t)node->line;
    return read_refuse(r, node, "%s %s stands twice: first on line %zu", what,
                       assay_yaml_get(node, "id")->text, line);
}

static assay_status read_root(struct reading *r, struct assay_yaml *root)
{
    struct assay_case *subject = r->subject;
    ASSAY_TRY(read_need_map(r, root, "a map with title, questions and exhibits"));
    ASSAY_TRY(read_text(r, root, "title", true, &subject->title));
    ASSAY_TRY(read_text(r, root, "summary", false, &subject->summary));
    ASSAY_TRY(read_exhibits(r, root));
    ASSAY_TRY(read_reliability(r, root));
    ASSAY_TRY(read_costs(r, root));
    ASSAY_TRY(read_questions(r, root));
    return assay_yaml_finish(root, r->error);
}

assay_status case_read_named(const struct instrument_table *table, const char *folder,
                             const char *name, struct assay_case *subject,
                             struct assay_error *error)
{
    struct reading r = {.table = table, .subject = subject, .error = error};
    struct assay_yaml *root;

    memset(subject, 0, sizeof *subject);
    subject->arena = assay_arena_new();
    if (!subject->arena)
        return read_out_of_memory(&r);
    size_t length = strlen(folder);
    const char *slash = length && folder[length - 1] == '/' ? "" : "/";
    subject->path = assay_arena_print(subject->arena, "%s%s%s", folder, slash, name);
    assay_status status = subject->path ? ASSAY_OK : read_out_of_memory(&r);
    if (status == ASSAY_OK)
        status = assay_yaml_read(subject->path, subject->arena, &root, error);
    if (status == ASSAY_OK)
        status = assay_sha256_file(subject->path, subject->sha256, error);
    if (status == ASSAY_OK)
        status = read_root(&r, root);
    if (status != ASSAY_OK)
        assay_case_free(subject);
    return status;
}

assay_status case_read_with(const struct instrument_table *table, const char *folder,
                            struct assay_case *subject, struct assay_error *error)
{
    return case_read_named(table, folder, "case.yaml", subject, error);
}

assay_status assay_case_read(const char *folder, struct assay_case *subject,
                             struct assay_error *error)
{
    return case_read_with(&instruments_all, folder, subject, error);
}

void assay_case_free(struct assay_case *subject)
{
    if (!subject)
        return;
    assay_arena_free(subject->arena);
    memset(subject, 0, sizeof *subject);
}
