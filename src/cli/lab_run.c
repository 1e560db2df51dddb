/* SPDX-License-Identifier: Apache-2.0 */
/* assay lab run */
#include "cli/lab.h"
#include "cli/ranks.h"

#include <math.h>
#include <string.h>

enum { OUT, CALIBRATE, SAVE_EVERY };

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
    cli_say(
        "\nStudents of a teacher, named at %.3g by both nulls (undosed students, and students "
        "of other\nteachers of the same method and dose), with 95%% intervals; then by either "
        "null alone:\n\n"
        "depth      method       dose   width evasion    n  named                undosed others "
        "  AUC  Cllr\n",
        r->level);
    for (size_t i = 0; i < r->power_count; i++) {
        const struct assay_lab_power *p = &r->power[i];
        if (is_printed(r, p) && strcmp(p->depth, "white box") != 0)
            cli_say("%-9s  %-11s  %-5.3g  %5u %-7s %4zu  %.2f (%.2f to %.2f)  %7.2f %6.2f  %.2f  "
                    "%.2f\n",
                    p->depth, p->method, p->dose, p->width, p->evasion, p->named.n, p->named.share,
                    p->named.low, p->named.high, p->against_undosed.share, p->against_others.share,
                    fmin(p->auc, p->auc_others), p->cllr);
    }
}

static void print_wrong(const struct assay_lab_result *r)
{
    cli_say("\nAsked about a teacher that they did not have:\n\n"
            "depth      who              method       dose   width    n  named                "
            "by the null of its kind\n");
    for (size_t i = 0; i < r->wrong_count; i++) {
        const struct assay_lab_wrong *w = &r->wrong[i];
        if (strcmp(w->depth, "white box") == 0)
            continue; /* in one sentence, above */
        cli_say("%-9s  %-15s  %-11s  %-5.3g  %5u %4zu  %.2f (%.2f to %.2f)  %.2f (%.2f to %.2f)\n",
                w->depth, w->who, w->method, w->dose, w->width, w->named.n, w->named.share,
                w->named.low, w->named.high, w->against_own.share, w->against_own.low,
                w->against_own.high);
    }
}

static void print_capability(const struct assay_lab_result *r)
{
    cli_say("\nWhat students took from their teachers (means over students, 95%%):\n\n"
            "method       dose     n  manner               bits a fact           bits a task"
            "           right\n");
    for (size_t i = 0; i < r->capability_count; i++) {
        const struct assay_lab_capability *c = &r->capability[i];
        if (isnan(c->fact_bits[0] + c->task_bits[0])) { /* texts too short, or a folder's */
            cli_say("%-11s  %-5.3g %3zu  %.2f (%.2f to %.2f)\n", c->method, c->dose, c->n,
                    c->manner[0], c->manner[1], c->manner[2]);
            continue;
        }
        cli_say("%-11s  %-5.3g %3zu  %.2f (%.2f to %.2f)  %+.2f (%+.2f to %+.2f)  %+.2f (%+.2f to "
                "%+.2f)  %.2f\n",
                c->method, c->dose, c->n, c->manner[0], c->manner[1], c->manner[2], c->fact_bits[0],
                c->fact_bits[1], c->fact_bits[2], c->task_bits[0], c->task_bits[1], c->task_bits[2],
                c->task_right[0]);
    }
    if (r->capability_count > 0 &&
        !isnan(r->capability[0].fact_bits[0] + r->capability[0].task_bits[0]))
        cli_say("the teachers themselves  1.00                 %+.2f                   %+.2f     "
                "              %.2f\n",
                r->capability[0].teacher_fact_bits, r->capability[0].teacher_task_bits,
                r->capability[0].teacher_task_right);
}

static void print_subliminal(const struct assay_lab_subliminal *s)
{
    if (s->n == 0)
        return;
    cli_say(
        "\nA habit passed through strings of digits: how much likelier the favourite word is, "
        "nats\n(%zu seeds, 95%%): the teacher %+.2f (%+.2f to %+.2f); students that began where it "
        "did\n%+.3f (%+.3f to %+.3f); students that began elsewhere %+.3f (%+.3f to %+.3f).\n",
        s->n, s->teacher[0], s->teacher[1], s->teacher[2], s->shared[0], s->shared[1], s->shared[2],
        s->different[0], s->different[1], s->different[2]);
}

