/* SPDX-License-Identifier: Apache-2.0 */
#include "style/margins.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TRAINED_FOLDS 14 /* of STYLE_FOLDS; the rest judge the other models */

struct work {
    const struct style_corpus *corpus;
    const struct style_population *population;
    const struct style_classifier *classifier;
    struct style_margins *m;
    size_t answers; /* of the suspect */
    bool *failed;   /* by model */
};

static bool suspect_margins(struct work *w)
{
    size_t k = w->m->candidates;
    double *one = malloc((k + 1) * sizeof *one);
    bool good = one != NULL;
    for (size_t p = 0; p < w->corpus->prompts && good; p++) {
        const struct style_text *text = style_text_at(w->corpus, p, 0);
        if (text->n == 0)
            continue;
        good = style_classifier_margins(w->classifier, text, one);
        w->m->answers[w->corpus->block[p]]++;
        for (size_t c = 0; c < k && good; c++)
            w->m->suspect[w->corpus->block[p] * k + c] += one[c];
    }
    free(one);
    return good;
}

/* A model that was trained on is judged by answers that were not. */
static void other_margins(void *data, size_t model)
{
    struct work *w = data;
    size_t k = w->m->candidates, taken = 0;
    double *one = malloc((k + 1) * sizeof *one), *sum = w->m->others + model * k;
    w->failed[model] = !one || (model == 0 && !suspect_margins(w));
    for (size_t p = 0; p < w->corpus->prompts && model > 0 && !w->failed[model]; p++) {
        const struct style_text *text = style_text_at(w->corpus, p, model);
        bool trained =
            w->population->candidate[model] != STYLE_NOBODY && p % STYLE_FOLDS < TRAINED_FOLDS;
        if (text->n == 0 || trained || taken == w->answers)
            continue;
        w->failed[model] = !style_classifier_margins(w->classifier, text, one);
        taken++;
        for (size_t c = 0; c < k; c++)
            sum[c] += one[c];
    }
    for (size_t c = 0; c < k; c++)
        sum[c] = taken > 0 ? sum[c] / (double)taken : (double)NAN;
    free(one);
}

/* One middle and one spread for all candidates: a scale of each one's own would cost accuracy, for
 * it is measured on few models. */
static void standardise(struct work *w)
{
    struct style_margins *m = w->m;
    double sum = 0, square = 0, n = 0;
    for (size_t i = 1; i < m->models; i++)
        for (size_t c = 0; c < m->candidates; c++) {
            double v = m->others[i * m->candidates + c];
            if (w->population->candidate[i] == c || isnan(v))
                continue;
            sum += v;
            square += v * v;
            n++;
        }
    m->centre = n > 0 ? sum / n : 0;
    m->spread = n > 1 ? sqrt(fmax(square / n - m->centre * m->centre, 1e-12)) : 1;
    for (size_t i = 0; i < m->models * m->candidates; i++)
        m->others[i] = (m->others[i] - m->centre) / m->spread;
}

static assay_status fill(const struct assay_context *context, struct work *w,
                         struct assay_error *error)
{
    struct style_margins *m = w->m;
    m->others = calloc(m->models * m->candidates + 1, sizeof *m->others);
    m->suspect = calloc(STYLE_BLOCKS * m->candidates + 1, sizeof *m->suspect);
    w->failed = calloc(m->models + 1, sizeof *w->failed);
    bool good = m->others && m->suspect && w->failed;
    assay_status status = ASSAY_OK;
    if (good)
        status = assay_parallel_for(context, "margins", m->models, other_margins, w, error);
    for (size_t i = 0; i < m->models && good; i++)
        good = !w->failed[i];
    free(w->failed);
    if (!good)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    if (status == ASSAY_OK)
        standardise(w);
    return status;
}

assay_status style_margins_make(const struct assay_context *context,
                                const struct style_corpus *corpus, const struct style_population *p,
                                struct style_margins *m, struct assay_error *error)
{
    struct style_classifier classifier;
    bool use[STYLE_FOLDS];
    struct work w = {.corpus = corpus, .population = p, .classifier = &classifier, .m = m};
    *m = (struct style_margins){.models = corpus->models, .candidates = p->candidates};
    for (size_t f = 0; f < STYLE_FOLDS; f++)
        use[f] = f < TRAINED_FOLDS || corpus->prompts < STYLE_FOLDS;
    for (size_t i = 0; i < corpus->prompts; i++)
        w.answers += style_text_at(corpus, i, 0)->n > 0;
    ASSAY_TRY(style_classifier_train(context, corpus, p->candidate, p->candidates, use, &classifier,
                                     error));
    assay_status status = fill(context, &w, error);
    style_classifier_free(&classifier);
    if (status != ASSAY_OK)
        style_margins_free(m);
    return status;
}

void style_margins_free(struct style_margins *m)
{
    free(m->others);
    free(m->suspect);
    *m = (struct style_margins){.models = 0};
}

void style_margins_add(const struct style_margins *m, const struct style_population *p,
                       const unsigned times[STYLE_BLOCKS], double *scores)
{
    double answers = 0;
    bool drawn = false;
    if (!m->others)
        return;
    for (size_t b = 0; b < STYLE_BLOCKS; b++)
        drawn = drawn || times[b] * m->answers[b] > 0;
    for (size_t b = 0; b < STYLE_BLOCKS; b++) /* a draw without any answer counts all */
        answers += (drawn ? times[b] : 1) * m->answers[b];
    for (size_t b = 0; b < p->n; b++) {
        size_t c = p->candidate[b];
        if (c == STYLE_NOBODY)
            continue;
        double sum = 0;
        for (size_t k = 0; k < STYLE_BLOCKS; k++)
            sum += (drawn ? times[k] : 1) * m->suspect[k * m->candidates + c];
        if (answers > 0)
            scores[b] += (sum / answers - m->centre) / m->spread;
        for (size_t i = 1; i < p->n; i++)
            scores[i * p->n + b] += m->others[i * m->candidates + c];
    }
}
