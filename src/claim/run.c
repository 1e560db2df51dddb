/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run: RUN.yaml read into struct assay_run. In: a file as people write it. Out: the run, checked
 * as far as the file alone allows. What can go wrong: see assay_run_read.
 */
#include "claim/run.h"

#include "claim/evidence_read.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define MOST_DEVICES 10000000 /* ten million: more than have been made of any accelerator */

/* ---- one value, and what was stated beside it ------------------------------------------ */

/* A growing list of what the file states with a source, for the report. */
struct reader {
    struct assay_run *run;
    struct assay_statement *statements;
    size_t count, room;
    struct assay_error *error;
};

static assay_status state(struct reader *r, const struct assay_yaml *node,
                          const struct assay_source *source)
{
    const struct assay_yaml *value = node;
    if (node->kind == ASSAY_YAML_MAP)
        for (value = node->child; value && strcmp(value->key, "value") != 0;)
            value = value->next;
    if (r->count == r->room) {
        size_t room = r->room ? 2 * r->room : 32;
        struct assay_statement *more =
            assay_arena_alloc(r->run->arena, room, sizeof *r->statements);
        if (!more)
            return assay_error_at(r->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
        if (r->count)
            memcpy(more, r->statements, r->count * sizeof *more);
        r->statements = more;
        r->room = room;
    }
    r->statements[r->count++] = (struct assay_statement){
        .name = node->key,
        .value = value && value->text ? value->text : "",
        .source = source->source,
        .date = source->date,
        .line = node->line,
    };
    return ASSAY_OK;
}

static assay_status quantity(struct reader *r, struct assay_yaml *map, const char *key,
                             enum assay_unit unit, double least, double most, double *value)
{
    struct assay_yaml *node = assay_yaml_get(map, key);
    struct assay_source source;
    if (!node)
        return ASSAY_OK;
    ASSAY_TRY(assay_yaml_sourced(node, unit, least, most, value, &source, r->error));
    return state(r, node, &source);
}

/* A whole number with a unit: "4096 tokens". */
static assay_status whole(struct reader *r, struct assay_yaml *map, const char *key,
                          enum assay_unit unit, int64_t most, bool needed, int64_t *value)
{
    double number = (double)*value;
    struct assay_yaml *node = assay_yaml_get(map, key);
    if (needed)
        ASSAY_TRY(assay_yaml_need(map, key, &node, r->error));
    ASSAY_TRY(quantity(r, map, key, unit, 1, (double)most, &number));
    if (number != floor(number))
        return assay_error_at(r->error, ASSAY_ERROR_INPUT, node->file, node->line,
                              "%s: expected a whole number", key);
    *value = (int64_t)number;
    return ASSAY_OK;
}

static assay_status degree(struct reader *r, struct assay_yaml *map, const char *key, int *value)
{
    struct assay_yaml *node = assay_yaml_get(map, key);
    int64_t number = *value;
    if (!node)
        return ASSAY_OK;
    ASSAY_TRY(assay_yaml_count(node, 1, MOST_DEVICES, &number, r->error));
    *value = (int)number;
    return ASSAY_OK;
}

static assay_status choice(struct reader *r, struct assay_yaml *map, const char *key,
                           const char *const *names, size_t n, size_t *index)
{
    struct assay_yaml *node = assay_yaml_get(map, key);
    return node ? assay_yaml_choice(node, names, n, index, r->error) : ASSAY_OK;
}

static assay_status flag(struct reader *r, struct assay_yaml *map, const char *key, bool *value)
{
    struct assay_yaml *node = assay_yaml_get(map, key);
    return node ? assay_yaml_flag(node, value, r->error) : ASSAY_OK;
}

/* ---- the sections ---------------------------------------------------------------------- */

static assay_status read_model(struct reader *r, struct assay_yaml *root)
{
    struct assay_yaml *model, *config;
    ASSAY_TRY(assay_yaml_need(root, "model", &model, r->error));
    config = assay_yaml_get(model, "config");
    if (config) {
        const char *name;
        ASSAY_TRY(assay_yaml_text(config, &name, r->error));
        char *path = assay_path_beside(r->run->arena, r->run->path, name);
        if (!path)
            return assay_error_at(r->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
        return assay_architecture_read_config(path, &r->run->architecture, r->error);
    }
    return assay_architecture_read_yaml(model, &r->run->architecture, r->error);
}

static assay_status read_training(struct reader *r, struct assay_yaml *root)
{
    static const char *const precisions[] = {"bf16", "fp16", "fp8", "mxfp8", "fp4", "tf32", "fp32"};
    static const enum assay_precision precision[] = {
        ASSAY_PRECISION_BF16, ASSAY_PRECISION_BF16, ASSAY_PRECISION_FP8, ASSAY_PRECISION_MXFP8,
        ASSAY_PRECISION_FP4,  ASSAY_PRECISION_TF32, ASSAY_PRECISION_FP32};
    static const char *const recompute[] = {"none", "selective", "full"};
    static const char *const kernels[] = {"fused", "unfused"};
    struct assay_run *run = r->run;
    struct assay_yaml *map, *node;
    size_t index = 0;

    ASSAY_TRY(assay_yaml_need(root, "training", &map, r->error));
    ASSAY_TRY(quantity(r, map, "tokens", ASSAY_UNIT_TOKENS, 1, 1e18, &run->tokens));
    ASSAY_TRY(whole(r, map, "sequence", ASSAY_UNIT_TOKENS, 100000000, true, &run->sequence));
    ASSAY_TRY(whole(r, map, "global_batch", ASSAY_UNIT_SEQUENCES, 1000000000, true,
                    &run->plan.global_batch));
    ASSAY_TRY(
        whole(r, map, "micro_batch", ASSAY_UNIT_SEQUENCES, 1000000, false, &run->plan.micro_batch));
    ASSAY_TRY(assay_yaml_need(map, "precision", &node, r->error));
    ASSAY_TRY(assay_yaml_choice(node, precisions, 6, &index, r->error));
    run->precision = precision[index];
    index = ASSAY_RECOMPUTE_NONE;
    ASSAY_TRY(choice(r, map, "recompute", recompute, 3, &index));
    run->plan.recompute = (enum assay_recompute)index;
    index = 0;
    ASSAY_TRY(choice(r, map, "attention_kernel", kernels, 2, &index));
    run->plan.unfused_attention = index == 1;
    ASSAY_TRY(quantity(r, map, "optimizer_bytes", ASSAY_UNIT_BYTES, 0, 64, &run->optimizer_bytes));
    ASSAY_TRY(quantity(r, map, "gradient_bytes", ASSAY_UNIT_BYTES, 0, 8, &run->gradient_bytes));
    ASSAY_TRY(quantity(r, map, "weight_bytes", ASSAY_UNIT_BYTES, 0.25, 8, &run->weight_bytes));
    node = assay_yaml_get(map, "software");
    if (node) {
        const char *text;
        ASSAY_TRY(assay_yaml_text(node, &text, r->error));
        if (strlen(text) >= sizeof run->software)
            return assay_error_at(r->error, ASSAY_ERROR_INPUT, node->file, node->line,
                                  "software: expected at most %zu characters",
                                  sizeof run->software - 1);
        snprintf(run->software, sizeof run->software, "%s", text);
    }
    return ASSAY_OK;
}

static assay_status unknown_accelerator(struct reader *r, const struct assay_claim_data *data,
                                        const struct assay_yaml *node, const char *name)
{
    char list[240];
    assay_accelerator_near(data, name, list, sizeof list);
    return assay_error_at(r->error, ASSAY_ERROR_INPUT, node->file, node->line,
                          "accelerator: found \"%.60s\", expected one of the %zu of "
                          "data/accelerators.csv (`assay chips` lists them), such as %s",
                          name, data->accelerator_count, list);
}

static assay_status read_hardware(struct reader *r, struct assay_yaml *root,
                                  const struct assay_claim_data *data)
{
    struct assay_run *run = r->run;
    struct assay_accelerator *device = &run->machine.accelerator;
    struct assay_yaml *map, *node;
    struct assay_source source = {0};
    const char *name;
    double stated = 0;
    int64_t number;

    ASSAY_TRY(assay_yaml_need(root, "hardware", &map, r->error));
    ASSAY_TRY(assay_yaml_need(map, "accelerator", &node, r->error));
    struct assay_yaml *value = node->kind == ASSAY_YAML_MAP ? assay_yaml_get(node, "value") : node;
    if (node->kind == ASSAY_YAML_MAP) {
        struct assay_yaml *from = assay_yaml_get(node, "source");
        struct assay_yaml *date = assay_yaml_get(node, "date");
        source.source = from ? from->text : NULL;
        source.date = date ? date->text : NULL;
        ASSAY_TRY(assay_yaml_need(node, "value", &value, r->error));
    }
    ASSAY_TRY(assay_yaml_text(value, &name, r->error));
    const struct assay_accelerator *found = assay_accelerator_find(data, name, &stated);
    if (!found)
        return unknown_accelerator(r, data, value, name);
    ASSAY_TRY(state(r, node, &source));
    *device = *found;
    if (stated > 0 && stated != device->memory_bytes) {
        device->memory_bytes = stated;
        device->memory_usable_bytes = 0;
    }

    ASSAY_TRY(assay_yaml_need(map, "devices", &node, r->error));
    ASSAY_TRY(assay_yaml_count(node, 1, MOST_DEVICES, &run->machine.devices, r->error));
    struct assay_source devices = {0};
    if (node->kind == ASSAY_YAML_MAP) {
        struct assay_yaml *from = assay_yaml_get(node, "source");
        struct assay_yaml *date = assay_yaml_get(node, "date");
        devices.source = from ? from->text : NULL;
        devices.date = date ? date->text : NULL;
    }
    ASSAY_TRY(state(r, node, &devices));
    ASSAY_TRY(quantity(r, map, "scale_up_bandwidth", ASSAY_UNIT_BYTES_PER_SECOND, 1e6, 1e15,
                       &device->scale_up_bandwidth));
    ASSAY_TRY(quantity(r, map, "scale_out_bandwidth", ASSAY_UNIT_BYTES_PER_SECOND, 1e6, 1e15,
                       &device->scale_out_bandwidth));
    if (assay_yaml_get(map, "memory"))
        device->memory_usable_bytes = 0; /* what the file states is what there is */
    ASSAY_TRY(quantity(r, map, "memory", ASSAY_UNIT_BYTES, 1e6, 1e15, &device->memory_bytes));
    node = assay_yaml_get(map, "devices_per_node");
    if (node) {
        ASSAY_TRY(assay_yaml_count(node, 1, 100000, &number, r->error));
        device->scale_up_domain = (int)number;
    }
    node = assay_yaml_get(map, "communication_units");
    if (node)
        ASSAY_TRY(assay_yaml_count(node, 0, 100000, &run->communication_units, r->error));
    return ASSAY_OK;
}

/* Returns ASSAY_OK without touching plan_known when the file has no `parallel`. */
static assay_status read_parallel(struct reader *r, struct assay_yaml *root)
{
    static const char *const schedules[] = {"1f1b", "interleaved", "zero-bubble", "dualpipe"};
    static const enum assay_schedule schedule[] = {ASSAY_SCHEDULE_1F1B, ASSAY_SCHEDULE_1F1B,
                                                   ASSAY_SCHEDULE_ZERO_BUBBLE,
                                                   ASSAY_SCHEDULE_DUALPIPE};
    struct assay_yaml *map = assay_yaml_get(root, "parallel"), *node;
    struct assay_run *run = r->run;
    struct assay_plan *p = &run->plan;
    size_t index = 0;
    int64_t number;

    if (!map)
        return ASSAY_OK;
    run->plan_known = true;
    ASSAY_TRY(degree(r, map, "tensor", &p->tensor));
    ASSAY_TRY(degree(r, map, "context", &p->context));
    ASSAY_TRY(degree(r, map, "pipeline", &p->pipeline));
    ASSAY_TRY(degree(r, map, "virtual_stages", &p->virtual_stages));
    ASSAY_TRY(degree(r, map, "expert", &p->expert));
    int64_t others = (int64_t)p->tensor * p->context * p->pipeline;
    p->data = (int)(run->machine.devices / others > 0 ? run->machine.devices / others : 1);
    ASSAY_TRY(degree(r, map, "data", &p->data));
    node = assay_yaml_get(map, "zero");
    if (node) {
        ASSAY_TRY(assay_yaml_count(node, 0, 3, &number, r->error));
        p->zero = (int)number;
    }
    ASSAY_TRY(choice(r, map, "schedule", schedules, 4, &index));
    p->schedule = schedule[index];
    ASSAY_TRY(flag(r, map, "sequence_parallel", &p->sequence_parallel));
    ASSAY_TRY(assay_yaml_finish(map, r->error));
    assay_status status = assay_plan_check(run, r->error);
    if (status != ASSAY_OK && r->error && r->error->line == 0)
        r->error->line = map->line;
    return status;
}

static assay_status read_claimed(struct reader *r, struct assay_yaml *root)
{
    struct assay_yaml *map = assay_yaml_get(root, "claimed");
    struct assay_claimed *c = &r->run->claimed;
    if (!map)
        return ASSAY_OK;
    ASSAY_TRY(
        quantity(r, map, "device_hours", ASSAY_UNIT_DEVICE_HOURS, 1e-3, 1e13, &c->device_hours));
    ASSAY_TRY(quantity(r, map, "device_hours_total", ASSAY_UNIT_DEVICE_HOURS, 1e-3, 1e13,
                       &c->device_hours_total));
    ASSAY_TRY(quantity(r, map, "device_hours_per_token", ASSAY_UNIT_DEVICE_HOURS_PER_TOKEN, 1e-18,
                       1e3, &c->device_hours_per_token));
    ASSAY_TRY(quantity(r, map, "wall_time", ASSAY_UNIT_SECONDS, 1, 1e10, &c->wall_seconds));
    double rate = NAN;
    ASSAY_TRY(
        quantity(r, map, "wall_time_per_token", ASSAY_UNIT_SECONDS_PER_TOKEN, 1e-15, 1, &rate));
    if (isnan(c->wall_seconds))
        c->wall_seconds = rate * r->run->tokens;
    ASSAY_TRY(quantity(r, map, "step_time", ASSAY_UNIT_SECONDS, 1e-6, 1e6, &c->step_seconds));
    ASSAY_TRY(quantity(r, map, "tokens_per_second_per_device", ASSAY_UNIT_TOKENS_PER_SECOND, 1e-6,
                       1e9, &c->tokens_per_second_per_device));
    return quantity(r, map, "mfu", ASSAY_UNIT_PERCENT, 1e-6, 1, &c->mfu);
}

/* ---- the whole ------------------------------------------------------------------------ */

static assay_status read_all(struct assay_run *run, const void *bytes, size_t size,
                             const struct assay_claim_data *data, struct assay_error *error)
{
    static const char *const forms[] = {"run/1"};
    struct reader r = {.run = run, .error = error};
    struct assay_yaml *root, *node;
    size_t index;

    ASSAY_TRY(assay_yaml_parse(run->path, bytes, size, run->arena, &root, error));
    if (root->kind != ASSAY_YAML_MAP)
        return assay_error_at(error, ASSAY_ERROR_INPUT, run->path, root->line,
                              "expected a map with \"assay: run/1\"");
    ASSAY_TRY(assay_yaml_need(root, "assay", &node, error));
    ASSAY_TRY(assay_yaml_choice(node, forms, 1, &index, error));
    node = assay_yaml_get(root, "name");
    if (node) {
        const char *text;
        ASSAY_TRY(assay_yaml_text(node, &text, error));
        snprintf(run->name, sizeof run->name, "%s", text);
    }
    ASSAY_TRY(read_model(&r, root));
    ASSAY_TRY(read_training(&r, root));
    ASSAY_TRY(read_hardware(&r, root, data));
    ASSAY_TRY(read_parallel(&r, root));
    ASSAY_TRY(read_claimed(&r, root));
    ASSAY_TRY(evidence_read(run, root, data, error));
    ASSAY_TRY(assay_yaml_finish(root, error));
    run->statements = r.statements;
    run->statement_count = r.count;
    run->file.path = run->path;
    assay_sha256_bytes(bytes, size, run->file.sha256);
    return run->plan_known ? ASSAY_OK : assay_plan_choose(data, run, error);
}

void assay_run_default(struct assay_run *run)
{
    memset(run, 0, sizeof *run);
    assay_architecture_default(&run->architecture);
    run->tokens = NAN;
    run->optimizer_bytes = 12; /* 32-bit master copy and two moments */
    run->gradient_bytes = 4;
    run->weight_bytes = 2;
    run->plan = (struct assay_plan){.tensor = 1,
                                    .context = 1,
                                    .pipeline = 1,
                                    .virtual_stages = 1,
                                    .data = 1,
                                    .expert = 1,
                                    .zero = 1,
                                    .micro_batch = 1,
                                    .global_batch = 1};
    run->priors = (struct assay_priors){
        .other_weight = 1, .count_log_sd = NAN, .share_low = 0.85, .share_high = 1};
    run->claimed = (struct assay_claimed){NAN, NAN, NAN, NAN, NAN, NAN, NAN};
}

assay_status run_parse(const char *path, const void *bytes, size_t size,
                       const struct assay_claim_data *data, struct assay_run *run,
                       struct assay_error *error)
{
    assay_run_default(run);
    run->arena = assay_arena_new();
    if (!run->arena || !(run->path = assay_arena_copy(run->arena, path))) {
        assay_run_free(run);
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    }
    assay_status status = read_all(run, bytes, size, data, error);
    if (status != ASSAY_OK)
        assay_run_free(run);
    return status;
}

assay_status assay_run_read(const char *path, const struct assay_claim_data *data,
                            struct assay_run *run, struct assay_error *error)
{
    struct assay_file file;
    ASSAY_TRY(assay_yaml_open(path, &file, error));
    assay_status status = run_parse(path, file.bytes, file.size, data, run, error);
    assay_file_close(&file);
    return status;
}

void assay_run_free(struct assay_run *run)
{
    assay_arena_free(run->arena);
    memset(run, 0, sizeof *run);
}

double run_claimed_hours(const struct assay_run *run)
{
    const struct assay_claimed *c = &run->claimed;
    if (c->device_hours > 0)
        return c->device_hours;
    return c->device_hours_per_token > 0 ? c->device_hours_per_token * run->tokens : (double)NAN;
}
