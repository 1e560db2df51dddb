/* SPDX-License-Identifier: Apache-2.0 */
/*
 * evidence: hypotheses weighed by claim and clues, set against priors, and what each clue did. In:
 * a run as read, hypotheses with their predictions. Out: likelihoods and posteriors in the
 * hypotheses, struct assay_evidence. What can go wrong: memory, interruption.
 */
#include "claim/evidence.h"

#include "claim/obtainable.h"
#include "claim/sorted.h"

#include <math.h>
#include <string.h>

#define DRAWS 8192 /* with 130 hypotheses and more, above a million in all */

static assay_status out_of_memory(struct assay_error *error)
{
    return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

/* ---- likelihood and posterior of each hypothesis, with their Monte-Carlo errors --- */

static double scatter(const double *values, size_t n, size_t stride)
{
    double mean = 0, squares = 0;
    for (size_t i = 0; i < n; i++)
        mean += values[i * stride] / (double)n;
    for (size_t i = 0; i < n; i++)
        squares += (values[i * stride] - mean) * (values[i * stride] - mean);
    return sqrt(squares / (double)(n - 1) / (double)n);
}

/* `posterior` gets that of all draws together. */
static bool set_posterior(struct weighing *w, struct assay_arena *arena, double *posterior)
{
    double *batches = assay_arena_alloc(arena, w->count * POSTERIOR_BATCHES, sizeof *batches);
    if (!batches)
        return false;
    posterior_of(w->hypotheses, w->count, w->all, 1, posterior);
    for (size_t b = 0; b < POSTERIOR_BATCHES; b++)
        posterior_of(w->hypotheses, w->count, w->batch + b, POSTERIOR_BATCHES,
                     batches + b * w->count);
    for (size_t i = 0; i < w->count; i++) {
        struct hypothesis *h = &w->hypotheses[i];
        h->log10_likelihood = w->all[i] / log(10);
        h->monte_carlo_sd =
            scatter(w->batch + i * POSTERIOR_BATCHES, POSTERIOR_BATCHES, 1) / log(10);
        h->posterior = posterior[i];
        h->posterior_sd = scatter(batches + i, POSTERIOR_BATCHES, w->count);
    }
    return true;
}

/* ---- what each term did ---------------------------------------------------------- */

static double stated_log10_odds(const struct weighing *w, const double *p)
{
    for (size_t i = 0; i < w->count; i++)
        if (w->hypotheses[i].stated)
            return log10(fmax(p[i], 1e-300) / fmax(1 - p[i], 1e-300));
    return NAN;
}

static const char *term_name(const struct weighing *w, size_t term)
{
    static const char *const own[CLAIM_TERMS] = {"claimed speed", "claimed days"};
    return term < CLAIM_TERMS ? own[term] : w->clues[term - CLAIM_TERMS].name;
}

static bool contributions(const struct weighing *w, const double *posterior,
                          struct assay_arena *arena, struct assay_evidence *e)
{
    size_t terms = weighing_terms(w);
    struct assay_contribution *list = assay_arena_alloc(arena, terms, sizeof *list);
    double *less = assay_arena_alloc(arena, w->count, sizeof *less);
    if (!list || !less)
        return false;
    e->posterior_bits = entropy_bits(posterior, w->count);
    for (size_t j = 0; j < terms; j++) {
        if (!weighing_has_term(w, j))
            continue;
        posterior_of(w->hypotheses, w->count, w->without + j, terms, less);
        list[e->clue_count++] = (struct assay_contribution){
            .name = assay_arena_copy(arena, term_name(w, j)), /* outlives the run */
            .environment = j >= CLAIM_TERMS && w->facts[w->clues[j - CLAIM_TERMS].kind].environment,
            .log10_lr = stated_log10_odds(w, posterior) - stated_log10_odds(w, less),
            .bits = entropy_bits(less, w->count) - e->posterior_bits,
        };
    }
    e->clues = list;
    return true;
}

static bool balances(const struct assay_run *run, struct assay_arena *arena,
                     struct assay_evidence *e)
{
    struct assay_balance *list = assay_arena_alloc(arena, run->clue_count, sizeof *list);
    if (!list)
        return false;
    for (size_t c = 0; c < run->clue_count; c++) {
        const struct assay_clue *clue = &run->clues[c];
        if (clue->kind == ASSAY_CLUE_SHIPPED && clue->end >= 0)
            list[e->balance_count++] = (struct assay_balance){assay_arena_copy(arena, clue->name),
                                                              clue->accelerator->name,
                                                              clue->value,
                                                              clue->end,
                                                              clue->value - clue->end,
                                                              clue->log_sd * clue->value};
    }
    e->balances = list;
    return true;
}

/* The posterior of the share of days used: draws weighted by all hypotheses together. */
static bool share_used(const struct weighing *w, struct assay_arena *arena,
                       struct assay_evidence *e)
{
    size_t n = w->sites->draws, sampled = 0;
    double top = -INFINITY, reached = 0, squares = 0, sum = 0;
    double *weight = assay_arena_alloc(arena, n, sizeof *weight);
    double *values = assay_arena_alloc(arena, n, sizeof *values);
    if (!weight || !values)
        return false;
    for (size_t i = 0; i < w->count; i++)
        for (size_t k = 0; w->hypotheses[i].weighed && k < n; k++)
            top = fmax(top, w->log_likelihood[i * n + k]);
    for (size_t i = 0; i < w->count; i++)
        for (size_t k = 0; w->hypotheses[i].weighed && k < n; k++)
            weight[k] += w->hypotheses[i].prior * exp(w->log_likelihood[i * n + k] - top);
    for (size_t k = 0; k < n; k++) {
        sum += weight[k];
        squares += weight[k] * weight[k];
    }
    e->effective_draws = sum * sum / squares;
    for (size_t k = 0; k < n; k++) { /* systematic resampling */
        reached += weight[k] / sum * (double)n;
        while (sampled < n && (double)sampled + 0.5 < reached)
            values[sampled++] = w->sites->share_used[k];
    }
    sort_doubles(values, sampled);
    e->share_used = interval_of_sorted(values, sampled, 1);
    return true;
}

/* ---- the whole ------------------------------------------------------------------- */

/* Prior and posterior in the order in which the finding lists the hypotheses. */
static bool tabulate(const struct hypothesis *h, size_t count, struct assay_arena *arena,
                     struct assay_evidence *e)
{
    double *tables[3];
    for (int t = 0; t < 3; t++)
        if (!(tables[t] = assay_arena_alloc(arena, count, sizeof *tables[t])))
            return false;
    for (size_t i = 0; i < count; i++) {
        tables[0][i] = h[i].prior;
        tables[1][i] = h[i].posterior;
        tables[2][i] = h[i].posterior_sd;
    }
    e->prior = tables[0];
    e->posterior = tables[1];
    e->posterior_sd = tables[2];
    e->hypotheses = count;
    return true;
}

assay_status evidence_weigh(const struct assay_claim_data *data, const struct assay_run *run,
                            const struct assay_context *context, struct assay_arena *arena,
                            struct hypothesis *hypotheses, size_t count, struct assay_evidence *e,
                            struct assay_error *error)
{
    struct sites sites;
    struct weighing w = {.facts = data->clue_facts,
                         .grades = &data->grades,
                         .run = run,
                         .claimed = &run->claimed,
                         .clues = run->clues,
                         .clue_count = run->clue_count,
                         .sites = &sites,
                         .hypotheses = hypotheses,
                         .count = count};
    memset(e, 0, sizeof *e);
    priors_set(run, hypotheses, count);
    for (size_t i = 0; i < count; i++)
        hypotheses[i].place = i;
    w.all = assay_arena_alloc(arena, count, sizeof *w.all);
    w.without = assay_arena_alloc(arena, count * weighing_terms(&w), sizeof *w.without);
    w.batch = assay_arena_alloc(arena, count * POSTERIOR_BATCHES, sizeof *w.batch);
    w.log_likelihood = assay_arena_alloc(arena, count * DRAWS, sizeof *w.log_likelihood);
    if (!w.all || !w.without || !w.batch || !w.log_likelihood ||
        !sites_draw(&sites, DRAWS, &run->priors, context->seed, arena))
        return out_of_memory(error);
    ASSAY_TRY(weighing_run(&w, context, error));
    double *prior = assay_arena_alloc(arena, count, sizeof *prior);
    double *posterior = assay_arena_alloc(arena, count, sizeof *posterior);
    if (!prior || !posterior || !set_posterior(&w, arena, posterior) ||
        !contributions(&w, posterior, arena, e) || !balances(run, arena, e) ||
        !share_used(&w, arena, e))
        return out_of_memory(error);
    for (size_t i = 0; i < count; i++) {
        prior[i] = hypotheses[i].prior;
        e->draws += hypotheses[i].weighed ? DRAWS : 0;
    }
    e->prior_bits = entropy_bits(prior, count);
    ASSAY_TRY(next_list(&w, posterior, context->seed, arena, &e->next, &e->next_count, error));
    e->prior_holder = run->priors.holder ? assay_arena_copy(arena, run->priors.holder) : NULL;
    infer_sort(hypotheses, count);
    for (size_t t = 0; t < CLAIM_TERMS; t++)
        e->best_log10_p[t] = weighing_misfit(&w, &hypotheses[0], t);
    ASSAY_TRY(obtainable_list(&w, e->next, e->next_count, arena, &e->obtainables, error));
    e->obtainable_count = e->next_count;
    return tabulate(hypotheses, count, arena, e) ? ASSAY_OK : out_of_memory(error);
}
