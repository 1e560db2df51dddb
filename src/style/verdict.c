/* SPDX-License-Identifier: Apache-2.0 */
#include "style/verdict.h"

#include <assay/stats.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define OPENINGS_WEIGHT 0.25 /* of the frequent words' in a ranking of teachers */

bool style_channel_counts(enum assay_style_question question, enum style_channel channel)
{
    if (question == ASSAY_STYLE_RANK)
        return channel == STYLE_FREQUENT || channel == STYLE_OPENINGS;
    if (question == ASSAY_STYLE_PARENT)
        return channel == STYLE_WORDS || channel == STYLE_PHRASES;
    return channel == STYLE_WORDS || channel == STYLE_PHRASES; /* and the classifier's margins */
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t n)
{
    qsort(values, n, sizeof *values, by_value);
    return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

/* Middle and spread of a column without its diagonal. The spread is never less than a quarter of
 * the standard deviation: of a few values the absolute deviations may happen to be all alike. */
static void middle(size_t n, const double *matrix, size_t column, double *room, double *centre,
                   double *spread)
{
    double mean = 0, square = 0;
    size_t k = 0;
    for (size_t i = 0; i < n; i++)
        if (i != column)
            room[k++] = matrix[i * n + column];
    for (size_t i = 0; i < k; i++)
        mean += room[i] / (double)k;
    for (size_t i = 0; i < k; i++)
        square += (room[i] - mean) * (room[i] - mean) / (double)k;
    *centre = k > 0 ? median(room, k) : 0;
    for (size_t i = 0; i < k; i++)
        room[i] = fabs(room[i] - *centre);
    *spread = fmax(k > 0 ? 1.4826 * median(room, k) : 0, 0.25 * sqrt(square));
}

double style_standardised(size_t n, const double *matrix, size_t row, size_t column)
{
    double *room = malloc((n + 1) * sizeof *room), centre = 0, spread = 0;
    if (!room)
        return NAN;
    middle(n, matrix, column, room, &centre, &spread);
    free(room);
    return spread > 0 ? (matrix[row * n + column] - centre) / spread : 0;
}

/* Adds weight x the standardised matrix, and its transpose, to scores. */
static bool add_standardised(size_t n, const double *matrix, double weight, double *scores)
{
    double *room = malloc((n + 1) * sizeof *room);
    for (size_t c = 0; room && c < n; c++) {
        double centre = 0, spread = 0;
        middle(n, matrix, c, room, &centre, &spread);
        for (size_t r = 0; r < n && spread > 0; r++) {
            if (r == c || matrix[r * n + c] == 0) /* nothing is known of the pair */
                continue;
            double z = weight * (matrix[r * n + c] - centre) / spread / 2;
            scores[r * n + c] += z;
            scores[c * n + r] += z;
        }
    }
    free(room);
    return room != NULL;
}

/* Adds weight x the matrix in standard deviations over all pairs. */
static void add_scaled(size_t n, const double *matrix, double weight, double *scores)
{
    double square = 0;
    for (size_t i = 0; i < n * n; i++)
        square += matrix[i] * matrix[i];
    double deviation = sqrt(square / fmax(1, (double)(n * (n - 1))));
    for (size_t i = 0; i < n * n && deviation > 0; i++)
        scores[i] += weight * matrix[i] / deviation;
}

bool style_scores(const struct style_matrices *m, size_t n, enum assay_style_question question,
                  double *scores)
{
    memset(scores, 0, n * n * sizeof *scores);
    if (question == ASSAY_STYLE_RANK) {
        add_scaled(n, m->residual[STYLE_FREQUENT], 1 / (1 + OPENINGS_WEIGHT), scores);
        add_scaled(n, m->residual[STYLE_OPENINGS], OPENINGS_WEIGHT / (1 + OPENINGS_WEIGHT), scores);
        return true;
    }
    return add_standardised(n, m->residual[STYLE_WORDS], 0.5, scores) &&
           add_standardised(n, m->residual[STYLE_PHRASES], 0.5, scores);
}

double style_candidate_score(const struct style_population *p, const double *scores, size_t model,
                             size_t candidate)
{
    double best = NAN;
    for (size_t b = 0; b < p->n; b++)
        if (p->candidate[b] == candidate && b != model)
            best = fmax(best, scores[model * p->n + b]); /* fmax ignores NaN */
    return best;
}

/* The largest score of a model for one candidate, or for any, not of its own maker; `own` has
 * room for the candidates. */
static double null_score(const struct style_population *p, const double *scores, size_t model,
                         size_t candidate, bool *own)
{
    double best = NAN;
    memset(own, 0, p->candidates * sizeof *own);
    for (size_t b = 0; b < p->n; b++)
        if (p->candidate[b] != STYLE_NOBODY && p->maker[b] == p->maker[model])
            own[p->candidate[b]] = true;
    for (size_t b = 0; b < p->n; b++) {
        size_t c = p->candidate[b];
        if (c != STYLE_NOBODY && (candidate == STYLE_NOBODY || candidate == c) && !own[c] &&
            b != model)
            best = fmax(best, scores[model * p->n + b]); /* fmax ignores NaN */
    }
    return best;
}

struct style_null style_null_share(const struct style_population *p, const double *scores,
                                   size_t suspect, size_t candidate, double score)
{
    struct style_null result = {1, 0, 0};
    double sum = 0;
    bool *own = malloc((p->candidates + 1) * sizeof *own);
    if (!own) /* without memory nothing is found to be unusual */
        return result;
    for (size_t first = 0; first < p->n; first++) {
        double as_high = 0, members = 0;
        if (p->lineage[first] != first) /* lineages are named by their first model */
            continue;
        for (size_t m = first; m < p->n; m++) {
            if (p->lineage[m] != first || m == suspect || !p->null[m])
                continue;
            double null = null_score(p, scores, m, candidate, own);
            if (isnan(null))
                continue;
            as_high += null >= score;
            members++;
        }
        if (members == 0)
            continue;
        result.lineages++;
        result.models += (size_t)members;
        sum += as_high / members;
    }
    free(own);
    result.p = (1 + sum) / (1 + (double)result.lineages);
    return result;
}

assay_status style_interval_about(double score, double *draws, size_t count, double *low,
                                  double *high, struct assay_error *error)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += draws[i];
    ASSAY_TRY(assay_stats_interval(draws, NULL, count, 0.8, low, high, error));
    *low += score - sum / (double)count;
    *high += score - sum / (double)count;
    return ASSAY_OK;
}

int style_result_by_score(const void *a, const void *b)
{
    const struct assay_style_result *x = a, *y = b;
    if (isnan(x->score) || isnan(y->score))
        return isnan(x->score) - isnan(y->score);
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return strcmp(x->name, y->name);
}
