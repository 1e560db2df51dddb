/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shapes, as their writers document them: AlpacaEval model_outputs.json
 * (github.com/tatsu-lab/alpaca_eval); chat completions and their batch files
 * (platform.openai.com/docs/api-reference); lm-evaluation-harness --log_samples
 * (github.com/EleutherAI/lm-evaluation-harness); FastChat model_answer
 * (github.com/lm-sys/FastChat, fastchat/llm_judge); conversations as ShareGPT has them, from and
 * value for role and content.
 */
#include "formats/responses_record.h"

#include <string.h>

#define MOST_TURNS 64

static const char *const prompt_names[] = {"instruction", "prompt", "question", "query", NULL};
static const char *const answer_names[] = {"output",     "response", "completion", "answer",
                                           "generation", "text",     NULL};
static const char *const id_names[] = {"id",      "question_id", "prompt_id", "session_id",
                                       "task_id", "custom_id",   "doc_id",    "index",
                                       "idx",     NULL};
static const char *const writer_names[] = {"generator", "model", "model_id", "model_name", NULL};

static struct response_text of_string(const json_t *value)
{
    return json_is_string(value)
               ? (struct response_text){json_string_value(value), json_string_length(value)}
               : (struct response_text){NULL, 0};
}

/* A string, or the first string inside nested arrays: outputs and samples are often lists. */
static struct response_text first_string(const json_t *value)
{
    for (int depth = 0; depth < 4 && json_is_array(value); depth++)
        value = json_array_get(value, 0);
    return of_string(value);
}

static struct response_text first_of(const json_t *object, const char *const *names)
{
    struct response_text text = {NULL, 0};
    for (; *names && !text.bytes; names++)
        text = first_string(json_object_get(object, *names));
    return text;
}

static bool no_memory_for(struct response_text *text, const char *copy)
{
    *text = (struct response_text){copy, copy ? strlen(copy) : 0};
    return copy == NULL;
}

/* A string or a whole number as text. */
static bool read_id(const json_t *object, struct assay_arena *scratch, struct response_text *id)
{
    *id = first_of(object, id_names);
    for (const char *const *name = id_names; *name && !id->bytes; name++) {
        const json_t *value = json_object_get(object, *name);
        if (json_is_integer(value) &&
            no_memory_for(id,
                          assay_arena_print(scratch, "%lld", (long long)json_integer_value(value))))
            return false;
    }
    return true;
}

static bool join(struct assay_arena *scratch, struct response_text *to, struct response_text more)
{
    if (!more.bytes)
        return true;
    if (!to->bytes) {
        *to = more;
        return true;
    }
    size_t size = 0;
    if (!assay_size_add(to->size, more.size, &size) || !assay_size_add(size, 2, &size))
        return false;
    char *joined = assay_arena_alloc(scratch, size, 1);
    if (!joined)
        return false;
    memcpy(joined, to->bytes, to->size);
    joined[to->size] = '\n';
    memcpy(joined + to->size + 1, more.bytes, more.size);
    *to = (struct response_text){joined, size - 1};
    return true;
}

/* The text of a message: its content, or the texts among its parts. */
static bool read_content(const json_t *message, struct assay_arena *scratch,
                         struct response_text *text)
{
    const json_t *content = json_object_get(message, "content");
    *text = of_string(content);
    if (!content)
        *text = of_string(json_object_get(message, "value"));
    for (size_t i = 0; i < json_array_size(content); i++) {
        const json_t *part = json_array_get(content, i);
        if (!join(scratch, text, of_string(json_object_get(part, "text"))))
            return false;
    }
    return true;
}

static bool is_role(const json_t *message, const char *role)
{
    static const char *const models[] = {"gpt", "chatgpt", "bot", "model"};
    const char *found = json_string_value(json_object_get(message, "role"));
    if (!found)
        found = json_string_value(json_object_get(message, "from"));
    for (size_t i = 0; found && i < sizeof models / sizeof models[0]; i++)
        if (strcmp(found, models[i]) == 0)
            found = "assistant";
    return found && strcmp(found, role) == 0;
}

