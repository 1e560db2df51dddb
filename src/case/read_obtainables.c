/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Evidence that could be had, and what a unit of cost is worth. Probabilities of its outcomes are
 * entered, or come from what an instrument's finding offers (`from`), or from how often an
 * instrument was seen to be right (`measured`).
 */
#include "case/read.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* probabilities: {HYPOTHESIS: 20 %, others: 50 %} */
static assay_status read_outcome(struct reading *r, struct assay_yaml *node,
                                 const struct name_index *names, size_t n,
                                 struct assay_case_outcome *outcome)
{
    struct assay_yaml *map;
    double others = NAN;
    double *values = assay_arena_alloc(r->subject->arena, n, sizeof *values);
    if (!values)
        return read_out_of_memory(r);
    for (size_t h = 0; h < n; h++)
        values[h] = NAN;
    ASSAY_TRY(read_need_map(r, node, "an outcome: a map with text and probabilities"));
    ASSAY_TRY(read_text(r, node, "text", true, &outcome->text));
    ASSAY_TRY(assay_yaml_need(node, "probabilities", &map, r->error));
    ASSAY_TRY(read_need_map(r, map, "probabilities: a map from hypotheses to percentages"));
    for (struct assay_yaml *one = map->child; one; one = one->next) {
        bool rest = strcmp(one->key, "others") == 0;
        size_t at = rest ? 0 : names_find(names, one->key);
        if (at == SIZE_MAX)
            return read_refuse(r, one, "probabilities: there is no hypothesis '%.80s'", one->key);
        one->used = true;
        ASSAY_TRY(assay_yaml_quantity(one, ASSAY_UNIT_PERCENT, 0, 1, rest ? &others : &values[at],
                                      r->error));
    }
    for (size_t h = 0; h < n; h++)
        if (isnan(values[h]))
            values[h] = others;
    outcome->probabilities = values;
    return ASSAY_OK;
}

static assay_status check_outcomes(struct reading *r, const struct assay_yaml *node,
                                   const struct assay_case_question *question,
                                   const struct assay_case_obtainable *obtainable)
{
    for (size_t h = 0; h < question->hypothesis_count; h++) {
        double sum = 0;
        for (size_t o = 0; o < obtainable->outcome_count; o++)
            sum += obtainable->outcomes[o].probabilities[h];
        if (!(fabs(sum - 1) <= 1e-6))
            return read_refuse(r, node,
                               "obtainable %s: under '%s' its outcomes' probabilities sum to %.6g "
                               "%%: expected 100 %%, with each outcome given for every hypothesis "
                               "or for 'others'",
                               obtainable->id, question->hypotheses[h].id, sum * 100);
    }
    return ASSAY_OK;
}

/* "20000 USD": a number and what it counts. */
static assay_status read_cost(struct reading *r, struct assay_yaml *map,
                              struct assay_case_obtainable *obtainable)
{
    struct assay_yaml *node = assay_yaml_get(map, "cost");
    const char *text;
    char *end;
    obtainable->cost = NAN;
    if (!node)
        return ASSAY_OK;
    ASSAY_TRY(assay_yaml_text(node, &text, r->error));
    obtainable->cost = isdigit((unsigned char)*text) ? strtod(text, &end) : -1;
    if (!(obtainable->cost > 0) || obtainable->cost > 1e15 || *end != ' ' || !end[1] ||
        strlen(end + 1) > 32)
        return read_refuse(r, node,
                           "cost '%.40s': expected a number above 0 and a unit, such as "
                           "20000 USD or 3 days",
                           text);
    obtainable->cost_unit = end + 1;
    return ASSAY_OK;
}

