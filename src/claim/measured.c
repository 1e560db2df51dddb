/* SPDX-License-Identifier: Apache-2.0 */
#include "claim/measured.h"

#include "claim/flops.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *measured_quantity_name(enum measured_quantity quantity)
{
    static const char *const names[MEASURED_COUNT] = {"step_seconds", "device_hours",
                                                      "peak_memory_bytes", "fits"};
    return names[quantity];
}

static bool has(const char *text, const char *part)
{
    size_t n = strlen(part);
    for (; *text; text++) {
        size_t i = 0;
        while (i < n && tolower((unsigned char)text[i]) == tolower((unsigned char)part[i]))
            i++;
        if (i == n)
            return true;
    }
    return false;
}

static double first(double a, double b)
{
    return isnan(a) ? b : a;
}

static ASSAY_PRINTF(2, 3) void assume(struct measured *m, const char *format, ...)
{
    size_t used = strlen(m->assumed);
    va_list arguments;
    if (used && used + 3 < sizeof m->assumed) {
        snprintf(m->assumed + used, sizeof m->assumed - used, "; ");
        used += 2;
    }
    va_start(arguments, format);
    vsnprintf(m->assumed + used, sizeof m->assumed - used, format, arguments);
    va_end(arguments);
}

/* ---- software --------------------------------------------------------------------------- */

/*
 * What a source's name says of the software that ran, for rows without the `software` column.
 * The first that fits wins.
 */
static const struct {
    const char *source, *software;
} software_by_source[] = {
    {"VIA-Research/vTrain", "megatron-deepspeed-2022"},
    {"bigscience", "megatron-deepspeed-2022"},
    {"2205.05198", "megatron-2022"},
    {"2104.04473", "megatron-2021"},
    {"2201.11990", "megatron-2021"},
    {"tables.tex", "megatron-2020"},
    {"Megatron-Bridge", "nemo"},
    {"NeMo", "nemo"},
    {"llm-foundry", "llm-foundry-2023"},
    {"maxtext", "maxtext"},
    {"InternEvo", "internevo-2023"},
    {"MindSpeed", "mindspeed"},
    {"deepseek-ai", "deepseek-2024"},
    {"mlcommons", "mlperf"},
    {"Megatron", "megatron-core"},
};

const char *measured_software(const struct assay_training_run *row)
{
    if (row->software && row->software[0])
        return row->software;
    for (size_t i = 0; i < sizeof software_by_source / sizeof software_by_source[0]; i++)
        if (has(row->source, software_by_source[i].source) ||
            has(row->group, software_by_source[i].source))
            return software_by_source[i].software;
    return "";
}

/* Ends the name of software whose host waited for every kernel. */
static const char blocking_mark[] = "-blocking";

/* FlashAttention came in May 2022; software of before, and V100s, wrote the scores to memory. */
static bool is_unfused(const char *software)
{
    static const char *const before[] = {"megatron-2020", "megatron-2021", "megatron-2022",
                                         "megatron-deepspeed-2021", "megatron-deepspeed-2022"};
    for (size_t i = 0; i < sizeof before / sizeof before[0]; i++)
        if (strcmp(software, before[i]) == 0)
            return true;
    return false;
}

/* ---- what can be at all ------------------------------------------------------------------ */

/* Every count that is stated must be whole and in range: the rest divides by them and casts them.
 */
static bool counts_can_be(const struct assay_training_run *row, char *why, size_t size)
{
    const struct {
        const char *column;
        double value, least, most;
    } counts[] = {
        {"layers", row->layers, 1, 1e5},
        {"hidden", row->hidden, 1, 1e7},
        {"heads", row->heads, 1, 1e6},
        {"kv_heads", row->kv_heads, 1, 1e6},
        {"ffn", row->ffn, 0, 1e8},
        {"vocab", row->vocabulary, 1, 1e8},
        {"seq", row->sequence, 1, 1e8},
        {"experts", row->experts, 0, 1e5},
        {"topk", row->experts_active, 0, 1e5},
        {"moe_ffn", row->expert_ffn, 0, 1e8},
        {"head_dim", row->head_dim, 0, 1e5},
        {"n_accel", row->devices, 1, 1e7},
        {"tp", row->tensor, 1, 1e7},
        {"pp", row->pipeline, 1, 1e7},
        {"vp", row->virtual_stages, 1, 1e5},
        {"dp", row->data_parallel, 1, 1e7},
        {"ep", row->expert_parallel, 1, 1e7},
        {"cp", row->context, 1, 1e7},
        {"mbs", row->micro_batch, 1, 1e6},
        {"gbs", row->global_batch, 1, 1e9},
    };
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        double value = counts[i].value;
        if (isnan(value) ||
            (value >= counts[i].least && value <= counts[i].most && value == floor(value)))
            continue;
        snprintf(why, size, "%s is %g, expected a whole number from %g to %g", counts[i].column,
                 value, counts[i].least, counts[i].most);
        return false;
    }
    if (row->parameters > 1e16 || row->active_parameters > 1e16) {
        snprintf(why, size, "params_B or active_B is above ten million");
        return false;
    }
    return true;
}

