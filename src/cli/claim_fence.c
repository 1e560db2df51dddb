/* SPDX-License-Identifier: Apache-2.0 */
/* assay claim fence */
#include "cli/claim.h"
#include "cli/commands.h"

#include <assay/fence.h>

#include "base/json.h"

#include <math.h>
#include <string.h>

static const char *const limits[] = {
    "Device-hours of unlike accelerators are not money: a cheaper, slower one may cost less.",
    "Every run is predicted, with the best plan found at the run's own count of devices; the count "
    "for the same time assumes that cost does not grow with the count, and it does.",
    "A status says what the rule in force allowed, not what was bought, rented abroad, stocked "
    "before or smuggled.",
    "Simulation informs, it does not determine; accelerators without a measured pre-training run "
    "here (H20, 910C, MI300X, BR100) are predicted from their data sheets, and whether a domestic "
    "one could be had in such numbers is another question.",
};
#define LIMITS (sizeof limits / sizeof limits[0])

struct answer {
    const struct assay_run *run;
    const struct assay_fence *f;
    const char *date;
};

static void sentence(const struct answer *w, char *text, size_t size)
{
    const struct assay_fence *f = w->f;
    const char *best = f->best->accelerator->name;
    char domestic[120] = "";
    if (f->best_domestic)
        snprintf(domestic, sizeof domestic,
                 " The best of those designed in China was %s, at %.2f times.",
                 f->best_domestic->accelerator->name, f->best_domestic->ratio.median);
    if (!f->best_legal) {
        snprintf(text, size,
                 "On %s no accelerator on which the run fits was sold to China without a licence; "
                 "the best there was is %s.%s",
                 w->date, best, domestic);
        return;
    }
    const char *legal = f->best_legal->accelerator->name;
    double with = f->control_with.median, bare = f->control_without.median;
    double won = f->best_legal->saves_all.median;
    if (f->best_legal == f->best)
        snprintf(text, size,
                 "On %s the best there was, %s, was sold to China without a licence: no control "
                 "cost this run anything. Method is worth %.2f on it.%s",
                 w->date, best, won, domestic);
    else
        snprintf(text, size,
                 "On %s the best that was sold to China without a licence was %s: %.2f times the "
                 "device-hours of %s, the best there was, where neither run uses method, and %.2f "
                 "times where both do. On %s method is worth %.2f, %s than the control cost.%s The "
                 "model's ratio of two runs errs by more than a factor of %.2f in 1 of 5 cases.",
                 w->date, legal, bare, best, with, legal, won, won >= bare ? "more" : "less",
                 domestic, f->doubt);
}

/* ---- JSON ---------------------------------------------------------------------------------- */

static json_t *chip_json(const struct assay_fence_chip *c)
{
    json_t *o = json_object(), *techniques = json_array();
    json_set_text(o, "accelerator", c->accelerator->name);
    json_set_text(o, "status", assay_export_status_name(c->judgement.status));
    json_set_text(o, "words", assay_export_status_words(c->judgement.status));
    json_set_text(o, "missing", c->judgement.missing);
    json_object_set_new(o, "legal", json_boolean(c->legal));
    json_object_set_new(o, "fits", json_boolean(c->fits));
    if (!c->fits) {
        json_decref(techniques);
        return o;
    }
    json_set_interval(o, "device_hours", c->device_hours);
    json_set_interval(o, "ratio", c->ratio);
    json_set_number(o, "devices_for_same_time", c->same_time);
    json_object_set_new(o, "eight_bits", json_boolean(c->precision != ASSAY_PRECISION_BF16));
    json_object_set_new(o, "plan", cli_plan_json(&c->plan));
    for (int t = 0; c->weighed && t < ASSAY_TECHNIQUE_COUNT; t++) {
        json_t *entry = json_object();
        json_set_text(entry, "name", assay_technique_name((enum assay_technique)t));
        json_object_set_new(entry, "used", json_boolean(c->uses[t]));
        json_set_interval(entry, "saves", c->saves[t]);
        json_array_append_new(techniques, entry);
    }
    json_object_set_new(o, "techniques", techniques);
    if (c->weighed)
        json_set_interval(o, "all_techniques", c->saves_all);
    return o;
}

static json_t *to_json(const struct cli_call *call, const struct answer *w)
{
    const struct assay_fence *f = w->f;
    json_t *o = json_object(), *chips = json_array();
    char text[700];
    json_set_text(o, "name", w->run->name);
    json_set_text(o, "date", w->date);
    json_set_text(o, "rule", f->rule ? f->rule->name : NULL);
    json_set_number(o, "devices", (double)w->run->machine.devices);
    json_set_text(o, "best", f->best->accelerator->name);
    json_set_text(o, "best_legal", f->best_legal ? f->best_legal->accelerator->name : NULL);
    json_set_text(o, "best_domestic",
                  f->best_domestic ? f->best_domestic->accelerator->name : NULL);
    if (f->best_legal) {
        json_set_interval(o, "control_cost_with_method", f->control_with);
        json_set_interval(o, "control_cost_without_method", f->control_without);
        json_set_interval(o, "method_won_back", f->best_legal->saves_all);
    }
    for (size_t i = 0; i < f->count; i++)
        json_array_append_new(chips, chip_json(&f->chips[i]));
    json_object_set_new(o, "chips", chips);
    json_set_number(o, "not_to_be_had_by_then", (double)f->too_late);
    json_set_number(o, "model_doubt", f->doubt);
    sentence(w, text, sizeof text);
    json_set_text(o, "answer", text);
    json_set_number(o, "seed", (double)call->context.seed);
    json_object_set_new(o, "limits", json_texts(limits, LIMITS));
    return o;
}

