/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: response sets, and the unpacking of gzip and Zstandard before them. */
#include "formats/unpack.h"

#include <assay/responses.h>

#include <stdlib.h>
#include <string.h>

#define MOST ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct unpacked unpacked;
    struct assay_responses *r;
    struct assay_error error;
    if (unpack("fuzz", data, size, MOST, &unpacked, &error) != ASSAY_OK)
        return 0;
    if (assay_responses_parse("fuzz", unpacked.bytes, unpacked.size, &r, &error) == ASSAY_OK) {
        for (size_t i = 0; i < r->n; i++)
            if (strlen(r->answers[i].text) != r->answers[i].bytes ||
                (i > 0 && strcmp(r->answers[i - 1].key, r->answers[i].key) >= 0))
                abort();
        assay_responses_free(r);
    }
    unpacked_free(&unpacked);
    return 0;
}
