/* SPDX-License-Identifier: Apache-2.0 */
/*
 * If log-likelihood ratios are normal, how often the true one of k candidates comes first says
 * how widely they are spread, s(n) for n prompts. Ratios of further prompts add up with what is
 * known, so that from n to N prompts they have the spread sqrt(s(N)^2 - s(n)^2), and the candidate
 * that gains most is the true one as often as that spread says.
 */
#include "style/offers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_SIZES 32
#define CANDIDATES_RANK 22 /* among which data/instrument_power.csv was counted: its `unit` */
#define CANDIDATES_PARENT 60

double style_first_of(double s, size_t k)
{
    double sum = 0, weight = 0;
    for (int i = -400; i <= 400; i++) { /* over the true one's ratio, in standard deviations */
        double z = i / 50.0, density = exp(-z * z / 2);
        sum += density * pow(0.5 * erfc(-(z + s) / sqrt(2)), (double)k - 1);
        weight += density;
    }
    return sum / weight;
}

static double spread_of(double first, size_t k)
{
    double low = 0, high = 20;
    for (int i = 0; i < 50; i++) {
        double middle = (low + high) / 2;
        if (style_first_of(middle, k) < first)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}

/* Spreads by number of prompts, ascending and never falling; linear in ln n between them. */
struct spreads {
    double ln_n[MOST_SIZES], s[MOST_SIZES];
    size_t count;
};

static void read_spreads(const struct power *power, size_t k, struct spreads *to)
{
    to->count = power->condition_count < MOST_SIZES ? power->condition_count : MOST_SIZES;
    for (size_t c = 0; c < to->count; c++) {
        to->ln_n[c] = log(fmax(1, strtod(power->conditions[c], NULL)));
        to->s[c] = spread_of(power->chances[c * power->outcome_count], k);
        if (c > 0)
            to->s[c] = fmax(to->s[c], to->s[c - 1]);
    }
}

static double spread_at(const struct spreads *spreads, double prompts)
{
    double x = log(fmax(1, prompts));
    size_t c = 1;
    if (prompts < 1)
        return 0;
    if (x <= spreads->ln_n[0]) /* below the first: as evidence that adds up does */
        return spreads->s[0] * sqrt(exp(x - spreads->ln_n[0]));
    while (c < spreads->count && spreads->ln_n[c] < x)
        c++;
    if (c == spreads->count)
        return spreads->s[c - 1]; /* more were not seen to tell more */
    double share = (x - spreads->ln_n[c - 1]) / (spreads->ln_n[c] - spreads->ln_n[c - 1]);
    return spreads->s[c - 1] + share * (spreads->s[c] - spreads->s[c - 1]);
}

static assay_status offer_by(struct assay_finding *finding, const struct power_offer *offer,
                             size_t answered, size_t could_be, size_t measured_among,
                             const char *table, struct assay_error *error)
{
    struct power power;
    struct spreads spreads;
    size_t candidates = finding->weight_count - 1;
    ASSAY_TRY(power_of_offer(table, offer, finding->arena, &power, error));
    read_spreads(&power, measured_among, &spreads);
    double now = spread_at(&spreads, (double)answered),
           then = spread_at(&spreads, (double)could_be);
    if (then * then - now * now < 1e-6)
        return ASSAY_OK;
    char *basis = assay_arena_print(finding->arena,
                                    "%zu of %zu prompts are answered. %s The best score among new "
                                    "prompts alone is what is expected here.",
                                    answered, could_be, power.basis);
    if (!basis)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    return power_offer_naming(
        finding, offer, style_first_of(sqrt(then * then - now * now), candidates), 1, basis, error);
}

assay_status style_offer_answers(struct assay_finding *finding, const char *question,
                                 size_t answered, size_t could_be, const char *data_folder,
                                 struct assay_error *error)
{
    bool rank = strcmp(question, "rank") == 0, parent = strcmp(question, "parent") == 0;
    struct power_offer *offers;
    size_t count;
    if ((!rank && !parent) || could_be <= answered || finding->weight_count < 3)
        return ASSAY_OK;
    char *list = assay_arena_print(finding->arena, "%s/offers.csv", data_folder);
    char *table = assay_arena_print(finding->arena, "%s/instrument_power.csv", data_folder);
    if (!list || !table)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    ASSAY_TRY(power_offers_read(list, rank ? "style.rank" : "style.parent", finding->arena, &offers,
                                &count, error));
    for (size_t i = 0; i < count; i++)
        if (strcmp(offers[i].id, "answers") == 0)
            ASSAY_TRY(offer_by(finding, &offers[i], answered, could_be,
                               rank ? CANDIDATES_RANK : CANDIDATES_PARENT, table, error));
    return ASSAY_OK;
}
