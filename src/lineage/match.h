/* SPDX-License-Identifier: Apache-2.0 */
/* match: for each unit of A the unit of B that is most like it. */
#ifndef LINEAGE_MATCH_H
#define LINEAGE_MATCH_H

#include <assay/base.h>

/* Vectors of hidden units, one a row, padded with zeros to a multiple of 16. */
struct units {
    size_t count, width; /* width padded */
    float *values;       /* 64-byte aligned; free() it */
};

/* No unit: a zero row, or two rows of B exactly as near. */
#define MATCH_NONE SIZE_MAX

ASSAY_MUST_USE bool units_new(struct units *units, size_t count, size_t width);
void units_free(struct units *units);

/*
 * Takes the mean vector off every row and makes rows of length 1; rows that are then shorter
 * than 1e-6 of the longest become 0. Treats all units alike, so a renumbering of units before or
 * after makes no difference. False if memory is short.
 */
ASSAY_MUST_USE bool units_normalise(struct units *units);

/*
 * best[i]: the row of b with the largest scalar product with row i of a; `score` that product.
 * The answer is the same bytes on any processor and any number of threads.
 */
ASSAY_MUST_USE assay_status match_best(const struct assay_context *context, const struct units *a,
                                       const struct units *b, size_t *best, float *score,
                                       struct assay_error *error);

/* Four rows of a times one of b, the definition and its fast twins; for tests and benchmarks. */
typedef void match_kernel(const float *a, size_t stride, const float *b, size_t width,
                          float product[4]);
match_kernel match_kernel_plain;
/* The fastest that this processor has, and its name. */
match_kernel *match_kernel_fastest(const char **name);

/* Length of the longest strictly increasing subsequence, entries of MATCH_NONE left out. */
ASSAY_MUST_USE bool match_increasing(const size_t *numbers, size_t n, size_t *length);

#endif
