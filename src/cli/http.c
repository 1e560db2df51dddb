/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/http.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MOST_BODY ((size_t)64 << 20)
#define MOST_WAIT 60 /* seconds between two tries */

struct body {
    char *bytes;
    size_t size;
};

struct http {
    struct cli_call *call;
    const char *endpoint;
    CURL *curl;
    struct curl_slist *headers;
    char url[2100];
    int64_t tries;
    struct body body;
    long status, retry_after; /* of the last answer; seconds */
    char problem[CURL_ERROR_SIZE];
};

static assay_status refuse(struct http *w, assay_status status, const char *what)
{
    return assay_error_at(&w->call->error, status, w->endpoint, 0, "%s", what);
}

static size_t receive(char *bytes, size_t size, size_t n, void *user)
{
    struct body *body = user;
    size_t more = size * n;
    char *wider =
        more <= MOST_BODY - body->size ? realloc(body->bytes, body->size + more + 1) : NULL;
    if (!wider)
        return 0; /* ends the transfer with an error */
    memcpy(wider + body->size, bytes, more);
    body->bytes = wider;
    body->size += more;
    wider[body->size] = 0;
    return more;
}

static int stop_when_interrupted(void *user, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    (void)user;
    (void)a;
    (void)b;
    (void)c;
    (void)d;
    return cli_interrupted();
}

/* Sends it once. False: not even a status came back. */
static bool send_once(struct http *w, const char *text)
{
    curl_off_t wait = 0;
    w->body.size = 0;
    w->status = 0;
    w->problem[0] = 0;
    curl_easy_setopt(w->curl, CURLOPT_POSTFIELDS, text);
    CURLcode code = curl_easy_perform(w->curl);
    curl_easy_getinfo(w->curl, CURLINFO_RESPONSE_CODE, &w->status);
    curl_easy_getinfo(w->curl, CURLINFO_RETRY_AFTER, &wait);
    w->retry_after = wait > 0 && wait < MOST_WAIT ? (long)wait : 0;
    if (code != CURLE_OK && !w->problem[0])
        snprintf(w->problem, sizeof w->problem, "%s", curl_easy_strerror(code));
    return code == CURLE_OK;
}

/* Sleeps unless interrupted. */
bool http_wait(double seconds)
{
    for (; seconds > 0 && !cli_interrupted(); seconds -= 0.1) {
        double part = seconds < 0.1 ? seconds : 0.1;
        nanosleep(&(struct timespec){.tv_nsec = (long)(part * 1e9)}, NULL);
    }
    return !cli_interrupted();
}

static assay_status refused(struct http *w, size_t kept)
{
    json_t *object = json_loadb(w->body.bytes ? w->body.bytes : "", w->body.size, 0, NULL);
    const char *message =
        json_string_value(json_object_get(json_object_get(object, "error"), "message"));
    assay_status status =
        w->status == 0
            ? refuse(w, ASSAY_ERROR_IO, w->problem)
            : assay_error_at(&w->call->error, ASSAY_ERROR_IO, w->endpoint, 0,
                             "HTTP status %ld: %.300s; %zu answers are kept, run it again to go on",
                             w->status, message ? message : "no message", kept);
    json_decref(object);
    return status;
}

/* Asked again where that may help: no connection, 408, 429, 5xx. */
static assay_status ask(struct http *w, const char *text, size_t kept, json_t **response)
{
    double pause = 1;
    for (int64_t attempt = 1;; attempt++) {
        bool sent = send_once(w, text);
        if (cli_interrupted())
            return refuse(w, ASSAY_ERROR_INTERRUPTED, "interrupted; what was answered is kept");
        if (sent && w->status >= 200 && w->status < 300)
            break;
        bool again = !sent || w->status == 408 || w->status == 429 || w->status >= 500;
        if (!again || attempt >= w->tries)
            return refused(w, kept);
        if (!http_wait(w->retry_after > 0 ? (double)w->retry_after : pause))
            return refuse(w, ASSAY_ERROR_INTERRUPTED, "interrupted; what was answered is kept");
        pause = pause * 2 > MOST_WAIT ? MOST_WAIT : pause * 2;
    }
    *response = json_loadb(w->body.bytes ? w->body.bytes : "", w->body.size, JSON_ALLOW_NUL, NULL);
    if (!json_is_object(json_array_get(json_object_get(*response, "choices"), 0))) {
        json_decref(*response);
        return refuse(w, ASSAY_ERROR_INPUT,
                      "answers, but not with a completion: is this the right endpoint?");
    }
    return ASSAY_OK;
}

static bool add_header(struct http *w, const char *header)
{
    struct curl_slist *longer = curl_slist_append(w->headers, header);
    w->headers = longer ? longer : w->headers;
    return longer != NULL;
}

static bool set_up(struct http *w, const char *verb)
{
    const char *key = getenv("ASSAY_API_KEY"), *base = w->endpoint;
    size_t length = strlen(base), end = strlen(verb);
    bool whole = length > end && strcmp(base + length - end, verb) == 0;
    char header[4200];
    key = key && *key ? key : getenv("OPENAI_API_KEY");
    snprintf(w->url, sizeof w->url, "%.2000s%s%s", base,
             whole || (length > 0 && base[length - 1] == '/') ? "" : "/", whole ? "" : verb);
    w->curl = curl_easy_init();
    if (!w->curl || !add_header(w, "Content-Type: application/json"))
        return false;
    if (key && *key) {
        snprintf(header, sizeof header, "Authorization: Bearer %.4000s", key);
        if (!add_header(w, header))
            return false;
    }
    curl_easy_setopt(w->curl, CURLOPT_URL, w->url);
    curl_easy_setopt(w->curl, CURLOPT_HTTPHEADER, w->headers);
    curl_easy_setopt(w->curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(w->curl, CURLOPT_FOLLOWLOCATION, 0L); /* not to hand the key to another host */
    curl_easy_setopt(w->curl, CURLOPT_CONNECTTIMEOUT, 30L);
    curl_easy_setopt(w->curl, CURLOPT_TIMEOUT, 900L);
    curl_easy_setopt(w->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(w->curl, CURLOPT_ERRORBUFFER, w->problem);
    curl_easy_setopt(w->curl, CURLOPT_WRITEFUNCTION, receive);
    curl_easy_setopt(w->curl, CURLOPT_WRITEDATA, &w->body);
    curl_easy_setopt(w->curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(w->curl, CURLOPT_XFERINFOFUNCTION, stop_when_interrupted);
    return true;
}

assay_status http_open(struct cli_call *call, const char *endpoint, const char *verb, int64_t tries,
                       struct http **http)
{
    struct http *w = calloc(1, sizeof *w);
    *http = w;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    if (w) {
        w->call = call;
        w->endpoint = endpoint;
        w->tries = tries;
    }
    return w && set_up(w, verb)
               ? ASSAY_OK
               : assay_error_at(&call->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

void http_close(struct http *w)
{
    if (!w)
        return;
    curl_slist_free_all(w->headers);
    if (w->curl)
        curl_easy_cleanup(w->curl);
    curl_global_cleanup();
    free(w->body.bytes);
    free(w);
}

assay_status http_ask(struct http *w, const json_t *request, size_t kept, json_t **response)
{
    char *text = json_dumps(request, JSON_COMPACT);
    assay_status status =
        text ? ask(w, text, kept, response)
             : assay_error_at(&w->call->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    free(text);
    return status;
}
