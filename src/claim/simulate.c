/* SPDX-License-Identifier: Apache-2.0 */
/*
 * simulate: is the inference calibrated, and does it find lies? In: a run whose priors, plan and
 * tokens are taken as they are; its claim and clues are replaced by simulated ones. Out: ranks of
 * the truth (simulation-based calibration, Talts et al., arXiv 1804.06788: the rank of a draw from
 * the prior among draws from its posterior is uniform), the calibration error of stated
 * probabilities, and the power to flag claims that understate the count or name another kind.
 *
 * A truth is a hypothesis drawn from the prior, a draw of efficiency that the weighing does not
 * use, a site and a share of days used. A liar states 1/size of the devices and of the hours, and
 * true days; or the stated kind where another ran. The flag is the posterior odds of the stated
 * machine over its prior odds falling below what 1% of true claims fall below.
 * What can go wrong: memory, interruption, a run that nothing can be weighed for.
 */
#include "claim/posterior.h"

#include "claim/sorted.h"

#include <assay/stats.h>

#include <math.h>
#include <string.h>

#define SETS ASSAY_SIMULATION_CLUE_SETS
#define LIES ASSAY_SIMULATION_LIES
#define SIMULATED_CLUES 5
#define CELLS 10

static const double alarm_level = 0.01;
static const double sizes[LIES] = {1, 1.25, 1.5, 2, 3, 4};
static const double wall_noise = 0.04;

/* Clues in the order in which the sets take them: 0, 1, 2 or all of them. */
static const enum assay_clue_kind clue_kinds[SIMULATED_CLUES] = {
    ASSAY_CLUE_POWER, ASSAY_CLUE_SERVERS, ASSAY_CLUE_HBM, ASSAY_CLUE_CAPITAL, ASSAY_CLUE_STAFF};
static const size_t clues_in_set[SETS] = {0, 1, 2, SIMULATED_CLUES};
static const char *const set_names[SETS] = {"the claim alone", "with power",
                                            "with power and servers",
                                            "with power, servers, memory, capital and staff"};

/* What one simulated claim comes to. */
struct outcome {
    double rank;        /* of the truth, in 0 to 1, randomised among equals */
    double score[SETS]; /* ln of posterior odds over prior odds of the stated machine */
};

struct plan_of_claim {
    size_t truth;   /* hypothesis that ran; its count is multiplied by `size` */
    double size;    /* how far the statement understates; 1: true */
    bool as_stated; /* states the file's machine, whatever ran */
    size_t stream;
};

struct simulator {
    const struct assay_claim_data *data;
    const struct assay_run *run;
    struct hypothesis *hypotheses;   /* what claims are weighed by */
    const struct hypothesis *truths; /* the same with other draws of efficiency */
    size_t count, stated;
    struct sites sites;
    const struct plan_of_claim *plans;
    struct outcome *outcomes;
    double *cells;       /* of each claim: CELLS x (probability, truth, variance) */
    size_t *drawn;       /* NULL, or of each claim: what ran */
    double *likelihoods; /* NULL, or claims x count: log10, by the claim alone */
    uint64_t seed;
    bool failed;
};

/* ---- one claim ------------------------------------------------------------------- */

static size_t draw_hypothesis(const struct simulator *s, double u)
{
    size_t last = s->stated;
    for (size_t i = 0; i < s->count; i++) {
        if (!s->hypotheses[i].weighed || !(s->hypotheses[i].prior > 0))
            continue;
        last = i;
        u -= s->hypotheses[i].prior;
        if (u < 0)
            break;
    }
    return last;
}

/* What the truth leaves behind: the claim, and clues at the accuracy with which they are seen. */
static void observe(const struct simulator *s, const struct plan_of_claim *plan,
                    struct assay_random *random, struct assay_claimed *claimed,
                    struct assay_clue *clues)
{
    const struct hypothesis *h = &s->truths[plan->truth];
    const struct assay_priors *p = &s->run->priors;
    size_t d = assay_random_below(random, INFER_DRAWS);
    double devices = (double)h->run.machine.devices * plan->size;
    double share = p->share_low + (p->share_high - p->share_low) * assay_random_uniform(random);
    double log_hours =
        h->log_hours_per_token[d] + log(s->run->tokens) + h->run_sd * assay_random_normal(random);
    double days =
        exp(log_hours) * 3600 / (devices * share) * exp(wall_noise * assay_random_normal(random));

