/* SPDX-License-Identifier: Apache-2.0 */
#include "claim/posterior.h"

#include <assay/stats.h>

#include <math.h>
#include <string.h>

/* What a calendar and a rounding add to hours over devices. */
static const double wall_sd = 0.04;

/* ---- draws -------------------------------------------------------------------------------------
 */

bool sites_draw(struct sites *s, size_t draws, const struct assay_priors *priors, uint64_t seed,
                struct assay_arena *arena)
{
    s->draws = draws;
    s->share_used = assay_arena_alloc(arena, draws, sizeof *s->share_used);
    s->site = assay_arena_alloc(arena, draws * ASSAY_CLUE_COUNT, sizeof *s->site);
    if (!s->share_used || !s->site)
        return false;
    for (size_t k = 0; k < draws; k++) {
        struct assay_random random;
        assay_random_start(&random, seed, (1ULL << 32) + k);
        s->share_used[k] = priors->share_low +
                           (priors->share_high - priors->share_low) * assay_random_uniform(&random);
        for (size_t c = 0; c < ASSAY_CLUE_COUNT; c++)
            s->site[k * ASSAY_CLUE_COUNT + c] = assay_random_normal(&random);
    }
    return true;
}

struct cluster cluster_of(const struct weighing *w, const struct hypothesis *h, size_t k)
{
    size_t d = k % INFER_DRAWS;
    double tokens = w->run->tokens;
    return (struct cluster){
        .accelerator = &h->run.machine.accelerator,
        .other = h->other,
        .devices = (double)h->run.machine.devices,
        .log_hours = h->log_hours_per_token[d] + log(tokens > 0 ? tokens : 1),
        .log_step_seconds = h->log_step[d],
        .log_step_sd = h->residual,
        .share_used = w->sites->share_used[k],
    };
}

/* ---- terms ----------------------------------------------------------------------- */

/* What a statement says and what a hypothesis predicts of it under a draw. */
struct statement {
    double claimed, log_predicted, sd; /* sd 0: nothing is stated */
};

/* One statement of the speed, the most direct: others repeat it. */
static struct statement speed(const struct weighing *w, const struct hypothesis *h, size_t d)
{
    const struct assay_claimed *c = w->claimed;
    double tokens = (double)h->run.plan.global_batch * (double)h->run.sequence;
    double log_step = h->log_step[d], log_hours = h->log_hours_per_token[d];
    if (c->step_seconds > 0)
        return (struct statement){c->step_seconds, log_step, h->residual};
    if (c->tokens_per_second_per_device > 0)
        return (struct statement){c->tokens_per_second_per_device,
                                  log(tokens / (double)h->run.machine.devices) - log_step,
                                  h->residual};
    if (c->device_hours > 0 && w->run->tokens > 0)
        return (struct statement){c->device_hours, log_hours + log(w->run->tokens), h->run_sd};
    if (c->device_hours_per_token > 0)
        return (struct statement){c->device_hours_per_token, log_hours, h->run_sd};
    return (struct statement){1, 0, 0};
}

/* Days fix the count, given the hours: they are hours over devices, whatever the hardware. */
static struct statement days(const struct weighing *w, const struct hypothesis *h, size_t k)
{
    const struct assay_claimed *c = w->claimed;
    double devices = (double)h->run.machine.devices, worked = devices * w->sites->share_used[k];
    if (c->wall_seconds > 0 && c->device_hours > 0)
        return (struct statement){c->wall_seconds, log(c->device_hours * 3600 / worked), wall_sd};
    if (c->wall_seconds > 0 && w->run->tokens > 0)
        return (struct statement){c->wall_seconds,
                                  h->log_hours_per_token[k % INFER_DRAWS] +
                                      log(w->run->tokens * 3600 / worked),
                                  hypot(h->run_sd, wall_sd)};
    return (struct statement){1, 0, 0};
}

static struct statement stated(const struct weighing *w, const struct hypothesis *h, size_t term,
                               size_t k)
{
    return term == 0 ? speed(w, h, k % INFER_DRAWS) : days(w, h, k);
}

/* Its log likelihood: a normal density of the logarithm, without constants. */
static double claim_term(const struct weighing *w, const struct hypothesis *h, size_t term,
                         size_t k)
{
    struct statement s = stated(w, h, term, k);
    double z = (log(s.claimed) - s.log_predicted) / s.sd;
    return s.sd > 0 ? -0.5 * z * z - log(s.sd) : 0;
}

