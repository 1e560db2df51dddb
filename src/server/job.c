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
    char name[65], question[65], finding[65]; /* question "": all instruments */
    bool fresh;
    char what[64], message[1100];
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

/* Calls `use` with every instrument of a case until one fails. */
static assay_status each_task(const struct assay_case *subject,
                              assay_status (*use)(void *, const struct assay_case_task_place *,
                                                  struct assay_error *),
                              void *user, struct assay_error *error)
{
    for (size_t q = 0; q < subject->question_count; q++)
        for (size_t t = 0; t < subject->questions[q].task_count; t++) {
            struct assay_case_task_place place = {&subject->questions[q],
                                                  &subject->questions[q].tasks[t]};
            ASSAY_TRY(use(user, &place, error));
        }
    return ASSAY_OK;
}

/* A run on its way. */
struct run {
    struct jobs *jobs;
    const struct assay_case *subject;
    struct assay_context context;
    char path[PATH_MAX], kept[PATH_MAX + 16];
    char missing[800]; /* instruments whose findings are not kept, by name */
};

static assay_status run_again(void *user, const struct assay_case_task_place *place,
                              struct assay_error *error)
{
    struct run *run = user;
    return assay_case_task_run(run->subject, place, run->jobs->settings->data_folder, run->kept,
                               &run->context, error);
}

static assay_status note_missing(void *user, const struct assay_case_task_place *place,
                                 struct assay_error *error)
{
    struct run *run = user;
    struct assay_finding finding;
    size_t used = strlen(run->missing);
    (void)error;
    if (assay_case_task_kept(run->subject, place, run->jobs->settings->data_folder, run->kept,
                             run->context.seed, &finding))
        assay_finding_free(&finding);
    else if (used + 140 < sizeof run->missing)
        snprintf(run->missing + used, sizeof run->missing - used, "%s%s of %s", used ? ", " : "",
                 place->task->id, place->question->id);
    return ASSAY_OK;
}

/* One instrument, and the report if all others' findings are there to go with it. */
static assay_status run_one(struct run *run, struct assay_error *error)
{
    struct assay_case_task_place place;
    if (!assay_case_task_find(run->subject, run->jobs->question, run->jobs->finding, &place))
        return assay_error_at(error, ASSAY_ERROR_INPUT, run->subject->path, 0,
                              "question %s has no instrument whose finding is %s",
                              run->jobs->question, run->jobs->finding);
    ASSAY_TRY(run_again(run, &place, error));
    return each_task(run->subject, note_missing, run, error);
}

static assay_status run_instruments(struct run *run, char sha256[65], struct assay_error *error)
{
    struct assay_assessment assessment;
    if (run->jobs->question[0])
        ASSAY_TRY(run_one(run, error));
    else if (run->jobs->fresh)
        ASSAY_TRY(each_task(run->subject, run_again, run, error));
    if (run->missing[0])
        return ASSAY_OK;
    ASSAY_TRY(assay_case_run_kept(run->subject, run->jobs->settings->data_folder, run->kept,
                                  &run->context, &assessment, error));
    assay_status status = write_report(run->path, &assessment, sha256, error);
    assay_assessment_free(&assessment);
    return status;
}

/* `missing` (800 bytes) names the instruments for want of whose findings no report was made. */
static assay_status run_case(struct jobs *jobs, char sha256[65], char *missing,
                             struct assay_error *error)
{
    struct assay_case subject;
    struct run *run = calloc(1, sizeof *run);
    if (!run)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    run->jobs = jobs;
    run->subject = &subject;
    run->context = assay_context_default();
    run->context.seed = jobs->settings->seed;
    run->context.threads = jobs->settings->threads;
    run->context.progress = progress;
    run->context.progress_user = jobs;
    folder_case_path(jobs->folder, jobs->name, run->path);
    snprintf(run->kept, sizeof run->kept, "%s/out/findings", run->path);
    assay_status status = assay_case_read(run->path, &subject, error);
    if (status == ASSAY_OK) {
        status = run_instruments(run, sha256, error);
        assay_case_free(&subject);
    }
    snprintf(missing, sizeof run->missing, "%s", run->missing);
    free(run);
    return status;
}

static void *work(void *data)
{
    struct jobs *jobs = data;
    struct assay_error error = {0};
    char sha256[65] = "", message[sizeof jobs->message] = "", missing[800] = "";
    assay_status status = run_case(jobs, sha256, missing, &error);
    const char *state = status == ASSAY_OK                  ? "done"
                        : status == ASSAY_ERROR_INTERRUPTED ? "cancelled"
                                                            : "failed";
    if (status != ASSAY_OK)
        assay_error_format(&error, message, sizeof message);
    else if (missing[0])
        snprintf(message, sizeof message,
                 "The finding is kept. A report takes these too, which have not been run as they "
                 "are now: %s.",
                 missing);
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

int64_t jobs_start(struct jobs *jobs, const char *name, const struct job_work *work_asked)
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
    bool one = work_asked->question && work_asked->finding;
    snprintf(jobs->question, sizeof jobs->question, "%s", one ? work_asked->question : "");
    snprintf(jobs->finding, sizeof jobs->finding, "%s", one ? work_asked->finding : "");
    jobs->fresh = work_asked->fresh;
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
        json_set_text(o, "question", jobs->question[0] ? jobs->question : NULL);
        json_set_text(o, "finding", jobs->question[0] ? jobs->finding : NULL);
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
