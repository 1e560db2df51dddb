/* SPDX-License-Identifier: Apache-2.0 */
/* How often the classifier knows the writer, on prompts that it was not trained on. */
#include "style/calibration.h"
#include "style/classify.h"
#include "style/population.h"

#include <assay/stats.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TRAINED_FOLDS 12 /* of STYLE_FOLDS; a quarter is kept to ask about */
#define MOST_GROUPS 40   /* of answers, for each model and size */
#define PARTS 8          /* of lineages, each in turn left out of a calibration */
#define REPLICATES 400   /* of models, for the interval of a share */

static const size_t sizes[ASSAY_STYLE_IDENTIFICATIONS] = {1, 10, 50};

struct work {
    const struct assay_context *context;
    const struct style_corpus *corpus;
    const struct style_classifier *classifier;
    const size_t *lineage; /* by model */
    size_t models, kept;   /* prompts that were not trained on */
    size_t *prompts;
    float *margins; /* [(model * kept + k) * models + class]; NaN: not answered */
    bool *failed;
    /* of one size of groups */
    size_t pairs;
    double *scores, *weights, *mean;
    bool *taught;
    size_t *part; /* by pair: of its suspect's lineage */
    struct assay_error *error;
};

static void ask_model(void *data, size_t model)
{
    struct work *w = data;
    double *one = malloc((w->models + 1) * sizeof *one);
    w->failed[model] = !one;
    for (size_t k = 0; k < w->kept && !w->failed[model]; k++) {
        const struct style_text *text = style_text_at(w->corpus, w->prompts[k], model);
        float *to = w->margins + (model * w->kept + k) * w->models;
        w->failed[model] = !style_classifier_margins(w->classifier, text, one);
        for (size_t c = 0; c < w->models; c++)
            to[c] = text->tokens ? (float)one[c] : NAN;
    }
    free(one);
}

/* The mean margins of answers first to first + size - 1 that were given; false if none was. */
static bool group_mean(const struct work *w, size_t model, size_t first, size_t size, double *mean)
{
    size_t n = 0;
    memset(mean, 0, w->models * sizeof *mean);
    for (size_t k = first; k < first + size; k++) {
        const float *from = w->margins + (model * w->kept + k) * w->models;
        if (isnan(from[0]))
            continue;
        n++;
        for (size_t c = 0; c < w->models; c++)
            mean[c] += (double)from[c];
    }
    for (size_t c = 0; c < w->models && n > 0; c++)
        mean[c] /= (double)n;
    return n > 0;
}

/* Scores in standard deviations over pairs of a model and a class that is not it. */
static void standardise(struct work *w)
{
    double sum = 0, square = 0, n = 0;
    for (size_t i = 0; i < w->pairs; i++) {
        sum += w->taught[i] ? 0 : w->scores[i];
        square += w->taught[i] ? 0 : w->scores[i] * w->scores[i];
        n += !w->taught[i];
    }
    double centre = sum / n, spread = sqrt(fmax(square / n - centre * centre, 1e-12));
    for (size_t i = 0; i < w->pairs; i++)
        w->scores[i] = (w->scores[i] - centre) / spread;
}

/* A lineage counts once on each side, those of the part left out not at all. */
static bool weigh(struct work *w, size_t out)
{
    size_t *count = calloc(2 * w->models + 1, sizeof *count);
    for (size_t i = 0; count && i < w->pairs; i++)
        count[2 * w->part[i] + w->taught[i]]++;
    for (size_t i = 0; count && i < w->pairs; i++)
        w->weights[i] = out < PARTS && w->part[i] % PARTS == out
                            ? 0
                            : 1 / (double)count[2 * w->part[i] + w->taught[i]];
    free(count);
    return count != NULL;
}

static double log2_1p(double x)
{
    return log1p(x) / 0.6931471805599453;
}

