/* SPDX-License-Identifier: Apache-2.0 */
/* tape: the memory of passes (pass.c). One block, cut up; the model's matrices packed. */
#ifndef LAB_TAPE_H
#define LAB_TAPE_H

#include "lab/experts.h"
#include "lab/pass.h"

/* Of one layer: its matrices, and its activations at n places. */
struct lab_layer_tape {
    struct lab_turned qkv, o, gate_up, down;
    float *x;                   /* what came in */
    float *h1, *qkv_at;         /* after the norm; queries, keys and values, the first two turned */
    float *log_sum, *mixed;     /* attention: rows x heads x length; its output */
    float *middle;              /* after attention */
    float *h2, *gate_up_at;     /* after the norm; both halves side by side */
    float *product;             /* of SwiGLU */
    float *scale1, *scale2;     /* 1 / root mean square */
    struct lab_experts experts; /* if there are any, instead of gate_up to product */
};

struct lab_tape {
    enum lab_precision precision;
    size_t rows, length; /* that the caller hands over */
    size_t most, n;      /* rows that go through at once; places of the present ones */
    size_t chunk;        /* places whose logits are held at once */
    struct lab_layer_tape *layers;
    struct lab_turned head;
    float *some;                                   /* a layer's input, packed for a gradient */
    float *last, *h, *scale;                       /* after the layers; after the last norm */
    float *logits;                                 /* of a chunk */
    float *weights;                                /* of all places */
    float *d, *d2, *d_product, *d_gate_up, *d_qkv; /* gradients on the way back */
    struct lab_experts_room room;
    double balance, counted; /* of the pass: sums over layers and batches */
    float *scratch;          /* of attention */
    float *cosine, *sine;    /* [place * half + pair] */
    float *memory;
};

/* Begins a pass: packs the model's matrices into the tape, those of the way back too if `back`. */
void lab_tape_load(struct lab_tape *tape, const struct lab_model *model, bool back);

#endif
