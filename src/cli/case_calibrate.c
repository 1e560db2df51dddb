/* SPDX-License-Identifier: Apache-2.0 */
/* assay case calibrate */
#include "cli/commands.h"
#include "cli/page.h"

#include <assay/case_calibration.h>

#include "base/json.h"

#include <string.h>

typedef struct assay_case_calibration_row row_type;

static void set_interval(json_t *o, const char *key, double low, double high)
{
    char name[64];
    snprintf(name, sizeof name, "%s_interval", key);
    json_object_set_new(o, name,
                        json_pack("[o,o]", json_number_or_null(low), json_number_or_null(high)));
}

static void set_share(json_t *o, const char *key, const struct assay_share *share)
{
    json_set_number(o, key, share->share);
    set_interval(o, key, share->low, share->high);
}

static json_t *tippett_to_json(const row_type *r, size_t i)
{
    json_t *o = json_object();
    json_set_number(o, "log10_lr", assay_tippett_ratio(i));
    set_share(o, "true_above", &r->tippett_true[i]);
    set_share(o, "false_above", &r->tippett_false[i]);
    json_set_number(o, "log10_worth", r->worth[i]);
    return o;
}

static json_t *row_to_json(const row_type *r)
{
    json_t *o = json_object(), *tippett = json_array(), *cells = json_array();
    json_t *entropy = json_array();
    json_set_text(o, "world", r->world);
    json_set_text(o, "method", r->method);
    json_set_text(o, "kind", r->kind);
    json_set_number(o, "cases", (double)r->cases);
    json_set_number(o, "true_ratios", (double)r->true_ratios);
    json_set_number(o, "false_ratios", (double)r->false_ratios);
    json_set_number(o, "cllr", r->cllr);
    set_interval(o, "cllr", r->cllr_interval[0], r->cllr_interval[1]);
    json_set_number(o, "min_cllr", r->min_cllr);
    set_interval(o, "min_cllr", r->min_cllr_interval[0], r->min_cllr_interval[1]);
    set_share(o, "below_one_true", &r->below_one_true);
    set_share(o, "above_one_false", &r->above_one_false);
    set_share(o, "misleading_true", &r->misleading_true);
    set_share(o, "misleading_false", &r->misleading_false);
    set_share(o, "wrong_above_ten", &r->wrong_above_ten);
    json_set_number(o, "claimed_above_ten", r->claimed_above_ten);
    for (size_t t = 0; t < ASSAY_TIPPETT_POINTS; t++)
        json_array_append_new(tippett, tippett_to_json(r, t));
    json_object_set_new(o, "tippett", tippett);
    for (size_t c = 0; c < ASSAY_RELIABILITY_CELLS; c++) {
        json_t *cell = json_object();
        json_set_number(cell, "count", (double)r->cells[c].realised.n);
        json_set_number(cell, "stated", r->cells[c].stated);
        set_share(cell, "realised", &r->cells[c].realised);
        json_array_append_new(cells, cell);
    }
    json_object_set_new(o, "reliability", cells);
    for (size_t i = 0; i < ASSAY_ENTROPY_POINTS; i++)
        json_array_append_new(
            entropy, json_pack("{s:f,s:f,s:f,s:f}", "log10_prior_odds", assay_entropy_odds(i),
                               "as_stated", r->entropy[i].as_stated, "least", r->entropy[i].least,
                               "without", r->entropy[i].without));
    json_object_set_new(o, "cross_entropy", entropy);
    return o;
}

static json_t *to_json(const struct assay_case_calibration *c, const char *report)
{
    json_t *o = json_object(), *rows = json_array();
    char seed[24];
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)c->seed);
    json_set_number(o, "cases", (double)c->cases);
    json_set_text(o, "seed", seed);
    json_set_text(o, "report", report);
    for (size_t i = 0; i < ASSAY_CALIBRATION_METHODS * ASSAY_WORLD_COUNT; i++)
        json_array_append_new(rows, row_to_json(&c->rows[i]));
    for (size_t i = 0; i < c->kind_count; i++)
        json_array_append_new(rows, row_to_json(&c->kinds[i]));
    json_object_set_new(o, "rows", rows);
    return o;
}

static void print_row(const row_type *r, const char *who)
{
    cli_say("%-17s %-10s %5.2f%%  %5.2f%%  %5.1f%%  %5.1f%%  %6.3f  %5.3f\n", r->world, who,
            100 * r->misleading_true.share, 100 * r->misleading_false.share,
            100 * r->wrong_above_ten.share, 100 * r->claimed_above_ten, r->cllr, r->min_cllr);
}

