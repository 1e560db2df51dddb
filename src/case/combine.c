/* SPDX-License-Identifier: Apache-2.0 */
/*
 * With Z(h) the value of the circuit under hypothesis h, which is the probability of all that was
 * observed up to a factor that is the same for every h,
 *     log10 LR(h) = log10 Z(h) / Z(reference),
 *     log10 LR(h against the others) = log10 Z(h) / mean over g other than h of Z(g).
 * Both are quantiles over draws of the likelihoods within their intervals; what ranks hypotheses
 * and what sensitivity compares is Z at the medians of the likelihoods.
 */
#include "case/combine.h"

#include "case/network.h"

#include <assay/stats.h>

#include <math.h>
#include <string.h>

#define LN10 2.302585092994045684

static const double levels[3] = {0.5, 0.1, 0.9};

static assay_status out_of_memory(struct weighing *w)
{
    return assay_error_at(w->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

void combine_two_best(const double *values, size_t n, size_t *best, size_t *next)
{
    *best = 0;
    for (size_t h = 1; h < n; h++)
        if (values[h] > values[*best])
            *best = h;
    *next = *best == 0 ? 1 : 0;
    for (size_t h = 0; h < n; h++)
        if (h != *best && values[h] > values[*next])
            *next = h;
}

static assay_status evaluate_medians(struct weighing *w)
{
    const struct assay_combination *c = w->combination;
    double *weights = assay_arena_alloc(w->arena, c->finding_count, sizeof *weights);
    double *rows = assay_arena_alloc(w->arena, w->circuit.row_count * w->n, sizeof *rows);
    double *scratch = assay_arena_alloc(w->arena, 2 * w->n, sizeof *scratch);
    if (!weights || !rows || !scratch)
        return out_of_memory(w);
    for (size_t f = 0; f < c->finding_count; f++)
        weights[f] = c->findings[f].weight;
    ASSAY_TRY(combine_likelihoods(w));
    circuit_evaluate(&w->circuit, &w->likelihoods, weights, scratch, rows);
    w->weights = weights;
    w->rows = rows;
    return ASSAY_OK;
}

static size_t hypothesis_at(const struct assay_combination *c, const char *id)
{
    for (size_t h = 0; h < c->hypothesis_count; h++)
        if (strcmp(c->hypotheses[h].id, id) == 0)
            return h;
    return SIZE_MAX;
}

static assay_status choose_reference(struct weighing *w, struct assay_combined_hypothesis *list)
{
    struct assay_combination *c = w->combination;
    combine_two_best(w->rows, w->n, &c->leading, &c->runner_up);
    c->log10_lead = (w->rows[c->leading] - w->rows[c->runner_up]) / LN10;
    size_t stated = w->question->stated ? hypothesis_at(c, w->question->stated) : SIZE_MAX;
    c->reference_is_best = stated == SIZE_MAX;
    c->reference_index = c->reference_is_best ? c->leading : stated;
    c->reference = list[c->reference_index].id;
    list[c->reference_index].reference = true;
    for (size_t h = 0; h < w->n; h++)
        for (size_t g = 0; g < w->n; g++)
            list[h].rank += w->rows[g] > w->rows[h] || (w->rows[g] == w->rows[h] && g < h);
    return ASSAY_OK;
}

static struct assay_interval as_interval(const double quantiles[3])
{
    return (struct assay_interval){quantiles[0], quantiles[1], quantiles[2], 0.8};
}

/* ln of the sum of all exp(z) but that of h, from the sum of all exp(z - top). */
static double sum_of_others(const double *z, size_t n, size_t h, double top, double sum)
{
    double own = exp(z[h] - top), second = -INFINITY, rest = 0;
    if (own < 0.5 * sum)
        return top + log(sum - own);
    for (size_t g = 0; g < n; g++) /* a difference would lose its digits: add up the others */
        second = g != h ? fmax(second, z[g]) : second;
    for (size_t g = 0; g < n; g++)
        rest += g != h ? exp(z[g] - second) : 0;
    return second + log(rest);
}

/* log10 of each Z over the mean of the others, in one draw. */
static void against_others(const double *z, size_t n, double *log10_ratios)
{
    double top = -INFINITY, sum = 0;
    for (size_t g = 0; g < n; g++)
        top = fmax(top, z[g]);
    for (size_t g = 0; g < n; g++)
        sum += exp(z[g] - top);
    for (size_t h = 0; h < n; h++)
        log10_ratios[h] = (z[h] - sum_of_others(z, n, h, top, sum) + log((double)(n - 1))) / LN10;
}

static assay_status weigh_hypotheses(struct weighing *w, struct assay_combined_hypothesis *list)
{
    struct assay_combination *c = w->combination;
    double *ratios = assay_arena_alloc(w->arena, c->draws, sizeof *ratios), quantiles[3];
    double *others = assay_arena_alloc(w->arena, c->draws * w->n, sizeof *others);
    if (!ratios || !others)
        return out_of_memory(w);
    for (size_t d = 0; d < c->draws; d++)
        against_others(&w->draws[d * w->n], w->n, &others[d * w->n]);
    for (size_t h = 0; h < w->n; h++) {
        for (size_t d = 0; d < c->draws; d++)
            ratios[d] = (w->draws[d * w->n + h] - w->draws[d * w->n + c->reference_index]) / LN10;
        ASSAY_TRY(assay_stats_quantiles(ratios, NULL, c->draws, levels, 3, quantiles, w->error));
        list[h].log10_ratio = as_interval(quantiles);
        for (size_t d = 0; d < c->draws; d++)
            ratios[d] = others[d * w->n + h];
        ASSAY_TRY(assay_stats_quantiles(ratios, NULL, c->draws, levels, 3, quantiles, w->error));
        list[h].log10_ratio_others = as_interval(quantiles);
        list[h].words = assay_words_likelihood_ratio(list[h].log10_ratio.median);
        if (strcmp(list[h].words, assay_words_likelihood_ratio(0)) != 0)
            list[h].favours = list[h].log10_ratio.median > 0 ? 1 : -1;
    }
    return ASSAY_OK;
}

/* With one's own hypotheses, the priors' names were only read; now they must be among them. */
static assay_status check_priors(struct weighing *w)
{
    for (size_t i = 0; i < w->question->holder_count; i++) {
        const struct assay_case_priors *holder = &w->question->holders[i];
        for (size_t j = 0; j < holder->count; j++)
            if (hypothesis_at(w->combination, holder->priors[j].hypothesis) == SIZE_MAX)
                return assay_error_at(w->error, ASSAY_ERROR_INPUT, w->subject->path, holder->line,
                                      "a prior for '%s', which is no hypothesis of question %s: "
                                      "expected a name such as '%s'",
                                      holder->priors[j].hypothesis, w->question->id,
                                      w->combination->hypotheses[0].id);
    }
    return ASSAY_OK;
}

static assay_status combine(struct weighing *w)
{
    struct assay_combined_hypothesis *hypotheses = w->combination->hypotheses;
    ASSAY_TRY(check_priors(w));
    ASSAY_TRY(circuit_build(w->combination, w->subject->path, w->question->line, w->arena,
                            &w->circuit, w->error));
    ASSAY_TRY(evaluate_medians(w));
    ASSAY_TRY(choose_reference(w, hypotheses));
    ASSAY_TRY(combine_draw(w));
    ASSAY_TRY(weigh_hypotheses(w, hypotheses));
    ASSAY_TRY(combine_findings(w));
    ASSAY_TRY(combine_posteriors(w));
    ASSAY_TRY(combine_sensitivity(w));
    ASSAY_TRY(combine_pairs(w));
    ASSAY_TRY(combine_next(w));
    ASSAY_TRY(combine_overturns(w));
    return combine_confidence(w);
}

assay_status combine_question(const struct assay_case *subject,
                              const struct assay_case_reply *reply,
                              const struct assay_case_reliability *reliability,
                              const struct assay_context *context, struct assay_arena *arena,
                              const struct assay_combination **combination,
                              struct assay_error *error)
{
    struct assay_combination *c = assay_arena_alloc(arena, 1, sizeof *c);
    *combination = NULL;
    if (!c)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    ASSAY_TRY(network_build(subject, reply, reliability, arena, c, error));
    if (c->finding_count == 0 || c->hypothesis_count < 2)
        return ASSAY_OK;
    struct weighing w = {.subject = subject,
                         .reply = reply,
                         .question = reply->question,
                         .reliability = reliability,
                         .combination = c,
                         .n = c->hypothesis_count,
                         .arena = arena,
                         .context = context,
                         .error = error};
    ASSAY_TRY(combine(&w));
    *combination = c;
    return ASSAY_OK;
}
