/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model: a decoder-only transformer as Llama has it (RMS norms, rotary positions, SwiGLU, grouped
 * queries), small enough to train many of. In: a shape and a seed. Out: weights; the loss of
 * tokens and its gradient. What can go wrong: a shape that cannot be; memory. One thread: the
 * lab trains one model a core.
 *
 * Attention: Vaswani et al. 2017; RMS norm: Zhang and Sennrich 2019; SwiGLU: Shazeer 2020; rotary
 * positions: Su et al. 2021, base 10,000, pairs half a head apart; grouped queries: Ainslie et
 * al. 2023.
 */
#ifndef LAB_MODEL_H
#define LAB_MODEL_H

#include "lab/goal.h"

#include <assay/base.h>

struct lab_shape {
    unsigned vocabulary;      /* 2 to 65536 */
    unsigned width;           /* heads times an even head size, to 4096 */
    unsigned layers;          /* 1 to 64 */
    unsigned heads, kv_heads; /* kv_heads divides heads */
    unsigned hidden;          /* 1 to 16384 */
    unsigned context;         /* 2 to 4096 */
    bool tied;                /* the head is the embedding */
};

/* Where a layer's weights lie in the one block; each matrix is outputs x inputs. */
struct lab_layer {
    size_t norm1, q, k, v, o, norm2, gate, up, down;
};

struct lab_model {
    struct lab_shape shape;
    size_t count;                 /* of weights */
    float *weights;               /* one block */
    size_t embedding, norm, head; /* head: the embedding's place if tied */
    struct lab_layer *layers;
};

/* Free with lab_model_free. ASSAY_ERROR_INPUT for a shape that cannot be. */
ASSAY_MUST_USE assay_status lab_model_new(const struct lab_shape *shape, uint64_t seed,
                                          struct lab_model *model, struct assay_error *error);
void lab_model_free(struct lab_model *model);

/* What a pass over rows x length tokens needs; made once, used for every pass of that size. */
struct lab_tape;

ASSAY_MUST_USE assay_status lab_tape_new(const struct lab_shape *shape, size_t rows, size_t length,
                                         struct lab_tape **tape, struct assay_error *error);
void lab_tape_free(struct lab_tape *tape); /* NULL is accepted */

/*
 * Over rows x length places, the sum of weight x loss as `goal` has it, over its total. If `log_p`
 * is not NULL it gets ln p of each place's next token: the sum over a row is a text's
 * log-probability. If `gradient` is not NULL, of `count` values, the gradient is added to it. NaN
 * if nothing counts.
 */
double lab_model_learn(const struct lab_model *model, struct lab_tape *tape,
                       const struct lab_goal *goal, float *log_p, float *gradient);

/*
 * The mean over targets of -ln p, in nats. `tokens` is rows x (length + 1), each below the
 * vocabulary; the target of a place is the token after it. `counts` (rows x length, or NULL: all)
 * says which targets count. The rest is as above.
 */
double lab_model_loss(const struct lab_model *model, struct lab_tape *tape, const uint16_t *tokens,
                      const bool *counts, float *log_p, float *gradient);

/* What the model says at each place: rows x length x vocabulary logits. `tokens` is as above; the
 * last of a row is not read. */
void lab_model_logits(const struct lab_model *model, struct lab_tape *tape, const uint16_t *tokens,
                      float *logits);

#endif