/* ---- architecture ----------------------------------------------------------------------- */

/* How far the architecture's counts are from what the row states, in log. */
static double mismatch(const struct assay_training_run *row,
                       const struct assay_architecture *architecture)
{
    struct assay_parameters count;
    double sum = 0;
    if (assay_architecture_check(architecture, NULL, 0, NULL) != ASSAY_OK)
        return INFINITY;
    assay_architecture_count(architecture, &count);
    if (row->parameters > 0)
        sum += fabs(log((double)count.total / row->parameters));
    if (row->active_parameters > 0)
        sum += fabs(log((double)count.active / row->active_parameters));
    return sum;
}

/* Fills what a dense row lacks; a width from the size of the model by usual proportions. */
static bool fill_shape(const struct assay_training_run *row, struct measured *m)
{
    struct assay_architecture *a = &m->run.architecture;
    double size = first(row->active_parameters, row->parameters);
    double hidden = row->hidden, layers = row->layers;

    if (isnan(hidden) && !(size > 0))
        return false;
    if (isnan(hidden)) { /* 12 L h^2 weights and h = 100 L, as most models have it */
        hidden = 128 * fmax(1, round(cbrt(100 * size / 12) / 128));
        assume(m, "hidden %.0f from size", hidden);
    }
    a->hidden = (int64_t)hidden;
    a->vocabulary = (int64_t)first(row->vocabulary, 51200);
    if (isnan(row->vocabulary))
        assume(m, "vocabulary 51200");
    double heads = row->heads;
    if (isnan(heads)) {
        heads = fmax(1, round(hidden / 128));
        while (fmod(hidden, heads) != 0)
            heads--;
        assume(m, "heads %.0f", heads);
    }
    a->heads = (int64_t)heads;
    a->kv_heads = (int64_t)first(row->kv_heads, heads);
    a->head_dim = row->head_dim > 0          ? (int64_t)row->head_dim
                  : a->hidden / a->heads > 0 ? a->hidden / a->heads
                                             : 1;
    if (isnan(layers)) {
        if (!(row->parameters > 0))
            return false;
        double embedding = (double)a->vocabulary * hidden;
        layers = fmax(1, round((row->parameters - embedding) / (12 * hidden * hidden)));
        assume(m, "layers %.0f from size", layers);
    }
    a->layers = (int64_t)layers;
    a->ffn = (int64_t)first(row->ffn, 4 * hidden);
    if (isnan(row->ffn) && isnan(row->experts))
        assume(m, "feed-forward %.0f", 4 * hidden);
    return true;
}

/*
 * Whether feed-forwards are gated, the head is tied, the first layers are dense and an expert is
 * shared is seldom printed, but follows from the stated sizes: the combination that fits best.
 */
static void fit_shape(const struct assay_training_run *row, struct measured *m)
{
    struct assay_architecture *a = &m->run.architecture, best = *a;
    bool moe = row->experts > 1;
    double least = INFINITY;

    a->attention = has(row->attention, "MLA") ? ASSAY_ATTENTION_LATENT : ASSAY_ATTENTION_GROUPED;
    if (a->attention == ASSAY_ATTENTION_LATENT) { /* as DeepSeek-V2 and V3 and Kimi K2 have it */
        a->q_rank = 1536, a->kv_rank = 512, a->nope_dim = 128, a->rope_dim = 64, a->value_dim = 128;
        a->kv_heads = a->heads;
        a->head_dim = 0;
    }
    if (moe) {
        a->experts = (int64_t)row->experts;
        a->experts_active = (int64_t)first(row->experts_active, 2);
        a->expert_ffn = (int64_t)first(row->expert_ffn, first(row->ffn, 4 * (double)a->hidden));
        a->moe_every = 1;
    }
    for (int choice = 0; choice < 64; choice++) {
        struct assay_architecture trial = *a;
        int dense = choice >> 2 & 3, shared = choice >> 4;
        if ((dense || shared) && !moe)
            continue;
        trial.gated = choice & 1;
        trial.tied = choice >> 1 & 1;
        trial.dense_first = dense;
        trial.shared_ffn = shared * trial.expert_ffn;
        if (moe && dense == 0)
            trial.ffn = 0;
        if (moe && dense > 0 && trial.ffn <= 0)
            continue;
        if (trial.attention == ASSAY_ATTENTION_GROUPED && !(choice & 2) && row->vocabulary > 0)
            trial.tied = false;
        double off = mismatch(row, &trial) + 0.001 * (dense + shared); /* the simplest of equals */
        if (off < least) {
            least = off;
            best = trial;
        }
    }
    /* Without a stated size, feed-forwards of old Megatron models are plain, of others gated. */
    *a = best;
    if (!(row->parameters > 0))
        a->gated = !is_unfused(m->run.software);
}