    *claimed = (struct assay_claimed){NAN, NAN, NAN, NAN, NAN, NAN, NAN};
    claimed->device_hours = exp(log_hours) / plan->size;
    claimed->wall_seconds = days;
    struct cluster cluster = {.accelerator = &h->run.machine.accelerator,
                              .other = h->other,
                              .devices = devices,
                              .log_hours = log_hours,
                              .log_step_seconds = h->log_step[d],
                              .log_step_sd = h->residual,
                              .share_used = share};
    for (size_t c = 0; c < SIMULATED_CLUES; c++) {
        enum assay_clue_kind kind = clue_kinds[c];
        const struct assay_clue_fact *fact = &s->data->clue_facts[kind];
        double log_value = clue_predict(fact, kind, &cluster, assay_random_normal(random)) +
                           fact->observed_log_sd * assay_random_normal(random);
        clues[c] = (struct assay_clue){.kind = kind,
                                       .name = assay_clue_kind_name(kind),
                                       .value = exp(log_value),
                                       .log_sd = fact->observed_log_sd};
    }
}

/* The rank of the true count in the posterior, kinds told apart by order within a count. */
static double rank_of(const struct simulator *s, const double *posterior, size_t truth, double u)
{
    double below = 0;
    int64_t devices = s->hypotheses[truth].run.machine.devices;
    for (size_t i = 0; i < s->count; i++) {
        int64_t other = s->hypotheses[i].run.machine.devices;
        if (other < devices || (other == devices && i < truth))
            below += posterior[i];
    }
    return below + u * posterior[truth];
}

static void count_calibration(const double *posterior, size_t n, size_t truth, double *cells)
{
    for (size_t i = 0; i < n; i++) {
        int cell = (int)fmin(CELLS - 1, floor(posterior[i] * CELLS));
        cells[3 * cell] += posterior[i];
        cells[3 * cell + 1] += i == truth;
        cells[3 * cell + 2] += posterior[i] * (1 - posterior[i]);
    }
}

/*
 * Passes over what the claim alone makes less likely than the best by e^30: clues, whose
 * likelihoods are at most 1, could bring that nowhere. (Alters posteriors by less than 1e-10.)
 */
static const double hopeless = 30;

static void drop_hopeless(struct hypothesis *h, size_t n, size_t stated, const double *log_l)
{
    double best = -INFINITY;
    for (size_t i = 0; i < n; i++)
        if (h[i].weighed)
            best = fmax(best, log_l[i]);
    for (size_t i = 0; i < n; i++)
        h[i].weighed = h[i].weighed && (i == stated || log_l[i] > best - hopeless);
}

