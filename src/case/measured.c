/* SPDX-License-Identifier: Apache-2.0 */
#include "case/measured.h"

#include "finding/power.h"

#include <string.h>

struct resolving {
    const struct assay_case *subject;
    const char *path;
    struct assay_arena *arena;
    struct assay_error *error;
};

static assay_status out_of_memory(const struct resolving *r)
{
    return assay_error_at(r->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

static assay_status mix(const struct resolving *r, const struct power *power,
                        const struct assay_case_obtainable *o, size_t h, double *const *values)
{
    for (size_t i = 0; i < o->condition_counts[h]; i++) {
        const struct assay_case_condition *condition = &o->conditions[h][i];
        size_t c = power_condition(power, condition->name);
        if (c == SIZE_MAX)
            return assay_error_at(r->error, ASSAY_ERROR_INPUT, r->subject->path, o->line,
                                  "obtainable %s: %s was not measured under '%.80s': expected a "
                                  "condition of %s, such as %s",
                                  o->id, o->measured, condition->name, r->path,
                                  power->conditions[0]);
        for (size_t y = 0; y < power->outcome_count; y++)
            values[y][h] += condition->share * power->chances[c * power->outcome_count + y];
    }
    return ASSAY_OK;
}

static assay_status resolve(const struct resolving *r, size_t hypotheses,
                            struct assay_case_obtainable *o)
{
    struct power power;
    ASSAY_TRY(power_read(r->path, o->measured, r->arena, &power, r->error));
    if (!power.name)
        return assay_error_at(r->error, ASSAY_ERROR_INPUT, r->subject->path, o->line,
                              "obtainable %s: there is no measurement '%.80s' in %s", o->id,
                              o->measured, r->path);
    struct assay_case_outcome *outcomes =
        assay_arena_alloc(r->arena, power.outcome_count, sizeof *outcomes);
    double **values = assay_arena_alloc(r->arena, power.outcome_count, sizeof *values);
    if (!outcomes || !values)
        return out_of_memory(r);
    for (size_t y = 0; y < power.outcome_count; y++) {
        if (!(values[y] = assay_arena_alloc(r->arena, hypotheses, sizeof **values)))
            return out_of_memory(r);
        outcomes[y] = (struct assay_case_outcome){power.outcomes[y], values[y]};
    }
    for (size_t h = 0; h < hypotheses; h++)
        ASSAY_TRY(mix(r, &power, o, h, values));
    o->outcomes = outcomes;
    o->outcome_count = power.outcome_count;
    o->because = assay_arena_print(r->arena, "%s %s", o->because, power.basis);
    return o->because ? ASSAY_OK : out_of_memory(r);
}

assay_status measured_resolve(const struct assay_case *subject, const char *path,
                              struct assay_arena *arena, struct assay_case_reply *reply,
                              struct assay_error *error)
{
    const struct assay_case_question *q = reply->question;
    const struct resolving r = {subject, path, arena, error};
    struct assay_case_obtainable *list =
        assay_arena_alloc(arena, q->obtainable_count, sizeof *list);
    if (!list)
        return out_of_memory(&r);
    for (size_t i = 0; i < q->obtainable_count; i++) {
        list[i] = q->obtainables[i];
        if (list[i].measured)
            ASSAY_TRY(resolve(&r, q->hypothesis_count, &list[i]));
    }
    reply->obtainables = list;
    return ASSAY_OK;
}
