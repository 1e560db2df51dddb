/* SPDX-License-Identifier: Apache-2.0 */
/* assay style validate */
#include "cli/commands.h"
#include "cli/style.h"

#include "base/json.h"

#include <stdlib.h>
#include <string.h>

enum { TABLE, WRITE };

#define COUNT 2

static const enum assay_style_question questions[COUNT] = {ASSAY_STYLE_PARENT, ASSAY_STYLE_RANK};
static const char *const names[COUNT] = {"parent", "rank"};

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
    printf("%s\n", question);
    for (size_t i = 0, n = figures(v, list); i < n; i++)
        printf("    %-42s %8.4g\n", list[i].text, list[i].value);
}

static assay_status write_table(struct cli_call *call, const char *path, size_t sets,
                                const struct assay_style_validation v[COUNT])
{
    char text[4096];
    int n =
        snprintf(text, sizeof text,
                 "# What a score is worth: log10 LR = intercept + slope x score, within +-bound.\n"
                 "# Fitted by `assay style validate --write` on %zu sets of answers.\n"
                 "question,intercept,slope,intercept_variance,slope_variance,covariance,bound,"
                 "true_pairs,false_pairs,lineages,cllr\n",
                 sets);
    for (size_t i = 0; i < COUNT; i++)
        n += snprintf(text + n, sizeof text - (size_t)n,
                      "%s,%.5g,%.5g,%.5g,%.5g,%.5g,%.5g,%zu,%zu,%zu,%.3f\n", names[i],
                      v[i].intercept, v[i].slope, v[i].intercept_variance, v[i].slope_variance,
                      v[i].covariance, v[i].bound, v[i].true_pairs, v[i].false_pairs, v[i].lineages,
                      v[i].cllr);
    return assay_file_write(path, text, (size_t)n, &call->error);
}

static assay_status validate_all(struct cli_call *call, const struct style_inputs *in,
                                 struct assay_style_validation v[COUNT])
{
    char models[4200];
    snprintf(models, sizeof models, "%s/style_models.csv", call->data_folder);
    for (size_t i = 0; i < COUNT; i++)
        ASSAY_TRY(assay_style_validate(&call->context, questions[i], in->sets, in->set_count,
                                       call->value[TABLE] ? call->value[TABLE] : models, 0, 0.05,
                                       &v[i], &call->error));
    if (call->value[WRITE])
        ASSAY_TRY(write_table(call, call->value[WRITE], in->set_count, v));
    return ASSAY_OK;
}

static assay_status run_command(struct cli_call *call)
{
    struct style_inputs in;
    struct assay_style_validation v[COUNT];
    ASSAY_TRY(style_inputs_read(call, NULL, NULL, NULL, &in));
    assay_status status = validate_all(call, &in, v);
    style_inputs_free(&in);
    ASSAY_TRY(status);
    if (!call->json) {
        for (size_t i = 0; i < COUNT; i++)
            print(names[i], &v[i]);
        return cli_finish_output(call);
    }
    json_t *object = json_object();
    for (size_t i = 0; i < COUNT; i++)
        json_object_set_new(object, names[i], to_json(&v[i]));
    return cli_print_json(call, object);
}

const struct cli_command cli_style_validate = {
    .room = "style",
    .verb = "validate",
    .arguments = "DIR|FILE...",
    .summary = "Measure the error rates of parent and rank on models of known descent",
    .text = "Each model of the sets that the table knows is the suspect in turn; its lineage is\n"
            "left out of its null and of the calibration. 'Absent' suspects are untaught models,\n"
            "and taught ones with their teacher's maker taken out of the candidates.\n",
    .least = 1,
    .most = CLI_MOST_POSITIONALS,
    .options = {{"table", "FILE", "models of known descent; default data/style_models.csv"},
                {"write", "FILE", "write the calibration that `rank` and `parent` use"}},
    .run = run_command,
};
