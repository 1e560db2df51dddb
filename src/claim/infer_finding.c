/* SPDX-License-Identifier: Apache-2.0 */
/*
 * infer_finding: the coarse likelihood over hardware as a finding: what follows, what does not,
 * numbers, figures, limits. In: hypotheses (infer.h). Out: struct assay_finding, all in its
 * arena. What can go wrong: memory; whatever reading the claim can.
 */
#include "claim/evidence.h"
#include "claim/infer_curves.h"
#include "claim/run.h"

#include <math.h>
#include <string.h>

/* Where even the best hypothesis would lead to such a claim less often than this, that is said. */
static const double misfit_log10_p = -2;

/* Below this ratio evidence is no support for either side (ENFSI guideline, 2015: 1 to 2). */
static const double tie_log10 = 0.30103;

struct writer {
    struct assay_finding *finding;
    struct assay_arena *arena;
    const struct assay_run *run;
    const struct assay_prediction *prediction;
    const struct hypothesis *list;
    size_t count;
    const struct hypothesis *stated;
    const struct assay_evidence *evidence;
};

/* ---- lists in the arena ------------------------------------------------------------------- */

#define MOST_SENTENCES 12

static void sentence(const char *const **list, size_t *count, const char **room, const char *text)
{
    if (text && *count < MOST_SENTENCES)
        room[(*count)++] = text;
    *list = room;
}

static const char **sentences(struct writer *w)
{
    return assay_arena_alloc(w->arena, MOST_SENTENCES, sizeof(char *));
}

/* A number with three significant digits and its magnitude in words. */
static const char *amount(struct writer *w, double value)
{
    static const struct {
        double unit;
        const char *name;
    } scales[] = {{1e12, " trillion"}, {1e9, " billion"}, {1e6, " million"}, {1e3, " thousand"}};
    for (size_t i = 0; i < sizeof scales / sizeof scales[0]; i++)
        if (value >= scales[i].unit)
            return assay_arena_print(w->arena, "%.3g%s", value / scales[i].unit, scales[i].name);
    return assay_arena_print(w->arena, "%.3g", value);
}

/* ---- what follows --------------------------------------------------------------------------- */

static const char *forward_sentence(struct writer *w)
{
    const struct assay_interval *hours = &w->prediction->device_hours;
    double claimed = run_claimed_hours(w->run);
    if (isnan(hours->median) || isnan(claimed))
        return NULL;
    const char *where = claimed < hours->low ? "below" : claimed > hours->high ? "above" : "inside";
    return assay_arena_print(
        w->arena,
        "%s with the stated layout would take about %s device-hours for %s tokens (80%% interval "
        "%s to %s). The claim, %s, lies %s that interval.",
        w->stated->name, amount(w, hours->median), amount(w, w->run->tokens), amount(w, hours->low),
        amount(w, hours->high), amount(w, claimed), where);
}

/* Ratios compare hypotheses; this says whether any of them is good. */
static const char *misfit_sentence(struct writer *w)
{
    const double *p = w->evidence->best_log10_p;
    size_t term = p[1] < p[0] || isnan(p[0]) ? 1 : 0;
    if (!(p[term] < misfit_log10_p))
        return NULL;
    return assay_arena_print(
        w->arena,
        "No hypothesis predicts the claim: had even the best, %s, run, what is claimed of %s would "
        "lie so far off with a chance of 10^%.1f only (two-sided, by the model's own errors). A "
        "number of the claim is wrong, or what ran is none of these; ratios between them say "
        "little then.",
        w->list[0].name, term ? "days" : "speed", p[term]);
}

static const char *memory_sentence(struct writer *w)
{
    const struct assay_interval *bytes = &w->prediction->memory_bytes;
    double available = w->prediction->step.memory.available;
    const char *fits = bytes->high <= available ? "it fits"
                       : bytes->low > available ? "it does not fit"
                                                : "too close to call";
    return assay_arena_print(w->arena,
                             "The layout needs about %.0f GB on the fullest device (80%% interval "
                             "%.0f to %.0f), of %.0f GB: %s.",
                             bytes->median / 1e9, bytes->low / 1e9, bytes->high / 1e9,
                             available / 1e9, fits);
}

