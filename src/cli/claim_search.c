/* SPDX-License-Identifier: Apache-2.0 */
/* assay claim search */
#include "cli/claim.h"
#include "cli/commands.h"

#include "base/json.h"

#include <assay/search.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ACCELERATOR, COUNT, PARETO, MICRO_BATCH };

#define MOST_COUNTS 64
static const int64_t most_devices = 65536;

/* One machine size and its best plan. */
struct point {
    int64_t devices;
    struct assay_search_result found;
    bool answered, on_front;
};

struct searched {
    struct point points[MOST_COUNTS];
    size_t count;
    uint64_t plans;
    double seconds;
};

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* ---- work ------------------------------------------------------------------------------------ */

/* Whole nodes: 8, 16, 24, 32, 48, 64, 96, ... devices. */
static void list_counts(struct searched *s)
{
    for (int64_t n = 8; n <= most_devices; n *= 2) {
        s->points[s->count++].devices = n;
        if (n >= 16 && n + n / 2 <= most_devices)
            s->points[s->count++].devices = n + n / 2;
    }
}

/* More devices must buy time: the points that no smaller machine is as fast as. */
static void mark_front(struct searched *s)
{
    double least = INFINITY;
    for (size_t i = 0; i < s->count; i++) {
        struct point *p = &s->points[i];
        p->on_front = p->answered && p->found.step.memory.fits && p->found.step.seconds < least;
        if (p->on_front)
            least = p->found.step.seconds;
    }
}

static assay_status search_all(struct cli_call *call, const struct assay_claim_data *data,
                               struct assay_run *run, const struct assay_search_space *space,
                               struct searched *s)
{
    double start = now();
    size_t answered = 0;
    for (size_t i = 0; i < s->count; i++) {
        struct point *p = &s->points[i];
        run->machine.devices = p->devices;
        assay_status status =
            assay_claim_search(data, run, space, &call->context, &p->found, &call->error);
        if (status != ASSAY_OK && status != ASSAY_ERROR_UNANSWERABLE)
            return status;
        p->answered = status == ASSAY_OK;
        answered += p->answered;
        s->plans += p->found.plans;
    }
    s->seconds = now() - start;
    mark_front(s);
    return answered > 0 ? ASSAY_OK : ASSAY_ERROR_UNANSWERABLE;
}

/* ---- output ---------------------------------------------------------------------------------- */

static const char limits[] =
    "Fastest at the medians of the efficiency table; plans within a few percent of it cannot be "
    "told apart by the model. Exact over the space that `assay claim search --help` names.";

static json_t *point_json(const struct assay_run *run, const struct point *p)
{
    json_t *o = json_object();
    double tokens = (double)run->plan.global_batch * (double)run->sequence;
    const struct assay_step *step = &p->found.step;
    json_set_number(o, "devices", (double)p->devices);
    json_object_set_new(o, "plan", cli_plan_json(&p->found.plan));
    json_set_number(o, "step_seconds", step->seconds);
    json_set_number(o, "tokens_per_second_per_accelerator", step->tokens_per_second_per_device);
    json_set_number(o, "mfu", step->mfu);
    json_set_number(o, "peak_memory_bytes", step->memory.peak);
    json_object_set_new(o, "fits", json_boolean(step->memory.fits));
    if (run->tokens > 0)
        json_set_number(o, "accelerator_hours",
                        step->seconds * run->tokens / tokens * (double)p->devices / 3600);
    json_set_number(o, "plans_evaluated", (double)p->found.plans);
    json_set_number(o, "plans_that_fit", (double)p->found.fit);
    return o;
}

static const struct point *fastest(const struct searched *s)
{
    const struct point *best = NULL;
    for (size_t i = 0; i < s->count; i++)
        if (s->points[i].on_front)
            best = &s->points[i];
    for (size_t i = 0; i < s->count && !best; i++)
        if (s->points[i].answered)
            best = &s->points[i];
    return best;
}

static json_t *to_json(const struct assay_run *run, const struct searched *s, bool pareto)
{
    json_t *o = json_object(), *list = json_array();
    json_set_text(o, "name", run->name);
    json_set_text(o, "accelerator", run->machine.accelerator.name);
    json_set_number(o, "plans_evaluated", (double)s->plans);
    json_set_number(o, "seconds", s->seconds);
    json_object_set_new(o, "best", point_json(run, fastest(s)));
    for (size_t i = 0; i < s->count; i++)
        if (s->points[i].answered && (!pareto || s->points[i].on_front))
            json_array_append_new(list, point_json(run, &s->points[i]));
    json_object_set_new(o, pareto ? "pareto" : "counts", list);
    json_set_text(o, "limits", limits);
    return o;
}

