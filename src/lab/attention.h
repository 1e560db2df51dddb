/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attention: causal, of grouped queries, fused (Dao et al. 2022): a block of queries at a time, no
 * matrix of all places by all places; the way back makes the probabilities again from each
 * query's ln of its sum. In: queries, keys and values side by side. Out: mixed values, gradients.
 * What can go wrong: nothing.
 */
#ifndef LAB_ATTENTION_H
#define LAB_ATTENTION_H

#include "lab/model.h"
#include "lab/products.h"

/* Floats of scratch that both functions need. */
size_t lab_attention_scratch(const struct lab_shape *shape, size_t length);

/*
 * One row of `length` places. qkv: length x (width + 2 kv width), turned; mixed: length x width;
 * log_sum: heads x length.
 */
void lab_attention(const struct lab_shape *shape, enum lab_processor processor, size_t length,
                   const float *qkv, float *mixed, float *log_sum, float *scratch);

/* From d_mixed sets d_qkv. */
void lab_attention_back(const struct lab_shape *shape, enum lab_processor processor, size_t length,
                        const float *qkv, const float *mixed, const float *log_sum,
                        const float *d_mixed, float *d_qkv, float *scratch);

#endif
