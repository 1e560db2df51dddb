/* SPDX-License-Identifier: Apache-2.0 */
/* assay style identify, parent and rank: three questions, one shape of answer. */
#include "cli/commands.h"
#include "cli/style.h"

#include "base/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SUSPECT, CANDIDATES, PANEL, LEVEL, REPLICATES };

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

static json_t *to_json(const struct cli_call *call, const struct style_inputs *in,
                       const struct assay_style_comparison *r)
{
    json_t *object = json_object(), *list = json_array();
    json_set_text(object, "suspect", in->suspect->path);
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
    json_set_number(object, "files_not_read", (double)in->left_out);
    json_object_set_new(object, "limits", json_texts(r->limits, r->limit_count));
    json_set_number(object, "seed", (double)call->context.seed);
    return object;
}

static void print(const struct style_inputs *in, const struct assay_style_comparison *r)
{
    printf("%s\n\n", r->reason);
    printf("   score  (80%% of prompt draws)       p       q   log10 LR            candidate\n");
    for (size_t i = 0; i < r->count; i++) {
        const struct assay_style_result *c = &r->results[i];
        printf("%8.2f  (%7.2f to %7.2f)  %7.3f %7.3f   ", c->score, c->score_low, c->score_high,
               c->p_value, c->q_value);
        if (isnan(c->log10_lr.median))
            printf("%-20s", "not calibrated");
        else
            printf("%5.2f (%5.2f to %5.2f)", c->log10_lr.median, c->log10_lr.low, c->log10_lr.high);
        printf("  %s%s%s%s\n", c->name, c->explained_by ? " (explained by " : "",
               c->explained_by ? c->explained_by : "", c->explained_by ? ")" : "");
    }
    printf("\n%zu prompts answered by the suspect; p-values over %zu models of %zu lineages.\n",
           r->prompts, r->null_models, r->null_lineages);
    for (size_t i = 0; i < r->left_out_count; i++)
        printf("Left out: %s\n", r->left_out[i]);
    if (in->left_out > 0)
        printf("%zu files there are no response sets and were not read.\n", in->left_out);
    for (size_t i = 0; i < r->limit_count; i++)
        printf("Limit: %s\n", r->limits[i]);
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

static assay_status compare(struct cli_call *call, enum assay_style_question question)
{
    struct assay_style_settings settings = assay_style_settings_default();
    struct assay_style_comparison result;
    struct style_inputs in;
    char models[4200], calibration[4200];
    int64_t replicates = settings.replicates;
    if (!call->value[SUSPECT])
        return assay_error_at(&call->error, ASSAY_ERROR_INPUT, NULL, 0,
                              "expected --suspect FILE, and --candidates DIR or none for the "
                              "public models that come with the program");
    ASSAY_TRY(cli_number(call, REPLICATES, 0, 1000, &replicates));
    if (call->value[LEVEL]) {
        char *end;
        settings.level = strtod(call->value[LEVEL], &end);
        if (*end || !(settings.level > 0 && settings.level < 1))
            return assay_error_at(&call->error, ASSAY_ERROR_INPUT, NULL, 0,
                                  "--level: found \"%.40s\", expected a number between 0 and 1",
                                  call->value[LEVEL]);
    }
    snprintf(models, sizeof models, "%s/style_models.csv", call->data_folder);
    snprintf(calibration, sizeof calibration, "%s/style_calibration.csv", call->data_folder);
    settings.replicates = (int)replicates;
    settings.models = models;
    settings.calibration = access(calibration, R_OK) == 0 ? calibration : NULL;
    ASSAY_TRY(read_sets(call, question, models, &in));
    assay_status status =
        assay_style_compare(&call->context, question, in.suspect, in.candidates, in.candidate_count,
                            in.panel, in.panel_count, &settings, &result, &call->error);
    if (status == ASSAY_OK) {
        if (call->json) {
            status = cli_print_json(call, to_json(call, &in, &result));
        } else {
            print(&in, &result);
            status = cli_finish_output(call);
        }
        assay_style_comparison_free(&result);
    }
    style_inputs_free(&in);
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

#define OPTIONS                                                                                    \
    {                                                                                              \
        {"suspect", "FILE", "answers of the model in question"},                                   \
            {"candidates", "DIR",                                                                  \
             "answers of candidates: a file, or a folder of files and of "                         \
             "folders (a teacher's models together); default: public models"},                     \
            {"panel", "DIR", "answers of other models, to know what likeness is usual"},           \
            {"level", "Q", "name a candidate at this chance of error or less; default 0.05"},      \
        {                                                                                          \
            "replicates", "N", "draws of prompts for the scores' intervals; default 40"            \
        }                                                                                          \
    }

const struct cli_command cli_style_identify = {
    .room = "style",
    .verb = "identify",
    .arguments = "--suspect FILE --candidates DIR [FILE...]",
    .summary = "Say which known model wrote these texts",
    .text =
        "For a service that may hide what it runs. Compares words and rare phrases on the same\n"
        "prompts and the rates of frequent words. With no prompt in common only the last is\n"
        "left, which needs some fifty answers.\n",
    .least = 0,
    .most = CLI_MOST_POSITIONALS,
    .options = OPTIONS,
    .run = run_identify,
};

const struct cli_command cli_style_parent = {
    .room = "style",
    .verb = "parent",
    .arguments = "--suspect FILE --candidates DIR [FILE...]",
    .summary = "Say whether the suspect is a candidate under a wrapper, or its child",
    .text = "Compares words and rare phrases on the same prompts, length and layout taken out.\n"
            "Near kin score above 3; so do two releases of one vendor.\n",
    .least = 0,
    .most = CLI_MOST_POSITIONALS,
    .options = OPTIONS,
    .run = run_parent,
};

const struct cli_command cli_style_rank = {
    .room = "style",
    .verb = "rank",
    .arguments = "--suspect FILE --candidates DIR [FILE...]",
    .summary = "Say whose outputs the suspect was tuned on, or that none can be named",
    .text = "Compares the rates of frequent words and marks, and openings on the same prompts,\n"
            "with candidates and a panel of other models. The order is better than the certainty:\n"
            "read 'abstain' first. docs/style.md has the error rates.\n",
    .least = 0,
    .most = CLI_MOST_POSITIONALS,
    .options = OPTIONS,
    .run = run_rank,
};