/* A model whose head is wider than its layers: keeps counts right where heads don't divide. */
static bool read_architecture(const struct assay_training_run *row, struct measured *m, char *why,
                              size_t size)
{
    struct assay_error error = {0};
    assay_architecture_default(&m->run.architecture);
    if (!fill_shape(row, m)) {
        snprintf(why, size, "neither a width nor a size of the model is stated");
        return false;
    }
    fit_shape(row, m);
    m->run.architecture.norm = ASSAY_NORM_RMS;
    m->run.architecture.norms_per_layer = 2;
    m->run.architecture.final_norm = true;
    if (assay_architecture_check(&m->run.architecture, NULL, 0, &error) != ASSAY_OK) {
        snprintf(why, size, "the stated architecture cannot be: %s", error.message);
        return false;
    }
    return true;
}

/* ---- layout ----------------------------------------------------------------------------- */

static enum assay_precision precision_of(const char *text)
{
    if (has(text, "FP4"))
        return ASSAY_PRECISION_FP4;
    if (has(text, "MXFP8"))
        return ASSAY_PRECISION_MXFP8;
    if (has(text, "FP8"))
        return ASSAY_PRECISION_FP8;
    if (has(text, "TF32"))
        return ASSAY_PRECISION_TF32;
    if (has(text, "FP32"))
        return ASSAY_PRECISION_FP32;
    return ASSAY_PRECISION_BF16;
}

/* What is written for recomputation; blank is left to what fits in memory. */
static bool recompute_of(const char *text, enum assay_recompute *recompute)
{
    if (has(text, "full"))
        *recompute = ASSAY_RECOMPUTE_FULL;
    else if (has(text, "selective") || has(text, "minimal") || has(text, "offload"))
        *recompute = ASSAY_RECOMPUTE_SELECTIVE;
    else
        *recompute = ASSAY_RECOMPUTE_NONE;
    return text[0] != '\0';
}

/*
 * What a weight takes. FP16 software of Megatron's line sums gradients in FP16 (the source of
 * BLOOM's sweep says so and when it changed); NVIDIA's recipes of 2025 sum them in BF16, and its
 * MLPerf submissions keep only FP8 weights (recalled).
 */
static void set_bytes(const struct assay_training_run *row, struct assay_run *run)
{
    bool mlperf = strncmp(run->software, "mlperf", 6) == 0;
    if (has(row->precision, "FP16") && !has(row->precision, "BF16"))
        run->gradient_bytes = 2;
    if (mlperf || strncmp(run->software, "nemo", 4) == 0)
        run->gradient_bytes = 2;
    if (mlperf && run->precision != ASSAY_PRECISION_BF16)
        run->weight_bytes = 1;
}

/* It did run, and predicted peaks are off by about a tenth. */
static const double near_enough = 1.1;

/* Of a batch that does not divide: beyond this, its row means something else. */
static const double most_rounding = 1.5;

static bool read_layout(const struct assay_claim_data *data, const struct assay_training_run *row,
                        struct measured *m, char *why, size_t size)
{
    struct assay_run *run = &m->run;
    struct assay_plan *p = &run->plan;
    bool old = is_unfused(run->software);
    bool recompute_known = recompute_of(row->recompute, &p->recompute);
    bool digit = row->zero[0] >= '0' && row->zero[0] <= '3';

    p->unfused_attention = old;
    p->zero = digit ? row->zero[0] - '0' : old ? 0 : 1;
    p->micro_batch = (int64_t)first(row->micro_batch, 1);
    p->virtual_stages = (int)first(row->virtual_stages, 1);
    if (has(row->overlap_schedule, "DualPipe"))
        p->schedule = ASSAY_SCHEDULE_DUALPIPE;
    else if (has(row->overlap_schedule, "zero-bubble"))
        p->schedule = ASSAY_SCHEDULE_ZERO_BUBBLE;

