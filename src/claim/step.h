/* SPDX-License-Identifier: Apache-2.0 */
/*
 * step: one training step put together from layers, stages, schedule and exchanges.
 *   layer costs -> stages (balanced or even) -> schedule (bubble, what hides what) ->
 *   data-parallel exchange -> optimizer -> stragglers
 * In: a checked run and efficiency parameters. Out: struct assay_step. Cannot fail.
 */
#ifndef CLAIM_STEP_H
#define CLAIM_STEP_H

#include "claim/layer.h"

/* Costs of a run's kinds of layer, and how many layers a stage has. */
struct stages {
    struct layer_cost dense, moe, head, embedding;
    double dense_layers, moe_layers, mtp_layers; /* of the whole model */
    double layers_last, layers_each;             /* on the last stage, on each other one */
    double moe_share;     /* of a stage's layers, the share that are mixtures */
    bool last_is_slowest; /* the last stage, which has the head, decides the pace */
};

/* Seconds of a layer for one micro-batch, by part, both passes; and what each pass takes. */
struct timed {
    double part[ASSAY_PART_COUNT];
    double forward, backward; /* backward with recomputation */
    double by_weight;
};

/*
 * What of a step follows from tensor, context, expert and sequence parallelism, micro-batch,
 * recomputation and whether the schedule is DualPipe: a search over the other degrees prepares
 * once. step_finish sets what of `stages` depends on the pipeline.
 */
struct prepared_step {
    struct stages stages;
    struct network network;
    struct timed layer, top, embedding; /* the mean layer; head and MTP layers */
    double model_flops;                 /* a sequence */
};

void step_prepare(const struct assay_run *run, const struct assay_efficiency *efficiency,
                  struct prepared_step *prepared);
void step_finish(const struct assay_run *run, const struct assay_efficiency *efficiency,
                 struct prepared_step *prepared, struct assay_step *step);

/* Peak bytes on the fullest device of the plan (step_memory.c). */
void step_memory(const struct assay_run *run, const struct assay_efficiency *efficiency,
                 const struct stages *stages, struct assay_memory *memory);

#endif
