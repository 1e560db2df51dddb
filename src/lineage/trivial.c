/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tensors that a formula made. A sum of p/2 sinusoids (a windowed one is a sum of three), an
 * exponential or a polynomial obeys a linear recurrence of order p exactly; trained weights do
 * not. So: fit one by least squares and look at what it leaves.
 */
#include "lineage/trivial.h"

#include <assay/stats.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ORDER 8
#define FEW 8
#define LONGEST 1024
#define BEGINNING 256     /* of a row; a multiple of every block */
#define BEGINNING_DOWN 64 /* of a column: each element is a page of the file */
#define SAMPLED 24
#define LEFT_OVER 1e-3 /* share of the energy; bfloat16 rounding leaves about 1e-5 */

/* The share of a series' energy that the best recurrence leaves; 1 if it cannot be fitted. */
static double left_over(const float *x, size_t n)
{
    double gram[ORDER * ORDER] = {0}, right[ORDER] = {0}, energy = 0, left = 0;
    for (size_t t = ORDER; t < n; t++) {
        energy += (double)x[t] * (double)x[t];
        for (int i = 0; i < ORDER; i++) {
            double past = (double)x[t - 1 - (size_t)i];
            right[i] += past * (double)x[t];
            for (int j = 0; j <= i; j++)
                gram[i * ORDER + j] += past * (double)x[t - 1 - (size_t)j];
        }
    }
    if (!(energy > 0))
        return 1;
    double trace = 0;
    for (int i = 0; i < ORDER; i++)
        trace += gram[i * ORDER + i];
    for (int i = 0; i < ORDER; i++) /* exact recurrences of lower order make it singular */
        gram[i * ORDER + i] += 1e-9 * trace;
    if (!assay_stats_cholesky(gram, ORDER))
        return 1;
    assay_stats_cholesky_solve(gram, ORDER, right);
    for (size_t t = ORDER; t < n; t++) {
        double e = (double)x[t];
        for (int i = 0; i < ORDER; i++)
            e -= right[i] * (double)x[t - 1 - (size_t)i];
        left += e * e;
    }
    return left / energy;
}

static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* How many values differ by their bits, as far as FEW + 1. */
static size_t distinct(const float *values, size_t n)
{
    uint32_t seen[FEW + 1];
    size_t count = 0;
    for (size_t i = 0; i < n && count <= FEW; i++) {
        size_t k = 0;
        while (k < count && seen[k] != bits_of(values[i]))
            k++;
        if (k == count)
            seen[count++] = bits_of(values[i]);
    }
    return count;
}

/* How often the most frequent value occurs, if it is more than half of all; else any count of a
 * value (Boyer and Moore's majority vote). */
static size_t majority(const float *values, size_t n)
{
    uint32_t candidate = 0;
    size_t votes = 0, count = 0;
    for (size_t i = 0; i < n; i++) {
        if (votes == 0)
            candidate = bits_of(values[i]);
        votes += bits_of(values[i]) == candidate ? 1 : (size_t)-1;
    }
    for (size_t i = 0; i < n; i++)
        count += bits_of(values[i]) == candidate;
    return count;
}

static const char *few_values(const float *values, size_t n)
{
    size_t different = distinct(values, n);
    if (different == 1)
        return "constant";
    if (different <= FEW && n >= 64)
        return "no more than 8 distinct values";
    if ((double)majority(values, n) > 0.9 * (double)n)
        return "more than 90% of it is one value";
    return NULL;
}

struct sample {
    const struct assay_tensor *tensor;
    uint64_t rows, row; /* elements of a row: everything but the first axis */
    float *values;      /* a row, or LONGEST of a column */
};

