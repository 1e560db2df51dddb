/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How A's residual stream lies in B's, from the embeddings of the tokens that both have: first a
 * renumbering (each column of B is most like one of A), else a rotation, the orthogonal factor of
 * E_A^T E_B (Procrustes; Schoenemann, Psychometrika 1966), by Newton-Schulz iteration.
 */
#include "lineage/turn.h"

#include "lineage/dots.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_TOKENS 16384
#define WIDEST_ROTATION 1024
#define ITERATIONS 100

/* ---- renumbering --------------------------------------------------------------------------------
 */

static assay_status columns(const struct matrix *embedding, uint64_t tokens, struct units *u,
                            uint64_t *bytes_read, struct assay_error *error)
{
    uint64_t width = embedding->shape.in;
    float *row = malloc((size_t)width * sizeof *row);
    if (!row || !units_new(u, (size_t)width, (size_t)tokens)) {
        free(row);
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    }
    assay_status status = ASSAY_OK;
    for (uint64_t t = 0; t < tokens && status == ASSAY_OK; t++) {
        status = assay_tensor_read(embedding->tensor, t * width, width, row, error);
        for (uint64_t c = 0; c < width && status == ASSAY_OK; c++)
            u->values[c * u->width + t] = isfinite(row[c]) ? row[c] : 0;
    }
    *bytes_read += 4 * width * tokens;
    free(row);
    return status;
}

/* True if at least 90% of B's columns find a column of A that finds them, and distinctly. */
static assay_status renumbering(const struct assay_context *context, const struct packed *a,
                                const struct packed *b, struct turn *turn, bool *found,
                                struct assay_error *error)
{
    size_t n = a->count, mutual = 0;
    size_t *back = malloc((n + 1) * sizeof *back);
    float *score = malloc((n + 1) * sizeof *score);
    turn->to = malloc((n + 1) * sizeof *turn->to);
    assay_status status = back && score && turn->to
                              ? match_packed(context, b, a, turn->to, score, error)
                              : assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    if (status == ASSAY_OK)
        status = match_packed(context, a, b, back, score, error);
    for (size_t c = 0; c < n && status == ASSAY_OK; c++) {
        mutual += turn->to[c] != MATCH_NONE && back[turn->to[c]] == c;
        if (turn->to[c] == MATCH_NONE)
            turn->to[c] = c;
    }
    *found = (double)mutual >= 0.9 * (double)n;
    if (!*found) {
        free(turn->to);
        turn->to = NULL;
    }
    free(back);
    free(score);
    return status;
}

/* ---- rotation ------------------------------------------------------------------------ */

/* c = a b^T of n x n matrices, by dots.h. */
static void multiply_transposed(const struct units *a, const struct units *b, struct units *c)
{
    dots_function *kernel = dots_fastest();
    for (size_t i = 0; i < a->count; i += 4)
        for (size_t j = 0; j < b->count; j++) {
            float product[4];
            kernel(a->values + i * a->width, a->width, b->values + j * b->width, a->width, product);
            for (size_t row = 0; row < 4 && i + row < a->count; row++)
                c->values[(i + row) * c->width + j] = product[row];
        }
}

static void transpose(const struct units *from, struct units *to)
{
    for (size_t i = 0; i < from->count; i++)
        for (size_t j = 0; j < from->count; j++)
            to->values[j * to->width + i] = from->values[i * from->width + j];
}

