/* SPDX-License-Identifier: Apache-2.0 */
#include "case/match.h"

#include <math.h>
#include <string.h>

bool match_pattern(const char *pattern, const char *name)
{
    const char *star = NULL, *retry = NULL;
    while (*name) {
        if (*pattern == '*') {
            star = pattern++;
            retry = name;
        } else if (*pattern == *name) {
            pattern++;
            name++;
        } else if (star) {
            pattern = star + 1;
            name = ++retry;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return !*pattern;
}

static bool names(const struct assay_case_hypothesis *hypothesis, const char *name)
{
    if (!hypothesis->match_count)
        return strcmp(hypothesis->id, name) == 0;
    for (size_t i = 0; i < hypothesis->match_count; i++)
        if (strcmp(hypothesis->matches[i], name) == 0)
            return true;
    return false;
}

size_t match_hypothesis(const struct assay_case_hypothesis *hypotheses, size_t count,
                        const char *name)
{
    size_t rest = SIZE_MAX;
    for (size_t h = 0; h < count; h++)
        if (names(&hypotheses[h], name))
            return h;
    for (size_t h = 0; h < count; h++) {
        for (size_t i = 0; i < hypotheses[h].match_count; i++)
            if (match_pattern(hypotheses[h].matches[i], name))
                return h;
        if (hypotheses[h].none && !hypotheses[h].match_count)
            rest = h;
    }
    return rest;
}

/* Sums of likelihoods at the three points of the interval. */
struct sums {
    double median, low, high;
    size_t members;
};

static void add(struct sums *sums, const struct assay_interval *log10_likelihood)
{
    sums->median += pow(10, log10_likelihood->median);
    sums->low += pow(10, log10_likelihood->low);
    sums->high += pow(10, log10_likelihood->high);
    sums->members++;
}

static struct assay_interval mean(const struct sums *sums)
{
    double n = (double)sums->members;
    return (struct assay_interval){log10(sums->median / n), log10(sums->low / n),
                                   log10(sums->high / n), 0.8};
}

/* Relative to the greatest median, so that no sum underflows before it must. */
static void shift(struct assay_interval *interval, double by)
{
    interval->median -= by;
    interval->low -= by;
    interval->high -= by;
}

static void assume_missing(struct assay_interval *likelihoods, bool *assumed, size_t count)
{
    struct sums all = {0, 0, 0, 0};
    double least = INFINITY, most = -INFINITY;
    for (size_t h = 0; h < count; h++) {
        if (assumed[h])
            continue;
        add(&all, &likelihoods[h]);
        least = fmin(least, likelihoods[h].low);
        most = fmax(most, likelihoods[h].high);
    }
    for (size_t h = 0; h < count; h++)
        if (assumed[h])
            likelihoods[h] =
                (struct assay_interval){log10(all.median / (double)all.members), least, most, 0.8};
}

assay_status match_likelihoods(const struct assay_finding *finding,
                               const struct assay_case_hypothesis *hypotheses, size_t count,
                               struct assay_arena *arena, struct assay_interval *log10_likelihoods,
                               bool *assumed, bool *weighed, struct assay_error *error)
{
    double best = -INFINITY;
    struct sums *sums = assay_arena_alloc(arena, count, sizeof *sums);
    double *tops = assay_arena_alloc(arena, count, sizeof *tops);
    size_t *members = assay_arena_alloc(arena, finding->weight_count, sizeof *members);
    if (!sums || !tops || !members)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    for (size_t h = 0; h < count; h++)
        tops[h] = -INFINITY;
    for (size_t i = 0; i < finding->weight_count; i++) {
        const struct assay_weight *weight = &finding->weights[i];
        members[i] =
            weight->weighed ? match_hypothesis(hypotheses, count, weight->hypothesis) : SIZE_MAX;
        if (members[i] != SIZE_MAX)
            tops[members[i]] = fmax(tops[members[i]], weight->log10_likelihood.high);
    }
    for (size_t i = 0; i < finding->weight_count; i++) {
        struct assay_interval one = finding->weights[i].log10_likelihood;
        if (members[i] == SIZE_MAX)
            continue;
        shift(&one, tops[members[i]]);
        add(&sums[members[i]], &one);
    }
    for (size_t h = 0; h < count; h++) {
        assumed[h] = sums[h].members == 0;
        if (assumed[h])
            continue;
        log10_likelihoods[h] = mean(&sums[h]);
        shift(&log10_likelihoods[h], -tops[h]);
        best = fmax(best, log10_likelihoods[h].median);
    }
    *weighed = isfinite(best);
    for (size_t h = 0; *weighed && h < count; h++)
        if (!assumed[h])
            shift(&log10_likelihoods[h], best);
    if (*weighed)
        assume_missing(log10_likelihoods, assumed, count);
    return ASSAY_OK;
}
