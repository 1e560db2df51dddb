/* SPDX-License-Identifier: Apache-2.0 */
#include "case/further.h"

#include "finding/power.h"

#include <string.h>

struct adding {
    struct assay_finding *finding;
    const char *offers, *powers; /* the tables */
    struct assay_error *error;
};

static assay_status out_of_memory(const struct adding *a)
{
    return assay_error_at(a->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

/* The chance of the first outcome under a condition. */
static assay_status chance(const struct adding *a, const struct power *power, const char *condition,
                           double *value)
{
    size_t c = power_condition(power, condition);
    if (c == SIZE_MAX)
        return assay_error_at(a->error, ASSAY_ERROR_INPUT, a->powers, 0,
                              "%s: no rows under the condition \"%s\"", power->name, condition);
    *value = power->chances[c * power->outcome_count];
    return ASSAY_OK;
}

/* Candidates of whom one is the true one, or none: named under `is`, wrongly under `is_not`. */
static assay_status offer_naming(const struct adding *a, const char *instrument, const char *id,
                                 const char *is, const char *is_not)
{
    struct power_offer *offers;
    size_t count;
    ASSAY_TRY(
        power_offers_read(a->offers, instrument, a->finding->arena, &offers, &count, a->error));
    for (size_t i = 0; i < count; i++) {
        struct power power;
        double right = 0, wrong = 0;
        if (strcmp(offers[i].id, id) != 0)
            continue;
        ASSAY_TRY(power_of_offer(a->powers, &offers[i], a->finding->arena, &power, a->error));
        ASSAY_TRY(chance(a, &power, is, &right));
        ASSAY_TRY(chance(a, &power, is_not, &wrong));
        ASSAY_TRY(power_offer_naming(a->finding, &offers[i], right, wrong, power.basis, a->error));
    }
    return ASSAY_OK;
}

/* Two checkpoints: weight 0 is a common origin, 1 independent making. */
static assay_status offer_answers(const struct adding *a)
{
    struct power_offer *offers;
    size_t count;
    ASSAY_TRY(power_offers_read(a->offers, "lineage.compare", a->finding->arena, &offers, &count,
                                a->error));
    for (size_t i = 0; i < count && a->finding->weight_count == 2; i++) {
        struct power power;
        ASSAY_TRY(power_of_offer(a->powers, &offers[i], a->finding->arena, &power, a->error));
        size_t conditions[2] = {power_condition(&power, "parent"),
                                power_condition(&power, "stranger")};
        if (conditions[0] == SIZE_MAX || conditions[1] == SIZE_MAX)
            return assay_error_at(a->error, ASSAY_ERROR_INPUT, a->powers, 0,
                                  "%s: expected the conditions \"parent\" and \"stranger\"",
                                  power.name);
        ASSAY_TRY(power_offer_conditions(a->finding, &offers[i], &power, conditions, a->error));
    }
    return ASSAY_OK;
}

assay_status further_offers(struct assay_finding *finding, const char *data_folder,
                            struct assay_error *error)
{
    struct adding a = {.finding = finding, .error = error};
    a.offers = assay_arena_print(finding->arena, "%s/offers.csv", data_folder);
    a.powers = assay_arena_print(finding->arena, "%s/instrument_power.csv", data_folder);
    if (!a.offers || !a.powers)
        return out_of_memory(&a);
    if (strcmp(finding->method, "lineage.compare") == 0)
        return offer_answers(&a);
    if (strcmp(finding->method, "style.rank") != 0)
        return ASSAY_OK;
    if (strcmp(finding->question, "parent") == 0)
        return offer_naming(&a, "style.parent", "weights", "related", "independent");
    if (strcmp(finding->question, "teacher") == 0)
        return offer_naming(&a, "style.rank", "logprobs", "dose-5", "undosed");
    return ASSAY_OK;
}
