/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: the readers of vocabularies; one that is accepted is compared with itself, and gets
 * the same bytes as its merges.txt.
 */
#include <assay/lineage.h>

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct assay_vocabulary vocabulary;
    struct assay_tokenizer_likeness likeness;
    struct assay_error error;
    if (assay_vocabulary_parse("fuzz", data, size, &vocabulary, &error) == ASSAY_OK) {
        if (assay_lineage_tokenizers(&vocabulary, &vocabulary, &likeness, &error) == ASSAY_OK &&
            likeness.shared != likeness.count_a)
            abort();
        if (assay_vocabulary_parse_merges("fuzz", data, size, &vocabulary, &error) == ASSAY_OK &&
            vocabulary.merge_count > size)
            abort();
        assay_vocabulary_free(&vocabulary);
    }
    return 0;
}
