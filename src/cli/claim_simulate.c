/* SPDX-License-Identifier: Apache-2.0 */
/* assay claim simulate */
#include "cli/claim.h"
#include "cli/commands.h"

#include "base/json.h"

#include <assay/evidence.h>

#include <math.h>

static json_t *numbers(const double *list, size_t n)
{
    json_t *array = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(array, json_number_or_null(list[i]));
    return array;
}

static json_t *to_json(const struct cli_call *call, const struct assay_simulation *s)
{
    json_t *o = json_object(), *ranks = json_array(), *sets = json_array(), *kinds = json_array();
    for (size_t i = 0; i < 20; i++)
        json_array_append_new(ranks, json_integer((json_int_t)s->rank_cells[i]));
    for (size_t set = 0; set < ASSAY_SIMULATION_CLUE_SETS; set++) {
        json_t *entry = json_object();
        json_set_text(entry, "clues", s->clue_set[set]);
        json_set_number(entry, "realised_false_alarm", s->realised_false_alarm[set]);
        json_object_set_new(entry, "power", numbers(s->power[set], ASSAY_SIMULATION_LIES));
        json_array_append_new(sets, entry);
    }
    for (size_t i = 0; i < s->other_count; i++) {
        json_t *entry = json_object();
        json_set_text(entry, "accelerator", s->others[i].accelerator);
        json_object_set_new(entry, "power",
                            numbers(s->others[i].power, ASSAY_SIMULATION_CLUE_SETS));
        json_array_append_new(kinds, entry);
    }
    json_set_number(o, "claims", (double)s->claims);
    json_object_set_new(o, "rank_cells", ranks);
    json_set_number(o, "rank_statistic", s->rank_statistic);
    json_set_number(o, "rank_log10_p", s->rank_log10_p);
    json_set_number(o, "calibration_error", s->calibration_error);
    json_set_number(o, "calibration_scatter", s->calibration_scatter);
    json_set_number(o, "false_alarm", s->false_alarm);
    json_object_set_new(o, "size_of_lie", numbers(s->size, ASSAY_SIMULATION_LIES));
    json_object_set_new(o, "clue_sets", sets);
    json_object_set_new(o, "other_kinds", kinds);
    json_set_number(o, "seed", (double)call->context.seed);
    return o;
}

static void print(const struct assay_simulation *s)
{
    cli_say("%zu simulated claims, truth drawn from the priors\n", s->claims);
    cli_say("  ranks of the truth in 20 cells: chi-squared %.1f on 19, p = %.3g (uniform is "
            "right)\n  ",
            s->rank_statistic, pow(10, s->rank_log10_p));
    for (size_t i = 0; i < 20; i++)
        cli_say(" %llu", (unsigned long long)s->rank_cells[i]);
    cli_say("\n  stated probabilities are off by %.1f points in the mean; %.1f would be chance\n\n",
            100 * s->calibration_error, 100 * s->calibration_scatter);
    cli_say("Share of claims flagged, alarms set at %.0f%% of true claims:\n",
            100 * s->false_alarm);
    cli_say("  %-48s %6s", "count understated by", "true");
    for (size_t l = 1; l < ASSAY_SIMULATION_LIES; l++)
        cli_say(" %4.3gx", s->size[l]);
    cli_say("\n");
    for (size_t set = 0; set < ASSAY_SIMULATION_CLUE_SETS; set++) {
        cli_say("  %-48s", s->clue_set[set]);
        for (size_t l = 0; l < ASSAY_SIMULATION_LIES; l++)
            cli_say(" %4.0f%%", 100 * s->power[set][l]);
        cli_say("\n");
    }
    cli_say("\n  another kind than stated:\n");
    for (size_t i = 0; i < s->other_count; i++) {
        cli_say("  %-48s", s->others[i].accelerator);
        for (size_t set = 0; set < ASSAY_SIMULATION_CLUE_SETS; set++)
            cli_say(" %4.0f%%", 100 * s->others[i].power[set]);
        cli_say("\n");
    }
    cli_say("  (columns: the four sets of clues above)\n");
}

static assay_status run_command(struct cli_call *call)
{
    struct assay_claim_data data;
    struct assay_simulation simulation;
    int64_t claims = 2000;
    ASSAY_TRY(cli_number(call, 0, 100, 100000, &claims));
    ASSAY_TRY(assay_claim_data_read(call->data_folder, &data, &call->error));
    assay_status status = assay_claim_simulate(call->positional[0], &data, &call->context,
                                               (size_t)claims, &simulation, &call->error);
    if (status == ASSAY_OK) {
        if (call->json) {
            status = cli_print_json(call, to_json(call, &simulation));
        } else {
            print(&simulation);
            status = cli_finish_output(call);
        }
        assay_simulation_free(&simulation);
    }
    assay_claim_data_free(&data);
    return status;
}

const struct cli_command cli_claim_simulate = {
    .room = "claim",
    .verb = "simulate",
    .arguments = "CLAIM.yaml",
    .summary = "Check on simulated claims that `infer` is calibrated and finds lies",
    .text =
        "Draws hardware from the priors of CLAIM.yaml, lets the forward model and the clues'\n"
        "usual figures say what it would claim and leave behind, and weighs that as infer\n"
        "does. Prints whether the truth's ranks are uniform, how far stated probabilities are\n"
        "off, and what share of false claims is flagged at a 1% false-alarm rate: claims that\n"
        "state fewer devices than ran, and claims that name another kind. It shows what the\n"
        "inference can do if the model is right; `assay claim validate` shows how right it is.\n",
    .least = 1,
    .most = 1,
    .options = {{"claims", "N", "simulated claims (2000)"}},
    .run = run_command,
};
