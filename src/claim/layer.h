/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layer: the operators of one layer for one micro-batch on one device, and what they cost.
 * In: a run (architecture, plan, precision), a device, a network. Out: seconds by part of the
 * step, forward, backward by input and backward by weight apart (zero-bubble schedules move the
 * last); communication apart from computation, so that a schedule can hide one behind the
 * other; bytes that stay until the backward pass. Cannot fail.
 */
#ifndef CLAIM_LAYER_H
#define CLAIM_LAYER_H

#include "claim/device.h"
#include "claim/network.h"

/* Seconds of a pass over one layer, a micro-batch. */
struct pass {
    double compute[ASSAY_PART_COUNT]; /* linear, experts, attention, elementwise, cast, launch */
    double tensor, context, dispatch; /* communication, none of it hidden */
};

struct layer_cost {
    struct pass forward;
    struct pass backward;     /* by input and by weight together */
    double weight_seconds;    /* of backward: by weight, which nobody waits for */
    double recompute_seconds; /* forward work done once more in the backward pass */
    double activation_bytes;  /* kept from forward to backward */
    double working_bytes;     /* held while the layer is recomputed */
    double weights;           /* parameters on this device that every data rank holds alike */
    double expert_weights;    /* parameters of this device's experts */
};

enum layer_kind { LAYER_DENSE, LAYER_MOE };

void layer_cost(const struct assay_run *run, const struct assay_efficiency *efficiency,
                const struct device *device, const struct network *network, enum layer_kind kind,
                struct layer_cost *cost);

/*
 * What stands before the first layer (layer_embedding) and after the last (layer_head: last
 * norm, head and loss).
 */
void layer_head(const struct assay_run *run, const struct assay_efficiency *efficiency,
                const struct device *device, const struct network *network,
                struct layer_cost *cost);
void layer_embedding(const struct assay_run *run, const struct assay_efficiency *efficiency,
                     const struct device *device, struct layer_cost *cost);

double pass_compute_seconds(const struct pass *pass, bool blocking);

#endif
