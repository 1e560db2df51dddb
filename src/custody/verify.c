/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A folder checked against its signature: first whether the key made it, and only then what its
 * manifest says of the files.
 */
#include "custody/bundle.h"
#include "custody/inside.h"
#include "custody/key.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_BUNDLE ((size_t)512 << 20)

static assay_status out_of_memory(struct assay_error *error)
{
    return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

const char *assay_custody_change_name(enum assay_custody_change change)
{
    static const char *const names[] = {"changed", "missing", "added"};
    return (size_t)change < sizeof names / sizeof names[0] ? names[change] : "unknown";
}

/* ---- the signature ------------------------------------------------------------------------- */

static assay_status check_signature(const struct custody_key *key,
                                    const struct custody_bundle *bundle,
                                    struct assay_custody_check *check, struct assay_error *error)
{
    size_t size;
    unsigned char *bytes = envelope_signed_bytes(bundle->payload, bundle->payload_size, &size);
    if (!bytes)
        return out_of_memory(error);
    check->signature_holds =
        custody_key_verify(key, bytes, size, bundle->signature, bundle->signature_size);
    free(bytes);
    check->algorithm = custody_key_algorithm(key);
    memcpy(check->key_sha256, custody_key_sha256(key), sizeof check->key_sha256);
    if (bundle->hint[0] && strcmp(bundle->hint, check->key_sha256) != 0) {
        check->signature_holds = false;
        check->reason = assay_arena_print(check->arena,
                                          "it names the key %.16s... and was checked with "
                                          "the key %.16s...",
                                          bundle->hint, check->key_sha256);
    } else if (!check->signature_holds) {
        check->reason = assay_arena_copy(
            check->arena, "it was not made by this key over this manifest: the signature file was "
                          "altered, or another key was used");
    }
    return check->signature_holds || check->reason ? ASSAY_OK : out_of_memory(error);
}

/* ---- the files ----------------------------------------------------------------------------- */

static assay_status add(struct assay_custody_check *check, struct assay_custody_difference *list,
                        enum assay_custody_change change, const struct assay_manifest_file *was,
                        const struct assay_manifest_file *is, struct assay_error *error)
{
    struct assay_custody_difference *d = &list[check->difference_count++];
    d->change = change;
    d->path = assay_arena_copy(check->arena, was ? was->path : is->path);
    d->signed_sha256 = was ? assay_arena_copy(check->arena, was->sha256) : NULL;
    d->found_sha256 = is ? assay_arena_copy(check->arena, is->sha256) : NULL;
    return d->path && (!was || d->signed_sha256) && (!is || d->found_sha256) ? ASSAY_OK
                                                                             : out_of_memory(error);
}

/* Both lists are in the order of paths. */
static assay_status compare(const struct assay_manifest *was, const struct assay_manifest *is,
                            struct assay_custody_check *check, struct assay_error *error)
{
    size_t i = 0, k = 0;
    struct assay_custody_difference *list =
        assay_arena_alloc(check->arena, was->count + is->count, sizeof *list);
    if (!list)
        return out_of_memory(error);
    check->differences = list;
    while (i < was->count || k < is->count) {
        int order = i == was->count  ? 1
                    : k == is->count ? -1
                                     : strcmp(was->files[i].path, is->files[k].path);
        if (order < 0)
            ASSAY_TRY(add(check, list, ASSAY_CUSTODY_MISSING, &was->files[i], NULL, error));
        else if (order > 0)
            ASSAY_TRY(add(check, list, ASSAY_CUSTODY_ADDED, NULL, &is->files[k], error));
        else if (strcmp(was->files[i].sha256, is->files[k].sha256) != 0)
            ASSAY_TRY(
                add(check, list, ASSAY_CUSTODY_CHANGED, &was->files[i], &is->files[k], error));
        i += order <= 0;
        k += order >= 0;
    }
    return ASSAY_OK;
}

/* What the signed manifest leaves out is left out; so is the signature itself. */
static assay_status check_files(const char *folder, const char *signature,
                                const struct custody_bundle *bundle,
                                const struct assay_context *context,
                                struct assay_custody_check *check, struct assay_error *error)
{
    struct assay_manifest was, is;
    const char *const *ignored;
    size_t count;
    char inside[4096];
    ASSAY_TRY(path_inside(folder, signature, inside, sizeof inside, error));
    ASSAY_TRY(statement_read(signature, bundle->payload, bundle->payload_size, &was, &ignored,
                             &count, error));
    check->file_count = was.count;
    check->name = assay_arena_copy(check->arena, was.name);
    const char **paths = assay_arena_alloc(was.arena, count + 1, sizeof *paths);
    assay_status status = paths && check->name ? ASSAY_OK : out_of_memory(error);
    if (status == ASSAY_OK) {
        for (size_t i = 0; i < count; i++)
            paths[i] = ignored[i];
        if (inside[0])
            paths[count++] = inside;
        status = assay_manifest_read(folder, paths, count, context, &is, error);
    }
    if (status == ASSAY_OK) {
        status = compare(&was, &is, check, error);
        assay_manifest_free(&is);
    }
    assay_manifest_free(&was);
    return status;
}

static assay_status check_bundle(const char *folder, const char *signature,
                                 const struct custody_key *key, const struct assay_context *context,
                                 struct assay_custody_check *check, struct assay_error *error)
{
    struct assay_file file;
    struct custody_bundle bundle;
    ASSAY_TRY(assay_file_open(signature, MOST_BUNDLE, &file, error));
    assay_status status = bundle_read(signature, file.bytes, file.size, &bundle, error);
    assay_file_close(&file);
    if (status != ASSAY_OK)
        return status;
    status = check_signature(key, &bundle, check, error);
    if (status == ASSAY_OK && check->signature_holds)
        status = check_files(folder, signature, &bundle, context, check, error);
    bundle_free(&bundle);
    return status;
}

assay_status assay_custody_verify(const char *folder, const char *signature, const char *key_path,
                                  const struct assay_context *context,
                                  struct assay_custody_check *check, struct assay_error *error)
{
    struct custody_key *key;
    memset(check, 0, sizeof *check);
    ASSAY_TRY(custody_key_public(key_path, &key, error));
    check->arena = assay_arena_new();
    assay_status status = check->arena ? check_bundle(folder, signature, key, context, check, error)
                                       : out_of_memory(error);
    custody_key_free(key);
    if (status != ASSAY_OK)
        assay_custody_check_free(check);
    return status;
}

void assay_custody_check_free(struct assay_custody_check *check)
{
    if (!check)
        return;
    assay_arena_free(check->arena);
    memset(check, 0, sizeof *check);
}
