/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Independent models of one world, made in memory: an embedding and gated feed-forward parts. In: a
 * seed. Out: a checkpoint. MADE_WIDTH, MADE_UNITS, MADE_TOKENS, MADE_LAYERS may be set before.
 */
#ifndef TESTS_LINEAGE_MADE_H
#define TESTS_LINEAGE_MADE_H

#include <assay/checkpoint.h>

#include <math.h>
#include <stdio.h>

#ifndef MADE_WIDTH
#define MADE_WIDTH 32
#define MADE_UNITS 64
#define MADE_TOKENS 200
#define MADE_LAYERS 2
#endif

#define MADE_TENSORS (1 + 3 * MADE_LAYERS)

struct made {
    float embedding[MADE_TOKENS * MADE_WIDTH];
    float part[MADE_LAYERS][3][MADE_UNITS * MADE_WIDTH];
    struct assay_tensor tensors[MADE_TENSORS];
    char names[MADE_TENSORS][64];
    struct assay_checkpoint checkpoint;
};

static inline void made_tensor(struct made *m, size_t i, uint64_t rows, uint64_t columns,
                               float *values)
{
    m->tensors[i] = (struct assay_tensor){.name = m->names[i],
                                          .dtype = ASSAY_DTYPE_F32,
                                          .stored_as = "F32",
                                          .rank = 2,
                                          .shape = {rows, columns},
                                          .stride = {columns, 1},
                                          .contiguous = true,
                                          .elements = rows * columns,
                                          .bytes = (const unsigned char *)values,
                                          .size = rows * columns * 4,
                                          .file = "made"};
}

static inline void made_lay_out(struct made *m)
{
    static const char *const parts[] = {"gate_proj", "up_proj", "down_proj"};
    snprintf(m->names[0], 64, "model.embed_tokens.weight");
    made_tensor(m, 0, MADE_TOKENS, MADE_WIDTH, m->embedding);
    for (size_t l = 0; l < MADE_LAYERS; l++)
        for (size_t p = 0; p < 3; p++) {
            size_t i = 1 + 3 * l + p;
            snprintf(m->names[i], 64, "model.layers.%zu.mlp.%s.weight", l, parts[p]);
            made_tensor(m, i, p < 2 ? MADE_UNITS : MADE_WIDTH, p < 2 ? MADE_WIDTH : MADE_UNITS,
                        m->part[l][p]);
        }
    m->checkpoint = (struct assay_checkpoint){
        .path = "made", .format = "made", .tensors = m->tensors, .count = MADE_TENSORS};
}

/*
 * An independent model of one world: tokens mean the same in all (the first stream), told in a
 * basis of the model's own; `universal` of the units do what some unit does in every model, under
 * a number of its own. That is what makes independent models look alike.
 */
static inline void made_make(struct made *m, uint64_t seed, size_t universal)
{
    struct assay_random world, own;
    double basis[MADE_WIDTH][MADE_WIDTH];
    assay_random_start(&world, 1, 77);
    assay_random_start(&own, seed, 5);
    for (size_t i = 0; i < MADE_WIDTH; i++) {
        double length = 0;
        for (size_t c = 0; c < MADE_WIDTH; c++)
            basis[i][c] = assay_random_normal(&own);
        for (size_t j = 0; j < i; j++) {
            double dot = 0;
            for (size_t c = 0; c < MADE_WIDTH; c++)
                dot += basis[i][c] * basis[j][c];
            for (size_t c = 0; c < MADE_WIDTH; c++)
                basis[i][c] -= dot * basis[j][c];
        }
        for (size_t c = 0; c < MADE_WIDTH; c++)
            length += basis[i][c] * basis[i][c];
        for (size_t c = 0; c < MADE_WIDTH; c++)
            basis[i][c] /= sqrt(length);
    }
    for (size_t t = 0; t < MADE_TOKENS; t++) {
        double meaning[MADE_WIDTH];
        for (size_t k = 0; k < MADE_WIDTH; k++)
            meaning[k] = assay_random_normal(&world);
        for (size_t c = 0; c < MADE_WIDTH; c++) {
            double sum = 0.3 * assay_random_normal(&own);
            for (size_t k = 0; k < MADE_WIDTH; k++)
                sum += meaning[k] * basis[k][c];
            m->embedding[t * MADE_WIDTH + c] = (float)sum;
        }
    }
    for (size_t l = 0; l < MADE_LAYERS; l++) {
        size_t order[MADE_UNITS];
        for (size_t i = 0; i < MADE_UNITS; i++)
            order[i] = i;
        for (size_t i = MADE_UNITS; i > 1; i--) {
            size_t other = (size_t)assay_random_below(&own, i), swap = order[i - 1];
            order[i - 1] = order[other];
            order[other] = swap;
        }
        for (size_t i = 0; i < MADE_UNITS; i++)
            for (size_t p = 0; p < 3; p++) {
                double meaning[MADE_WIDTH];
                for (size_t k = 0; k < MADE_WIDTH; k++) {
                    double common = assay_random_normal(&world), mine = assay_random_normal(&own);
                    meaning[k] = i < universal ? common : mine;
                }
                for (size_t c = 0; c < MADE_WIDTH; c++) {
                    double sum = 0;
                    for (size_t k = 0; k < MADE_WIDTH; k++)
                        sum += meaning[k] * basis[k][c];
                    m->part[l][p][p < 2 ? order[i] * MADE_WIDTH + c : c * MADE_UNITS + order[i]] =
                        (float)sum;
                }
            }
    }
    made_lay_out(m);
}

static inline void made_leave_out_gates(struct made *m)
{
    size_t count = 0;
    for (size_t i = 0; i < MADE_TENSORS; i++)
        if (i == 0 || (i - 1) % 3 != 0)
            m->tensors[count++] = m->tensors[i];
    m->checkpoint.count = count;
}

/* Names that say nothing, in an order drawn from the seed. Not for a copy that is laid out again.
 */
static inline void made_hide_names(struct made *m, uint64_t seed)
{
    struct assay_random random;
    assay_random_start(&random, seed, 6);
    for (size_t i = MADE_TENSORS; i > 1; i--) {
        size_t other = (size_t)assay_random_below(&random, i);
        struct assay_tensor swap = m->tensors[i - 1];
        m->tensors[i - 1] = m->tensors[other];
        m->tensors[other] = swap;
    }
    for (size_t i = 0; i < MADE_TENSORS; i++) {
        snprintf(m->names[i], sizeof m->names[i], "t%zu", i);
        m->tensors[i].name = m->names[i];
    }
}

#endif
