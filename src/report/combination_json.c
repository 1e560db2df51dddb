/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The combination of docs/report.schema.json. Lists that have one entry a hypothesis are in the
 * order of `hypotheses`; log10 ratios and likelihoods are rounded to a millionth, for a case of
 * ten thousand findings is read by a page.
 */
#include "report/combination_json.h"

#include "base/json.h"

#include <math.h>
#include <string.h>

#define MOST_CELLS 200000 /* findings x hypotheses up to which every interval is listed */

static json_t *rounded(double value)
{
    return json_number_or_null(isfinite(value) ? round(value * 1e6) / 1e6 : value);
}

static json_t *interval(const struct assay_interval *x)
{
    json_t *o = json_object();
    json_object_set_new(o, "median", rounded(x->median));
    json_object_set_new(o, "low", rounded(x->low));
    json_object_set_new(o, "high", rounded(x->high));
    return o;
}

/* Intervals as three lists, or as the medians alone. */
static json_t *intervals(const struct assay_interval *list, size_t n, bool whole)
{
    json_t *o = json_object(), *median = json_array(), *low = json_array(), *high = json_array();
    for (size_t i = 0; i < n; i++) {
        json_array_append_new(median, rounded(list[i].median));
        if (whole) {
            json_array_append_new(low, rounded(list[i].low));
            json_array_append_new(high, rounded(list[i].high));
        }
    }
    json_object_set_new(o, "median", median);
    json_object_set_new(o, "low", low);
    json_object_set_new(o, "high", high);
    return o;
}

static json_t *exhibit_ids(const struct assay_case_exhibit *const *exhibits, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_string(exhibits[i]->id));
    return list;
}

static json_t *numbers(const uint32_t *values, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_integer(values[i]));
    return list;
}

/* list = [convert(&entries[0]), ...] under `key`. */
#define LIST(object, key, entries, count, convert)                                                 \
    do {                                                                                           \
        json_t *list_ = json_array();                                                              \
        for (size_t i_ = 0; i_ < (count); i_++)                                                    \
            json_array_append_new(list_, convert);                                                 \
        json_object_set_new(object, key, list_);                                                   \
    } while (0)

static json_t *hypothesis_to_json(const struct assay_combined_hypothesis *h)
{
    json_t *o = json_object();
    json_set_text(o, "id", h->id);
    json_set_text(o, "text", h->text);
    json_object_set_new(o, "none_of_these", json_boolean(h->none));
    json_object_set_new(o, "reference", json_boolean(h->reference));
    json_object_set_new(o, "rank", json_integer((json_int_t)h->rank));
    json_object_set_new(o, "log10_lr", interval(&h->log10_ratio));
    json_set_text(o, "words", h->words);
    json_object_set_new(o, "favours", json_integer(h->favours));
    json_object_set_new(o, "log10_lr_others", interval(&h->log10_ratio_others));
    return o;
}

static json_t *node_to_json(const struct assay_node *node)
{
    static const char *const kinds[] = {"source", "exhibit", "cause"};
    json_t *o = json_object();
    json_set_text(o, "kind", kinds[node->kind]);
    json_set_text(o, "name", node->name);
    json_set_number(o, "probability", node->probability);
    return o;
}

static json_t *finding_to_json(const struct assay_combined_finding *f,
                               const struct assay_case_reply *reply, size_t n, bool whole)
{
    json_t *o = json_object(), *assumed = json_array();
    for (size_t h = 0; h < n; h++)
        if (f->assumed[h])
            json_array_append_new(assumed, json_integer((json_int_t)h));
    json_set_text(o, "id", f->id);
    json_set_text(o, "text", f->text);
    json_set_text(o, "because", f->because);
    json_object_set_new(o, "result",
                        f->result ? json_integer(f->result - reply->results) : json_null());
    json_object_set_new(o, "exhibits", exhibit_ids(f->exhibits, f->exhibit_count));
    json_object_set_new(o, "parents", numbers(f->parents, f->parent_count));
    json_object_set_new(o, "group", f->group < 0 ? json_null() : json_integer(f->group));
    json_object_set_new(o, "weight", rounded(f->weight));
    json_object_set_new(o, "assumed", assumed);
    json_object_set_new(o, "log10_likelihood", intervals(f->log10_likelihoods, n, whole));
    json_object_set_new(o, "log10_lr", whole ? intervals(f->log10_ratios, n, true) : json_null());
    json_object_set_new(o, "best", json_integer((json_int_t)f->best));
    json_object_set_new(o, "worst", json_integer((json_int_t)f->worst));
    json_object_set_new(o, "log10_lr_most", interval(&f->log10_most));
    json_set_text(o, "words", assay_words_likelihood_ratio(f->log10_most.median));
    json_object_set_new(o, "bits", rounded(f->bits));
    return o;
}