static void print_best(const struct point *p)
{
    char plan[256];
    assay_plan_print(&p->found.plan, plan, sizeof plan);
    cli_say("  %lld devices: step %.4g s, MFU %.1f%%, peak memory %.3g of %.3g GB%s\n",
            (long long)p->devices, p->found.step.seconds, 100 * p->found.step.mfu,
            p->found.step.memory.peak / 1e9, p->found.step.memory.available / 1e9,
            p->found.step.memory.fits ? "" : " (NO PLAN FITS)");
    cli_print_wrapped(plan, "    ");
}

static void print(const struct assay_run *run, const struct searched *s, bool pareto)
{
    double longest = 0;
    cli_say("%s on %s\n", run->name[0] ? run->name : run->path, run->machine.accelerator.name);
    cli_say("%.4g plans timed in %.3g s: %.3g million a second\n\n", (double)s->plans, s->seconds,
            (double)s->plans / s->seconds / 1e6);
    if (s->count == 1) {
        print_best(&s->points[0]);
    } else {
        cli_say("  %8s %12s %8s %14s  %s\n", "devices", "step, s", "MFU", "tokens/s", "time");
        for (size_t i = 0; i < s->count; i++)
            if (s->points[i].on_front && longest == 0)
                longest = s->points[i].found.step.seconds;
        for (size_t i = 0; i < s->count; i++) {
            const struct point *p = &s->points[i];
            if (!p->answered || !p->found.step.memory.fits || (pareto && !p->on_front))
                continue;
            double share = longest > 0 ? p->found.step.seconds / longest : 0;
            cli_say("  %8lld %12.4g %7.1f%% %14.4g  %.*s\n", (long long)p->devices,
                    p->found.step.seconds, 100 * p->found.step.mfu,
                    p->found.step.tokens_per_second_per_device * (double)p->devices,
                    (int)fmin(28, share * 28 + 0.5), "############################");
        }
        cli_say("\nFastest:\n");
        print_best(fastest(s));
    }
    cli_say("\n");
    cli_print_wrapped(limits, "");
}

/* ---- the command -------------------------------------------------------------------------------
 */

static assay_status read_counts(struct cli_call *call, const struct assay_run *run,
                                struct searched *s)
{
    const char *text = call->value[COUNT];
    if (call->value[PARETO] || (text && strcmp(text, "any") == 0)) {
        list_counts(s);
        return ASSAY_OK;
    }
    s->count = 1;
    s->points[0].devices = run->machine.devices;
    return cli_number(call, COUNT, 1, 10000000, &s->points[0].devices);
}

static assay_status search(struct cli_call *call, const struct assay_claim_data *data,
                           struct assay_run *run)
{
    struct assay_search_space space = assay_search_space_default();
    struct searched *s = calloc(1, sizeof *s);
    if (!s)
        return assay_error_at(&call->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    assay_status status = read_counts(call, run, s);
    if (status == ASSAY_OK)
        status = cli_number(call, MICRO_BATCH, 1, 4096, &space.most_micro_batch);
    if (status == ASSAY_OK && call->value[ACCELERATOR])
        status = cli_set_accelerator(call, data, run, call->value[ACCELERATOR]);
    run->plan_known = false; /* efficiency is that of a chosen layout */
    if (status == ASSAY_OK)
        status = search_all(call, data, run, &space, s);
    if (status == ASSAY_OK) {
        if (call->json) {
            status = cli_print_json(call, to_json(run, s, call->value[PARETO] != NULL));
        } else {
            print(run, s, call->value[PARETO] != NULL);
            status = cli_finish_output(call);
        }
    }
    free(s);
    return status;
}

static assay_status run_command(struct cli_call *call)
{
    return cli_with_run(call, search);
}

const struct cli_command cli_claim_search = {
    .room = "claim",
    .verb = "search",
    .arguments = "RUN.yaml",
    .summary = "Find the best layout of a run on a machine, exactly",
    .text = "Times every plan of a stated space and names the fastest that fits in memory: tensor\n"
            "over the divisors of devices and heads inside the scale-up domain; context 1 to 16;\n"
            "pipeline over all divisors up to the layers; 1 to 16 chunks a stage; expert over the\n"
            "divisors of the experts; ZeRO 0 to 3; micro-batch over the divisors of a replica's\n"
            "batch up to 64; no, selective and full recomputation; with and without sequence\n"
            "parallelism; 1F1B, interleaved, zero-bubble and DualPipe. Nothing is pruned. The\n"
            "global batch stays. --count any tries 8 to 65,536 devices, and --pareto keeps those\n"
            "that no smaller machine is as fast as.\n",
    .least = 1,
    .most = 1,
    .options = {{"accelerator", "NAME", "another accelerator of the table"},
                {"count", "N|any", "another number of devices, or many"},
                {"pareto", NULL, "time against devices"},
                {"micro-batch", "N", "largest micro-batch (64)"}},
    .run = run_command,
};
