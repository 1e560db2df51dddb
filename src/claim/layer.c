/* SPDX-License-Identifier: Apache-2.0 */
#include "claim/layer.h"

#include <math.h>
#include <string.h>

/* Everything an operator needs to know about where it runs. */
struct site {
    const struct assay_run *run;
    const struct assay_architecture *a;
    const struct assay_efficiency *efficiency;
    const struct device *device;
    const struct network *network;
    struct layer_cost *cost;
    double tokens; /* of the micro-batch on this device, before tensor ranks share them */
    double tensor;
    double stream; /* what one tensor rank holds of a residual-stream tensor: 1 or 1/tensor */
};

static struct site site_of(const struct assay_run *run, const struct assay_efficiency *efficiency,
                           const struct device *device, const struct network *network,
                           struct layer_cost *cost)
{
    const struct assay_plan *p = &run->plan;
    memset(cost, 0, sizeof *cost);
    return (struct site){
        .run = run,
        .a = &run->architecture,
        .efficiency = efficiency,
        .device = device,
        .network = network,
        .cost = cost,
        .tokens = (double)p->micro_batch * (double)run->sequence / p->context,
        .tensor = p->tensor,
        .stream = p->sequence_parallel ? 1.0 / p->tensor : 1,
    };
}

/* ---- operators ------------------------------------------------------------------------ */

/* `kernels` short kernels in front of each other. */
static void launches(struct site *s, double forward, double backward)
{
    s->cost->forward.compute[ASSAY_PART_LAUNCH] += forward * s->device->launch;
    s->cost->backward.compute[ASSAY_PART_LAUNCH] += backward * s->device->launch;
}

/* A memory-bound operator that moves at least so many bytes. */
static void elementwise(struct site *s, double forward_bytes, double backward_bytes, double kernels)
{
    double rate = s->device->memory_rate / s->efficiency->elementwise;
    s->cost->forward.compute[ASSAY_PART_ELEMENTWISE] += forward_bytes / rate;
    s->cost->backward.compute[ASSAY_PART_ELEMENTWISE] += backward_bytes / rate;
    launches(s, kernels, kernels);
}

/*
 * Kernels an expert and product against 16 bits: FP8 finds its range, casts and transposes;
 * blocks of scales are also packed for the matrix units, for rows and for columns.
 */
static double casts_of(enum assay_precision precision)
{
    switch (precision) {
    case ASSAY_PRECISION_FP8:
        return 3;
    case ASSAY_PRECISION_MXFP8:
    case ASSAY_PRECISION_FP4:
        return 6;
    default:
        return 1;
    }
}

/*
 * y = x W with x (m x k) and W (k x n), `batch` times: three products a step. Below 16 bits,
 * x, W's use of it and the gradient of y are quantised once each, in both orientations.
 */
static void linear(struct site *s, enum assay_part part, enum number_width width, double m,
                   double n, double k, double batch)
{
    struct layer_cost *c = s->cost;
    double slow = part == ASSAY_PART_EXPERTS ? 1 / s->device->grouped : 1;
    double by_weight = slow * device_matrix_seconds(s->device, width, k, n, m, batch);

    c->forward.compute[part] += slow * device_matrix_seconds(s->device, width, m, n, k, batch);
    c->backward.compute[part] +=
        slow * device_matrix_seconds(s->device, width, m, k, n, batch) + by_weight;
    c->weight_seconds += by_weight;
    if (width < WIDTH_16) {
        double rate = s->device->memory_rate / s->efficiency->cast;
        double bytes = 2 + 2 * s->device->operand_bytes[width]; /* read 16 bits, write twice */
        c->forward.compute[ASSAY_PART_CAST] += batch * m * k * bytes / rate;
        c->backward.compute[ASSAY_PART_CAST] += batch * m * n * bytes / rate;
        if (part != ASSAY_PART_EXPERTS)
            launches(s, 1, 1);
    }
    if (part == ASSAY_PART_EXPERTS) { /* each expert's product is a kernel, and so are its casts */
        double each = batch * s->efficiency->expert_launches * casts_of(s->run->precision);
        launches(s, each, 2 * each);
    } else {
        launches(s, 1, 2);
    }
}