/* The best count of each accelerator, in the order of the list. */
static bool is_best_count(const struct writer *w, size_t i)
{
    for (size_t j = 0; j < i; j++)
        if (strcmp(w->list[j].run.machine.accelerator.name,
                   w->list[i].run.machine.accelerator.name) == 0)
            return false;
    return true;
}

/* At most `most` names that `pick` takes, joined by commas. */
static const char *names(struct writer *w, bool (*pick)(const struct writer *, size_t), size_t most,
                         size_t *found)
{
    const char *text = "";
    *found = 0;
    for (size_t i = 0; i < w->count; i++)
        if (pick(w, i) && ++*found <= most)
            text = assay_arena_print(w->arena, "%s%s%s", text, *found > 1 ? ", " : "",
                                     w->list[i].name);
    if (*found > most)
        text = assay_arena_print(w->arena, "%s and %zu more", text, *found - most);
    return text;
}

static double ratio(const struct writer *w, size_t i)
{
    return w->list[i].log10_likelihood - w->stated->log10_likelihood;
}

static bool is_tied(const struct writer *w, size_t i)
{
    return w->list[i].weighed && &w->list[i] != w->stated && fabs(ratio(w, i)) <= tie_log10;
}

static bool is_against(const struct writer *w, size_t i)
{
    return w->list[i].weighed && is_best_count(w, i) && ratio(w, i) < -1;
}

static bool is_better(const struct writer *w, size_t i)
{
    return w->list[i].weighed && ratio(w, i) > tie_log10;
}

static void write_answers(struct writer *w)
{
    const char **room = sentences(w);
    struct assay_finding *f = w->finding;
    size_t tied, against, better;
    const char *tied_names = names(w, is_tied, 6, &tied);
    const char *against_names = names(w, is_against, 6, &against);
    const char *better_names = names(w, is_better, 6, &better);

    sentence(&f->answers, &f->answer_count, room, forward_sentence(w));
    sentence(&f->answers, &f->answer_count, room, misfit_sentence(w));
    if (better)
        sentence(&f->answers, &f->answer_count, room,
                 assay_arena_print(w->arena,
                                   "Other hardware predicts the claim better than the stated "
                                   "machine does, by a factor above two: %s.",
                                   better_names));
    if (against)
        sentence(&f->answers, &f->answer_count, room,
                 assay_arena_print(w->arena,
                                   "Even at their best count these predict the claim at least "
                                   "ten times worse than %s does: %s.",
                                   w->stated->name, against_names));
    sentence(&f->answers, &f->answer_count, room, memory_sentence(w));

    room = sentences(w);
    if (tied)
        sentence(&f->cannot_tell, &f->cannot_tell_count, room,
                 assay_arena_print(w->arena,
                                   "The claim alone cannot tell %s from: %s (likelihood ratios "
                                   "within a factor of two).",
                                   w->stated->name, tied_names));
    if (w->run->claimed.wall_seconds > 0)
        sentence(&f->cannot_tell, &f->cannot_tell_count, room,
                 "The count of devices rests on the stated days alone: hours do not fix it, since "
                 "twice the devices for half the time cost as many.");
    else
        sentence(&f->cannot_tell, &f->cannot_tell_count, room,
                 "The claim states no duration, so it does not fix the count of devices: twice the "
                 "devices for half the time cost as many hours.");
    sentence(&f->cannot_tell, &f->cannot_tell_count, room,
             "A claim that fits says that it is possible, not that it is true: whoever knows what "
             "the stated hardware can do can state numbers that fit it.");
    sentence(&f->cannot_tell, &f->cannot_tell_count, room,
             "Nothing here speaks of hardware that the claim leaves out: experiments, failed runs, "
             "data generation, later stages.");
}

static void write_limits(struct writer *w)
{
    static const char *const limits[] = {
        "The forward model is analytic: simulation informs, it does not determine. How far it is "
        "from measured runs is shown by `assay claim validate`.",
        "The prediction takes the stated layout and its methods as true for the stated machine; "
        "every other machine gets the best layout found by Assay, in a smaller space of methods. "
        "Of "
        "measured runs without a stated layout fewer lie in their 80% interval than 80% (`assay "
        "claim validate`, layout unknown), so a ratio against another machine is sharper than it "
        "should be.",
        "Likelihoods compare how well hypotheses predict the claim. They are not probabilities of "
        "the hypotheses, which need priors.",
        "Whether a chip could be had by then is taken from launch dates. Clues from outside are "
        "weighed only where the file states them, by usual figures of sites (data/clues.csv, most "
        "of them recalled, none fitted to cases with known truth).",
    };
    struct assay_finding *f = w->finding;
    f->limits = limits;
    f->limit_count = sizeof limits / sizeof limits[0];
}

