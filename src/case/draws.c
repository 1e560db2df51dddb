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
#define CELLS 100000000 /* findings x hypotheses x draws that are worth their time */

struct drawing {
    const struct weighing *w;
    size_t draws, chunk;
    double normal_tenth; /* the standard normal's quantile of 0.9 */
    double *whole;       /* draws x n */
    bool *short_of_memory;
};

/* One finding's ln likelihoods, relative to the best of this draw. */
static void draw_finding(const struct drawing *g, struct assay_random *random,
                         const struct assay_interval *intervals, double *ln_l)
{
    double best = -INFINITY;
    for (size_t h = 0; h < g->w->n; h++) {
        const struct assay_interval *x = &intervals[h];
        double value = x->median;
        if (x->low < x->high) {
            double z = assay_random_normal(random) / g->normal_tenth;
            value += z * (z < 0 ? x->median - x->low : x->high - x->median);
        }
        ln_l[h] = LN10 * value;
        best = fmax(best, ln_l[h]);
    }
    for (size_t h = 0; h < g->w->n; h++)
        ln_l[h] -= best;
}

static void draw_chunk(void *data, size_t index)
{
    const struct drawing *g = data;
    const struct weighing *w = g->w;
    const struct assay_combination *c = w->combination;
    double *ln_l = malloc(c->finding_count * w->n * sizeof *ln_l);
    double *rows = malloc(w->circuit.row_count * w->n * sizeof *rows);
    size_t until = (index + 1) * g->chunk < g->draws ? (index + 1) * g->chunk : g->draws;
    g->short_of_memory[index] = !ln_l || !rows;
    for (size_t d = index * g->chunk; ln_l && rows && d < until; d++) {
        struct assay_random random;
        assay_random_start(&random, w->context->seed, d);
        for (size_t f = 0; f < c->finding_count; f++)
            draw_finding(g, &random, c->findings[f].log10_likelihoods, ln_l + f * w->n);
        circuit_evaluate(&w->circuit, ln_l, w->weights, w->n, rows);
        for (size_t h = 0; h < w->n; h++)
            g->whole[d * w->n + h] = rows[h];
    }
    free(ln_l);
    free(rows);
}

assay_status combine_draw(struct weighing *w)
{
    struct assay_combination *c = w->combination;
    size_t cells = c->finding_count * w->n, draws = CELLS / cells;
    draws = draws > MOST_DRAWS ? MOST_DRAWS : draws < LEAST_DRAWS ? LEAST_DRAWS : draws;
    struct drawing g = {.w = w,
                        .draws = draws,
                        .chunk = (draws + 63) / 64,
                        .normal_tenth = -assay_stats_normal_quantile(-1, ASSAY_LOWER)};
    size_t chunks = (draws + g.chunk - 1) / g.chunk;
    g.whole = assay_arena_alloc(w->arena, draws * w->n, sizeof *g.whole);
    g.short_of_memory = assay_arena_alloc(w->arena, chunks, sizeof *g.short_of_memory);
    if (!g.whole || !g.short_of_memory)
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
