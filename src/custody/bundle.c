/* SPDX-License-Identifier: Apache-2.0 */
#include "custody/bundle.h"

#include "base/json.h"
#include "custody/base64.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAYLOAD_TYPE "application/vnd.in-toto+json"
#define MEDIA_TYPE "application/vnd.dev.sigstore.bundle.v0.3+json"

unsigned char *envelope_signed_bytes(const void *payload, size_t payload_size, size_t *size)
{
    char head[96];
    int length = snprintf(head, sizeof head, "DSSEv1 %zu %s %zu ", strlen(PAYLOAD_TYPE),
                          PAYLOAD_TYPE, payload_size);
    unsigned char *bytes = malloc((size_t)length + payload_size + 1);
    if (!bytes)
        return NULL;
    memcpy(bytes, head, (size_t)length);
    memcpy(bytes + length, payload, payload_size);
    *size = (size_t)length + payload_size;
    return bytes;
}

char *bundle_text(const struct custody_bundle *bundle)
{
    char *payload = base64_text(bundle->payload, bundle->payload_size);
    char *signature = base64_text(bundle->signature, bundle->signature_size);
    char *text = NULL;
    if (payload && signature) {
        json_t *object =
            json_pack("{s:s, s:{s:{s:s}, s:[]}, s:{s:s, s:s, s:[{s:s, s:s}]}}", "mediaType",
                      MEDIA_TYPE, "verificationMaterial", "publicKey", "hint", bundle->hint,
                      "tlogEntries", "dsseEnvelope", "payload", payload, "payloadType",
                      PAYLOAD_TYPE, "signatures", "sig", signature, "keyid", "");
        text = object ? json_dumps(object, JSON_COMPACT) : NULL;
        json_decref(object);
    }
    free(payload);
    free(signature);
    return text;
}

/* ---- reading ------------------------------------------------------------------------------- */

struct reading {
    const char *path;
    struct assay_error *error;
};

static assay_status refuse(const struct reading *r, const char *where, const char *expected)
{
    return assay_error_at(r->error, ASSAY_ERROR_INPUT, r->path, 0,
                          "not a signature bundle: %s: expected %s", where, expected);
}

/* An object with no key beyond those in `keys` (ended by NULL). */
static assay_status only(const struct reading *r, const json_t *object, const char *where,
                         const char *const *keys)
{
    const char *key;
    json_t *value;
    if (!json_is_object(object))
        return refuse(r, where, "an object");
    void *iterator = json_object_iter((json_t *)(uintptr_t)object);
    for (; iterator; iterator = json_object_iter_next((json_t *)(uintptr_t)object, iterator)) {
        bool known = false;
        key = json_object_iter_key(iterator);
        value = json_object_iter_value(iterator);
        for (size_t i = 0; keys[i] && !known; i++)
            known = strcmp(keys[i], key) == 0;
        if (!known || !value)
            return assay_error_at(r->error, ASSAY_ERROR_INPUT, r->path, 0,
                                  "not a signature bundle: %s: unknown key \"%.40s\"", where, key);
    }
    return ASSAY_OK;
}

static assay_status read_hint(const struct reading *r, const json_t *material,
                              struct custody_bundle *bundle)
{
    static const char *const keys[] = {"publicKey", "tlogEntries", "timestampVerificationData",
                                       NULL};
    static const char *const key_keys[] = {"hint", "rawBytes", "keyDetails", NULL};
    ASSAY_TRY(only(r, material, "verificationMaterial", keys));
    const json_t *entries = json_object_get(material, "tlogEntries");
    if (entries && json_array_size(entries) != 0)
        return refuse(r, "tlogEntries", "none: logs cannot be checked offline");
    const json_t *key = json_object_get(material, "publicKey");
    if (!key)
        return refuse(r, "verificationMaterial", "publicKey: certificates are not taken here");
    ASSAY_TRY(only(r, key, "publicKey", key_keys));
    const char *hint = json_string_value(json_object_get(key, "hint"));
    if (hint && strlen(hint) > 64)
        return refuse(r, "hint", "at most 64 characters");
    snprintf(bundle->hint, sizeof bundle->hint, "%s", hint ? hint : "");
    return ASSAY_OK;
}

static assay_status read_envelope(const struct reading *r, const json_t *envelope,
                                  struct custody_bundle *bundle)
{
    static const char *const keys[] = {"payload", "payloadType", "signatures", NULL};
    static const char *const signature_keys[] = {"sig", "keyid", NULL};
    ASSAY_TRY(only(r, envelope, "dsseEnvelope", keys));
    const char *type = json_string_value(json_object_get(envelope, "payloadType"));
    if (!type || strcmp(type, PAYLOAD_TYPE) != 0)
        return refuse(r, "payloadType", "\"" PAYLOAD_TYPE "\"");
    const json_t *signatures = json_object_get(envelope, "signatures");
    if (!json_is_array(signatures) || json_array_size(signatures) != 1)
        return refuse(r, "signatures", "a list of one");
    ASSAY_TRY(only(r, json_array_get(signatures, 0), "signatures", signature_keys));
    const json_t *id = json_object_get(json_array_get(signatures, 0), "keyid");
    if (id && (!json_is_string(id) || json_string_length(id) != 0))
        return refuse(r, "keyid", "\"\": the hint names the key");
    const char *sig = json_string_value(json_object_get(json_array_get(signatures, 0), "sig"));
    const char *payload = json_string_value(json_object_get(envelope, "payload"));
    bundle->signature = sig ? base64_bytes(sig, &bundle->signature_size) : NULL;
    bundle->payload = payload ? base64_bytes(payload, &bundle->payload_size) : NULL;
    if (!bundle->signature)
        return refuse(r, "sig", "base64");
    return bundle->payload ? ASSAY_OK : refuse(r, "payload", "base64");
}

assay_status bundle_read(const char *path, const void *text, size_t size,
                         struct custody_bundle *bundle, struct assay_error *error)
{
    static const char *const keys[] = {"mediaType", "verificationMaterial", "dsseEnvelope", NULL};
    struct reading r = {path, error};
    json_t *root;
    memset(bundle, 0, sizeof *bundle);
    ASSAY_TRY(json_parse(path, text, size, &root, error));
    assay_status status = only(&r, root, "the whole", keys);
    const char *type = json_string_value(json_object_get(root, "mediaType"));
    if (status == ASSAY_OK && (!type || strcmp(type, MEDIA_TYPE) != 0))
        status = refuse(&r, "mediaType", "\"" MEDIA_TYPE "\"");
    if (status == ASSAY_OK)
        status = read_hint(&r, json_object_get(root, "verificationMaterial"), bundle);
    if (status == ASSAY_OK)
        status = read_envelope(&r, json_object_get(root, "dsseEnvelope"), bundle);
    json_decref(root);
    if (status != ASSAY_OK)
        bundle_free(bundle);
    return status;
}

void bundle_free(struct custody_bundle *bundle)
{
    free(bundle->payload);
    free(bundle->signature);
    memset(bundle, 0, sizeof *bundle);
}
