/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How A's residual stream lies in B's, from the embeddings of the tokens that both have: first a
 * renumbering (each column of B is most like one of A), else a rotation, the orthogonal factor of
 * E_A^T E_B (rotation.c).
 */
#include "lineage/turn.h"

#include "lineage/rotation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_TOKENS 16384
#define WIDEST_ROTATION 8192

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

/*
 * Kin that were trained for long have a few columns that find a neighbour's place. Whoever
 * renumbers leaves next to none where they were: if three quarters are, all are put there.
 */
static void settle_in_place(size_t *to, size_t n)
{
    size_t in_place = 0;
    for (size_t c = 0; c < n; c++)
        in_place += to[c] == c;
    for (size_t c = 0; c < n && in_place * 4 >= n * 3; c++)
        to[c] = c;
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
    turn->fit = 0;
    for (size_t c = 0; c < n && status == ASSAY_OK; c++) {
        mutual += turn->to[c] != MATCH_NONE && back[turn->to[c]] == c;
        if (turn->to[c] == MATCH_NONE)
            turn->to[c] = c;
        turn->fit += (double)score[c] / (double)n;
    }
    *found = (double)mutual >= 0.9 * (double)n;
    if (*found) {
        settle_in_place(turn->to, n);
    } else {
        free(turn->to);
        turn->to = NULL;
    }
    free(back);
    free(score);
    return status;
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
        settle_in_place(turn->to, n);
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

bool turn_is_identity(const struct turn *t)
{
    size_t same = 0;
    for (uint64_t c = 0; t->to && c < t->width; c++)
        same += t->to[c] == c;
    return t->to && same == t->width;
}

static assay_status look(const struct assay_context *context, struct units *a, struct units *b,
                         size_t tokens, struct turn *turn, bool *found, struct assay_error *error)
{
    struct packed pa = {0}, pb = {0};
    assay_status status = units_pack(context, a, true, &pa, error);
    if (status == ASSAY_OK)
        status = units_pack(context, b, true, &pb, error);
    if (status == ASSAY_OK)
        status = renumbering(context, &pa, &pb, turn, found, error);
    packed_free(&pa);
    packed_free(&pb);
    if (status != ASSAY_OK || *found || turn->width > WIDEST_ROTATION)
        return status;
    if (turn->width <= ROTATION_TOKENS && tokens >= turn->width)
        return rotation_find(context, a, b, turn, found, error);
    return rotation_find_partial(context, a, b, tokens, turn, found, error);
}

assay_status turn_find(const struct assay_context *context, const struct matrix *a,
                       const struct matrix *b, struct turn *turn, bool *found, uint64_t *bytes_read,
                       struct assay_error *error)
{
    struct units ua = {0}, ub = {0};
    uint64_t tokens = a->shape.out < b->shape.out ? a->shape.out : b->shape.out;
    struct assay_context own = *context;
    *turn = (struct turn){.width = a->shape.in};
    *found = false;
    if (a->shape.in <= 128) /* small: to wake other threads would take longer */
        own.threads = 1;
    if (a->shape.in != b->shape.in || a->shape.in > 65536)
        return ASSAY_OK;
    if (tokens > MOST_TOKENS)
        tokens = MOST_TOKENS;
    assay_status status = columns(a, tokens, &ua, bytes_read, error);
    if (status == ASSAY_OK)
        status = columns(b, tokens, &ub, bytes_read, error);
    if (status == ASSAY_OK)
        status = look(&own, &ua, &ub, (size_t)tokens, turn, found, error);
    if (status == ASSAY_OK && *found && turn->q && !turn->partial)
        (void)settle_on_renumbering(turn);
    units_free(&ua);
    units_free(&ub);
    if (status != ASSAY_OK || !*found)
        turn_free(turn);
    return status;
}
