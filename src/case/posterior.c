/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Posteriors for stated priors, and for any: posterior(h) = p(h) Z(h) / sum over g of p(g) Z(g),
 * in every draw; and the curve of posterior against prior p of one hypothesis, the others sharing
 * 1 - p equally: its odds are p / (1 - p) times the likelihood ratio of h against the others.
 */
#include "case/combine.h"

#include <assay/stats.h>

#include <math.h>
#include <string.h>

#define LN10 2.302585092994045684
#define CURVES 8
#define POINTS 41

static const double levels[3] = {0.5, 0.1, 0.9};

static assay_status out_of_memory(struct weighing *w)
{
    return assay_error_at(w->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

/* All hypotheses' posteriors with these Z; those without a prior get 0. */
static void bayes(const double *priors, const double *ln_z, size_t n, double *posteriors)
{
    double top = -INFINITY, sum = 0;
    for (size_t h = 0; h < n; h++)
        if (priors[h] > 0)
            top = fmax(top, ln_z[h]);
    for (size_t h = 0; h < n; h++) {
        posteriors[h] = priors[h] > 0 ? priors[h] * exp(ln_z[h] - top) : 0;
        sum += posteriors[h];
    }
    for (size_t h = 0; h < n; h++)
        posteriors[h] /= sum;
}

static double prior_of(const struct assay_case_priors *holder, const char *id)
{
    for (size_t i = 0; i < holder->count; i++)
        if (strcmp(holder->priors[i].hypothesis, id) == 0)
            return holder->priors[i].probability;
    return 0;
}

/* The prior of the leading hypothesis at which it would be 50%, at the medians. */
static double even_prior(const double *priors, const double *ln_z, size_t n, size_t leading)
{
    double top = ln_z[leading], others = 0, rest = 1 - priors[leading];
    if (!(rest > 0))
        return NAN; /* it has all the prior there is */
    for (size_t h = 0; h < n; h++)
        if (h != leading && priors[h] > 0)
            others += priors[h] / rest * exp(ln_z[h] - top);
    return others / (1 + others);
}

static assay_status fill(struct weighing *w, const struct assay_case_priors *holder,
                         struct assay_posterior *posterior, double *drawn, double *one)
{
    const struct assay_combination *c = w->combination;
    struct assay_posterior_row *rows = assay_arena_alloc(w->arena, w->n, sizeof *rows);
    double *priors = assay_arena_alloc(w->arena, w->n, sizeof *priors), quantiles[3];
    if (!rows || !priors)
        return out_of_memory(w);
    for (size_t h = 0; h < w->n; h++)
        priors[h] = prior_of(holder, c->hypotheses[h].id);
    for (size_t d = 0; d < c->draws; d++)
        bayes(priors, &w->draws[d * w->n], w->n, &drawn[d * w->n]);
    for (size_t h = 0; h < w->n; h++) {
        rows[h].prior = NAN;
        rows[h].posterior = (struct assay_interval){NAN, NAN, NAN, 0.8};
        if (!(priors[h] > 0))
            continue;
        for (size_t d = 0; d < c->draws; d++)
            one[d] = drawn[d * w->n + h];
        ASSAY_TRY(assay_stats_quantiles(one, NULL, c->draws, levels, 3, quantiles, w->error));
        rows[h].prior = priors[h];
        rows[h].posterior = (struct assay_interval){quantiles[0], quantiles[1], quantiles[2], 0.8};
        rows[h].words = assay_words_probability(quantiles[0]);
    }
    *posterior = (struct assay_posterior){.held_by = holder->held_by, .reason = holder->reason};
    posterior->rows = rows;
    bayes(priors, w->rows, w->n, one);
    for (size_t h = 1; h < w->n; h++)
        if (one[h] > one[posterior->leading])
            posterior->leading = h;
    posterior->even_prior = even_prior(priors, w->rows, w->n, posterior->leading);
    return ASSAY_OK;
}

static double logistic(double log_odds)
{
    return 1 / (1 + exp(-log_odds));
}

/* Points evenly spaced in log odds, from 1 in 1,000 to 999 in 1,000. */
static assay_status draw_curve(struct weighing *w, size_t h, struct assay_curve *curve)
{
    const struct assay_interval *ratio = &w->combination->hypotheses[h].log10_ratio_others;
    double *priors = assay_arena_alloc(w->arena, POINTS, sizeof *priors);
    struct assay_interval *posteriors = assay_arena_alloc(w->arena, POINTS, sizeof *posteriors);
    if (!priors || !posteriors)
        return out_of_memory(w);
    for (size_t i = 0; i < POINTS; i++) {
        double odds = log(999) * (2 * (double)i / (POINTS - 1) - 1);
        priors[i] = logistic(odds);
        posteriors[i] = (struct assay_interval){logistic(odds + LN10 * ratio->median),
                                                logistic(odds + LN10 * ratio->low),
                                                logistic(odds + LN10 * ratio->high), 0.8};
    }
    *curve = (struct assay_curve){h, priors, posteriors, POINTS};
    return ASSAY_OK;
}

static assay_status draw_curves(struct weighing *w)
{
    struct assay_combination *c = w->combination;
    struct assay_curve *curves = assay_arena_alloc(w->arena, CURVES + 1, sizeof *curves);
    if (!curves)
        return out_of_memory(w);
    for (size_t h = 0; h < w->n; h++)
        if (c->hypotheses[h].rank < CURVES || c->hypotheses[h].reference)
            ASSAY_TRY(draw_curve(w, h, &curves[c->curve_count++]));
    c->curves = curves;
    return ASSAY_OK;
}

assay_status combine_posteriors(struct weighing *w)
{
    struct assay_combination *c = w->combination;
    size_t holders = w->question->holder_count, room = c->draws > w->n ? c->draws : w->n;
    struct assay_posterior *posteriors = assay_arena_alloc(w->arena, holders, sizeof *posteriors);
    double *drawn = assay_arena_alloc(w->arena, holders ? c->draws * w->n : 0, sizeof *drawn);
    double *one = assay_arena_alloc(w->arena, room, sizeof *one);
    if (!posteriors || !drawn || !one)
        return out_of_memory(w);
    for (size_t i = 0; i < holders; i++)
        ASSAY_TRY(fill(w, &w->question->holders[i], &posteriors[i], drawn, one));
    c->posteriors = posteriors;
    c->posterior_count = holders;
    return draw_curves(w);
}