    run->plan_known = row->tensor > 0 && row->pipeline > 0;
    p->tensor = (int)first(row->tensor, 1);
    p->pipeline = (int)first(row->pipeline, 1);
    p->context = (int)first(row->context, 1);
    if (p->pipeline == 1)
        p->virtual_stages = 1;
    p->sequence_parallel = row->sequence_parallel[0] ? strcmp(row->sequence_parallel, "1") == 0
                                                     : !old && p->tensor > 1;
    double others = (double)p->tensor * p->pipeline * p->context;
    p->data = (int)first(row->data_parallel, fmax(1, floor((double)run->machine.devices / others)));
    if ((double)p->data * others != (double)run->machine.devices && run->plan_known) {
        /* some count data ranks inside context ranks */
        double d = (double)run->machine.devices / others;
        if (d != floor(d) || d < 1) {
            snprintf(why, size, "the layout does not multiply to %lld devices",
                     (long long)run->machine.devices);
            return false;
        }
        p->data = (int)d;
    }
    p->expert = (int)first(row->expert_parallel, 1);
    if (run->architecture.experts == 0)
        p->expert = 1;
    p->global_batch = (int64_t)row->global_batch;
    if (!(row->global_batch > 0)) { /* tokens a second say little of the batch: one that fills */
        p->global_batch = p->micro_batch * p->data * (p->pipeline > 1 ? 8 * p->pipeline : 1);
        assume(m, "global batch %lld", (long long)p->global_batch);
    }
    int64_t replica = p->micro_batch * p->data;
    if (run->plan_known && p->global_batch % replica != 0) {
        if ((double)replica > most_rounding * (double)p->global_batch) {
            snprintf(why, size, "a global batch of %lld is not a multiple of mbs x dp = %lld",
                     (long long)p->global_batch, (long long)replica);
            return false;
        }
        p->global_batch = (p->global_batch / replica + 1) * replica;
        assume(m, "global batch rounded to %lld", (long long)p->global_batch);
    }
    if (!run->plan_known) {
        struct assay_error error = {0};
        if (assay_plan_choose(data, run, &error) != ASSAY_OK) {
            snprintf(why, size, "%s", error.message);
            return false;
        }
        assume(m, "layout chosen");
    } else if (!recompute_known) {
        struct assay_efficiency efficiency;
        struct assay_step step;
        assay_efficiency_resolve(data->efficiency, run, NULL, &efficiency);
        for (int r = ASSAY_RECOMPUTE_NONE; r <= ASSAY_RECOMPUTE_FULL; r++) {
            p->recompute = (enum assay_recompute)r;
            assay_step_predict(run, &efficiency, &step);
            if (step.memory.peak <= near_enough * step.memory.available)
                break;
        }
        assume(m, "recomputation as memory asks");
    }
    struct assay_error error = {0};
    if (assay_plan_check(run, &error) != ASSAY_OK) {
        snprintf(why, size, "%s", error.message);
        return false;
    }
    return true;
}

/* ---- what was measured ------------------------------------------------------------------ */

/*
 * Step time from the TFLOP/s that Megatron's authors print: hardware operations
 * 96 B s l h^2 (1 + s/6h + V/16lh), recomputation counted (arXiv 2104.04473, 5.1, equation 3).
 */
static double megatron_step(const struct assay_training_run *row, const struct assay_run *run)
{
    const struct assay_architecture *a = &run->architecture;
    double s = (double)run->sequence, l = (double)a->layers, h = (double)a->hidden;
    double v = (double)a->vocabulary, batch = (double)run->plan.global_batch;
    double flops = 96 * batch * s * l * h * h * (1 + s / (6 * h) + v / (16 * l * h));
    return flops / (row->flops_per_device * (double)run->machine.devices);
}

/* Step time from the TFLOP/s that MaxText prints: 6 a weight and token, and attention counted in
 * full, though it is causal (AI-Hypercomputer/maxtext, docs/training_runs.md). */
static double maxtext_step(const struct assay_training_run *row, const struct assay_run *run)
{
    const struct assay_architecture *a = &run->architecture;
    double tokens = (double)run->plan.global_batch * (double)run->sequence;
    double causal = model_flops(a, run->sequence) / (double)run->sequence;
    double half = 3 * 2 * (double)run->sequence / 2 * (double)a->heads * 2 * (double)a->head_dim *
                  (double)a->layers;
    return tokens * (causal + half) / (row->flops_per_device * (double)run->machine.devices);
}

