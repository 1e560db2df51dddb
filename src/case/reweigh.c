/* SPDX-License-Identifier: Apache-2.0 */
#include "case/reweigh.h"

#include "case/network.h"

#include <math.h>
#include <string.h>

assay_status reweigh_start(const struct weighing *w, struct reweigher *r)
{
    const struct circuit *c = &w->circuit;
    *r = (struct reweigher){.w = w};
    r->delta = assay_arena_alloc(w->arena, c->row_count * w->n, sizeof *r->delta);
    r->row_changed = assay_arena_alloc(w->arena, c->row_count, sizeof *r->row_changed);
    r->changed = assay_arena_alloc(w->arena, c->row_count, sizeof *r->changed);
    r->heap = assay_arena_alloc(w->arena, c->mixture_count + 1, sizeof *r->heap);
    r->waits = assay_arena_alloc(w->arena, c->mixture_count, sizeof *r->waits);
    r->scratch = assay_arena_alloc(w->arena, 4 * w->n, sizeof *r->scratch);
    r->weights = assay_arena_alloc(w->arena, c->finding_count, sizeof *r->weights);
    r->touched = assay_arena_alloc(w->arena, c->finding_count, sizeof *r->touched);
    if (!r->delta || !r->row_changed || !r->changed || !r->heap || !r->waits || !r->scratch ||
        !r->weights || !r->touched)
        return assay_error_at(w->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    for (size_t f = 0; f < c->finding_count; f++)
        r->weights[f] = NAN;
    return ASSAY_OK;
}

void reweigh_note(struct reweigher *r, uint32_t finding, double weight)
{
    if (isnan(r->weights[finding]))
        r->touched[r->touched_count++] = finding;
    r->weights[finding] = weight;
}

void reweigh_leave_out(struct reweigher *r, uint32_t finding)
{
    const struct assay_combination *c = r->w->combination;
    int g = c->findings[finding].group;
    size_t left = 0;
    reweigh_note(r, finding, 0);
    if (g < 0)
        return;
    const struct assay_dependence *d = &c->dependences[g];
    for (size_t i = 0; i < d->finding_count; i++)
        left += isnan(r->weights[d->findings[i]]) || r->weights[d->findings[i]] > 0;
    for (size_t i = 0; i < d->finding_count && left > 0; i++)
        if (isnan(r->weights[d->findings[i]]) || r->weights[d->findings[i]] > 0)
            reweigh_note(r, d->findings[i], network_weight(left, d->correlation));
}

/* ---- a heap with the largest number on top ----------------------------------------------------
 */

static void push(struct reweigher *r, uint32_t mixture)
{
    if (r->waits[mixture])
        return;
    r->waits[mixture] = true;
    size_t at = r->heap_count++;
    while (at > 0 && r->heap[(at - 1) / 2] > mixture) {
        r->heap[at] = r->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    r->heap[at] = mixture;
}

static uint32_t pop(struct reweigher *r)
{
    uint32_t top = r->heap[0], last = r->heap[--r->heap_count];
    size_t at = 0;
    for (size_t child = 1; child < r->heap_count; child = 2 * at + 1) {
        if (child + 1 < r->heap_count && r->heap[child + 1] < r->heap[child])
            child++;
        if (r->heap[child] >= last)
            break;
        r->heap[at] = r->heap[child];
        at = child;
    }
    r->heap[at] = last;
    r->waits[top] = false;
    return top;
}

/* ---- changes, from the leaves to the whole ----------------------------------------------------
 */

/* delta[row] += now - before in every row of the factor; what these are part of is done anew. */
static void change(struct reweigher *r, struct circuit_use use, const double *now,
                   const double *before)
{
    size_t n = r->w->n;
    for (uint32_t i = 0; i < use.count; i++) {
        uint32_t row = r->w->circuit.rows[use.start + i];
        for (size_t h = 0; h < n; h++)
            r->delta[row * n + h] += now[h] - before[h];
        if (!r->row_changed[row]) {
            r->row_changed[row] = true;
            r->changed[r->changed_count++] = row;
        }
        if (row > 0)
            push(r, (row - 1) / 2);
    }
}

static void change_leaves(struct reweigher *r, uint32_t finding)
{
    const struct circuit *c = &r->w->circuit;
    size_t n = r->w->n;
    for (uint32_t i = c->leaf_start[finding]; i < c->leaf_start[finding + 1]; i++) {
        const struct circuit_leaf *leaf = &c->leaves[c->leaf_order[i]];
        double *now = r->scratch + n, *before = r->scratch + 2 * n;
        circuit_leaf_values(leaf, &r->w->likelihoods, r->weights[finding], r->scratch, now);
        circuit_leaf_values(leaf, &r->w->likelihoods, r->w->weights[finding], r->scratch, before);
        change(r, c->leaf_uses[c->leaf_order[i]], now, before);
    }
}

static void change_mixture(struct reweigher *r, uint32_t m)
{
    size_t n = r->w->n;
    const double *yes = r->w->rows + (2 * m + 1) * n, *no = yes + n;
    const double *delta_yes = r->delta + (2 * m + 1) * n, *delta_no = delta_yes + n;
    double *now_yes = r->scratch, *now_no = r->scratch + n, *now = r->scratch + 2 * n;
    for (size_t h = 0; h < n; h++) {
        now_yes[h] = yes[h] + delta_yes[h];
        now_no[h] = no[h] + delta_no[h];
    }
    circuit_mix(r->w->circuit.chances[m], now_yes, now_no, n, now);
    circuit_mix(r->w->circuit.chances[m], yes, no, n, now + n);
    change(r, r->w->circuit.mixture_uses[m], now, now + n);
}

void reweigh_finish(struct reweigher *r, double *ln_z)
{
    size_t n = r->w->n;
    for (size_t i = 0; i < r->touched_count; i++)
        change_leaves(r, r->touched[i]);
    while (r->heap_count > 0)
        change_mixture(r, pop(r));
    for (size_t h = 0; h < n; h++)
        ln_z[h] = r->w->rows[h] + r->delta[h];
    for (size_t i = 0; i < r->changed_count; i++) {
        memset(r->delta + r->changed[i] * n, 0, n * sizeof *r->delta);
        r->row_changed[r->changed[i]] = false;
    }
    for (size_t i = 0; i < r->touched_count; i++)
        r->weights[r->touched[i]] = NAN;
    r->changed_count = r->touched_count = 0;
}
