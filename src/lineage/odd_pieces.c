/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Odd pieces: what two vocabularies share and no other known vocabulary has. Common words are in
 * every vocabulary; a name that one corpus repeated is in few. How many odd pieces two vocabularies
 * share by chance is seen from the others: each two of them are set beside the rest in the same
 * way, and the share that A and B have is ranked among theirs (a conformal p-value).
 */
#include <assay/lineage.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct sorted {
    struct assay_piece *list;
    size_t count;
};

static int by_bytes(const void *x, const void *y)
{
    const struct assay_piece *a = x, *b = y;
    size_t size = a->size < b->size ? a->size : b->size;
    int order = size ? memcmp(a->bytes, b->bytes, size) : 0;
    return order ? order : (a->size > b->size) - (a->size < b->size);
}

static bool sort(const struct assay_vocabulary *v, struct sorted *to)
{
    to->count = 0;
    to->list = malloc((v->count + 1) * sizeof *to->list);
    for (size_t i = 0; to->list && i < v->count; i++)
        if (v->pieces[i].size > 0)
            to->list[to->count++] = v->pieces[i];
    if (to->list && to->count > 1)
        qsort(to->list, to->count, sizeof *to->list, by_bytes);
    return to->list != NULL;
}

static bool has(const struct sorted *v, const struct assay_piece *piece)
{
    return v->count > 0 && bsearch(piece, v->list, v->count, sizeof *piece, by_bytes) != NULL;
}

/* Pieces of both, none of them in any of `others` but the two numbered. */
static size_t count_odd(const struct sorted *a, const struct sorted *b, const struct sorted *others,
                        size_t n, size_t except, size_t also, struct assay_piece *examples,
                        size_t *shown)
{
    size_t odd = 0;
    for (size_t i = 0; i < a->count; i++) {
        const struct assay_piece *p = &a->list[i];
        bool common = (i > 0 && by_bytes(p, p - 1) == 0) || !has(b, p);
        for (size_t k = 0; k < n && !common; k++)
            common = k != except && k != also && has(&others[k], p);
        if (common)
            continue;
        if (examples && *shown < ASSAY_ODD_EXAMPLES)
            examples[(*shown)++] = *p;
        odd++;
    }
    return odd;
}

static double share_of(size_t odd, const struct sorted *a, const struct sorted *b)
{
    size_t least = a->count < b->count ? a->count : b->count;
    return least > 0 ? (double)odd / (double)least : 0;
}

static void weigh(const struct sorted *all, size_t n, struct assay_odd_pieces *odd)
{
    const struct sorted *a = &all[n], *b = &all[n + 1];
    odd->count = count_odd(a, b, all, n, SIZE_MAX, SIZE_MAX, odd->examples, &odd->shown);
    odd->share = share_of(odd->count, a, b);
    for (size_t i = 0; i < n; i++)
        for (size_t j = i + 1; j < n; j++) {
            size_t found = count_odd(&all[i], &all[j], all, n, i, j, NULL, NULL);
            odd->pairs++;
            odd->as_odd += share_of(found, &all[i], &all[j]) >= odd->share;
        }
    odd->p = odd->pairs > 0 ? (1 + (double)odd->as_odd) / (1 + (double)odd->pairs) : (double)NAN;
}

assay_status assay_lineage_odd_pieces(const struct assay_vocabulary *a,
                                      const struct assay_vocabulary *b,
                                      const struct assay_vocabulary *others, size_t n,
                                      struct assay_odd_pieces *odd, struct assay_error *error)
{
    struct sorted *all = calloc(n + 2, sizeof *all);
    bool good = all != NULL;
    memset(odd, 0, sizeof *odd);
    for (size_t i = 0; i < n && good; i++)
        good = sort(&others[i], &all[i]);
    if (good)
        good = sort(a, &all[n]) && sort(b, &all[n + 1]);
    if (good)
        weigh(all, n, odd);
    for (size_t i = 0; i < n + 2 && all; i++)
        free(all[i].list);
    free(all);
    return good ? ASSAY_OK : assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}