static bool calibrate(struct work *w, struct assay_style_identification *row)
{
    struct style_calibration c;
    double cost[2] = {0, 0}, total[2] = {0, 0};
    size_t lineages = 0;
    for (size_t m = 0; m < w->models; m++)
        lineages += w->lineage[m] == m;
    for (size_t out = 0; out < PARTS; out++) {
        if (!weigh(w, out) ||
            !style_calibration_fit(w->scores, w->weights, w->taught, w->pairs, &c))
            return false;
        for (size_t i = 0; i < w->pairs; i++) {
            if (w->part[i] % PARTS != out)
                continue;
            double lr = pow(10, c.intercept + c.slope * w->scores[i]);
            cost[w->taught[i]] += w->taught[i] ? log2_1p(1 / lr) : log2_1p(lr);
            total[w->taught[i]]++;
        }
    }
    row->cllr = (cost[0] / total[0] + cost[1] / total[1]) / 2;
    if (!weigh(w, PARTS) || !style_calibration_fit(w->scores, w->weights, w->taught, w->pairs, &c))
        return false;
    row->fit =
        (struct assay_style_fit){c.intercept,      c.slope,      c.intercept_variance,
                                 c.slope_variance, c.covariance, log10(1 + (double)lineages)};
    row->lineages = lineages;
    row->true_pairs = (size_t)total[1];
    row->false_pairs = (size_t)total[0];
    return true;
}

/* 80% of draws of models: how often the writer is first may hang on a few of them. */
static assay_status interval(struct work *w, const double *share, const bool *asked,
                             struct assay_style_identification *row)
{
    double draws[REPLICATES], sum = 0, n = 0;
    for (size_t m = 0; m < w->models; m++) {
        sum += asked[m] ? share[m] : 0;
        n += asked[m];
    }
    row->top1 = (struct assay_interval){sum / n, NAN, NAN, 0.8};
    for (size_t i = 0; i < REPLICATES; i++) {
        struct assay_random random;
        double hits = 0, drawn = 0;
        assay_random_start(&random, w->context->seed, i);
        for (size_t k = 0; k < w->models; k++) {
            size_t m = (size_t)assay_random_below(&random, w->models);
            hits += asked[m] ? share[m] : 0;
            drawn += asked[m];
        }
        draws[i] = drawn > 0 ? hits / drawn : sum / n;
    }
    return assay_stats_interval(draws, NULL, REPLICATES, 0.8, &row->top1.low, &row->top1.high,
                                w->error);
}

