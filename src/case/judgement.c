/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cllr = 1/2 [ mean over true of log2(1 + 1/LR) + mean over false of log2(1 + LR) ]. Its minimum
 * over monotone recalibrations is reached by the pool-adjacent-violators algorithm: ratios are
 * pooled into blocks in which the share of true ones rises from block to block, and a block of t
 * true and f false ones gets the ratio (t / T) / (f / F). Empirical cross-entropy is the same cost
 * for any prior odds o, with o LR in the place of LR and the two means weighed by the prior; at
 * even odds it is Cllr.
 */
#include "case/judgement.h"

#include <assay/stats.h>

#include <math.h>
#include <stdlib.h>

#define LN10 2.302585092994045684
#define NOBODY SIZE_MAX

/* A run of ratios that were pooled: `t` true and `f` false ones, up to the entry before `end`. */
struct block {
    size_t t, f, end;
};

/* The list, less what one part of the units has. */
struct bench {
    const struct judged *list;
    size_t count, part; /* NOBODY: nothing is left out */
    size_t trues, falses;
    struct block *blocks; /* room for count + 1 */
    size_t block_count;
};

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

static bool is_out(const struct bench *b, size_t i)
{
    return b->list[i].unit % ASSAY_CALIBRATION_PARTS == b->part;
}

/* ---- costs ------------------------------------------------------------------------------------
 */

static void pool(struct bench *b)
{
    struct block *blocks = b->blocks;
    size_t n = b->trues = b->falses = 0;
    for (size_t i = 0; i < b->count;) {
        struct block next = {0, 0, 0};
        for (double value = b->list[i].log10_ratio; i < b->count && b->list[i].log10_ratio == value;
             i++) {
            next.t += !is_out(b, i) && b->list[i].is_true;
            next.f += !is_out(b, i) && !b->list[i].is_true;
        }
        if (next.t + next.f == 0)
            continue;
        b->trues += next.t;
        b->falses += next.f;
        next.end = i;
        /* shares t / (t + f) must rise */
        while (n > 0 && (double)blocks[n - 1].t * (double)(next.t + next.f) >=
                            (double)next.t * (double)(blocks[n - 1].t + blocks[n - 1].f)) {
            n--;
            next.t += blocks[n].t;
            next.f += blocks[n].f;
        }
        blocks[n++] = next;
    }
    b->block_count = n;
}

/* log10 of what a block is worth; infinite where it holds true or false ones alone. */
static double worth(const struct bench *b, const struct block *block)
{
    return log10((double)block->t / (double)b->trues) - log10((double)block->f / (double)b->falses);
}

/* Empirical cross-entropy in bits at log10 prior odds `odds`, as the ratios stand. */
static double entropy(const struct bench *b, double odds)
{
    double cost_true = 0, cost_false = 0, prior = 1 / (1 + pow(10, -odds));
    for (size_t i = 0; i < b->count; i++) {
        double x = b->list[i].log10_ratio + odds;
        if (is_out(b, i))
            continue;
        if (b->list[i].is_true)
            cost_true += log2_1_plus_10_to(-x);
        else
            cost_false += log2_1_plus_10_to(x);
    }
    return prior * cost_true / (double)b->trues + (1 - prior) * cost_false / (double)b->falses;
}

/* The same of pooled ratios. */
static double least_entropy(const struct bench *b, double odds)
{
    double cost = 0, prior = 1 / (1 + pow(10, -odds));
    for (size_t i = 0; i < b->block_count; i++) {
        const struct block *block = &b->blocks[i];
        double x = worth(b, block) + odds;
        if (block->t > 0 && block->f > 0)
            cost += prior * (double)block->t / (double)b->trues * log2_1_plus_10_to(-x) +
                    (1 - prior) * (double)block->f / (double)b->falses * log2_1_plus_10_to(x);
    }
    return cost;
}

/*
 * The 95% interval of an estimate from its values with one part of the units left out at a time
 * (the delete-a-group jackknife: Efron and Tibshirani, An Introduction to the Bootstrap, 1993,
 * section 11), by Student's t.
 */
static void interval_of(double estimate, const double *without, size_t n, double ends[2])
{
    double mean = 0, squares = 0;
    ends[0] = ends[1] = NAN;
    if (n < 2)
        return;
    for (size_t i = 0; i < n; i++)
        mean += without[i] / (double)n;
    for (size_t i = 0; i < n; i++)
        squares += (without[i] - mean) * (without[i] - mean);
    double sd = sqrt(squares * (double)(n - 1) / (double)n);
    double wide = sd * assay_stats_student_quantile(log10(0.025), (double)(n - 1), ASSAY_UPPER);
    ends[0] = fmax(0, estimate - wide);
    ends[1] = estimate + wide;
}