static void simulate_one(void *user, size_t i)
{
    struct simulator *s = user;
    struct plan_of_claim plan = s->plans[i];
    struct assay_arena *arena = assay_arena_new();
    struct assay_clue clues[SIMULATED_CLUES];
    struct assay_claimed claimed;
    struct assay_random random;
    size_t n = s->count;
    double *room =
        arena ? assay_arena_alloc(arena, n * (POSTERIOR_BATCHES + 2), sizeof *room) : NULL;

    struct hypothesis *hypotheses = room ? assay_arena_alloc(arena, n, sizeof *hypotheses) : NULL;

    if (!hypotheses) {
        s->failed = true;
        assay_arena_free(arena);
        return;
    }
    assay_random_start(&random, s->seed, (3ULL << 32) + plan.stream);
    if (!plan.as_stated)
        plan.truth = draw_hypothesis(s, assay_random_uniform(&random));
    observe(s, &plan, &random, &claimed, clues);
    memcpy(hypotheses, s->hypotheses, n * sizeof *hypotheses);
    for (size_t set = 0; set < (plan.as_stated ? SETS : 2); set++) {
        struct weighing w = {.facts = s->data->clue_facts,
                             .grades = &s->data->grades,
                             .run = s->run,
                             .claimed = &claimed,
                             .clues = clues,
                             .clue_count = clues_in_set[set],
                             .sites = &s->sites,
                             .hypotheses = hypotheses,
                             .count = n,
                             .all = room,
                             .batch = room + n};
        double *posterior = room + n * (POSTERIOR_BATCHES + 1);
        struct assay_error error;
        if (weighing_run(&w, NULL, &error) != ASSAY_OK) {
            s->failed = true;
            break;
        }
        if (s->likelihoods) {
            s->drawn[i] = plan.truth;
            for (size_t h = 0; h < n; h++)
                s->likelihoods[i * n + h] =
                    hypotheses[h].weighed ? w.all[h] / log(10) : (double)NAN;
            break;
        }
        posterior_of(hypotheses, n, w.all, 1, posterior);
        if (set == 0)
            drop_hopeless(hypotheses, n, s->stated, w.all);
        double now = posterior[s->stated], before = s->hypotheses[s->stated].prior;
        s->outcomes[i].score[set] =
            log(fmax(now, 1e-300) / fmax(1 - now, 1e-300)) - log(before / fmax(1 - before, 1e-300));
        if (!plan.as_stated && set == 1) {
            s->outcomes[i].rank = rank_of(s, posterior, plan.truth, assay_random_uniform(&random));
            count_calibration(posterior, n, plan.truth, s->cells + i * 3 * CELLS);
        }
    }
    assay_arena_free(arena);
}

static assay_status run_claims(struct simulator *s, const struct plan_of_claim *plans, size_t n,
                               struct outcome *outcomes, const char *what,
                               const struct assay_context *context, struct assay_error *error)
{
    s->plans = plans;
    s->outcomes = outcomes;
    ASSAY_TRY(assay_parallel_for(context, what, n, simulate_one, s, error));
    return s->failed ? assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory")
                     : ASSAY_OK;
}

/* ---- calibration ----------------------------------------------------------------- */

static assay_status calibration(struct simulator *s, struct assay_simulation *out,
                                const struct assay_context *context, struct assay_error *error)
{
    size_t n = out->claims;
    struct plan_of_claim *plans = assay_arena_alloc(out->arena, n, sizeof *plans);
    struct outcome *outcomes = assay_arena_alloc(out->arena, n, sizeof *outcomes);
    s->cells = assay_arena_alloc(out->arena, n * 3 * CELLS, sizeof *s->cells);
    if (!plans || !outcomes || !s->cells)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    for (size_t i = 0; i < n; i++)
        plans[i] = (struct plan_of_claim){.size = 1, .stream = i};
    ASSAY_TRY(run_claims(s, plans, n, outcomes, "calibration", context, error));
    double total[3 * CELLS] = {0}, all = 0, off = 0, scatter = 0;
    for (size_t i = 0; i < n; i++) {
        out->rank_cells[(size_t)fmin(19, floor(outcomes[i].rank * 20))]++;
        for (size_t c = 0; c < 3 * CELLS; c++)
            total[c] += s->cells[i * 3 * CELLS + c];
    }
    /* the distance between what was said and what was so, weighted by what was said */
    for (size_t c = 0; c < CELLS; c++) {
        all += total[3 * c];
        off += fabs(total[3 * c] - total[3 * c + 1]);
        scatter += sqrt(2 / 3.14159265358979 * total[3 * c + 2]); /* mean size of a normal */
    }
    out->calibration_scatter = scatter / all;
    out->calibration_error = off / all;
    out->rank_log10_p = assay_stats_chi_squared_uniform(out->rank_cells, 20, &out->rank_statistic);
    return ASSAY_OK;
}

/* ---- lies ------------------------------------------------------------------------ */

static assay_status flag(struct simulator *s, size_t truth, double size, size_t n, size_t stream,
                         struct assay_simulation *out, const char *what, struct outcome **outcomes,
                         const struct assay_context *context, struct assay_error *error)
{
    struct plan_of_claim *plans = assay_arena_alloc(out->arena, n, sizeof *plans);
    *outcomes = assay_arena_alloc(out->arena, n, sizeof **outcomes);
    if (!plans || !*outcomes)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    for (size_t i = 0; i < n; i++)
        plans[i] = (struct plan_of_claim){
            .truth = truth, .size = size, .as_stated = true, .stream = stream + i};
    return run_claims(s, plans, n, *outcomes, what, context, error);
}

