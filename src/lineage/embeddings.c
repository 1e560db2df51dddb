/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Embeddings. That two models give like meanings to like tokens is no evidence: independent models
 * do, too. How they number the coordinates of the residual stream is: nothing in training prefers
 * one order to another. So the rows of shared tokens are laid side by side, each column of A finds
 * the column of B most like it, and the columns that find their own number are counted, with the
 * bound of lineage.h.
 */
#include "lineage/stage_parts.h"

#include "lineage/match.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_TOKENS 1024
#define MOST_COLUMNS 512
#define LEAST 16 /* tokens, and columns */

static const struct assay_tensor *embedding_of(const struct assay_checkpoint *c)
{
    const struct assay_tensor *head = NULL;
    for (size_t i = 0; i < c->count; i++) {
        const struct assay_tensor *t = &c->tensors[i];
        if (t->rank != 2 || t->unreadable || !assay_dtype_is_real(t->dtype))
            continue;
        enum role role = role_of(t->name).role;
        if (role == ROLE_EMBEDDING)
            return t;
        if (role == ROLE_HEAD)
            head = t;
    }
    return head; /* tied, and stored once */
}

/* ---- which rows ------------------------------------------------------------------------ */

struct rows {
    size_t count, *a, *b; /* row numbers of the same tokens */
};

struct piece {
    struct assay_piece text;
    size_t number;
};

static int by_text(const void *x, const void *y)
{
    const struct piece *a = x, *b = y;
    size_t size = a->text.size < b->text.size ? a->text.size : b->text.size;
    int order = size ? memcmp(a->text.bytes, b->text.bytes, size) : 0;
    return order ? order : (a->text.size > b->text.size) - (a->text.size < b->text.size);
}

static struct piece *sorted_pieces(const struct assay_vocabulary *v, uint64_t rows, size_t *count)
{
    struct piece *list = malloc((v->count + 1) * sizeof *list);
    *count = 0;
    for (size_t i = 0; list && i < v->count && i < rows; i++)
        if (v->pieces[i].size > 0)
            list[(*count)++] = (struct piece){v->pieces[i], i};
    if (list && *count > 0)
        qsort(list, *count, sizeof *list, by_text);
    return list;
}

static bool by_pieces(const struct assay_vocabulary *a, uint64_t rows_a,
                      const struct assay_vocabulary *b, uint64_t rows_b, struct rows *rows)
{
    size_t n, m;
    struct piece *x = sorted_pieces(a, rows_a, &n), *y = sorted_pieces(b, rows_b, &m);
    for (size_t i = 0, j = 0; x && y && i < n && j < m;) {
        int order = by_text(&x[i], &y[j]);
        if (order == 0) {
            rows->a[rows->count] = x[i].number;
            rows->b[rows->count++] = y[j].number;
        }
        i += order <= 0;
        j += order >= 0;
    }
    bool good = x && y;
    free(x);
    free(y);
    return good;
}

/* By their texts where both vocabularies are known, else by their numbers. */
static bool shared_rows(const struct stage_input *in, uint64_t rows_a, uint64_t rows_b,
                        struct rows *rows)
{
    uint64_t least = rows_a < rows_b ? rows_a : rows_b;
    rows->count = 0;
    rows->a = malloc((size_t)(least + 1) * sizeof *rows->a);
    rows->b = malloc((size_t)(least + 1) * sizeof *rows->b);
    if (!rows->a || !rows->b)
        return false;
    if (in->vocabulary_a && in->vocabulary_b)
        return by_pieces(in->vocabulary_a, rows_a, in->vocabulary_b, rows_b, rows);
    for (uint64_t i = 0; i < least; i++)
        rows->a[i] = rows->b[i] = (size_t)i;
    rows->count = (size_t)least;
    return true;
}

/* ---- the test -------------------------------------------------------------------------- */