/* All groups of one size, each model's in turn. */
static assay_status ask_groups(struct work *w, size_t size, struct assay_style_identification *row)
{
    double *share = calloc(w->models + 1, sizeof *share);
    bool *asked = calloc(w->models + 1, sizeof *asked);
    size_t groups = w->kept / size < MOST_GROUPS ? w->kept / size : MOST_GROUPS;
    w->pairs = 0;
    *row = (struct assay_style_identification){.answers = size};
    for (size_t m = 0; m < w->models && share && asked; m++) {
        size_t made = 0;
        for (size_t g = 0; g < groups; g++) {
            if (!group_mean(w, m, g * size, size, w->mean))
                continue;
            size_t best = 0;
            made++;
            for (size_t c = 0; c < w->models; c++, w->pairs++) {
                best = w->mean[c] > w->mean[best] ? c : best;
                w->scores[w->pairs] = w->mean[c];
                w->taught[w->pairs] = c == m;
                w->part[w->pairs] = w->lineage[m];
            }
            share[m] += best == m;
        }
        share[m] /= made > 0 ? (double)made : 1;
        asked[m] = made > 0;
        row->suspects += made;
    }
    assay_status status =
        share && asked ? ASSAY_OK
                       : assay_error_at(w->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    if (status == ASSAY_OK)
        status = interval(w, share, asked, row);
    free(share);
    free(asked);
    ASSAY_TRY(status);
    standardise(w);
    return calibrate(w, row) ? ASSAY_OK
                             : assay_error_at(w->error, ASSAY_ERROR_UNANSWERABLE, NULL, 0,
                                              "the likelihood ratios could not be calibrated");
}

static assay_status train(struct work *w, struct style_classifier *classifier)
{
    bool use[STYLE_FOLDS];
    size_t *class_of = malloc((w->models + 1) * sizeof *class_of);
    if (!class_of)
        return assay_error_at(w->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    for (size_t f = 0; f < STYLE_FOLDS; f++)
        use[f] = f < TRAINED_FOLDS;
    for (size_t m = 0; m < w->models; m++)
        class_of[m] = m;
    assay_status status = style_classifier_train(w->context, w->corpus, class_of, w->models, use,
                                                 classifier, w->error);
    free(class_of);
    return status;
}

static assay_status run(struct work *w,
                        struct assay_style_identification rows[ASSAY_STYLE_IDENTIFICATIONS])
{
    size_t most = MOST_GROUPS * w->models * w->models, cells = 0;
    w->prompts = malloc((w->corpus->prompts + 1) * sizeof *w->prompts);
    for (size_t p = 0; p < w->corpus->prompts && w->prompts; p++)
        if (p % STYLE_FOLDS >= TRAINED_FOLDS)
            w->prompts[w->kept++] = p;
    if (w->kept < sizes[ASSAY_STYLE_IDENTIFICATIONS - 1])
        return assay_error_at(w->error, ASSAY_ERROR_UNANSWERABLE, NULL, 0,
                              "%zu prompts are too few, expected at least 200", w->corpus->prompts);
    if (assay_size_multiply(w->models * w->models, w->kept, &cells))
        w->margins = malloc((cells + 1) * sizeof *w->margins);
    w->failed = calloc(w->models + 1, sizeof *w->failed);
    w->scores = malloc((most + 1) * sizeof *w->scores);
    w->weights = malloc((most + 1) * sizeof *w->weights);
    w->taught = malloc((most + 1) * sizeof *w->taught);
    w->part = malloc((most + 1) * sizeof *w->part);
    w->mean = malloc((w->models + 1) * sizeof *w->mean);
    bool good = w->prompts && w->margins && w->failed && w->scores && w->weights && w->taught &&
                w->part && w->mean;
    if (good)
        ASSAY_TRY(
            assay_parallel_for(w->context, "models asked", w->models, ask_model, w, w->error));
    for (size_t m = 0; m < w->models && good; m++)
        good = !w->failed[m];
    if (!good)
        return assay_error_at(w->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    for (size_t i = 0; i < ASSAY_STYLE_IDENTIFICATIONS; i++)
        ASSAY_TRY(ask_groups(w, sizes[i], &rows[i]));
    return ASSAY_OK;
}

static void free_work(struct work *w)
{
    free(w->prompts);
    free(w->margins);
    free(w->failed);
    free(w->scores);
    free(w->weights);
    free(w->taught);
    free(w->part);
    free(w->mean);
}

static assay_status look_up(const char *models, struct assay_responses *const *sets, size_t n,
                            struct assay_arena *arena, struct style_population *p,
                            struct assay_error *error)
{
    if (!arena || !style_population_start(arena, n, 0, p))
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    for (size_t i = 0; i < n; i++)
        p->names[i] = sets[i]->name;
    return style_population_look_up(models, p, error);
}

assay_status
assay_style_validate_identify(const struct assay_context *context,
                              struct assay_responses *const *sets, size_t count, const char *models,
                              struct assay_style_identification rows[ASSAY_STYLE_IDENTIFICATIONS],
                              struct assay_error *error)
{
    struct style_corpus corpus;
    struct style_classifier classifier;
    struct style_population population;
    struct assay_arena *arena = assay_arena_new();
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i < count && status == ASSAY_OK; i++)
        if (sets[i]->fingerprint)
            status = assay_error_at(error, ASSAY_ERROR_INPUT, sets[i]->path, 0,
                                    "is a fingerprint: a classifier needs texts");
    if (status == ASSAY_OK && count < 3)
        status = assay_error_at(error, ASSAY_ERROR_UNANSWERABLE, NULL, 0,
                                "%zu models are too few, expected at least 3", count);
    if (status == ASSAY_OK)
        status = look_up(models, sets, count, arena, &population, error);
    if (status == ASSAY_OK)
        status = style_corpus_make(context, sets, count, &corpus, error);
    if (status != ASSAY_OK) {
        assay_arena_free(arena);
        return status;
    }
    struct work w = {.context = context,
                     .corpus = &corpus,
                     .classifier = &classifier,
                     .lineage = population.lineage,
                     .models = count,
                     .error = error};
    status = train(&w, &classifier);
    if (status == ASSAY_OK) {
        status = run(&w, rows);
        style_classifier_free(&classifier);
    }
    free_work(&w);
    style_corpus_free(&corpus);
    assay_arena_free(arena);
    return status;
}
