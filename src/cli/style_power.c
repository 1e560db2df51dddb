/* SPDX-License-Identifier: Apache-2.0 */
/* assay style power: how many answers are needed. */
#include "cli/commands.h"
#include "cli/page.h"
#include "cli/style.h"

#include <assay/stats.h>

#include "base/json.h"
#include "finding/curves.h"

#include <math.h>

enum { TABLE, DRAWS, REPORT };

#define SIZES 7
#define QUESTIONS 2

static const size_t sizes[SIZES] = {5, 10, 25, 50, 100, 200, 400};
static const enum assay_style_question questions[QUESTIONS] = {ASSAY_STYLE_PARENT,
                                                               ASSAY_STYLE_RANK};
static const char *const names[QUESTIONS] = {"parent", "rank"};

/* Over draws of prompts: the mean, the least and the most. */
struct spread {
    double sum, least, most;
    int n;
};

static void note(struct spread *s, double value)
{
    s->least = s->n ? fmin(s->least, value) : value;
    s->most = s->n ? fmax(s->most, value) : value;
    s->sum += value;
    s->n++;
}

struct row {
    struct spread top1, named;
    size_t students; /* asked about */
};

struct rows {
    struct row of[QUESTIONS][SIZES];
};

static assay_status measure(struct cli_call *call, const struct style_inputs *in, const char *table,
                            size_t question, size_t size, int64_t draws, struct row *row)
{
    struct assay_context context = call->context;
    *row = (struct row){.top1 = {.n = 0}};
    for (int64_t i = 0; i < draws; i++) {
        struct assay_style_validation v;
        context.seed = call->context.seed + (uint64_t)i;
        ASSAY_TRY(assay_style_validate(&context, questions[question], in->sets, in->set_count,
                                       table, size, 0.05, &v, &call->error));
        row->students = v.students;
        note(&row->top1, v.top1);
        note(&row->named, v.named_right);
    }
    return ASSAY_OK;
}

static double mean(const struct spread *s)
{
    return s->sum / s->n;
}

/* 95% over students, as if no two were of one lineage. */
static struct assay_share share_of(const struct spread *s, size_t students)
{
    return assay_stats_share((size_t)(mean(s) * (double)students + 0.5), students);
}

static void set_spread(json_t *object, const char *key, const struct spread *s, size_t students)
{
    struct assay_share share = share_of(s, students);
    json_t *o = json_object();
    json_set_number(o, "mean", s->sum / s->n);
    json_set_number(o, "least", s->least);
    json_set_number(o, "most", s->most);
    json_object_set_new(o, "interval", json_pack("[f,f]", share.low, share.high));
    json_object_set_new(object, key, o);
}

static assay_status power(struct cli_call *call, const struct style_inputs *in, const char *table,
                          json_t *object, struct rows *rows)
{
    int64_t draws = 2;
    ASSAY_TRY(cli_number(call, DRAWS, 1, 100, &draws));
    for (size_t q = 0; q < QUESTIONS; q++) {
        json_t *list = json_array();
        json_object_set_new(object, names[q], list);
        if (!call->json)
            cli_say("%s\n    prompts   true one first           true one named at 5%%\n", names[q]);
        for (size_t s = 0; s < SIZES; s++) {
            struct row *row = &rows->of[q][s];
            ASSAY_TRY(measure(call, in, table, q, sizes[s], draws, row));
            json_t *o = json_object();
            json_set_number(o, "prompts", (double)sizes[s]);
            json_set_number(o, "students", (double)row->students);
            set_spread(o, "top1", &row->top1, row->students);
            set_spread(o, "named_right", &row->named, row->students);
            json_array_append_new(list, o);
            if (!call->json)
                cli_say("    %7zu   %.2f (%.2f to %.2f)      %.2f (%.2f to %.2f)\n", sizes[s],
                        mean(&row->top1), row->top1.least, row->top1.most, mean(&row->named),
                        row->named.least, row->named.most);
        }
    }
    json_set_number(object, "draws", (double)draws);
    json_set_number(object, "seed", (double)call->context.seed);
    return ASSAY_OK;
}

/* ---- the curves ---------------------------------------------------------------------------- */

static void draw(struct finding_writer *to, const struct rows *rows)
{
    static const struct curves_axes axes = {"prompts answered", "share of students", true, 0.95};
    static const char *const series[QUESTIONS][2] = {
        {"parent: true one first", "parent: named at 5%"},
        {"rank: true one first", "rank: named at 5%"},
    };
    struct curves s = curves_begin(to, 2 * QUESTIONS + 1);
    struct assay_figure *figure = finding_room(to, 1, sizeof *figure);
    for (size_t q = 0; q < QUESTIONS; q++)
        for (int named = 0; named < 2; named++) {
            struct assay_point *points = curves_add(&s, series[q][named], false, SIZES);
            for (size_t i = 0; points && i < SIZES; i++) {
                const struct row *row = &rows->of[q][i];
                const struct spread *spread = named ? &row->named : &row->top1;
                struct assay_share share = share_of(spread, row->students);
                curves_put(&s, points, (double)sizes[i], mean(spread), share.low, share.high);
            }
        }
    struct assay_point *level = curves_add(&s, "level of a name: 5%", true, 2);
    if (level) {
        curves_put(&s, level, (double)sizes[0], 0.05, NAN, NAN);
        curves_put(&s, level, (double)sizes[SIZES - 1], 0.05, NAN, NAN);
    }
    if (figure && curves_end(&s, "power",
                             "How often a taught model's parent or teacher comes first, and is "
                             "named at 5%, by the number of prompts answered",
                             &axes, figure)) {
        to->finding->figures = figure;
        to->finding->figure_count = 1;
    }
}

