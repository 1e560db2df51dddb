/* SPDX-License-Identifier: Apache-2.0 */
#include "claim/evidence_read.h"

#include "claim/clue.h"

#include <math.h>
#include <string.h>

/* Of what a device is rated at, what it draws when idle, where the table does not say. */
static const double usual_idle_share = 0.12;
/* No meter shows more than this many times what the devices are rated at: they would burn. */
static const double most_over_rating = 6;

static assay_status optional_text(struct assay_yaml *map, const char *key, const char **text,
                                  struct assay_error *error)
{
    struct assay_yaml *node = assay_yaml_get(map, key);
    return node ? assay_yaml_text(node, text, error) : ASSAY_OK;
}

static assay_status optional_number(struct assay_yaml *map, const char *key, enum assay_unit unit,
                                    double least, double most, double *value,
                                    struct assay_error *error)
{
    struct assay_yaml *node = assay_yaml_get(map, key);
    return node ? assay_yaml_quantity(node, unit, least, most, value, error) : ASSAY_OK;
}

static assay_status find_accelerator(const struct assay_claim_data *data,
                                     const struct assay_yaml *node, const char *name,
                                     const struct assay_accelerator **found,
                                     struct assay_error *error)
{
    *found = assay_accelerator_find(data, name, NULL);
    if (!*found)
        return assay_error_at(error, ASSAY_ERROR_INPUT, node->file, node->line,
                              "\"%.60s\" is not in the table of accelerators (`assay chips` lists "
                              "it)",
                              name);
    return ASSAY_OK;
}

/* ---- clues -------------------------------------------------------------------------------------
 */

/* What cannot be, on the machine that the run states. */
static assay_status check_physics(const struct assay_run *run, const struct assay_yaml *node,
                                  const struct assay_clue *clue, struct assay_error *error)
{
    const struct assay_accelerator *a = &run->machine.accelerator;
    double devices = (double)run->machine.devices;
    double idle = a->idle_watts > 0 ? a->idle_watts : usual_idle_share * a->tdp_watts;
    if (clue->kind != ASSAY_CLUE_POWER || !(a->tdp_watts > 0))
        return ASSAY_OK;
    if (clue->value < idle * devices)
        return assay_error_at(error, ASSAY_ERROR_INPUT, node->file, node->line,
                              "power: %.4g kW is less than the %.4g kW that %.0f x %s draw when "
                              "idle; is the unit right, or is it a part of the cluster?",
                              clue->value / 1e3, idle * devices / 1e3, devices, a->name);
    if (clue->value > most_over_rating * 8 * a->tdp_watts * devices)
        return assay_error_at(error, ASSAY_ERROR_INPUT, node->file, node->line,
                              "power: %.4g MW is over %.0f times what %.0f x %s are rated at; is "
                              "the unit right?",
                              clue->value / 1e6, most_over_rating * 8, devices, a->name);
    return ASSAY_OK;
}

static assay_status read_balance(struct assay_yaml *map, struct assay_clue *clue,
                                 struct assay_error *error)
{
    clue->begin = clue->shipments = 0;
    clue->receipts = clue->end = NAN;
    ASSAY_TRY(optional_number(map, "begin", ASSAY_UNIT_NONE, 0, 1e9, &clue->begin, error));
    ASSAY_TRY(optional_number(map, "receipts", ASSAY_UNIT_NONE, 0, 1e9, &clue->receipts, error));
    ASSAY_TRY(optional_number(map, "shipments", ASSAY_UNIT_NONE, 0, 1e9, &clue->shipments, error));
    ASSAY_TRY(optional_number(map, "end", ASSAY_UNIT_NONE, 0, 1e9, &clue->end, error));
    if (isnan(clue->receipts))
        return ASSAY_OK;
    clue->value = clue->begin + clue->receipts - clue->shipments;
    if (!(clue->value > 0))
        return assay_error_at(error, ASSAY_ERROR_INPUT, map->file, map->line,
                              "shipped: begin + receipts - shipments is %g, expected more than 0",
                              clue->value);
    return ASSAY_OK;
}

