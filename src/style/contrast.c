/* SPDX-License-Identifier: Apache-2.0 */
/* Whose texts the suspect finds more probable than other models do. */
#include "style/calibration.h"
#include "style/corpus.h"
#include "style/drift.h"
#include "style/verdict.h"

#include <assay/stats.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LEAST_SCORERS 3
#define FEW_PROMPTS 20
#define MOST_WRITERS 64
#define MOST_SCORERS 500

static const char *const channel_name = "log-probabilities";

/* One text: the scorer's and the writer's index, the contrast with the prompt's other writers. */
struct item {
    size_t scorer, writer;
    uint64_t prompt;
    double per_byte, contrast; /* NaN: the only one on its prompt */
};

struct work {
    const struct assay_context *context;
    const struct assay_style_settings *settings;
    struct assay_style_comparison *r;
    const char *suspect;
    const char **scorers, **writers; /* the suspect is scorer 0 */
    size_t scorer_count, writer_count;
    struct item *items;
    size_t n;
    struct style_population population; /* scorers, then writers, each a candidate */
    double *table;      /* [scorer * writer_count + writer] contrasts, for the draw at hand */
    double *deviations; /* the same, less what all scorers find */
    double *scores;     /* population x population */
    double *draws;      /* [writer * replicates + replicate] */
    struct style_calibration calibration;
    struct assay_error *error;
};

