/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: the json reader. */
#include "base/json.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *root;
    struct assay_error error;
    if (json_parse("fuzz", data, size, &root, &error) == ASSAY_OK) {
        free(json_print(root));
        json_decref(root);
    }
    return 0;
}