static json_t *dependence_to_json(const struct assay_dependence *d)
{
    json_t *o = json_object();
    json_set_text(o, "id", d->id);
    json_set_text(o, "because", d->because);
    json_object_set_new(o, "declared", json_boolean(d->declared));
    json_set_number(o, "correlation", d->correlation);
    json_set_number(o, "informative", d->informative);
    json_object_set_new(o, "findings", numbers(d->findings, d->finding_count));
    return o;
}

static json_t *row_to_json(const struct assay_posterior_row *row)
{
    json_t *o = json_object();
    json_set_number(o, "prior", row->prior);
    if (isfinite(row->prior))
        json_set_interval(o, "posterior", row->posterior);
    else
        json_object_set_new(o, "posterior", json_null());
    json_set_text(o, "words", row->words);
    return o;
}

static json_t *posterior_to_json(const struct assay_posterior *p, size_t n)
{
    json_t *o = json_object();
    json_set_text(o, "held_by", p->held_by);
    json_set_text(o, "reason", p->reason);
    LIST(o, "rows", p->rows, n, row_to_json(&p->rows[i_]));
    json_object_set_new(o, "leading", json_integer((json_int_t)p->leading));
    json_set_number(o, "even_prior", p->even_prior);
    return o;
}

static json_t *curve_to_json(const struct assay_curve *curve)
{
    json_t *o = json_object(), *posteriors = json_object();
    json_t *median = json_array(), *low = json_array(), *high = json_array();
    json_object_set_new(o, "hypothesis", json_integer((json_int_t)curve->hypothesis));
    LIST(o, "priors", curve->priors, curve->count, json_number_or_null(curve->priors[i_]));
    for (size_t i = 0; i < curve->count; i++) {
        json_array_append_new(median, json_number_or_null(curve->posteriors[i].median));
        json_array_append_new(low, json_number_or_null(curve->posteriors[i].low));
        json_array_append_new(high, json_number_or_null(curve->posteriors[i].high));
    }
    json_object_set_new(posteriors, "median", median);
    json_object_set_new(posteriors, "low", low);
    json_object_set_new(posteriors, "high", high);
    json_object_set_new(o, "posteriors", posteriors);
    return o;
}

static json_t *left_out_to_json(const struct assay_left_out *l)
{
    static const char *const kinds[] = {"finding", "exhibit", "source", "assumption"};
    json_t *o = json_object();
    json_set_text(o, "kind", kinds[l->kind]);
    json_set_text(o, "id", l->id);
    json_set_text(o, "text", l->text);
    json_object_set_new(o, "log10_lr", rounded(l->log10_ratio));
    json_object_set_new(o, "change", rounded(l->change));
    json_set_text(o, "words", l->words);
    json_object_set_new(o, "leading", json_integer((json_int_t)l->leading));
    json_object_set_new(o, "overturns", json_boolean(l->overturns));
    return o;
}

static json_t *pair_to_json(const struct assay_pair *pair, size_t findings)
{
    json_t *o = json_object();
    json_object_set_new(o, "a", json_integer((json_int_t)pair->a));
    json_object_set_new(o, "b", json_integer((json_int_t)pair->b));
    json_object_set_new(o, "log10_lr", rounded(pair->log10_ratio));
    json_object_set_new(o, "findings", json_numbers(pair->log10_ratios, findings));
    return o;
}

static json_t *overturn_to_json(const struct assay_overturn *overturn)
{
    json_t *o = json_object();
    json_set_text(o, "kind", overturn->kind);
    json_set_text(o, "text", overturn->text);
    json_set_number(o, "value", overturn->value);
    return o;
}

