/* SPDX-License-Identifier: Apache-2.0 */
/* A folder signed: its manifest, the statement over it, the key's signature, one file. */
#include "custody/bundle.h"
#include "custody/inside.h"
#include "custody/key.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static assay_status sign_statement(const struct custody_key *key, const char *statement,
                                   const char *signature, struct assay_error *error)
{
    struct custody_bundle bundle = {0};
    size_t size;
    bundle.payload_size = strlen(statement);
    unsigned char *bytes = envelope_signed_bytes(statement, bundle.payload_size, &size);
    if (!bytes)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    assay_status status =
        custody_key_sign(key, bytes, size, &bundle.signature, &bundle.signature_size, error);
    free(bytes);
    if (status != ASSAY_OK)
        return status;
    bundle.payload = malloc(bundle.payload_size + 1);
    char *text = NULL;
    if (bundle.payload) {
        memcpy(bundle.payload, statement, bundle.payload_size);
        snprintf(bundle.hint, sizeof bundle.hint, "%s", custody_key_sha256(key));
        text = bundle_text(&bundle);
    }
    bundle_free(&bundle);
    if (!text)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    status = assay_file_write(signature, text, strlen(text), error);
    free(text);
    return status;
}

assay_status assay_custody_sign(const char *folder, const char *signature, const char *key_path,
                                const char *password, const struct assay_context *context,
                                struct assay_manifest *manifest, struct assay_error *error)
{
    struct custody_key *key;
    char inside[4096];
    const char *ignored[2] = {ASSAY_CUSTODY_KEPT, inside};
    memset(manifest, 0, sizeof *manifest);
    ASSAY_TRY(path_inside(folder, signature, inside, sizeof inside, error));
    size_t ignored_count = inside[0] ? 2 : 1;
    ASSAY_TRY(custody_key_private(key_path, password, &key, error));
    assay_status status =
        assay_manifest_read(folder, ignored, ignored_count, context, manifest, error);
    if (status == ASSAY_OK) {
        char *statement = statement_text(manifest, ignored, ignored_count);
        status = statement ? sign_statement(key, statement, signature, error)
                           : assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
        free(statement);
        if (status != ASSAY_OK)
            assay_manifest_free(manifest);
    }
    custody_key_free(key);
    return status;
}
