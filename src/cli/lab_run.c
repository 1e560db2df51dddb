/* SPDX-License-Identifier: Apache-2.0 */
/* assay lab run */
#include "cli/commands.h"

#include "base/json.h"

#include <assay/lab.h>

#include <math.h>
#include <string.h>

enum { OUT };

/* ---- JSON ---------------------------------------------------------------------------- */

static void set_rate(json_t *o, const char *share, const struct assay_lab_rate *r)
{
    json_set_number(o, "n", (double)r->n);
    json_set_number(o, share, r->share);
    json_set_number(o, "low", r->low);
    json_set_number(o, "high", r->high);
}

static json_t *rate_json(const struct assay_lab_rate *r)
{
    json_t *o = json_object();
    set_rate(o, "share", r);
    return o;
}

static json_t *numbers_json(const double *values, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_real(values[i]));
    return list;
}

static json_t *power_json(const struct assay_lab_power *p)
{
    json_t *o = json_object(), *roc = json_array();
    json_set_text(o, "depth", p->depth);
    json_set_text(o, "method", p->method);
    json_set_text(o, "evasion", p->evasion);
    json_set_number(o, "dose", p->dose);
    json_set_number(o, "width", p->width);
    if (p->answers > 0)
        json_set_number(o, "answers", (double)p->answers);
    set_rate(o, "power", &p->named);
    json_object_set_new(o, "against_undosed", rate_json(&p->against_undosed));
    json_object_set_new(o, "against_others", rate_json(&p->against_others));
    json_set_number(o, "auc", p->auc);
    json_set_number(o, "auc_others", p->auc_others);
    json_set_number(o, "cllr", p->cllr);
    json_set_number(o, "most_log10_lr", p->most_log10_lr);
    for (size_t i = 0; i < p->roc_count; i++)
        json_array_append_new(roc, numbers_json(p->roc + 2 * i, 2));
    json_object_set_new(o, "roc", roc);
    if (p->dosed_lr) {
        json_t *tippett = json_object();
        json_object_set_new(tippett, "dosed", numbers_json(p->dosed_lr, p->named.n));
        json_object_set_new(tippett, "null", numbers_json(p->null_lr, p->null_count));
        json_object_set_new(o, "tippett", tippett);
    }
    return o;
}

static json_t *wrong_json(const struct assay_lab_wrong *w)
{
    json_t *o = json_object();
    json_set_text(o, "depth", w->depth);
    json_set_text(o, "who", w->who);
    json_set_text(o, "method", w->method);
    json_set_number(o, "dose", w->dose);
    json_set_number(o, "width", w->width);
    set_rate(o, "share", &w->named);
    json_object_set_new(o, "against_own_null", rate_json(&w->against_own));
    return o;
}

static void set_mean(json_t *o, const char *key, const double mean[3])
{
    json_t *one = json_object();
    json_set_number(one, "mean", mean[0]);
    json_set_number(one, "low", mean[1]);
    json_set_number(one, "high", mean[2]);
    json_object_set_new(o, key, one);
}

static json_t *capability_json(const struct assay_lab_capability *c)
{
    json_t *o = json_object();
    json_set_text(o, "method", c->method);
    json_set_number(o, "dose", c->dose);
    json_set_number(o, "n", (double)c->n);
    set_mean(o, "manner", c->manner);
    set_mean(o, "fact_bits", c->fact_bits);
    set_mean(o, "task_bits", c->task_bits);
    set_mean(o, "task_right", c->task_right);
    json_set_number(o, "teacher_fact_bits", c->teacher_fact_bits);
    json_set_number(o, "teacher_task_bits", c->teacher_task_bits);
    json_set_number(o, "teacher_task_right", c->teacher_task_right);
    json_set_number(o, "undosed_task_right", c->undosed_task_right);
    return o;
}

