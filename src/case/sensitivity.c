/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Leave one thing out: each finding, exhibit, source and assumption of the case, and each rule of
 * the method (that grades discount, that a group is dependent, that what an instrument did not
 * weigh is average). What is compared is the leading hypothesis against the best of the others,
 * at the medians of the likelihoods.
 */
#include "case/reweigh.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LN10 2.302585092994045684
#define MOST_LISTED 1000

struct leaving {
    struct weighing *w;
    struct reweigher r;
    struct assay_left_out *list;
    size_t count;
    double *ln_z;
};

static assay_status out_of_memory(struct weighing *w)
{
    return assay_error_at(w->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

/* Adds what becomes of the lead with these Z. */
static void add(struct leaving *l, enum assay_left_out_kind kind, const char *id, const char *text,
                const double *ln_z)
{
    const struct assay_combination *c = l->w->combination;
    size_t best = c->leading;
    double others = -INFINITY;
    for (size_t h = 0; h < l->w->n; h++) {
        if (h != c->leading)
            others = fmax(others, ln_z[h]);
        if (ln_z[h] > ln_z[best] + 1e-9)
            best = h;
    }
    double ratio = (ln_z[c->leading] - others) / LN10;
    l->list[l->count++] = (struct assay_left_out){
        .kind = kind,
        .id = id,
        .text = text,
        .log10_ratio = ratio,
        .change = ratio - c->log10_lead,
        .words = assay_words_likelihood_ratio(ratio),
        .leading = best,
        .overturns = best != c->leading,
    };
}

static void leave_findings(struct leaving *l)
{
    const struct assay_combination *c = l->w->combination;
    for (size_t f = 0; f < c->finding_count; f++) {
        reweigh_leave_out(&l->r, (uint32_t)f);
        reweigh_finish(&l->r, l->ln_z);
        add(l, ASSAY_LEFT_FINDING, c->findings[f].id, c->findings[f].text, l->ln_z);
    }
}

/* Findings by node, as lists: start[node] to start[node + 1] in `users`. */
static assay_status index_users(const struct weighing *w, uint32_t **users, size_t **start)
{
    const struct assay_combination *c = w->combination;
    size_t links = 0;
    for (size_t f = 0; f < c->finding_count; f++)
        links += c->findings[f].parent_count;
    uint32_t *list = assay_arena_alloc(w->arena, links, sizeof *list);
    size_t *from = assay_arena_alloc(w->arena, c->node_count + 2, sizeof *from);
    if (!list || !from)
        return assay_error_at(w->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    for (size_t f = 0; f < c->finding_count; f++)
        for (size_t i = 0; i < c->findings[f].parent_count; i++)
            from[c->findings[f].parents[i] + 2]++;
    for (size_t i = 2; i < c->node_count + 2; i++)
        from[i] += from[i - 1];
    for (size_t f = 0; f < c->finding_count; f++)
        for (size_t i = 0; i < c->findings[f].parent_count; i++)
            list[from[c->findings[f].parents[i] + 1]++] = (uint32_t)f;
    *users = list;
    *start = from;
    return ASSAY_OK;
}

/* An exhibit or a source is left out with every finding that it is a cause of. */
static assay_status leave_causes(struct leaving *l)
{
    const struct assay_combination *c = l->w->combination;
    uint32_t *users = NULL;
    size_t *start = NULL;
    ASSAY_TRY(index_users(l->w, &users, &start));
    for (size_t i = 0; i < c->node_count; i++) {
        if (c->nodes[i].kind == ASSAY_NODE_CAUSE)
            continue;
        for (size_t j = start[i]; j < start[i + 1]; j++)
            reweigh_leave_out(&l->r, users[j]);
        reweigh_finish(&l->r, l->ln_z);
        add(l, c->nodes[i].kind == ASSAY_NODE_SOURCE ? ASSAY_LEFT_SOURCE : ASSAY_LEFT_EXHIBIT,
            c->nodes[i].name, NULL, l->ln_z);
    }
    return ASSAY_OK;
}

static void leave_assumptions(struct leaving *l)
{
    const struct assay_combination *c = l->w->combination;
    for (size_t i = 0; i < l->w->question->assumption_count; i++) {
        const struct assay_case_assumption *a = &l->w->question->assumptions[i];
        for (size_t j = 0; j < a->finding_count; j++)
            for (size_t f = 0; f < c->finding_count; f++)
                if (strcmp(c->findings[f].id, a->findings[j]) == 0)
                    reweigh_leave_out(&l->r, (uint32_t)f);
        reweigh_finish(&l->r, l->ln_z);
        add(l, ASSAY_LEFT_ASSUMPTION, a->id, a->text, l->ln_z);
    }
}

/* ---- rules of the method --------------------------------------------------------------------- */

static assay_status leave_dependences(struct leaving *l)
{
    const struct assay_combination *c = l->w->combination;
    for (size_t g = 0; g < c->dependence_count; g++) {
        const struct assay_dependence *d = &c->dependences[g];
        if (d->finding_count < 2 || d->correlation == 0)
            continue;
        for (size_t i = 0; i < d->finding_count; i++)
            reweigh_note(&l->r, d->findings[i], 1);
        reweigh_finish(&l->r, l->ln_z);
        char *id = assay_arena_print(l->w->arena, "dependence:%s", d->id);
        if (!id)
            return out_of_memory(l->w);
        add(l, ASSAY_LEFT_ASSUMPTION, id,
            "That these findings are dependent: they are counted as if they were not.", l->ln_z);
    }
    return ASSAY_OK;
}

static assay_status leave_grades(struct leaving *l)
{
    struct weighing *w = l->w;
    const struct assay_combination *c = w->combination;
    struct assay_combination sure = *c;
    struct circuit circuit;
    struct assay_node *nodes = assay_arena_alloc(w->arena, c->node_count, sizeof *nodes);
    if (!nodes)
        return out_of_memory(w);
    for (size_t i = 0; i < c->node_count; i++) {
        nodes[i] = c->nodes[i];
        if (nodes[i].kind != ASSAY_NODE_CAUSE)
            nodes[i].probability = 1;
    }
    sure.nodes = nodes;
    ASSAY_TRY(
        circuit_build(&sure, w->subject->path, w->question->line, w->arena, &circuit, w->error));
    double *rows = assay_arena_alloc(w->arena, (circuit.row_count + 2) * w->n, sizeof *rows);
    if (!rows)
        return out_of_memory(w);
    circuit_evaluate(&circuit, &w->likelihoods, w->weights, rows + circuit.row_count * w->n, rows);
    add(l, ASSAY_LEFT_ASSUMPTION, "grades",
        "That sources may be wrong: every grade is ignored and every exhibit trusted.", rows);
    return ASSAY_OK;
}

/* What an instrument did not weigh would predict what was observed as well as the best. */
static assay_status leave_averages(struct leaving *l)
{
    struct weighing *w = l->w;
    const struct assay_combination *c = w->combination;
    const struct likelihoods *l_medians = &w->likelihoods;
    size_t values = l_medians->start[c->finding_count], rows_count = w->circuit.row_count;
    bool any = false;
    for (size_t f = 0; f < c->finding_count && !any; f++)
        for (size_t h = 0; h < w->n; h++)
            any = any || c->findings[f].assumed[h];
    if (!any)
        return ASSAY_OK;
    double *ln = assay_arena_alloc(w->arena, values, sizeof *ln);
    double *rows = assay_arena_alloc(w->arena, (rows_count + 2) * w->n, sizeof *rows);
    if (!ln || !rows)
        return out_of_memory(w);
    memcpy(ln, l_medians->ln, values * sizeof *ln);
    for (size_t f = 0; f < c->finding_count; f++)
        for (size_t h = 0; h < w->n; h++)
            if (c->findings[f].assumed[h])
                ln[l_medians->start[f] + l_medians->map[f * w->n + h]] = 0;
    struct likelihoods changed = *l_medians;
    changed.ln = ln;
    circuit_evaluate(&w->circuit, &changed, w->weights, rows + rows_count * w->n, rows);
    add(l, ASSAY_LEFT_ASSUMPTION, "average",
        "That a hypothesis which an instrument did not weigh predicts what it saw as the average "
        "of the others does: it predicts it as well as the best.",
        rows);
    return ASSAY_OK;
}

static int largest_first(const void *a, const void *b)
{
    const struct assay_left_out *x = a, *y = b;
    if (fabs(x->change) != fabs(y->change))
        return fabs(x->change) < fabs(y->change) ? 1 : -1;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    return strcmp(x->id, y->id);
}

assay_status combine_sensitivity(struct weighing *w)
{
    struct assay_combination *c = w->combination;
    struct leaving l = {.w = w};
    size_t most =
        c->finding_count + c->node_count + w->question->assumption_count + c->dependence_count + 2;
    l.list = assay_arena_alloc(w->arena, most, sizeof *l.list);
    l.ln_z = assay_arena_alloc(w->arena, w->n, sizeof *l.ln_z);
    if (!l.list || !l.ln_z)
        return out_of_memory(w);
    ASSAY_TRY(reweigh_start(w, &l.r));
    leave_findings(&l);
    ASSAY_TRY(leave_causes(&l));
    leave_assumptions(&l);
    ASSAY_TRY(leave_dependences(&l));
    ASSAY_TRY(leave_grades(&l));
    ASSAY_TRY(leave_averages(&l));
    qsort(l.list, l.count, sizeof *l.list, largest_first);
    c->left_out = l.list;
    c->left_out_total = l.count;
    c->left_out_count = l.count < MOST_LISTED ? l.count : MOST_LISTED;
    return ASSAY_OK;
}