/* Gather before a matrix that is split over tensor ranks, and reduce after it: one all-reduce,
 * or with sequence parallelism a gather and a scatter, of the same volume. */
static void tensor_exchange(struct site *s, double times)
{
    struct group group = {s->tensor, 1};
    double bytes = s->tokens * (double)s->a->hidden * 2;
    double seconds = 2 * times * network_gather_seconds(s->network, group, bytes);
    s->cost->forward.tensor += seconds;
    s->cost->backward.tensor += seconds;
}

/* ---- attention ------------------------------------------------------------------------ */

/*
 * Fused kernels: rate against sequence length and head width, relative to long rows at 128.
 * Fitted by eye to FlashAttention-2 on A100, forward and backward, causal: 99, 133, 155, 173,
 * 182, 189 TFLOP/s at 0.5K to 16K tokens, and 0.91 of that at width 64
 * (Dao-AILab/flash-attention, assets, data/kernel_facts.csv).
 */
static double fused_shape_share(double keys, double width)
{
    return keys / (keys + 470) * (width / (width + 14)) * ((128.0 + 14) / 128.0);
}

static void attention_core(struct site *s, double heads, double width_qk, double width_v)
{
    const struct assay_run *run = s->run;
    struct layer_cost *c = s->cost;
    double sequence = (double)run->sequence;
    double keys = s->a->window > 0 ? fmin(sequence, (double)s->a->window) : sequence;
    double rows = s->tokens; /* query positions on this device */
    /* mean keys a causal query sees: half of them, less where a window cuts */
    double seen = keys - keys * keys / (2 * sequence);
    double useful = 2 * rows * seen * heads * (width_qk + width_v);

    if (!run->plan.unfused_attention) {
        double rate = s->device->attention_rate * fused_shape_share(keys, (width_qk + width_v) / 2);
        c->forward.compute[ASSAY_PART_ATTENTION] += useful / rate;
        c->backward.compute[ASSAY_PART_ATTENTION] += 2.5 * useful / rate; /* scores once more */
        launches(s, 1, 2);
        return;
    }
    double batch = heads * rows / sequence; /* no context parallelism in such software */
    struct device slow = *s->device;
    slow.matrix_rate[WIDTH_16] = s->device->attention_unfused_rate;
    /* Batched products with a width that is no multiple of 8 halves miss the matrix units
     * (NVIDIA, Matrix Multiplication Background, 2.1): a twelfth of the rate, from the three such
     * models of BLOOM's sweep (docs/training_runs.md). */
    if (fmod(width_qk, 8) != 0)
        slow.matrix_rate[WIDTH_16] /= 12;
    slow.depth = 0; /* in attention_unfused already: depth is always a head's width */
    double scores = device_matrix_seconds(&slow, WIDTH_16, sequence, sequence, width_qk, batch);
    double values = device_matrix_seconds(&slow, WIDTH_16, sequence, width_v, sequence, batch);
    c->forward.compute[ASSAY_PART_ATTENTION] += scores + values;
    c->backward.compute[ASSAY_PART_ATTENTION] += 2 * (scores + values);
    launches(s, 2, 4);
    /* scores written, softmax and dropout read and write them: 13 bytes each way forward, 19
     * backward, of s^2 a head (2-byte scores, 1-byte mask; arXiv 2205.05198, 4.1) */
    double area = batch * sequence * sequence;
    elementwise(s, 11 * area, 17 * area, 2);
}

