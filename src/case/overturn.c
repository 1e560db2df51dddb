/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What would overturn the conclusion, and how far the conclusion can be trusted at most: the
 * weight of a new finding that would, the exhibits without which another hypothesis leads, how far
 * a source must be trusted, the prior below which it is less than even.
 */
#include "case/reweigh.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define LN10 2.302585092994045684
#define MOST_REMOVED 64 /* exhibits that are taken away one after the other */
#define MOST_OVERTURNS 16
#define MOST_FINDINGS 500 /* beyond, sources are not tried one by one */

static assay_status out_of_memory(struct weighing *w)
{
    return assay_error_at(w->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

static double best_of_others(const struct weighing *w, const double *ln_z)
{
    double others = -INFINITY;
    for (size_t h = 0; h < w->n; h++)
        if (h != w->combination->leading)
            others = fmax(others, ln_z[h]);
    return others;
}

/* Leaves out every finding that has the exhibit of this name among its causes. */
static void remove_exhibit(struct reweigher *r, const char *name)
{
    const struct assay_combination *c = r->w->combination;
    for (size_t f = 0; f < c->finding_count; f++)
        for (size_t i = 0; i < c->findings[f].parent_count; i++) {
            const struct assay_node *node = &c->nodes[c->findings[f].parents[i]];
            if (node->kind == ASSAY_NODE_EXHIBIT && strcmp(node->name, name) == 0)
                reweigh_leave_out(r, (uint32_t)f);
        }
}

/*
 * The exhibits that favour the lead most, taken away until another leads: an upper bound of how
 * few it takes, for it is a greedy search.
 */
static assay_status count_exhibits(struct weighing *w, struct assay_overturn *overturns,
                                   size_t *count)
{
    const struct assay_combination *c = w->combination;
    const char *removed[MOST_REMOVED];
    char names[400] = "";
    size_t n = 0;
    struct reweigher r;
    double *ln_z = assay_arena_alloc(w->arena, w->n, sizeof *ln_z);
    if (!ln_z)
        return out_of_memory(w);
    ASSAY_TRY(reweigh_start(w, &r));
    for (size_t i = 0; i < c->left_out_count && n < MOST_REMOVED; i++) {
        if (c->left_out[i].kind != ASSAY_LEFT_EXHIBIT || c->left_out[i].change >= 0)
            continue;
        removed[n++] = c->left_out[i].id;
        size_t used = strlen(names);
        if (used + strlen(removed[n - 1]) + 8 < sizeof names)
            snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "", removed[n - 1]);
        for (size_t j = 0; j < n; j++)
            remove_exhibit(&r, removed[j]);
        reweigh_finish(&r, ln_z);
        if (best_of_others(w, ln_z) <= ln_z[c->leading] + 1e-9)
            continue;
        char *text =
            assay_arena_print(w->arena, "Without %zu exhibit%s another hypothesis leads: %s.", n,
                              n == 1 ? "" : "s", names);
        if (!text)
            return out_of_memory(w);
        overturns[(*count)++] = (struct assay_overturn){"exhibits", text, (double)n};
        break;
    }
    return ASSAY_OK;
}

/* How far the leading hypothesis is ahead if the source of this node had that chance. */
static assay_status lead_with(struct weighing *w, size_t node, double chance, double *lead)
{
    struct assay_combination changed = *w->combination;
    struct circuit circuit;
    struct assay_arena *arena = assay_arena_new(); /* as often as it is tried, and no longer */
    assay_status status = ASSAY_ERROR_MEMORY;
    struct assay_node *nodes =
        arena ? assay_arena_alloc(arena, changed.node_count, sizeof *nodes) : NULL;
    if (nodes) {
        memcpy(nodes, changed.nodes, changed.node_count * sizeof *nodes);
        nodes[node].probability = chance;
        changed.nodes = nodes;
        status =
            circuit_build(&changed, w->subject->path, w->question->line, arena, &circuit, w->error);
    }
    double *rows = status == ASSAY_OK
                       ? assay_arena_alloc(arena, (circuit.row_count + 2) * w->n, sizeof *rows)
                       : NULL;
    if (rows) {
        circuit_evaluate(&circuit, &w->likelihoods, w->weights, rows + circuit.row_count * w->n,
                         rows);
        *lead = rows[changed.leading] - best_of_others(w, rows);
    }
    assay_arena_free(arena);
    if (status == ASSAY_OK && rows)
        return ASSAY_OK;
    return status == ASSAY_OK || status == ASSAY_ERROR_MEMORY ? out_of_memory(w) : status;
}

/* The chance, between what the source has and 0 or 1, from which on another hypothesis leads. */
static assay_status find_chance(struct weighing *w, size_t node, double end, bool *found,
                                double *chance)
{
    double inside = w->combination->nodes[node].probability, outside = end, lead;
    *found = false;
    ASSAY_TRY(lead_with(w, node, end, &lead));
    if (lead >= -1e-9)
        return ASSAY_OK;
    for (int i = 0; i < 20; i++) {
        double middle = (inside + outside) / 2;
        ASSAY_TRY(lead_with(w, node, middle, &lead));
        *(lead < 0 ? &outside : &inside) = middle;
    }
    *found = true;
    *chance = outside;
    return ASSAY_OK;
}

static assay_status try_sources(struct weighing *w, struct assay_overturn *overturns, size_t *count)
{
    const struct assay_combination *c = w->combination;
    for (size_t i = 0; i < 2 * c->node_count && *count < MOST_OVERTURNS - 4; i++) {
        size_t node = i / 2;
        double chance, now = c->nodes[node].probability, end = (double)(i % 2);
        bool found = false;
        if (c->nodes[node].kind != ASSAY_NODE_SOURCE || now == end ||
            c->finding_count > MOST_FINDINGS)
            continue;
        ASSAY_TRY(find_chance(w, node, end, &found, &chance));
        if (!found)
            continue;
        char *text = assay_arena_print(
            w->arena, "If '%s' could be trusted with a chance %s %.2f (now %.2f), another leads.",
            c->nodes[node].name, end > 0 ? "above" : "below", chance, now);
        if (!text)
            return out_of_memory(w);
        overturns[(*count)++] = (struct assay_overturn){"reliability", text, chance};
    }
    return ASSAY_OK;
}

assay_status combine_overturns(struct weighing *w)
{
    struct assay_combination *c = w->combination;
    const struct assay_combined_hypothesis *leading = &c->hypotheses[c->leading];
    struct assay_overturn *list = assay_arena_alloc(w->arena, MOST_OVERTURNS, sizeof *list);
    if (!list)
        return out_of_memory(w);
    char *text = assay_arena_print(
        w->arena,
        "A new, independent and trusted finding that favours '%s' over '%s' by more than 10^%.2f.",
        c->hypotheses[c->runner_up].id, leading->id, c->log10_lead);
    if (!text)
        return out_of_memory(w);
    list[c->overturn_count++] = (struct assay_overturn){"finding", text, c->log10_lead};
    ASSAY_TRY(count_exhibits(w, list, &c->overturn_count));
    ASSAY_TRY(try_sources(w, list, &c->overturn_count));
    for (size_t i = 0; i < c->posterior_count && c->overturn_count < MOST_OVERTURNS; i++) {
        const struct assay_posterior *p = &c->posteriors[i];
        if (!isfinite(p->even_prior))
            continue;
        text = assay_arena_print(w->arena,
                                 "A prior of %s for '%s' below %.3g would leave it less than even.",
                                 p->held_by, c->hypotheses[p->leading].id, p->even_prior);
        if (!text)
            return out_of_memory(w);
        list[c->overturn_count++] = (struct assay_overturn){"prior", text, p->even_prior};
    }
    c->overturns = list;
    return ASSAY_OK;
}
