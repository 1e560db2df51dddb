/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_difference: where two JSON trees differ. Entries of lists are paired by what names them (an
 * id, a hypothesis, a name) where all have one, else by position, so that one entry more does not
 * make the rest differ. In: two trees. Out: places with both values. What can go wrong: memory.
 */
#ifndef CUSTODY_JSON_DIFFERENCE_H
#define CUSTODY_JSON_DIFFERENCE_H

#include <assay/base.h>

#include <jansson.h>

struct json_difference {
    const char *place;    /* "questions[hardware].stated" */
    const char *section;  /* the first key of the place: "questions" */
    const json_t *first;  /* NULL: only the second has it */
    const json_t *second; /* NULL: only the first has it */
};

struct json_differences {
    struct json_difference *list; /* in the order of the first tree, then of the second */
    size_t count;
    size_t room; /* private */
    struct assay_arena *arena;
};

/* Both trees must outlive the result. Free with json_differences_free. */
ASSAY_MUST_USE assay_status json_differences_find(const json_t *first, const json_t *second,
                                                  struct json_differences *found,
                                                  struct assay_error *error);
void json_differences_free(struct json_differences *found);

/* The value for a reader, at most `size` - 1 bytes: "-" for none, a text bare, the rest as JSON. */
void json_difference_value(const json_t *value, char *text, size_t size);

#endif
