/* SPDX-License-Identifier: Apache-2.0 */
#include "server/routes.h"

#include "base/json.h"
#include "server/exhibits.h"
#include "server/instruments.h"
#include "server/respond.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST_BODY ((size_t)1 << 20) /* of what is not a file */

/* A request on its way: its path in parts, and what has come of its body. */
struct request {
    char path[400];
    const char *part[6];
    size_t parts;
    bool refused; /* answered before its body came */
    char *body;
    size_t size;
    struct upload upload;
    bool uploads, failed;
    const char *reason; /* why it failed */
};

/* ---- what is asked ------------------------------------------------------------------------- */

static bool split(struct request *r, const char *url)
{
    if (strlen(url) >= sizeof r->path)
        return false;
    snprintf(r->path, sizeof r->path, "%s", url);
    char *rest = NULL;
    for (char *part = strtok_r(r->path, "/", &rest); part; part = strtok_r(NULL, "/", &rest)) {
        if (r->parts == 6)
            return false;
        r->part[r->parts++] = part;
    }
    return true;
}

static bool is(const struct request *r, size_t i, const char *word)
{
    return i < r->parts && strcmp(r->part[i], word) == 0;
}

/* "/api/cases/NAME", with `parts` parts in all. */
static bool is_case(const struct request *r, size_t parts)
{
    return r->parts == parts && is(r, 1, "cases") && guard_name(r->part[2]);
}

/* ---- answers ------------------------------------------------------------------------------- */

static enum MHD_Result not_found(struct MHD_Connection *connection)
{
    return respond_error(connection, MHD_HTTP_NOT_FOUND, "nothing has that name");
}

static enum MHD_Result show_case(struct assay_server *s, struct MHD_Connection *connection,
                                 const char *name)
{
    char sha256[65] = "";
    int descriptor = folder_case(&s->folder, name);
    if (descriptor < 0)
        return not_found(connection);
    json_t *o = json_object();
    json_set_text(o, "name", name);
    json_set_text(o, "case_sha256", folder_digest(descriptor, sha256) ? sha256 : NULL);
    json_object_set_new(o, "report", folder_report(descriptor));
    instruments_list(descriptor, o);
    json_object_set_new(o, "files", folder_files(descriptor));
    json_object_set_new(o, "came", store_files(s->store, name));
    json_object_set_new(o, "runs", store_runs(s->store, name));
    json_object_set_new(o, "weighings", store_weighings(s->store, name));
    json_t *job = jobs_show(s->jobs, 0);
    json_object_set_new(o, "job", job ? job : json_null());
    close(descriptor);
    return respond_json(connection, MHD_HTTP_OK, o);
}

/* What is to run: {} all that is not kept, {fresh: true} all anew, {question, finding} one; NULL,
   or what is wrong with it. */
static const char *read_work(const struct request *r, json_t **body, struct job_work *work)
{
    struct assay_error error;
    *body = NULL;
    if (r->failed)
        return r->reason;
    if (r->size == 0)
        return NULL;
    if (json_parse("body", r->body, r->size, body, &error) != ASSAY_OK || !json_is_object(*body))
        return "the body is no JSON object";
    work->question = json_string_value(json_object_get(*body, "question"));
    work->finding = json_string_value(json_object_get(*body, "finding"));
    work->fresh = json_is_true(json_object_get(*body, "fresh"));
    size_t known = (work->question ? 1u : 0u) + (work->finding ? 1u : 0u) +
                   (json_is_boolean(json_object_get(*body, "fresh")) ? 1u : 0u);
    if (known != json_object_size(*body) || !work->question != !work->finding ||
        (work->question && (!guard_name(work->question) || !guard_name(work->finding))))
        return "expected {}, {fresh: true} or {question, finding}, the ids of an instrument's "
               "question and finding";
    return NULL;
}

static enum MHD_Result start(struct assay_server *s, struct MHD_Connection *connection,
                             const struct request *r)
{
    struct job_work work = {0};
    json_t *body;
    const char *wrong = read_work(r, &body, &work);
    int64_t id = wrong ? -1 : jobs_start(s->jobs, r->part[2], &work);
    json_decref(body);
    if (wrong)
        return respond_error(connection, MHD_HTTP_BAD_REQUEST, wrong);
    if (id > 0)
        return respond_json(connection, MHD_HTTP_ACCEPTED,
                            json_pack("{s:I}", "job", (json_int_t)id));
    return id == 0 ? respond_error(connection, MHD_HTTP_CONFLICT, "a case is running already")
                   : respond_error(connection, MHD_HTTP_INTERNAL_SERVER_ERROR,
                                   "the case cannot be started: there must be a case.yaml, and the "
                                   "folder must be writable");
}

static enum MHD_Result show_finding(struct assay_server *s, struct MHD_Connection *connection,
                                    const struct request *r)
{
    int descriptor = folder_case(&s->folder, r->part[2]);
    json_t *finding =
        descriptor < 0 ? NULL : instruments_finding(descriptor, r->part[4], r->part[5]);
    if (descriptor >= 0)
        close(descriptor);
    return finding ? respond_json(connection, MHD_HTTP_OK, json_pack("{s:o}", "finding", finding))
                   : not_found(connection);
}

