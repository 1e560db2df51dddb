/* SPDX-License-Identifier: Apache-2.0 */
/* assay case calibrate */
#include "cli/commands.h"

#include <assay/case_calibration.h>

#include "base/json.h"

#include <math.h>
#include <string.h>

typedef struct assay_case_calibration_row row_type;

static json_t *row_to_json(const row_type *r)
{
    json_t *o = json_object(), *tippett = json_array(), *cells = json_array();
    json_set_text(o, "world", r->world);
    json_set_text(o, "method", r->method);
    json_set_number(o, "cases", (double)r->cases);
    json_set_number(o, "true_ratios", (double)r->true_ratios);
    json_set_number(o, "false_ratios", (double)r->false_ratios);
    json_set_number(o, "cllr", r->cllr);
    json_set_number(o, "min_cllr", r->min_cllr);
    json_set_number(o, "misleading_true", r->misleading_true);
    json_set_number(o, "misleading_false", r->misleading_false);
    json_set_number(o, "wrong_above_ten", r->wrong_above_ten);
    json_set_number(o, "claimed_above_ten", r->claimed_above_ten);
    for (int t = 0; t < ASSAY_TIPPETT_POINTS; t++)
        json_array_append_new(tippett,
                              json_pack("{s:i,s:f,s:f}", "log10_lr",
                                        t - (ASSAY_TIPPETT_POINTS - 1) / 2, "true_above",
                                        r->tippett_true[t], "false_above", r->tippett_false[t]));
    json_object_set_new(o, "tippett", tippett);
    for (int c = 0; c < ASSAY_RELIABILITY_CELLS; c++) {
        json_t *cell = json_object();
        json_set_number(cell, "count", (double)r->cells[c].count);
        json_set_number(cell, "stated", r->cells[c].stated);
        json_set_number(cell, "realised", r->cells[c].realised);
        json_array_append_new(cells, cell);
    }
    json_object_set_new(o, "reliability", cells);
    return o;
}

static json_t *to_json(const struct assay_case_calibration *c)
{
    json_t *o = json_object(), *rows = json_array();
    char seed[24];
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)c->seed);
    json_set_number(o, "cases", (double)c->cases);
    json_set_text(o, "seed", seed);
    for (int i = 0; i < ASSAY_CALIBRATION_METHODS * ASSAY_WORLD_COUNT; i++)
        json_array_append_new(rows, row_to_json(&c->rows[i]));
    json_object_set_new(o, "rows", rows);
    return o;
}

static void print(const struct assay_case_calibration *c)
{
    size_t n = ASSAY_CALIBRATION_METHODS * ASSAY_WORLD_COUNT;
    printf("%zu simulated cases in each world, seed %llu\n\n", c->cases,
           (unsigned long long)c->seed);
    printf("                               misleading (over 10)   of ratios over 10\n");
    printf("world             method     true   false   wrong  stated    Cllr    min\n");
    for (size_t i = 0; i < n; i++) {
        const row_type *r = &c->rows[i];
        printf("%-17s %-9s %5.2f%%  %5.2f%%  %5.1f%%  %5.1f%%  %6.3f  %5.3f\n", r->world, r->method,
               100 * r->misleading_true, 100 * r->misleading_false, 100 * r->wrong_above_ten,
               100 * r->claimed_above_ten, r->cllr, r->min_cllr);
    }
    printf("\nNetwork, sources as graded. Shares of log10 ratios above\n        ");
    for (int t = 0; t < ASSAY_TIPPETT_POINTS; t++)
        printf("%7d", t - (ASSAY_TIPPETT_POINTS - 1) / 2);
    printf("\n  true  ");
    for (int t = 0; t < ASSAY_TIPPETT_POINTS; t++)
        printf("%7.3f", c->rows[0].tippett_true[t]);
    printf("\n  false ");
    for (int t = 0; t < ASSAY_TIPPETT_POINTS; t++)
        printf("%7.3f", c->rows[0].tippett_false[t]);
    printf("\n\nStated probability, from equal priors, and what was so\n");
    for (int i = 0; i < ASSAY_RELIABILITY_CELLS; i++) {
        const struct assay_reliability_cell *cell = &c->rows[0].cells[i];
        if (cell->count)
            printf("  %6.3f  %6.3f  of %zu\n", cell->stated, cell->realised, cell->count);
    }
}

enum { CASES, OF };

static assay_status read_form(struct cli_call *call, enum assay_case_form *form)
{
    static const char *const names[ASSAY_FORM_COUNT] = {"hardware", "teacher", "descent",
                                                        "statements"};
    const char *name = call->value[OF];
    size_t at = 0;
    *form = ASSAY_FORM_COUNT;
    if (!name)
        return ASSAY_OK;
    while (at < ASSAY_FORM_COUNT && strcmp(names[at], name) != 0)
        at++;
    *form = (enum assay_case_form)at;
    return at < ASSAY_FORM_COUNT
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
    int64_t cases = 1000;
    ASSAY_TRY(cli_number(call, CASES, 10, 1000000, &cases));
    ASSAY_TRY(read_form(call, &form));
    ASSAY_TRY(assay_case_calibrate(call->positional[0], call->data_folder, (size_t)cases, form,
                                   &call->context, &calibration, &call->error));
    cli_progress_end();
    if (call->json)
        return cli_print_json(call, to_json(&calibration));
    print(&calibration);
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
        "the same without grades and dependence; \"all known\" is the most that could be told.\n",
    .least = 1,
    .most = 1,
    .options = {{"cases", "N", "simulated cases in each world (1000)"},
                {"of", "KIND",
                 "hardware, teacher, descent or statements alone; else all in turns"}},
    .run = run,
};