static void print(const struct assay_case_calibration *c)
{
    const row_type *network = &c->rows[0];
    cli_say("%zu simulated cases in each world, seed %llu\n\n", c->cases,
            (unsigned long long)c->seed);
    cli_say("                                misleading (over 10)   of ratios over 10\n");
    cli_say("world             method      true   false   wrong  stated    Cllr    min\n");
    for (size_t i = 0; i < ASSAY_CALIBRATION_METHODS * ASSAY_WORLD_COUNT; i++)
        print_row(&c->rows[i], c->rows[i].method);
    if (c->kind_count)
        cli_say("the network's, by kind of case\n");
    for (size_t i = 0; i < c->kind_count; i++)
        print_row(&c->kinds[i], c->kinds[i].kind);
    cli_say("\nNetwork, sources as graded. Shares of log10 ratios above\n        ");
    for (size_t t = 0; t < ASSAY_TIPPETT_POINTS; t += 10)
        cli_say("%7.0f", assay_tippett_ratio(t));
    cli_say("\n  true  ");
    for (size_t t = 0; t < ASSAY_TIPPETT_POINTS; t += 10)
        cli_say("%7.3f", network->tippett_true[t].share);
    cli_say("\n  false ");
    for (size_t t = 0; t < ASSAY_TIPPETT_POINTS; t += 10)
        cli_say("%7.3f", network->tippett_false[t].share);
    cli_say("\n\nStated probability, from equal priors, and what was so (95%% interval)\n");
    for (size_t i = 0; i < ASSAY_RELIABILITY_CELLS; i++) {
        const struct assay_share *realised = &network->cells[i].realised;
        if (realised->n)
            cli_say("  %6.3f  %6.3f (%.3f to %.3f)  of %zu\n", network->cells[i].stated,
                    realised->share, realised->low, realised->high, realised->n);
    }
}

/* The curves, as the page that findings have. */
static assay_status write_report(struct cli_call *call, const struct assay_case_calibration *c,
                                 const char *path)
{
    struct assay_finding finding;
    const char *kind = assay_case_form_name(c->form);
    char title[160];
    snprintf(title, sizeof title,
             "What a case's likelihood ratios are worth: %zu simulated cases%s%s", c->cases,
             kind ? " of kind " : "", kind ? kind : "");
    ASSAY_TRY(assay_case_calibration_describe(c, call->positional[0], call->data_folder, &finding,
                                              &call->error));
    assay_status status = cli_page_write(call, &finding, title, path);
    assay_finding_free(&finding);
    return status;
}

enum { CASES, OF, REPORT };

static assay_status read_form(struct cli_call *call, enum assay_case_form *form)
{
    const char *name = call->value[OF];
    *form = ASSAY_FORM_COUNT;
    if (!name)
        return ASSAY_OK;
    for (int f = 0; f < ASSAY_FORM_COUNT; f++)
        if (strcmp(assay_case_form_name((enum assay_case_form)f), name) == 0)
            *form = (enum assay_case_form)f;
    return *form < ASSAY_FORM_COUNT
               ? ASSAY_OK
               : assay_error_at(&call->error, ASSAY_ERROR_INPUT, NULL, 0,
                                "--of: found \"%.40s\", expected hardware, teacher, descent or "
                                "statements",
                                name);
}

static assay_status run(struct cli_call *call)
{
    struct assay_case_calibration calibration;
    enum assay_case_form form;
    const char *report = call->value[REPORT];
    int64_t cases = 1000;
    ASSAY_TRY(cli_number(call, CASES, 10, 1000000, &cases));
    ASSAY_TRY(read_form(call, &form));
    if (report)
        ASSAY_TRY(cli_page_check(call, report));
    ASSAY_TRY(assay_case_calibrate(call->positional[0], call->data_folder, (size_t)cases, form,
                                   &call->context, &calibration, &call->error));
    if (report)
        ASSAY_TRY(write_report(call, &calibration, report));
    cli_progress_end();
    if (call->json)
        return cli_print_json(call, to_json(&calibration, report));
    print(&calibration);
    if (report)
        cli_say("\nThe curves are in %s\n", report);
    return cli_finish_output(call);
}

const struct cli_command cli_case_calibrate = {
    .room = "case",
    .verb = "calibrate",
    .arguments = "CLAIM.yaml",
    .summary = "Check on simulated cases that likelihood ratios are worth what they say",
    .text =
        "Simulates cases whose truth is known: a quarter with a claim that the forward model "
        "draws\n"
        "from CLAIM.yaml, a quarter with a teacher whose score is drawn from the calibration of\n"
        "style, a quarter with a pair of small models of known history as `lineage stages` weighs\n"
        "it, a quarter of statements alone; all with sources that mislead. Combines them as\n"
        "`case run` does and prints how often a ratio over 10 points the wrong way, Cllr, the\n"
        "shares of ratios (Tippett) and stated probabilities beside what was so. \"product\" is\n"
        "the same without grades and dependence; \"all known\" is the most that could be told.\n"
        "With --report, Tippett plots, reliability diagrams, cross-entropy and what ratios are\n"
        "worth are drawn in a page that opens anywhere, with their numbers.\n",
    .least = 1,
    .most = 1,
    .options = {{"cases", "N", "simulated cases in each world (1000)"},
                {"of", "KIND", "hardware, teacher, descent or statements alone; else all in turns"},
                {"report", "FILE.html", "also draw the curves, as a page"}},
    .run = run,
};