static void read_values(const struct assay_training_run *row, struct measured *m)
{
    const struct assay_run *run = &m->run;
    double tokens = (double)run->plan.global_batch * (double)run->sequence;
    double devices = (double)run->machine.devices;
    bool whole_run = row->device_hours > 0 && row->tokens > 0;

    for (int i = 0; i < MEASURED_COUNT; i++)
        m->value[i] = NAN;
    if (strcmp(row->kind, "bench-oom") == 0) {
        m->value[MEASURED_FITS] = 0;
        return;
    }
    if (row->step_seconds > 0)
        m->value[MEASURED_STEP_SECONDS] = row->step_seconds;
    else if (row->tokens_per_second_per_device > 0)
        m->value[MEASURED_STEP_SECONDS] = tokens / (row->tokens_per_second_per_device * devices);
    else if (row->flops_per_device > 0 && strcmp(run->software, "megatron-2021") == 0)
        m->value[MEASURED_STEP_SECONDS] = megatron_step(row, run);
    else if (row->flops_per_device > 0 && strncmp(run->software, "maxtext", 7) == 0)
        m->value[MEASURED_STEP_SECONDS] = maxtext_step(row, run);
    else if (whole_run)
        m->value[MEASURED_DEVICE_HOURS] = row->device_hours;
    if (row->peak_memory_bytes > 0)
        m->value[MEASURED_PEAK_MEMORY] = row->peak_memory_bytes;
    if (row->step_seconds > 0 || row->peak_memory_bytes > 0 ||
        row->tokens_per_second_per_device > 0)
        m->value[MEASURED_FITS] = run->plan_known ? 1 : NAN;
}

bool measured_read(const struct assay_claim_data *data, const struct assay_training_run *row,
                   struct measured *m, char *why, size_t size)
{
    struct assay_run *run = &m->run;
    double memory = 0;
    const struct assay_accelerator *device;

    memset(m, 0, sizeof *m);
    assay_run_default(run);
    run->path = NULL;
    if (row->unreadable) {
        snprintf(why, size, "%s", row->unreadable);
        return false;
    }
    if (!counts_can_be(row, why, size))
        return false;
    if (has(row->kind, "finetune") && has(row->model, "LoRA")) {
        snprintf(why, size, "low-rank fine-tuning: most weight gradients are not computed");
        return false;
    }
    device = assay_accelerator_find(data, row->accelerator, &memory);
    if (!device || !(device->flops_bf16 > 0) || !(device->memory_bandwidth > 0)) {
        snprintf(why, size,
                 "accelerator \"%.60s\" is not in data/accelerators.csv, or lacks a rate",
                 row->accelerator);
        return false;
    }
    run->machine.accelerator = *device;
    if (memory > 0 && memory != device->memory_bytes) {
        run->machine.accelerator.memory_bytes = memory;
        run->machine.accelerator.memory_usable_bytes = 0;
    }
    if (!(row->devices >= 1)) {
        if (!(row->device_hours > 0)) {
            snprintf(why, size, "the number of devices is not stated");
            return false;
        }
        run->machine.devices = 1024;
        assume(m, "1024 devices");
    } else {
        run->machine.devices = (int64_t)row->devices;
    }
    const char *software = measured_software(row);
    size_t named = strlen(software), mark = strlen(blocking_mark);
    run->blocking_launches = named > mark && strcmp(software + named - mark, blocking_mark) == 0;
    snprintf(run->software, sizeof run->software, "%.*s",
             (int)(run->blocking_launches ? named - mark : named), software);
    if (row->network_bandwidth > 0)
        run->machine.accelerator.scale_out_bandwidth = row->network_bandwidth;
    run->precision = precision_of(row->precision);
    if (run->precision == ASSAY_PRECISION_BF16 && row->precision[0] && !has(row->precision, "16"))
        assume(m, "precision %.20s taken as 16 bits", row->precision);
    set_bytes(row, run);
    run->tokens = row->tokens;
    run->sequence = (int64_t)first(row->sequence, 4096);
    if (isnan(row->sequence))
        assume(m, "sequence 4096");
    if (!read_architecture(row, m, why, size) || !read_layout(data, row, m, why, size))
        return false;
    read_values(row, m);
    for (int i = 0; i < MEASURED_COUNT; i++)
        if (!isnan(m->value[i]))
            return true;
    snprintf(why, size, "no step time, rate, hours or memory is stated");
    return false;
}
