/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store: what is done is never done again. In: a folder, and a description of everything that
 * makes a result (shapes, seeds, data, versions), as text. Out: the result, if the folder holds
 * it. A result lies in FOLDER/SHA256-OF-THE-DESCRIPTION.json, written beside and renamed, so a
 * run that was killed leaves whole results or none. A file that does not hold what its name says
 * counts as absent: it is made again and replaced. What can go wrong: the disk, memory.
 */
#ifndef LAB_STORE_H
#define LAB_STORE_H

#include <assay/base.h>

#include <jansson.h>

/* The result, or NULL in *result if there is none. json_decref it. */
ASSAY_MUST_USE assay_status lab_store_get(const char *folder, const char *description,
                                          json_t **result, struct assay_error *error);

/*
 * Stores `result` in `folder`, which must exist. Numbers are kept to 15 digits: use what
 * lab_store_get gives afterwards, so that a run that goes on equals one that was never stopped.
 */
ASSAY_MUST_USE assay_status lab_store_put(const char *folder, const char *description,
                                          json_t *result, struct assay_error *error);

/*
 * Weights belong to a result, in a file beside it. `digest` (65 bytes) is to be kept in the
 * result, which is stored after them; lab_store_weights gives false for any others, or none.
 */
ASSAY_MUST_USE assay_status lab_store_put_weights(const char *folder, const char *description,
                                                  const float *weights, size_t count,
                                                  char digest[65], struct assay_error *error);
bool lab_store_weights(const char *folder, const char *description, const char *digest,
                       float *weights, size_t count);

#endif
