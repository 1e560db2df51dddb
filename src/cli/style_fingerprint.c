/* SPDX-License-Identifier: Apache-2.0 */
/* assay style fingerprint: what can be shared of answers without sharing them. */
#include "cli/commands.h"
#include "cli/style.h"

#include "base/folder.h"
#include "base/json.h"

#include <string.h>

enum { OUT, PROMPTS, WORDS, THIN };

struct made {
    char *path;
    size_t bytes, prompts;
};

static assay_status make(struct cli_call *call, struct assay_responses *set, const char *folder,
                         const struct assay_style_fingerprint_settings *settings,
                         struct assay_arena *arena, struct made *made)
{
    struct assay_responses *fingerprint;
    made->path = assay_arena_print(arena, "%s/%s.fingerprint", folder, set->name);
    if (!made->path)
        return assay_error_at(&call->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    ASSAY_TRY(
        assay_style_fingerprint_make(&call->context, set, settings, &fingerprint, &call->error));
    made->prompts = fingerprint->n;
    assay_status status =
        assay_fingerprint_write(fingerprint, made->path, &made->bytes, &call->error);
    assay_responses_free(fingerprint);
    return status;
}

static assay_status refuse_twins(struct cli_call *call, const struct style_inputs *in)
{
    for (size_t i = 0; i < in->set_count; i++)
        for (size_t k = 0; k < i; k++)
            if (strcmp(in->sets[i]->name, in->sets[k]->name) == 0)
                return assay_error_at(&call->error, ASSAY_ERROR_INPUT, in->sets[i]->path, 0,
                                      "two sets are called %.200s: rename one", in->sets[i]->name);
    return ASSAY_OK;
}

static assay_status make_all(struct cli_call *call, const struct style_inputs *in,
                             const struct assay_style_fingerprint_settings *settings,
                             struct made *made)
{
    const char *folder = call->value[OUT] ? call->value[OUT] : ".";
    ASSAY_TRY(refuse_twins(call, in));
    ASSAY_TRY(folder_make(folder, &call->error));
    for (size_t i = 0; i < in->set_count; i++)
        ASSAY_TRY(make(call, in->sets[i], folder, settings, in->arena, &made[i]));
    return ASSAY_OK;
}

static assay_status print(struct cli_call *call, const struct style_inputs *in,
                          const struct made *made)
{
    json_t *object = json_object(), *list = json_array();
    for (size_t i = 0; i < in->set_count; i++) {
        json_t *o = json_object();
        json_set_text(o, "name", in->sets[i]->name);
        json_set_text(o, "path", made[i].path);
        json_set_number(o, "bytes", (double)made[i].bytes);
        json_set_number(o, "prompts", (double)made[i].prompts);
        json_set_text(o, "source_sha256", in->sets[i]->source_sha256);
        json_array_append_new(list, o);
        if (!call->json)
            cli_say("%s: %zu prompts, %.0f KB\n", made[i].path, made[i].prompts,
                    (double)made[i].bytes / 1000);
    }
    json_object_set_new(object, "fingerprints", list);
    if (call->json)
        return cli_print_json(call, object);
    json_decref(object);
    return cli_finish_output(call);
}

static assay_status run_command(struct cli_call *call)
{
    struct style_inputs in;
    struct assay_style_fingerprint_settings settings = assay_style_fingerprint_settings_default();
    int64_t prompts = (int64_t)settings.most_prompts, words = (int64_t)settings.most_words;
    int64_t thin = 1;
    ASSAY_TRY(cli_number(call, PROMPTS, 1, 1000000, &prompts));
    ASSAY_TRY(cli_number(call, WORDS, 1, 100000, &words));
    ASSAY_TRY(cli_number(call, THIN, 1, 1000, &thin));
    settings.most_prompts = (size_t)prompts;
    settings.most_words = (size_t)words;
    for (size_t k = 0; k < ASSAY_FINGERPRINT_KINDS; k++)
        settings.share[k] /= (double)thin;
    ASSAY_TRY(style_inputs_read(call, NULL, NULL, NULL, &in));
    struct made *made = assay_arena_alloc(in.arena, in.set_count, sizeof *made);
    assay_status status =
        made ? make_all(call, &in, &settings, made)
             : assay_error_at(&call->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    if (status == ASSAY_OK)
        status = print(call, &in, made);
    style_inputs_free(&in);
    return status;
}

const struct cli_command cli_style_fingerprint = {
    .room = "style",
    .verb = "fingerprint",
    .arguments = "DIR|FILE...",
    .summary = "Write what can be shared of answers without sharing their texts",
    .text =
        "Hashes of a sample of the words, phrases and openings of each answer, its length, and\n"
        "counts of the most frequent words: NAME.fingerprint for each set. A fingerprint can\n"
        "stand wherever a file of answers can, but for `copies` and the classifier of\n"
        "`identify`. Nobody can read the answers back, but whoever guesses one can check it.\n",
    .least = 1,
    .most = CLI_MOST_POSITIONALS,
    .options = {{"out", "DIR", "where to; default here"},
                {"prompts", "N", "keep runs of at most N prompts, the same for all; default 1000"},
                {"words", "N", "count the N most frequent words; default 2000"},
                {"thin", "N", "keep one in N of the runs that would be kept; default 1"}},
    .run = run_command,
};