/* ---- numbers --------------------------------------------------------------------------------- */

static struct assay_interval exactly(double value)
{
    return (struct assay_interval){value, value, value, 0.8};
}

static bool write_quantities(struct writer *w)
{
    const struct assay_prediction *p = w->prediction;
    const struct {
        const char *name, *unit;
        struct assay_interval value;
    } numbers[] = {
        {"device-hours predicted", "hours", p->device_hours},
        {"device-hours claimed", "hours", exactly(run_claimed_hours(w->run))},
        {"step time predicted", "s", p->step_seconds},
        {"tokens a second and device predicted", "tokens/s", p->tokens_per_second_per_device},
        {"model FLOPs utilisation predicted (of the BF16 peak)", "", p->mfu},
        {"peak memory predicted", "bytes", p->memory_bytes},
    };
    size_t n = sizeof numbers / sizeof numbers[0];
    struct assay_quantity *list = assay_arena_alloc(w->arena, n, sizeof *list);
    if (!list)
        return false;
    for (size_t i = 0; i < n; i++)
        if (isfinite(numbers[i].value.median))
            list[w->finding->quantity_count++] =
                (struct assay_quantity){numbers[i].name, numbers[i].unit, numbers[i].value};
    w->finding->quantities = list;
    return true;
}

static bool write_weights(struct writer *w)
{
    struct assay_weight *weights = assay_arena_alloc(w->arena, w->count, sizeof *weights);
    struct assay_tie *ties = assay_arena_alloc(w->arena, w->count, sizeof *ties);
    if (!weights || !ties)
        return false;
    for (size_t i = 0; i < w->count; i++) {
        const struct hypothesis *h = &w->list[i];
        double relative = h->log10_likelihood - w->list[0].log10_likelihood;
        double error = 1.2816 * h->monte_carlo_sd; /* 80% of a normal */
        weights[i] = (struct assay_weight){
            .hypothesis = h->name,
            .log10_likelihood = {relative, relative - error, relative + error, 0.8},
            .note = h->note[0] ? h->note : NULL,
            .weighed = h->weighed,
        };
        if (is_tied(w, i))
            ties[w->finding->tie_count++] =
                (struct assay_tie){h->name, w->stated->name, ratio(w, i)};
    }
    w->finding->weights = weights;
    w->finding->weight_count = w->count;
    w->finding->ties = ties;
    return true;
}

/* ---- figures --------------------------------------------------------------------------------- */

static bool write_time_figure(struct writer *w, struct assay_figure *figure)
{
    const struct assay_step *step = &w->prediction->step;
    struct assay_bar *bars = assay_arena_alloc(w->arena, ASSAY_PART_COUNT, sizeof *bars);
    size_t n = 0;
    if (!bars)
        return false;
    for (int part = 0; part < ASSAY_PART_COUNT; part++) {
        double value = step->part[part];
        bool communication = part >= ASSAY_PART_TENSOR && part <= ASSAY_PART_DATA;
        bool waiting = part == ASSAY_PART_BUBBLE || part == ASSAY_PART_STRAGGLERS;
        if (value > 0)
            bars[n++] = (struct assay_bar){assay_part_name((enum assay_part)part),
                                           waiting         ? "waiting"
                                           : communication ? "communication"
                                                           : "computation",
                                           value, value, value};
    }
    *figure = (struct assay_figure){
        .id = "time",
        .title = "Where the time of a training step goes, on the stated machine",
        .unit = "s",
        .bars = bars,
        .bar_count = n,
    };
    return true;
}

