/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rotations of one residual stream into another, from embeddings of the same tokens: the orthogonal
 * factor of E_A^T E_B (Procrustes; Schoenemann, Psychometrika 1966), by Newton-Schulz iteration.
 *
 * Streams wider than ROTATION_TOKENS are turned as far as so many tokens span them. With T tokens,
 * E E^T = C C^T (Cholesky) and Y = C^-1 E, which has orthonormal rows, E_A^T E_B is
 * Y_A^T (C_A^T C_B) Y_B, so its orthogonal factor is Y_A^T P Y_B, P that of a T x T matrix.
 */
#include "lineage/rotation.h"

#include "lineage/dots.h"

#include <assay/stats.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ITERATIONS 100

static assay_status no_memory(struct assay_error *error)
{
    return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

/* c = a b^T, by dots.h, four rows of a at a time. */
struct product {
    const struct units *a, *b;
    struct units *c;
};

static void four_rows(void *data, size_t task)
{
    const struct product *p = data;
    dots_function *kernel = dots_fastest();
    size_t i = 4 * task, width = p->a->width;
    for (size_t j = 0; j < p->b->count; j++) {
        float product[4];
        kernel(p->a->values + i * width, width, p->b->values + j * width, width, product);
        for (size_t row = 0; row < 4 && i + row < p->a->count; row++)
            p->c->values[(i + row) * p->c->width + j] = product[row];
    }
}

static assay_status multiply_transposed(const struct assay_context *context, const struct units *a,
                                        const struct units *b, struct units *c,
                                        struct assay_error *error)
{
    struct product p = {a, b, c};
    return assay_parallel_for(context, NULL, (a->count + 3) / 4, four_rows, &p, error);
}

/* `to` has as many rows as `from` has columns that count. */
static void transpose(const struct units *from, struct units *to)
{
    for (size_t i = 0; i < from->count; i++)
        for (size_t j = 0; j < to->count; j++)
            to->values[j * to->width + i] = from->values[i * from->width + j];
}

/* X <- 1.5 X - 0.5 X X^T X until X X^T is the identity; from singular values in (0, 1]. */
static assay_status orthogonal_factor(const struct assay_context *context, struct units *x,
                                      bool *done, struct assay_error *error)
{
    struct units gram = {0}, turned = {0}, next = {0};
    size_t n = x->count;
    double norm = 0, off = 1;
    assay_status status =
        units_new(&gram, n, n) && units_new(&turned, n, n) && units_new(&next, n, n)
            ? ASSAY_OK
            : no_memory(error);
    for (size_t i = 0; i < n * x->width; i++)
        norm += (double)x->values[i] * (double)x->values[i];
    for (size_t i = 0; i < n * x->width && norm > 0; i++)
        x->values[i] = (float)((double)x->values[i] / sqrt(norm));
    for (int k = 0; k < ITERATIONS && status == ASSAY_OK && off > 1e-4; k++) {
        status = multiply_transposed(context, x, x, &gram, error);
        off = 0;
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < n; j++)
                off = fmax(off, fabs((double)gram.values[i * gram.width + j] - (i == j)));
        transpose(x, &turned);
        if (status == ASSAY_OK) /* the Gram matrix is symmetric */
            status = multiply_transposed(context, &gram, &turned, &next, error);
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < n; j++)
                x->values[i * x->width + j] =
                    1.5f * x->values[i * x->width + j] - 0.5f * next.values[i * next.width + j];
    }
    units_free(&gram);
    units_free(&turned);
    units_free(&next);
    *done = norm > 0 && off < 0.2;
    return status;
}

static void centre(struct units *u)
{
    for (size_t i = 0; i < u->count; i++) { /* a unit's vector runs over tokens */
        double sum = 0;
        for (size_t t = 0; t < u->width; t++)
            sum += (double)u->values[i * u->width + t];
        float mean = (float)(sum / (double)u->width);
        for (size_t t = 0; t < u->width; t++)
            u->values[i * u->width + t] -= mean;
    }
}

/* The cosine of all of A's embeddings, turned, with B's: the sum of q times E_A^T E_B. */
static double fit_of(const struct units *products, const float *q, const struct units *a,
                     const struct units *b)
{
    double sum = 0, aa = 0, bb = 0;
    size_t n = a->count;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            sum += (double)q[i * n + j] * (double)products->values[i * products->width + j];
    for (size_t i = 0; i < n * a->width; i++) {
        aa += (double)a->values[i] * (double)a->values[i];
        bb += (double)b->values[i] * (double)b->values[i];
    }
    return aa > 0 && bb > 0 ? sum / sqrt(aa * bb) : 0;
}

/* `a` and `b` are embeddings by column: a coordinate of the stream is a row of them. */
assay_status rotation_find(const struct assay_context *context, struct units *a, struct units *b,
                           struct turn *turn, bool *found, struct assay_error *error)
{
    struct units x = {0}, products = {0};
    size_t n = a->count;
    centre(a);
    centre(b);
    turn->q = malloc(n * n * sizeof *turn->q);
    assay_status status = turn->q && units_new(&x, n, n) && units_new(&products, n, n)
                              ? multiply_transposed(context, a, b, &products, error)
                              : no_memory(error);
    if (status == ASSAY_OK) {
        memcpy(x.values, products.values, n * x.width * sizeof *x.values);
        status = orthogonal_factor(context, &x, found, error);
    }
    if (status == ASSAY_OK) {
        for (size_t i = 0; i < n; i++)
            memcpy(turn->q + i * n, x.values + i * x.width, n * sizeof *turn->q);
        turn->fit = fit_of(&products, turn->q, a, b);
    }
    units_free(&x);
    units_free(&products);
    return status;
}