/* X <- 1.5 X - 0.5 X X^T X until X X^T is the identity; from singular values in (0, 1]. */
static bool orthogonal_factor(struct units *x)
{
    struct units gram = {0}, turned = {0}, next = {0};
    size_t n = x->count;
    double norm = 0, off = 1;
    bool room = units_new(&gram, n, n) && units_new(&turned, n, n) && units_new(&next, n, n);
    for (size_t i = 0; i < n * x->width; i++)
        norm += (double)x->values[i] * (double)x->values[i];
    for (size_t i = 0; i < n * x->width && norm > 0; i++)
        x->values[i] = (float)((double)x->values[i] / sqrt(norm));
    for (int k = 0; k < ITERATIONS && room && off > 1e-4; k++) {
        multiply_transposed(x, x, &gram);
        off = 0;
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < n; j++)
                off = fmax(off, fabs((double)gram.values[i * gram.width + j] - (i == j)));
        transpose(x, &turned);
        multiply_transposed(&gram, &turned, &next); /* the Gram matrix is symmetric */
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < n; j++)
                x->values[i * x->width + j] =
                    1.5f * x->values[i * x->width + j] - 0.5f * next.values[i * next.width + j];
    }
    units_free(&gram);
    units_free(&turned);
    units_free(&next);
    return room && norm > 0 && off < 0.2;
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

static assay_status rotation(struct units *a, struct units *b, struct turn *turn, bool *found,
                             struct assay_error *error)
{
    struct units x = {0};
    size_t n = a->count;
    centre(a);
    centre(b);
    turn->q = malloc(n * n * sizeof *turn->q);
    if (!turn->q || !units_new(&x, n, n)) {
        units_free(&x);
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    }
    multiply_transposed(a, b, &x);
    *found = orthogonal_factor(&x);
    for (size_t i = 0; i < n; i++)
        memcpy(turn->q + i * n, x.values + i * x.width, n * sizeof *turn->q);
    units_free(&x);
    return ASSAY_OK;
}

/* A rotation that mostly renumbers (noise made the columns hard to match) is a renumbering. */
static bool settle_on_renumbering(struct turn *turn)
{
    size_t n = (size_t)turn->width, clear = 0;
    bool *taken = calloc(n + 1, sizeof *taken);
    turn->to = calloc(n + 1, sizeof *turn->to);
    for (size_t c = 0; c < n && taken && turn->to; c++) {
        size_t best = 0;
        for (size_t k = 1; k < n; k++)
            if (fabsf(turn->q[k * n + c]) > fabsf(turn->q[best * n + c]))
                best = k;
        turn->to[c] = best;
        clear += turn->q[best * n + c] > 0.5f && !taken[best];
        taken[best] = true;
    }
    free(taken);
    if (turn->to && (double)clear >= 0.9 * (double)n) {
        free(turn->q);
        turn->q = NULL;
        return true;
    }
    free(turn->to);
    turn->to = NULL;
    return false;
}

void turn_free(struct turn *turn)
{
    free(turn->to);
    free(turn->q);
    memset(turn, 0, sizeof *turn);
}

assay_status turn_find(const struct assay_context *context, const struct body *a,
                       const struct body *b, struct turn *turn, bool *found, uint64_t *bytes_read,
                       struct assay_error *error)
{
    struct units ua = {0}, ub = {0};
    uint64_t tokens = a->embedding->shape.out < b->embedding->shape.out ? a->embedding->shape.out
                                                                        : b->embedding->shape.out;
    *turn = (struct turn){.width = a->width};
    *found = false;
    if (a->width != b->width || a->width > 65536)
        return ASSAY_OK;
    if (tokens > MOST_TOKENS)
        tokens = MOST_TOKENS;
    assay_status status = columns(a->embedding, tokens, &ua, bytes_read, error);
    if (status == ASSAY_OK)
        status = columns(b->embedding, tokens, &ub, bytes_read, error);
    struct packed pa = {0}, pb = {0};
    if (status == ASSAY_OK)
        status = units_pack(context, &ua, true, &pa, error);
    if (status == ASSAY_OK)
        status = units_pack(context, &ub, true, &pb, error);
    if (status == ASSAY_OK)
        status = renumbering(context, &pa, &pb, turn, found, error);
    packed_free(&pa);
    packed_free(&pb);
    if (status == ASSAY_OK && !*found && a->width <= WIDEST_ROTATION && tokens >= a->width)
        status = rotation(&ua, &ub, turn, found, error);
    if (status == ASSAY_OK && *found && turn->q)
        (void)settle_on_renumbering(turn);
    units_free(&ua);
    units_free(&ub);
    if (status != ASSAY_OK)
        turn_free(turn);
    return status;
}
