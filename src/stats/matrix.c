/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Symmetric positive definite matrices, small and dense, by Cholesky's factor (Golub and Van
 * Loan, Matrix Computations, 4th edition, 4.2), and draws of normals that covary.
 */
#include <assay/stats.h>

#include <float.h>
#include <math.h>

bool assay_stats_cholesky(double *matrix, size_t n)
{
    for (size_t j = 0; j < n; j++) {
        double *row = matrix + j * n, given = row[j], pivot = given;
        for (size_t k = 0; k < j; k++) {
            const double *above = matrix + k * n;
            for (size_t i = 0; i < k; i++)
                row[k] -= row[i] * above[i];
            row[k] /= above[k];
            pivot -= row[k] * row[k];
        }
        if (!(pivot > (double)n * DBL_EPSILON * given) || isinf(pivot))
            return false;
        row[j] = sqrt(pivot);
        for (size_t k = j + 1; k < n; k++)
            row[k] = 0;
    }
    return true;
}

void assay_stats_cholesky_solve(const double *factor, size_t n, double *vector)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < i; k++)
            vector[i] -= factor[i * n + k] * vector[k];
        vector[i] /= factor[i * n + i];
    }
    for (size_t i = n; i-- > 0;) {
        for (size_t k = i + 1; k < n; k++)
            vector[i] -= factor[k * n + i] * vector[k];
        vector[i] /= factor[i * n + i];
    }
}

/* Column by column, which in a symmetric matrix are the rows; then made symmetric to the bit. */
void assay_stats_cholesky_inverse(const double *factor, size_t n, double *inverse)
{
    for (size_t j = 0; j < n; j++) {
        for (size_t i = 0; i < n; i++)
            inverse[j * n + i] = i == j;
        assay_stats_cholesky_solve(factor, n, inverse + j * n);
    }
    for (size_t j = 0; j < n; j++)
        for (size_t i = 0; i < j; i++)
            inverse[i * n + j] = inverse[j * n + i] = (inverse[i * n + j] + inverse[j * n + i]) / 2;
}

/* From the last entry up, so that each needs only normals that still stand in the vector. */
void assay_stats_draw_normals(struct assay_random *random, const double *mean, const double *factor,
                              size_t n, double *draw)
{
    for (size_t i = 0; i < n; i++)
        draw[i] = assay_random_normal(random);
    for (size_t i = n; i-- > 0;) {
        double sum = 0;
        for (size_t k = 0; k <= i; k++)
            sum += factor[i * n + k] * draw[k];
        draw[i] = mean[i] + sum;
    }
}
