/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rank of a difference B - A: low-rank adaptation (LoRA) leaves one of 64 or less. Random
 * vectors are sent through the difference and made orthogonal one after another; once they span
 * its range, nothing new is left of the next (Halko, Martinsson and Tropp, SIAM Review 2011, 4.1).
 */
#include "lineage/compare.h"

#include <math.h>
#include <stdlib.h>

#define MOST_RANK 64
#define PROBES (MOST_RANK + 8)
#define MOST_ELEMENTS ((uint64_t)1 << 24)
#define NOTHING_NEW 0.02 /* of a probe's length: rounding to bfloat16 and back leaves less */

/* Rows of `probes` become the images of random vectors. */
static assay_status send(struct comparing *c, const struct pair *p, double *probes)
{
    uint64_t rows = p->a->shape.out, n = p->a->shape.in * p->a->shape.inner;
    float *a = malloc((size_t)n * sizeof *a), *b = malloc((size_t)n * sizeof *b);
    double *random = malloc((size_t)n * PROBES * sizeof *random);
    assay_status status = a && b && random ? ASSAY_OK : compare_no_memory(c);
    struct assay_random stream;
    assay_random_start(&stream, c->context->seed, 0x72616e6b);
    for (uint64_t i = 0; i < n * PROBES && status == ASSAY_OK; i++)
        random[i] = assay_random_normal(&stream);
    for (uint64_t r = 0; r < rows && status == ASSAY_OK; r++) {
        status = assay_tensor_read(p->a->tensor, r * n, n, a, c->error);
        if (status == ASSAY_OK)
            status = assay_tensor_read(p->b->tensor, r * n, n, b, c->error);
        for (uint64_t k = 0; k < PROBES && status == ASSAY_OK; k++) {
            double sum = 0;
            for (uint64_t i = 0; i < n; i++)
                sum += ((double)b[i] - (double)a[i]) * random[k * n + i];
            probes[k * rows + r] = isfinite(sum) ? sum : 0;
        }
    }
    c->result->bytes_read += 8 * rows * n;
    free(a);
    free(b);
    free(random);
    return status;
}

static double dot(const double *x, const double *y, uint64_t n)
{
    double sum = 0;
    for (uint64_t i = 0; i < n; i++)
        sum += x[i] * y[i];
    return sum;
}

/* Probes that add a direction, before the first that does not. */
static size_t count_directions(double *probes, uint64_t rows)
{
    for (size_t k = 0; k < PROBES; k++) {
        double *x = probes + k * rows, before = sqrt(dot(x, x, rows));
        for (int pass = 0; pass < 2; pass++)
            for (size_t j = 0; j < k; j++) {
                double along = dot(x, probes + j * rows, rows);
                for (uint64_t i = 0; i < rows; i++)
                    x[i] -= along * probes[j * rows + i];
            }
        double left = sqrt(dot(x, x, rows));
        if (!(left > NOTHING_NEW * before))
            return k;
        for (uint64_t i = 0; i < rows; i++)
            x[i] /= left;
    }
    return PROBES;
}

assay_status compare_difference_rank(struct comparing *c, const struct pair *p, size_t *rank)
{
    uint64_t rows = p->a->shape.out, columns = p->a->shape.in * p->a->shape.inner;
    uint64_t least = rows < columns ? rows : columns;
    *rank = 0;
    if (!p->same_shape || p->a->tensor->elements > MOST_ELEMENTS || least < 16)
        return ASSAY_OK;
    double *probes = malloc((size_t)rows * PROBES * sizeof *probes);
    assay_status status = probes ? send(c, p, probes) : compare_no_memory(c);
    if (status == ASSAY_OK) {
        size_t found = count_directions(probes, rows);
        *rank = found <= MOST_RANK && found * 2 <= least ? found : 0;
    }
    free(probes);
    return status;
}

assay_status compare_rows_rank(struct comparing *c, const float *rows, size_t count, size_t width,
                               size_t *rank)
{
    size_t least = count < width ? count : width;
    double *probes = malloc(count * PROBES * sizeof *probes);
    double *random = malloc(width * sizeof *random);
    struct assay_random stream;
    assay_status status = probes && random ? ASSAY_OK : compare_no_memory(c);
    assay_random_start(&stream, c->context->seed, 0x726f7773);
    *rank = 0;
    for (size_t k = 0; k < PROBES && status == ASSAY_OK; k++) {
        for (size_t i = 0; i < width; i++)
            random[i] = assay_random_normal(&stream);
        for (size_t r = 0; r < count; r++) {
            probes[k * count + r] = 0;
            for (size_t i = 0; i < width; i++)
                probes[k * count + r] += (double)rows[r * width + i] * random[i];
        }
    }
    if (status == ASSAY_OK) {
        size_t found = count_directions(probes, count);
        *rank = found <= MOST_RANK && found * 2 <= least ? found : 0;
    }
    free(probes);
    free(random);
    return status;
}
