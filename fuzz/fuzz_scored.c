/* SPDX-License-Identifier: Apache-2.0 */
/* Log-probabilities of texts: any bytes are read or refused. */
#include <assay/responses.h>

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct assay_scored_texts texts;
    struct assay_error error;
    if (assay_scored_texts_parse("fuzz", bytes, size, &texts, &error) == ASSAY_OK)
        assay_scored_texts_free(&texts);
    return 0;
}
