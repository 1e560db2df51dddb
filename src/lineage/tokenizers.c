/* SPDX-License-Identifier: Apache-2.0 */
/* Two vocabularies: which pieces they share, and whether in one order. */
#include <assay/lineage.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    struct assay_piece piece;
    size_t number;
};

struct shared {
    size_t a, b; /* numbers */
};

static int by_piece(const void *x, const void *y)
{
    const struct entry *a = x, *b = y;
    size_t size = a->piece.size < b->piece.size ? a->piece.size : b->piece.size;
    int order = size ? memcmp(a->piece.bytes, b->piece.bytes, size) : 0;
    if (order)
        return order;
    if (a->piece.size != b->piece.size)
        return a->piece.size < b->piece.size ? -1 : 1;
    return (a->number > b->number) - (a->number < b->number);
}

static bool same(const struct assay_piece *a, const struct assay_piece *b)
{
    return a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
}

/* Sorted, empty ones and repetitions left out (the least number stays). */
static struct entry *sorted(const struct assay_piece *pieces, size_t count, size_t *kept)
{
    struct entry *list = malloc((count + 1) * sizeof *list);
    size_t n = 0;
    for (size_t i = 0; list && i < count; i++)
        if (pieces[i].size)
            list[n++] = (struct entry){pieces[i], i};
    *kept = 0;
    if (list && n > 0) {
        qsort(list, n, sizeof *list, by_piece);
        for (size_t i = 0; i < n; i++)
            if (*kept == 0 || !same(&list[*kept - 1].piece, &list[i].piece))
                list[(*kept)++] = list[i];
    }
    return list;
}

static int by_a(const void *x, const void *y)
{
    const struct shared *a = x, *b = y;
    return (a->a > b->a) - (a->a < b->a);
}

static int by_b(const void *x, const void *y)
{
    const struct shared *a = x, *b = y;
    return (a->b > b->b) - (a->b < b->b);
}

/* Spearman's rank correlation: numbers are distinct, so 1 - 6 sum d^2 / (n (n^2 - 1)). */
static double rank_correlation(struct shared *list, size_t n)
{
    double sum = 0;
    if (n < 2)
        return (double)NAN;
    qsort(list, n, sizeof *list, by_b);
    for (size_t i = 0; i < n; i++)
        list[i].b = i;
    qsort(list, n, sizeof *list, by_a);
    for (size_t i = 0; i < n; i++) {
        double d = (double)list[i].b - (double)i;
        sum += d * d;
    }
    return 1 - 6 * sum / ((double)n * ((double)n * (double)n - 1));
}

static int by_shift(const void *x, const void *y)
{
    int64_t a = *(const int64_t *)x, b = *(const int64_t *)y;
    return (a > b) - (a < b);
}

static bool find_shift(const struct shared *list, size_t n, struct assay_tokenizer_likeness *l)
{
    int64_t *shifts = malloc((n + 1) * sizeof *shifts);
    size_t run = 0;
    for (size_t i = 0; shifts && i < n; i++) {
        shifts[i] = (int64_t)list[i].b - (int64_t)list[i].a;
        l->same_number += shifts[i] == 0;
    }
    if (shifts && n > 0)
        qsort(shifts, n, sizeof *shifts, by_shift);
    for (size_t i = 0; shifts && i < n; i++) {
        run = i > 0 && shifts[i] == shifts[i - 1] ? run + 1 : 1;
        if (run > l->shifted) {
            l->shifted = run;
            l->shift = shifts[i];
        }
    }
    free(shifts);
    return shifts != NULL;
}

static struct shared *intersect(const struct assay_piece *a, size_t count_a,
                                const struct assay_piece *b, size_t count_b, size_t *different_a,
                                size_t *different_b, size_t *n)
{
    struct entry *x = sorted(a, count_a, different_a), *y = sorted(b, count_b, different_b);
    struct shared *list = malloc((*different_a + 1) * sizeof *list);
    *n = 0;
    for (size_t i = 0, j = 0; x && y && list && i < *different_a && j < *different_b;) {
        if (same(&x[i].piece, &y[j].piece)) {
            list[(*n)++] = (struct shared){x[i++].number, y[j++].number};
            continue;
        }
        struct entry in_a = {x[i].piece, 0}, in_b = {y[j].piece, 0};
        if (by_piece(&in_a, &in_b) < 0)
            i++;
        else
            j++;
    }
    bool done = x && y;
    free(x);
    free(y);
    if (!done) {
        free(list);
        return NULL;
    }
    return list;
}

static const char *words(const struct assay_tokenizer_likeness *l)
{
    if (l->jaccard >= 0.9999 && l->same_number == l->shared)
        return "The same vocabulary under the same numbers.";
    if (l->jaccard > 0.9 && l->shifted > 0.9 * (double)l->shared && l->shift != 0)
        return "The same vocabulary, its numbers shifted to make room for other pieces.";
    if (l->jaccard > 0.9)
        return "Nearly the same vocabulary.";
    if (l->same_number > 0.9 * (double)l->shared && l->shared > 256)
        return "One vocabulary begins or continues the other under the same numbers.";
    if (l->order > 0.9 &&
        l->shared > 0.9 * (double)(l->count_a < l->count_b ? l->count_a : l->count_b))
        return "Nearly all of the smaller vocabulary stands in the larger one, in the same order.";
    if (l->order > 0.9 && l->jaccard > 0.5)
        return "Much in common and in one order: trained on like texts, or one from the other.";
    return "No more in common than vocabularies of like languages have.";
}

assay_status assay_lineage_tokenizers(const struct assay_vocabulary *a,
                                      const struct assay_vocabulary *b,
                                      struct assay_tokenizer_likeness *l, struct assay_error *error)
{
    size_t n, unused_a, unused_b;
    memset(l, 0, sizeof *l);
    struct shared *list =
        intersect(a->pieces, a->count, b->pieces, b->count, &l->count_a, &l->count_b, &n);
    if (!list || !find_shift(list, n, l)) {
        free(list);
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    }
    l->shared = n;
    l->jaccard = l->count_a + l->count_b > n ? (double)n / (double)(l->count_a + l->count_b - n)
                                             : (double)NAN;
    l->order = rank_correlation(list, n);
    free(list);
    list = intersect(a->merges, a->merge_count, b->merges, b->merge_count, &unused_a, &unused_b,
                     &l->merges_shared);
    if (!list)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    l->merge_order = rank_correlation(list, l->merges_shared);
    free(list);
    l->note = words(l);
    return ASSAY_OK;
}