/* FINDING/OFFER; whether the finding offers it is seen when its instrument has run. */
static assay_status read_from(struct reading *r, struct assay_yaml *map,
                              const struct assay_case_question *question,
                              struct assay_case_obtainable *obtainable)
{
    struct assay_yaml *node = assay_yaml_get(map, "from");
    const char *text;
    ASSAY_TRY(assay_yaml_text(node, &text, r->error));
    const char *slash = strchr(text, '/');
    if (assay_yaml_get(map, "outcomes") || assay_yaml_get(map, "measured"))
        return read_refuse(r, node, "obtainable %s: expected outcomes, from or measured, one alone",
                           obtainable->id);
    for (size_t t = 0; slash && t < question->task_count; t++) {
        size_t length = strlen(question->tasks[t].id);
        if (length != (size_t)(slash - text) || strncmp(text, question->tasks[t].id, length) != 0)
            continue;
        obtainable->from_finding = question->tasks[t].id;
        obtainable->from_id = slash + 1;
        if (!obtainable->instrument)
            obtainable->instrument = question->tasks[t].instrument;
        return ASSAY_OK;
    }
    return read_refuse(r, node,
                       "from '%.80s': expected FINDING/OFFER, the finding of an instrument of this "
                       "question and what it offers, such as hours/power",
                       text);
}

/* A condition, or {condition: share, ...}. */
static assay_status read_conditions(struct reading *r, struct assay_yaml *node,
                                    const struct assay_case_condition **conditions, size_t *count)
{
    size_t most = 1;
    double sum = 0;
    for (const struct assay_yaml *one = node->child; one; one = one->next)
        most++;
    struct assay_case_condition *list = assay_arena_alloc(r->subject->arena, most, sizeof *list);
    if (!list)
        return read_out_of_memory(r);
    *conditions = list;
    *count = 0;
    if (node->kind == ASSAY_YAML_SCALAR) {
        list[(*count)++].share = 1;
        return assay_yaml_text(node, &list[0].name, r->error);
    }
    ASSAY_TRY(read_need_map(r, node, "a condition, or a map from conditions to percentages"));
    for (struct assay_yaml *one = node->child; one; one = one->next) {
        struct assay_case_condition *condition = &list[(*count)++];
        one->used = true;
        condition->name = one->key;
        ASSAY_TRY(assay_yaml_quantity(one, ASSAY_UNIT_PERCENT, 0, 1, &condition->share, r->error));
        sum += condition->share;
    }
    return fabs(sum - 1) <= 1e-6
               ? ASSAY_OK
               : read_refuse(r, node, "under '%.80s' conditions sum to %.6g %%: expected 100 %%",
                             node->key, sum * 100);
}

/* measured: NAME, if_true: {HYPOTHESIS: condition, others: {condition: 80 %, other: 20 %}} */
static assay_status read_measured(struct reading *r, struct assay_yaml *node,
                                  const struct name_index *names,
                                  const struct assay_case_question *question,
                                  struct assay_case_obtainable *obtainable)
{
    struct assay_yaml *map;
    size_t n = question->hypothesis_count, rest_count = 0;
    const struct assay_case_condition *rest = NULL;
    const struct assay_case_condition **conditions =
        assay_arena_alloc(r->subject->arena, n, sizeof *conditions);
    size_t *counts = assay_arena_alloc(r->subject->arena, n, sizeof *counts);
    if (!conditions || !counts)
        return read_out_of_memory(r);
    ASSAY_TRY(read_text(r, node, "measured", true, &obtainable->measured));
    ASSAY_TRY(assay_yaml_need(node, "if_true", &map, r->error));
    ASSAY_TRY(read_need_map(r, map, "if_true: a map from hypotheses to conditions"));
    if (assay_yaml_get(node, "outcomes") || assay_yaml_get(node, "from"))
        return read_refuse(r, node, "obtainable %s: expected outcomes, from or measured, one alone",
                           obtainable->id);
    for (struct assay_yaml *one = map->child; one; one = one->next) {
        bool others = strcmp(one->key, "others") == 0;
        size_t at = others ? 0 : names_find(names, one->key);
        if (at == SIZE_MAX)
            return read_refuse(r, one, "if_true: there is no hypothesis '%.80s'", one->key);
        one->used = true;
        ASSAY_TRY(read_conditions(r, one, others ? &rest : &conditions[at],
                                  others ? &rest_count : &counts[at]));
    }
    for (size_t h = 0; h < n; h++) {
        if (!conditions[h] && !rest)
            return read_refuse(r, map, "if_true: expected a condition for '%s', or for 'others'",
                               question->hypotheses[h].id);
        counts[h] = conditions[h] ? counts[h] : rest_count;
        conditions[h] = conditions[h] ? conditions[h] : rest;
    }
    obtainable->conditions = conditions;
    obtainable->condition_counts = counts;
    return ASSAY_OK;
}

