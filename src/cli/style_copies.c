/* SPDX-License-Identifier: Apache-2.0 */
/* assay style copies */
#include "cli/commands.h"
#include "cli/style.h"

#include "base/json.h"

enum { SUSPECT, CANDIDATES, LEAST };

static json_t *examples_json(const struct assay_style_copy *c)
{
    json_t *list = json_array();
    for (size_t i = 0; i < c->example_count; i++) {
        json_t *o = json_object();
        json_set_text(o, "prompt", c->examples[i].prompt);
        json_object_set_new(o, "text", json_string_nocheck(c->examples[i].text));
        json_set_number(o, "characters", (double)c->examples[i].characters);
        json_set_number(o, "others", (double)c->examples[i].others);
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *to_json(const struct style_inputs *in, const struct assay_style_copies *r)
{
    json_t *object = json_object(), *list = json_array();
    json_set_text(object, "suspect", in->suspect->path);
    json_set_number(object, "least_characters", (double)r->least);
    for (size_t i = 0; i < r->count; i++) {
        const struct assay_style_copy *c = &r->list[i];
        json_t *o = json_object();
        json_set_text(o, "name", c->name);
        json_set_number(o, "shared_prompts", (double)c->shared_prompts);
        json_set_number(o, "prompts_with_long_runs", (double)c->prompts_with_long_runs);
        json_set_number(o, "longest_run_characters", (double)c->longest_run_characters);
        json_object_set_new(o, "examples", examples_json(c));
        json_array_append_new(list, o);
    }
    json_object_set_new(object, "candidates", list);
    json_set_number(object, "files_not_read", (double)in->left_out);
    return object;
}

static void print(const struct assay_style_copies *r)
{
    cli_say("Prompts on which the suspect shares a run of %zu characters or more that at most one\n"
            "in twenty of the other candidates has:\n\n"
            "prompts  of those shared  longest run  candidate\n",
            r->least);
    for (size_t i = 0; i < r->count; i++)
        cli_say("%7zu  %15zu  %11zu  %s\n", r->list[i].prompts_with_long_runs,
                r->list[i].shared_prompts, r->list[i].longest_run_characters, r->list[i].name);
    if (r->count > 0 && r->list[0].example_count > 0)
        cli_say("\nThe longest, with %s, on \"%.200s\":\n%.400s\n", r->list[0].name,
                r->list[0].examples[0].prompt, r->list[0].examples[0].text);
}

static assay_status run_command(struct cli_call *call)
{
    struct style_inputs in;
    struct assay_style_copies result;
    int64_t least = 200;
    if (!call->value[SUSPECT] || (!call->value[CANDIDATES] && call->positionals == 0))
        return assay_error_at(&call->error, ASSAY_ERROR_INPUT, NULL, 0,
                              "expected --suspect FILE and --candidates DIR");
    ASSAY_TRY(cli_number(call, LEAST, 20, 100000, &least));
    ASSAY_TRY(style_inputs_read(call, call->value[SUSPECT], call->value[CANDIDATES], NULL, &in));
    assay_status status =
        assay_style_copies_find(&call->context, in.suspect, in.sets + 1, in.set_count - 1,
                                (size_t)least, &result, &call->error);
    if (status == ASSAY_OK) {
        if (call->json) {
            status = cli_print_json(call, to_json(&in, &result));
        } else {
            print(&result);
            status = cli_finish_output(call);
        }
        assay_style_copies_free(&result);
    }
    style_inputs_free(&in);
    return status;
}

const struct cli_command cli_style_copies = {
    .room = "style",
    .verb = "copies",
    .arguments = "--suspect FILE --candidates DIR [FILE...]",
    .summary = "Runs of text that the suspect shares with a candidate and few others",
    .text =
        "Exact, white space made one. A run that more than one in twenty of the candidates has\n"
        "is what everyone says (a poem, a licence) and does not count: give many candidates.\n",
    .least = 0,
    .most = CLI_MOST_POSITIONALS,
    .options = {{"suspect", "FILE", "answers of the model in question"},
                {"candidates", "DIR", "answers of candidates: a file or a folder"},
                {"least", "N", "characters that make a long run; default 200"}},
    .run = run_command,
};
