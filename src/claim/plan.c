/* SPDX-License-Identifier: Apache-2.0 */
/* Plans: whether one can be laid out, and how it is written for people. */
#include <assay/claim.h>

#include <stdio.h>

static const char *schedule_name(const struct assay_plan *plan)
{
    switch (plan->schedule) {
    case ASSAY_SCHEDULE_ZERO_BUBBLE:
        return "zero-bubble";
    case ASSAY_SCHEDULE_DUALPIPE:
        return "dualpipe";
    case ASSAY_SCHEDULE_1F1B:
        break;
    }
    return plan->virtual_stages > 1 ? "interleaved" : "1f1b";
}

void assay_plan_print(const struct assay_plan *plan, char *text, size_t size)
{
    static const char *const recompute[] = {"none", "selective", "full"};
    snprintf(text, size,
             "tensor %d, context %d, pipeline %d x %d (%s), data %d, expert %d, ZeRO-%d, "
             "micro-batch %lld of %lld, recompute %s%s%s",
             plan->tensor, plan->context, plan->pipeline, plan->virtual_stages, schedule_name(plan),
             plan->data, plan->expert, plan->zero, (long long)plan->micro_batch,
             (long long)plan->global_batch, recompute[plan->recompute],
             plan->sequence_parallel ? ", sequence-parallel" : "",
             plan->unfused_attention ? ", unfused attention" : "");
}

assay_status assay_plan_check(const struct assay_run *run, struct assay_error *error)
{
    const struct assay_plan *p = &run->plan;
    const struct assay_architecture *a = &run->architecture;
    const char *file = run->path;
    int64_t product = (int64_t)p->tensor * p->context * p->pipeline * p->data;

    if (p->tensor < 1 || p->context < 1 || p->pipeline < 1 || p->virtual_stages < 1 ||
        p->data < 1 || p->expert < 1 || p->micro_batch < 1 || p->global_batch < 1)
        return assay_error_at(error, ASSAY_ERROR_INPUT, file, 0,
                              "every degree of a plan must be at least 1");
    if (product != run->machine.devices)
        return assay_error_at(error, ASSAY_ERROR_INPUT, file, 0,
                              "the plan uses tensor %d x context %d x pipeline %d x data %d = %lld "
                              "devices, expected the run's %lld",
                              p->tensor, p->context, p->pipeline, p->data, (long long)product,
                              (long long)run->machine.devices);
    if (a->heads % p->tensor != 0)
        return assay_error_at(error, ASSAY_ERROR_INPUT, file, 0,
                              "tensor %d does not divide the %lld attention heads", p->tensor,
                              (long long)a->heads);
    if ((int64_t)p->pipeline * p->virtual_stages > a->layers + a->mtp_layers + 2)
        return assay_error_at(error, ASSAY_ERROR_INPUT, file, 0,
                              "pipeline %d x %d virtual stages, but the model has %lld layers",
                              p->pipeline, p->virtual_stages, (long long)a->layers);
    if (p->global_batch % (p->micro_batch * p->data) != 0)
        return assay_error_at(error, ASSAY_ERROR_INPUT, file, 0,
                              "the global batch of %lld sequences is not a multiple of micro-batch "
                              "%lld x data %d",
                              (long long)p->global_batch, (long long)p->micro_batch, p->data);
    if (p->expert > 1 && a->experts == 0)
        return assay_error_at(error, ASSAY_ERROR_INPUT, file, 0,
                              "expert %d, but the model has no experts", p->expert);
    if (p->expert > 1 && (a->experts % p->expert != 0 || (product / p->pipeline) % p->expert != 0))
        return assay_error_at(error, ASSAY_ERROR_INPUT, file, 0,
                              "expert %d must divide the %lld experts and the %lld devices of a "
                              "pipeline stage",
                              p->expert, (long long)a->experts, (long long)(product / p->pipeline));
    return ASSAY_OK;
}
