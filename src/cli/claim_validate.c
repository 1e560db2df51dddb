/* SPDX-License-Identifier: Apache-2.0 */
/* assay claim validate */
#include "cli/claim.h"
#include "cli/commands.h"

#include "base/json.h"

#include <math.h>
#include <string.h>

static json_t *summary(const struct assay_validation_summary *s)
{
    json_t *o = json_object();
    if (s->name)
        json_set_text(o, "name", s->name);
    json_set_number(o, "n", (double)s->n);
    json_set_number(o, "median_abs_relative_error", s->median_abs_relative_error);
    json_set_number(o, "p90_abs_relative_error", s->p90_abs_relative_error);
    json_set_number(o, "coverage_80", s->coverage_80);
    json_set_number(o, "memory_n", (double)s->memory_n);
    json_set_number(o, "memory_median_abs_relative_error", s->memory_median_abs_relative_error);
    json_set_number(o, "fits_n", (double)s->fits_n);
    json_set_number(o, "oom_accuracy", s->oom_accuracy);
    return o;
}

static json_t *summaries(const struct assay_validation_summary *list, size_t n)
{
    json_t *array = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(array, summary(&list[i]));
    return array;
}

static json_t *row(const struct assay_validation_row *r)
{
    json_t *o = json_object();
    json_set_text(o, "id", r->id);
    json_set_text(o, "source", r->source);
    json_set_text(o, "group", r->group);
    json_set_text(o, "accelerator", r->accelerator);
    json_set_text(o, "quantity", r->quantity);
    json_set_number(o, "measured", r->measured);
    json_set_interval(o, "predicted", r->predicted);
    json_set_number(o, "relative_error", r->relative_error);
    json_object_set_new(o, "used", json_boolean(r->used));
    json_object_set_new(o, "layout_known", json_boolean(r->layout_known));
    json_set_text(o, "note", r->note);
    return o;
}

static json_t *to_json(const struct cli_call *call, const struct assay_validation *v,
                       const struct assay_training_runs *runs)
{
    json_t *o = json_object(), *rows = json_array();
    for (size_t i = 0; i < v->row_count; i++)
        json_array_append_new(rows, row(&v->rows[i]));
    json_object_set_new(o, "summary", summary(&v->all));
    json_object_set_new(o, "known_layout", summary(&v->known_layout));
    json_object_set_new(o, "unknown_layout", summary(&v->unknown_layout));
    json_object_set_new(o, "groups", summaries(v->groups, v->group_count));
    json_object_set_new(o, "accelerators", summaries(v->accelerators, v->accelerator_count));
    json_set_number(o, "unreadable_rows", (double)runs->unreadable);
    json_set_number(o, "seed", (double)call->context.seed);
    json_object_set_new(o, "rows", rows);
    return o;
}

static void percent(double share)
{
    if (isfinite(share))
        cli_say(" %7.1f%%", 100 * share);
    else
        cli_say(" %8s", "-");
}

static void line(const char *name, const struct assay_validation_summary *s)
{
    cli_say("  %-34.34s %5zu", name, s->n);
    percent(s->median_abs_relative_error);
    percent(s->p90_abs_relative_error);
    percent(s->coverage_80);
    cli_say(" %5zu", s->memory_n);
    percent(s->memory_median_abs_relative_error);
    cli_say(" %5zu", s->fits_n);
    percent(s->oom_accuracy);
    cli_say("\n");
}

static void print(const struct assay_validation *v, const struct assay_training_runs *runs,
                  bool every_row)
{
    size_t unused = 0;
    if (every_row) {
        cli_say("%-8s %-22s %-24s %-17s %12s %12s %9s\n", "id", "group", "accelerator", "quantity",
                "measured", "predicted", "error");
        for (size_t i = 0; i < v->row_count; i++) {
            const struct assay_validation_row *r = &v->rows[i];
            cli_say("%-8.8s %-22.22s %-24.24s %-17s %12.5g %12.5g %8.1f%%%s%s\n", r->id, r->group,
                    r->accelerator, r->quantity, r->measured, r->predicted.median,
                    100 * r->relative_error, r->used ? "" : "  not used: ", r->used ? "" : r->note);
        }
        cli_say("\n");
    }
    for (size_t i = 0; i < v->row_count; i++)
        unused += !v->rows[i].used;
    cli_say(
        "Predicted against measured: absolute relative error of time, share of 80%% intervals\n"
        "that hold the measured value; of peak memory; and runs called right to fit or not.\n\n");
    cli_say("  %-34s %5s %8s %8s %8s %5s %8s %5s %8s\n", "", "n", "median", "90th", "covered",
            "mem", "median", "fits", "right");
    line("all rows", &v->all);
    line("layout known", &v->known_layout);
    line("layout unknown", &v->unknown_layout);
    cli_say("by group\n");
    for (size_t i = 0; i < v->group_count; i++)
        line(v->groups[i].name, &v->groups[i]);
    cli_say("by accelerator, as the rows name it\n");
    for (size_t i = 0; i < v->accelerator_count; i++)
        line(v->accelerators[i].name, &v->accelerators[i]);
    cli_say("\n%zu quantities are not used; --rows or --json says why of each.\n", unused);
    for (size_t i = 0; i < runs->count && runs->unreadable > 0; i++)
        if (runs->rows[i].unreadable) {
            cli_say(
                "Of %zu rows, %zu have a cell that is no number and count in nothing. The first "
                "is\n%s (%s).\n",
                runs->count, runs->unreadable, runs->rows[i].unreadable, runs->rows[i].id);
            break;
        }
}