static assay_status no_memory(struct work *w)
{
    return assay_error_at(w->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

/* ---- who and what -------------------------------------------------------------------- */

/* The name's place among those seen, where it is put when it is new; `most` when there is no
 * room for it. */
static size_t index_of(const char **names, size_t *count, size_t most, const char *name)
{
    for (size_t i = 0; i < *count; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    if (*count == most)
        return most;
    names[*count] = name;
    return (*count)++;
}

static int by_place(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    if (x->scorer != y->scorer)
        return x->scorer > y->scorer ? 1 : -1;
    if (x->prompt != y->prompt)
        return x->prompt > y->prompt ? 1 : -1;
    return (x->writer > y->writer) - (x->writer < y->writer);
}

/* What a prompt makes probable whoever wrote it is no evidence: its mean over writers goes. */
static void take_out_prompts(struct work *w)
{
    qsort(w->items, w->n, sizeof *w->items, by_place);
    for (size_t i = 0, end; i < w->n; i = end) {
        double sum = 0;
        for (end = i; end < w->n && w->items[end].scorer == w->items[i].scorer &&
                      w->items[end].prompt == w->items[i].prompt;
             end++)
            sum += w->items[end].per_byte;
        for (size_t k = i; k < end; k++)
            w->items[k].contrast =
                end - i > 1 ? w->items[k].per_byte - sum / (double)(end - i) : (double)NAN;
    }
}

static assay_status gather(struct work *w, const struct assay_scored_texts *texts)
{
    struct assay_arena *arena = w->r->arena;
    w->scorers = assay_arena_alloc(arena, MOST_SCORERS, sizeof *w->scorers);
    w->writers = assay_arena_alloc(arena, MOST_WRITERS, sizeof *w->writers);
    w->items = malloc((texts->count + 1) * sizeof *w->items);
    if (!w->scorers || !w->writers || !w->items)
        return no_memory(w);
    index_of(w->scorers, &w->scorer_count, MOST_SCORERS, w->suspect);
    for (size_t i = 0; i < texts->count; i++) {
        const struct assay_scored_text *t = &texts->list[i];
        size_t scorer = index_of(w->scorers, &w->scorer_count, MOST_SCORERS, t->scorer);
        size_t writer = index_of(w->writers, &w->writer_count, MOST_WRITERS, t->writer);
        if (scorer == MOST_SCORERS || writer == MOST_WRITERS)
            return assay_error_at(w->error, ASSAY_ERROR_LIMIT, texts->path, t->line,
                                  "more than %d scorers or %d writers", MOST_SCORERS, MOST_WRITERS);
        w->items[w->n++] =
            (struct item){scorer, writer, t->prompt, t->log_probability / t->bytes, NAN};
    }
    size_t prompts = 0;
    take_out_prompts(w);
    for (size_t i = 0; i < w->n; i++)
        prompts +=
            w->items[i].scorer == 0 && (i == 0 || w->items[i].prompt != w->items[i - 1].prompt);
    w->r->prompts = prompts;
    if (prompts == 0)
        return assay_error_at(w->error, ASSAY_ERROR_INPUT, texts->path, 0,
                              "no line has the scorer \"%.200s\"", w->suspect);
    if (w->writer_count < 2 || w->scorer_count < 1 + LEAST_SCORERS)
        return assay_error_at(w->error, ASSAY_ERROR_UNANSWERABLE, texts->path, 0,
                              "%zu writers and %zu scorers besides the suspect: what it finds "
                              "probable must be set against what others do, expected at least "
                              "2 and %d",
                              w->writer_count, w->scorer_count - 1, LEAST_SCORERS);
    return ASSAY_OK;
}

static assay_status populate(struct work *w)
{
    struct style_population *p = &w->population;
    size_t n = w->scorer_count + w->writer_count;
    if (!style_population_start(w->r->arena, n, w->writer_count, p))
        return no_memory(w);
    for (size_t i = 0; i < w->scorer_count; i++) {
        p->names[i] = i == 0 ? "" : w->scorers[i]; /* what the suspect calls itself is no proof */
        p->candidate[i] = STYLE_NOBODY;
    }
    for (size_t i = 0; i < w->writer_count; i++) {
        p->names[w->scorer_count + i] = w->writers[i];
        p->candidate[w->scorer_count + i] = i;
    }
    ASSAY_TRY(style_population_look_up(w->settings->models, p, w->error));
    for (size_t i = 0; i < w->writer_count; i++) {
        size_t at = w->scorer_count + i;
        p->null[at] = false; /* only scorers are compared with the suspect */
        for (size_t k = 1; k < w->scorer_count; k++)
            if (strcmp(w->scorers[k], w->writers[i]) == 0) { /* it knows its own texts */
                p->maker[at] = p->maker[k];
                p->lineage[at] = p->lineage[k];
            }
    }
    return ASSAY_OK;
}

/* ---- scores -------------------------------------------------------------------------- */

/* Mean contrasts over drawn blocks; a scorer without a writer's texts has NaN. */
static bool fill_table(struct work *w, const unsigned times[STYLE_BLOCKS])
{
    size_t cells = w->scorer_count * w->writer_count;
    double *weights = calloc(cells + 1, sizeof *weights);
    memset(w->table, 0, cells * sizeof *w->table);
    for (size_t i = 0; i < w->n && weights; i++) {
        const struct item *item = &w->items[i];
        size_t at = item->scorer * w->writer_count + item->writer;
        unsigned drawn = times[item->prompt % STYLE_BLOCKS];
        if (isnan(item->contrast) || drawn == 0)
            continue;
        w->table[at] += drawn * item->contrast;
        weights[at] += drawn;
    }
    for (size_t i = 0; i < cells && weights; i++)
        w->table[i] = weights[i] > 0 ? w->table[i] / weights[i] : (double)NAN;
    free(weights);
    return weights != NULL;
}

/* Each writer's column less its mean over all scorers, the suspect's too: then scorers can change
 * places if none was taught. What a scorer makes of its maker's texts is left out. */
static void deviate(struct work *w)
{
    for (size_t c = 0; c < w->writer_count; c++) {
        double sum = 0, known = 0;
        for (size_t s = 0; s < w->scorer_count; s++)
            if (!isnan(w->table[s * w->writer_count + c])) {
                sum += w->table[s * w->writer_count + c];
                known++;
            }
        size_t maker = w->population.maker[w->scorer_count + c];
        for (size_t s = 0; s < w->scorer_count; s++)
            w->deviations[s * w->writer_count + c] =
                w->population.maker[s] == maker ? (double)NAN
                                                : w->table[s * w->writer_count + c] - sum / known;
    }
}

/* Rows of scorers from 0 to `scorers` - 1: how far each writer stands off from the drift. */
static bool take_out_drift(struct work *w, size_t scorers)
{
    struct style_drift drift;
    size_t n = w->population.n;
    deviate(w);
    bool good = style_drift_start(w->scorer_count, w->writer_count, w->deviations, &drift);
    for (size_t s = 0; good && s < scorers; s++)
        style_drift_off(&drift, s, w->scores + s * n + w->scorer_count);
    style_drift_end(&drift);
    return good;
}

/* One spread for all writers, that of the other scorers: of a few each one's is not known. */
static double spread_of(const struct work *w)
{
    size_t n = w->population.n;
    double square = 0, count = 0;
    for (size_t s = 1; s < w->scorer_count; s++)
        for (size_t c = 0; c < w->writer_count; c++) {
            double d = w->scores[s * n + w->scorer_count + c];
            square += isnan(d) ? 0 : d * d;
            count += !isnan(d);
        }
    return count > 1 ? sqrt(fmax(square / (count - 1), 1e-18)) : 1;
}

static void in_spreads(struct work *w, size_t scorers, double spread)
{
    for (size_t s = 0; s < scorers; s++)
        for (size_t c = 0; c < w->writer_count; c++)
            w->scores[s * w->population.n + w->scorer_count + c] /= spread;
}

/* The suspect's scores when prompts are drawn anew. Sequential: a draw is a pass over numbers that
 * are there. */
static assay_status bootstrap(struct work *w, double spread)
{
    size_t replicates = (size_t)w->settings->replicates;
    w->draws = calloc(w->writer_count * replicates + 1, sizeof *w->draws);
    if (!w->draws)
        return no_memory(w);
    for (size_t i = 0; i < replicates; i++) {
        unsigned times[STYLE_BLOCKS] = {0};
        struct assay_random random;
        assay_random_start(&random, w->context->seed, i);
        for (int b = 0; b < STYLE_BLOCKS; b++)
            times[assay_random_below(&random, STYLE_BLOCKS)]++;
        if (!fill_table(w, times) || !take_out_drift(w, 1))
            return no_memory(w);
        in_spreads(w, 1, spread);
        for (size_t c = 0; c < w->writer_count; c++)
            w->draws[c * replicates + i] = style_candidate_score(&w->population, w->scores, 0, c);
    }
    return ASSAY_OK;
}

static assay_status fill_results(struct work *w)
{
    static const unsigned every[STYLE_BLOCKS] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    size_t replicates = (size_t)w->settings->replicates;
    if (!fill_table(w, every) || !take_out_drift(w, w->scorer_count))
        return no_memory(w);
    double spread = spread_of(w);
    ASSAY_TRY(bootstrap(w, spread));
    if (!fill_table(w, every) || !take_out_drift(w, w->scorer_count))
        return no_memory(w);
    in_spreads(w, w->scorer_count, spread);
    for (size_t c = 0; c < w->writer_count; c++) {
        struct assay_style_result *r = &w->r->results[c];
        double score = style_candidate_score(&w->population, w->scores, 0, c);
        *r = (struct assay_style_result){.score = score,
                                         .score_low = score,
                                         .score_high = score,
                                         .p_value = 1,
                                         .q_value = 1,
                                         .log10_lr = {NAN, NAN, NAN, 0.8},
                                         .rest = {NAN, NAN, NAN, 0.8},
                                         .channel_count = 1};
        r->name = assay_arena_copy(w->r->arena, w->writers[c]);
        if (!r->name)
            return no_memory(w);
        r->channels[0] = (struct assay_style_channel){channel_name, w->table[c], score, true};
        for (size_t i = 0; i < w->n; i++)
            r->shared_prompts += w->items[i].scorer == 0 && w->items[i].writer == c;
        if (isnan(score))
            continue;
        struct style_null any = style_null_share(&w->population, w->scores, 0, STYLE_NOBODY, score);
        r->p_value = style_null_share(&w->population, w->scores, 0, c, score).p;
        r->q_value = fmax(any.p, r->p_value);
        r->log10_lr = style_calibration_at(&w->calibration, score);
        w->r->null_models = any.models;
        w->r->null_lineages = any.lineages;
        if (replicates > 0)
            ASSAY_TRY(style_interval_about(score, w->draws + c * replicates, replicates,
                                           &r->score_low, &r->score_high, w->error));
    }
    return ASSAY_OK;
}

/* ---- words --------------------------------------------------------------------------- */

static assay_status conclude(struct work *w)
{
    struct assay_style_comparison *r = w->r;
    const char **limits = assay_arena_alloc(r->arena, 5, sizeof *limits);
    if (!limits)
        return no_memory(w);
    limits[0] =
        "A suspect may find texts probable because both had one teacher, or they are plain.";
    limits[1] = "A teacher that is not among the writers cannot be named.";
    limits[2] = "Likelihood ratios of log-probabilities are not calibrated: that takes a "
                "calibration by the lab, and enough other scorers.";
    if (w->calibration.known)
        limits[2] = assay_arena_print(
            r->arena,
            "Likelihood ratios are those of small models that the lab taught in a made-up world "
            "(%s): never more than %.3g to one, and no proof that they hold for yours.",
            w->settings->lab, pow(10, w->calibration.bound));
    size_t n = 3;
    if (r->prompts < FEW_PROMPTS)
        limits[n++] = "Fewer than 20 prompts were scored: expect little.";
    if (w->writer_count < STYLE_DRIFT_LEAST)
        limits[n++] =
            "With fewer than six writers what any teacher does to a model cannot be taken "
            "out: a suspect that some other model taught may score high as well.";
    qsort(r->results, r->count, sizeof *r->results, style_result_by_score);
    const struct assay_style_result *top = &r->results[0];
    double least = 1 / (1 + (double)r->null_lineages);
    r->abstain = isnan(top->score) || !(top->q_value <= w->settings->level);
    if (!r->abstain)
        r->reason = assay_arena_print(
            r->arena,
            "%s's texts stand out: of %zu lineages of other scorers a share of %.3g finds some "
            "writer's texts so much more probable than the others do, the suspect counted.",
            top->name, r->null_lineages, top->q_value);
    else if (least > w->settings->level)
        r->reason = assay_arena_print(
            r->arena,
            "Cannot tell: with %zu lineages of other scorers no p-value can be below %.2g; score "
            "the texts with more models that nobody taught with them.",
            r->null_lineages, least);
    else
        r->reason = assay_arena_print(
            r->arena,
            "None of these, or cannot tell: a share of %.2g of %zu lineages of other scorers finds "
            "some writer's texts as probable as the suspect finds %s's.",
            top->q_value, r->null_lineages, top->name);
    r->limits = limits;
    r->limit_count = n;
    return r->reason && limits[2] ? ASSAY_OK : no_memory(w);
}

static assay_status run(struct work *w, const struct assay_scored_texts *texts)
{
    ASSAY_TRY(gather(w, texts));
    ASSAY_TRY(populate(w));
    ASSAY_TRY(style_calibration_read_contrast(w->settings->lab, w->scorer_count - 1,
                                              w->writer_count, &w->calibration, w->error));
    size_t n = w->population.n;
    w->r->count = w->writer_count;
    w->r->results = assay_arena_alloc(w->r->arena, w->r->count, sizeof *w->r->results);
    w->table = calloc(w->scorer_count * w->writer_count + 1, sizeof *w->table);
    w->deviations = calloc(w->scorer_count * w->writer_count + 1, sizeof *w->deviations);
    w->scores = calloc(n * n + 1, sizeof *w->scores);
    if (!w->r->results || !w->table || !w->deviations || !w->scores)
        return no_memory(w);
    ASSAY_TRY(fill_results(w));
    return conclude(w);
}

assay_status assay_style_rank_scored(const struct assay_context *context,
                                     const struct assay_scored_texts *texts, const char *suspect,
                                     const struct assay_style_settings *settings,
                                     struct assay_style_comparison *comparison,
                                     struct assay_error *error)
{
    struct assay_style_settings defaults = assay_style_settings_default();
    struct work w = {.context = context,
                     .settings = settings ? settings : &defaults,
                     .r = comparison,
                     .suspect = suspect ? suspect : "suspect",
                     .error = error};
    *comparison = (struct assay_style_comparison){.question = ASSAY_STYLE_RANK};
    if (w.settings->replicates < 0 || w.settings->replicates > 1000)
        return assay_error_at(error, ASSAY_ERROR_INPUT, NULL, 0,
                              "expected 0 to 1000 replicates, found %d", w.settings->replicates);
    comparison->arena = assay_arena_new();
    assay_status status = comparison->arena ? run(&w, texts) : no_memory(&w);
    free(w.items);
    free(w.table);
    free(w.deviations);
    free(w.scores);
    free(w.draws);
    if (status != ASSAY_OK)
        assay_style_comparison_free(comparison);
    return status;
}
