/* SPDX-License-Identifier: Apache-2.0 */
#include "claim/step.h"

#include "claim/flops.h"

#include <math.h>
#include <string.h>

/* ---- one layer, with what hides behind what -------------------------------------------- */

static struct timed time_layer(const struct assay_run *run, const struct assay_efficiency *e,
                               const struct layer_cost *c)
{
    struct timed t = {.by_weight = c->weight_seconds};
    double forward = pass_compute_seconds(&c->forward, run->blocking_launches);
    double backward =
        pass_compute_seconds(&c->backward, run->blocking_launches) + c->recompute_seconds;
    double tensor = 1 - e->tensor_overlap;

    for (int part = 0; part < ASSAY_PART_COUNT; part++)
        t.part[part] = c->forward.compute[part] + c->backward.compute[part];
    t.part[ASSAY_PART_LAUNCH] = 0; /* what the host adds to the device's time */
    for (int part = 0; part < ASSAY_PART_COUNT; part++)
        if (part != ASSAY_PART_LAUNCH)
            t.part[ASSAY_PART_LAUNCH] -= t.part[part];
    t.part[ASSAY_PART_LAUNCH] += forward + backward - c->recompute_seconds;
    t.part[ASSAY_PART_RECOMPUTE] = c->recompute_seconds;

    /* Context exchange hides behind the attention of the chunk before, as ring attention does. */
    double context_forward = fmax(0, c->forward.context - c->forward.compute[ASSAY_PART_ATTENTION]);
    double context_backward =
        fmax(0, c->backward.context - c->backward.compute[ASSAY_PART_ATTENTION]);

    double dispatch_forward = c->forward.dispatch * (1 - e->expert_overlap);
    double dispatch_backward = c->backward.dispatch * (1 - e->expert_overlap);
    if (run->plan.schedule == ASSAY_SCHEDULE_DUALPIPE) {
        /* One micro-batch's forward runs against another's backward: the dispatch of each hides
         * behind the computation of the other, and only what is longer shows. */
        dispatch_forward = fmax(0, c->forward.dispatch - backward);
        dispatch_backward = fmax(0, c->backward.dispatch - forward);
    }
    t.forward = forward + tensor * c->forward.tensor + context_forward + dispatch_forward;
    t.backward = backward + tensor * c->backward.tensor + context_backward + dispatch_backward;
    t.part[ASSAY_PART_TENSOR] = tensor * (c->forward.tensor + c->backward.tensor);
    t.part[ASSAY_PART_CONTEXT] = context_forward + context_backward;
    t.part[ASSAY_PART_DISPATCH] = dispatch_forward + dispatch_backward;
    return t;
}

static void add(struct timed *sum, const struct timed *t, double times)
{
    for (int part = 0; part < ASSAY_PART_COUNT; part++)
        sum->part[part] += times * t->part[part];
    sum->forward += times * t->forward;
    sum->backward += times * t->backward;
    sum->by_weight += times * t->by_weight;
}

static double both(const struct timed *t)
{
    return t->forward + t->backward;
}

/* ---- stages --------------------------------------------------------------------------- */

/*
 * Layers of the last stage, which also bears the head, and of each other one. Software splits
 * layers evenly where they divide. Where they do not, people balance: the last stage gets fewer,
 * so that the slowest stage is as fast as whole layers allow.
 */
static void split_layers(double layers, double count, double head_in_layers, struct stages *stages)
{
    stages->layers_last = stages->layers_each = layers / count;
    if (count <= 1 || fmod(layers, count) == 0)
        return;
    double even = (layers + head_in_layers) / count, best = INFINITY;
    for (int up = 0; up <= 1; up++) {
        double last = fmax(0, floor(even - head_in_layers) + up);
        double others = ceil((layers - last) / (count - 1));
        double slowest = fmax(last + head_in_layers, others);
        if (slowest < best) {
            best = slowest;
            stages->layers_last = last;
            stages->layers_each = others;
        }
    }
}

static void cost_layers(const struct assay_run *run, const struct assay_efficiency *e,
                        struct stages *stages)
{
    const struct assay_architecture *a = &run->architecture;
    struct device device;
    struct network network;