static assay_status validate(struct cli_call *call, const struct assay_claim_data *data,
                             const struct assay_training_runs *runs)
{
    static const char *const names[] = {"none", "source", "accelerator"};
    struct assay_validation validation;
    int cross = 0;
    while (call->value[2] && cross < 3 && strcmp(call->value[2], names[cross]) != 0)
        cross++;
    if (cross == 3)
        return assay_error_at(&call->error, ASSAY_ERROR_INPUT, NULL, 0,
                              "--cv: found \"%.40s\", expected none, source or accelerator",
                              call->value[2]);
    ASSAY_TRY(assay_claim_validate(data, runs, (enum assay_cross_validation)cross, &call->context,
                                   &validation, &call->error));
    cli_progress_end();
    assay_status status;
    if (call->json) {
        status = cli_print_json(call, to_json(call, &validation, runs));
    } else {
        print(&validation, runs, call->value[1] != NULL);
        status = cli_finish_output(call);
    }
    assay_validation_free(&validation);
    return status;
}

/* Both commands have --runs as their first option. */
static assay_status with_runs(struct cli_call *call,
                              assay_status (*function)(struct cli_call *call,
                                                       const struct assay_claim_data *data,
                                                       const struct assay_training_runs *runs))
{
    struct assay_claim_data data;
    struct assay_training_runs runs;
    char path[4200];
    snprintf(path, sizeof path, "%s/training_runs.csv", call->data_folder);
    ASSAY_TRY(assay_claim_data_read(call->data_folder, &data, &call->error));
    assay_status status =
        assay_training_runs_read(call->value[0] ? call->value[0] : path, &runs, &call->error);
    if (status == ASSAY_OK) {
        status = function(call, &data, &runs);
        assay_training_runs_free(&runs);
    }
    assay_claim_data_free(&data);
    return status;
}

static assay_status run_command(struct cli_call *call)
{
    return with_runs(call, validate);
}

const struct cli_command cli_claim_validate = {
    .room = "claim",
    .verb = "validate",
    .arguments = "",
    .summary = "Compare the forward model with measured training runs",
    .text =
        "Predicts every row of a table of measured runs and prints predicted against measured,\n"
        "with the median and 90th percentile of the absolute relative error. A row that cannot\n"
        "be predicted is listed as not used, with the reason; so is one with a cell that is no\n"
        "number, and how many there are is said. FILE has the header of\n"
        "data/training_runs.csv. Without --cv the shipped parameters are used as they are; they "
        "were\n"
        "fitted to data/training_runs.csv, so that its own rows look better than others will:\n"
        "--cv source says how rows of a source that was not seen are predicted.\n",
    .options = {{"runs", "FILE", "another table of runs (default: the one in the data folder)"},
                {"rows", NULL, "print every row"},
                {"cv", "KIND", "none, source or accelerator: what is left out and fitted anew"}},
    .run = run_command,
};

/* ---- calibrate ------------------------------------------------------------------------------ */

static assay_status calibrate(struct cli_call *call, const struct assay_claim_data *data,
                              const struct assay_training_runs *runs)
{
    return assay_claim_calibrate(data, runs, &call->context, call->positional[0], &call->error);
}

static assay_status run_calibrate(struct cli_call *call)
{
    ASSAY_TRY(with_runs(call, calibrate));
    if (call->json)
        return cli_print_json(call, json_pack("{s:s}", "written", call->positional[0]));
    cli_say("Written: %s/efficiency.csv and efficiency_factor.csv\n", call->positional[0]);
    return cli_finish_output(call);
}

const struct cli_command cli_claim_calibrate = {
    .room = "claim",
    .verb = "calibrate",
    .arguments = "FOLDER",
    .summary = "Fit the efficiency parameters to measured training runs",
    .text =
        "Starts from the priors in the data folder's efficiency.csv, fits them to the runs with\n"
        "a term for what each source shares, and writes the posterior (efficiency.csv and the\n"
        "factor of its covariance) to FOLDER. The shipped table was made so.\n",
    .least = 1,
    .most = 1,
    .options = {{"runs", "FILE", "another table of runs (default: the one in the data folder)"}},
    .run = run_calibrate,
};