static const json_t *messages_of(const json_t *request)
{
    static const char *const names[] = {"messages", "conversations", "conversation"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (json_is_object(json_array_get(json_object_get(request, names[i]), 0)))
            return json_object_get(request, names[i]);
    return NULL;
}

/* The user's side of a conversation, system messages aside; with an assistant's last word after
 * it, that one is the answer. */
static bool read_messages(const json_t *messages, struct assay_arena *scratch,
                          struct response_record *record)
{
    struct response_text text;
    size_t n = json_array_size(messages);
    bool answered = n > 0 && is_role(json_array_get(messages, n - 1), "assistant");
    for (size_t i = 0; i < n; i++) {
        const json_t *message = json_array_get(messages, i);
        if (is_role(message, "system") || (is_role(message, "assistant") && i + 1 < n))
            continue;
        if (!read_content(message, scratch, &text))
            return false;
        if (answered && i + 1 == n)
            record->text = text;
        else if (!join(scratch, &record->key, text))
            return false;
    }
    record->by_prompt = record->key.bytes != NULL;
    return true;
}

/* ---- the shapes ---------------------------------------------------------------------- */

static bool read_chat(const json_t *object, struct assay_arena *scratch,
                      struct response_record *record)
{
    const json_t *request = json_object_get(object, "request");
    const json_t *response = json_object_get(object, "response");
    if (json_is_object(json_object_get(request, "body")))
        request = json_object_get(request, "body");
    if (json_is_object(json_object_get(response, "body")))
        response = json_object_get(response, "body"); /* a batch's result */
    if (!json_is_object(request))
        request = object;
    if (!json_is_object(response))
        response = object;
    const json_t *choice = json_array_get(json_object_get(response, "choices"), 0);
    const json_t *messages = messages_of(request);
    if (!json_is_object(choice) && !messages)
        return true;
    record->known = true;
    record->format = ASSAY_RESPONSES_CHAT_LOG;
    if (!read_messages(messages, scratch, record))
        return false;
    if (!record->key.bytes) {
        record->key = first_string(json_object_get(request, "prompt"));
        record->by_prompt = record->key.bytes != NULL;
    }
    if (choice) {
        const char *reason = json_string_value(json_object_get(choice, "finish_reason"));
        record->truncated = reason && strcmp(reason, "length") == 0;
        if (!read_content(json_object_get(choice, "message"), scratch, &record->text))
            return false;
        if (!record->text.bytes)
            record->text = of_string(json_object_get(choice, "text"));
    }
    record->writer = of_string(json_object_get(response, "model"));
    if (!record->writer.bytes)
        record->writer = of_string(json_object_get(request, "model"));
    return record->key.bytes || read_id(object, scratch, &record->key);
}

static bool read_lm_eval(const json_t *object, struct assay_arena *scratch,
                         struct response_record *record)
{
    const json_t *arguments = json_object_get(object, "arguments");
    record->known = true;
    record->format = ASSAY_RESPONSES_LM_EVAL;
    record->text = first_string(json_object_get(object, "resps"));
    if (!record->text.bytes)
        record->text = first_string(json_object_get(object, "filtered_resps"));
    record->key = first_string(arguments);
    if (!record->key.bytes) /* newer versions: {"gen_args_0": {"arg_0": prompt, ...}} */
        record->key = of_string(json_object_get(json_object_get(arguments, "gen_args_0"), "arg_0"));
    record->by_prompt = record->key.bytes != NULL;
    return record->key.bytes || read_id(object, scratch, &record->key);
}

static const json_t *fastchat_turns(const json_t *object)
{
    const json_t *choice = json_array_get(json_object_get(object, "choices"), 0);
    const json_t *turns = json_object_get(choice, "turns");
    return json_is_array(turns) && json_object_get(object, "question_id") ? turns : NULL;
}

static bool read_fastchat(const json_t *object, const json_t *turns, size_t turn,
                          struct assay_arena *scratch, struct response_record *record)
{
    record->known = true;
    record->format = ASSAY_RESPONSES_FASTCHAT;
    record->text = of_string(json_array_get(turns, turn));
    record->writer = first_of(object, writer_names);
    if (!read_id(object, scratch, &record->key))
        return false;
    return !record->key.bytes ||
           !no_memory_for(&record->key,
                          assay_arena_print(scratch, "%s/%zu", record->key.bytes, turn + 1));
}

static bool read_plain(const json_t *object, bool in_array, struct assay_arena *scratch,
                       struct response_record *record)
{
    record->key = first_of(object, prompt_names);
    if (record->key.bytes) /* Alpaca's own format puts half of the prompt into "input" */
    {
        struct response_text input = of_string(json_object_get(object, "input"));
        if (input.size > 0 && !join(scratch, &record->key, input))
            return false;
    } else {
        record->key = first_string(json_object_get(object, "input"));
    }
    record->by_prompt = record->key.bytes != NULL;
    if (!record->by_prompt && !read_id(object, scratch, &record->key))
        return false;
    record->text = first_of(object, answer_names);
    record->writer = first_of(object, writer_names);
    bool alpaca =
        in_array && json_object_get(object, "instruction") && json_object_get(object, "output");
    record->format = alpaca              ? ASSAY_RESPONSES_ALPACA_EVAL
                     : record->by_prompt ? ASSAY_RESPONSES_LINES
                                         : ASSAY_RESPONSES_ID_OUTPUT;
    record->known = record->key.bytes != NULL;
    return true;
}

size_t response_record_turns(const json_t *object)
{
    size_t turns = json_array_size(fastchat_turns(object));
    return turns == 0 ? 1 : turns > MOST_TURNS ? MOST_TURNS : turns;
}

bool response_record_read(const json_t *object, size_t turn, bool in_array,
                          struct assay_arena *scratch, struct response_record *record)
{
    const json_t *turns = fastchat_turns(object);
    *record = (struct response_record){.known = false};
    if (!json_is_object(object))
        return true;
    if (turns)
        return read_fastchat(object, turns, turn, scratch, record);
    if (json_object_get(object, "resps") || json_object_get(object, "filtered_resps"))
        return read_lm_eval(object, scratch, record);
    if (!read_chat(object, scratch, record))
        return false;
    return record->known || read_plain(object, in_array, scratch, record);
}
