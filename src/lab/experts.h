/* SPDX-License-Identifier: Apache-2.0 */
/*
 * experts: a sparse mixture of SwiGLUs in the place of one. A router (a linear map, then a softmax
 * over experts) sends each place to the few experts that it finds likeliest; what they say is
 * added up, weighed by those probabilities over their sum. Nothing is dropped, however many places
 * want one expert. In: rows of floats. Out: the same, gradients. What can go wrong: nothing.
 *
 * The router is in float32 whatever the experts' precision, and of two experts as likely the first
 * is taken, so that choices, and all that follows, are the same bits on every processor.
 *
 * Mixture and renormalisation: Jiang et al. 2024 ("Mixtral of Experts"), section 2.1. Balance:
 * Fedus, Zoph and Shazeer 2022 ("Switch Transformers"), equations 4 to 6, where f is the share of
 * all choices that fell on an expert.
 */
#ifndef LAB_EXPERTS_H
#define LAB_EXPERTS_H

#include "lab/model.h"
#include "lab/products.h"

#define LAB_MOST_EXPERTS 64

/* One layer's: matrices packed, and what a pass over n places keeps. A row of the arrays "by
 * expert" is one choice: all of the first expert's, in the order of places, then the second's. */
struct lab_experts {
    struct lab_turned router, gate_up[LAB_MOST_EXPERTS], down[LAB_MOST_EXPERTS];
    float *p;                             /* n x experts: the router's probabilities */
    uint32_t *chosen;                     /* n x experts_per_token, the likeliest first */
    uint32_t *place;                      /* by expert: of which place */
    float *share;                         /* by expert: how much of its output is taken */
    uint32_t first[LAB_MOST_EXPERTS + 1]; /* an expert's first row; the last: all of them */
    float *gate_up_at, *product;          /* by expert: 2 x hidden, hidden */
};

/* Scratch of any layer. Forward needs `in` and `out` alone. */
struct lab_experts_room {
    float *in, *out;              /* n x width */
    float *d_product, *d_gate_up; /* n x hidden, n x 2 hidden */
    float *pull, *d_z;            /* n x experts_per_token, n x experts */
    float *packed;                /* n rows of the wider of width and hidden, packed */
};

/* Hands out the parts of `memory` (NULL: only counts) from `at` on; returns what comes after.
 * Without `back`, nothing for the way back. */
size_t lab_experts_cut_up(const struct lab_shape *shape, size_t n, enum lab_processor processor,
                          bool back, float *memory, size_t at, struct lab_experts *experts);

/* Packs a layer's matrices. */
void lab_experts_load(const struct lab_model *model, unsigned layer, bool back,
                      struct lab_experts *experts);

/* Adds to `out` what the experts say of h; both n x width. */
void lab_experts_apply(const struct lab_shape *shape, struct lab_experts *experts,
                       const struct lab_experts_room *room, size_t n, const float *h, float *out);

/*
 * experts x sum over experts of f x P: f the share of choices that fell on an expert, P the mean
 * of its probability. 1 if places go to all experts alike; at most `experts`. A place counts by
 * the size of its weight (NULL: 1); 0 if none counts.
 */
double lab_experts_balance(const struct lab_shape *shape, const struct lab_experts *experts,
                           size_t n, const float *weights);

/*
 * After lab_experts_apply on the same h: sets d_h (n x width) from d_out, and adds to the layer's
 * part of `gradient`, which is laid out as the model's weights. `balance` times the sum of
 * the weights' sizes times lab_experts_balance is part of what is differentiated.
 */
void lab_experts_back(const struct lab_shape *shape, const struct lab_layer *layer,
                      const struct lab_experts *experts, const struct lab_experts_room *room,
                      size_t n, const float *h, const float *d_out, const float *weights,
                      double balance, float *gradient, float *d_h);

#endif
