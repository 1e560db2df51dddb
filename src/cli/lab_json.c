/* SPDX-License-Identifier: Apache-2.0 */
/* A lab's result as JSON. */
#include "cli/lab.h"

#include "base/json.h"

void cli_lab_set_rate(json_t *o, const char *share, const struct assay_lab_rate *r)
{
    json_set_number(o, "n", (double)r->n);
    json_set_number(o, share, r->share);
    json_set_number(o, "low", r->low);
    json_set_number(o, "high", r->high);
}

json_t *cli_lab_rate(const struct assay_lab_rate *r)
{
    json_t *o = json_object();
    cli_lab_set_rate(o, "share", r);
    return o;
}

/* Which students, and how they are looked at. */
static json_t *row_json(const struct assay_lab_power *p)
{
    json_t *o = json_object();
    json_set_text(o, "depth", p->depth);
    json_set_text(o, "method", p->method);
    json_set_text(o, "evasion", p->evasion);
    json_set_number(o, "dose", p->dose);
    if (p->further > 0)
        json_set_number(o, "further_training", p->further);
    json_set_number(o, "width", p->width);
    if (p->answers > 0)
        json_set_number(o, "answers", (double)p->answers);
    return o;
}

static json_t *power_json(const struct assay_lab_power *p)
{
    json_t *o = row_json(p), *roc = json_array();
    cli_lab_set_rate(o, "power", &p->named);
    json_object_set_new(o, "against_undosed", cli_lab_rate(&p->against_undosed));
    json_object_set_new(o, "against_others", cli_lab_rate(&p->against_others));
    json_set_number(o, "auc", p->auc);
    json_set_number(o, "auc_others", p->auc_others);
    json_set_number(o, "cllr", p->cllr);
    json_set_number(o, "most_log10_lr", p->most_log10_lr);
    for (size_t i = 0; i < p->roc_count; i++)
        json_array_append_new(roc, json_numbers(p->roc + 2 * i, 2));
    json_object_set_new(o, "roc", roc);
    if (p->dosed_lr) {
        json_t *tippett = json_object();
        json_object_set_new(tippett, "dosed", json_numbers(p->dosed_lr, p->named.n));
        json_object_set_new(tippett, "null", json_numbers(p->null_lr, p->null_count));
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
    json_set_text(o, "evasion", w->evasion);
    json_set_number(o, "dose", w->dose);
    if (w->further > 0)
        json_set_number(o, "further_training", w->further);
    json_set_number(o, "width", w->width);
    cli_lab_set_rate(o, "share", &w->named);
    json_object_set_new(o, "against_own_null", cli_lab_rate(&w->against_own));
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

json_t *cli_lab_json(const struct cli_call *call, const char *folder,
                     const struct assay_lab_result *r)
{
    json_t *o = json_object(), *power = json_array(), *wrong = json_array(), *cllr = json_array();
    json_t *capability = json_array();
    json_set_text(o, "design", call->positional[0]);
    json_set_text(o, "out", folder);
    json_set_number(o, "cells", (double)r->cells);
    json_set_number(o, "done", (double)r->cells);
    json_set_number(o, "trained", (double)r->trained);
    json_set_number(o, "resumed", (double)r->resumed);
    if (r->vocabulary > 0)
        json_object_set_new(o, "vocabulary",
                            json_pack("{s:i, s:s, s:f}", "tokens", (int)r->vocabulary, "file",
                                      r->tokenizer, "bytes_per_token", r->bytes_a_token));
    json_set_number(o, "level", r->level);
    json_set_number(o, "null_students", (double)r->null_students);
    json_set_number(o, "control_teachers", (double)r->control_teachers);
    for (size_t i = 0; i < r->power_count; i++) {
        const struct assay_lab_power *p = &r->power[i];
        json_t *one = row_json(p);
        json_array_append_new(power, power_json(p));
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
    if (r->pair_count > 0)
        json_object_set_new(o, "pairs", cli_lab_families_json(r));
    if (r->white_count > 0)
        cli_lab_white_json(o, r);
    if (r->subliminal.n > 0) {
        json_t *one = json_object();
        json_set_number(one, "n", (double)r->subliminal.n);
        set_mean(one, "teacher", r->subliminal.teacher);
        set_mean(one, "shared", r->subliminal.shared);
        set_mean(one, "different", r->subliminal.different);
        json_object_set_new(o, "subliminal", one);
    }
    return o;
}
