/* SPDX-License-Identifier: Apache-2.0 */
/* assay style validate */
#include "cli/commands.h"
#include "cli/style.h"

#include "base/json.h"

#include <stdlib.h>
#include <string.h>

enum { TABLE, WRITE, QUESTION };

#define COUNT 2
#define SIZES 4

/* Prompts in common for which a calibration is written. */
static const size_t sizes[SIZES] = {25, 100, 400, 700};

static const enum assay_style_question questions[COUNT] = {ASSAY_STYLE_PARENT, ASSAY_STYLE_RANK};
static const char *const names[COUNT] = {"parent", "rank"};

struct validations {
    struct assay_style_validation v[COUNT];
    struct assay_style_identification identify[ASSAY_STYLE_IDENTIFICATIONS];
    bool asked[COUNT], identified;
};

struct figure {
    const char *key, *text;
    double value;
};

#define MOST_FIGURES 24

static size_t figures(const struct assay_style_validation *v, struct figure list[MOST_FIGURES])
{
    const struct figure all[] = {
        {"candidates", "candidates", (double)v->candidates},
        {"students", "models taught by one of them", (double)v->students},
        {"teachers", "teachers among those", (double)v->teachers},
        {"lineages", "lineages of those models", (double)v->lineages},
        {"top1", "true teacher first", v->top1},
        {"mean_reciprocal_rank", "mean reciprocal rank", v->mean_reciprocal_rank},
        {"balanced", "true teacher first, teachers weighing alike", v->balanced},
        {"auc", "area under the curve, pairs", v->auc},
        {"true_positive_1", "true positives at 1% false", v->true_positive_1},
        {"true_positive_01", "true positives at 0.1% false", v->true_positive_01},
        {"quartet", "quartets right", v->quartet},
        {"quartets", "quartets", (double)v->quartets},
        {"cllr", "Cllr, lineage left out, bits", v->cllr},
        {"level", "level at which one is named", v->level},
        {"named_right", "true teacher named (power)", v->named_right},
        {"named_wrong", "another maker's named instead", v->named_wrong},
        {"absent", "suspects without their teacher", (double)v->absent},
        {"absent_named", "of those, any named (false flags)", v->absent_named},
        {"open_set_auc", "area under the curve, present or absent", v->open_set_auc},
    };
    memcpy(list, all, sizeof all);
    return sizeof all / sizeof all[0];
}

static json_t *to_json(const struct assay_style_validation *v)
{
    struct figure list[MOST_FIGURES];
    json_t *object = json_object();
    for (size_t i = 0, n = figures(v, list); i < n; i++)
        json_set_number(object, list[i].key, list[i].value);
    return object;
}

static void print(const char *question, const struct assay_style_validation *v)
{
    struct figure list[MOST_FIGURES];
    cli_say("%s\n", question);
    for (size_t i = 0, n = figures(v, list); i < n; i++)
        cli_say("    %-42s %8.4g\n", list[i].text, list[i].value);
}

static int print_fit(char *text, size_t room, const char *question, size_t answers,
                     const struct assay_style_fit *fit)
{
    return snprintf(text, room, "%s,%zu,%.5g,%.5g,%.5g,%.5g,%.5g,%.5g", question, answers,
                    fit->intercept, fit->slope, fit->intercept_variance, fit->slope_variance,
                    fit->covariance, fit->bound);
}

static assay_status write_table(struct cli_call *call, const char *path, const char *models,
                                const struct style_inputs *in, const struct validations *all)
{
    char text[8192];
    size_t most = 0;
    for (size_t i = 0; i < in->set_count; i++)
        most = in->sets[i]->n > most ? in->sets[i]->n : most;
    int n =
        snprintf(text, sizeof text,
                 "# What a score is worth: log10 LR = intercept + slope x score, within +-bound.\n"
                 "# Fitted by `assay style validate --write` on %zu sets of answers.\n"
                 "# answers: for identify of the suspect, else prompts that it shares with the "
                 "candidates; at least.\n"
                 "question,answers,intercept,slope,intercept_variance,slope_variance,covariance,"
                 "bound,true_pairs,false_pairs,lineages,cllr\n",
                 in->set_count);
    for (size_t i = 0; i < COUNT; i++)
        for (size_t k = 0; k < SIZES && sizes[k] <= most; k++) {
            struct assay_style_validation v;
            ASSAY_TRY(assay_style_validate(&call->context, questions[i], in->sets, in->set_count,
                                           models, sizes[k], 0.05, &v, &call->error));
            n += print_fit(text + n, sizeof text - (size_t)n, names[i], sizes[k], &v.fit);
            n += snprintf(text + n, sizeof text - (size_t)n, ",%zu,%zu,%zu,%.3f\n", v.true_pairs,
                          v.false_pairs, v.lineages, v.cllr);
        }
    for (size_t i = 0; i < ASSAY_STYLE_IDENTIFICATIONS; i++) {
        const struct assay_style_identification *row = &all->identify[i];
        n += print_fit(text + n, sizeof text - (size_t)n, "identify", row->answers, &row->fit);
        n += snprintf(text + n, sizeof text - (size_t)n, ",%zu,%zu,%zu,%.3f\n", row->true_pairs,
                      row->false_pairs, row->lineages, row->cllr);
    }
    return assay_file_write(path, text, (size_t)n, &call->error);
}

