/* SPDX-License-Identifier: Apache-2.0 */
/*
 * products: matrix products in float32, row-major. In: matrices that do not overlap. Out: sums
 * added to C. Every element of C is one chain c = fma(a, b, c), k ascending, whatever the
 * processor and however the work is cut up: plain C, AVX2 and AVX-512 give the same bits. What can
 * go wrong: nothing.
 *
 * B is packed first, in panels of LAB_PANEL columns, so that it can be used many times; rows of A
 * are packed as they are needed (Goto and van de Geijn 2008).
 */
#ifndef LAB_PRODUCTS_H
#define LAB_PRODUCTS_H

#include <stdbool.h>
#include <stddef.h>

#define LAB_PANEL 32

enum lab_processor { LAB_PLAIN, LAB_AVX2, LAB_AVX512 };

/* "plain", "avx2", "avx512". */
const char *lab_processor_name(enum lab_processor processor);
/* The fastest that this machine has. */
enum lab_processor lab_processor_fastest(void);

/* B (k x m), packed for a processor: panels of LAB_PANEL columns, each k rows. */
struct lab_packed {
    enum lab_processor processor; /* one that the machine has */
    size_t k, m;
    float *panels; /* lab_packed_size(k, m) floats, at best aligned to 64 bytes; the caller's */
};

size_t lab_packed_size(size_t k, size_t m);

/* Fills b->panels; element (p, j) of B is from[p * step_k + j * step_m]. */
void lab_pack(const struct lab_packed *b, const float *from, size_t step_k, size_t step_m);

/* C (n x m, rows step_c apart) += A B, with the first k rows and m columns of B. A's element
 * (i, p) is a[i * step_n + p * step_k]. */
void lab_multiply(const struct lab_packed *b, size_t n, size_t k, size_t m, const float *a,
                  size_t step_n, size_t step_k, float *c, size_t step_c);

#endif