static double share_below(const struct outcome *outcomes, size_t first, size_t end, size_t set,
                          double threshold)
{
    size_t below = 0;
    for (size_t i = first; i < end; i++)
        below += outcomes[i].score[set] < threshold;
    return (double)below / (double)(end - first);
}

static assay_status lies(struct simulator *s, struct assay_simulation *out,
                         const struct assay_context *context, struct assay_error *error)
{
    size_t n = out->claims, few = n / 4;
    struct outcome *outcomes;
    double threshold[SETS], *scores = assay_arena_alloc(out->arena, n, sizeof *scores);
    if (!scores)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    ASSAY_TRY(flag(s, s->stated, 1, n, 1UL << 24, out, "true claims", &outcomes, context, error));
    for (size_t set = 0; set < SETS; set++) {
        size_t half = n / 2; /* one half sets the alarm, the other tells how often it rings */
        for (size_t i = 0; i < half; i++)
            scores[i] = outcomes[i].score[set];
        sort_doubles(scores, half);
        threshold[set] = quantile_of_sorted(scores, half, alarm_level);
        out->realised_false_alarm[set] = share_below(outcomes, half, n, set, threshold[set]);
        out->power[set][0] = out->realised_false_alarm[set];
    }
    for (size_t l = 1; l < LIES; l++) {
        ASSAY_TRY(flag(s, s->stated, sizes[l], few, (1UL + l) << 25, out, "lies of count",
                       &outcomes, context, error));
        for (size_t set = 0; set < SETS; set++)
            out->power[set][l] = share_below(outcomes, 0, few, set, threshold[set]);
    }
    out->others = assay_arena_alloc(out->arena, s->count, sizeof *out->others);
    if (!out->others)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    const struct hypothesis *stated = &s->hypotheses[s->stated];
    for (size_t i = 0; i < s->count; i++) {
        const struct hypothesis *h = &s->hypotheses[i];
        if (!h->weighed || h->other || i == s->stated ||
            h->run.machine.devices != stated->run.machine.devices)
            continue;
        struct assay_simulation_other *other = &out->others[out->other_count++];
        ASSAY_TRY(flag(s, i, 1, few / 2, (20UL + i) << 25, out, "lies of kind", &outcomes, context,
                       error));
        other->accelerator = assay_arena_copy(out->arena, h->run.machine.accelerator.name);
        for (size_t set = 0; set < SETS; set++)
            other->power[set] = share_below(outcomes, 0, few / 2, set, threshold[set]);
    }
    return ASSAY_OK;
}

/* ---- the whole ------------------------------------------------------------------- */

/* Hypotheses with priors, truths by other draws, sites: all that claims are made from. */
static assay_status prepare(struct simulator *s, struct assay_arena *arena,
                            const struct assay_context *context, struct assay_error *error)
{
    struct assay_context other = *context;
    struct hypothesis *truths;
    size_t count;
    other.seed = context->seed + 1; /* other draws of efficiency than those that weigh */
    ASSAY_TRY(infer_hypotheses(s->data, s->run, context, arena, &s->hypotheses, &s->count, error));
    ASSAY_TRY(infer_hypotheses(s->data, s->run, &other, arena, &truths, &count, error));
    s->truths = truths;
    s->seed = context->seed;
    priors_set(s->run, s->hypotheses, s->count);
    for (size_t i = 0; i < s->count; i++)
        s->hypotheses[i].weighed = s->hypotheses[i].weighed && s->hypotheses[i].prior > 0;
    s->stated = s->count;
    for (size_t i = 0; i < s->count; i++)
        if (s->hypotheses[i].stated && s->hypotheses[i].weighed)
            s->stated = i;
    if (s->stated == s->count)
        return assay_error_at(error, ASSAY_ERROR_UNANSWERABLE, s->run->path, 0,
                              "the stated machine could not be weighed");
    if (!sites_draw(&s->sites, INFER_DRAWS, &s->run->priors, context->seed, arena))
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    return ASSAY_OK;
}

