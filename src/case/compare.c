/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Likelihood ratios. With l_h = log10 of the likelihood of hypothesis h and r the reference,
 *   log10 LR(h) = l_h - l_r,
 * its interval from the half-widths of both in quadrature. Where priors p_h are stated,
 *   posterior(h) = p_h 10^LR(h) / sum over g of p_g 10^LR(g),
 * over the hypotheses that have a prior of the first holder and were weighed: this finding by
 * itself. A question with hypotheses of its own has no priors for an instrument's.
 */
#include "case/compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct assay_weight *find_weight(const struct assay_finding *finding, const char *name)
{
    for (size_t i = 0; i < finding->weight_count; i++)
        if (strcmp(finding->weights[i].hypothesis, name) == 0)
            return &finding->weights[i];
    return NULL;
}

static const struct assay_weight *best_weight(const struct assay_finding *finding)
{
    const struct assay_weight *best = NULL;
    for (size_t i = 0; i < finding->weight_count; i++) {
        const struct assay_weight *weight = &finding->weights[i];
        if (weight->weighed &&
            (!best || weight->log10_likelihood.median > best->log10_likelihood.median))
            best = weight;
    }
    return best;
}

static bool are_tied(const struct assay_finding *finding, const char *a, const char *b)
{
    for (size_t i = 0; i < finding->tie_count; i++) {
        const struct assay_tie *tie = &finding->ties[i];
        if ((strcmp(tie->a, a) == 0 && strcmp(tie->b, b) == 0) ||
            (strcmp(tie->a, b) == 0 && strcmp(tie->b, a) == 0))
            return true;
    }
    return false;
}

static struct assay_interval ratio(const struct assay_interval *a, const struct assay_interval *b)
{
    double median = a->median - b->median;
    return (struct assay_interval){
        .median = median,
        .low = median - hypot(a->median - a->low, b->high - b->median),
        .high = median + hypot(a->high - a->median, b->median - b->low),
        .level = a->level,
    };
}

static void compare(const struct assay_finding *finding, const struct assay_weight *weight,
                    const struct assay_weight *reference, struct assay_comparison *comparison)
{
    comparison->hypothesis = weight->hypothesis;
    comparison->note = weight->note;
    comparison->posterior = NAN;
    comparison->weighed = weight->weighed && reference;
    comparison->log10_likelihood_ratio = (struct assay_interval){NAN, NAN, NAN, 0.8};
    comparison->words = assay_words_likelihood_ratio(NAN);
    if (!comparison->weighed)
        return;
    comparison->reference = weight == reference;
    if (comparison->reference) {
        comparison->log10_likelihood_ratio =
            (struct assay_interval){0, 0, 0, weight->log10_likelihood.level};
    } else {
        comparison->log10_likelihood_ratio =
            ratio(&weight->log10_likelihood, &reference->log10_likelihood);
        comparison->tied = are_tied(finding, weight->hypothesis, reference->hypothesis);
    }
    double median = comparison->log10_likelihood_ratio.median;
    comparison->words = assay_words_likelihood_ratio(median);
    if (strcmp(comparison->words, assay_words_likelihood_ratio(0)) != 0)
        comparison->favours = median > 0 ? 1 : -1;
}

/* Best first, then by name; those not weighed last. */
static int best_first(const void *a, const void *b)
{
    const struct assay_comparison *x = a, *y = b;
    if (x->weighed != y->weighed)
        return x->weighed ? -1 : 1;
    if (x->weighed && x->log10_likelihood_ratio.median != y->log10_likelihood_ratio.median)
        return x->log10_likelihood_ratio.median < y->log10_likelihood_ratio.median ? 1 : -1;
    return strcmp(x->hypothesis, y->hypothesis);
}

static double prior_of(const struct assay_case_question *question, const char *hypothesis)
{
    const struct assay_case_priors *first = question->holders;
    for (size_t i = 0; i < first->count; i++)
        if (strcmp(first->priors[i].hypothesis, hypothesis) == 0)
            return first->priors[i].probability;
    return 0;
}

static void add_posteriors(const struct assay_case_question *question,
                           struct assay_comparison *comparisons, size_t count)
{
    double top = -INFINITY, sum = 0;
    for (size_t i = 0; i < count; i++) {
        double prior = prior_of(question, comparisons[i].hypothesis);
        if (comparisons[i].weighed && prior > 0) {
            comparisons[i].posterior = log10(prior) + comparisons[i].log10_likelihood_ratio.median;
            top = fmax(top, comparisons[i].posterior);
        }
    }
    for (size_t i = 0; i < count; i++)
        if (!isnan(comparisons[i].posterior))
            sum += pow(10, comparisons[i].posterior - top);
    for (size_t i = 0; i < count; i++) {
        if (isnan(comparisons[i].posterior))
            continue;
        comparisons[i].posterior = pow(10, comparisons[i].posterior - top) / sum;
        comparisons[i].posterior_words = assay_words_probability(comparisons[i].posterior);
    }
}

/* What the case names must be among what the instrument lists. */
static assay_status check_names(const char *path, const struct assay_case_question *question,
                                const struct assay_case_result *result, struct assay_error *error)
{
    const struct assay_finding *finding = &result->finding;
    if (finding->weight_count == 0 || question->hypothesis_count)
        return ASSAY_OK;
    if (question->stated && !find_weight(finding, question->stated))
        return assay_error_at(error, ASSAY_ERROR_INPUT, path, question->stated_line,
                              "%s lists no hypothesis '%s': expected a name such as '%s'",
                              result->task->instrument, question->stated,
                              finding->weights[0].hypothesis);
    return ASSAY_OK;
}

/* The stated hypothesis among the instrument's: by name, or by what the question's stands for. */
static const struct assay_weight *find_stated(const struct assay_case_question *question,
                                              const struct assay_finding *finding)
{
    const struct assay_weight *weight = NULL;
    if (!question->stated || !question->hypothesis_count)
        return question->stated ? find_weight(finding, question->stated) : NULL;
    for (size_t h = 0; h < question->hypothesis_count && !weight; h++) {
        const struct assay_case_hypothesis *hypothesis = &question->hypotheses[h];
        if (strcmp(hypothesis->id, question->stated) != 0)
            continue;
        weight = find_weight(finding, hypothesis->id);
        for (size_t i = 0; i < hypothesis->match_count && !weight; i++)
            weight = find_weight(finding, hypothesis->matches[i]);
    }
    return weight;
}

assay_status compare_result(const char *path, const struct assay_case_question *question,
                            struct assay_arena *arena, struct assay_case_result *result,
                            struct assay_error *error)
{
    const struct assay_finding *finding = &result->finding;
    ASSAY_TRY(check_names(path, question, result, error));
    const struct assay_weight *reference = find_stated(question, finding);
    if (!reference || !reference->weighed) {
        reference = best_weight(finding);
        result->reference_is_best = true;
    }
    result->reference = reference ? reference->hypothesis : NULL;

    struct assay_comparison *comparisons =
        assay_arena_alloc(arena, finding->weight_count, sizeof *comparisons);
    if (!comparisons)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    for (size_t i = 0; i < finding->weight_count; i++)
        compare(finding, &finding->weights[i], reference, &comparisons[i]);
    if (finding->weight_count > 0)
        qsort(comparisons, finding->weight_count, sizeof *comparisons, best_first);
    if (question->holder_count > 0 && !question->hypothesis_count)
        add_posteriors(question, comparisons, finding->weight_count);
    result->comparisons = comparisons;
    result->comparison_count = finding->weight_count;
    return ASSAY_OK;
}
