/* SPDX-License-Identifier: Apache-2.0 */
/*
 * finding_json: a finding as JSON and back. Keys come in the order of struct assay_finding, so
 * that the same finding gives the same bytes; a number that is not finite is null, and null
 * reads as NaN. The field names are those of docs/report.schema.json.
 */
#ifndef FINDING_JSON_H
#define FINDING_JSON_H

#include <assay/finding.h>

#include <jansson.h>

/* A new reference, or NULL if memory is short. NULL strings become null. */
json_t *finding_to_json(const struct assay_finding *finding);

/*
 * Reads what finding_to_json writes. `path` is for messages, which name the key: `weights[3].note`.
 * An unknown key, a missing one or one of the wrong type is ASSAY_ERROR_INPUT. Free with
 * assay_finding_free.
 */
ASSAY_MUST_USE assay_status finding_from_json(const json_t *object, const char *path,
                                              struct assay_finding *finding,
                                              struct assay_error *error);

#endif