static assay_status simulate(struct simulator *s, struct assay_simulation *out,
                             const struct assay_context *context, struct assay_error *error)
{
    ASSAY_TRY(prepare(s, out->arena, context, error));
    ASSAY_TRY(calibration(s, out, context, error));
    return lies(s, out, context, error);
}

assay_status assay_claim_simulate(const char *path, const struct assay_claim_data *data,
                                  const struct assay_context *context, size_t claims,
                                  struct assay_simulation *out, struct assay_error *error)
{
    struct assay_run run;
    memset(out, 0, sizeof *out);
    ASSAY_TRY(assay_run_read(path, data, &run, error));
    out->claims = claims < 100 ? 100 : claims;
    out->false_alarm = alarm_level;
    memcpy(out->size, sizes, sizeof sizes);
    memcpy(out->clue_set, set_names, sizeof set_names);
    out->arena = assay_arena_new();
    struct simulator s = {.data = data, .run = &run};
    assay_status status;
    if (!out->arena)
        status = assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    else if (!(run.tokens > 0))
        status = assay_error_at(error, ASSAY_ERROR_UNANSWERABLE, path, 0,
                                "claims of hours are simulated: state training: tokens");
    else
        status = simulate(&s, out, context, error);
    assay_run_free(&run);
    if (status != ASSAY_OK)
        assay_simulation_free(out);
    return status;
}

void assay_simulation_free(struct assay_simulation *simulation)
{
    assay_arena_free(simulation->arena);
    memset(simulation, 0, sizeof *simulation);
}

static assay_status simulate_claims(struct simulator *s, struct assay_simulated_claims *out,
                                    const struct assay_context *context, struct assay_error *error)
{
    ASSAY_TRY(prepare(s, out->arena, context, error));
    const char **names = assay_arena_alloc(out->arena, s->count, sizeof *names);
    struct plan_of_claim *plans = assay_arena_alloc(out->arena, out->claims, sizeof *plans);
    struct outcome *outcomes = assay_arena_alloc(out->arena, out->claims, sizeof *outcomes);
    s->drawn = assay_arena_alloc(out->arena, out->claims, sizeof *s->drawn);
    s->likelihoods = assay_arena_alloc(out->arena, out->claims * s->count, sizeof *s->likelihoods);
    if (!names || !plans || !outcomes || !s->drawn || !s->likelihoods)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    for (size_t i = 0; i < out->claims; i++)
        plans[i] = (struct plan_of_claim){.size = 1, .stream = i};
    for (size_t h = 0; h < s->count; h++)
        if (!(names[h] = assay_arena_copy(out->arena, s->hypotheses[h].name)))
            return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    ASSAY_TRY(run_claims(s, plans, out->claims, outcomes, "simulated claims", context, error));
    out->hypotheses = s->count;
    out->names = names;
    out->truths = s->drawn;
    out->log10_likelihoods = s->likelihoods;
    return ASSAY_OK;
}

assay_status assay_claim_simulate_claims(const char *path, const struct assay_claim_data *data,
                                         const struct assay_context *context, size_t claims,
                                         struct assay_simulated_claims *simulated,
                                         struct assay_error *error)
{
    struct assay_run run;
    memset(simulated, 0, sizeof *simulated);
    ASSAY_TRY(assay_run_read(path, data, &run, error));
    simulated->claims = claims;
    simulated->arena = assay_arena_new();
    struct simulator s = {.data = data, .run = &run};
    assay_status status;
    if (!simulated->arena)
        status = assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    else if (!(run.tokens > 0))
        status = assay_error_at(error, ASSAY_ERROR_UNANSWERABLE, path, 0,
                                "claims of hours are simulated: state training: tokens");
    else
        status = simulate_claims(&s, simulated, context, error);
    assay_run_free(&run);
    if (status != ASSAY_OK)
        assay_simulated_claims_free(simulated);
    return status;
}

void assay_simulated_claims_free(struct assay_simulated_claims *simulated)
{
    assay_arena_free(simulated->arena);
    memset(simulated, 0, sizeof *simulated);
}
