/* SPDX-License-Identifier: Apache-2.0 */
/* assay case sign */
#include "cli/commands.h"

#include <assay/custody.h>

#include <stdlib.h>
#include <string.h>

enum { KEY, PASSWORD, OUT };

/* The first line of a small file, in `password`. */
static assay_status read_password(struct cli_call *call, char *password, size_t size)
{
    struct assay_file file;
    password[0] = '\0';
    if (!call->value[PASSWORD])
        return ASSAY_OK;
    ASSAY_TRY(assay_file_open(call->value[PASSWORD], 65536, &file, &call->error));
    size_t length = 0;
    while (length < file.size && file.bytes[length] != '\n' && file.bytes[length] != '\r')
        length++;
    bool fits = length > 0 && length < size && !memchr(file.bytes, '\0', length);
    if (fits) {
        memcpy(password, file.bytes, length);
        password[length] = '\0';
    }
    assay_file_close(&file);
    return fits ? ASSAY_OK
                : assay_error_at(&call->error, ASSAY_ERROR_INPUT, call->value[PASSWORD], 1,
                                 "expected a password of 1 to %zu bytes in the first line",
                                 size - 1);
}

static bool is_signed(const struct assay_manifest *manifest, const char *path)
{
    for (size_t i = 0; i < manifest->count; i++)
        if (strcmp(manifest->files[i].path, path) == 0)
            return true;
    return false;
}

static assay_status give(struct cli_call *call, const char *signature,
                         const struct assay_manifest *manifest)
{
    bool report = is_signed(manifest, "out/report.json");
    cli_progress_end();
    if (call->json)
        return cli_print_json(call,
                              json_pack("{s:s,s:s,s:s,s:I,s:b}", "signature", signature, "name",
                                        manifest->name, "root_sha256", manifest->root_sha256,
                                        "files", (json_int_t)manifest->count, "report", report));
    cli_say("Signed: %zu file%s of %s\nDigest: %s\nWritten: %s\n", manifest->count,
            manifest->count == 1 ? "" : "s", manifest->name, manifest->root_sha256, signature);
    if (!report)
        cli_say(
            "There is no out/report.json: what is signed holds no result. Run the case first.\n");
    return cli_finish_output(call);
}

static assay_status sign_case(struct cli_call *call)
{
    char signature[4200], password[1024];
    struct assay_manifest manifest;
    const char *folder = call->positional[0];
    if (!call->value[KEY])
        return assay_error_at(&call->error, ASSAY_ERROR_INPUT, NULL, 0,
                              "--key: expected a private key in PEM; to make one: openssl genpkey "
                              "-algorithm ed25519 -out key.pem");
    int length = call->value[OUT]
                     ? snprintf(signature, sizeof signature, "%s", call->value[OUT])
                     : snprintf(signature, sizeof signature, "%s/%s", folder, ASSAY_CUSTODY_FILE);
    if (length < 0 || (size_t)length >= sizeof signature)
        return assay_error_at(&call->error, ASSAY_ERROR_INPUT, NULL, 0, "the path is too long");
    ASSAY_TRY(read_password(call, password, sizeof password));
    ASSAY_TRY(assay_custody_sign(folder, signature, call->value[KEY], password[0] ? password : NULL,
                                 &call->context, &manifest, &call->error));
    assay_status status = give(call, signature, &manifest);
    assay_manifest_free(&manifest);
    return status;
}

const struct cli_command cli_case_sign = {
    .room = "case",
    .verb = "sign",
    .arguments = "DIR",
    .summary = "Sign every file of a case, its report included",
    .text = "Takes the SHA-256 of every file below DIR and signs the list with the private key\n"
            "FILE (PEM: Ed25519, or ECDSA on P-256, P-384, P-521), as a Sigstore bundle in the\n"
            "form of OpenSSF model-signing. `assay case verify DIR --public-key FILE` checks it\n"
            "and names each file that has changed. A signature does not say when it was made, nor\n"
            "that what was signed is true.\n",
    .least = 1,
    .most = 1,
    .options = {{"key", "FILE", "the private key, in PEM"},
                {"password-file", "FILE", "its first line opens an encrypted key"},
                {"out", "FILE", "the signature (default: DIR/" ASSAY_CUSTODY_FILE ")"}},
    .run = sign_case,
};
