/* SPDX-License-Identifier: Apache-2.0 */
/*
 * explain: the ratio of two runs' costs as a product of factors. In: runs A and B. Out: one
 * factor a group of differences. For a subset S of the groups, v(S) is the logarithm of the
 * predicted device-hours a token of a hybrid that has S from A and the rest from B; group i gets
 *   phi_i = sum over S without i of |S|! (n-|S|-1)! / n! * (v(S with i) - v(S)),
 * exactly, over all 2^n subsets. Of v(S) the operations a token are split off: their ratio is a
 * factor of its own, and a group keeps what it does to the rate at which operations run. The
 * same draw of efficiency serves every hybrid, so that what is unknown in common cancels.
 * What can go wrong: no tokens in either run; a hybrid that cannot be laid out at all.
 */
#include "claim/explain.h"
#include "claim/efficiency.h"
#include "claim/flops.h"
#include "claim/run.h"
#include "claim/sorted.h"

#include <assay/fence.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DRAWS 128
#define COLUMNS (1 + DRAWS)

/* ---- one hybrid ---------------------------------------------------------------------------- */

struct game {
    const struct assay_claim_data *data;
    const struct assay_run *a, *b;
    enum group player[GROUP_COUNT]; /* the groups that differ */
    size_t players;
    uint64_t seed;
    double *log_slowness; /* log of device-hours an operation; COLUMNS a subset: at the medians,
                             then a draw a column */
    double *log_flops;    /* log of operations a token; by subset */
    unsigned char *rechosen, *misfit, *failed; /* by subset */
};

static double log_slowness(const struct assay_run *run, const struct assay_step *step)
{
    return log(step->seconds * (double)run->machine.devices / 3600 / step->model_flops);
}

/* The seconds of a step at the medians, or infinity if the plan does not divide or fit. */
static double seconds_if_it_fits(const struct game *game, const struct assay_run *run, bool *fits)
{
    struct assay_efficiency medians;
    struct assay_step step;
    *fits = false;
    if (assay_plan_check(run, NULL) != ASSAY_OK)
        return (double)INFINITY;
    assay_efficiency_resolve(game->data->efficiency, run, NULL, &medians);
    assay_step_predict(run, &medians, &step);
    *fits = step.memory.fits;
    return *fits ? step.seconds : (double)INFINITY;
}

/*
 * The stated layout, with the expert degree that is fastest: a degree that was stated for another
 * number of experts means nothing. False if it does not divide or fit with any.
 */
static bool keep_layout(const struct game *game, struct assay_run *run)
{
    int best = 0, stated = run->plan.expert;
    bool fits;
    double fastest = seconds_if_it_fits(game, run, &fits);
    if (fits)
        return true;
    for (int degree = 1; degree <= 1024; degree *= 2) {
        run->plan.expert = degree;
        double seconds = seconds_if_it_fits(game, run, &fits);
        if (fits && seconds < fastest) {
            fastest = seconds;
            best = degree;
        }
    }
    run->plan.expert = best ? best : stated;
    return best > 0;
}

/* The runs themselves keep their layout whatever the model says of their memory: they were run. */
static void lay_out(struct game *game, struct assay_run *run, size_t subset)
{
    size_t whole = ((size_t)1 << game->players) - 1;
    bool fits;
    if (subset == 0 || subset == whole || keep_layout(game, run))
        return;
    game->rechosen[subset] = 1;
    if (assay_plan_choose(game->data, run, NULL) != ASSAY_OK)
        game->failed[subset] = 1;
    else
        game->misfit[subset] = !isfinite(seconds_if_it_fits(game, run, &fits));
}

