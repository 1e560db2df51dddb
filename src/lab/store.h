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

#include "lab/model.h"

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

#define LAB_MOST_PATH 4096

/*
 * Weights belong to a result: FOLDER/SHA256-OF-THE-DESCRIPTION.safetensors, tensors named as
 * Llama's are, so that other instruments read them. `digest` (65 bytes) is to be kept in the
 * result, which is stored after them; lab_store_weights, into a model of their shape, gives false
 * for any others, or none.
 */
ASSAY_MUST_USE assay_status lab_store_put_weights(const char *folder, const char *description,
                                                  const struct lab_model *model, char digest[65],
                                                  struct assay_error *error);
bool lab_store_weights(const char *folder, const char *description, const char *digest,
                       struct lab_model *model);

/* Where a file that belongs to a result lies; `path` holds LAB_MOST_PATH bytes. */
ASSAY_MUST_USE assay_status lab_store_path(const char *folder, const char *description,
                                           const char *ending, char *path,
                                           struct assay_error *error);

#endif
