/* SPDX-License-Identifier: Apache-2.0 */
/*
 * products: matrix products in float32, row-major. In: matrices that do not overlap. Out: sums
 * added to C. Written so that every element is summed in one order, whatever the processor: plain
 * C, AVX2 and AVX-512 give the same bits. What can go wrong: nothing.
 */
#ifndef LAB_PRODUCTS_H
#define LAB_PRODUCTS_H

#include <stddef.h>

/* C (n x m) += A (n x k) B (k x m). */
void lab_multiply(size_t n, size_t k, size_t m, const float *a, const float *b, float *c);

/* C (k x m) += A^T B, where A is n x k and B is n x m. */
void lab_multiply_transposed(size_t n, size_t k, size_t m, const float *a, const float *b,
                             float *c);

/* to (columns x rows) = from (rows x columns) transposed. */
void lab_transpose(size_t rows, size_t columns, const float *from, float *to);

#endif
