/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/store.h"

#include "base/json.h"
#include "lab/export.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST_BYTES (64u << 20)

static assay_status no_memory(struct assay_error *error)
{
    return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

assay_status lab_store_path(const char *folder, const char *description, const char *ending,
                            char *path, struct assay_error *error)
{
    char hex[65];
    assay_sha256_bytes(description, strlen(description), hex);
    int n = snprintf(path, LAB_MOST_PATH, "%s/%s.%s", folder, hex, ending);
    return n > 0 && n < LAB_MOST_PATH ? ASSAY_OK
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
    char path[LAB_MOST_PATH], hex[65];
    json_t *root;
    *result = NULL;
    ASSAY_TRY(lab_store_path(folder, description, "json", path, error));
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
    char path[LAB_MOST_PATH], hex[65];
    ASSAY_TRY(lab_store_path(folder, description, "json", path, error));
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
                                   const struct lab_model *m, char digest[65],
                                   struct assay_error *error)
{
    char path[LAB_MOST_PATH], heads[16], kv_heads[16];
    snprintf(heads, sizeof heads, "%u", m->shape.heads);
    snprintf(kv_heads, sizeof kv_heads, "%u", m->shape.kv_heads);
    const struct assay_checkpoint_note notes[] = {{"format", "pt"},
                                                  {"llama.attention.head_count", heads},
                                                  {"llama.attention.head_count_kv", kv_heads}};
    ASSAY_TRY(lab_store_path(folder, description, "safetensors", path, error));
    assay_sha256_bytes(m->weights, m->count * sizeof *m->weights, digest);
    return lab_write_tensors(m, path, notes, sizeof notes / sizeof notes[0], error);
}

bool lab_store_weights(const char *folder, const char *description, const char *digest,
                       struct lab_model *m)
{
    char path[LAB_MOST_PATH], hex[65];
    if (!digest || lab_store_path(folder, description, "safetensors", path, NULL) != ASSAY_OK ||
        !lab_read_tensors(path, m))
        return false;
    assay_sha256_bytes(m->weights, m->count * sizeof *m->weights, hex);
    return strcmp(hex, digest) == 0;
}