/* ---- rotation as far as a few tokens span the stream --------------------------------- */

struct span {
    struct units tokens; /* T x width: embeddings */
    struct units y;      /* width x T: those, then Y^T */
    double *factor;      /* C, T x T, lower */
};

static void span_free(struct span *s)
{
    units_free(&s->tokens);
    units_free(&s->y);
    free(s->factor);
}

/* An even sample of tokens; their mean, which would leave C singular, stays. */
static bool sample_tokens(const struct units *columns, size_t all, size_t count, struct span *to)
{
    if (!units_new(&to->tokens, count, columns->count) || !units_new(&to->y, columns->count, count))
        return false;
    for (size_t t = 0; t < count; t++)
        for (size_t c = 0; c < columns->count; c++)
            to->y.values[c * to->y.width + t] = to->tokens.values[t * to->tokens.width + c] =
                columns->values[c * columns->width + t * all / count];
    return true;
}

/* One column of Y: forward substitution. */
static void solve_column(void *data, size_t column)
{
    const struct span *s = data;
    size_t n = s->tokens.count;
    float *x = s->y.values + column * s->y.width;
    for (size_t i = 0; i < n; i++) {
        double sum = (double)x[i];
        for (size_t k = 0; k < i; k++)
            sum -= s->factor[i * n + k] * (double)x[k];
        x[i] = (float)(sum / s->factor[i * n + i]);
    }
}

/* False in *found if there are no tokens that span anything. */
static assay_status factor_span(const struct assay_context *context, struct span *s, bool *found,
                                struct assay_error *error)
{
    size_t n = s->tokens.count;
    struct units gram = {0};
    double trace = 0;
    s->factor = malloc((n * n + 1) * sizeof *s->factor);
    assay_status status = s->factor && units_new(&gram, n, n)
                              ? multiply_transposed(context, &s->tokens, &s->tokens, &gram, error)
                              : no_memory(error);
    for (size_t i = 0; i < n && status == ASSAY_OK; i++) {
        trace += (double)gram.values[i * gram.width + i];
        for (size_t j = 0; j < n; j++)
            s->factor[i * n + j] = (double)gram.values[i * gram.width + j];
    }
    for (size_t i = 0; i < n && status == ASSAY_OK; i++) /* tokens never seen may be alike */
        s->factor[i * n + i] += 1e-5 * trace / (double)n;
    *found = status == ASSAY_OK && trace > 0 && assay_stats_cholesky(s->factor, n);
    if (*found)
        status = assay_parallel_for(context, NULL, s->y.count, solve_column, s, error);
    units_free(&gram);
    return status;
}

/* c = C_A^T C_B. */
static bool inner_matrix(const struct span *a, const struct span *b, struct units *c)
{
    size_t n = a->tokens.count;
    double *row = calloc(n, sizeof *row);
    if (!row || !units_new(c, n, n)) {
        free(row);
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        memset(row, 0, n * sizeof *row);
        for (size_t k = i; k < n; k++)
            for (size_t j = 0; j <= k; j++)
                row[j] += a->factor[k * n + i] * b->factor[k * n + j];
        for (size_t j = 0; j < n; j++)
            c->values[i * c->width + j] = (float)row[j];
    }
    free(row);
    return true;
}

/* q = Y_A^T P Y_B. */
static assay_status put_together(const struct assay_context *context, const struct span *a,
                                 const struct span *b, const struct units *p, struct turn *turn,
                                 struct assay_error *error)
{
    size_t n = p->count, width = (size_t)turn->width;
    struct units turned = {0}, middle = {0}, q = {0};
    turn->q = malloc(width * width * sizeof *turn->q);
    assay_status status = turn->q && units_new(&turned, n, n) && units_new(&middle, width, n) &&
                                  units_new(&q, width, width)
                              ? ASSAY_OK
                              : no_memory(error);
    if (status == ASSAY_OK) {
        transpose(p, &turned);
        status = multiply_transposed(context, &a->y, &turned, &middle, error);
    }
    if (status == ASSAY_OK)
        status = multiply_transposed(context, &middle, &b->y, &q, error);
    for (size_t i = 0; i < width && status == ASSAY_OK; i++)
        memcpy(turn->q + i * width, q.values + i * q.width, width * sizeof *turn->q);
    units_free(&turned);
    units_free(&middle);
    units_free(&q);
    return status;
}

assay_status rotation_find_partial(const struct assay_context *context, const struct units *ua,
                                   const struct units *ub, size_t tokens, struct turn *turn,
                                   bool *found, struct assay_error *error)
{
    struct span a = {.factor = NULL}, b = {.factor = NULL};
    struct units p = {0};
    size_t count = tokens < ROTATION_TOKENS ? tokens : ROTATION_TOKENS;
    assay_status status =
        sample_tokens(ua, tokens, count, &a) && sample_tokens(ub, tokens, count, &b)
            ? factor_span(context, &a, found, error)
            : no_memory(error);
    if (status == ASSAY_OK && *found)
        status = factor_span(context, &b, found, error);
    if (status == ASSAY_OK && *found)
        status = inner_matrix(&a, &b, &p) ? orthogonal_factor(context, &p, found, error)
                                          : no_memory(error);
    if (status == ASSAY_OK && *found)
        status = put_together(context, &a, &b, &p, turn, error);
    turn->partial = true;
    span_free(&a);
    span_free(&b);
    units_free(&p);
    return status;
}
