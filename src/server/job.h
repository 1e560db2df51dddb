/* SPDX-License-Identifier: Apache-2.0 */
/*
 * job: a case, or one of its instruments, that runs on a thread of its own, one at a time, with its
 * progress and an end on request. Findings are kept in the case's out/findings; the report is
 * written into out/ and the run into the store.
 */
#ifndef SERVER_JOB_H
#define SERVER_JOB_H

#include "server/folder.h"
#include "server/store.h"

#include <assay/server.h>

struct jobs;

struct jobs *jobs_new(const struct assay_server_settings *settings, const struct folder *folder,
                      struct store *store);
void jobs_free(struct jobs *jobs); /* ends and waits; accepts NULL */

/* What of a case is to run. */
struct job_work {
    const char *question, *finding; /* one instrument by itself, by the ids of both; NULL: all */
    bool fresh;                     /* all instruments anew; else only what is not kept */
};

/* Starts the case `name`: the job's id, 0 if one runs already, -1 if it cannot start. */
int64_t jobs_start(struct jobs *jobs, const char *name, const struct job_work *work);

/* Asks a job to stop; false if that is not the running one. */
bool jobs_cancel(struct jobs *jobs, int64_t id);

/* {id, name, question, finding, state, what, done, total, message} of the last job if it is `id`,
   else NULL. States are "running", "done", "failed", "cancelled". With id 0: the running one, or
   NULL. */
json_t *jobs_show(struct jobs *jobs, int64_t id);

#endif
