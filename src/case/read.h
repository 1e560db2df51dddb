/* SPDX-License-Identifier: Apache-2.0 */
/*
 * read: what the parts of the reader of case.yaml share. Each read_ function takes one node and
 * fills one struct; what can go wrong is that a person mistyped, so every refusal has the line.
 */
#ifndef CASE_READ_H
#define CASE_READ_H

#include "case/instruments.h"
#include "case/names.h"

struct reading {
    const struct instrument_table *table;
    struct assay_case *subject;
    struct name_index exhibits; /* of subject->exhibits, once they are read */
    struct assay_error *error;
};

/* Refuses with the node's place. */
assay_status read_refuse(struct reading *r, const struct assay_yaml *node, const char *format, ...)
    ASSAY_PRINTF(3, 4);
assay_status read_out_of_memory(struct reading *r);

/* The text under `key`; *text is NULL if it is absent and need not be there. */
ASSAY_MUST_USE assay_status read_text(struct reading *r, struct assay_yaml *map, const char *key,
                                      bool need, const char **text);

/* The list under `key` and room for its entries; an absent one is empty unless it must be there. */
ASSAY_MUST_USE assay_status read_list(struct reading *r, struct assay_yaml *map, const char *key,
                                      bool need, size_t size, struct assay_yaml **first,
                                      void **entries);

ASSAY_MUST_USE assay_status read_need_map(struct reading *r, const struct assay_yaml *node,
                                          const char *what);

/* An id under "id". */
ASSAY_MUST_USE assay_status read_id(struct reading *r, struct assay_yaml *map, const char **id);

/* The exhibits named in the list under `key`, which may be absent. */
ASSAY_MUST_USE assay_status read_exhibit_list(struct reading *r, struct assay_yaml *map,
                                              const char *key,
                                              const struct assay_case_exhibit *const **exhibits,
                                              size_t *count);

/* Refuses a `what` whose id stands twice among `count` nodes from `first` on. */
ASSAY_MUST_USE assay_status read_no_twice(struct reading *r, const struct name_index *index,
                                          struct assay_yaml *first, const char *what);

/* The question's own hypotheses by name; refuses `what` without any. */
ASSAY_MUST_USE assay_status read_need_hypotheses(struct reading *r, const struct assay_yaml *node,
                                                 const struct assay_case_question *question,
                                                 const char *what, struct name_index *names);

/* The parts, in the order of case.yaml. */
ASSAY_MUST_USE assay_status read_exhibits(struct reading *r, struct assay_yaml *root);
ASSAY_MUST_USE assay_status read_reliability(struct reading *r, struct assay_yaml *root);
ASSAY_MUST_USE assay_status read_costs(struct reading *r, struct assay_yaml *root);
ASSAY_MUST_USE assay_status read_questions(struct reading *r, struct assay_yaml *root);
ASSAY_MUST_USE assay_status read_hypotheses(struct reading *r, struct assay_yaml *map,
                                            struct assay_case_question *question);
ASSAY_MUST_USE assay_status read_entries(struct reading *r, struct assay_yaml *map,
                                         struct assay_case_question *question);
ASSAY_MUST_USE assay_status read_obtainables(struct reading *r, struct assay_yaml *map,
                                             struct assay_case_question *question);
ASSAY_MUST_USE assay_status read_groups(struct reading *r, struct assay_yaml *map,
                                        struct assay_case_question *question);
ASSAY_MUST_USE assay_status read_priors(struct reading *r, struct assay_yaml *map,
                                        struct assay_case_question *question);

#endif