static enum MHD_Result finish_upload(struct assay_server *s, struct MHD_Connection *connection,
                                     struct request *r)
{
    char sha256[65] = "";
    bool taken = false;
    if (r->failed)
        return respond_error(connection, MHD_HTTP_CONTENT_TOO_LARGE, r->reason);
    uint64_t bytes = r->upload.bytes;
    if (!upload_finish(&r->upload, sha256, &taken))
        return taken ? respond_error(connection, MHD_HTTP_CONFLICT, "a file of that name is there")
                     : respond_error(connection, MHD_HTTP_INTERNAL_SERVER_ERROR,
                                     "the file cannot be written");
    if (!store_file_came(s->store, r->part[2], r->part[4], sha256, bytes))
        return respond_error(connection, MHD_HTTP_INTERNAL_SERVER_ERROR,
                             "the file is there, but the store cannot be written");
    return respond_json(connection, MHD_HTTP_CREATED,
                        json_pack("{s:s,s:s,s:I}", "file", r->part[4], "sha256", sha256, "bytes",
                                  (json_int_t)bytes));
}

static enum MHD_Result add_exhibit(struct assay_server *s, struct MHD_Connection *connection,
                                   const struct request *r)
{
    struct assay_error error = {0};
    json_t *body = NULL;
    char message[1100];
    unsigned status = MHD_HTTP_BAD_REQUEST;
    if (r->failed)
        return respond_error(connection, MHD_HTTP_CONTENT_TOO_LARGE, r->reason);
    if (json_parse("body", r->body ? r->body : "", r->size, &body, &error) != ASSAY_OK)
        return respond_error(connection, status, error.message);
    pthread_mutex_unlock(&s->lock); /* others are answered meanwhile; the store has a lock */
    pthread_mutex_lock(&s->adding);
    bool added = exhibits_add(&s->folder, s->store, r->part[2], body, &status, message);
    pthread_mutex_unlock(&s->adding);
    pthread_mutex_lock(&s->lock);
    json_decref(body);
    return added ? respond_json(connection, MHD_HTTP_CREATED, json_pack("{s:b}", "added", 1))
                 : respond_error(connection, status, message);
}

static enum MHD_Result put_weighing(struct assay_server *s, struct MHD_Connection *connection,
                                    const struct request *r)
{
    struct assay_error error;
    json_t *settings = NULL;
    if (r->failed)
        return respond_error(connection, MHD_HTTP_CONTENT_TOO_LARGE, r->reason);
    if (json_parse("body", r->body ? r->body : "", r->size, &settings, &error) != ASSAY_OK)
        return respond_error(connection, MHD_HTTP_BAD_REQUEST, error.message);
    char *text = json_dumps(settings, JSON_COMPACT | JSON_REAL_PRECISION(15));
    bool kept = text && store_weighing_put(s->store, r->part[2], r->part[4], text);
    json_decref(settings);
    free(text);
    return kept ? respond_json(connection, MHD_HTTP_OK, json_pack("{s:b}", "kept", 1))
                : respond_error(connection, MHD_HTTP_INTERNAL_SERVER_ERROR,
                                "the store cannot be written");
}

static enum MHD_Result job(struct assay_server *s, struct MHD_Connection *connection,
                           const struct request *r, bool cancel)
{
    char *end = NULL;
    long long id = strtoll(r->part[2], &end, 10);
    if (*end || id <= 0 || (cancel && !jobs_cancel(s->jobs, id)))
        return not_found(connection);
    json_t *shown = jobs_show(s->jobs, id);
    return shown ? respond_json(connection, MHD_HTTP_OK, shown) : not_found(connection);
}

/* A complete request that guard has let through. */
static enum MHD_Result answer(struct assay_server *s, struct MHD_Connection *connection,
                              const char *method, struct request *r)
{
    bool get = strcmp(method, "GET") == 0, post = strcmp(method, "POST") == 0;
    bool put = strcmp(method, "PUT") == 0, erase = strcmp(method, "DELETE") == 0;
    if (get && r->parts == 0)
        return respond_page(connection, s->page, s->page_size, s->policy);
    if (get && r->parts == 2 && is(r, 1, "cases"))
        return respond_json(
            connection, MHD_HTTP_OK,
            json_pack("{s:o,s:s}", "cases", folder_cases(&s->folder), "version", ASSAY_VERSION));
    if (get && is_case(r, 3))
        return show_case(s, connection, r->part[2]);
    if (post && is_case(r, 4) && is(r, 3, "run"))
        return start(s, connection, r);
    if (get && is_case(r, 6) && is(r, 3, "findings") && guard_name(r->part[4]) &&
        guard_name(r->part[5]))
        return show_finding(s, connection, r);
    if (post && is_case(r, 4) && is(r, 3, "exhibits"))
        return add_exhibit(s, connection, r);
    if (put && r->uploads)
        return finish_upload(s, connection, r);
    if ((put || erase) && is_case(r, 5) && is(r, 3, "weighings") && guard_name(r->part[4])) {
        if (put)
            return put_weighing(s, connection, r);
        return store_weighing_delete(s->store, r->part[2], r->part[4])
                   ? respond_json(connection, MHD_HTTP_OK, json_pack("{s:b}", "deleted", 1))
                   : not_found(connection);
    }
    if (get && r->parts == 3 && is(r, 1, "jobs"))
        return job(s, connection, r, false);
    if (post && r->parts == 4 && is(r, 1, "jobs") && is(r, 3, "cancel"))
        return job(s, connection, r, true);
    return not_found(connection);
}

