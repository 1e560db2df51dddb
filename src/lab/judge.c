/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/judge.h"

#include <assay/stats.h>

#include <math.h>
#include <stdlib.h>

#define LN10 2.302585092994046
#define LN2 0.6931471805599453
#define MOST_STEPS 200

double lab_conformal_p(const double *null, size_t n, double score)
{
    size_t beyond = 1;
    for (size_t i = 0; i < n; i++) {
        if (isnan(null[i]))
            return NAN;
        beyond += null[i] >= score;
    }
    return isnan(score) ? (double)NAN : (double)beyond / (double)(n + 1);
}

struct lab_share lab_share_of(size_t hits, size_t n)
{
    struct assay_share share = assay_stats_share(hits, n);
    return (struct lab_share){share.n, share.share, share.low, share.high};
}

assay_status lab_detected(const double *null, size_t null_count, const double *scores, size_t n,
                          double level, struct lab_share *share, struct assay_error *error)
{
    size_t hits = 0;
    if (1 / (double)(null_count + 1) > level)
        return assay_error_at(error, ASSAY_ERROR_UNANSWERABLE, NULL, 0,
                              "%zu undosed students cannot give a p of %g or less: %.0f are needed",
                              null_count, level, ceil(1 / level - 1 - 1e-9));
    for (size_t i = 0; i < n; i++) {
        double p = lab_conformal_p(null, null_count, scores[i]);
        if (isnan(p))
            return assay_error_at(error, ASSAY_ERROR_INPUT, NULL, 0, "a student has no score");
        hits += p <= level;
    }
    *share = lab_share_of(hits, n);
    return ASSAY_OK;
}

double lab_auc(const double *dosed, size_t dosed_count, const double *null, size_t null_count)
{
    double above = 0;
    for (size_t i = 0; i < dosed_count; i++)
        for (size_t k = 0; k < null_count; k++)
            above += isnan(dosed[i]) || isnan(null[k]) ? (double)NAN
                     : dosed[i] > null[k]              ? 1
                     : dosed[i] == null[k]             ? 0.5
                                                       : 0;
    return above / ((double)dosed_count * (double)null_count);
}

/* ---- likelihood ratios ---------------------------------------------------------------- */

struct curve {
    double a, b; /* ln of the ratio is a + b score */
};

/*
 * Newton's method on the logistic loss with each kind weighing 1/2 in all. The ridge on the slope
 * is one observation's worth, without which kinds that do not overlap have no finite curve.
 * Scores are standardised, so the ridge has one meaning for every detector.
 */
static struct curve fit(const double *scores, const bool *dosed, size_t n, size_t left_out,
                        const size_t count[2])
{
    struct curve c = {0, 0};
    double ridge = 1 / (double)(count[0] + count[1]);
    for (int step = 0; step < MOST_STEPS; step++) {
        double ga = 0, gb = -ridge * c.b, haa = 1e-12, hab = 0, hbb = ridge;
        for (size_t i = 0; i < n; i++) {
            if (i == left_out)
                continue;
            double w = 0.5 / (double)count[dosed[i]];
            double p = 1 / (1 + exp(-(c.a + c.b * scores[i])));
            double miss = w * ((dosed[i] ? 1.0 : 0.0) - p), bend = w * p * (1 - p);
            ga += miss;
            gb += miss * scores[i];
            haa += bend;
            hab += bend * scores[i];
            hbb += bend * scores[i] * scores[i];
        }
        double determinant = haa * hbb - hab * hab;
        double da = (ga * hbb - gb * hab) / determinant, db = (gb * haa - ga * hab) / determinant;
        double shrink = fmin(1, 1 / fmax(1e-12, fabs(da) + fabs(db)));
        c.a += shrink * da;
        c.b += shrink * db;
        if (fabs(da) + fabs(db) < 1e-10)
            break;
    }
    return c;
}

void lab_curve_fit(const double *scores, const bool *dosed, size_t n, const size_t students[2],
                   struct lab_curve *curve)
{
    size_t count[2] = {0, 0};
    for (size_t i = 0; i < n; i++)
        count[dosed[i]]++;
    struct curve c = fit(scores, dosed, n, n, count);
    double total = (double)(students[0] < students[1] ? students[0] : students[1]);
    double haa = 0, hab = 0, hbb = 1 / (double)n;
    for (size_t i = 0; i < n; i++) {
        double p = 1 / (1 + exp(-(c.a + c.b * scores[i])));
        double bend = 0.5 / (double)count[dosed[i]] * p * (1 - p);
        haa += bend;
        hab += bend * scores[i];
        hbb += bend * scores[i] * scores[i];
    }
    double determinant = (haa * hbb - hab * hab) * 2 * total * LN10 * LN10;
    *curve = (struct lab_curve){.intercept = c.a / LN10,
                                .slope = c.b / LN10,
                                .intercept_variance = hbb / determinant,
                                .slope_variance = haa / determinant,
                                .covariance = -hab / determinant};
}

/* False if all are alike. */
static bool standardise(const double *scores, size_t n, double *to)
{
    double mean = 0, square = 0;
    for (size_t i = 0; i < n; i++)
        mean += scores[i] / (double)n;
    for (size_t i = 0; i < n; i++)
        square += (scores[i] - mean) * (scores[i] - mean) / (double)n;
    for (size_t i = 0; i < n; i++)
        to[i] = square > 0 ? (scores[i] - mean) / sqrt(square) : 0;
    return square > 0;
}

assay_status lab_ratios_left_out(const double *scores, const bool *dosed, size_t n,
                                 double *log10_lr, struct assay_error *error)
{
    size_t count[2] = {0, 0};
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(scores[i]))
            return assay_error_at(error, ASSAY_ERROR_INPUT, NULL, 0, "a student has no score");
        count[dosed[i]]++;
    }
    if (count[0] < 2 || count[1] < 2)
        return assay_error_at(error, ASSAY_ERROR_UNANSWERABLE, NULL, 0,
                              "a likelihood ratio needs two students of either kind, found %zu "
                              "undosed and %zu dosed",
                              count[0], count[1]);
    double *even = malloc(n * sizeof *even);
    if (!even)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    bool differ = standardise(scores, n, even);
    for (size_t i = 0; i < n; i++) {
        size_t others[2] = {count[0] - !dosed[i], count[1] - dosed[i]};
        double bound = log10((double)others[0] + 1);
        struct curve c = differ ? fit(even, dosed, n, i, others) : (struct curve){0, 0};
        log10_lr[i] = fmin(fmax((c.a + c.b * even[i]) / LN10, -bound), bound);
    }
    free(even);
    return ASSAY_OK;
}

double lab_cllr(const double *log10_lr, const bool *dosed, size_t n)
{
    double cost[2] = {0, 0}, count[2] = {0, 0};
    for (size_t i = 0; i < n; i++) {
        double terms[2] = {0, (dosed[i] ? -1 : 1) * log10_lr[i] * LN10};
        cost[dosed[i]] += assay_stats_log_sum_exp(terms, 2) / LN2;
        count[dosed[i]]++;
    }
    return (cost[0] / count[0] + cost[1] / count[1]) / 2;
}