static json_t *identify_json(const struct assay_style_identification *rows)
{
    json_t *list = json_array();
    for (size_t i = 0; i < ASSAY_STYLE_IDENTIFICATIONS; i++) {
        json_t *o = json_object();
        json_set_number(o, "answers", (double)rows[i].answers);
        json_set_number(o, "suspects", (double)rows[i].suspects);
        json_set_interval(o, "top1", rows[i].top1);
        json_set_number(o, "cllr", rows[i].cllr);
        json_array_append_new(list, o);
    }
    return list;
}

static void print_identify(const struct assay_style_identification *rows)
{
    cli_say("identify, on a quarter of the prompts, which was kept out of training\n"
            "    answers  suspects   writer first (80%% of draws of models)   Cllr, bits\n");
    for (size_t i = 0; i < ASSAY_STYLE_IDENTIFICATIONS; i++)
        cli_say("    %7zu  %8zu   %.3f (%.3f to %.3f)                    %.3f\n", rows[i].answers,
                rows[i].suspects, rows[i].top1.median, rows[i].top1.low, rows[i].top1.high,
                rows[i].cllr);
}

static assay_status which(struct cli_call *call, struct validations *all)
{
    const char *only = call->value[QUESTION];
    for (size_t i = 0; i < COUNT; i++)
        all->asked[i] = !only || strcmp(only, names[i]) == 0;
    all->identified = !only || strcmp(only, "identify") == 0;
    if (!all->identified && !all->asked[0] && !all->asked[1])
        return assay_error_at(&call->error, ASSAY_ERROR_INPUT, NULL, 0,
                              "--question: found \"%.40s\", expected identify, parent or rank",
                              only);
    if (only && call->value[WRITE])
        return assay_error_at(&call->error, ASSAY_ERROR_INPUT, NULL, 0,
                              "--write needs all questions: leave --question out");
    return ASSAY_OK;
}

static assay_status validate_all(struct cli_call *call, const struct style_inputs *in,
                                 struct validations *all)
{
    char shipped[4200];
    snprintf(shipped, sizeof shipped, "%s/style_models.csv", call->data_folder);
    const char *models = call->value[TABLE] ? call->value[TABLE] : shipped;
    for (size_t i = 0; i < COUNT; i++)
        if (all->asked[i])
            ASSAY_TRY(assay_style_validate(&call->context, questions[i], in->sets, in->set_count,
                                           models, 0, 0.05, &all->v[i], &call->error));
    if (all->identified)
        ASSAY_TRY(assay_style_validate_identify(&call->context, in->sets, in->set_count, models,
                                                all->identify, &call->error));
    return call->value[WRITE] ? write_table(call, call->value[WRITE], models, in, all) : ASSAY_OK;
}

static assay_status run_command(struct cli_call *call)
{
    struct style_inputs in;
    struct validations all = {.identified = false};
    ASSAY_TRY(which(call, &all));
    ASSAY_TRY(style_inputs_read(call, NULL, NULL, NULL, &in));
    for (size_t i = 0; i < in.set_count && !call->value[QUESTION] && !call->value[WRITE]; i++)
        all.identified = all.identified && !in.sets[i]->fingerprint;
    assay_status status = validate_all(call, &in, &all);
    style_inputs_free(&in);
    ASSAY_TRY(status);
    json_t *object = json_object();
    for (size_t i = 0; i < COUNT; i++) {
        if (all.asked[i] && !call->json)
            print(names[i], &all.v[i]);
        if (all.asked[i])
            json_object_set_new(object, names[i], to_json(&all.v[i]));
    }
    if (all.identified && !call->json)
        print_identify(all.identify);
    if (all.identified)
        json_object_set_new(object, "identify", identify_json(all.identify));
    if (call->json)
        return cli_print_json(call, object);
    json_decref(object);
    return cli_finish_output(call);
}

const struct cli_command cli_style_validate = {
    .room = "style",
    .verb = "validate",
    .arguments = "DIR|FILE...",
    .summary = "Measure the error rates of identify, parent and rank on known models",
    .text = "Each model of the sets that the table knows is the suspect in turn; its lineage is\n"
            "left out of its null and of the calibration. 'Absent' suspects are untaught models,\n"
            "and taught ones with their teacher's maker taken out of the candidates. For identify\n"
            "every set is a candidate, and the classifier is trained on three quarters of the\n"
            "prompts and asked about groups of 1, 10 and 50 answers to the others; fingerprints\n"
            "have no texts to train one on, and only parent and rank are asked.\n",
    .least = 1,
    .most = CLI_MOST_POSITIONALS,
    .options = {{"table", "FILE", "models of known descent; default data/style_models.csv"},
                {"write", "FILE", "write the calibration that the questions use"},
                {"question", "NAME", "only identify, parent or rank; default all"}},
    .run = run_command,
};
