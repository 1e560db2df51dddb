/* SPDX-License-Identifier: Apache-2.0 */
/* Quantiles of weighted draws: the definition stands in stats.h. */
#include <assay/stats.h>

#include <math.h>
#include <stdlib.h>

struct draw {
    double value, weight, level;
};

static int by_value(const void *left, const void *right)
{
    double a = ((const struct draw *)left)->value, b = ((const struct draw *)right)->value;
    return (a > b) - (a < b);
}

/* Linear between the draws that stand at and below the level; bisection finds them. */
static double at_level(const struct draw *draws, size_t n, double level)
{
    if (level <= draws[0].level)
        return draws[0].value;
    if (level >= draws[n - 1].level)
        return draws[n - 1].value;
    size_t low = 0, high = n - 1;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (draws[middle].level <= level)
            low = middle;
        else
            high = middle;
    }
    const struct draw *a = &draws[low], *b = &draws[high];
    if (a->value == b->value || level == a->level)
        return a->value; /* infinities too */
    double share = (level - a->level) / (b->level - a->level);
    return (1 - share) * a->value + share * b->value;
}

/* Copies the draws that have weight, sorted and each with its level; their number in *kept. */
static assay_status sort_draws(const double *values, const double *weights, size_t n,
                               struct draw *draws, size_t *kept, struct assay_error *error)
{
    double sum = 0, before = 0;
    *kept = 0;
    for (size_t i = 0; i < n; i++) {
        double weight = weights ? weights[i] : 1;
        if (isnan(values[i]))
            return assay_error_at(error, ASSAY_ERROR_INPUT, NULL, 0, "draw %zu is NaN", i);
        if (!(weight >= 0) || isinf(weight))
            return assay_error_at(error, ASSAY_ERROR_INPUT, NULL, 0,
                                  "weight %zu is %g, expected a finite number from 0", i, weight);
        sum += weight;
        if (weight > 0)
            draws[(*kept)++] = (struct draw){.value = values[i], .weight = weight};
    }
    if (!(sum > 0) || isinf(sum))
        return assay_error_at(error, ASSAY_ERROR_INPUT, NULL, 0,
                              "%zu draws whose weights sum to %g, expected a positive finite sum",
                              n, sum);
    qsort(draws, *kept, sizeof *draws, by_value);
    sum = 0;
    for (size_t i = 0; i < *kept; i++)
        sum += draws[i].weight;
    for (size_t i = 0; i < *kept; before += draws[i++].weight)
        draws[i].level = (before + draws[i].weight / 2) / sum;
    return ASSAY_OK;
}

assay_status assay_stats_quantiles(const double *values, const double *weights, size_t n,
                                   const double *levels, size_t level_count, double *quantiles,
                                   struct assay_error *error)
{
    for (size_t i = 0; i < level_count; i++)
        if (!(levels[i] >= 0 && levels[i] <= 1))
            return assay_error_at(error, ASSAY_ERROR_INPUT, NULL, 0,
                                  "quantile level %g, expected 0 to 1", levels[i]);
    struct draw *draws = calloc(n ? n : 1, sizeof *draws);
    if (!draws)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "no memory for %zu draws", n);
    size_t kept;
    assay_status status = sort_draws(values, weights, n, draws, &kept, error);
    for (size_t i = 0; status == ASSAY_OK && i < level_count; i++)
        quantiles[i] = at_level(draws, kept, levels[i]);
    free(draws);
    return status;
}

assay_status assay_stats_interval(const double *values, const double *weights, size_t n,
                                  double mass, double *low, double *high, struct assay_error *error)
{
    if (!(mass >= 0 && mass <= 1))
        return assay_error_at(error, ASSAY_ERROR_INPUT, NULL, 0,
                              "interval of mass %g, expected 0 to 1", mass);
    double levels[2] = {(1 - mass) / 2, (1 + mass) / 2}, ends[2];
    ASSAY_TRY(assay_stats_quantiles(values, weights, n, levels, 2, ends, error));
    *low = ends[0];
    *high = ends[1];
    return ASSAY_OK;
}