static assay_status read_grade(struct assay_yaml *map, struct assay_clue *clue,
                               struct assay_error *error)
{
    struct assay_yaml *node = assay_yaml_get(map, "grade");
    const char *text;
    clue->reliability = 'F'; /* cannot be judged */
    clue->credibility = 6;
    if (!node)
        return ASSAY_OK;
    ASSAY_TRY(assay_yaml_text(node, &text, error));
    if (strlen(text) != 2 || text[0] < 'A' || text[0] > 'F' || text[1] < '1' || text[1] > '6')
        return assay_error_at(error, ASSAY_ERROR_INPUT, node->file, node->line,
                              "grade: found \"%.20s\", expected a letter A to F for the source and "
                              "a digit 1 to 6 for the information, such as B2",
                              text);
    clue->reliability = text[0];
    clue->credibility = text[1] - '0';
    return ASSAY_OK;
}

static assay_status read_clue(struct assay_run *run, struct assay_yaml *map,
                              const struct assay_claim_data *data, struct assay_clue *clue,
                              struct assay_error *error)
{
    const char *names[ASSAY_CLUE_COUNT], *accelerator = NULL;
    struct assay_yaml *node;
    size_t kind;

    if (map->kind != ASSAY_YAML_MAP)
        return assay_error_at(error, ASSAY_ERROR_INPUT, map->file, map->line,
                              "a clue is a map with kind and value");
    for (int i = 0; i < ASSAY_CLUE_COUNT; i++)
        names[i] = assay_clue_kind_name((enum assay_clue_kind)i);
    ASSAY_TRY(assay_yaml_need(map, "kind", &node, error));
    ASSAY_TRY(assay_yaml_choice(node, names, ASSAY_CLUE_COUNT, &kind, error));
    clue->kind = (enum assay_clue_kind)kind;
    clue->name = names[kind];
    clue->line = map->line;
    clue->value = NAN;
    ASSAY_TRY(optional_text(map, "name", &clue->name, error));
    ASSAY_TRY(optional_text(map, "source", &clue->source, error));
    ASSAY_TRY(optional_text(map, "date", &clue->date, error));
    ASSAY_TRY(read_grade(map, clue, error));
    clue->begin = clue->receipts = clue->shipments = clue->end = NAN;
    if (clue->kind == ASSAY_CLUE_SHIPPED)
        ASSAY_TRY(read_balance(map, clue, error));
    if (isnan(clue->value)) {
        double most = clue->kind == ASSAY_CLUE_INSPECTED ? 0.999999 : 1e24;
        ASSAY_TRY(assay_yaml_need(map, "value", &node, error));
        ASSAY_TRY(
            assay_yaml_quantity(node, clue_unit(clue->kind), 1e-9, most, &clue->value, error));
    }
    clue->log_sd = data->clue_facts[kind].observed_log_sd;
    ASSAY_TRY(optional_number(map, "sd", ASSAY_UNIT_PERCENT, 0.001, 3, &clue->log_sd, error));
    node = assay_yaml_get(map, "accelerator");
    if (node) {
        ASSAY_TRY(assay_yaml_text(node, &accelerator, error));
        ASSAY_TRY(find_accelerator(data, node, accelerator, &clue->accelerator, error));
    } else if (clue->kind == ASSAY_CLUE_SHIPPED || clue->kind == ASSAY_CLUE_INSPECTED) {
        return assay_error_at(error, ASSAY_ERROR_INPUT, map->file, map->line,
                              "%s: expected `accelerator`, the kind it speaks of", names[kind]);
    }
    if ((clue->kind == ASSAY_CLUE_ENERGY || clue->kind == ASSAY_CLUE_RENT) && !(run->tokens > 0))
        return assay_error_at(error, ASSAY_ERROR_INPUT, map->file, map->line,
                              "%s speaks of a whole run: state training: tokens", names[kind]);
    return check_physics(run, map, clue, error);
}