static bool write_hardware_figure(struct writer *w, struct assay_figure *figure)
{
    struct assay_bar *bars = assay_arena_alloc(w->arena, w->count, sizeof *bars);
    size_t n = 0;
    if (!bars)
        return false;
    for (size_t i = 0; i < w->count; i++) {
        const struct hypothesis *h = &w->list[i];
        if (!h->weighed || !(is_best_count(w, i) || h == w->stated))
            continue;
        double value = ratio(w, i), error = 1.2816 * h->monte_carlo_sd;
        bars[n++] = (struct assay_bar){h->name,
                                       h == w->stated  ? "stated"
                                       : is_tied(w, i) ? "cannot be told apart"
                                       : value > 0     ? "predicts better"
                                                       : "predicts worse",
                                       value, value - error, value + error};
    }
    *figure = (struct assay_figure){
        .id = "hardware",
        .title = "How well each accelerator, at its best count, predicts the claim, against the "
                 "stated one",
        .unit = "log10 likelihood ratio",
        .bars = bars,
        .bar_count = n,
    };
    return true;
}

static bool write_figures(struct writer *w)
{
    struct finding_writer to = {w->finding, w->arena, false};
    struct assay_figure *figures = assay_arena_alloc(w->arena, 2 + INFER_CURVES, sizeof *figures);
    if (!figures || !write_time_figure(w, &figures[0]) || !write_hardware_figure(w, &figures[1]))
        return false;
    w->finding->figures = figures;
    w->finding->figure_count =
        2 + infer_curves_draw(&to, w->run, w->list, w->count, w->stated, &figures[2]);
    return !to.short_of_memory;
}

static bool write_exhibits(struct writer *w, const struct assay_claim_data *data)
{
    const struct assay_exhibit *files[] = {&w->run->file, &data->accelerators_file,
                                           &data->efficiency_file, &data->clues_file};
    struct assay_exhibit *list = assay_arena_alloc(w->arena, 4, sizeof *list);
    if (!list)
        return false;
    for (size_t i = 0; i < 4; i++) {
        list[i] = *files[i];
        list[i].path = assay_arena_copy(w->arena, files[i]->path);
    }
    w->finding->exhibits = list;
    w->finding->exhibit_count = 4;
    return true;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static assay_status write_finding(const struct assay_run *run, const struct assay_claim_data *data,
                                  const struct assay_context *context,
                                  struct assay_finding *finding, struct assay_evidence *evidence,
                                  struct assay_error *error)
{
    struct assay_prediction prediction;
    struct hypothesis *list;
    size_t count;
    ASSAY_TRY(assay_claim_predict(data, run, context, &prediction, error));
    ASSAY_TRY(infer_hypotheses(data, run, context, finding->arena, &list, &count, error));
    ASSAY_TRY(evidence_weigh(data, run, context, finding->arena, list, count, evidence, error));
    struct writer w = {finding, finding->arena, run, &prediction, list, count, NULL, evidence};
    for (size_t i = 0; i < count; i++)
        if (list[i].stated)
            w.stated = &list[i];
    if (!w.stated || !w.stated->weighed)
        return assay_error_at(error, ASSAY_ERROR_UNANSWERABLE, run->path, 0,
                              "the stated machine could not be weighed: %s",
                              w.stated ? w.stated->note : "it is not in the table");
    finding->id = "hardware";
    finding->question = "hardware";
    finding->method = "claim.infer";
    finding->method_version = ASSAY_CLAIM_INFER_VERSION;
    finding->seed = context->seed;
    finding->obtainables = evidence->obtainables;
    finding->obtainable_count = evidence->obtainable_count;
    write_limits(&w);
    write_answers(&w);
    if (!write_quantities(&w) || !write_weights(&w) || !write_figures(&w) ||
        !write_exhibits(&w, data) || !finding->answers || !finding->cannot_tell)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    return ASSAY_OK;
}

assay_status assay_claim_weigh(const char *path, const struct assay_claim_data *data,
                               const struct assay_context *context, struct assay_finding *finding,
                               struct assay_evidence *evidence, struct assay_error *error)
{
    struct assay_run run;
    memset(finding, 0, sizeof *finding);
    ASSAY_TRY(assay_run_read(path, data, &run, error));
    finding->arena = assay_arena_new();
    assay_status status = finding->arena
                              ? write_finding(&run, data, context, finding, evidence, error)
                              : assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    if (status != ASSAY_OK)
        assay_finding_free(finding);
    assay_run_free(&run);
    return status;
}

assay_status assay_claim_infer(const char *path, const struct assay_claim_data *data,
                               const struct assay_context *context, struct assay_finding *finding,
                               struct assay_error *error)
{
    struct assay_evidence evidence;
    return assay_claim_weigh(path, data, context, finding, &evidence, error);
}