static void play(void *user, size_t subset)
{
    struct game *game = user;
    struct assay_run run = *game->b;
    double *out = game->log_slowness + subset * COLUMNS;
    struct assay_efficiency e;
    struct assay_step step;

    for (size_t p = 0; p < game->players; p++)
        if (subset >> p & 1)
            group_take(&run, game->a, game->player[p]);
    lay_out(game, &run, subset);
    if (game->failed[subset])
        return;
    assay_efficiency_resolve(game->data->efficiency, &run, NULL, &e);
    assay_step_predict(&run, &e, &step);
    out[0] = log_slowness(&run, &step);
    game->log_flops[subset] =
        log(model_flops(&run.architecture, run.sequence) / (double)run.sequence);
    for (size_t d = 0; d < DRAWS; d++) {
        struct assay_random random;
        assay_random_start(&random, game->seed, d);
        assay_efficiency_resolve(game->data->efficiency, &run, &random, &e);
        assay_step_predict(&run, &e, &step);
        out[1 + d] = log_slowness(&run, &step);
    }
}

/* ---- Shapley values ------------------------------------------------------------------------ */

static unsigned members_of(size_t subset)
{
    unsigned n = 0;
    for (; subset; subset &= subset - 1)
        n++;
    return n;
}

/* phi of one player, of column `d` of the game. */
static double shapley(const struct game *game, size_t player, size_t d)
{
    double weight[GROUP_COUNT], sum = 0;
    size_t n = game->players;
    for (size_t s = 0; s < n; s++) { /* s! (n-s-1)! / n! */
        weight[s] = 1.0 / (double)n;
        for (size_t k = 1; k <= s; k++)
            weight[s] *= (double)k / (double)(n - k);
    }
    for (size_t subset = 0; subset < (size_t)1 << n; subset++)
        if (!(subset >> player & 1)) {
            const double *without = game->log_slowness + subset * COLUMNS;
            const double *with = game->log_slowness + (subset | (size_t)1 << player) * COLUMNS;
            sum += weight[members_of(subset)] * (with[d] - without[d]);
        }
    return sum;
}

/* ---- the whole ----------------------------------------------------------------------------- */

static void add_factor(struct assay_explanation *x, const char *name, const char *what,
                       double factor, double low, double high)
{
    x->factors[x->count++] =
        (struct assay_explain_factor){name, what, factor, fmin(low, factor), fmax(high, factor)};
}

/* Published figures alone: no model but 6 operations a parameter and token. */
static void split_published(struct assay_explanation *x, const struct assay_run *const runs[2],
                            const double *active)
{
    for (int i = 0; i < 2; i++) {
        struct assay_parameters count;
        assay_architecture_count(&runs[i]->architecture, &count);
        x->active[i] = active && active[i] > 0 ? active[i] : (double)count.active;
        x->tokens[i] = runs[i]->tokens;
        x->rate[i] = 6 * x->active[i] * x->tokens[i] / (run_claimed_hours(runs[i]) * 3600);
    }
    x->active_ratio = x->active[0] / x->active[1];
    x->tokens_ratio = x->tokens[0] / x->tokens[1];
    x->rate_ratio = x->rate[1] / x->rate[0];
}

static void add_groups(const struct game *game, struct assay_explanation *x)
{
    double draws[DRAWS];
    for (int g = 0; g < GROUP_COUNT; g++) {
        size_t player = 0;
        while (player < game->players && game->player[player] != (enum group)g)
            player++;
        if (player == game->players) {
            add_factor(x, group_name((enum group)g), group_what((enum group)g), 1, 1, 1);
            continue;
        }
        for (size_t d = 0; d < DRAWS; d++)
            draws[d] = exp(shapley(game, player, 1 + d));
        sort_doubles(draws, DRAWS);
        add_factor(x, group_name((enum group)g), group_what((enum group)g),
                   exp(shapley(game, player, 0)), quantile_of_sorted(draws, DRAWS, 0.1),
                   quantile_of_sorted(draws, DRAWS, 0.9));
    }
}