/* Row `at`, its last axis only: a sequence in the tensor's own order. */
static size_t read_row(const struct sample *s, uint64_t at, uint64_t most)
{
    size_t block, bytes;
    uint64_t n = s->row < most ? s->row : most;
    assay_dtype_block(s->tensor->dtype, &block, &bytes);
    n -= n % block;
    if (n == 0 ||
        assay_tensor_read(s->tensor, at * s->row / block * block, n, s->values, NULL) != ASSAY_OK)
        return 0;
    for (uint64_t i = 0; i < n; i++)
        if (!isfinite(s->values[i]))
            s->values[i] = 0;
    return (size_t)n;
}

static size_t read_column(const struct sample *s, uint64_t at, uint64_t most)
{
    uint64_t n = s->rows < most ? s->rows : most;
    for (uint64_t r = 0; r < n; r++) {
        if (assay_tensor_read(s->tensor, r * s->row + at, 1, s->values + r, NULL) != ASSAY_OK)
            return 0;
        if (!isfinite(s->values[r]))
            s->values[r] = 0;
    }
    return (size_t)n;
}

enum line { LINE_SHORT, LINE_ZERO, LINE_FORMULA, LINE_OTHER };

static enum line look_at(const struct sample *s, bool column, uint64_t at, uint64_t most,
                         uint64_t *bytes_read)
{
    size_t length = column ? read_column(s, at, most) : read_row(s, at, most);
    double energy = 0;
    *bytes_read += length * 4;
    for (size_t i = 0; i < length; i++)
        energy += fabs((double)s->values[i]);
    if (length < 3 * ORDER)
        return LINE_SHORT;
    if (!(energy > 0))
        return LINE_ZERO;
    return left_over(s->values, length) < LEFT_OVER ? LINE_FORMULA : LINE_OTHER;
}

/*
 * True if nearly every sampled line that is not 0 follows a recurrence. A line whose beginning
 * does not is not read further: a recurrence that holds on the whole holds there, and nearly all
 * tensors are dismissed by the beginnings of three lines.
 */
static bool follows_formula(const struct sample *s, bool columns, uint64_t *bytes_read)
{
    uint64_t lines = columns ? s->row : s->rows;
    size_t formula = 0, other = 0;
    for (uint64_t k = 0; k < SAMPLED && (double)other <= 0.1 * SAMPLED; k++) {
        uint64_t at = lines <= SAMPLED ? k : k * (lines - 1) / (SAMPLED - 1);
        if (at >= lines)
            break;
        enum line line = look_at(s, columns, at, columns ? BEGINNING_DOWN : BEGINNING, bytes_read);
        if (line == LINE_FORMULA || line == LINE_ZERO)
            line = look_at(s, columns, at, LONGEST, bytes_read);
        if (line == LINE_SHORT)
            return false;
        formula += line == LINE_FORMULA;
        other += line == LINE_OTHER;
    }
    return formula > 0 && (double)formula >= 0.9 * (double)(formula + other);
}

const char *trivial_reason(const struct assay_tensor *t, uint64_t *bytes_read)
{
    size_t block, bytes;
    const char *reason = NULL;
    assay_dtype_block(t->dtype, &block, &bytes);
    if (t->elements == 0)
        return "empty";
    struct sample s = {t, t->rank ? t->shape[0] : 1, 0, malloc(LONGEST * 4 * sizeof(float))};
    s.row = t->elements / s.rows;
    if (!s.values)
        return "not examined: out of memory";
    uint64_t n = t->elements < LONGEST * 4 ? t->elements : LONGEST * 4;
    if (assay_tensor_read(t, 0, n - n % block, s.values, NULL) == ASSAY_OK && n >= block)
        reason = few_values(s.values, (size_t)(n - n % block));
    *bytes_read += n * 4;
    if (!reason && follows_formula(&s, false, bytes_read))
        reason = "its rows follow a linear recurrence, as Fourier bases and positional tables do";
    if (!reason && block == 1 && follows_formula(&s, true, bytes_read))
        reason = "its columns follow a linear recurrence, as rotary and positional tables do";
    free(s.values);
    return reason;
}
