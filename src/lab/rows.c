/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/rows.h"

#include "lab/judge.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static assay_status no_memory(struct assay_error *error)
{
    return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

/* ---- candidates together ------------------------------------------------------------- */

bool lab_pooled_new(struct assay_arena *arena, size_t most, struct lab_pooled *p)
{
    *p = (struct lab_pooled){.n = {0}};
    for (int kind = 0; kind < LAB_KINDS; kind++) {
        p->scores[kind] = assay_arena_alloc(arena, most, sizeof(double));
        if (!p->scores[kind])
            return false;
    }
    return true;
}

static void standardise(const double *null, size_t n, double *values, size_t count)
{
    double mean = 0, square = 0;
    for (size_t i = 0; i < n; i++)
        mean += null[i] / (double)n;
    for (size_t i = 0; i < n; i++)
        square += (null[i] - mean) * (null[i] - mean) / (double)n;
    for (size_t i = 0; i < count; i++)
        values[i] = (values[i] - mean) / sqrt(fmax(square, 1e-18));
}

void lab_pool(struct lab_pooled *p, double *one, size_t most, const size_t *n, double level,
              bool standard)
{
    double *undosed = one + LAB_UNDOSED_NULL * most, *others = one + LAB_OTHERS_NULL * most;
    for (int kind = LAB_FRESH_ONES; kind < LAB_KINDS; kind++)
        for (size_t i = 0; i < n[kind]; i++) {
            double score = one[(size_t)kind * most + i];
            bool a = lab_conformal_p(undosed, n[LAB_UNDOSED_NULL], score) <= level;
            bool b = lab_conformal_p(others, n[LAB_OTHERS_NULL], score) <= level;
            p->by_undosed[kind] += a;
            p->by_others[kind] += b;
            p->named[kind] += a && b;
        }
    for (int kind = LAB_KINDS; kind-- > 0;) { /* the undosed last, for they give the measure */
        double *scores = one + (size_t)kind * most;
        if (standard)
            standardise(undosed, n[LAB_UNDOSED_NULL], scores, n[kind]);
        memcpy(p->scores[kind] + p->n[kind], scores, n[kind] * sizeof *scores);
        p->n[kind] += n[kind];
    }
}

/* ---- rows ---------------------------------------------------------------------------- */

struct assay_lab_rate lab_rate(size_t hits, size_t n)
{
    struct lab_share share = lab_share_of(hits, n);
    return (struct assay_lab_rate){share.n, share.share, share.low, share.high};
}

static int rising(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int falling(const void *a, const void *b)
{
    return rising(b, a);
}

/* Points where a threshold falls past a score; both kinds of null weigh by their numbers. */
static bool draw_roc(const struct lab_pooled *p, struct assay_arena *arena,
                     struct assay_lab_power *row)
{
    const size_t *counts = p->n;
    size_t nulls = counts[LAB_UNDOSED_NULL] + counts[LAB_OTHERS_NULL], dosed = counts[LAB_DOSED];
    double *null = assay_arena_alloc(arena, nulls, sizeof *null);
    double *of = assay_arena_alloc(arena, dosed, sizeof *of);
    row->roc = assay_arena_alloc(arena, 2 * (nulls + 2), sizeof *row->roc);
    if (!null || !of || !row->roc)
        return false;
    memcpy(null, p->scores[LAB_UNDOSED_NULL], counts[LAB_UNDOSED_NULL] * sizeof *null);
    memcpy(null + counts[LAB_UNDOSED_NULL], p->scores[LAB_OTHERS_NULL],
           counts[LAB_OTHERS_NULL] * sizeof *null);
    memcpy(of, p->scores[LAB_DOSED], dosed * sizeof *of);
    qsort(null, nulls, sizeof *null, falling);
    qsort(of, dosed, sizeof *of, falling);
    for (size_t i = 0, k = 0; i <= nulls; i++) {
        while (k < dosed && (i == nulls || of[k] > null[i]))
            k++;
        row->roc[2 * i] = (double)i / (double)nulls;
        row->roc[2 * i + 1] = (double)k / (double)dosed;
    }
    row->roc_count = nulls + 1;
    return true;
}

/* Likelihood ratios of dosed students against both kinds of null students. */
static assay_status draw_ratios(struct lab_study *s, const struct lab_pooled *p,
                                struct assay_lab_power *row)
{
    struct assay_arena *arena = s->r->arena;
    size_t dosed = p->n[LAB_DOSED], undosed = p->n[LAB_UNDOSED_NULL];
    size_t nulls = undosed + p->n[LAB_OTHERS_NULL], n = dosed + nulls;
    double bound = log10((double)s->d->null_students + 1);
    double *all = assay_arena_alloc(arena, n, sizeof *all);
    bool *of = assay_arena_alloc(arena, n, sizeof *of);
    double *ratios = assay_arena_alloc(arena, n, sizeof *ratios);
    if (!all || !of || !ratios)
        return no_memory(s->error);
    memcpy(all, p->scores[LAB_DOSED], dosed * sizeof *all);
    memcpy(all + dosed, p->scores[LAB_UNDOSED_NULL], undosed * sizeof *all);
    memcpy(all + dosed + undosed, p->scores[LAB_OTHERS_NULL], p->n[LAB_OTHERS_NULL] * sizeof *all);
    for (size_t i = 0; i < n; i++)
        of[i] = i < dosed;
    ASSAY_TRY(lab_ratios_left_out(all, of, n, ratios, s->error));
    for (size_t i = 0; i < n; i++) {
        ratios[i] = fmin(fmax(ratios[i], -bound), bound);
        row->most_log10_lr = fmax(row->most_log10_lr, fabs(ratios[i]));
    }
    row->cllr = lab_cllr(ratios, of, n);
    row->dosed_lr = ratios;
    row->null_lr = ratios + dosed;
    row->null_count = nulls;
    qsort(row->dosed_lr, dosed, sizeof *ratios, rising);
    qsort(row->null_lr, nulls, sizeof *ratios, rising);
    return ASSAY_OK;
}

assay_status lab_row_power(struct lab_study *s, const struct lab_pooled *p,
                           struct assay_lab_power *row)
{
    size_t n = p->n[LAB_DOSED];
    const double *dosed = p->scores[LAB_DOSED];
    row->named = lab_rate(p->named[LAB_DOSED], n);
    row->against_undosed = lab_rate(p->by_undosed[LAB_DOSED], n);
    row->against_others = lab_rate(p->by_others[LAB_DOSED], n);
    row->auc = lab_auc(dosed, n, p->scores[LAB_UNDOSED_NULL], p->n[LAB_UNDOSED_NULL]);
    row->auc_others = lab_auc(dosed, n, p->scores[LAB_OTHERS_NULL], p->n[LAB_OTHERS_NULL]);
    row->cllr = NAN;
    if (!draw_roc(p, s->r->arena, row))
        return no_memory(s->error);
    return n < 2 ? ASSAY_OK : draw_ratios(s, p, row);
}

void lab_rows_wrong(struct lab_study *s, const struct lab_pooled *p,
                    const struct assay_lab_wrong *like)
{
    static const struct {
        enum lab_kind kind;
        const char *who;
    } kinds[] = {{LAB_FRESH_ONES, "undosed"},
                 {LAB_OF_OTHERS, "another teacher"},
                 {LAB_HUMANS, "human text"},
                 {LAB_OF_TWINS, "its twin"}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        enum lab_kind k = kinds[i].kind;
        bool taught = k == LAB_OF_OTHERS || k == LAB_OF_TWINS;
        if (p->n[k] == 0)
            continue;
        struct assay_lab_wrong *row = &s->r->wrong[s->r->wrong_count++];
        *row = *like;
        row->who = kinds[i].who;
        row->named = lab_rate(p->named[k], p->n[k]);
        row->against_own = lab_rate(taught ? p->by_others[k] : p->by_undosed[k], p->n[k]);
    }
}