static void describe(struct finding_writer *to, const struct rows *rows)
{
    static const char *const cannot_tell[] = {
        "How often the parent or teacher of a model unlike these would be named.",
    };
    static const char *const limits[] = {
        "Intervals are 95% (Clopper and Pearson) of students, as if no two were of one lineage; "
        "those of few lineages are less certain than that.",
        "All models are cut to the same prompts, drawn anew for each draw; shares are means over "
        "draws.",
        "At a level of 5% a candidate can be named only where enough unrelated lineages were "
        "asked the same prompts.",
    };
    const char **answers = finding_room(to, QUESTIONS * SIZES, sizeof *answers);
    size_t n = 0;
    for (size_t q = 0; answers && q < QUESTIONS; q++)
        for (size_t i = 0; i < SIZES; i += 2) {
            const struct row *row = &rows->of[q][i];
            struct assay_share share = share_of(&row->named, row->students);
            answers[n++] = finding_keep(
                to, assay_arena_print(to->arena,
                                      "%s, %zu prompts: of %zu students the true one comes first "
                                      "for %.0f%%, and is named at 5%% for %.0f%% (95%% interval "
                                      "%.0f to %.0f%%).",
                                      names[q], sizes[i], row->students, 100 * mean(&row->top1),
                                      100 * mean(&row->named), 100 * share.low, 100 * share.high));
        }
    to->finding->answers = answers;
    to->finding->answer_count = n;
    to->finding->cannot_tell = cannot_tell;
    to->finding->cannot_tell_count = sizeof cannot_tell / sizeof cannot_tell[0];
    to->finding->limits = limits;
    to->finding->limit_count = sizeof limits / sizeof limits[0];
    draw(to, rows);
}

static assay_status write_report(struct cli_call *call, const struct rows *rows, const char *table)
{
    struct assay_finding finding = {.arena = assay_arena_new()};
    struct finding_writer to = {&finding, finding.arena, finding.arena == NULL};
    struct assay_exhibit *exhibit = finding.arena ? finding_room(&to, 1, sizeof *exhibit) : NULL;
    assay_status status = ASSAY_OK;
    if (exhibit) {
        finding_entitle(&to, "power", "style.power", "1", call->context.seed);
        describe(&to, rows);
        exhibit->path = finding_keep(&to, table);
        status = assay_sha256_file(table, exhibit->sha256, &call->error);
        finding.exhibits = exhibit;
        finding.exhibit_count = 1;
    }
    if (status == ASSAY_OK && to.short_of_memory)
        status = assay_error_at(&call->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    if (status == ASSAY_OK)
        status = cli_page_write(call, &finding, "How many answers the style instrument needs",
                                call->value[REPORT]);
    assay_finding_free(&finding);
    return status;
}

static assay_status run_command(struct cli_call *call)
{
    struct style_inputs in;
    char models[4200];
    snprintf(models, sizeof models, "%s/style_models.csv", call->data_folder);
    const char *report = call->value[REPORT], *table = models;
    if (call->value[TABLE])
        table = call->value[TABLE];
    if (report)
        ASSAY_TRY(cli_page_check(call, report));
    ASSAY_TRY(style_inputs_read(call, NULL, NULL, NULL, &in));
    json_t *object = json_object();
    struct rows rows;
    assay_status status = power(call, &in, table, object, &rows);
    style_inputs_free(&in);
    if (status == ASSAY_OK && report) {
        json_set_text(object, "report", report);
        status = write_report(call, &rows, table);
    }
    if (status == ASSAY_OK && call->json)
        return cli_print_json(call, object);
    json_decref(object);
    return status == ASSAY_OK ? cli_finish_output(call) : status;
}

const struct cli_command cli_style_power = {
    .room = "style",
    .verb = "power",
    .arguments = "DIR|FILE...",
    .summary = "How many answers parent and rank need, on models of known descent",
    .text =
        "What `validate` measures, on 5 to 400 of the prompts, drawn anew N times; the spread is\n"
        "that of the draws, not of lineages. With --report the curves are drawn in a page that "
        "opens\n"
        "anywhere, with 95% intervals over students and the numbers.\n",
    .least = 1,
    .most = CLI_MOST_POSITIONALS,
    .options = {{"table", "FILE", "models of known descent; default data/style_models.csv"},
                {"draws", "N", "of prompts for each number; default 2"},
                {"report", "FILE.html", "also draw the curves, as a page"}},
    .run = run_command,
};