/* ---- what comes ---------------------------------------------------------------------------- */

static const char *header(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

/* Why a request is not even looked at; NULL: it is. */
static const char *refusal(const struct assay_server *s, struct MHD_Connection *connection,
                           const struct request *r, unsigned *status)
{
    *status = MHD_HTTP_FORBIDDEN;
    if (!guard_host(header(connection, MHD_HTTP_HEADER_HOST), s->port))
        return "the Host header is not this server's";
    if (!guard_origin(header(connection, MHD_HTTP_HEADER_ORIGIN), s->port))
        return "the Origin header is another site's";
    if (r->parts == 0)
        return NULL;
    *status = MHD_HTTP_NOT_FOUND;
    if (!is(r, 0, "api"))
        return "nothing has that name";
    *status = MHD_HTTP_UNAUTHORIZED;
    if (!guard_same_token(s->token, header(connection, "X-Assay-Token")))
        return "the X-Assay-Token header is missing or wrong: it is in the address that assay "
               "serve "
               "printed";
    return NULL;
}

/* A file is written as it comes; NULL, or why it is refused. */
static const char *begin_upload(struct assay_server *s, struct MHD_Connection *connection,
                                struct request *r, unsigned *status)
{
    bool taken = false;
    const char *length = header(connection, MHD_HTTP_HEADER_CONTENT_LENGTH);
    *status = MHD_HTTP_CONTENT_TOO_LARGE;
    if (length && strtoull(length, NULL, 10) > s->settings.most_upload)
        return "the file is larger than assay serve was told to take (--most-upload)";
    int descriptor = folder_case(&s->folder, r->part[2]);
    *status = MHD_HTTP_NOT_FOUND;
    if (descriptor < 0)
        return "nothing has that name";
    r->uploads = upload_start(descriptor, r->part[4], &r->upload, &taken);
    close(descriptor);
    *status = taken ? MHD_HTTP_CONFLICT : MHD_HTTP_INTERNAL_SERVER_ERROR;
    return r->uploads ? NULL
           : taken    ? "a file of that name is there"
                      : "the file cannot be written";
}

static void take(const struct assay_server *s, struct request *r, const char *data, size_t size)
{
    if (r->failed)
        return;
    if (r->uploads) {
        r->failed = size > s->settings.most_upload - r->upload.bytes;
        r->reason = "the file is larger than assay serve was told to take (--most-upload)";
        if (!r->failed && !upload_add(&r->upload, data, size)) {
            r->failed = true;
            r->reason = "the file cannot be written: the disk may be full";
        }
        return;
    }
    char *longer = size <= MOST_BODY - r->size ? realloc(r->body, r->size + size) : NULL;
    if (!longer) {
        r->failed = true;
        r->reason = "the body is larger than 1 MiB";
        return;
    }
    memcpy(longer + r->size, data, size);
    r->body = longer;
    r->size += size;
}

/* One step of a request, under the lock. */
static enum MHD_Result step(struct assay_server *s, struct MHD_Connection *connection,
                            const char *url, const char *method, const char *body,
                            size_t *body_size, void **state)
{
    struct request *r = *state;
    if (!r) {
        unsigned status = MHD_HTTP_NOT_FOUND;
        *state = r = calloc(1, sizeof *r);
        if (!r)
            return MHD_NO;
        const char *reason = split(r, url) ? refusal(s, connection, r, &status) : "too long";
        if (!reason && strcmp(method, "PUT") == 0 && is_case(r, 5) && is(r, 3, "files") &&
            guard_name(r->part[4]))
            reason = begin_upload(s, connection, r, &status);
        if (!reason)
            return MHD_YES;
        r->refused = true;
        return respond_error(connection, status, reason);
    }
    if (*body_size) {
        take(s, r, body, *body_size);
        *body_size = 0;
        return MHD_YES;
    }
    return answer(s, connection, method, r);
}

enum MHD_Result routes_handle(void *data, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *body,
                              size_t *body_size, void **state)
{
    struct assay_server *s = data;
    (void)version;
    pthread_mutex_lock(&s->lock);
    enum MHD_Result result = step(s, connection, url, method, body, body_size, state);
    pthread_mutex_unlock(&s->lock);
    return result;
}

void routes_done(void *server, struct MHD_Connection *connection, void **state,
                 enum MHD_RequestTerminationCode how)
{
    struct request *r = *state;
    (void)server, (void)connection, (void)how;
    if (!r)
        return;
    if (r->uploads)
        upload_end(&r->upload);
    free(r->body);
    free(r);
    *state = NULL;
}