/* Columns as units: coordinate k of unit j is column j of the k-th row that was chosen. */
static assay_status read_columns(const struct assay_tensor *t, const size_t *numbers, size_t all,
                                 size_t tokens, size_t columns, struct units *units,
                                 struct assay_error *error)
{
    uint64_t width = t->shape[1];
    float *row = malloc((size_t)width * sizeof *row);
    assay_status status = row && units_new(units, columns, tokens)
                              ? ASSAY_OK
                              : assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    for (size_t k = 0; k < tokens && status == ASSAY_OK; k++) {
        status = assay_tensor_read(t, numbers[k * all / tokens] * width, width, row, error);
        for (size_t j = 0; j < columns && status == ASSAY_OK; j++) {
            float value = row[(uint64_t)j * width / columns];
            units->values[j * units->width + k] = isfinite(value) ? value : 0;
        }
    }
    free(row);
    return status;
}

static assay_status count(const struct stage_input *in, const struct units *a,
                          const struct units *b, struct embedding_test *test,
                          struct assay_error *error)
{
    struct packed x = {0}, y = {0};
    size_t *best = malloc((a->count + 1) * sizeof *best);
    float *score = malloc((a->count + 1) * sizeof *score);
    assay_status status = best && score
                              ? units_pack(in->context, a, true, &x, error)
                              : assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    if (status == ASSAY_OK)
        status = units_pack(in->context, b, true, &y, error);
    if (status == ASSAY_OK)
        status = match_packed(in->context, &x, &y, best, score, error);
    for (size_t i = 0; i < a->count && status == ASSAY_OK; i++)
        test->fixed += best[i] == i * b->count / a->count;
    packed_free(&x);
    packed_free(&y);
    free(best);
    free(score);
    return status;
}

static assay_status run(const struct stage_input *in, const struct assay_tensor *a,
                        const struct assay_tensor *b, const struct rows *rows,
                        struct embedding_test *test, struct assay_error *error)
{
    struct units x = {0}, y = {0};
    size_t tokens = rows->count < MOST_TOKENS ? rows->count : MOST_TOKENS;
    size_t columns = a->shape[1] < MOST_COLUMNS ? (size_t)a->shape[1] : MOST_COLUMNS;
    test->tokens = tokens;
    test->shared = rows->count;
    test->columns = columns;
    assay_status status = read_columns(a, rows->a, rows->count, tokens, columns, &x, error);
    if (status == ASSAY_OK)
        status = read_columns(b, rows->b, rows->count, tokens, (size_t)b->shape[1], &y, error);
    if (status == ASSAY_OK)
        status = count(in, &x, &y, test, error);
    if (status == ASSAY_OK)
        test->log10_p = assay_lineage_fixed_tail(test->fixed, columns, (size_t)b->shape[1]);
    units_free(&x);
    units_free(&y);
    return status;
}

assay_status stage_embedding(const struct stage_input *in, struct embedding_test *test,
                             struct assay_error *error)
{
    const struct assay_tensor *a = embedding_of(in->a), *b = embedding_of(in->b);
    struct rows rows = {0};
    *test = (struct embedding_test){.log10_p = NAN};
    test->by_pieces = in->vocabulary_a && in->vocabulary_b;
    test->why = !a || !b                     ? "No embedding is known by its name on both sides."
                : a->shape[1] != b->shape[1] ? "The residual streams differ in width: columns "
                                               "cannot have one numbering."
                : a->shape[1] < LEAST        ? "Too narrow to tell anything."
                                             : NULL;
    if (test->why)
        return ASSAY_OK;
    assay_status status = shared_rows(in, a->shape[0], b->shape[0], &rows)
                              ? ASSAY_OK
                              : assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    if (status == ASSAY_OK && rows.count < LEAST)
        test->why = "Fewer than 16 tokens are shared.";
    else if (status == ASSAY_OK)
        status = run(in, a, b, &rows, test, error);
    free(rows.a);
    free(rows.b);
    return status;
}