static void weigh_costs(struct bench *b, struct assay_case_calibration_row *row)
{
    double cllr[ASSAY_CALIBRATION_PARTS], least[ASSAY_CALIBRATION_PARTS];
    size_t n = 0, whole = b->trues + b->falses;
    row->cllr = entropy(b, 0);
    row->min_cllr = least_entropy(b, 0);
    for (size_t i = 0; i < ASSAY_ENTROPY_POINTS; i++) {
        double odds = assay_entropy_odds(i), prior = 1 / (1 + pow(10, -odds));
        row->entropy[i].as_stated = entropy(b, odds);
        row->entropy[i].least = least_entropy(b, odds);
        row->entropy[i].without =
            prior * log2_1_plus_10_to(-odds) + (1 - prior) * log2_1_plus_10_to(odds);
    }
    for (size_t i = 0; i < ASSAY_TIPPETT_POINTS; i++) {
        size_t at = 0;
        double x = assay_tippett_ratio(i);
        while (at < b->block_count && b->list[b->blocks[at].end - 1].log10_ratio < x)
            at++;
        row->worth[i] = at < b->block_count && x >= b->list[0].log10_ratio
                            ? worth(b, &b->blocks[at])

                            : (double)NAN; /* none was so small or so large */
    }
    for (b->part = 0; b->part < ASSAY_CALIBRATION_PARTS; b->part++) {
        pool(b);
        if (b->trues + b->falses == whole || b->trues == 0 || b->falses == 0)
            continue;
        cllr[n] = entropy(b, 0);
        least[n++] = least_entropy(b, 0);
    }
    interval_of(row->cllr, cllr, n, row->cllr_interval);
    interval_of(row->min_cllr, least, n, row->min_cllr_interval);
}

/* ---- shares -----------------------------------------------------------------------------------
 */

static void tabulate(const struct judged *list, size_t count,
                     struct assay_case_calibration_row *row)
{
    size_t hits[ASSAY_RELIABILITY_CELLS] = {0}, counts[ASSAY_RELIABILITY_CELLS] = {0};
    size_t above[2][ASSAY_TIPPETT_POINTS] = {{0}}; /* false, true */
    for (size_t i = 0; i < count; i++) {
        double p = list[i].probability;
        size_t at = (size_t)fmin(ASSAY_RELIABILITY_CELLS - 1, floor(p * ASSAY_RELIABILITY_CELLS));
        counts[at]++;
        row->cells[at].stated += p;
        hits[at] += list[i].is_true;
        for (size_t t = 0; t < ASSAY_TIPPETT_POINTS; t++)
            above[list[i].is_true][t] += list[i].log10_ratio > assay_tippett_ratio(t);
    }
    for (size_t c = 0; c < ASSAY_RELIABILITY_CELLS; c++) {
        row->cells[c].stated /= (double)counts[c]; /* NaN if empty */
        row->cells[c].realised = assay_stats_share(hits[c], counts[c]);
    }
    for (size_t t = 0; t < ASSAY_TIPPETT_POINTS; t++) {
        row->tippett_true[t] = assay_stats_share(above[1][t], row->true_ratios);
        row->tippett_false[t] = assay_stats_share(above[0][t], row->false_ratios);
    }
}

static void count_misleading(const struct judged *list, size_t count,
                             struct assay_case_calibration_row *row)
{
    size_t above = 0, wrong = 0, below_one = 0, above_one = 0, below_tenth = 0;
    double claimed = 0;
    for (size_t i = 0; i < count; i++) {
        double x = list[i].log10_ratio;
        if (list[i].is_true) {
            row->true_ratios++;
            below_one += x < 0;
            below_tenth += x < -1;
        } else {
            row->false_ratios++;
            above_one += x > 0;
            wrong += x > 1;
        }
        if (x > 1) {
            above++;
            claimed += 1 - list[i].probability;
        }
    }
    row->misleading_true = assay_stats_share(below_tenth, row->true_ratios);
    row->misleading_false = assay_stats_share(wrong, row->false_ratios);
    row->below_one_true = assay_stats_share(below_one, row->true_ratios);
    row->above_one_false = assay_stats_share(above_one, row->false_ratios);
    row->wrong_above_ten = assay_stats_share(wrong, above);
    row->claimed_above_ten = claimed / (double)above;
}

assay_status judge(struct judged *list, size_t count, struct assay_case_calibration_row *row,
                   struct assay_error *error)
{
    struct bench b = {.list = list, .count = count, .part = NOBODY};
    b.blocks = malloc((count + 1) * sizeof *b.blocks);
    if (!b.blocks)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    qsort(list, count, sizeof *list, by_ratio);
    count_misleading(list, count, row);
    tabulate(list, count, row);
    pool(&b);
    weigh_costs(&b, row);
    free(b.blocks);
    return ASSAY_OK;
}
