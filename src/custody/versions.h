/* SPDX-License-Identifier: Apache-2.0 */
/*
 * versions: by what a report was made. In: a report as `assay case run --json` gives it, perhaps a
 * stranger's. Out: the versions of the program and of each method in it. What can go wrong:
 * memory.
 */
#ifndef CUSTODY_VERSIONS_H
#define CUSTODY_VERSIONS_H

#include <jansson.h>
#include <stdbool.h>

/* {"program": "0.1.0", "methods": {"claim.infer": "3", ...}}; a new reference, or NULL. */
json_t *versions_of(const json_t *report);

/*
 * Whether the program is the same, and each method that both have. A method that one of them lacks
 * is no difference of version.
 */
bool versions_same(const json_t *first, const json_t *second);

#endif
