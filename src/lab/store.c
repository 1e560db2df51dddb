/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/store.h"

#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST_BYTES (64u << 20)

static assay_status no_memory(struct assay_error *error)
{
    return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

static assay_status path_of(const char *folder, const char *description, const char *kind,
                            char *path, size_t size, struct assay_error *error)
{
    char hex[65];
    assay_sha256_bytes(description, strlen(description), hex);
    int n = snprintf(path, size, "%s/%s.%s", folder, hex, kind);
    return n > 0 && (size_t)n < size ? ASSAY_OK
                                     : assay_error_at(error, ASSAY_ERROR_LIMIT, folder, 0,
                                                      "the folder's name is too long");
}

/* Of the result as it is written, so that a changed digit shows. */
static bool digest_of(const json_t *result, char hex[65])
{
    char *text = json_print(result);
    if (text)
        assay_sha256_bytes(text, strlen(text), hex);
    free(text);
    return text != NULL;
}

assay_status lab_store_get(const char *folder, const char *description, json_t **result,
                           struct assay_error *error)
{
    char path[4096], hex[65];
    json_t *root;
    *result = NULL;
    ASSAY_TRY(path_of(folder, description, "json", path, sizeof path, error));
    if (access(path, F_OK) != 0)
        return ASSAY_OK;
    assay_status status = json_read(path, MOST_BYTES, &root, error);
    if (status == ASSAY_ERROR_INPUT)
        return ASSAY_OK; /* not JSON: made again */
    if (status != ASSAY_OK)
        return status;
    const char *made_of = json_string_value(json_object_get(root, "made_of"));
    const char *digest = json_string_value(json_object_get(root, "sha256"));
    json_t *found = json_object_get(root, "result");
    if (found && !digest_of(found, hex))
        status = no_memory(error);
    else if (found && made_of && digest && strcmp(made_of, description) == 0 &&
             strcmp(digest, hex) == 0)
        *result = json_incref(found);
    json_decref(root);
    return status;
}

assay_status lab_store_put(const char *folder, const char *description, json_t *result,
                           struct assay_error *error)
{
    char path[4096], hex[65];
    ASSAY_TRY(path_of(folder, description, "json", path, sizeof path, error));
    if (!digest_of(result, hex))
        return no_memory(error);
    json_t *root = json_object();
    bool good = root && json_set_text(root, "made_of", description) &&
                json_set_text(root, "sha256", hex) && json_object_set(root, "result", result) == 0;
    char *text = good ? json_print(root) : NULL;
    assay_status status =
        text ? assay_file_write(path, text, strlen(text), error) : no_memory(error);
    free(text);
    json_decref(root);
    return status;
}

assay_status lab_store_put_weights(const char *folder, const char *description,
                                   const float *weights, size_t count, char digest[65],
                                   struct assay_error *error)
{
    char path[4096];
    ASSAY_TRY(path_of(folder, description, "weights", path, sizeof path, error));
    assay_sha256_bytes(weights, count * sizeof *weights, digest);
    return assay_file_write(path, weights, count * sizeof *weights, error);
}

bool lab_store_weights(const char *folder, const char *description, const char *digest,
                       float *weights, size_t count)
{
    char path[4096], hex[65];
    struct assay_file file;
    if (!digest || path_of(folder, description, "weights", path, sizeof path, NULL) != ASSAY_OK ||
        assay_file_open(path, (size_t)1 << 34, &file, NULL) != ASSAY_OK)
        return false;
    assay_sha256_bytes(file.bytes, file.size, hex);
    bool good = file.size == count * sizeof *weights && strcmp(hex, digest) == 0;
    if (good)
        memcpy(weights, file.bytes, file.size);
    assay_file_close(&file);
    return good;
}
