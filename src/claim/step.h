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

/* Peak bytes on the fullest device of the plan (step_memory.c). */
void step_memory(const struct assay_run *run, const struct assay_efficiency *efficiency,
                 const struct stages *stages, struct assay_memory *memory);

#endif