size_t weighing_terms(const struct weighing *w)
{
    size_t most = MOST_TERMS - CLAIM_TERMS;
    return CLAIM_TERMS + (w->clue_count < most ? w->clue_count : most);
}

bool weighing_has_term(const struct weighing *w, size_t term)
{
    const struct assay_claimed *c = w->claimed;
    if (term == 0)
        return c->step_seconds > 0 || c->tokens_per_second_per_device > 0 || c->device_hours > 0 ||
               c->device_hours_per_token > 0;
    return term > 1 || c->wall_seconds > 0;
}

static double clue_term(const struct weighing *w, const struct cluster *cluster, size_t k, size_t c)
{
    const struct assay_clue *clue = &w->clues[c];
    double site = w->sites->site[k * ASSAY_CLUE_COUNT + clue->kind];
    return clue_log_likelihood(w->facts, clue, cluster, site);
}

/* A clue without a grade is taken as it is. */
static bool is_graded(const struct weighing *w, size_t c)
{
    return w->clues[c].reliability != '\0';
}

static double mixed_with_ignorance(const struct weighing *w, size_t c, double log_l)
{
    if (!is_graded(w, c))
        return log_l;
    double keep = assay_grades_chance(w->grades, w->clues[c].reliability, w->clues[c].credibility);
    double parts[2] = {log(keep) + log_l, log1p(-keep) + w->ignorance[c]};
    return assay_stats_log_sum_exp(parts, 2);
}

/* ---- sums over draws ------------------------------------------------------------- */

struct log_sum {
    double top, sum;
};

static void log_add(struct log_sum *s, double x)
{
    if (x <= s->top) {
        s->sum += exp(x - s->top);
    } else {
        s->sum = s->sum * exp(s->top - x) + 1;
        s->top = x;
    }
}

static double log_mean(const struct log_sum *s, size_t n)
{
    return s->top + log(s->sum / (double)n);
}

static const struct log_sum nothing = {-INFINITY, 0};

struct pass {
    struct weighing *w;
    double *means; /* count x clues: ln of a clue's mean likelihood under a hypothesis */
};

static void mean_clues(void *user, size_t i)
{
    struct pass *pass = user;
    struct weighing *w = pass->w;
    const struct hypothesis *h = &w->hypotheses[i];
    size_t n = weighing_terms(w) - CLAIM_TERMS;
    if (!h->weighed)
        return;
    for (size_t c = 0; c < n; c++) {
        struct log_sum s = nothing;
        if (!is_graded(w, c))
            continue;
        for (size_t k = 0; k < w->sites->draws; k++) {
            struct cluster cluster = cluster_of(w, h, k);
            log_add(&s, clue_term(w, &cluster, k, c));
        }
        pass->means[i * n + c] = log_mean(&s, w->sites->draws);
    }
}

static void sum_terms(void *user, size_t i)
{
    struct pass *pass = user;
    struct weighing *w = pass->w;
    const struct hypothesis *h = &w->hypotheses[i];
    size_t n = weighing_terms(w), draws = w->sites->draws, each = draws / POSTERIOR_BATCHES;
    struct log_sum all = nothing, batch = nothing, without[MOST_TERMS];

    if (!h->weighed)
        return;
    for (size_t j = 0; j < n; j++)
        without[j] = nothing;
    for (size_t k = 0; k < draws; k++) {
        double term[MOST_TERMS], sum = 0;
        for (size_t j = 0; j < CLAIM_TERMS; j++)
            term[j] = claim_term(w, h, j, k);
        struct cluster cluster = cluster_of(w, h, k);
        for (size_t c = 0; c + CLAIM_TERMS < n; c++)
            term[c + CLAIM_TERMS] = mixed_with_ignorance(w, c, clue_term(w, &cluster, k, c));
        for (size_t j = 0; j < n; j++)
            sum += term[j];
        log_add(&all, sum);
        log_add(&batch, sum);
        if (w->log_likelihood)
            w->log_likelihood[i * draws + k] = sum;
        if (w->without)
            for (size_t j = 0; j < n; j++)
                log_add(&without[j], sum - term[j]);
        if ((k + 1) % each == 0) {
            w->batch[i * POSTERIOR_BATCHES + k / each] = log_mean(&batch, each);
            batch = nothing;
        }
    }
    w->all[i] = log_mean(&all, draws);
    for (size_t j = 0; w->without && j < n; j++)
        w->without[i * n + j] = log_mean(&without[j], draws);
}