/* ---- text ---------------------------------------------------------------------------------- */

static void print_chip(const struct assay_fence *f, const struct assay_fence_chip *c)
{
    char spread[40];
    cli_say("%s%-15s %-8s", c == f->own ? "*" : " ", c->accelerator->name,
            assay_export_status_name(c->judgement.status));
    if (!c->fits) {
        cli_say("  no plan fits\n");
        return;
    }
    snprintf(spread, sizeof spread, "%.0f to %.0f", c->device_hours.low / 1e3,
             c->device_hours.high / 1e3);
    cli_say(" %8.0f  %-16s %6.2f %9.0f %s\n", c->device_hours.median / 1e3, spread, c->ratio.median,
            c->same_time, c->precision == ASSAY_PRECISION_BF16 ? "16 bits" : "8 bits");
}

static void print_techniques(const struct assay_fence *f)
{
    cli_say("\nDevice-hours without a technique over those with all (80%%):\n%-16s", "");
    for (int t = 0; t < ASSAY_TECHNIQUE_COUNT; t++)
        cli_say("%-11s", assay_technique_name((enum assay_technique)t));
    cli_say("%s\n", "without any");
    for (size_t i = 0; i < f->count; i++) {
        const struct assay_fence_chip *c = &f->chips[i];
        if (!c->weighed)
            continue;
        cli_say("%s%-15s", c == f->own ? "*" : " ", c->accelerator->name);
        for (int t = 0; t < ASSAY_TECHNIQUE_COUNT; t++)
            if (c->uses[t])
                cli_say("%-11.3f", c->saves[t].median);
            else
                cli_say("%-11s", "-");
        cli_say("%.3f (%.2f to %.2f)\n", c->saves_all.median, c->saves_all.low, c->saves_all.high);
    }
}

static void print(const struct answer *w)
{
    const struct assay_fence *f = w->f;
    char text[700];
    cli_say("%s on %lld devices; %s%s%s\n\n", w->run->name[0] ? w->run->name : w->run->path,
            (long long)w->run->machine.devices, w->date,
            f->rule ? ", rule of " : ", before any rule", f->rule ? f->rule->name : "");
    cli_say(" %-15s %-8s %8s  %-16s %6s %9s\n", "", "", "thousand", "", "over", "count for");
    cli_say(" %-15s %-8s %8s  %-16s %6s %9s\n", "accelerator", "status", "hours", "80%", "best",
            "same time");
    for (size_t i = 0; i < f->count; i++)
        print_chip(f, &f->chips[i]);
    cli_say("* the run's own; %zu more could not be had by then\n", f->too_late);
    print_techniques(f);
    cli_say("\n");
    sentence(w, text, sizeof text);
    cli_print_wrapped(text, "");
    for (size_t i = 0; i < LIMITS; i++)
        cli_print_wrapped(limits[i], "");
}

/* ---- the command --------------------------------------------------------------------------- */

static assay_status price(struct cli_call *call, const struct assay_claim_data *data,
                          const struct assay_export_rules *rules, const struct assay_run *run)
{
    struct assay_fence fence;
    const char *date = call->value[0] ? call->value[0] : rules->rules[rules->count - 1].in_force;
    if (!assay_is_date(date))
        return assay_error_at(&call->error, ASSAY_ERROR_INPUT, NULL, 0,
                              "--date: found \"%.40s\", expected a day as 2023-06-01", date);
    ASSAY_TRY(assay_claim_fence(data, rules, run, date, &call->context, &fence, &call->error));
    cli_progress_end();
    struct answer answer = {run, &fence, date};
    assay_status status;
    if (call->json) {
        status = cli_print_json(call, to_json(call, &answer));
    } else {
        print(&answer);
        status = cli_finish_output(call);
    }
    assay_fence_free(&fence);
    return status;
}

static assay_status read_run(struct cli_call *call, const struct assay_claim_data *data,
                             const struct assay_export_rules *rules)
{
    struct assay_run run;
    ASSAY_TRY(assay_run_read(call->positional[0], data, &run, &call->error));
    assay_status status = price(call, data, rules, &run);
    assay_run_free(&run);
    return status;
}

static assay_status run_command(struct cli_call *call)
{
    struct assay_claim_data data;
    struct assay_export_rules rules;
    ASSAY_TRY(assay_claim_data_read(call->data_folder, &data, &call->error));
    assay_status status = assay_export_rules_read(call->data_folder, &rules, &call->error);
    if (status == ASSAY_OK) {
        status = read_run(call, &data, &rules);
        assay_export_rules_free(&rules);
    }
    assay_claim_data_free(&data);
    return status;
}

const struct cli_command cli_claim_fence = {
    .room = "claim",
    .verb = "fence",
    .arguments = "RUN.yaml",
    .summary = "Price a run on what could be had on a day: what a control cost it",
    .text =
        "For every accelerator that could be had by --date: its status under the rule in force\n"
        "(assay chips), the device-hours of the run on it with the best plan found, and how many\n"
        "would take the same time as the best accelerator. For those that were legal, the best\n"
        "and the run's own also the hours without each technique: 8-bit products, routing to few\n"
        "nodes, a bidirectional or zero-bubble schedule, communication hidden behind computation.\n"
        "So: how much the control cost, and how much method won back.\n",
    .least = 1,
    .most = 1,
    .options = {{"date", "YYYY-MM-DD", "the day (default: the last rule's first)"}},
    .run = run_command,
};