    device_set(&device, run, e);
    network_set(&network, run, e);
    memset(stages, 0, sizeof *stages);
    stages->moe_layers = (double)assay_architecture_moe_layers(a);
    stages->dense_layers = (double)a->layers - stages->moe_layers;
    stages->mtp_layers = (double)a->mtp_layers;
    if (stages->dense_layers > 0)
        layer_cost(run, e, &device, &network, LAYER_DENSE, &stages->dense);
    if (stages->moe_layers > 0)
        layer_cost(run, e, &device, &network, LAYER_MOE, &stages->moe);
    layer_head(run, e, &device, &network, &stages->head);
    layer_embedding(run, e, &device, &stages->embedding);
}

/* ---- exchanges between data ranks, and the optimizer ------------------------------------ */

struct exchange {
    double once;      /* seconds a step, when weights are not sharded */
    double each;      /* seconds a micro-batch, when they are (ZeRO-3) */
    double optimizer; /* seconds a step */
};

static struct exchange exchange_of(const struct assay_run *run, const struct assay_efficiency *e,
                                   const struct network *network, const struct stages *stages)
{
    const struct assay_plan *p = &run->plan;
    struct exchange x = {0};
    double ranks = (double)p->data * p->context, all = ranks * p->tensor;
    struct group dense_group = {ranks, p->tensor};
    struct group expert_group = {fmax(1, all / p->expert), p->expert};
    double rate = run->machine.accelerator.memory_bandwidth * e->memory;

    double layers = stages->last_is_slowest ? stages->layers_last : stages->layers_each;
    double moe = layers * stages->moe_share, dense = layers - moe;
    double weights[2] = {
        dense * stages->dense.weights + moe * stages->moe.weights +
            (stages->last_is_slowest ? stages->head.weights : 0) +
            (p->pipeline == 1 && !run->architecture.tied ? stages->embedding.weights : 0),
        moe * stages->moe.expert_weights};
    struct group groups[2] = {dense_group, expert_group};
    for (int i = 0; i < 2; i++) {
        double gradients =
            network_gather_seconds(network, groups[i], weights[i] * run->gradient_bytes);
        double gathered = network_gather_seconds(network, groups[i], weights[i] * 2);
        if (p->zero == 3) {
            x.each += 2 * gathered +
                      network_gather_seconds(network, groups[i], weights[i] * run->gradient_bytes);
        } else {
            x.once += gradients + (p->zero > 0 ? gathered : gradients);
        }
        double own = weights[i] / (p->zero > 0 ? groups[i].n : 1);
        double held = weights[i] / (p->zero > 1 ? groups[i].n : 1);
        /* states read and written, weights written, gradients read; gradients cleared and their
         * norm taken on what is held */
        x.optimizer += (own * (2 * run->optimizer_bytes + 2 + run->gradient_bytes) +
                        held * 2 * run->gradient_bytes) /
                       rate;
    }
    return x;
}

/* ---- schedule ------------------------------------------------------------------------- */

/*
 * Seconds in which the slowest stage waits for others, as a share of filling and draining the
 * pipeline once: (p-1)(F+B) for 1F1B (arXiv 2104.04473, 2.2.1), that over v when interleaved
 * (2.2.2), (p-1)(F+B-2W) for ZB-H1 where B contains W (arXiv 2401.10241, table 2), and
 * (p/2-1)(F&B + B - 3W) for DualPipe (arXiv 2412.19437, table 2).
 */
static double bubble_share(const struct assay_plan *p, const struct timed *stage)
{
    double f = stage->forward, b = stage->backward, w = stage->by_weight;
    if (p->pipeline <= 1)
        return 0;
    switch (p->schedule) {
    case ASSAY_SCHEDULE_ZERO_BUBBLE:
        return fmax(0, (f + b - 2 * w) / (f + b)) / p->virtual_stages;
    case ASSAY_SCHEDULE_DUALPIPE:
        return fmax(0, (p->pipeline / 2.0 - 1) / (p->pipeline - 1) * (f + 2 * b - 3 * w) / (f + b));
    case ASSAY_SCHEDULE_1F1B:
        break;
    }
    return 1.0 / p->virtual_stages;
}

void step_prepare(const struct assay_run *run, const struct assay_efficiency *e,
                  struct prepared_step *prepared)
{
    double layers = (double)run->architecture.layers;
    struct stages *stages = &prepared->stages;

    cost_layers(run, e, stages);
    network_set(&prepared->network, run, e);
    prepared->model_flops = model_flops(&run->architecture, run->sequence);
    struct timed dense = time_layer(run, e, &stages->dense), moe = time_layer(run, e, &stages->moe);
    struct timed head = time_layer(run, e, &stages->head);
    prepared->embedding = time_layer(run, e, &stages->embedding);