static assay_status read_clues(struct assay_run *run, struct assay_yaml *root,
                               const struct assay_claim_data *data, struct assay_error *error)
{
    struct assay_yaml *list = assay_yaml_get(root, "clues");
    if (!list)
        return ASSAY_OK;
    if (list->kind != ASSAY_YAML_LIST)
        return assay_error_at(error, ASSAY_ERROR_INPUT, list->file, list->line,
                              "clues: expected a list");
    struct assay_clue *clues = assay_arena_alloc(run->arena, list->count, sizeof *clues);
    if (!clues)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    size_t n = 0;
    for (struct assay_yaml *node = list->child; node; node = node->next)
        ASSAY_TRY(read_clue(run, node, data, &clues[n++], error));
    run->clues = clues;
    run->clue_count = n;
    return ASSAY_OK;
}

/* ---- priors ------------------------------------------------------------------------------------
 */

static assay_status read_weights(struct assay_run *run, struct assay_yaml *map,
                                 const struct assay_claim_data *data, struct assay_error *error)
{
    struct assay_priors *p = &run->priors;
    if (map->kind != ASSAY_YAML_MAP)
        return assay_error_at(error, ASSAY_ERROR_INPUT, map->file, map->line,
                              "accelerators: expected a map from names to weights");
    struct assay_prior_weight *weights = assay_arena_alloc(run->arena, map->count, sizeof *weights);
    if (!weights)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    for (struct assay_yaml *node = map->child; node; node = node->next) {
        struct assay_prior_weight *w = &weights[p->weight_count++];
        node = assay_yaml_get(map, node->key); /* marks it used */
        ASSAY_TRY(find_accelerator(data, node, node->key, &w->accelerator, error));
        ASSAY_TRY(assay_yaml_quantity(node, ASSAY_UNIT_NONE, 0, 1e12, &w->weight, error));
    }
    p->weights = weights;
    return ASSAY_OK;
}

static assay_status read_priors(struct assay_run *run, struct assay_yaml *root,
                                const struct assay_claim_data *data, struct assay_error *error)
{
    struct assay_yaml *map = assay_yaml_get(root, "priors"), *node;
    struct assay_priors *p = &run->priors;
    double factor = NAN;
    if (!map)
        return ASSAY_OK;
    ASSAY_TRY(optional_text(map, "holder", &p->holder, error));
    ASSAY_TRY(optional_number(map, "count_factor", ASSAY_UNIT_NONE, 1.01, 100, &factor, error));
    p->count_log_sd = log(factor);
    ASSAY_TRY(optional_number(map, "mixed", ASSAY_UNIT_NONE, 0, 0.9, &p->mixed, error));
    ASSAY_TRY(optional_number(map, "others", ASSAY_UNIT_NONE, 0, 1e12, &p->other_weight, error));
    node = assay_yaml_get(map, "share_used");
    if (node) {
        ASSAY_TRY(optional_number(node, "low", ASSAY_UNIT_NONE, 0.05, 1, &p->share_low, error));
        ASSAY_TRY(optional_number(node, "high", ASSAY_UNIT_NONE, 0.05, 1, &p->share_high, error));
        if (p->share_low > p->share_high)
            return assay_error_at(error, ASSAY_ERROR_INPUT, node->file, node->line,
                                  "share_used: low is above high");
    }
    node = assay_yaml_get(map, "accelerators");
    return node ? read_weights(run, node, data, error) : ASSAY_OK;
}

assay_status evidence_read(struct assay_run *run, struct assay_yaml *root,
                           const struct assay_claim_data *data, struct assay_error *error)
{
    ASSAY_TRY(read_priors(run, root, data, error));
    return read_clues(run, root, data, error);
}
