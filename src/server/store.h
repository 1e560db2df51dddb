/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store: what happened in a folder of cases, in SQLite: runs, files that came in, weighings that
 * were kept. Each change is one transaction in a write-ahead log that is flushed: whenever the
 * program is killed, the store opens with every change whole or not there.
 */
#ifndef SERVER_STORE_H
#define SERVER_STORE_H

#include <assay/base.h>

#include <jansson.h>

struct store;

/* Opens or makes the file; runs that were not finished become "interrupted". */
ASSAY_MUST_USE assay_status store_open(const char *path, struct store **store,
                                       struct assay_error *error);
void store_close(struct store *store); /* accepts NULL */

/* A run begins: its id, or -1. It ends as "done", "failed" or "cancelled". */
int64_t store_run_begin(struct store *store, const char *name, const char *case_sha256);
bool store_run_end(struct store *store, int64_t run, const char *state, const char *message,
                   const char *report_sha256);
/* The last 20 of a case, the latest first. */
json_t *store_runs(struct store *store, const char *name);

bool store_file_came(struct store *store, const char *name, const char *file, const char *sha256,
                     uint64_t bytes);
json_t *store_files(struct store *store, const char *name);

/* A weighing is JSON of the page's own; kept under a label, replaced by a later one. */
bool store_weighing_put(struct store *store, const char *name, const char *label,
                        const char *settings);
bool store_weighing_delete(struct store *store, const char *name, const char *label);
json_t *store_weighings(struct store *store, const char *name);

#endif
