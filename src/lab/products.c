/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/products.h"

#define ROWS 4   /* of C in registers and cache lines at once */
#define DEPTH 64 /* of A and B before moving on along C */
#define COLUMNS 512

#if defined(__x86_64__) && defined(__GNUC__)
#define DISPATCH 1
#else
#define DISPATCH 0
#endif

/* Inlined into each variant, which the compiler then vectorises along columns: elements of C are
 * independent, so no sum is reordered. `transposed`: A is k x n. */
static inline __attribute__((always_inline)) void block(size_t n, size_t k, size_t m,
                                                        const float *a, size_t step_n,
                                                        size_t step_k, const float *b,
                                                        size_t b_width, float *c, size_t c_width)
{
    size_t i = 0;
    for (; i + ROWS <= n; i += ROWS) {
        float *restrict c0 = c + i * c_width, *restrict c1 = c0 + c_width;
        float *restrict c2 = c1 + c_width, *restrict c3 = c2 + c_width;
        for (size_t p = 0; p < k; p++) {
            const float *restrict row = b + p * b_width;
            const float *at = a + i * step_n + p * step_k;
            float a0 = at[0], a1 = at[step_n], a2 = at[2 * step_n], a3 = at[3 * step_n];
            for (size_t j = 0; j < m; j++) {
                c0[j] += a0 * row[j];
                c1[j] += a1 * row[j];
                c2[j] += a2 * row[j];
                c3[j] += a3 * row[j];
            }
        }
    }
    for (; i < n; i++)
        for (size_t p = 0; p < k; p++) {
            const float *restrict row = b + p * b_width;
            float *restrict c0 = c + i * c_width;
            float a0 = a[i * step_n + p * step_k];
            for (size_t j = 0; j < m; j++)
                c0[j] += a0 * row[j];
        }
}

static inline __attribute__((always_inline)) void multiply(size_t n, size_t k, size_t m,
                                                           const float *a, size_t step_n,
                                                           size_t step_k, const float *b, float *c)
{
    for (size_t j = 0; j < m; j += COLUMNS)
        for (size_t p = 0; p < k; p += DEPTH)
            block(n, k - p < DEPTH ? k - p : DEPTH, m - j < COLUMNS ? m - j : COLUMNS,
                  a + p * step_k, step_n, step_k, b + p * m + j, m, c + j, m);
}

typedef void product(size_t n, size_t k, size_t m, const float *a, size_t step_n, size_t step_k,
                     const float *b, float *c);

static void multiply_plain(size_t n, size_t k, size_t m, const float *a, size_t step_n,
                           size_t step_k, const float *b, float *c)
{
    multiply(n, k, m, a, step_n, step_k, b, c);
}

#if DISPATCH
__attribute__((target("avx2"))) static void multiply_avx2(size_t n, size_t k, size_t m,
                                                          const float *a, size_t step_n,
                                                          size_t step_k, const float *b, float *c)
{
    multiply(n, k, m, a, step_n, step_k, b, c);
}

__attribute__((target("avx512f,prefer-vector-width=512"))) static void
multiply_avx512(size_t n, size_t k, size_t m, const float *a, size_t step_n, size_t step_k,
                const float *b, float *c)
{
    multiply(n, k, m, a, step_n, step_k, b, c);
}
#endif

static product *fastest(void)
{
#if DISPATCH
    if (__builtin_cpu_supports("avx512f"))
        return multiply_avx512;
    if (__builtin_cpu_supports("avx2"))
        return multiply_avx2;
#endif
    return multiply_plain;
}

void lab_multiply(size_t n, size_t k, size_t m, const float *a, const float *b, float *c)
{
    fastest()(n, k, m, a, k, 1, b, c);
}

void lab_multiply_transposed(size_t n, size_t k, size_t m, const float *a, const float *b, float *c)
{
    fastest()(k, n, m, a, 1, k, b, c);
}

void lab_transpose(size_t rows, size_t columns, const float *from, float *to)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < columns; c++)
            to[c * rows + r] = from[r * columns + c];
}