static void attention(struct site *s)
{
    const struct assay_architecture *a = s->a;
    enum number_width w = s->device->linear;
    double m = s->tokens, h = (double)a->hidden, t = s->tensor;
    double heads = (double)a->heads / t;
    struct layer_cost *c = s->cost;

    if (a->attention == ASSAY_ATTENTION_GROUPED) {
        double d = (double)a->head_dim, kv = fmax(1, (double)a->kv_heads / t);
        double qkv = (heads + 2 * kv) * d;
        linear(s, ASSAY_PART_LINEAR, w, m, qkv, h, 1);
        attention_core(s, heads, d, d);
        linear(s, ASSAY_PART_LINEAR, w, m, h, heads * d, 1);
        if (a->positions == 0)
            elementwise(s, 4 * m * (heads + kv) * d, 4 * m * (heads + kv) * d, 1);
        if (a->qk_norm || a->qk_norm_full)
            elementwise(s, 4 * m * (heads + kv) * d, 6 * m * (heads + kv) * d, 2);
        c->weights += h * (qkv + heads * d);
        if (s->run->plan.context > 1) { /* keys and values go round the ring (or are gathered) */
            struct group ring = {s->run->plan.context, t};
            double bytes = m * s->run->plan.context * 2 * kv * d * 2;
            double seconds = network_gather_seconds(s->network, ring, bytes);
            c->forward.context += seconds;
            c->backward.context += 2 * seconds;
        }
        return;
    }
    double rope = (double)a->rope_dim, nope = (double)a->nope_dim, v = (double)a->value_dim;
    double kv_rank = (double)a->kv_rank, q_rank = (double)a->q_rank;
    double q = heads * (nope + rope), up = heads * (nope + v), out = heads * v;
    double down = q_rank + kv_rank + rope;

    if (q_rank > 0) {
        linear(s, ASSAY_PART_LINEAR, w, m, down, h, 1);
        linear(s, ASSAY_PART_LINEAR, w, m, q, q_rank, 1);
    } else {
        linear(s, ASSAY_PART_LINEAR, w, m, q, h, 1);
        linear(s, ASSAY_PART_LINEAR, w, m, down, h, 1);
    }
    linear(s, ASSAY_PART_LINEAR, w, m, up, kv_rank, 1);
    attention_core(s, heads, nope + rope, v);
    linear(s, ASSAY_PART_LINEAR, w, m, h, out, 1);
    /* norms of the latents; keys and queries put together from their parts, rotary positions */
    elementwise(s, 4 * m * down + 4 * m * heads * (2 * (nope + rope)),
                6 * m * down + 4 * m * heads * (2 * (nope + rope)), 4);
    double weights = h * down + (q_rank > 0 ? q_rank : h) * q + kv_rank * up + h * out;
    c->weights += weights;
    if (s->run->plan.context > 1) {
        struct group ring = {s->run->plan.context, t};
        double seconds = network_gather_seconds(
            s->network, ring, m * s->run->plan.context * 2 * (heads * (nope + rope) + out));
        c->forward.context += seconds;
        c->backward.context += 2 * seconds;
    }
}

/* ---- feed-forwards -------------------------------------------------------------------- */

static void feed_forward(struct site *s, double width)
{
    enum number_width w = s->device->linear;
    double m = s->tokens, h = (double)s->a->hidden, f = width / s->tensor;
    double matrices = s->a->gated ? 3 : 2;

    linear(s, ASSAY_PART_LINEAR, w, m, f * (matrices - 1), h, 1);
    linear(s, ASSAY_PART_LINEAR, w, m, h, f, 1);
    if (s->a->gated)
        elementwise(s, 6 * m * f, 10 * m * f, 1);
    else
        elementwise(s, 4 * m * f, 6 * m * f, 1);
    s->cost->weights += h * f * matrices;
}

/*
 * Routed experts: each device holds experts/expert of them and gets, in the mean, as many
 * tokens as it sends; the fullest rank is what everyone waits for (imbalance). Tensor ranks
 * share the tokens among themselves (expert-tensor parallelism is not used with them).
 */
