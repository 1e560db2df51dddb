/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An instrument says how probable an outcome y is under each of its own hypotheses i. Under a
 * hypothesis h of the question that stands for several of them, equally probable in it before the
 * finding, it is
 *     P(y | h) = sum over i in h of L(i) P(y | i) / sum over i in h of L(i),
 * L(i) being the finding's likelihood: what was seen already says which of them to expect. A
 * hypothesis that the instrument did not weigh has the mean of those that it did.
 */
#include "case/offers.h"

#include "case/match.h"

#include <math.h>
#include <string.h>

#define LN10 2.302585092994045684

struct offering {
    const struct weighing *w;
    const struct assay_case_hypothesis *hypotheses; /* the question's, as match takes them */
};

static assay_status out_of_memory(const struct offering *o)
{
    return assay_error_at(o->w->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

/* Without hypotheses of its own a question has those of its instruments, by name. */
static assay_status list_hypotheses(struct offering *o)
{
    const struct weighing *w = o->w;
    o->hypotheses = w->question->hypotheses;
    if (w->question->hypothesis_count)
        return ASSAY_OK;
    struct assay_case_hypothesis *list = assay_arena_alloc(w->arena, w->n, sizeof *list);
    if (!list)
        return out_of_memory(o);
    for (size_t h = 0; h < w->n; h++)
        list[h] = (struct assay_case_hypothesis){.id = w->combination->hypotheses[h].id,
                                                 .none = w->combination->hypotheses[h].none};
    o->hypotheses = list;
    return ASSAY_OK;
}

/* ---- from an instrument's hypotheses to the question's --------------------------------------- */

/* members[i]: the hypothesis of weight i, or SIZE_MAX; shares[i]: of i in it. */
static void share_out(const struct offering *o, const struct assay_finding *f, size_t *members,
                      double *shares, double *sums)
{
    size_t n = o->w->n;
    for (size_t h = 0; h < n; h++)
        sums[h] = 0;
    for (size_t i = 0; i < f->weight_count; i++) {
        const struct assay_weight *weight = &f->weights[i];
        members[i] =
            weight->weighed ? match_hypothesis(o->hypotheses, n, weight->hypothesis) : SIZE_MAX;
        /* so far below the best that it underflows it has no part, save where all are */
        shares[i] = fmax(exp(LN10 * weight->log10_likelihood.median), 1e-290);
        if (members[i] != SIZE_MAX)
            sums[members[i]] += shares[i];
    }
    for (size_t i = 0; i < f->weight_count; i++)
        if (members[i] != SIZE_MAX)
            shares[i] /= sums[members[i]];
}

static void fill_missing(const double *sums, size_t n, double *values)
{
    double sum = 0;
    size_t known = 0;
    for (size_t h = 0; h < n; h++) {
        sum += sums[h] > 0 ? values[h] : 0;
        known += sums[h] > 0;
    }
    for (size_t h = 0; h < n; h++)
        if (!(sums[h] > 0))
            values[h] = known ? sum / (double)known : (double)NAN;
}

static assay_status map_outcomes(const struct offering *o, const struct assay_finding *f,
                                 const struct assay_obtainable *offer,
                                 struct assay_case_obtainable *to)
{
    size_t n = o->w->n;
    struct assay_case_outcome *outcomes =
        assay_arena_alloc(o->w->arena, offer->outcome_count, sizeof *outcomes);
    size_t *members = assay_arena_alloc(o->w->arena, f->weight_count, sizeof *members);
    double *shares = assay_arena_alloc(o->w->arena, f->weight_count + n, sizeof *shares);
    double *sums = shares ? shares + f->weight_count : NULL;
    if (!outcomes || !members || !shares)
        return out_of_memory(o);
    share_out(o, f, members, shares, sums);
    for (size_t y = 0; y < offer->outcome_count; y++) {
        double *values = assay_arena_alloc(o->w->arena, n, sizeof *values);
        if (!values)
            return out_of_memory(o);
        for (size_t i = 0; i < f->weight_count; i++)
            if (members[i] != SIZE_MAX)
                values[members[i]] += shares[i] * offer->outcomes[y].probabilities[i];
        fill_missing(sums, n, values);
        outcomes[y] = (struct assay_case_outcome){offer->outcomes[y].text, values};
    }
    to->outcomes = outcomes;
    to->outcome_count = offer->outcome_count;
    return ASSAY_OK;
}

/* ---- the case's own, and the others ------------------------------------------------------------
 */

static const struct assay_case_result *result_of(const struct offering *o, const char *finding)
{
    const struct assay_combination *c = o->w->combination;
    for (size_t f = 0; f < c->finding_count; f++)
        if (c->findings[f].result && strcmp(c->findings[f].id, finding) == 0)
            return c->findings[f].result;
    return NULL;
}

/* What could be asked for instead. */
static const char *offered(const struct assay_case_result *result)
{
    if (!result)
        return "a finding that weighs something";
    return result->finding.obtainable_count ? result->finding.obtainables[0].id
                                            : "no 'from', for it offers nothing";
}

/* The offer's outcomes, and after the case's reason where they come from. */
static assay_status take(const struct offering *o, const struct assay_finding *finding,
                         const struct assay_obtainable *offer, struct assay_case_obtainable *to)
{
    if (offer->basis)
        to->because = assay_arena_print(o->w->arena, "%s %s", to->because, offer->basis);
    return to->because ? map_outcomes(o, finding, offer, to) : out_of_memory(o);
}

static assay_status resolve(const struct offering *o, struct assay_case_obtainable *to)
{
    const struct assay_case_result *result = result_of(o, to->from_finding);
    for (size_t i = 0; result && i < result->finding.obtainable_count; i++)
        if (strcmp(result->finding.obtainables[i].id, to->from_id) == 0)
            return take(o, &result->finding, &result->finding.obtainables[i], to);
    return assay_error_at(o->w->error, ASSAY_ERROR_INPUT, o->w->subject->path, to->line,
                          "obtainable %s: the finding %s does not offer '%.80s': expected what "
                          "is not known yet, such as %s",
                          to->id, to->from_finding, to->from_id, offered(result));
}

static bool is_taken(const struct assay_case_question *q, const char *finding, const char *offer)
{
    for (size_t i = 0; i < q->obtainable_count; i++)
        if (q->obtainables[i].from_finding &&
            strcmp(q->obtainables[i].from_finding, finding) == 0 &&
            strcmp(q->obtainables[i].from_id, offer) == 0)
            return true;
    return false;
}

static assay_status add_offers(const struct offering *o, const struct assay_combined_finding *f,
                               struct assay_case_obtainable *list, size_t *count)
{
    const struct assay_finding *finding = &f->result->finding;
    for (size_t i = 0; i < finding->obtainable_count; i++) {
        const struct assay_obtainable *offer = &finding->obtainables[i];
        struct assay_case_obtainable *to = &list[*count];
        if (is_taken(o->w->question, f->id, offer->id))
            continue;
        *to = (struct assay_case_obtainable){
            .id = assay_arena_print(o->w->arena, "%s/%s", f->id, offer->id),
            .text = offer->text,
            .because = offer->basis,
            .instrument = f->result->task->instrument,
            .cost = offer->cost,
            .cost_unit = offer->cost_unit,
            .from_finding = f->id,
            .from_id = offer->id};
        if (!to->id)
            return out_of_memory(o);
        ASSAY_TRY(map_outcomes(o, finding, offer, to));
        ++*count;
    }
    return ASSAY_OK;
}

assay_status offers_list(const struct weighing *w, const struct assay_case_obtainable **list,
                         size_t *count)
{
    const struct assay_case_question *q = w->question;
    const struct assay_combination *c = w->combination;
    const struct assay_case_obtainable *own =
        w->reply->obtainables ? w->reply->obtainables : q->obtainables;
    struct offering o = {.w = w};
    size_t most = q->obtainable_count;
    for (size_t f = 0; f < c->finding_count; f++)
        most += c->findings[f].result ? c->findings[f].result->finding.obtainable_count : 0;
    struct assay_case_obtainable *all = assay_arena_alloc(w->arena, most, sizeof *all);
    if (!all)
        return out_of_memory(&o);
    ASSAY_TRY(list_hypotheses(&o));
    for (*count = 0; *count < q->obtainable_count; ++*count) {
        all[*count] = own[*count];
        if (all[*count].from_finding)
            ASSAY_TRY(resolve(&o, &all[*count]));
    }
    for (size_t f = 0; f < c->finding_count; f++)
        if (c->findings[f].result)
            ASSAY_TRY(add_offers(&o, &c->findings[f], all, count));
    *list = all;
    return ASSAY_OK;
}
