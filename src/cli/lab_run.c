/* SPDX-License-Identifier: Apache-2.0 */
/* assay lab run */
#include "cli/commands.h"

#include "base/json.h"

#include <assay/lab.h>

#include <math.h>

enum { OUT };

static json_t *share_json(const struct assay_lab_share *s, bool dosed)
{
    json_t *o = json_object();
    json_set_text(o, "depth", s->depth);
    if (dosed) {
        json_set_text(o, "method", s->method);
        json_set_number(o, "dose", s->dose);
    }
    json_set_number(o, "n", (double)s->n);
    json_set_number(o, dosed ? "power" : "share", s->share);
    json_set_number(o, "low", s->low);
    json_set_number(o, "high", s->high);
    if (dosed) {
        json_set_number(o, "auc", s->auc);
        json_set_number(o, "cllr", s->cllr);
    }
    return o;
}

static json_t *to_json(const struct cli_call *call, const char *folder,
                       const struct assay_lab_result *r)
{
    json_t *o = json_object(), *power = json_array(), *wrong = json_array(), *cllr = json_array();
    json_set_text(o, "design", call->positional[0]);
    json_set_text(o, "out", folder);
    json_set_number(o, "cells", (double)r->cells);
    json_set_number(o, "done", (double)r->cells);
    json_set_number(o, "trained", (double)r->trained);
    json_set_number(o, "level", r->level);
    for (size_t i = 0; i < r->power_count; i++) {
        json_t *one = json_object();
        json_array_append_new(power, share_json(&r->power[i], true));
        json_set_text(one, "depth", r->power[i].depth);
        json_set_number(one, "dose", r->power[i].dose);
        json_set_number(one, "cllr", r->power[i].cllr);
        json_array_append_new(cllr, one);
    }
    for (size_t i = 0; i < r->false_positive_count; i++)
        json_array_append_new(wrong, share_json(&r->false_positive[i], false));
    json_object_set_new(o, "power", power);
    json_object_set_new(o, "false_positive", wrong);
    json_object_set_new(o, "cllr", cllr);
    return o;
}

static void print(const char *folder, const struct assay_lab_result *r)
{
    printf("%zu models, %zu of them trained now; results are in %s.\n\n"
           "depth       dose   students  named at %.3g (95%%)      AUC    Cllr, bits\n",
           r->cells, r->trained, folder, r->level);
    for (size_t i = 0; i < r->false_positive_count; i++) {
        const struct assay_lab_share *s = &r->false_positive[i];
        printf("%-10s  none  %9zu  %.3f (%.3f to %.3f)\n", s->depth, s->n, s->share, s->low,
               s->high);
        for (size_t k = 0; k < r->power_count; k++) {
            const struct assay_lab_share *p = &r->power[k];
            if (p->depth == s->depth)
                printf("%-10s  %-4.3g  %9zu  %.3f (%.3f to %.3f)  %6.3f  %6.3f\n", p->depth,
                       p->dose, p->n, p->share, p->low, p->high, p->auc, p->cllr);
        }
    }
}

static assay_status run_command(struct cli_call *call)
{
    struct assay_lab_result result;
    const char *folder = call->value[OUT] ? call->value[OUT] : "lab-results";
    cli_catch_interrupt();
    ASSAY_TRY(assay_lab_run(&call->context, call->positional[0], folder, &result, &call->error));
    assay_status status = ASSAY_OK;
    if (call->json) {
        status = cli_print_json(call, to_json(call, folder, &result));
    } else {
        cli_progress_end();
        print(folder, &result);
        status = cli_finish_output(call);
    }
    assay_lab_result_free(&result);
    return status;
}

const struct cli_command cli_lab_run = {
    .room = "lab",
    .verb = "run",
    .arguments = "DESIGN.yaml",
    .summary = "Distil on purpose, and measure what detectors see of it",
    .text = "Trains small teachers in a made-up world, students dosed with their answers, and\n"
            "undosed ones, and says how often a detector names the teacher: from a student's\n"
            "texts (black box) and from its log-probabilities (grey box). Every model's result\n"
            "is kept, so an interrupted run goes on where it stopped and a finished one is free.\n",
    .least = 1,
    .most = 1,
    .options = {{"out", "DIR", "where results are kept; default lab-results"}},
    .run = run_command,
};
