/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers as words, by two published scales; include/assay/case.h names them. */
#include <assay/case.h>

#include <math.h>

struct step {
    double below;
    const char *words;
};

static const char *look_up(const struct step *steps, double value)
{
    while (value >= steps->below)
        steps++;
    return steps->words;
}

const char *assay_words_likelihood_ratio(double log10_ratio)
{
    static const struct step steps[] = {
        {0.30102999566398120, "no support"}, /* log10 2 */
        {1, "weak support"},
        {2, "moderate support"},
        {3, "moderately strong support"},
        {4, "strong support"},
        {6, "very strong support"},
        {INFINITY, "extremely strong support"},
    };
    if (isnan(log10_ratio))
        return "not weighed";
    return look_up(steps, fmin(fabs(log10_ratio), 1e300));
}

const char *assay_words_probability(double probability)
{
    static const struct step steps[] = {
        {0.05, "almost no chance"},    {0.20, "very unlikely"}, {0.45, "unlikely"},
        {0.55, "roughly even chance"}, {0.80, "likely"},        {0.95, "very likely"},
        {INFINITY, "almost certain"},
    };
    if (isnan(probability))
        return "no probability";
    return look_up(steps, probability);
}
