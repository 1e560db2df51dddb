/* SPDX-License-Identifier: Apache-2.0 */
/*
 * products: matrix products, float32 in and out, row-major. In: matrices that do not overlap. Out:
 * their products, or sums with them. What can go wrong: nothing.
 *
 * In float32 every element of C is one chain c = fma(a, b, c), k ascending, however the work is cut
 * up: plain C, AVX2 and AVX-512 give the same bits. In bfloat16 both factors are rounded to it
 * first, and sums are kept in float32; plain C defines it and AVX512-BF16 gives the same bits. In
 * the third, bfloat16 is summed as AMX's tiles do (products_tiles.h), which gives other bits than
 * either; plain C defines it, too.
 *
 * B is packed first, in panels of LAB_PANEL columns, so that it can be used many times; rows of A
 * are packed as they are needed (Goto and van de Geijn 2008).
 */
#ifndef LAB_PRODUCTS_H
#define LAB_PRODUCTS_H

#include <stdbool.h>
#include <stddef.h>

#define LAB_PANEL 32

/* What products are computed in; weights, sums and all else are float32. */
enum lab_precision { LAB_FLOAT32, LAB_BFLOAT16, LAB_BFLOAT16_TILES };

enum lab_processor {
    LAB_PLAIN,
    LAB_PLAIN_BF16,
    LAB_PLAIN_TILES,
    LAB_AVX2,
    LAB_AVX512,
    LAB_AVX512_BF16,
    LAB_AMX,
    LAB_PROCESSORS,
};

/* "plain", "avx512 bf16", ... */
const char *lab_processor_name(enum lab_processor processor);
bool lab_processor_runs(enum lab_processor processor); /* on this machine */
/* The fastest that this machine has. */
enum lab_processor lab_processor_fastest(enum lab_precision precision);

/* B (k x m), packed for a processor: panels of LAB_PANEL columns, each k rows. */
struct lab_packed {
    enum lab_processor processor; /* one that the machine has */
    size_t k, m;
    float *panels; /* lab_packed_size(k, m) floats, at best aligned to 64 bytes; the caller's */
};

size_t lab_packed_size(size_t k, size_t m);

/* Fills b->panels; element (p, j) of B is from[p * step_k + j * step_m]; one of the steps is 1. */
void lab_pack(const struct lab_packed *b, const float *from, size_t step_k, size_t step_m);

/* C (n x m) = from + A B, with the first k rows and m columns of B. `from` (NULL: 0) may be c; the
 * rows of both are step_c apart. A's element (i, p) is a[i * step_n + p * step_k]; one of the steps
 * is 1. */
void lab_multiply(const struct lab_packed *b, size_t n, size_t k, size_t m, const float *a,
                  size_t step_n, size_t step_k, const float *from, float *c, size_t step_c);

/* y (n x outputs) = from + x (n x inputs) W^T; `from` (NULL: 0) may be y. W, outputs x inputs, is
 * packed by lab_pack(w, W, 1, inputs). */
void lab_apply(const struct lab_packed *w, size_t n, const float *x, const float *from, float *y);

/* A matrix, outputs x inputs, packed for y = x W^T and for d_x = d_y W. */
struct lab_turned {
    struct lab_packed on, back;
};

/* Fills both, or without `back` the first, from W. */
void lab_turned_load(const struct lab_turned *to, const float *w, bool back);

/*
 * Gradients of y = x W^T at n places: added to d_w; d_x is set. `room` has space for x packed,
 * lab_packed_size(n, inputs).
 */
void lab_apply_back(const struct lab_turned *w, size_t n, const float *x, const float *d_y,
                    float *d_w, float *d_x, float *room);

#endif
