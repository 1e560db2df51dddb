/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What to look for next: the mutual information, in bits, of the answer and of what an obtainable
 * exhibit would show (Lindley, "On a measure of the information provided by an experiment", 1956),
 *     I = H(p) - sum over outcomes o of P(o) H(p given o),
 * p being the posterior for the first holder's priors, or for equal ones where nobody states any.
 * Costs are compared in US dollars where the case says what its units are worth.
 */
#include "case/offers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LN10 2.302585092994045684

static double entropy(const double *p, size_t n)
{
    double sum = 0;
    for (size_t h = 0; h < n; h++)
        sum -= p[h] > 0 ? p[h] * log2(p[h]) : 0;
    return sum;
}

/* The present posterior. */
static void present(const struct weighing *w, double *p)
{
    const struct assay_combination *c = w->combination;
    double sum = 0;
    for (size_t h = 0; h < w->n; h++) {
        double prior = 1;
        if (c->posterior_count) {
            prior = c->posteriors[0].rows[h].prior;
            prior = isnan(prior) ? 0 : prior;
        }
        p[h] = prior * exp(w->rows[h] - w->rows[c->leading]);
        sum += p[h];
    }
    for (size_t h = 0; h < w->n; h++)
        p[h] /= sum;
}

/* The leading hypothesis over the best of the others, and whether it still leads. */
static double lead_after(const struct weighing *w, const double *likelihoods, bool *overturned)
{
    size_t leading = w->combination->leading;
    double own = w->rows[leading] + log(likelihoods[leading]), others = -INFINITY;
    for (size_t h = 0; h < w->n; h++)
        if (h != leading)
            others = fmax(others, w->rows[h] + log(likelihoods[h]));
    *overturned = others > own;
    return (own - others) / LN10;
}

static assay_status expect(struct weighing *w, const struct assay_case_obtainable *o,
                           const double *p, double *after, struct assay_next *next)
{
    double *probabilities = assay_arena_alloc(w->arena, o->outcome_count, sizeof *probabilities);
    double *ratios = assay_arena_alloc(w->arena, o->outcome_count, sizeof *ratios);
    double left = 0;
    if (!probabilities || !ratios)
        return assay_error_at(w->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    *next = (struct assay_next){.obtainable = o};
    for (size_t i = 0; i < o->outcome_count; i++) {
        const double *likelihoods = o->outcomes[i].probabilities;
        bool overturned;
        for (size_t h = 0; h < w->n; h++) {
            after[h] = p[h] * likelihoods[h];
            probabilities[i] += after[h];
        }
        for (size_t h = 0; h < w->n; h++)
            after[h] = probabilities[i] > 0 ? after[h] / probabilities[i] : 0;
        left += probabilities[i] * entropy(after, w->n);
        ratios[i] = lead_after(w, likelihoods, &overturned);
        next->overturn += overturned ? probabilities[i] : 0;
    }
    next->bits = fmax(0, entropy(p, w->n) - left);
    next->bits_per_cost = next->bits / o->cost; /* NaN without a cost */
    next->probabilities = probabilities;
    next->log10_ratios = ratios;
    return ASSAY_OK;
}

static int most_first(const void *a, const void *b)
{
    const struct assay_next *x = a, *y = b;
    if (x->bits != y->bits)
        return x->bits < y->bits ? 1 : -1;
    return strcmp(x->obtainable->id, y->obtainable->id);
}

/* NaN where nobody said what the unit is worth. */
static double in_usd(const struct assay_case *subject, const struct assay_case_obtainable *o)
{
    if (!o->cost_unit || strcmp(o->cost_unit, "USD") == 0)
        return o->cost;
    for (size_t i = 0; i < subject->rate_count; i++)
        if (strcmp(subject->rates[i].unit, o->cost_unit) == 0)
            return o->cost * subject->rates[i].usd;
    return NAN;
}

/* `next` has most bits first: one is efficient if all before it cost more. */
static void mark_efficient(struct assay_next *next, size_t count)
{
    double least = INFINITY;
    for (size_t i = 0; i < count; i++) {
        next[i].efficient = next[i].bits > 1e-9 && next[i].cost_usd < least;
        least = fmin(least, next[i].cost_usd); /* ignores NaN */
    }
}

assay_status combine_next(struct weighing *w)
{
    const struct assay_case_obtainable *list;
    size_t count;
    ASSAY_TRY(offers_list(w, &list, &count));
    double *p = assay_arena_alloc(w->arena, 2 * w->n, sizeof *p);
    struct assay_next *next = assay_arena_alloc(w->arena, count, sizeof *next);
    if (!p || !next)
        return assay_error_at(w->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    present(w, p);
    for (size_t i = 0; i < count; i++) {
        ASSAY_TRY(expect(w, &list[i], p, p + w->n, &next[i]));
        next[i].cost_usd = in_usd(w->subject, &list[i]);
    }
    if (count)
        qsort(next, count, sizeof *next, most_first);
    mark_efficient(next, count);
    w->combination->next = next;
    w->combination->next_count = count;
    return ASSAY_OK;
}
