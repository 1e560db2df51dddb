/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model: a decoder-only transformer as Llama has it (RMS norms, rotary positions, SwiGLU, grouped
 * queries), small enough to train many of. In: a shape and a seed. Out: weights.
 * What can go wrong: a shape that cannot be; memory. What it says of a text: pass.h.
 *
 * With experts, a layer's SwiGLU is a sparse mixture of several (experts.h).
 *
 * Attention: Vaswani et al. 2017; RMS norm: Zhang and Sennrich 2019; SwiGLU: Shazeer 2020; rotary
 * positions: Su et al. 2021, base 10,000, pairs half a head apart; grouped queries: Ainslie et
 * al. 2023.
 */
#ifndef LAB_MODEL_H
#define LAB_MODEL_H

#include <assay/base.h>

struct lab_shape {
    unsigned vocabulary;      /* 2 to 65536 */
    unsigned width;           /* heads times an even head size, to 4096 */
    unsigned layers;          /* 1 to 64 */
    unsigned heads, kv_heads; /* kv_heads divides heads */
    unsigned hidden;          /* 1 to 16384 */
    unsigned context;         /* 2 to 4096 */
    bool tied;                /* the head is the embedding */
    unsigned experts;         /* of a layer, 2 to 64, each of `hidden` units; 0: none, one SwiGLU */
    unsigned experts_per_token; /* of them that a place is sent to, 1 to experts; 0 if none */
};

/* Where a layer's weights lie in the one block; each matrix is outputs x inputs. With experts,
 * gate, up and down are the first one's, and those of the others follow, each as far on as
 * lab_expert_weights says (layout.h); the router (experts x width) lies before them. */
struct lab_layer {
    size_t norm1, q, k, v, o, norm2, router, gate, up, down;
};

struct lab_model {
    struct lab_shape shape;
    size_t count;                 /* of weights */
    float *weights;               /* one block */
    size_t embedding, norm, head; /* head: the embedding's place if tied */
    struct lab_layer *layers;
};

/* How many weights a model of this shape has; 0 if there can be none. */
size_t lab_model_weights(const struct lab_shape *shape);

/* Free with lab_model_free. ASSAY_ERROR_INPUT for a shape that cannot be. */
ASSAY_MUST_USE assay_status lab_model_new(const struct lab_shape *shape, uint64_t seed,
                                          struct lab_model *model, struct assay_error *error);
void lab_model_free(struct lab_model *model);

#endif