double weighing_misfit(const struct weighing *w, const struct hypothesis *h, size_t term)
{
    struct log_sum above = nothing, below = nothing;
    size_t draws = w->sites->draws;
    if (!weighing_has_term(w, term) || !h->weighed || !(stated(w, h, term, 0).sd > 0))
        return NAN;
    for (size_t k = 0; k < draws; k++) {
        struct statement s = stated(w, h, term, k);
        double z = (log(s.claimed) - s.log_predicted) / s.sd;
        log_add(&above, log(10) * assay_stats_normal_tail(z, ASSAY_UPPER));
        log_add(&below, log(10) * assay_stats_normal_tail(z, ASSAY_LOWER));
    }
    double less = fmin(log_mean(&above, draws), log_mean(&below, draws));
    return fmin(0, (less + log(2)) / log(10));
}

static assay_status over_hypotheses(const struct weighing *w, const struct assay_context *context,
                                    assay_parallel_function *function, struct pass *pass,
                                    struct assay_error *error)
{
    if (context)
        return assay_parallel_for(context, "weighing", w->count, function, pass, error);
    for (size_t i = 0; i < w->count; i++)
        function(pass, i);
    return ASSAY_OK;
}

assay_status weighing_run(struct weighing *w, const struct assay_context *context,
                          struct assay_error *error)
{
    struct pass pass = {.w = w};
    size_t clues = weighing_terms(w) - CLAIM_TERMS;

    bool graded = false;
    for (size_t c = 0; c < clues; c++)
        graded = graded || is_graded(w, c);
    if (graded) {
        struct assay_arena *arena = assay_arena_new();
        pass.means = arena ? assay_arena_alloc(arena, w->count * clues, sizeof *pass.means) : NULL;
        if (!pass.means) {
            assay_arena_free(arena);
            return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
        }
        assay_status status = over_hypotheses(w, context, mean_clues, &pass, error);
        for (size_t c = 0; status == ASSAY_OK && c < clues; c++) {
            double best = -INFINITY;
            for (size_t i = 0; i < w->count; i++)
                if (w->hypotheses[i].weighed && is_graded(w, c))
                    best = fmax(best, pass.means[i * clues + c]);
            w->ignorance[c] = fmax(best, log(1e-300));
        }
        assay_arena_free(arena);
        pass.means = NULL;
        if (status != ASSAY_OK)
            return status;
    }
    return over_hypotheses(w, context, sum_terms, &pass, error);
}

/* ---- priors and posteriors ------------------------------------------------------- */

void posterior_of(const struct hypothesis *h, size_t count, const double *log_l, size_t stride,
                  double *posterior)
{
    double top = -INFINITY, sum = 0;
    for (size_t i = 0; i < count; i++)
        if (h[i].weighed && h[i].prior > 0)
            top = fmax(top, log_l[i * stride]);
    for (size_t i = 0; i < count; i++) {
        bool counts = h[i].weighed && h[i].prior > 0;
        posterior[i] = counts ? h[i].prior * exp(log_l[i * stride] - top) : 0;
        sum += posterior[i];
    }
    for (size_t i = 0; i < count && sum > 0; i++)
        posterior[i] /= sum;
}

double prior_of_kind(const struct assay_priors *p, const struct assay_accelerator *a)
{
    for (size_t i = 0; i < p->weight_count; i++)
        if (strcmp(p->weights[i].accelerator->name, a->name) == 0)
            return p->weights[i].weight;
    return p->other_weight;
}

void priors_set(const struct assay_run *run, struct hypothesis *h, size_t count)
{
    const struct assay_priors *p = &run->priors;
    double pure = 0, mixed = 0;
    for (size_t i = 0; i < count; i++) {
        h[i].prior = 0;
        if (!h[i].weighed)
            continue;
        double off = log((double)h[i].run.machine.devices / (double)run->machine.devices);
        double z = off / p->count_log_sd;
        h[i].prior = h[i].other ? prior_of_kind(p, h[i].other)
                                : prior_of_kind(p, &h[i].run.machine.accelerator) *
                                      (isnan(p->count_log_sd) ? 1 : exp(-0.5 * z * z));
        *(h[i].other ? &mixed : &pure) += h[i].prior;
    }
    for (size_t i = 0; i < count; i++) {
        double whole = h[i].other ? mixed : pure, part = h[i].other ? p->mixed : 1 - p->mixed;
        if (mixed == 0)
            part = 1;
        if (h[i].weighed && whole > 0)
            h[i].prior *= part / whole;
    }
}

double entropy_bits(const double *p, size_t n)
{
    double bits = 0;
    for (size_t i = 0; i < n; i++)
        if (p[i] > 0)
            bits -= p[i] * log2(p[i]);
    return bits;
}