static void sum_up(const struct game *game, struct assay_explanation *x)
{
    size_t subsets = (size_t)1 << game->players;
    const double *none = game->log_slowness, *all = none + (subsets - 1) * COLUMNS;
    const struct assay_run *a = game->a, *b = game->b;
    double tokens = a->tokens / b->tokens, left[DRAWS];
    double flops = exp(game->log_flops[subsets - 1] - game->log_flops[0]);
    double work = tokens * flops;
    struct assay_efficiency e[2];

    x->hybrids = subsets > 2 ? subsets - 2 : 0;
    for (size_t s = 0; s < subsets; s++) {
        x->rechosen += game->rechosen[s];
        x->misfits += game->misfit[s];
    }
    assay_efficiency_resolve(game->data->efficiency, a, NULL, &e[0]);
    assay_efficiency_resolve(game->data->efficiency, b, NULL, &e[1]);
    double lost = e[0].run_overhead / e[1].run_overhead;
    x->doubt = exp(1.2815515655446004 * /* z of the middle 80% */
                   hypot(hypot(e[0].residual, e[1].residual),
                         hypot(e[0].run_overhead_sd, e[1].run_overhead_sd)));
    x->predicted = exp(all[0] - none[0]) * work * lost;
    add_factor(x, "tokens", "tokens trained on", tokens, tokens, tokens);
    add_factor(x, "operations", "operations a token: active parameters", flops, flops, flops);
    add_groups(game, x);
    if (x->stated) {
        x->ratio = x->hours[0] / x->hours[1];
        for (size_t d = 0; d < DRAWS; d++)
            left[d] = x->ratio / (exp(all[1 + d] - none[1 + d]) * work);
        sort_doubles(left, DRAWS);
        add_factor(x, "unexplained", "stated hours over predicted ones",
                   x->ratio / (exp(all[0] - none[0]) * work), quantile_of_sorted(left, DRAWS, 0.1),
                   quantile_of_sorted(left, DRAWS, 0.9));
    } else {
        x->hours[0] = exp(all[0] + game->log_flops[subsets - 1]) * a->tokens * e[0].run_overhead;
        x->hours[1] = exp(none[0] + game->log_flops[0]) * b->tokens * e[1].run_overhead;
        x->ratio = x->predicted;
        if (lost != 1)
            add_factor(x, "restarts", "hours billed over hours of steps", lost, lost, lost);
    }
}

static assay_status play_all(struct game *game, const struct assay_context *context,
                             struct assay_explanation *x, struct assay_error *error)
{
    size_t subsets = (size_t)1 << game->players;
    ASSAY_TRY(assay_parallel_for(context, "hybrids", subsets, play, game, error));
    for (size_t s = 0; s < subsets; s++)
        if (game->failed[s])
            return assay_error_at(error, ASSAY_ERROR_UNANSWERABLE, game->a->path, 0,
                                  "a hybrid with %s cannot be laid out on the devices of either "
                                  "run: choose a global batch that more replicas divide",
                                  game->b->path ? game->b->path : "the other run");
    sum_up(game, x);
    return ASSAY_OK;
}

assay_status assay_claim_explain(const struct assay_claim_data *data, const struct assay_run *a,
                                 const struct assay_run *b, const double *active,
                                 const struct assay_context *context, struct assay_explanation *x,
                                 struct assay_error *error)
{
    const struct assay_run *const runs[2] = {a, b};
    struct game game = {.data = data, .a = a, .b = b, .seed = context->seed};

    memset(x, 0, sizeof *x);
    for (int i = 0; i < 2; i++) {
        if (!(runs[i]->tokens > 0))
            return assay_error_at(error, ASSAY_ERROR_UNANSWERABLE, runs[i]->path, 0,
                                  "the run states no tokens, so it has no cost: add "
                                  "training.tokens");
        x->hours[i] = run_claimed_hours(runs[i]);
    }
    x->stated = x->hours[0] > 0 && x->hours[1] > 0;
    split_published(x, runs, active);
    for (int g = 0; g < GROUP_COUNT; g++)
        if (group_differs(a, b, (enum group)g))
            game.player[game.players++] = (enum group)g;

    size_t subsets = (size_t)1 << game.players;
    game.log_slowness = calloc(subsets * (COLUMNS + 1), sizeof *game.log_slowness);
    game.rechosen = calloc(3 * subsets, 1);
    if (!game.log_slowness || !game.rechosen) {
        free(game.log_slowness);
        free(game.rechosen);
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    }
    game.log_flops = game.log_slowness + subsets * COLUMNS;
    game.misfit = game.rechosen + subsets;
    game.failed = game.misfit + subsets;
    assay_status status = play_all(&game, context, x, error);
    free(game.log_slowness);
    free(game.rechosen);
    return status;
}