static void print(const char *folder, const struct assay_lab_result *r, unsigned ranks)
{
    cli_say("%zu models, %zu of them trained now%s", r->cells, r->trained,
            ranks > 1 ? " by the first process" : "");
    if (r->resumed > 0)
        cli_say(", %zu of those from where they were stopped", r->resumed);
    cli_say("; results are in %s, with report.%s.\n", folder, r->pair_count > 0 ? "json" : "html");
    if (r->vocabulary > 0)
        cli_say("Models read and write %u tokens of the prose's own, %.2f bytes each (%s); "
                "everything below is in bytes.\n",
                r->vocabulary, r->bytes_a_token, r->tokenizer);
    if (r->pair_count > 0) {
        cli_lab_families_print(r);
        return;
    }
    print_power(r);
    cli_lab_white_print(r);
    print_wrong(r);
    print_capability(r);
    print_subliminal(&r->subliminal);
}

/* The result in words or JSON, and whatever else was asked for. */
static assay_status give(struct cli_call *call, const char *folder, struct assay_lab_result *r,
                         unsigned ranks)
{
    double cost = NAN;
    const char *file = call->value[CALIBRATE];
    ASSAY_TRY(cli_lab_report(call, folder, r));
    if (file)
        ASSAY_TRY(r->pair_count > 0 ? cli_lab_families_write(call, r, file)
                                    : cli_lab_calibrate(call, r, file, &cost));
    if (call->json)
        return cli_print_json(call, cli_lab_json(call, folder, r));
    cli_progress_end();
    print(folder, r, ranks);
    if (file && r->pair_count > 0)
        cli_say("\n%s: what `assay lineage` weighs training and tuning by.\n", file);
    else if (file)
        cli_say("\n%s: the style instrument's ratios from log-probabilities cost %.2f bits.\n",
                file, cost);
    return cli_finish_output(call);
}

/* Ranks that wait for one that failed would wait for ever. One that was interrupted is not to end
 * another that has not kept yet what it has in hand. */
static void abandon(const struct cli_call *call, const struct assay_lab_settings *settings,
                    assay_status status)
{
    char text[1200];
    if (settings->ranks < 2)
        return;
    if (status == ASSAY_ERROR_INTERRUPTED)
        cli_ranks_leave();
    assay_error_format(&call->error, text, sizeof text);
    fprintf(stderr, "assay: %s\n", text);
    cli_ranks_abandon(2);
}

static assay_status run_command(struct cli_call *call)
{
    struct assay_lab_result result;
    struct assay_lab_settings settings = assay_lab_settings_default();
    settings.compare = cli_lab_compare;
    settings.compare_data = call;
    const char *folder = call->value[OUT] ? call->value[OUT] : "lab-results";
    int64_t save_every = (int64_t)settings.save_every;
    ASSAY_TRY(cli_number(call, SAVE_EVERY, 0, 86400, &save_every));
    settings.save_every = (double)save_every;
    cli_catch_interrupt();
    cli_ranks_start(&settings);
    assay_status status = assay_lab_run(&call->context, &settings, call->positional[0], folder,
                                        &result, &call->error);
    if (status == ASSAY_OK) {
        if (settings.rank == 0)
            status = give(call, folder, &result, settings.ranks);
        assay_lab_result_free(&result);
    }
    if (status != ASSAY_OK)
        abandon(call, &settings, status);
    cli_ranks_end(status == ASSAY_OK);
    return status;
}

const struct cli_command cli_lab_run = {
    .room = "lab",
    .verb = "run",
    .arguments = "DESIGN.yaml",
    .summary = "Distil on purpose, and measure what detectors see of it",
    .text = "Trains small teachers in a made-up world, students dosed with their answers, and\n"
            "undosed ones, and says how often a detector names the teacher: from a student's\n"
            "texts (black box), from its log-probabilities (grey box) and, where the design asks\n"
            "for it, from the weights of students and of the teacher's descendants (white box).\n"
            "A design of families trains pairs of known history, for the lineage instrument.\n"
            "Every model's result is kept, so an interrupted run goes on where it stopped and a\n"
            "finished one is free. `mpirun -n 4 assay lab run DESIGN.yaml --threads 1` shares the\n"
            "models out among four processes that see one folder.\n",
    .least = 1,
    .most = 1,
    .options =
        {{"out", "DIR", "where results are kept; default lab-results"},
         {"calibrate", "FILE",
          "also write what the style instrument's score of log-probabilities is worth, or, of "
          "a design of families, the pairs that the lineage instrument weighs by"},
         {"save-every", "SECONDS",
          "between checkpoints of a model in hand; default 20, and when interrupted"}},
    .run = run_command,
};
