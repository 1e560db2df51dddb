/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lineage_bank: real transformers of known descent, trained here. In: a folder. Out: their files.
 * What can go wrong: a full disk; memory.
 *
 * All learn the same language (the lab's world, one author) with one tokenizer, so independent
 * ones are as alike as independence allows. A model is a function of its family and seed; what is
 * in the folder already is not trained again.
 */
#ifndef BENCH_LINEAGE_BANK_H
#define BENCH_LINEAGE_BANK_H

#include "lab/model.h"

struct bank_family {
    const char *name;
    struct lab_shape shape;
    unsigned steps;
    size_t seeds;
};

extern const struct bank_family bank_families[];
extern const size_t bank_family_count;

struct bank_model {
    size_t family;
    uint64_t seed;
    char path[1024];
};

/* All families' models, trained on context->threads threads; `list` is to be freed. */
ASSAY_MUST_USE assay_status bank_fill(const struct assay_context *context, const char *folder,
                                      struct bank_model **list, size_t *count,
                                      struct assay_error *error);

/*
 * Trains the model at `from` on, for `steps` steps at a third of the first rate, on texts of
 * another author, and writes it to `to`: real fine-tuning.
 */
ASSAY_MUST_USE assay_status bank_tune(const struct bank_model *from, unsigned steps, uint64_t seed,
                                      const char *to, struct assay_error *error);

#endif
