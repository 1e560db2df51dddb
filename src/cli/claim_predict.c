/* SPDX-License-Identifier: Apache-2.0 */
/* assay claim predict */
#include "cli/claim.h"
#include "cli/commands.h"

#include "base/json.h"

#include <math.h>
#include <string.h>

static const char *const limits[] = {
    "The model is analytic: simulation informs, it does not determine. `assay claim validate` "
    "shows how far it is from measured runs.",
    "Intervals are the middle 80% over what is not known of achieved efficiency; they say nothing "
    "of claims that are false.",
    /* only where it is so */
    "No layout is stated: the plan is the fastest that Assay found. Of measured runs without a "
    "stated layout fewer lie in the 80% interval than 80% (`assay claim validate`, layout "
    "unknown).",
};

static size_t limit_count(const struct assay_run *run)
{
    return sizeof limits / sizeof limits[0] - (run->plan_known ? 1 : 0);
}

static json_t *breakdown(const struct assay_step *step)
{
    json_t *list = json_array();
    for (int part = 0; part < ASSAY_PART_COUNT; part++) {
        json_t *entry = json_object();
        json_set_text(entry, "name", assay_part_name((enum assay_part)part));
        json_set_number(entry, "seconds", step->part[part]);
        json_array_append_new(list, entry);
    }
    return list;
}

static json_t *to_json(const struct cli_call *call, const struct assay_run *run,
                       const struct assay_prediction *p)
{
    const struct assay_memory *m = &p->step.memory;
    json_t *object = json_object(), *memory = json_object();
    json_set_text(object, "name", run->name);
    json_set_text(object, "accelerator", run->machine.accelerator.name);
    json_set_number(object, "devices", (double)run->machine.devices);
    json_set_interval(object, "step_seconds", p->step_seconds);
    json_set_interval(object, "accelerator_hours", p->device_hours);
    json_set_interval(object, "wall_seconds", p->wall_seconds);
    json_set_interval(object, "tokens_per_second_per_accelerator", p->tokens_per_second_per_device);
    json_set_number(object, "mfu", p->mfu.median);
    json_set_interval(object, "mfu_interval", p->mfu);
    json_set_number(object, "peak_memory_bytes", m->peak);
    json_set_interval(object, "peak_memory_bytes_interval", p->memory_bytes);
    json_object_set_new(object, "fits", json_boolean(m->fits));
    json_set_number(memory, "weights", m->weights);
    json_set_number(memory, "gradients", m->gradients);
    json_set_number(memory, "optimizer", m->optimizer);
    json_set_number(memory, "activations", m->activations);
    json_set_number(memory, "overhead", m->overhead);
    json_set_number(memory, "available", m->available);
    json_object_set_new(object, "memory_bytes", memory);
    json_object_set_new(object, "plan", cli_plan_json(&run->plan));
    json_object_set_new(object, "plan_known", json_boolean(run->plan_known));
    json_object_set_new(object, "breakdown", breakdown(&p->step));
    json_set_number(object, "seed", (double)call->context.seed);
    json_object_set_new(object, "limits", json_texts(limits, limit_count(run)));
    return object;
}

static void print_interval(const char *name, struct assay_interval x, double unit,
                           const char *unit_name)
{
    cli_say("  %-26s %10.4g %s   (80%%: %.4g to %.4g)\n", name, x.median / unit, unit_name,
            x.low / unit, x.high / unit);
}

static void print(const struct assay_run *run, const struct assay_prediction *p)
{
    const struct assay_memory *m = &p->step.memory;
    char plan[256];
    assay_plan_print(&run->plan, plan, sizeof plan);
    cli_say("%s on %lld x %s\n  plan: %s%s\n\n", run->name[0] ? run->name : run->path,
            (long long)run->machine.devices, run->machine.accelerator.name, plan,
            run->plan_known ? "" : " (chosen by Assay)");
    print_interval("step", p->step_seconds, 1, "s");
    print_interval("tokens/s a device", p->tokens_per_second_per_device, 1, " ");
    print_interval("model FLOPs utilisation", p->mfu, 0.01, "%");
    if (isfinite(p->device_hours.median)) {
        print_interval("device-hours", p->device_hours, 1e3, "thousand");
        print_interval("wall time", p->wall_seconds, 86400, "days");
    }
    print_interval("peak memory", p->memory_bytes, 1e9, "GB");
    cli_say("  %-26s %10.4g GB   %s\n", "memory of a device", m->available / 1e9,
            p->memory_bytes.high <= m->available ? "fits"
            : p->memory_bytes.low > m->available ? "DOES NOT FIT"
            : m->fits                            ? "fits, too close to call"
                                                 : "does not fit, too close to call");
    cli_say("\nWhere a step's %.4g s go:\n", p->step.seconds);
    for (int part = 0; part < ASSAY_PART_COUNT; part++) {
        double share = p->step.part[part] / p->step.seconds;
        if (share > 0.0005)
            cli_say("  %-12s %8.3f s  %5.1f%%  %.*s\n", assay_part_name((enum assay_part)part),
                    p->step.part[part], 100 * share, (int)(share * 40 + 0.5),
                    "########################################");
    }
    cli_say("\n");
    for (size_t i = 0; i < limit_count(run); i++)
        cli_say("%s\n", limits[i]);
}

static assay_status predict(struct cli_call *call, const struct assay_claim_data *data,
                            struct assay_run *run)
{
    struct assay_prediction prediction;
    int64_t count = run->machine.devices;
    ASSAY_TRY(cli_number(call, 1, 1, 10000000, &count));
    if (call->value[0] || count != run->machine.devices)
        ASSAY_TRY(cli_change_machine(call, data, run, call->value[0], count));
    ASSAY_TRY(assay_claim_predict(data, run, &call->context, &prediction, &call->error));
    if (call->json)
        return cli_print_json(call, to_json(call, run, &prediction));
    print(run, &prediction);
    return cli_finish_output(call);
}

static assay_status run_command(struct cli_call *call)
{
    return cli_with_run(call, predict);
}

const struct cli_command cli_claim_predict = {
    .room = "claim",
    .verb = "predict",
    .arguments = "RUN.yaml",
    .summary = "Predict step time, device-hours and memory of a training run",
    .text =
        "Lays every operator of a training step out on the stated devices and adds up their\n"
        "times: matrix products, attention, memory-bound operators, expert dispatch,\n"
        "collectives, pipeline bubble, optimizer. Prints an 80% interval with every time, and\n"
        "where the time goes. A layout that needs more memory than there is gets an answer all\n"
        "the same: it does not fit. With --accelerator or --count the run moves to another\n"
        "machine, and keeps its layout if that still multiplies out, else gets the best one\n"
        "found. The form of RUN.yaml is in docs/claim.md.\n",
    .least = 1,
    .most = 1,
    .options = {{"accelerator", "NAME", "another accelerator of the table"},
                {"count", "N", "another number of devices"}},
    .run = run_command,
};
