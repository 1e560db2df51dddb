/* SPDX-License-Identifier: Apache-2.0 */
#include "server/job.h"

#include "base/json.h"

#include <assay/report.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct jobs {
    const struct assay_server_settings *settings;
    const struct folder *folder;
    struct store *store;
    pthread_mutex_t lock;
    pthread_t thread;
    bool started; /* there is a thread to join */
    /* of the last job, under the lock */
    bool running, cancelled;
    int64_t id;
    char name[65], what[64], message[1100];
    const char *state;
    uint64_t done, total;
};

struct jobs *jobs_new(const struct assay_server_settings *settings, const struct folder *folder,
                      struct store *store)
{
    struct jobs *jobs = calloc(1, sizeof *jobs);
    if (!jobs)
        return NULL;
    jobs->settings = settings;
    jobs->folder = folder;
    jobs->store = store;
    pthread_mutex_init(&jobs->lock, NULL);
    return jobs;
}

static bool progress(void *user, const char *what, uint64_t done, uint64_t total)
{
    struct jobs *jobs = user;
    pthread_mutex_lock(&jobs->lock);
    snprintf(jobs->what, sizeof jobs->what, "%s", what);
    jobs->done = done;
    jobs->total = total;
    bool go_on = !jobs->cancelled;
    pthread_mutex_unlock(&jobs->lock);
    return go_on;
}

/* Its report, written; the report's digest. */
static assay_status write_report(const char *path, const struct assay_assessment *assessment,
                                 char sha256[65], struct assay_error *error)
{
    char out[PATH_MAX + 8], report[PATH_MAX + 24];
    snprintf(out, sizeof out, "%s/out", path);
    snprintf(report, sizeof report, "%s/report.json", out);
    ASSAY_TRY(assay_report_write(assessment, out, error));
    return assay_sha256_file(report, sha256, error);
}

static assay_status run_case(struct jobs *jobs, char sha256[65], struct assay_error *error)
{
    char path[PATH_MAX];
    struct assay_case subject;
    struct assay_assessment assessment;
    struct assay_context context = assay_context_default();
    context.seed = jobs->settings->seed;
    context.threads = jobs->settings->threads;
    context.progress = progress;
    context.progress_user = jobs;
    folder_case_path(jobs->folder, jobs->name, path);
    ASSAY_TRY(assay_case_read(path, &subject, error));
    assay_status status =
        assay_case_run(&subject, jobs->settings->data_folder, &context, &assessment, error);
    if (status == ASSAY_OK) {
        status = write_report(path, &assessment, sha256, error);
        assay_assessment_free(&assessment);
    }
    assay_case_free(&subject);
    return status;
}

static void *work(void *data)
{
    struct jobs *jobs = data;
    struct assay_error error = {0};
    char sha256[65] = "", message[sizeof jobs->message] = "";
    assay_status status = run_case(jobs, sha256, &error);
    const char *state = status == ASSAY_OK                  ? "done"
                        : status == ASSAY_ERROR_INTERRUPTED ? "cancelled"
                                                            : "failed";
    if (status != ASSAY_OK)
        assay_error_format(&error, message, sizeof message);
    if (!store_run_end(jobs->store, jobs->id, state, message[0] ? message : NULL,
                       sha256[0] ? sha256 : NULL) &&
        status == ASSAY_OK) {
        state = "failed";
        snprintf(message, sizeof message, "the report is written, but the store is not");
    }
    pthread_mutex_lock(&jobs->lock);
    jobs->state = state;
    jobs->running = false;
    snprintf(jobs->message, sizeof jobs->message, "%s", message);
    pthread_mutex_unlock(&jobs->lock);
    return NULL;
}

/* Waits for a thread that has ended or is about to. */
static void join(struct jobs *jobs)
{
    if (jobs->started)
        pthread_join(jobs->thread, NULL);
    jobs->started = false;
}

int64_t jobs_start(struct jobs *jobs, const char *name)
{
    char sha256[65] = "";
    pthread_mutex_lock(&jobs->lock);
    bool busy = jobs->running;
    pthread_mutex_unlock(&jobs->lock);
    if (busy)
        return 0;
    join(jobs);
    int descriptor = folder_case(jobs->folder, name);
    bool ready =
        descriptor >= 0 && folder_digest(descriptor, sha256) && folder_make_out(descriptor);
    if (descriptor >= 0)
        close(descriptor);
    int64_t id = ready ? store_run_begin(jobs->store, name, sha256) : -1;
    if (id < 0)
        return -1;
    jobs->id = id;
    jobs->running = true;
    jobs->cancelled = false;
    jobs->state = "running";
    jobs->done = jobs->total = 0;
    jobs->what[0] = jobs->message[0] = '\0';
    snprintf(jobs->name, sizeof jobs->name, "%s", name);
    jobs->started = pthread_create(&jobs->thread, NULL, work, jobs) == 0;
    if (!jobs->started) {
        jobs->running = false;
        jobs->state = "failed";
        (void)store_run_end(jobs->store, id, "failed", "no thread could be started", NULL);
        return -1;
    }
    return id;
}

bool jobs_cancel(struct jobs *jobs, int64_t id)
{
    pthread_mutex_lock(&jobs->lock);
    bool right = jobs->running && jobs->id == id;
    if (right)
        jobs->cancelled = true;
    pthread_mutex_unlock(&jobs->lock);
    return right;
}

json_t *jobs_show(struct jobs *jobs, int64_t id)
{
    json_t *o = NULL;
    pthread_mutex_lock(&jobs->lock);
    if (id ? jobs->id == id : jobs->running) {
        o = json_object();
        json_object_set_new(o, "id", json_integer(jobs->id));
        json_set_text(o, "name", jobs->name);
        json_set_text(o, "state", jobs->state);
        json_set_text(o, "what", jobs->what);
        json_object_set_new(o, "done", json_integer((json_int_t)jobs->done));
        json_object_set_new(o, "total", json_integer((json_int_t)jobs->total));
        json_set_text(o, "message", jobs->message[0] ? jobs->message : NULL);
    }
    pthread_mutex_unlock(&jobs->lock);
    return o;
}

void jobs_free(struct jobs *jobs)
{
    if (!jobs)
        return;
    pthread_mutex_lock(&jobs->lock);
    jobs->cancelled = true;
    pthread_mutex_unlock(&jobs->lock);
    join(jobs);
    pthread_mutex_destroy(&jobs->lock);
    free(jobs);
}
