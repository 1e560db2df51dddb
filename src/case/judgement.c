/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cllr = 1/2 [ mean over true of log2(1 + 1/LR) + mean over false of log2(1 + LR) ]. Its minimum
 * over monotone recalibrations is reached by the pool-adjacent-violators algorithm: ratios are
 * pooled into blocks in which the share of true ones rises from block to block, and a block of t
 * true and f false ones gets the ratio (t / T) / (f / F).
 */
#include "case/judgement.h"

#include <math.h>
#include <stdlib.h>

#define LN10 2.302585092994045684

static double log2_1_plus_10_to(double x)
{
    return (x > 0 ? x * LN10 + log1p(exp(-x * LN10)) : log1p(exp(x * LN10))) / log(2);
}

static int by_ratio(const void *a, const void *b)
{
    const struct judged *x = a, *y = b;
    if (x->log10_ratio != y->log10_ratio)
        return x->log10_ratio < y->log10_ratio ? -1 : 1;
    return (int)x->is_true - (int)y->is_true;
}

/* Blocks over the sorted list, in place of the list's probabilities: here only their cost. */
static double least_cllr(const struct judged *list, size_t count, size_t trues, size_t falses)
{
    struct block {
        double t, f;
    } *blocks = malloc((count + 1) * sizeof *blocks);
    size_t n = 0;
    double cost = 0;
    if (!blocks)
        return NAN;
    for (size_t i = 0; i < count;) {
        struct block next = {0, 0};
        for (double value = list[i].log10_ratio; i < count && list[i].log10_ratio == value; i++) {
            next.t += list[i].is_true;
            next.f += !list[i].is_true;
        }
        /* shares t / (t + f) must rise */
        while (n > 0 && blocks[n - 1].t * (next.t + next.f) >=
                            next.t * (blocks[n - 1].t + blocks[n - 1].f)) {
            n--;
            next.t += blocks[n].t;
            next.f += blocks[n].f;
        }
        blocks[n++] = next;
    }
    for (size_t i = 0; i < n; i++) {
        double t = blocks[i].t / (double)trues, f = blocks[i].f / (double)falses;
        if (t > 0 && f > 0)
            cost += t * log2(1 + f / t) + f * log2(1 + t / f);
    }
    free(blocks);
    return cost / 2;
}

static void tabulate(const struct judged *list, size_t count,
                     struct assay_case_calibration_row *row)
{
    struct assay_reliability_cell *cells = row->cells;
    for (size_t i = 0; i < count; i++) {
        double p = list[i].probability;
        size_t at = (size_t)fmin(ASSAY_RELIABILITY_CELLS - 1, floor(p * ASSAY_RELIABILITY_CELLS));
        cells[at].count++;
        cells[at].stated += p;
        cells[at].realised += list[i].is_true;
        for (size_t t = 0; t < ASSAY_TIPPETT_POINTS; t++)
            if (list[i].log10_ratio > (double)t - (ASSAY_TIPPETT_POINTS - 1) / 2.0)
                (list[i].is_true ? row->tippett_true : row->tippett_false)[t]++;
    }
    for (size_t c = 0; c < ASSAY_RELIABILITY_CELLS; c++) {
        cells[c].stated /= (double)cells[c].count; /* NaN if empty */
        cells[c].realised /= (double)cells[c].count;
    }
    for (size_t t = 0; t < ASSAY_TIPPETT_POINTS; t++) {
        row->tippett_true[t] /= (double)row->true_ratios;
        row->tippett_false[t] /= (double)row->false_ratios;
    }
}

void judge(struct judged *list, size_t count, struct assay_case_calibration_row *row)
{
    double cost_true = 0, cost_false = 0, above = 0, wrong = 0, claimed = 0;
    qsort(list, count, sizeof *list, by_ratio);
    for (size_t i = 0; i < count; i++) {
        double x = list[i].log10_ratio;
        if (list[i].is_true) {
            row->true_ratios++;
            cost_true += log2_1_plus_10_to(-x);
            row->misleading_true += x < -1;
        } else {
            row->false_ratios++;
            cost_false += log2_1_plus_10_to(x);
            row->misleading_false += x > 1;
        }
        if (x > 1) {
            above++;
            wrong += !list[i].is_true;
            claimed += 1 - list[i].probability;
        }
    }
    double trues = (double)row->true_ratios, falses = (double)row->false_ratios;
    row->cllr = 0.5 * (cost_true / trues + cost_false / falses);
    row->min_cllr = least_cllr(list, count, row->true_ratios, row->false_ratios);
    row->misleading_true /= trues;
    row->misleading_false /= falses;
    row->wrong_above_ten = wrong / above;
    row->claimed_above_ten = claimed / above;
    tabulate(list, count, row);
}
