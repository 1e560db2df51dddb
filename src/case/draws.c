/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Uncertain likelihoods carried through the network by draws. Each log10 likelihood is a normal of
 * two halves: its median, and on each side the standard deviation that puts a tenth beyond the
 * interval's end. Draw d takes stream d of the seed, so that the same seed gives the same bytes on
 * any number of threads.
 */
#include "case/combine.h"

#include <assay/stats.h>

#include <math.h>
#include <stdlib.h>

#define LN10 2.302585092994045684
#define MOST_DRAWS 2000
#define LEAST_DRAWS 100
#define SMALL 5000000    /* of them that a thread has done before another has woken */
#define RESULTS 200000   /* draws x hypotheses, each of which is sorted */
#define VALUES 200000000 /* additions, an exponential counting as eight, that are worth it */

/* Hypotheses that share a number come last and are one value. */
assay_status combine_likelihoods(struct weighing *w)
{
    const struct assay_combination *c = w->combination;
    size_t *start = assay_arena_alloc(w->arena, c->finding_count + 1, sizeof *start);
    uint32_t *map = assay_arena_alloc(w->arena, c->finding_count * w->n, sizeof *map);
    if (!start || !map)
        return assay_error_at(w->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    for (size_t f = 0; f < c->finding_count; f++) {
        uint32_t own = 0;
        bool any = false;
        for (size_t h = 0; h < w->n; h++) {
            any = any || c->findings[f].shared[h];
            if (!c->findings[f].shared[h])
                map[f * w->n + h] = own++;
        }
        for (size_t h = 0; h < w->n; h++)
            if (c->findings[f].shared[h])
                map[f * w->n + h] = own;
        start[f + 1] = start[f] + own + any;
    }
    double *ln = assay_arena_alloc(w->arena, start[c->finding_count], sizeof *ln);
    if (!ln)
        return assay_error_at(w->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    for (size_t f = 0; f < c->finding_count; f++)
        for (size_t h = 0; h < w->n; h++)
            ln[start[f] + map[f * w->n + h]] = LN10 * c->findings[f].log10_likelihoods[h].median;
    w->likelihoods = (struct likelihoods){w->n, start, map, ln};
    return ASSAY_OK;
}

struct drawing {
    const struct weighing *w;
    const struct assay_interval *intervals; /* of the distinct likelihoods, as they stand in w */
    size_t draws, chunk;
    double normal_tenth; /* the standard normal's quantile of 0.9 */
    double *whole;       /* draws x n */
    bool *short_of_memory;
};

/* One finding's ln likelihoods, relative to the best of this draw. */
static void draw_finding(const struct drawing *g, struct assay_random *random,
                         const struct assay_interval *intervals, size_t count, double *ln_l)
{
    double best = -INFINITY;
    for (size_t i = 0; i < count; i++) {
        const struct assay_interval *x = &intervals[i];
        double value = x->median;
        if (x->low < x->high) {
            double z = assay_random_normal(random) / g->normal_tenth;
            value += z * (z < 0 ? x->median - x->low : x->high - x->median);
        }
        ln_l[i] = LN10 * value;
        best = fmax(best, ln_l[i]);
    }
    for (size_t i = 0; i < count; i++)
        ln_l[i] -= best;
}

static void draw_chunk(void *data, size_t index)
{
    const struct drawing *g = data;
    const struct weighing *w = g->w;
    const struct assay_combination *c = w->combination;
    const size_t *start = w->likelihoods.start;
    double *ln = malloc(start[c->finding_count] * sizeof *ln);
    double *rows = malloc((w->circuit.row_count + 2) * w->n * sizeof *rows);
    size_t until = (index + 1) * g->chunk < g->draws ? (index + 1) * g->chunk : g->draws;
    struct likelihoods drawn = w->likelihoods;
    drawn.ln = ln;
    g->short_of_memory[index] = !ln || !rows;
    for (size_t d = index * g->chunk; ln && rows && d < until; d++) {
        struct assay_random random;
        assay_random_start(&random, w->context->seed, d);
        for (size_t f = 0; f < c->finding_count; f++)
            draw_finding(g, &random, g->intervals + start[f], start[f + 1] - start[f],
                         ln + start[f]);
        circuit_evaluate(&w->circuit, &drawn, w->weights, rows, rows + 2 * w->n);
        for (size_t h = 0; h < w->n; h++)
            g->whole[d * w->n + h] = rows[2 * w->n + h];
    }
    free(ln);
    free(rows);
}

static const struct assay_interval *distinct_intervals(const struct weighing *w)
{
    const struct assay_combination *c = w->combination;
    const struct likelihoods *l = &w->likelihoods;
    struct assay_interval *list =
        assay_arena_alloc(w->arena, l->start[c->finding_count], sizeof *list);
    for (size_t f = 0; list && f < c->finding_count; f++)
        for (size_t h = 0; h < w->n; h++)
            list[l->start[f] + l->map[f * w->n + h]] = c->findings[f].log10_likelihoods[h];
    return list;
}

assay_status combine_draw(struct weighing *w)
{
    struct assay_combination *c = w->combination;
    size_t parts = w->likelihoods.start[c->finding_count] * 8 + w->circuit.leaf_count * w->n +
                   w->circuit.mixture_count * w->n * 8;
    size_t draws = VALUES / parts < RESULTS / w->n ? VALUES / parts : RESULTS / w->n;
    draws = draws > MOST_DRAWS ? MOST_DRAWS : draws < LEAST_DRAWS ? LEAST_DRAWS : draws;
    struct drawing g = {.w = w,
                        .draws = draws,
                        .intervals = distinct_intervals(w),
                        .chunk = (draws + 63) / 64,
                        .normal_tenth = -assay_stats_normal_quantile(-1, ASSAY_LOWER)};
    size_t chunks = (draws + g.chunk - 1) / g.chunk;
    g.whole = assay_arena_alloc(w->arena, draws * w->n, sizeof *g.whole);
    g.short_of_memory = assay_arena_alloc(w->arena, chunks, sizeof *g.short_of_memory);
    if (!g.whole || !g.short_of_memory || !g.intervals)
        return assay_error_at(w->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    ASSAY_TRY(
        assay_parallel_for(w->context, "combining findings", chunks, draw_chunk, &g, w->error));
    for (size_t i = 0; i < chunks; i++)
        if (g.short_of_memory[i])
            return assay_error_at(w->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    w->draws = g.whole;
    c->draws = (uint32_t)draws;
    return ASSAY_OK;
}
