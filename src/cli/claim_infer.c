/* SPDX-License-Identifier: Apache-2.0 */
/* assay claim infer */
#include "cli/claim.h"
#include "cli/commands.h"

#include "base/json.h"

#include <assay/evidence.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- JSON --------------------------------------------------------------------------------------
 */

/* A hypothesis is named "COUNT x ACCELERATOR". */
static json_t *hypothesis(const struct assay_weight *w, const struct assay_evidence *e, size_t i)
{
    json_t *o = json_object();
    char *after;
    double count = strtod(w->hypothesis, &after);
    json_set_text(o, "accelerator", strncmp(after, " x ", 3) == 0 ? after + 3 : w->hypothesis);
    json_set_number(o, "count", count);
    json_set_number(o, "prior", e->prior[i]);
    json_set_number(o, "posterior", e->posterior[i]);
    json_set_number(o, "posterior_monte_carlo_sd", e->posterior_sd[i]);
    if (w->weighed)
        json_set_interval(o, "log10_lr", w->log10_likelihood);
    else
        json_object_set_new(o, "log10_lr", json_null());
    if (w->note)
        json_set_text(o, "note", w->note);
    return o;
}

static json_t *clues(const struct assay_evidence *e)
{
    json_t *list = json_array();
    for (size_t i = 0; i < e->clue_count; i++) {
        json_t *o = json_object();
        json_set_text(o, "name", e->clues[i].name);
        json_set_number(o, "log10_lr", e->clues[i].log10_lr);
        json_set_number(o, "bits", e->clues[i].bits);
        json_object_set_new(o, "environment", json_boolean(e->clues[i].environment));
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *next(const struct assay_evidence *e)
{
    json_t *list = json_array();
    for (size_t i = 0; i < e->next_count; i++) {
        json_t *o = json_object();
        json_set_text(o, "name", e->next[i].name);
        json_set_number(o, "bits", e->next[i].bits);
        json_set_number(o, "bits_monte_carlo_sd", e->next[i].bits_sd);
        json_set_number(o, "accuracy", e->next[i].accuracy);
        json_object_set_new(o, "environment", json_boolean(e->next[i].environment));
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *balances(const struct assay_evidence *e)
{
    json_t *list = json_array();
    for (size_t i = 0; i < e->balance_count; i++) {
        json_t *o = json_object();
        json_set_text(o, "name", e->balances[i].name);
        json_set_text(o, "accelerator", e->balances[i].accelerator);
        json_set_number(o, "available", e->balances[i].available);
        json_set_number(o, "seen", e->balances[i].seen);
        json_set_number(o, "unaccounted", e->balances[i].unaccounted);
        json_set_number(o, "sigma", e->balances[i].sigma);
        json_array_append_new(list, o);
    }
    return list;
}

/* Whether even the best hypothesis predicts what was claimed. */
static json_t *best_fit(const struct assay_finding *f, const struct assay_evidence *e)
{
    json_t *o = json_object();
    json_set_text(o, "hypothesis", f->weights[0].hypothesis);
    json_set_number(o, "speed_log10_p", e->best_log10_p[0]);
    json_set_number(o, "days_log10_p", e->best_log10_p[1]);
    return o;
}

static json_t *to_json(const struct assay_finding *f, const struct assay_evidence *e)
{
    json_t *o = json_object(), *hypotheses = json_array(), *ties = json_array();
    for (size_t i = 0; i < f->weight_count; i++)
        json_array_append_new(hypotheses, hypothesis(&f->weights[i], e, i));
    for (size_t i = 0; i < f->tie_count; i++) {
        json_t *tie = json_array();
        json_array_append_new(tie, json_string(f->ties[i].a));
        json_array_append_new(tie, json_string(f->ties[i].b));
        json_array_append_new(tie, json_number_or_null(f->ties[i].log10_likelihood_ratio));
        json_array_append_new(ties, tie);
    }
    json_object_set_new(o, "answers", json_texts(f->answers, f->answer_count));
    json_object_set_new(o, "cannot_tell", json_texts(f->cannot_tell, f->cannot_tell_count));
    json_object_set_new(o, "hypotheses", hypotheses);
    json_object_set_new(o, "indistinguishable", ties);
    json_object_set_new(o, "best_fit", best_fit(f, e));
    json_object_set_new(o, "clues", clues(e));
    json_object_set_new(o, "next", next(e));
    json_object_set_new(o, "balances", balances(e));
    json_set_interval(o, "share_used", e->share_used);
    json_set_number(o, "prior_bits", e->prior_bits);
    json_set_number(o, "posterior_bits", e->posterior_bits);
    if (e->prior_holder)
        json_set_text(o, "prior_holder", e->prior_holder);
    json_set_number(o, "draws", e->draws);
    json_set_number(o, "effective_draws", e->effective_draws);
    json_object_set_new(o, "limits", json_texts(f->limits, f->limit_count));
    json_set_text(o, "method", f->method);
    json_set_text(o, "method_version", f->method_version);
    json_set_number(o, "seed", (double)f->seed);
    return o;
}

/* ---- text --------------------------------------------------------------------------------------
 */

static void print_hypotheses(const struct assay_finding *f, const struct assay_evidence *e)
{
    size_t excluded = 0, shown = 0, rest = 0;
    cli_say("\n%-44s %9s %18s\n", "hypothesis", "posterior", "log10 likelihood");
    for (size_t i = 0; i < f->weight_count; i++) {
        const struct assay_weight *w = &f->weights[i];
        excluded += !w->weighed;
        if (w->weighed && (shown < 12 || e->posterior[i] > 0.005)) {
            cli_say("  %-42s %9.4f %9.2f %s%.2f\n", w->hypothesis, e->posterior[i],
                    w->log10_likelihood.median, "+-",
                    w->log10_likelihood.high - w->log10_likelihood.median);
            shown++;
        } else {
            rest += w->weighed;
        }
    }
    cli_say("  (%zu more are weighed, %zu could not be: --json lists all)\n", rest, excluded);
    cli_say("  +- is the 80%% Monte-Carlo error of the draws, and nothing of the model's own\n");
    cli_say("  posterior: for %s; entropy %.2f of %.2f bits left\n",
            e->prior_holder ? e->prior_holder
                            : "equal priors on kinds and counts (no `priors` in the file)",
            e->posterior_bits, e->prior_bits);
}

static void print_clues(const struct assay_evidence *e)
{
    cli_say("\nWhat each statement and clue does, all others given:\n");
    cli_say("  %-34s %22s %8s\n", "", "log10 ratio for stated", "bits");
    for (size_t i = 0; i < e->clue_count; i++)
        cli_say("  %-34s %22.2f %8.2f%s\n", e->clues[i].name, e->clues[i].log10_lr,
                e->clues[i].bits, e->clues[i].environment ? "  environment" : "");
    for (size_t i = 0; i < e->balance_count; i++)
        cli_say("  balance of %s: %.0f available, %.0f seen, %.0f unaccounted (sigma %.0f)\n",
                e->balances[i].accelerator, e->balances[i].available, e->balances[i].seen,
                e->balances[i].unaccounted, e->balances[i].sigma);
}

static void print_next(const struct assay_evidence *e)
{
    cli_say("\nWhat to look for next, by expected information:\n");
    for (size_t i = 0; i < e->next_count; i++)
        cli_say("  %-14s %5.2f bits  %-24.*s %s to %.0f%%\n", e->next[i].name, e->next[i].bits,
                (int)fmin(24, e->next[i].bits * 8 + 0.5), "########################",
                e->next[i].environment ? "environment" : "the run itself",
                100 * e->next[i].accuracy);
}

static void print(const struct assay_finding *f, const struct assay_evidence *e)
{
    for (size_t i = 0; i < f->answer_count; i++)
        cli_print_wrapped(f->answers[i], "");
    cli_say("\nWhat this cannot tell:\n");
    for (size_t i = 0; i < f->cannot_tell_count; i++)
        cli_print_wrapped(f->cannot_tell[i], "  ");
    print_hypotheses(f, e);
    print_clues(e);
    print_next(e);
}

/* ---- the command -------------------------------------------------------------------------------
 */

static assay_status run_command(struct cli_call *call)
{
    struct assay_claim_data data;
    struct assay_finding finding;
    struct assay_evidence evidence;
    ASSAY_TRY(assay_claim_data_read(call->data_folder, &data, &call->error));
    assay_status status = assay_claim_weigh(call->positional[0], &data, &call->context, &finding,
                                            &evidence, &call->error);
    if (status == ASSAY_OK) {
        if (call->json) {
            status = cli_print_json(call, to_json(&finding, &evidence));
        } else {
            print(&finding, &evidence);
            status = cli_finish_output(call);
        }
        assay_finding_free(&finding);
    }
    assay_claim_data_free(&data);
    return status;
}

const struct cli_command cli_claim_infer = {
    .room = "claim",
    .verb = "infer",
    .arguments = "CLAIM.yaml",
    .summary = "Weigh which accelerators and counts predict a claim and its clues",
    .text =
        "Reads a run with a `claimed` section, and `clues` and `priors` if there are any, and\n"
        "weighs every accelerator in the table at a quarter to four times the stated count: how\n"
        "well does the forward model on it predict the claimed hours and days, and would such\n"
        "a cluster have left those clues (power, energy, servers, shipments, staff, cost)?\n"
        "Says what each clue contributed, which hypotheses cannot be told apart, and which\n"
        "clue not yet seen would tell the most, in bits. A posterior is only as good as its\n"
        "priors: without the section all kinds and counts are alike.\n",
    .least = 1,
    .most = 1,
    .run = run_command,
};
