/* SPDX-License-Identifier: Apache-2.0 */
/*
 * instruments: which there are, by name. An instrument takes an input file and the folder of
 * facts and gives a finding; what its input states, with sources, goes along for the reader.
 */
#ifndef CASE_INSTRUMENTS_H
#define CASE_INSTRUMENTS_H

#include <assay/case.h>

/*
 * On success fills `finding` (the caller frees it) and the list of what was stated, in `arena`;
 * on failure nothing needs freeing. `kept_folder` (NULL: there is none) exists, and may hold what
 * is to be had again without work, under names of content.
 */
typedef assay_status instrument_function(const char *path, const char *data_folder,
                                         const char *kept_folder,
                                         const struct assay_context *context,
                                         struct assay_arena *arena, struct assay_finding *finding,
                                         const struct assay_case_stated **stated,
                                         size_t *stated_count, struct assay_error *error);

struct instrument {
    const char *name;
    const char *version; /* the method_version of its findings; others are not kept */
    instrument_function *run;
};

struct instrument_table {
    const struct instrument *entries;
    size_t count;
};

/* The instruments of this library. */
extern const struct instrument_table instruments_all;

/* NULL if there is none of that name. */
const struct instrument *instrument_find(const struct instrument_table *table, const char *name);

/* assay_case_read and assay_case_run with another table. */
ASSAY_MUST_USE assay_status case_read_with(const struct instrument_table *table, const char *folder,
                                           struct assay_case *subject, struct assay_error *error);
/* Another file of the folder in place of case.yaml: a change that is not made yet. */
ASSAY_MUST_USE assay_status case_read_named(const struct instrument_table *table,
                                            const char *folder, const char *name,
                                            struct assay_case *subject, struct assay_error *error);
ASSAY_MUST_USE assay_status case_run_with(const struct instrument_table *table,
                                          const struct assay_case *subject, const char *data_folder,
                                          const char *kept_folder,
                                          const struct assay_context *context,
                                          struct assay_assessment *assessment,
                                          struct assay_error *error);

#endif