static assay_status read_obtainable(struct reading *r, struct assay_yaml *node,
                                    struct name_index *names,
                                    const struct assay_case_question *question,
                                    struct assay_case_obtainable *obtainable)
{
    struct assay_yaml *entry;
    void *memory;
    struct assay_case_outcome *outcomes;
    obtainable->line = node->line;
    ASSAY_TRY(read_need_map(
        r, node, "an obtainable: a map with id, text, because and outcomes, from or measured"));
    ASSAY_TRY(read_id(r, node, &obtainable->id));
    ASSAY_TRY(read_text(r, node, "text", true, &obtainable->text));
    ASSAY_TRY(read_text(r, node, "because", true, &obtainable->because));
    ASSAY_TRY(read_text(r, node, "instrument", false, &obtainable->instrument));
    ASSAY_TRY(read_cost(r, node, obtainable));
    if (assay_yaml_get(node, "from"))
        return read_from(r, node, question, obtainable);
    ASSAY_TRY(read_need_hypotheses(r, node, question, "obtainable", names));
    if (assay_yaml_get(node, "measured"))
        return read_measured(r, node, names, question, obtainable);
    ASSAY_TRY(read_list(r, node, "outcomes", true, sizeof *outcomes, &entry, &memory));
    obtainable->outcomes = outcomes = memory;
    for (; entry; entry = entry->next)
        ASSAY_TRY(read_outcome(r, entry, names, question->hypothesis_count,
                               &outcomes[obtainable->outcome_count++]));
    return check_outcomes(r, node, question, obtainable);
}

assay_status read_obtainables(struct reading *r, struct assay_yaml *map,
                              struct assay_case_question *question)
{
    struct assay_yaml *first;
    struct name_index names, index;
    void *memory;
    struct assay_case_obtainable *obtainables;
    ASSAY_TRY(read_list(r, map, "obtainable", false, sizeof *obtainables, &first, &memory));
    question->obtainables = obtainables = memory;
    if (!first)
        return ASSAY_OK;
    for (struct assay_yaml *node = first; node; node = node->next)
        ASSAY_TRY(
            read_obtainable(r, node, &names, question, &obtainables[question->obtainable_count++]));
    ASSAY_TRY(names_index(r->subject->arena, obtainables, question->obtainable_count,
                          sizeof *obtainables, &index, r->error));
    return read_no_twice(r, &index, first, "obtainable");
}

/* costs: {hours: 100 USD} */
assay_status read_costs(struct reading *r, struct assay_yaml *root)
{
    struct assay_yaml *map = assay_yaml_get(root, "costs");
    size_t count = 0;
    if (!map)
        return ASSAY_OK;
    ASSAY_TRY(
        read_need_map(r, map, "costs: a map from units to US dollars, such as hours: 100 USD"));
    for (const struct assay_yaml *one = map->child; one; one = one->next)
        count++;
    struct assay_case_rate *rates = assay_arena_alloc(r->subject->arena, count, sizeof *rates);
    if (!rates)
        return read_out_of_memory(r);
    for (struct assay_yaml *one = map->child; one; one = one->next) {
        struct assay_case_rate *rate = &rates[r->subject->rate_count++];
        one->used = true;
        rate->unit = one->key;
        if (strcmp(one->key, "USD") == 0)
            return read_refuse(r, one, "costs: USD is what the others are given in");
        ASSAY_TRY(
            assay_yaml_quantity(one, ASSAY_UNIT_US_DOLLARS, 1e-6, 1e12, &rate->usd, r->error));
    }
    r->subject->rates = rates;
    return ASSAY_OK;
}