static void experts(struct site *s)
{
    const struct assay_architecture *a = s->a;
    const struct assay_plan *p = &s->run->plan;
    struct layer_cost *c = s->cost;
    double h = (double)a->hidden, f = (double)a->expert_ffn, matrices = a->gated ? 3 : 2;
    double mine = (double)a->experts / p->expert;
    double active = (double)a->experts_active;
    double m = s->tokens / s->tensor; /* tokens that this device sends out */
    double load = m * active * (p->expert > 1 ? s->efficiency->imbalance : 1);
    double each = load / mine; /* rows of one expert's product */
    enum number_width w = s->device->linear;

    linear(s, ASSAY_PART_LINEAR, WIDTH_16, m, (double)a->experts, h, 1); /* router */
    elementwise(s, 8 * m * (double)a->experts, 8 * m * (double)a->experts, 6);
    elementwise(s, load * 4 * h, load * 4 * h, 2); /* into expert order */
    linear(s, ASSAY_PART_EXPERTS, w, each, f * (matrices - 1), h, mine);
    linear(s, ASSAY_PART_EXPERTS, w, each, h, f, mine);
    elementwise(s, (a->gated ? 6 : 4) * load * f, (a->gated ? 10 : 6) * load * f, 1);
    elementwise(s, load * 4 * h, load * 4 * h, 2); /* back, weighted and summed */

    double row = h * (w < WIDTH_16 ? 1 + 4.0 / 128 : 2); /* a scale for 128 values, 3.3.2 */
    double limit = a->expert_groups > 1 ? (double)a->groups_active : 0;
    double sent = network_dispatch_seconds(s->network, p->expert, m * row, active, limit) +
                  network_dispatch_seconds(s->network, p->expert, m * h * 2, active, limit);
    c->forward.dispatch += sent * s->efficiency->imbalance;
    c->backward.dispatch += sent * s->efficiency->imbalance;

    c->weights += h * (double)a->experts;
    c->expert_weights += mine * h * f * matrices;
}

/* ---- what stays in memory ------------------------------------------------------------- */

/*
 * Bytes kept for the backward pass (Korthikanti et al., arXiv 2205.05198, 4, generalised to
 * gated and grouped layers and fused attention). With FP8, inputs of matrix products are kept
 * in one byte.
 */
static void keep_activations(struct site *s, enum layer_kind kind)
{
    const struct assay_architecture *a = s->a;
    const struct assay_plan *p = &s->run->plan;
    double h = (double)a->hidden, m = s->tokens;
    double heads = (double)a->heads / s->tensor, kv = fmax(1, (double)a->kv_heads / s->tensor);
    double input = s->device->linear < WIDTH_16 ? 1 : 2; /* bytes of a kept product input */
    bool selective = p->recompute == ASSAY_RECOMPUTE_SELECTIVE;
    bool unfused = p->unfused_attention;
    double bytes;

    double stream = 4 * h; /* inputs of the two norms */
    if (!selective || unfused)
        stream += 2 * input * h; /* their outputs: inputs of the products */
    if (unfused)
        stream += 2 * h; /* dropout masks: software of that time trained with dropout */
    bytes = m * stream * s->stream;

    if (a->attention == ASSAY_ATTENTION_GROUPED) {
        double d = (double)a->head_dim;
        bytes += m * (2 * (heads + 2 * kv) * d + input * heads * d);
    } else {
        double qk = (double)(a->nope_dim + a->rope_dim), v = (double)a->value_dim;
        bytes += m * 2 * (double)(a->q_rank + a->kv_rank + a->rope_dim);
        if (!selective)
            bytes += m * 2 * heads * (2 * qk + v);
        bytes += m * input * heads * v;
    }
    if (unfused && !selective)
        bytes += 5 * heads * m * (double)s->run->sequence;
    else if (!unfused)
        bytes += 4 * heads * m; /* log-sum-exp a row */

    double f = (double)a->ffn / s->tensor;
    double rows = m;
    if (kind == LAYER_MOE) {
        f = (double)a->expert_ffn;
        rows = m / s->tensor * (double)a->experts_active * s->efficiency->imbalance;
        bytes += rows * input * h;                                    /* dispatched inputs */
        bytes += m * (double)a->shared_ffn / s->tensor * (4 + input); /* shared expert */
    }
    /* with FP8 and its product recomputed, what goes into the gate is kept in a byte as well
     * (arXiv 2412.19437, 3.3.3) */
    double kept = selective ? input : 2;
    double before = a->gated ? 2 * kept * f : kept * f;
    double after = selective && !unfused ? 0 : input * f;
    bytes += rows * (before + after);

    double full = bytes;
    if (p->recompute == ASSAY_RECOMPUTE_FULL) {
        s->cost->working_bytes = full;
        bytes = 2 * h * m * s->stream;
    }
    s->cost->activation_bytes = bytes;
}