/* With all their digits: a page weighs them anew. */
static json_t *outcome_to_json(const struct assay_next *next, size_t i, size_t n)
{
    json_t *o = json_object(), *likelihoods = json_array();
    for (size_t h = 0; h < n; h++)
        json_array_append_new(likelihoods,
                              json_number_or_null(next->obtainable->outcomes[i].probabilities[h]));
    json_set_text(o, "text", next->obtainable->outcomes[i].text);
    json_object_set_new(o, "likelihoods", likelihoods);
    json_object_set_new(o, "probability", rounded(next->probabilities[i]));
    json_object_set_new(o, "log10_lr", rounded(next->log10_ratios[i]));
    return o;
}

static json_t *next_to_json(const struct assay_next *next, size_t n)
{
    const struct assay_case_obtainable *obtainable = next->obtainable;
    json_t *o = json_object();
    json_set_text(o, "id", obtainable->id);
    json_set_text(o, "text", obtainable->text);
    json_set_text(o, "because", obtainable->because);
    json_set_text(o, "instrument", obtainable->instrument);
    json_set_text(o, "finding", obtainable->from_finding);
    json_set_number(o, "cost", obtainable->cost);
    json_set_text(o, "cost_unit", obtainable->cost_unit);
    json_set_number(o, "cost_usd", next->cost_usd);
    json_object_set_new(o, "efficient", json_boolean(next->efficient));
    json_object_set_new(o, "bits", rounded(next->bits));
    json_set_number(o, "bits_per_cost", next->bits_per_cost);
    json_object_set_new(o, "overturn", rounded(next->overturn));
    LIST(o, "outcomes", obtainable->outcomes, obtainable->outcome_count,
         outcome_to_json(next, i_, n));
    return o;
}

static json_t *assumption_to_json(const struct assay_case_assumption *a,
                                  const struct assay_combination *c)
{
    json_t *o = json_object(), *findings = json_array();
    for (size_t i = 0; i < a->finding_count; i++)
        for (size_t f = 0; f < c->finding_count; f++)
            if (strcmp(c->findings[f].id, a->findings[i]) == 0)
                json_array_append_new(findings, json_integer((json_int_t)f));
    json_set_text(o, "id", a->id);
    json_set_text(o, "text", a->text);
    json_object_set_new(o, "findings", findings);
    return o;
}

json_t *combination_to_json(const struct assay_case_reply *reply)
{
    const struct assay_combination *c = reply->combination;
    if (!c)
        return json_null();
    size_t n = c->hypothesis_count;
    bool whole = c->finding_count * n <= MOST_CELLS;
    json_t *o = json_object();
    json_set_text(o, "reference", c->reference);
    json_object_set_new(o, "reference_is_best", json_boolean(c->reference_is_best));
    json_object_set_new(o, "draws", json_integer(c->draws));
    json_object_set_new(o, "leading", json_integer((json_int_t)c->leading));
    json_object_set_new(o, "runner_up", json_integer((json_int_t)c->runner_up));
    json_object_set_new(o, "log10_lead", rounded(c->log10_lead));
    LIST(o, "hypotheses", c->hypotheses, n, hypothesis_to_json(&c->hypotheses[i_]));
    LIST(o, "nodes", c->nodes, c->node_count, node_to_json(&c->nodes[i_]));
    LIST(o, "findings", c->findings, c->finding_count,
         finding_to_json(&c->findings[i_], reply, n, whole));
    LIST(o, "dependences", c->dependences, c->dependence_count,
         dependence_to_json(&c->dependences[i_]));
    LIST(o, "assumptions", reply->question->assumptions, reply->question->assumption_count,
         assumption_to_json(&reply->question->assumptions[i_], c));
    LIST(o, "posteriors", c->posteriors, c->posterior_count,
         posterior_to_json(&c->posteriors[i_], n));
    LIST(o, "curves", c->curves, c->curve_count, curve_to_json(&c->curves[i_]));
    LIST(o, "left_out", c->left_out, c->left_out_count, left_out_to_json(&c->left_out[i_]));
    json_object_set_new(o, "left_out_total", json_integer((json_int_t)c->left_out_total));
    LIST(o, "pairs", c->pairs, c->pair_count, pair_to_json(&c->pairs[i_], c->finding_count));
    LIST(o, "overturn", c->overturns, c->overturn_count, overturn_to_json(&c->overturns[i_]));
    LIST(o, "next", c->next, c->next_count, next_to_json(&c->next[i_], n));
    json_set_text(o, "confidence", c->confidence);
    json_object_set_new(o, "confidence_reasons",
                        json_texts(c->confidence_reasons, c->confidence_reason_count));
    return o;
}
