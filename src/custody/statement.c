/* SPDX-License-Identifier: Apache-2.0 */
/* The in-toto statement: which files, with which digests, stand under one name. */
#include "base/json.h"
#include "custody/bundle.h"
#include "custody/manifest.h"

#include <stdlib.h>
#include <string.h>

#define STATEMENT "https://in-toto.io/Statement/v1"
#define PREDICATE "https://model_signing/signature/v1.0"

char *statement_text(const struct assay_manifest *manifest, const char *const *ignored,
                     size_t ignored_count)
{
    json_t *resources = json_array();
    for (size_t i = 0; i < manifest->count; i++)
        json_array_append_new(resources, json_pack("{s:s,s:s,s:s}", "name", manifest->files[i].path,
                                                   "algorithm", "sha256", "digest",
                                                   manifest->files[i].sha256));
    json_t *object =
        json_pack("{s:s, s:[{s:s, s:{s:s}}], s:s, s:{s:{s:s, s:s, s:b, s:o}, s:o}}", "_type",
                  STATEMENT, "subject", "name", manifest->name, "digest", "sha256",
                  manifest->root_sha256, "predicateType", PREDICATE, "predicate", "serialization",
                  "method", "files", "hash_type", "sha256", "allow_symlinks", 0, "ignore_paths",
                  json_texts(ignored, ignored_count), "resources", resources);
    bool whole = object && json_array_size(resources) == manifest->count;
    char *text = whole ? json_dumps(object, JSON_COMPACT) : NULL;
    json_decref(object);
    return text;
}

/* ---- reading ------------------------------------------------------------------------------- */

static assay_status refuse(struct assay_error *error, const char *path, const char *where,
                           const char *expected)
{
    return assay_error_at(error, ASSAY_ERROR_INPUT, path, 0,
                          "not a signed manifest: %s: expected %s", where, expected);
}

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static bool is(const char *text, const char *expected)
{
    return text && strcmp(text, expected) == 0;
}

static bool is_sha256(const char *text)
{
    return text && strlen(text) == 64 && strspn(text, "0123456789abcdef") == 64;
}

/* Relative, and without a step upward: a manifest speaks of its own folder alone. */
static bool is_inside(const char *path)
{
    if (!path || !path[0] || path[0] == '/' || !manifest_is_plain(path))
        return false;
    for (const char *step = path; step; step = strchr(step, '/') ? strchr(step, '/') + 1 : NULL)
        if (strcmp(step, "..") == 0 || strncmp(step, "../", 3) == 0 || step[0] == '/' || !step[0])
            return false;
    return true;
}

static int by_path(const void *a, const void *b)
{
    const struct assay_manifest_file *x = a, *y = b;
    return strcmp(x->path, y->path);
}

static assay_status read_resources(const char *path, const json_t *resources,
                                   struct assay_manifest *manifest, struct assay_error *error)
{
    size_t count = json_array_size(resources);
    struct assay_manifest_file *files = assay_arena_alloc(manifest->arena, count, sizeof *files);
    if (!json_is_array(resources))
        return refuse(error, path, "resources", "a list");
    if (!files)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    for (size_t i = 0; i < count; i++) {
        const json_t *resource = json_array_get(resources, i);
        const char *name = text_of(resource, "name"), *digest = text_of(resource, "digest");
        if (!is_inside(name))
            return refuse(error, path, "name of a resource", "a plain path inside the folder");
        if (!is(text_of(resource, "algorithm"), "sha256") || !is_sha256(digest))
            return refuse(error, path, name, "a sha256 digest");
        files[i].path = assay_arena_copy(manifest->arena, name);
        memcpy(files[i].sha256, digest, 65);
        if (!files[i].path)
            return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    }
    manifest->files = files;
    manifest->count = count;
    if (!manifest_root(manifest))
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "libcrypto cannot take a digest");
    /* The root is over the order of the statement; what follows wants the order of paths. */
    if (count > 0)
        qsort(files, count, sizeof *files, by_path);
    for (size_t i = 1; i < count; i++)
        if (strcmp(files[i - 1].path, files[i].path) == 0)
            return refuse(error, path, files[i].path, "each path once");
    return ASSAY_OK;
}

static assay_status read_ignored(const char *path, const json_t *list, struct assay_arena *arena,
                                 const char *const **ignored, size_t *count,
                                 struct assay_error *error)
{
    *ignored = NULL;
    *count = json_array_size(list);
    if (list && !json_is_array(list))
        return refuse(error, path, "ignore_paths", "a list");
    const char **paths = assay_arena_alloc(arena, *count, sizeof *paths);
    if (!paths)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    for (size_t i = 0; i < *count; i++) {
        const char *text = json_string_value(json_array_get(list, i));
        if (!is_inside(text))
            return refuse(error, path, "ignore_paths", "paths inside the folder");
        paths[i] = assay_arena_copy(arena, text);
        if (!paths[i])
            return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    }
    *ignored = paths;
    return ASSAY_OK;
}

static assay_status read_statement(const char *path, const json_t *root,
                                   struct assay_manifest *manifest, const char *const **ignored,
                                   size_t *ignored_count, struct assay_error *error)
{
    const json_t *subjects = json_object_get(root, "subject"),
                 *subject = json_array_get(subjects, 0);
    const json_t *predicate = json_object_get(root, "predicate");
    const json_t *serialization = json_object_get(predicate, "serialization");
    const char *sum = text_of(json_object_get(subject, "digest"), "sha256");
    if (!is(text_of(root, "_type"), STATEMENT))
        return refuse(error, path, "_type", "\"" STATEMENT "\"");
    if (!is(text_of(root, "predicateType"), PREDICATE))
        return refuse(error, path, "predicateType", "\"" PREDICATE "\"");
    const char *name = text_of(subject, "name");
    if (json_array_size(subjects) != 1 || !name || !manifest_is_plain(name) || !is_sha256(sum))
        return refuse(error, path, "subject", "one, with a name and a sha256 digest");
    if (!is(text_of(serialization, "method"), "files") ||
        !is(text_of(serialization, "hash_type"), "sha256"))
        return refuse(error, path, "serialization", "method files and hash_type sha256");
    ASSAY_TRY(read_ignored(path, json_object_get(serialization, "ignore_paths"), manifest->arena,
                           ignored, ignored_count, error));
    ASSAY_TRY(read_resources(path, json_object_get(predicate, "resources"), manifest, error));
    if (strcmp(manifest->root_sha256, sum) != 0)
        return refuse(error, path, "subject", "the digest that the resources add up to");
    manifest->name = assay_arena_copy(manifest->arena, name);
    return manifest->name ? ASSAY_OK
                          : assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

assay_status statement_read(const char *path, const void *text, size_t size,
                            struct assay_manifest *manifest, const char *const **ignored,
                            size_t *ignored_count, struct assay_error *error)
{
    json_t *root;
    memset(manifest, 0, sizeof *manifest);
    manifest->arena = assay_arena_new();
    if (!manifest->arena)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    assay_status status = json_parse(path, text, size, &root, error);
    if (status == ASSAY_OK) {
        status = read_statement(path, root, manifest, ignored, ignored_count, error);
        json_decref(root);
    }
    if (status != ASSAY_OK)
        assay_manifest_free(manifest);
    return status;
}
