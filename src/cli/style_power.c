/* SPDX-License-Identifier: Apache-2.0 */
/* assay style power: how many answers are needed. */
#include "cli/commands.h"
#include "cli/style.h"

#include "base/json.h"

#include <math.h>

enum { TABLE, DRAWS };

#define SIZES 7
#define QUESTIONS 2

static const size_t sizes[SIZES] = {5, 10, 25, 50, 100, 200, 400};
static const enum assay_style_question questions[QUESTIONS] = {ASSAY_STYLE_PARENT,
                                                               ASSAY_STYLE_RANK};
static const char *const names[QUESTIONS] = {"parent", "rank"};

/* Over draws of prompts: the mean, the least and the most. */
struct spread {
    double sum, least, most;
    int n;
};

static void note(struct spread *s, double value)
{
    s->least = s->n ? fmin(s->least, value) : value;
    s->most = s->n ? fmax(s->most, value) : value;
    s->sum += value;
    s->n++;
}

struct row {
    struct spread top1, named;
};

static assay_status measure(struct cli_call *call, const struct style_inputs *in, const char *table,
                            size_t question, size_t size, int64_t draws, struct row *row)
{
    struct assay_context context = call->context;
    *row = (struct row){.top1 = {.n = 0}};
    for (int64_t i = 0; i < draws; i++) {
        struct assay_style_validation v;
        context.seed = call->context.seed + (uint64_t)i;
        ASSAY_TRY(assay_style_validate(&context, questions[question], in->sets, in->set_count,
                                       table, size, 0.05, &v, &call->error));
        note(&row->top1, v.top1);
        note(&row->named, v.named_right);
    }
    return ASSAY_OK;
}

static void set_spread(json_t *object, const char *key, const struct spread *s)
{
    json_t *o = json_object();
    json_set_number(o, "mean", s->sum / s->n);
    json_set_number(o, "least", s->least);
    json_set_number(o, "most", s->most);
    json_object_set_new(object, key, o);
}

static assay_status power(struct cli_call *call, const struct style_inputs *in, const char *table,
                          json_t *object)
{
    int64_t draws = 2;
    ASSAY_TRY(cli_number(call, DRAWS, 1, 100, &draws));
    for (size_t q = 0; q < QUESTIONS; q++) {
        json_t *list = json_array();
        json_object_set_new(object, names[q], list);
        if (!call->json)
            cli_say("%s\n    prompts   true one first           true one named at 5%%\n", names[q]);
        for (size_t s = 0; s < SIZES; s++) {
            struct row row;
            ASSAY_TRY(measure(call, in, table, q, sizes[s], draws, &row));
            json_t *o = json_object();
            json_set_number(o, "prompts", (double)sizes[s]);
            set_spread(o, "top1", &row.top1);
            set_spread(o, "named_right", &row.named);
            json_array_append_new(list, o);
            if (!call->json)
                cli_say("    %7zu   %.2f (%.2f to %.2f)      %.2f (%.2f to %.2f)\n", sizes[s],
                        row.top1.sum / row.top1.n, row.top1.least, row.top1.most,
                        row.named.sum / row.named.n, row.named.least, row.named.most);
        }
    }
    json_set_number(object, "draws", (double)draws);
    json_set_number(object, "seed", (double)call->context.seed);
    return ASSAY_OK;
}

static assay_status run_command(struct cli_call *call)
{
    struct style_inputs in;
    char models[4200];
    snprintf(models, sizeof models, "%s/style_models.csv", call->data_folder);
    ASSAY_TRY(style_inputs_read(call, NULL, NULL, NULL, &in));
    json_t *object = json_object();
    assay_status status =
        power(call, &in, call->value[TABLE] ? call->value[TABLE] : models, object);
    style_inputs_free(&in);
    if (status == ASSAY_OK && call->json)
        return cli_print_json(call, object);
    json_decref(object);
    return status == ASSAY_OK ? cli_finish_output(call) : status;
}

const struct cli_command cli_style_power = {
    .room = "style",
    .verb = "power",
    .arguments = "DIR|FILE...",
    .summary = "How many answers parent and rank need, on models of known descent",
    .text =
        "What `validate` measures, on 5 to 400 of the prompts, drawn anew N times; the spread is\n"
        "that of the draws, not of lineages.\n",
    .least = 1,
    .most = CLI_MOST_POSITIONALS,
    .options = {{"table", "FILE", "models of known descent; default data/style_models.csv"},
                {"draws", "N", "of prompts for each number; default 2"}},
    .run = run_command,
};