static void recompute(struct site *s)
{
    const struct assay_plan *p = &s->run->plan;
    struct layer_cost *c = s->cost;
    const double *forward = c->forward.compute;

    if (p->recompute == ASSAY_RECOMPUTE_FULL)
        c->recompute_seconds = pass_compute_seconds(&c->forward, s->run->blocking_launches) +
                               c->forward.tensor + c->forward.context + c->forward.dispatch;
    else if (p->recompute == ASSAY_RECOMPUTE_SELECTIVE && p->unfused_attention)
        c->recompute_seconds = forward[ASSAY_PART_ATTENTION] + forward[ASSAY_PART_ELEMENTWISE] / 2;
    else if (p->recompute == ASSAY_RECOMPUTE_SELECTIVE) /* norms, activations, latents */
        c->recompute_seconds = forward[ASSAY_PART_ELEMENTWISE] / 2;
}

/* ---- a layer -------------------------------------------------------------------------- */

void layer_cost(const struct assay_run *run, const struct assay_efficiency *efficiency,
                const struct device *device, const struct network *network, enum layer_kind kind,
                struct layer_cost *cost)
{
    struct site s = site_of(run, efficiency, device, network, cost);
    const struct assay_architecture *a = s.a;
    double stream = s.tokens * (double)a->hidden * s.stream;

    attention(&s);
    if (kind == LAYER_MOE) {
        experts(&s);
        if (a->shared_ffn > 0)
            feed_forward(&s, (double)a->shared_ffn);
    } else {
        feed_forward(&s, (double)a->ffn);
    }
    elementwise(&s, 4 * stream * (double)a->norms_per_layer,
                6 * stream * (double)a->norms_per_layer, (double)a->norms_per_layer);
    elementwise(&s, 2 * 6 * stream, 2 * 4 * stream, 2); /* residual additions */
    cost->weights += (double)a->norms_per_layer * (double)a->hidden;
    tensor_exchange(&s, a->norms_per_layer == 1 ? 1 : 2);
    keep_activations(&s, kind);
    recompute(&s);
}

void layer_head(const struct assay_run *run, const struct assay_efficiency *efficiency,
                const struct device *device, const struct network *network, struct layer_cost *cost)
{
    struct site s = site_of(run, efficiency, device, network, cost);
    double m = s.tokens, h = (double)s.a->hidden, v = (double)s.a->vocabulary / s.tensor;

    linear(&s, ASSAY_PART_LINEAR, WIDTH_16, m, v, h, 1);
    elementwise(&s, 10 * m * v, 6 * m * v, 4); /* loss in 32 bits */
    elementwise(&s, 4 * m * h * s.stream, 6 * m * h * s.stream, 1);
    tensor_exchange(&s, 0.5);
    cost->weights = h * v;
    cost->activation_bytes = m * v * 6 + 4 * m * h * s.stream;
}

void layer_embedding(const struct assay_run *run, const struct assay_efficiency *efficiency,
                     const struct device *device, struct layer_cost *cost)
{
    struct network none = {1, 1, 1, 0, 0};
    struct site s = site_of(run, efficiency, device, &none, cost);
    double stream = s.tokens * (double)s.a->hidden * s.stream;

    elementwise(&s, 4 * stream, 6 * stream, 3);
    cost->weights =
        ((double)s.a->vocabulary / run->plan.tensor + (double)s.a->positions) * (double)s.a->hidden;
}

/*
 * The host issues kernels while the device computes: a pass takes the longer of the two, with a
 * soft corner where they are alike, since kernels of one pass are not all alike. A host that
 * waits for every kernel adds its own time.
 */
double pass_compute_seconds(const struct pass *pass, bool blocking)
{
    double device = 0, host = pass->compute[ASSAY_PART_LAUNCH];
    for (int part = 0; part < ASSAY_PART_COUNT; part++)
        if (part != ASSAY_PART_LAUNCH)
            device += pass->compute[part];
    if (blocking)
        return device + host;
    double d2 = device * device, h2 = host * host;
    return sqrt(sqrt(d2 * d2 + h2 * h2));
}
