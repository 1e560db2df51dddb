/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: a signature file, and the manifest inside it as if its signature held. */
#include "custody/bundle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct custody_bundle bundle;
    struct assay_manifest manifest;
    struct assay_error error;
    const char *const *ignored;
    size_t count;
    if (bundle_read("fuzz", data, size, &bundle, &error) == ASSAY_OK)
        bundle_free(&bundle);
    if (statement_read("fuzz", data, size, &manifest, &ignored, &count, &error) == ASSAY_OK)
        assay_manifest_free(&manifest);
    return 0;
}
