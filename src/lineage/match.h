/* SPDX-License-Identifier: Apache-2.0 */
/* match: for each unit of A the unit of B that is most like it. */
#ifndef LINEAGE_MATCH_H
#define LINEAGE_MATCH_H

#include "lineage/pack.h"

/* Vectors of hidden units, one a row, padded with zeros to a multiple of 16. */
struct units {
    size_t count, width; /* width padded */
    float *values;       /* 64-byte aligned; free() it */
};

/* No unit: a zero row, or two rows of B exactly as near. */
#define MATCH_NONE SIZE_MAX

ASSAY_MUST_USE bool units_new(struct units *units, size_t count, size_t width);
void units_free(struct units *units);

/* As they are, or `centred`: the mean vector taken off every unit. */
ASSAY_MUST_USE assay_status units_pack(const struct assay_context *context,
                                       const struct units *units, bool centred,
                                       struct packed *packed, struct assay_error *error);

/*
 * best[i]: the unit of b with the largest cosine to unit i of a; `score` that cosine (of units as
 * packed). best[i] is a function of a's unit i and of the set of b's units with their numbers as
 * mere labels; ties are MATCH_NONE. So the tests on fixed points are exact for packed units as for
 * any other vectors, however coarse. The answer is the same bytes on any processor and any number
 * of threads.
 */
ASSAY_MUST_USE assay_status match_packed(const struct assay_context *context,
                                         const struct packed *a, const struct packed *b,
                                         size_t *best, float *score, struct assay_error *error);

/* The same of units that are not packed yet, without centring. */
ASSAY_MUST_USE assay_status match_best(const struct assay_context *context, const struct units *a,
                                       const struct units *b, size_t *best, float *score,
                                       struct assay_error *error);

/* Length of the longest strictly increasing subsequence, entries of MATCH_NONE left out. */
ASSAY_MUST_USE bool match_increasing(const size_t *numbers, size_t n, size_t *length);

#endif
