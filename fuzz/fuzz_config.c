/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: config.json; what is accepted must count without overflow (the sanitizer's eye). */
#include "formats/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct assay_architecture architecture;
    struct assay_parameters parameters;
    struct assay_error error;
    if (config_parse("fuzz", data, size, &architecture, &error) == ASSAY_OK)
        assay_architecture_count(&architecture, &parameters);
    return 0;
}
