/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each finding by itself, discounted by all its causes: with r their joint chance,
 *     D(h) = log10(1 - r + r L(h)),  LR(h) = D(h) - D(reference),
 * the ends of the interval mapped through D and the half-widths of both hypotheses added in
 * quadrature, as if what is uncertain about the two were independent. And each pair of hypotheses
 * by all findings: the matrix of the analysis of competing hypotheses (Heuer, Psychology of
 * Intelligence Analysis, 1999, chapter 8), with likelihood ratios for its signs.
 */
#include "case/combine.h"

#include <math.h>

#define LN10 2.302585092994045684
#define MOST_PAIRED 8 /* hypotheses in the matrix of pairs */

static double chance_of(const struct weighing *w, const struct assay_combined_finding *f)
{
    double r = 1;
    for (size_t i = 0; i < f->parent_count; i++)
        r *= w->combination->nodes[f->parents[i]].probability;
    return r;
}

static double discounted(double r, double log10_likelihood)
{
    return r == 1 ? log10_likelihood : log1p(r * expm1(LN10 * log10_likelihood)) / LN10;
}

static struct assay_interval discount(double r, const struct assay_interval *x)
{
    return (struct assay_interval){discounted(r, x->median), discounted(r, x->low),
                                   discounted(r, x->high), x->level};
}

static struct assay_interval minus(const struct assay_interval *a, const struct assay_interval *b)
{
    double median = a->median - b->median;
    return (struct assay_interval){median, median - hypot(a->median - a->low, b->high - b->median),
                                   median + hypot(a->high - a->median, b->median - b->low),
                                   a->level};
}

/* Divergence of the posterior from equal priors, in bits. */
static double bits(const double *z, size_t n)
{
    double sum = 0, result = 0;
    for (size_t h = 0; h < n; h++)
        sum += pow(10, z[h]);
    for (size_t h = 0; h < n; h++) {
        double p = pow(10, z[h]) / sum;
        result += p > 0 ? p * log2(p * (double)n) : 0;
    }
    return fmax(result, 0);
}

static void weigh(const struct weighing *w, struct assay_combined_finding *f,
                  struct assay_interval *d, double *medians, struct assay_interval *ratios)
{
    double r = chance_of(w, f);
    for (size_t h = 0; h < w->n; h++) {
        d[h] = discount(r, &f->log10_likelihoods[h]);
        medians[h] = d[h].median;
        if (medians[h] > medians[f->best])
            f->best = h;
        if (medians[h] < medians[f->worst])
            f->worst = h;
    }
    size_t reference = w->combination->reference_index;
    for (size_t h = 0; h < w->n; h++)
        ratios[h] =
            h == reference ? (struct assay_interval){0, 0, 0, 0.8} : minus(&d[h], &d[reference]);
    f->log10_ratios = ratios;
    f->log10_most = f->best == f->worst ? (struct assay_interval){0, 0, 0, 0.8}
                                        : minus(&d[f->best], &d[f->worst]);
    f->bits = bits(medians, w->n);
}

assay_status combine_findings(struct weighing *w)
{
    size_t count = w->combination->finding_count;
    struct assay_interval *d = assay_arena_alloc(w->arena, w->n, sizeof *d);
    double *medians = assay_arena_alloc(w->arena, w->n, sizeof *medians);
    struct assay_interval *ratios = assay_arena_alloc(w->arena, count * w->n, sizeof *ratios);
    if (!d || !medians || !ratios)
        return assay_error_at(w->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    for (size_t f = 0; f < count; f++)
        weigh(w, &w->combination->findings[f], d, medians, ratios + f * w->n);
    return ASSAY_OK;
}

/* The best hypotheses and the reference, in the question's order. */
static size_t choose_paired(const struct assay_combination *c, size_t paired[MOST_PAIRED])
{
    size_t count = 0;
    for (size_t h = 0; h < c->hypothesis_count; h++)
        if (c->hypotheses[h].rank < MOST_PAIRED - 1 || c->hypotheses[h].reference ||
            (c->hypotheses[h].rank == MOST_PAIRED - 1 &&
             c->hypotheses[c->reference_index].rank < MOST_PAIRED))
            paired[count++] = h;
    return count;
}

assay_status combine_pairs(struct weighing *w)
{
    struct assay_combination *c = w->combination;
    size_t paired[MOST_PAIRED], count = choose_paired(c, paired), n = 0;
    struct assay_pair *pairs = assay_arena_alloc(w->arena, count * count, sizeof *pairs);
    if (!pairs)
        return assay_error_at(w->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    for (size_t i = 0; i < count; i++)
        for (size_t j = i + 1; j < count; j++) {
            size_t a = paired[i], b = paired[j];
            double *ratios = assay_arena_alloc(w->arena, c->finding_count, sizeof *ratios);
            if (!ratios)
                return assay_error_at(w->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
            for (size_t f = 0; f < c->finding_count; f++)
                ratios[f] =
                    c->findings[f].log10_ratios[a].median - c->findings[f].log10_ratios[b].median;
            pairs[n++] = (struct assay_pair){a, b, ratios, (w->rows[a] - w->rows[b]) / LN10};
        }
    c->pairs = pairs;
    c->pair_count = n;
    return ASSAY_OK;
}
