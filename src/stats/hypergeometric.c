/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hypergeometric distribution: its probability as the deviance of a fourfold table from
 * independence (Loader 2000, section 5, with all binomial terms joined), its tails summed outward
 * by the ratio of neighbours, in which all terms are positive.
 */
#include <assay/stats.h>

#include <math.h>

#include "deviance.h"
#include "tails.h"

/* The margins of the table; all are whole numbers that a double holds. */
struct urn {
    double population, marked, drawn, unmarked, left;
};

/* k - marked drawn / population, both products exact by fma. */
static double excess(const struct urn *urn, double k)
{
    double have = k * urn->population, want = urn->marked * urn->drawn;
    double have_rest = fma(k, urn->population, -have),
           want_rest = fma(urn->marked, urn->drawn, -want);
    return ((have - want) + (have_rest - want_rest)) / urn->population;
}

/* What one cell of the table adds to ln p. */
static double cell(double count, double expected, double cell_excess)
{
    if (count <= 0)
        return -expected;
    return count * stats_log_ratio_minus(expected, count, -cell_excess) -
           stats_stirling_remainder(count);
}

/* ln P(X = k). */
static double log_probability(const struct urn *urn, double k)
{
    double n = urn->population, more = excess(urn, k);
    double sum = cell(k, urn->marked * urn->drawn / n, more) +
                 cell(urn->marked - k, urn->marked * urn->left / n, -more) +
                 cell(urn->drawn - k, urn->unmarked * urn->drawn / n, -more) +
                 cell(urn->unmarked - urn->drawn + k, urn->unmarked * urn->left / n, more);
    return sum + stats_stirling_remainder(urn->marked) + stats_stirling_remainder(urn->unmarked) +
           stats_stirling_remainder(urn->drawn) + stats_stirling_remainder(urn->left) -
           stats_stirling_remainder(n);
}

/* ln P(X >= k): the ratio falls, so what is left is less than a geometric series. */
static double log_upper(const struct urn *urn, double k)
{
    double term = 1, sum = 1, ratio;
    for (double j = k;; j++) {
        ratio =
            (urn->marked - j) * (urn->drawn - j) / ((j + 1) * (urn->unmarked - urn->drawn + j + 1));
        sum += term *= ratio;
        if (ratio < 1 && term * ratio <= 1e-17 * sum * (1 - ratio))
            break;
    }
    return fmin(log_probability(urn, k) + log(sum), 0);
}

/* The unmarked among the drawn: at most k marked are at least drawn - k unmarked. */
static struct urn mirrored(const struct urn *urn)
{
    return (struct urn){urn->population, urn->unmarked, urn->drawn, urn->marked, urn->left};
}

static bool is_urn(int64_t population, int64_t marked, int64_t drawn)
{
    return population >= 0 && population <= 1000000000000 && marked >= 0 && marked <= population &&
           drawn >= 0 && drawn <= population;
}

static int64_t least_count(int64_t population, int64_t marked, int64_t drawn)
{
    int64_t least = marked + drawn - population;
    return least > 0 ? least : 0;
}

/* P(X >= k) summed where k is above the mean, else as the complement of P(X <= k - 1). */
static double at_least(const struct urn *urn, double k)
{
    if (excess(urn, k) >= 0)
        return log_upper(urn, k);
    struct urn mirror = mirrored(urn);
    return assay_stats_log1mexp(log_upper(&mirror, urn->drawn - k + 1));
}

double assay_stats_hypergeometric_tail(int64_t k, int64_t population, int64_t marked, int64_t drawn,
                                       enum assay_tail tail)
{
    if (!is_urn(population, marked, drawn))
        return (double)NAN;
    int64_t least = least_count(population, marked, drawn);
    int64_t most = marked < drawn ? marked : drawn;
    if (tail == ASSAY_LOWER ? k < least : k > most)
        return -HUGE_VAL;
    if (tail == ASSAY_LOWER ? k >= most : k <= least)
        return 0;
    struct urn urn = {(double)population, (double)marked, (double)drawn,
                      (double)(population - marked), (double)(population - drawn)};
    if (tail == ASSAY_UPPER)
        return at_least(&urn, (double)k) / LN_10;
    struct urn mirror = mirrored(&urn);
    return at_least(&mirror, (double)(drawn - k)) / LN_10;
}

struct margins {
    int64_t population, marked, drawn;
};

static double curve(int64_t k, const void *data, enum assay_tail tail)
{
    const struct margins *m = data;
    return assay_stats_hypergeometric_tail(k, m->population, m->marked, m->drawn, tail);
}

int64_t assay_stats_hypergeometric_quantile(double log10_p, int64_t population, int64_t marked,
                                            int64_t drawn, enum assay_tail tail)
{
    if (!is_urn(population, marked, drawn) || !(log10_p <= 0))
        return -1;
    struct margins margins = {population, marked, drawn};
    return stats_count_quantile(curve, &margins, log10_p, tail,
                                least_count(population, marked, drawn),
                                marked < drawn ? marked : drawn);
}
