/* SPDX-License-Identifier: Apache-2.0 */
/*
 * assay style collect: answers from a server that speaks OpenAI's chat completions. In: prompts.
 * Out: a log of requests and responses, a line each, on disk before the next is asked. What can go
 * wrong: a server that is busy (asked again, later), one that refuses (the run ends, its message is
 * shown), an interrupt or a crash (what was answered stays; a line that was not finished is cut off
 * by the next run, which asks only for what is missing).
 */
#include "cli/commands.h"
#include "cli/http.h"
#include "cli/style_score.h"

#include "base/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { ENDPOINT, MODEL, OUT, PROMPTS, TEXTS, RATE, TOKENS, TRIES };

#define MOST_FILE ((size_t)64 << 20)
#define MOST_PROMPTS 1000000

struct work {
    struct cli_call *call;
    struct http *http;
    json_t *prompts; /* strings */
    json_t *done;    /* prompt to true */
    FILE *out;
    int64_t per_minute, tokens, tries;
    size_t asked, kept;
};

static assay_status refuse(struct work *w, assay_status status, const char *what)
{
    return assay_error_at(&w->call->error, status, w->call->value[ENDPOINT], 0, "%s", what);
}

static assay_status no_memory(struct work *w)
{
    return assay_error_at(&w->call->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

/* ---- prompts and what was answered before ------------------------------------------------ */

static const char *prompt_of(const json_t *object)
{
    static const char *const names[] = {"instruction", "prompt", "question", "query"};
    if (json_is_string(object))
        return json_string_value(object);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *text = json_string_value(json_object_get(object, names[i]));
        if (text)
            return text;
    }
    return NULL;
}

static assay_status add_prompt(struct work *w, const char *path, long line, const char *prompt)
{
    if (!prompt)
        return assay_error_at(
            &w->call->error, ASSAY_ERROR_INPUT, path, line,
            "expected a string, or an object with instruction, prompt or question");
    if (json_array_size(w->prompts) == MOST_PROMPTS)
        return assay_error_at(&w->call->error, ASSAY_ERROR_LIMIT, path, line,
                              "more than %d prompts", MOST_PROMPTS);
    return json_array_append_new(w->prompts, json_string(prompt)) == 0
               ? ASSAY_OK
               : assay_error_at(&w->call->error, ASSAY_ERROR_INPUT, path, line,
                                "a prompt that is not UTF-8");
}

/* One prompt a line: an object, a string, or the line itself. */
static assay_status read_prompt_lines(struct work *w, const char *path, const char *text)
{
    long line = 1;
    for (const char *at = text; *at; line++) {
        size_t length = strcspn(at, "\n");
        const char *start = at + strspn(at, " \t\r");
        at += length + (at[length] == '\n');
        if (start >= at || *start == '\n' || !*start)
            continue;
        size_t n = strcspn(start, "\r\n");
        json_t *value =
            *start == '{' || *start == '"' ? json_loadb(start, n, JSON_DECODE_ANY, NULL) : NULL;
        char *plain = value ? NULL : strndup(start, n);
        assay_status status = add_prompt(w, path, line, value ? prompt_of(value) : plain);
        json_decref(value);
        free(plain);
        ASSAY_TRY(status);
    }
    return ASSAY_OK;
}

static assay_status read_prompts(struct work *w, const char *path)
{
    struct assay_file file;
    assay_status status = ASSAY_OK;
    ASSAY_TRY(assay_file_open(path, MOST_FILE, &file, &w->call->error));
    char *text = malloc(file.size + 1);
    if (text) {
        memcpy(text, file.bytes, file.size);
        text[file.size] = 0;
        json_t *array = text[strspn(text, " \t\r\n")] == '[' ? json_loads(text, 0, NULL) : NULL;
        for (size_t i = 0; array && i < json_array_size(array) && status == ASSAY_OK; i++)
            status = add_prompt(w, path, 0, prompt_of(json_array_get(array, i)));
        if (!array)
            status = read_prompt_lines(w, path, text);
        json_decref(array);
    }
    free(text);
    assay_file_close(&file);
    if (!text)
        return no_memory(w);
    if (status == ASSAY_OK && json_array_size(w->prompts) == 0)
        return assay_error_at(&w->call->error, ASSAY_ERROR_INPUT, path, 0, "holds no prompts");
    return status;
}

/* Marks what the log has answers to; returns where its last whole line ends. */
static long read_log(struct work *w, FILE *log, bool *foreign)
{
    char *line = NULL;
    size_t room = 0;
    long end = 0;
    for (ssize_t n; (n = getline(&line, &room, log)) > 0 && line[n - 1] == '\n';) {
        json_t *object = json_loadb(line, (size_t)n, 0, NULL);
        const json_t *messages = json_object_get(json_object_get(object, "request"), "messages");
        const char *prompt =
            json_string_value(json_object_get(json_array_get(messages, 0), "content"));
        *foreign = *foreign || !prompt;
        if (prompt)
            json_object_set_new(w->done, prompt, json_true());
        json_decref(object);
        end = ftell(log);
    }
    free(line);
    return end;
}

static assay_status open_log(struct work *w, const char *path)
{
    bool foreign = false;
    w->out = fopen(path, "a+");
    if (!w->out)
        return assay_error_at(&w->call->error, ASSAY_ERROR_IO, path, 0, "cannot open: %s",
                              strerror(errno));
    rewind(w->out);
    long end = read_log(w, w->out, &foreign);
    w->kept = json_object_size(w->done);
    if (foreign) /* cutting it could lose somebody's work */
        return assay_error_at(&w->call->error, ASSAY_ERROR_INPUT, path, 0,
                              "holds lines that `collect` did not write; name another --out");
    if (fseek(w->out, 0, SEEK_END) != 0 ||
        (ftell(w->out) > end && ftruncate(fileno(w->out), end) != 0))
        return assay_error_at(&w->call->error, ASSAY_ERROR_IO, path, 0, "cannot continue it: %s",
                              strerror(errno));
    return ASSAY_OK;
}

/* ---- asking -------------------------------------------------------------------------- */

static json_t *make_request(const struct work *w, const char *prompt)
{
    json_t *request = json_object(), *message = json_object(), *messages = json_array();
    json_set_text(message, "role", "user");
    json_set_text(message, "content", prompt);
    json_array_append_new(messages, message);
    json_set_text(request, "model", w->call->value[MODEL]);
    json_object_set_new(request, "messages", messages);
    if (w->tokens > 0)
        json_object_set_new(request, "max_tokens", json_integer(w->tokens));
    return request;
}

static assay_status write_line(struct work *w, json_t *request, json_t *response)
{
    json_t *object = json_object();
    json_object_set(object, "request", request);
    json_object_set(object, "response", response);
    bool good = cli_append_line(w->out, object);
    w->kept += good;
    return good ? ASSAY_OK
                : assay_error_at(&w->call->error, ASSAY_ERROR_IO, w->call->value[OUT], 0,
                                 "cannot write: %s", strerror(errno));
}

static assay_status ask_prompt(struct work *w, const char *prompt)
{
    json_t *request = make_request(w, prompt), *response = NULL;
    assay_status status = http_ask(w->http, request, w->kept, &response);
    if (status == ASSAY_OK) {
        status = write_line(w, request, response);
        json_decref(response);
    }
    w->asked += status == ASSAY_OK;
    json_decref(request);
    return status;
}

static assay_status ask_all(struct work *w)
{
    size_t n = json_array_size(w->prompts);
    struct timespec before, now;
    for (size_t i = 0; i < n; i++) {
        const char *prompt = json_string_value(json_array_get(w->prompts, i));
        const struct assay_context *context = &w->call->context;
        if (json_object_get(w->done, prompt))
            continue;
        clock_gettime(CLOCK_MONOTONIC, &before);
        if ((context->progress && !context->progress(context->progress_user, "answers", i, n)))
            return refuse(w, ASSAY_ERROR_INTERRUPTED, "interrupted; what was answered is kept");
        ASSAY_TRY(ask_prompt(w, prompt));
        json_object_set_new(w->done, prompt, json_true());
        clock_gettime(CLOCK_MONOTONIC, &now);
        double spent =
            (double)(now.tv_sec - before.tv_sec) + 1e-9 * (double)(now.tv_nsec - before.tv_nsec);
        if (w->per_minute > 0 && i + 1 < n && !http_wait(60.0 / (double)w->per_minute - spent))
            return refuse(w, ASSAY_ERROR_INTERRUPTED, "interrupted; what was answered is kept");
    }
    return ASSAY_OK;
}

/* ---- the command ---------------------------------------------------------------------- */

static assay_status print(struct work *w)
{
    json_t *object = json_object();
    if (!w->call->json) {
        json_decref(object);
        cli_say("%zu answers in %s, %zu of them new.\n", w->kept, w->call->value[OUT], w->asked);
        return cli_finish_output(w->call);
    }
    json_set_text(object, "out", w->call->value[OUT]);
    json_set_number(object, "prompts", (double)json_array_size(w->prompts));
    json_set_number(object, "answers", (double)w->kept);
    json_set_number(object, "asked", (double)w->asked);
    return cli_print_json(w->call, object);
}

static assay_status collect(struct work *w)
{
    struct cli_call *call = w->call;
    ASSAY_TRY(cli_number(call, RATE, 1, 1000000, &w->per_minute));
    ASSAY_TRY(cli_number(call, TOKENS, 1, 1000000, &w->tokens));
    ASSAY_TRY(cli_number(call, TRIES, 1, 100, &w->tries));
    w->prompts = json_array();
    w->done = json_object();
    if (!w->prompts || !w->done)
        return no_memory(w);
    ASSAY_TRY(http_open(call, call->value[ENDPOINT], "chat/completions", w->tries, &w->http));
    ASSAY_TRY(read_prompts(w, call->value[PROMPTS]));
    ASSAY_TRY(open_log(w, call->value[OUT]));
    ASSAY_TRY(ask_all(w));
    return print(w);
}

static assay_status score(struct work *w)
{
    struct cli_call *call = w->call;
    ASSAY_TRY(cli_number(call, RATE, 1, 1000000, &w->per_minute));
    ASSAY_TRY(cli_number(call, TRIES, 1, 100, &w->tries));
    if (call->value[PROMPTS] || call->value[TOKENS])
        return assay_error_at(&call->error, ASSAY_ERROR_INPUT, NULL, 0,
                              "--texts has texts scored, nothing answered: leave --prompts and "
                              "--max-tokens out");
    return style_score(call, &(struct style_scoring){call->value[ENDPOINT], call->value[MODEL],
                                                     call->value[TEXTS], call->value[OUT], w->tries,
                                                     w->per_minute});
}

static assay_status run_command(struct cli_call *call)
{
    struct work w = {.call = call, .tries = 6};
    for (int i = ENDPOINT; i <= (call->value[TEXTS] ? OUT : PROMPTS); i++)
        if (!call->value[i])
            return assay_error_at(&call->error, ASSAY_ERROR_INPUT, NULL, 0, "expected --%s %s",
                                  call->command->options[i].name, call->command->options[i].value);
    cli_catch_interrupt();
    if (call->value[TEXTS])
        return score(&w);
    assay_status status = collect(&w);
    if (w.out && fclose(w.out) != 0 && status == ASSAY_OK)
        status = assay_error_at(&call->error, ASSAY_ERROR_IO, call->value[OUT], 0, "cannot close");
    http_close(w.http);
    json_decref(w.prompts);
    json_decref(w.done);
    return status;
}

const struct cli_command cli_style_collect = {
    .room = "style",
    .verb = "collect",
    .arguments = "--endpoint URL --model NAME --out FILE --prompts FILE|--texts DIR",
    .summary = "Gather a model's answers from an OpenAI-compatible server",
    .text =
        "Writes a log of requests and responses that the other style commands read, each line\n"
        "on disk before the next prompt is asked; run again, it asks only for what is missing.\n"
        "The key is read from ASSAY_API_KEY or OPENAI_API_KEY. A busy server is asked again\n"
        "after 1, 2, 4 ... 60 seconds, or when it says. With --texts the server is sent what\n"
        "others wrote, each after its prompt and an empty line, and must echo it with\n"
        "log-probabilities (completions, echo, logprobs).\n",
    .least = 0,
    .most = 0,
    .options = {{"endpoint", "URL", "as in https://host/v1"},
                {"model", "NAME", "as the server calls it"},
                {"out", "FILE", "the log, continued if it is there"},
                {"prompts", "FILE", "one a line, or JSON with instruction, prompt or question"},
                {"texts", "DIR", "score these answers instead, for `rank --logprobs`"},
                {"rate", "N", "requests a minute at most; default: no limit"},
                {"max-tokens", "N", "of an answer; default: the server's"},
                {"tries", "N", "of a request; default 6"}},
    .run = run_command,
};
