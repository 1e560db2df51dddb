/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/style_score.h"

#include "cli/http.h"
#include "cli/style.h"

#include "base/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct work {
    struct cli_call *call;
    const struct style_scoring *s;
    struct http *http;
    json_t *done; /* writer, a line end and the prompt, to true */
    FILE *out;
    size_t kept, asked, texts;
};

static assay_status cannot(struct work *w, const char *what)
{
    return assay_error_at(&w->call->error, ASSAY_ERROR_IO, w->s->out, 0, "%s: %s", what,
                          strerror(errno));
}

static char *key_of(const char *writer, const char *prompt)
{
    size_t size = strlen(writer) + strlen(prompt) + 2;
    char *key = malloc(size);
    if (key)
        snprintf(key, size, "%s\n%s", writer, prompt);
    return key;
}

/* ---- the log ------------------------------------------------------------------------- */

/* Marks what was scored before; returns where the last whole line ends. */
static long read_log(struct work *w, bool *foreign)
{
    char *line = NULL;
    size_t room = 0;
    long end = 0;
    for (ssize_t n; (n = getline(&line, &room, w->out)) > 0 && line[n - 1] == '\n';) {
        json_t *object = json_loadb(line, (size_t)n, 0, NULL);
        const char *scorer = json_string_value(json_object_get(object, "scorer"));
        const char *writer = json_string_value(json_object_get(object, "writer"));
        const char *prompt = json_string_value(json_object_get(object, "prompt"));
        bool known = scorer && writer && prompt;
        char *key = known ? key_of(writer, prompt) : NULL;
        if (key && strcmp(scorer, w->s->model) == 0)
            json_object_set_new(w->done, key, json_true());
        *foreign = *foreign || !known;
        free(key);
        json_decref(object);
        end = ftell(w->out);
    }
    free(line);
    return end;
}

static assay_status open_log(struct work *w)
{
    bool foreign = false;
    w->out = fopen(w->s->out, "a+");
    if (!w->out)
        return cannot(w, "cannot open");
    rewind(w->out);
    long end = read_log(w, &foreign);
    w->kept = json_object_size(w->done);
    if (foreign) /* cutting it could lose somebody's work */
        return assay_error_at(&w->call->error, ASSAY_ERROR_INPUT, w->s->out, 0,
                              "holds lines that are no scored texts; name another --out");
    if (fseek(w->out, 0, SEEK_END) != 0 ||
        (ftell(w->out) > end && ftruncate(fileno(w->out), end) != 0))
        return cannot(w, "cannot continue it");
    return ASSAY_OK;
}

/* ---- one text ------------------------------------------------------------------------ */

static size_t characters(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xC0) != 0x80;
    return n;
}

/* Bytes of what follows the first `skip` characters. */
static size_t bytes_after(const char *text, size_t skip)
{
    const char *at = text;
    while (*at && (skip > 0 || ((unsigned char)*at & 0xC0) == 0x80)) {
        skip -= ((unsigned char)*at & 0xC0) != 0x80;
        at++;
    }
    return strlen(at);
}

/* Sums the tokens that begin in the text, not in the prompt before it. */
static bool sum_up(const json_t *response, const char *whole, size_t prefix, double *sum,
                   size_t *bytes)
{
    const json_t *logprobs =
        json_object_get(json_array_get(json_object_get(response, "choices"), 0), "logprobs");
    const json_t *values = json_object_get(logprobs, "token_logprobs");
    const json_t *offsets = json_object_get(logprobs, "text_offset");
    size_t first = SIZE_MAX, end = characters(whole);
    *sum = 0;
    for (size_t i = 0; i < json_array_size(values) && i < json_array_size(offsets); i++) {
        const json_t *value = json_array_get(values, i);
        json_int_t offset = json_integer_value(json_array_get(offsets, i));
        if (offset < (json_int_t)prefix || offset >= (json_int_t)end || !json_is_number(value))
            continue;
        first = (size_t)offset < first ? (size_t)offset : first;
        *sum += json_number_value(value);
    }
    *bytes = first < end ? bytes_after(whole, first) : 0;
    return *bytes > 0 && *sum <= 0;
}

static json_t *make_request(const struct work *w, const char *whole)
{
    json_t *request = json_object();
    json_set_text(request, "model", w->s->model);
    json_set_text(request, "prompt", whole);
    json_object_set_new(request, "max_tokens", json_integer(0));
    json_object_set_new(request, "echo", json_true());
    json_object_set_new(request, "logprobs", json_integer(1));
    return request;
}