    /* The model's mean layer; an MTP layer is a layer and one more head. */
    memset(&prepared->layer, 0, sizeof prepared->layer);
    add(&prepared->layer, &dense, stages->dense_layers / layers);
    add(&prepared->layer, &moe, stages->moe_layers / layers);
    prepared->top = head;
    add(&prepared->top, &head, stages->mtp_layers);
    add(&prepared->top, &prepared->layer, stages->mtp_layers);
    stages->moe_share = stages->moe_layers / layers;
}

void step_finish(const struct assay_run *run, const struct assay_efficiency *e,
                 struct prepared_step *prepared, struct assay_step *step)
{
    const struct assay_plan *p = &run->plan;
    const struct assay_architecture *a = &run->architecture;
    struct stages *stages = &prepared->stages;
    const struct timed *layer = &prepared->layer, *top = &prepared->top;
    double layers = (double)a->layers;
    double batches = (double)p->global_batch / ((double)p->micro_batch * p->data);
    struct timed stage = {0};

    split_layers(layers, p->pipeline, both(top) / both(layer), stages);
    double all = layers * both(layer) + both(top) + both(&prepared->embedding);
    stages->last_is_slowest = p->pipeline == 1 || stages->layers_last * both(layer) + both(top) >
                                                      stages->layers_each * both(layer);
    add(&stage, layer, stages->last_is_slowest ? stages->layers_last : stages->layers_each);
    if (stages->last_is_slowest)
        add(&stage, top, 1);
    if (p->pipeline == 1)
        add(&stage, &prepared->embedding, 1);

    memset(step, 0, sizeof *step);
    double busy = both(&stage);
    for (int part = 0; part < ASSAY_PART_COUNT; part++)
        step->part[part] = batches * stage.part[part];
    step->part[ASSAY_PART_BUBBLE] = fmax(0, all - busy) * bubble_share(p, &stage);
    step->part[ASSAY_PART_LAUNCH] +=
        e->step_seconds + e->host_seconds * batches * p->virtual_stages;

    if (p->pipeline > 1) {
        double stride = (double)run->machine.devices / p->pipeline;
        double bytes = (double)p->micro_batch * (double)run->sequence / p->context *
                       (double)a->hidden * 2 / (p->sequence_parallel ? p->tensor : 1);
        double send = network_send_seconds(&prepared->network, stride, bytes);
        step->part[ASSAY_PART_PIPELINE] =
            2 * send * (1 - e->pipeline_overlap) * batches * p->virtual_stages +
            2 * send * (p->pipeline - 1);
    }

    struct exchange x = exchange_of(run, e, &prepared->network, stages);
    if (p->zero == 3) {
        double hidden = fmin(x.each * e->data_overlap, busy);
        step->part[ASSAY_PART_DATA] = batches * (x.each - hidden);
    } else { /* gradients of early layers leave during the last backward pass */
        step->part[ASSAY_PART_DATA] = x.once - fmin(x.once * e->data_overlap, busy);
    }
    step->part[ASSAY_PART_OPTIMIZER] = x.optimizer;

    double sum = 0;
    for (int part = 0; part < ASSAY_PART_COUNT; part++)
        sum += step->part[part];
    double nodes = (double)run->machine.devices / 8;
    step->part[ASSAY_PART_STRAGGLERS] = sum * e->straggler * log2(fmax(1, nodes));
    step->seconds = sum + step->part[ASSAY_PART_STRAGGLERS];

    double devices = (double)run->machine.devices;
    step->model_flops = prepared->model_flops * (double)p->global_batch;
    step->mfu = step->model_flops / (step->seconds * devices * run->machine.accelerator.flops_bf16);
    step->tokens_per_second_per_device =
        (double)p->global_batch * (double)run->sequence / (step->seconds * devices);
    step_memory(run, e, stages, &step->memory);
}

void assay_step_predict(const struct assay_run *run, const struct assay_efficiency *e,
                        struct assay_step *step)
{
    struct prepared_step prepared;
    step_prepare(run, e, &prepared);
    step_finish(run, e, &prepared, step);
}

const char *assay_part_name(enum assay_part part)
{
    static const char *const names[ASSAY_PART_COUNT] = {
        "linear",    "experts", "attention", "elementwise", "cast",
        "recompute", "launch",  "tensor",    "context",     "dispatch",
        "pipeline",  "bubble",  "data",      "optimizer",   "stragglers",
    };
    return (unsigned)part < ASSAY_PART_COUNT ? names[part] : "unknown";
}