static json_t *to_json(const struct cli_call *call, const char *folder,
                       const struct assay_lab_result *r)
{
    json_t *o = json_object(), *power = json_array(), *wrong = json_array(), *cllr = json_array();
    json_t *capability = json_array();
    json_set_text(o, "design", call->positional[0]);
    json_set_text(o, "out", folder);
    json_set_number(o, "cells", (double)r->cells);
    json_set_number(o, "done", (double)r->cells);
    json_set_number(o, "trained", (double)r->trained);
    json_set_number(o, "level", r->level);
    json_set_number(o, "null_students", (double)r->null_students);
    json_set_number(o, "control_teachers", (double)r->control_teachers);
    for (size_t i = 0; i < r->power_count; i++) {
        const struct assay_lab_power *p = &r->power[i];
        json_t *one = json_object();
        json_array_append_new(power, power_json(p));
        json_set_text(one, "depth", p->depth);
        json_set_text(one, "method", p->method);
        json_set_text(one, "evasion", p->evasion);
        json_set_number(one, "dose", p->dose);
        json_set_number(one, "width", p->width);
        if (p->answers > 0)
            json_set_number(one, "answers", (double)p->answers);
        json_set_number(one, "cllr", p->cllr);
        json_array_append_new(cllr, one);
    }
    for (size_t i = 0; i < r->wrong_count; i++)
        json_array_append_new(wrong, wrong_json(&r->wrong[i]));
    for (size_t i = 0; i < r->capability_count; i++)
        json_array_append_new(capability, capability_json(&r->capability[i]));
    json_object_set_new(o, "power", power);
    json_object_set_new(o, "false_positive", wrong);
    json_object_set_new(o, "cllr", cllr);
    json_object_set_new(o, "capability", capability);
    return o;
}

/* ---- text ---------------------------------------------------------------------------- */

/* Fewer answers than there are stand in the JSON alone. */
static bool is_printed(const struct assay_lab_result *r, const struct assay_lab_power *p)
{
    size_t most = 0;
    for (size_t i = 0; i < r->power_count; i++)
        most = r->power[i].answers > most ? r->power[i].answers : most;
    return p->answers == 0 || p->answers == most;
}

static void print_power(const struct assay_lab_result *r)
{
    printf("\nStudents of a teacher, named at %.3g by both nulls (undosed students, and students "
           "of other\nteachers of the same method and dose), with 95%% intervals; then by either "
           "null alone:\n\n"
           "depth      method       dose   width evasion    n  named                undosed others "
           "  AUC  Cllr\n",
           r->level);
    for (size_t i = 0; i < r->power_count; i++) {
        const struct assay_lab_power *p = &r->power[i];
        if (is_printed(r, p))
            printf("%-9s  %-11s  %-5.3g  %5u %-7s %4zu  %.2f (%.2f to %.2f)  %7.2f %6.2f  %.2f  "
                   "%.2f\n",
                   p->depth, p->method, p->dose, p->width, p->evasion, p->named.n, p->named.share,
                   p->named.low, p->named.high, p->against_undosed.share, p->against_others.share,
                   fmin(p->auc, p->auc_others), p->cllr);
    }
}

static void print_wrong(const struct assay_lab_result *r)
{
    printf("\nAsked about a teacher that they did not have:\n\n"
           "depth      who              method       dose   width    n  named                "
           "by the null of its kind\n");
    for (size_t i = 0; i < r->wrong_count; i++) {
        const struct assay_lab_wrong *w = &r->wrong[i];
        printf("%-9s  %-15s  %-11s  %-5.3g  %5u %4zu  %.2f (%.2f to %.2f)  %.2f (%.2f to %.2f)\n",
               w->depth, w->who, w->method, w->dose, w->width, w->named.n, w->named.share,
               w->named.low, w->named.high, w->against_own.share, w->against_own.low,
               w->against_own.high);
    }
}

static void print_capability(const struct assay_lab_result *r)
{
    printf("\nWhat students took from their teachers (means over students, 95%%):\n\n"
           "method       dose     n  manner               bits a fact           bits a task"
           "           right\n");
    for (size_t i = 0; i < r->capability_count; i++) {
        const struct assay_lab_capability *c = &r->capability[i];
        printf("%-11s  %-5.3g %3zu  %.2f (%.2f to %.2f)  %+.2f (%+.2f to %+.2f)  %+.2f (%+.2f to "
               "%+.2f)  %.2f\n",
               c->method, c->dose, c->n, c->manner[0], c->manner[1], c->manner[2], c->fact_bits[0],
               c->fact_bits[1], c->fact_bits[2], c->task_bits[0], c->task_bits[1], c->task_bits[2],
               c->task_right[0]);
    }
    if (r->capability_count > 0)
        printf("the teachers themselves  1.00                 %+.2f                   %+.2f     "
               "              %.2f\n",
               r->capability[0].teacher_fact_bits, r->capability[0].teacher_task_bits,
               r->capability[0].teacher_task_right);
}

static void print(const char *folder, const struct assay_lab_result *r)
{
    printf("%zu models, %zu of them trained now; results are in %s.\n", r->cells, r->trained,
           folder);
    print_power(r);
    print_wrong(r);
    print_capability(r);
}

static assay_status run_command(struct cli_call *call)
{
    struct assay_lab_result result;
    const char *folder = call->value[OUT] ? call->value[OUT] : "lab-results";
    cli_catch_interrupt();
    ASSAY_TRY(
        assay_lab_run(&call->context, NULL, call->positional[0], folder, &result, &call->error));
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