static assay_status write_line(struct work *w, const char *writer, const char *prompt, double sum,
                               size_t bytes)
{
    json_t *object = json_object();
    json_set_text(object, "scorer", w->s->model);
    json_set_text(object, "writer", writer);
    json_set_text(object, "prompt", prompt);
    json_set_number(object, "log_probability", sum);
    json_set_number(object, "bytes", (double)bytes);
    bool good = cli_append_line(w->out, object);
    w->kept += good;
    w->asked += good;
    return good ? ASSAY_OK : cannot(w, "cannot write");
}

static assay_status score_text(struct work *w, const char *writer, const struct assay_answer *a)
{
    json_t *response = NULL;
    double sum = 0;
    size_t bytes = 0, size = strlen(a->key) + a->bytes + 3;
    char *whole = malloc(size);
    if (!whole)
        return assay_error_at(&w->call->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    snprintf(whole, size, "%s\n\n%s", a->key, a->text);
    json_t *request = make_request(w, whole);
    assay_status status = http_ask(w->http, request, w->kept, &response);
    if (status == ASSAY_OK) {
        status = sum_up(response, whole, characters(a->key) + 2, &sum, &bytes)
                     ? write_line(w, writer, a->key, sum, bytes)
                     : assay_error_at(&w->call->error, ASSAY_ERROR_INPUT, w->s->endpoint, 0,
                                      "answers without the text's own log-probabilities: expected "
                                      "a server whose completions know echo and logprobs");
        json_decref(response);
    }
    json_decref(request);
    free(whole);
    return status;
}

static assay_status score_set(struct work *w, const struct assay_responses *set, size_t *at)
{
    if (set->fingerprint)
        return assay_error_at(&w->call->error, ASSAY_ERROR_INPUT, set->path, 0,
                              "is a fingerprint: to score texts, give the texts");
    for (size_t i = 0; i < set->n; i++, (*at)++) {
        const struct assay_context *context = &w->call->context;
        struct timespec before, now;
        char *key = key_of(set->name, set->answers[i].key);
        bool done = !key || json_object_get(w->done, key) || set->answers[i].bytes == 0;
        free(key);
        if (done)
            continue;
        clock_gettime(CLOCK_MONOTONIC, &before);
        if (context->progress && !context->progress(context->progress_user, "texts", *at, w->texts))
            return assay_error_at(&w->call->error, ASSAY_ERROR_INTERRUPTED, w->s->endpoint, 0,
                                  "interrupted; what was scored is kept");
        ASSAY_TRY(score_text(w, set->name, &set->answers[i]));
        clock_gettime(CLOCK_MONOTONIC, &now);
        double spent =
            (double)(now.tv_sec - before.tv_sec) + 1e-9 * (double)(now.tv_nsec - before.tv_nsec);
        if (w->s->per_minute > 0 && !http_wait(60.0 / (double)w->s->per_minute - spent))
            return assay_error_at(&w->call->error, ASSAY_ERROR_INTERRUPTED, w->s->endpoint, 0,
                                  "interrupted; what was scored is kept");
    }
    return ASSAY_OK;
}

static assay_status score_all(struct work *w)
{
    struct style_inputs in;
    size_t at = 0;
    ASSAY_TRY(style_inputs_read(w->call, NULL, w->s->texts, NULL, &in));
    for (size_t i = 0; i < in.set_count; i++)
        w->texts += in.sets[i]->n;
    assay_status status = open_log(w);
    for (size_t i = 0; i < in.set_count && status == ASSAY_OK; i++)
        status = score_set(w, in.sets[i], &at);
    style_inputs_free(&in);
    return status;
}

static assay_status print(struct work *w)
{
    json_t *object = json_object();
    json_set_text(object, "out", w->s->out);
    json_set_number(object, "texts", (double)w->texts);
    json_set_number(object, "scored", (double)w->kept);
    json_set_number(object, "asked", (double)w->asked);
    if (w->call->json)
        return cli_print_json(w->call, object);
    json_decref(object);
    cli_say("%zu of %zu texts scored in %s, %zu of them new.\n", w->kept, w->texts, w->s->out,
            w->asked);
    return cli_finish_output(w->call);
}

assay_status style_score(struct cli_call *call, const struct style_scoring *scoring)
{
    struct work w = {.call = call, .s = scoring, .done = json_object()};
    assay_status status =
        http_open(call, scoring->endpoint, "completions", scoring->tries, &w.http);
    if (status == ASSAY_OK)
        status = score_all(&w);
    if (w.out && fclose(w.out) != 0 && status == ASSAY_OK)
        status = cannot(&w, "cannot close");
    http_close(w.http);
    json_decref(w.done);
    return status == ASSAY_OK ? print(&w) : status;
}
