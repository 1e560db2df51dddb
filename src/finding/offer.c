/* SPDX-License-Identifier: Apache-2.0 */
/* Offers added to a finding that is made already; what they need lives in its arena. */
#include "finding/power.h"

#include <math.h>
#include <string.h>

#define MOST_NAMED 8 /* candidates with an outcome of their own */

/* Room for an offer of `outcomes`, each with probabilities that the caller fills. */
static assay_status add(struct assay_finding *finding, const struct power_offer *offer,
                        const char *basis, size_t outcomes, struct assay_outcome **list,
                        double **probabilities, struct assay_error *error)
{
    struct assay_arena *arena = finding->arena;
    size_t n = finding->obtainable_count, weights = finding->weight_count;
    struct assay_obtainable *all = assay_arena_alloc(arena, n + 1, sizeof *all);
    *list = assay_arena_alloc(arena, outcomes, sizeof **list);
    *probabilities = assay_arena_alloc(arena, outcomes * weights, sizeof **probabilities);
    char *id = assay_arena_copy(arena, offer->id), *text = assay_arena_copy(arena, offer->text);
    char *why =
        assay_arena_print(arena, "%s The cost is the authors' judgement (data/offers.csv).", basis);
    if (!all || !*list || !*probabilities || !id || !text || !why)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    if (n)
        memcpy(all, finding->obtainables, n * sizeof *all);
    for (size_t o = 0; o < outcomes; o++)
        (*list)[o].probabilities = *probabilities + o * weights;
    all[n] = (struct assay_obtainable){id, text, why, offer->cost_usd, "USD", *list, outcomes};
    finding->obtainables = all;
    finding->obtainable_count = n + 1;
    return ASSAY_OK;
}

/* The weighed candidates with the greatest likelihoods, at most MOST_NAMED; all but the last. */
static size_t best_candidates(const struct assay_finding *f, size_t best[MOST_NAMED], size_t *all)
{
    size_t n = 0;
    *all = 0;
    for (size_t i = 0; i + 1 < f->weight_count; i++) {
        if (!f->weights[i].weighed)
            continue;
        double own = f->weights[i].log10_likelihood.median;
        size_t at = n < MOST_NAMED ? n++ : MOST_NAMED;
        ++*all;
        for (; at > 0 && f->weights[best[at - 1]].log10_likelihood.median < own; at--)
            if (at < MOST_NAMED)
                best[at] = best[at - 1];
        if (at < MOST_NAMED)
            best[at] = i;
    }
    return n;
}

assay_status power_offer_naming(struct assay_finding *finding, const struct power_offer *offer,
                                double right, double wrong, const char *basis,
                                struct assay_error *error)
{
    size_t best[MOST_NAMED], all, named = best_candidates(finding, best, &all);
    size_t weights = finding->weight_count, another = named, nobody = named + (all > named);
    size_t outcomes = nobody + (wrong < 1);
    struct assay_outcome *list;
    double *p;
    if (all == 0 || !finding->weights[weights - 1].weighed || outcomes < 2)
        return ASSAY_OK;
    ASSAY_TRY(add(finding, offer, basis, outcomes, &list, &p, error));
    for (size_t i = 0; i < weights; i++) {
        bool is_none = i + 1 == weights;
        double missed = is_none ? wrong : (1 - right) * wrong; /* another than the true one named */
        double others = (double)all - (is_none ? 0 : 1), given = 0;
        for (size_t k = 0; k < named; k++) {
            p[k * weights + i] = best[k] == i ? right : others > 0 ? missed / others : 0;
            given += p[k * weights + i];
        }
        double nobody_named = (is_none ? 1 : 1 - right) * (1 - wrong);
        if (others == 0)
            nobody_named += missed; /* there is no other to be named */
        if (wrong < 1)
            p[nobody * weights + i] = nobody_named;
        if (all > named)
            p[another * weights + i] = fmax(0, 1 - given - (wrong < 1 ? nobody_named : 0));
        for (size_t o = 0; o < outcomes && !finding->weights[i].weighed; o++)
            p[o * weights + i] = NAN;
    }
    for (size_t k = 0; k < named; k++)
        list[k].text = finding->weights[best[k]].hypothesis;
    if (all > named)
        list[another].text = "another candidate";
    if (wrong < 1)
        list[nobody].text = "nobody is named";
    return ASSAY_OK;
}

assay_status power_offer_conditions(struct assay_finding *finding, const struct power_offer *offer,
                                    const struct power *power, const size_t *conditions,
                                    struct assay_error *error)
{
    size_t weights = finding->weight_count, outcomes = power->outcome_count;
    struct assay_outcome *list;
    double *p;
    ASSAY_TRY(add(finding, offer, power->basis, outcomes, &list, &p, error));
    for (size_t o = 0; o < outcomes; o++) {
        if (!(list[o].text = assay_arena_copy(finding->arena, power->outcomes[o])))
            return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
        for (size_t i = 0; i < weights; i++)
            p[o * weights + i] = finding->weights[i].weighed
                                     ? power->chances[conditions[i] * outcomes + o]
                                     : (double)NAN;
    }
    return ASSAY_OK;
}
