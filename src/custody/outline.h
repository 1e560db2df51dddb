/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outline: a report reduced to what two authors of a case could differ in, by section: case,
 * exhibits, grades, reliability, questions, findings, dependence, priors, results. In: reports as
 * `assay case run --json` gives them, perhaps a stranger's. Out: a tree for json_differences_find.
 * What can go wrong: memory.
 */
#ifndef CUSTODY_OUTLINE_H
#define CUSTODY_OUTLINE_H

#include <jansson.h>

/*
 * Exhibits of the two reports that are the same thing (a file of the same bytes, the same words by
 * the same person), under whatever ids: an object {id in the second: id in the first}. NULL: no
 * memory.
 */
json_t *outline_same_exhibits(const json_t *first, const json_t *second);

/* The outline, with exhibits named as `names` has them where it does. A new reference, or NULL. */
json_t *outline_of(const json_t *report, const json_t *names);

#endif
