/* SPDX-License-Identifier: Apache-2.0 */
#include "claim/step.h"

#include <math.h>

/* Bytes of a device that holds `dense` replicated and `expert` expert weights. */
static void hold(const struct assay_run *run, double dense, double expert,
                 struct assay_memory *memory)
{
    const struct assay_plan *p = &run->plan;
    double ranks = (double)p->data * p->context;
    double counts[2] = {dense, expert};
    double groups[2] = {ranks, fmax(1, ranks * p->tensor / p->expert)};
    for (int i = 0; i < 2; i++) {
        memory->weights += counts[i] * run->weight_bytes / (p->zero > 2 ? groups[i] : 1);
        memory->gradients += counts[i] * run->gradient_bytes / (p->zero > 1 ? groups[i] : 1);
        memory->optimizer += counts[i] * run->optimizer_bytes / (p->zero > 0 ? groups[i] : 1);
    }
}

/* Micro-batches whose activations a stage holds at once; `first` is the fullest under 1F1B. */
static double in_flight(const struct assay_plan *p, bool first)
{
    double stages = p->pipeline, v = p->virtual_stages;
    double batches = (double)p->global_batch / ((double)p->micro_batch * p->data);
    double held = 1;
    if (stages > 1 && p->schedule == ASSAY_SCHEDULE_DUALPIPE)
        held = stages + 1;        /* arXiv 2412.19437, table 2 */
    else if (stages > 1 && v > 1) /* arXiv 2104.04473, 2.2.2; arXiv 2205.05198, 4.2.3 */
        held = (first ? stages : 1) * (1 + (stages - 1) / (stages * v));
    else if (stages > 1)
        held = first ? stages : 1;
    return fmin(held, batches);
}

static struct assay_memory stage_memory(const struct assay_run *run,
                                        const struct assay_efficiency *e, const struct stages *s,
                                        bool first, bool last)
{
    const struct assay_plan *p = &run->plan;
    struct assay_memory memory = {0};
    bool dual = p->schedule == ASSAY_SCHEDULE_DUALPIPE && p->pipeline > 1;
    double layers = last ? s->layers_last : s->layers_each;
    double moe = layers * s->moe_share, dense = layers - moe;
    double replicated = dense * s->dense.weights + moe * s->moe.weights;
    double expert = moe * s->moe.expert_weights;

    if (last && s->mtp_layers > 0) {
        replicated += s->mtp_layers * (s->moe_share > 0 ? s->moe.weights : s->dense.weights);
        expert += s->mtp_layers * s->moe.expert_weights;
    }
    if (first || dual)
        replicated += s->embedding.weights;
    if (last || dual)
        replicated += first && run->architecture.tied ? 0 : s->head.weights;
    hold(run, replicated, expert, &memory);
    if (dual) /* two copies of the weights: each device is a stage of both directions */
        memory.weights *= 2;

    double layer = (dense * s->dense.activation_bytes + moe * s->moe.activation_bytes);
    memory.activations =
        layer * in_flight(p, first) + fmax(s->dense.working_bytes, s->moe.working_bytes);
    if (last)
        memory.activations += s->head.activation_bytes;
    memory.activations *= e->memory_overhead;
    if (p->zero > 2) /* the layer at work and the next one, gathered */
        memory.activations += 2 * 2 *
                              fmax(s->dense.weights + s->dense.expert_weights,
                                   s->moe.weights + s->moe.expert_weights);
    memory.overhead = e->memory_fixed_bytes;
    memory.peak =
        memory.weights + memory.gradients + memory.optimizer + memory.activations + memory.overhead;
    const struct assay_accelerator *a = &run->machine.accelerator;
    memory.available = a->memory_usable_bytes > 0 ? a->memory_usable_bytes : a->memory_bytes;
    memory.fits = memory.peak <= memory.available;
    return memory;
}

void step_memory(const struct assay_run *run, const struct assay_efficiency *efficiency,
                 const struct stages *stages, struct assay_memory *memory)
{
    bool one = run->plan.pipeline == 1;
    *memory = stage_memory(run, efficiency, stages, true, one);
    if (!one) {
        struct assay_memory last = stage_memory(run, efficiency, stages, false, true);
        if (last.peak > memory->peak)
            *memory = last;
    }
}
