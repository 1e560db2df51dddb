/* SPDX-License-Identifier: Apache-2.0 */
/* assay style identify, parent and rank: three questions, one shape of answer. */
#include "cli/commands.h"
#include "cli/style.h"

#include "base/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SUSPECT, CANDIDATES, PANEL, LEVEL, REPLICATES, LOGPROBS };

/* ---- output -------------------------------------------------------------------------- */

static json_t *channels_json(const struct assay_style_result *r)
{
    json_t *list = json_array();
    for (size_t i = 0; i < r->channel_count; i++) {
        const struct assay_style_channel *c = &r->channels[i];
        json_t *o = json_object();
        json_set_text(o, "name", c->name);
        json_set_number(o, "raw", c->raw);
        json_set_number(o, "residual", c->residual);
        json_object_set_new(o, "counts", json_boolean(c->counts));
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *to_json(const struct cli_call *call, size_t not_read,
                       const struct assay_style_comparison *r)
{
    json_t *object = json_object(), *list = json_array();
    json_set_text(object, "suspect", call->value[SUSPECT] ? call->value[SUSPECT] : "suspect");
    json_object_set_new(object, "abstain", json_boolean(r->abstain));
    json_set_text(object, "reason", r->reason);
    for (size_t i = 0; i < r->count; i++) {
        const struct assay_style_result *c = &r->results[i];
        json_t *o = json_object();
        json_set_text(o, "name", c->name);
        json_set_number(o, "score", c->score);
        json_set_number(o, "score_low", c->score_low);
        json_set_number(o, "score_high", c->score_high);
        json_set_number(o, "p_value", c->p_value);
        json_set_number(o, "q_value", c->q_value);
        if (isnan(c->log10_lr.median))
            json_object_set_new(o, "log10_lr", json_null());
        else
            json_set_interval(o, "log10_lr", c->log10_lr);
        if (isnan(c->rest.median))
            json_object_set_new(o, "rest", json_null());
        else
            json_set_interval(o, "rest", c->rest);
        json_set_text(o, "explained_by", c->explained_by);
        json_set_number(o, "shared_prompts", (double)c->shared_prompts);
        json_object_set_new(o, "channels", channels_json(c));
        json_array_append_new(list, o);
    }
    json_object_set_new(object, "candidates", list);
    json_set_number(object, "prompts", (double)r->prompts);
    json_set_number(object, "null_models", (double)r->null_models);
    json_set_number(object, "null_lineages", (double)r->null_lineages);
    json_object_set_new(object, "left_out", json_texts(r->left_out, r->left_out_count));
    json_set_number(object, "files_not_read", (double)not_read);
    json_object_set_new(object, "limits", json_texts(r->limits, r->limit_count));
    json_set_number(object, "seed", (double)call->context.seed);
    return object;
}

static void print(size_t not_read, const struct assay_style_comparison *r)
{
    cli_say("%s\n\n", r->reason);
    cli_say("   score  (80%% of prompt draws)       p       q   log10 LR            candidate\n");
    for (size_t i = 0; i < r->count; i++) {
        const struct assay_style_result *c = &r->results[i];
        if (isnan(c->score)) {
            cli_say("       -  too few prompts in common                                  %s\n",
                    c->name);
            continue;
        }
        cli_say("%8.2f  (%7.2f to %7.2f)  %7.3f %7.3f   ", c->score, c->score_low, c->score_high,
                c->p_value, c->q_value);
        if (isnan(c->log10_lr.median))
            cli_say("%-20s", "not calibrated");
        else
            cli_say("%5.2f (%5.2f to %5.2f)", c->log10_lr.median, c->log10_lr.low,
                    c->log10_lr.high);
        cli_say("  %s%s%s%s\n", c->name, c->explained_by ? " (explained by " : "",
                c->explained_by ? c->explained_by : "", c->explained_by ? ")" : "");
    }
    cli_say("\n%zu prompts answered by the suspect; p-values over %zu models of %zu lineages.\n",
            r->prompts, r->null_models, r->null_lineages);
    for (size_t i = 0; i < r->left_out_count; i++)
        cli_say("Left out: %s\n", r->left_out[i]);
    if (not_read > 0)
        cli_say("%zu files there are no response sets and were not read.\n", not_read);
    for (size_t i = 0; i < r->limit_count; i++)
        cli_say("Limit: %s\n", r->limits[i]);
}

/* ---- the command --------------------------------------------------------------------- */

/* Without candidates the shipped fingerprints are both candidates and panel. */
static assay_status read_sets(struct cli_call *call, enum assay_style_question question,
                              const char *models, struct style_inputs *in)
{
    char shipped[4200];
    struct assay_style_known known;
    if (call->value[CANDIDATES] || call->positionals > 0)
        return style_inputs_read(call, call->value[SUSPECT], call->value[CANDIDATES],
                                 call->value[PANEL], in);
    snprintf(shipped, sizeof shipped, "%s/style_panel", call->data_folder);
    ASSAY_TRY(style_inputs_read(call, call->value[SUSPECT], shipped, call->value[PANEL], in));
    size_t n = in->set_count - 1 - in->panel_count, shared = 0;
    for (size_t i = 1; i <= n; i++)
        shared += assay_responses_shared(in->suspect, in->sets[i]);
    if (shared == 0) {
        style_inputs_free(in);
        return assay_error_at(&call->error, ASSAY_ERROR_UNANSWERABLE, call->value[SUSPECT], 0,
                              "answers none of the prompts that the public models answered "
                              "(AlpacaEval's 805): ask it those, or give --candidates DIR");
    }
    assay_status status = assay_style_candidates_known(models, question, in->sets + 1, n, in->arena,
                                                       &known, &call->error);
    struct assay_responses **panel =
        assay_arena_alloc(in->arena, known.panel_count + in->panel_count + 1, sizeof *panel);
    if (status == ASSAY_OK && !panel)
        status = assay_error_at(&call->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    if (status != ASSAY_OK) {
        style_inputs_free(in);
        return status;
    }
    memcpy(panel, known.panel, known.panel_count * sizeof(struct assay_responses *));
    memcpy(panel + known.panel_count, in->panel,
           in->panel_count * sizeof(struct assay_responses *));
    in->panel = panel;
    in->panel_count += known.panel_count;
    in->candidates = known.candidates;
    in->candidate_count = known.candidate_count;
    return ASSAY_OK;
}

struct paths {
    char models[4200], calibration[4200], lab[4200];
};

static assay_status read_settings(struct cli_call *call, struct paths *paths,
                                  struct assay_style_settings *settings)
{
    *settings = assay_style_settings_default();
    int64_t replicates = settings->replicates;
    ASSAY_TRY(cli_number(call, REPLICATES, 0, 1000, &replicates));
    if (call->value[LEVEL]) {
        char *end;
        settings->level = strtod(call->value[LEVEL], &end);
        if (*end || !(settings->level > 0 && settings->level < 1))
            return assay_error_at(&call->error, ASSAY_ERROR_INPUT, NULL, 0,
                                  "--level: found \"%.40s\", expected a number between 0 and 1",
                                  call->value[LEVEL]);
    }
    snprintf(paths->models, sizeof paths->models, "%s/style_models.csv", call->data_folder);
    snprintf(paths->calibration, sizeof paths->calibration, "%s/style_calibration.csv",
             call->data_folder);
    snprintf(paths->lab, sizeof paths->lab, "%s/lab_calibration.csv", call->data_folder);
    settings->replicates = (int)replicates;
    settings->models = paths->models;
    settings->calibration = access(paths->calibration, R_OK) == 0 ? paths->calibration : NULL;
    settings->lab = access(paths->lab, R_OK) == 0 ? paths->lab : NULL;
    return ASSAY_OK;
}

/* The suspect's name among the scorers: its file's, where lines have it. */
static const char *scorer_of(const struct cli_call *call, const struct assay_scored_texts *texts,
                             char *name, size_t room)
{
    static const char *const endings[] = {".zst", ".gz", ".jsonl", ".json", ".fingerprint"};
    if (!call->value[SUSPECT])
        return NULL;
    const char *slash = strrchr(call->value[SUSPECT], '/');
    snprintf(name, room, "%s", slash ? slash + 1 : call->value[SUSPECT]);
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        size_t n = strlen(name), m = strlen(endings[i]);
        if (n > m && strcmp(name + n - m, endings[i]) == 0)
            name[n - m] = 0;
    }
    for (size_t i = 0; i < texts->count; i++)
        if (strcmp(texts->list[i].scorer, name) == 0)
            return name;
    return NULL;
}

static assay_status rank_scored(struct cli_call *call, const struct assay_style_settings *settings,
                                struct assay_style_comparison *result)
{
    struct assay_scored_texts texts;
    char name[1024];
    ASSAY_TRY(assay_scored_texts_read(call->value[LOGPROBS], &texts, &call->error));
    assay_status status =
        assay_style_rank_scored(&call->context, &texts, scorer_of(call, &texts, name, sizeof name),
                                settings, result, &call->error);
    assay_scored_texts_free(&texts);
    return status;
}

/* Prints either result or both. */
static assay_status show(struct cli_call *call, size_t not_read,
                         const struct assay_style_comparison *texts,
                         const struct assay_style_comparison *scored)
{
    if (call->json) {
        json_t *object = to_json(call, not_read, texts ? texts : scored);
        if (texts && scored)
            json_object_set_new(object, "log_probabilities", to_json(call, 0, scored));
        return cli_print_json(call, object);
    }
    if (texts)
        print(not_read, texts);
    if (texts && scored)
        cli_say("\nBy log-probabilities, a second test of the same question:\n");
    if (scored)
        print(0, scored);
    return cli_finish_output(call);
}

static assay_status compare_texts(struct cli_call *call, enum assay_style_question question,
                                  const struct paths *paths,
                                  const struct assay_style_settings *settings, size_t *not_read,
                                  struct assay_style_comparison *result)
{
    struct style_inputs in;
    if (!call->value[SUSPECT])
        return assay_error_at(&call->error, ASSAY_ERROR_INPUT, NULL, 0,
                              "expected --suspect FILE, and --candidates DIR or none for the "
                              "public models that come with the program");
    ASSAY_TRY(read_sets(call, question, paths->models, &in));
    assay_status status =
        assay_style_compare(&call->context, question, in.suspect, in.candidates, in.candidate_count,
                            in.panel, in.panel_count, settings, result, &call->error);
    *not_read = in.left_out;
    style_inputs_free(&in);
    return status;
}

/* With log-probabilities alone no texts are read. */
static assay_status compare(struct cli_call *call, enum assay_style_question question)
{
    struct assay_style_settings settings;
    struct assay_style_comparison texts = {.count = 0}, scored = {.count = 0};
    struct paths paths;
    size_t not_read = 0;
    bool by_score = question == ASSAY_STYLE_RANK && call->value[LOGPROBS];
    bool by_text = !by_score || call->value[CANDIDATES] || call->positionals > 0;
    ASSAY_TRY(read_settings(call, &paths, &settings));
    if (by_text)
        ASSAY_TRY(compare_texts(call, question, &paths, &settings, &not_read, &texts));
    assay_status status = by_score ? rank_scored(call, &settings, &scored) : ASSAY_OK;
    if (status == ASSAY_OK) {
        status = show(call, not_read, by_text ? &texts : NULL, by_score ? &scored : NULL);
        if (by_score)
            assay_style_comparison_free(&scored);
    }
    if (by_text)
        assay_style_comparison_free(&texts);
    return status;
}

static assay_status run_identify(struct cli_call *call)
{
    return compare(call, ASSAY_STYLE_IDENTIFY);
}

static assay_status run_parent(struct cli_call *call)
{
    return compare(call, ASSAY_STYLE_PARENT);
}

static assay_status run_rank(struct cli_call *call)
{
    return compare(call, ASSAY_STYLE_RANK);
}

/* What the three have in common, in the order of the enumeration above. */
#define OPTIONS                                                                                    \
    {"suspect", "FILE", "answers of the model in question"},                                       \
        {"candidates", "DIR",                                                                      \
         "answers of candidates: a file, or a folder of files and of folders (a teacher's models " \
         "together); default: public models"},                                                     \
        {"panel", "DIR", "answers of other models, to know what likeness is usual"},               \
        {"level", "Q", "name a candidate at this chance of error or less; default 0.05"},          \
    {                                                                                              \
        "replicates", "N", "draws of prompts for the scores' intervals; default 40"                \
    }

const struct cli_command cli_style_identify = {
    .room = "style",
    .verb = "identify",
    .arguments = "--suspect FILE [--candidates DIR] [FILE...]",
    .summary = "Say which known model wrote these texts",
    .text =
        "For a service that may hide what it runs. Compares words and rare phrases on the same\n"
        "prompts and the rates of frequent words. With no prompt in common only the last is\n"
        "left, which needs some fifty answers.\n",
    .least = 0,
    .most = CLI_MOST_POSITIONALS,
    .options = {OPTIONS},
    .run = run_identify,
};

const struct cli_command cli_style_parent = {
    .room = "style",
    .verb = "parent",
    .arguments = "--suspect FILE [--candidates DIR] [FILE...]",
    .summary = "Say whether the suspect is a candidate under a wrapper, or its child",
    .text = "Compares words and rare phrases on the same prompts, length and layout taken out.\n"
            "Near kin score above 3; so do two releases of one vendor.\n",
    .least = 0,
    .most = CLI_MOST_POSITIONALS,
    .options = {OPTIONS},
    .run = run_parent,
};

const struct cli_command cli_style_rank = {
    .room = "style",
    .verb = "rank",
    .arguments = "--suspect FILE [--candidates DIR] [FILE...]",
    .summary = "Say whose outputs the suspect was tuned on, or that none can be named",
    .text = "Compares the rates of frequent words and marks, and openings on the same prompts,\n"
            "with candidates and a panel of other models. The order is better than the certainty:\n"
            "read 'abstain' first. docs/style.md has the error rates.\n",
    .least = 0,
    .most = CLI_MOST_POSITIONALS,
    .options = {OPTIONS,
                {"logprobs", "FILE",
                 "how probable the suspect and others find the candidates' texts, JSON lines as in "
                 "docs/style.md; without candidates nothing else is looked at"}},
    .run = run_rank,
};
