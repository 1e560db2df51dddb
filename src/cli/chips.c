/* SPDX-License-Identifier: Apache-2.0 */
/* assay chips */
#include "cli/claim.h"
#include "cli/commands.h"

#include <assay/fence.h>

#include "base/json.h"

#include <math.h>
#include <string.h>

static const char *const limits[] = {
    "A table of thresholds is not legal advice: end use, end user and destination decide too.",
    "Links count the scale-up and scale-out links in the table, both ways; a host link comes on "
    "top, so what is just below a threshold may be above it.",
    "The status is the rule's in force, not what was sold: exports stopped or went on by letters "
    "and licences that are not public.",
};
#define LIMITS (sizeof limits / sizeof limits[0])

/* What is asked: one rule, or all. */
struct question {
    const struct assay_export_rules *rules;
    const struct assay_claim_data *data;
    const struct assay_export_rule *rule; /* with `one`; NULL: before the first */
    const char *date;                     /* or NULL */
    bool one;
};

/* ---- JSON --------------------------------------------------------------------------------- */

static json_t *clause_json(const struct assay_export_clause *clause)
{
    json_t *o = json_object(), *conditions = json_array();
    json_set_text(o, "name", clause->name);
    json_set_text(o, "outcome", assay_export_status_name(clause->outcome));
    for (size_t i = 0; i < clause->condition_count; i++) {
        const struct assay_export_condition *c = &clause->conditions[i];
        json_t *entry = json_object();
        json_set_text(entry, "quantity", c->quantity);
        json_set_text(entry, "operator", c->comparison);
        json_set_text(entry, "threshold", c->threshold);
        json_set_text(entry, "unit", c->unit);
        json_array_append_new(conditions, entry);
    }
    json_object_set_new(o, "conditions", conditions);
    json_set_text(o, "source", clause->source);
    json_set_text(o, "date", clause->date);
    json_set_text(o, "grade", clause->grade);
    json_set_text(o, "note", clause->note);
    return o;
}

static json_t *rule_json(const struct assay_export_rule *rule)
{
    json_t *o = json_object(), *clauses = json_array();
    json_set_text(o, "name", rule->name);
    json_set_text(o, "in_force", rule->in_force);
    for (size_t i = 0; i < rule->clause_count; i++)
        json_array_append_new(clauses, clause_json(&rule->clauses[i]));
    json_object_set_new(o, "clauses", clauses);
    return o;
}

static json_t *judgement_json(const struct question *q, const struct assay_export_rule *rule,
                              const struct assay_accelerator *a)
{
    struct assay_export_judgement j = assay_export_judge(q->rules, rule, a);
    json_t *o = json_object();
    json_set_text(o, "rule", rule ? rule->name : NULL);
    json_set_text(o, "status", assay_export_status_name(j.status));
    json_set_text(o, "words", assay_export_status_words(j.status));
    json_set_text(o, "clause", j.clause ? j.clause->name : NULL);
    json_set_text(o, "grade", j.clause ? j.clause->grade : NULL);
    json_set_text(o, "missing", j.missing);
    return o;
}

static json_t *to_json(const struct question *q)
{
    json_t *o = json_object(), *rules = json_array(), *chips = json_array();
    json_set_text(o, "date", q->date);
    for (size_t i = 0; i < q->rules->count; i++)
        if (!q->one || &q->rules->rules[i] == q->rule)
            json_array_append_new(rules, rule_json(&q->rules->rules[i]));
    json_object_set_new(o, "rules", rules);
    for (size_t i = 0; i < q->data->accelerator_count; i++) {
        const struct assay_accelerator *a = &q->data->accelerators[i];
        json_t *chip = json_object(), *statuses = json_array();
        json_set_text(chip, "name", a->name);
        json_set_text(chip, "vendor", a->vendor);
        json_set_text(chip, "launch_date", a->launch_date);
        json_set_number(chip, "total_processing_performance", assay_processing_performance(a));
        json_set_number(chip, "performance_density", assay_performance_density(a));
        json_set_number(chip, "scale_up_bytes_per_second_both_ways",
                        a->scale_up_bandwidth > 0 ? 2 * a->scale_up_bandwidth : (double)NAN);
        json_set_number(chip, "memory_bytes_per_second", a->memory_bandwidth);
        if (q->one)
            json_array_append_new(statuses, judgement_json(q, q->rule, a));
        for (size_t r = 0; !q->one && r < q->rules->count; r++)
            json_array_append_new(statuses, judgement_json(q, &q->rules->rules[r], a));
        json_object_set_new(chip, "status", statuses);
        json_array_append_new(chips, chip);
    }
    json_object_set_new(o, "chips", chips);
    json_object_set_new(o, "limits", json_texts(limits, LIMITS));
    return o;
}

/* ---- text --------------------------------------------------------------------------------- */

static void print_measures(const struct assay_accelerator *a)
{
    double density = assay_performance_density(a);
    cli_say("%-15s%7.0f", a->name, assay_processing_performance(a));
    if (isfinite(density))
        cli_say("%7.2f", density);
    else
        cli_say("%7s", "-");
    cli_say("%6.0f", 2 * a->scale_up_bandwidth / 1e9);
}

static void print_all(const struct question *q)
{
    cli_say("%-15s%7s%7s%6s", "", "TPP", "TPP/", "GB/s");
    for (size_t r = 0; r < q->rules->count; r++)
        cli_say(" %8s", r + 1 == q->rules->count ? "rule of" : "");
    cli_say("\n%-15s%7s%7s%6s", "accelerator", "", "mm2", "links");
    for (size_t r = 0; r < q->rules->count; r++)
        cli_say(" %8s", q->rules->rules[r].name);
    cli_say("\n");
    for (size_t i = 0; i < q->data->accelerator_count; i++) {
        const struct assay_accelerator *a = &q->data->accelerators[i];
        print_measures(a);
        for (size_t r = 0; r < q->rules->count; r++)
            cli_say(" %8s", assay_export_status_name(
                                assay_export_judge(q->rules, &q->rules->rules[r], a).status));
        cli_say("\n");
    }
    cli_say("\n");
    for (int s = 0; s < ASSAY_EXPORT_COUNT; s++)
        cli_say("%-9s %s\n", assay_export_status_name((enum assay_export_status)s),
                assay_export_status_words((enum assay_export_status)s));
}

static void print_clause(const struct assay_export_clause *clause)
{
    char text[800];
    size_t used = 0;
    cli_say("\n%s: %s (figures %s)\n", clause->name, assay_export_status_name(clause->outcome),
            clause->grade);
    text[0] = '\0';
    for (size_t i = 0; i < clause->condition_count && used + 1 < sizeof text; i++) {
        const struct assay_export_condition *c = &clause->conditions[i];
        int n = snprintf(text + used, sizeof text - used, "%s%s %s %s %s", i ? ", " : "",
                         c->quantity, c->comparison, c->threshold, c->unit);
        used += n > 0 ? (size_t)n : 0;
    }
    cli_print_wrapped(text, "  ");
}

static void print_one(const struct question *q)
{
    if (q->rule)
        cli_say("Rule %s, in force from %s%s%s\n\n", q->rule->name, q->rule->in_force,
                q->date ? "; asked for " : "", q->date ? q->date : "");
    else
        cli_say("No rule was in force on %s.\n\n", q->date);
    cli_say("%-15s%7s%7s%6s  %s\n", "accelerator", "TPP", "TPP/mm2", "GB/s", "status");
    for (size_t i = 0; i < q->data->accelerator_count; i++) {
        const struct assay_accelerator *a = &q->data->accelerators[i];
        struct assay_export_judgement j = assay_export_judge(q->rules, q->rule, a);
        bool later = q->date && a->launch_date && strcmp(a->launch_date, q->date) > 0;
        print_measures(a);
        if (j.status == ASSAY_EXPORT_UNKNOWN)
            cli_say("  %s hangs on its %s", j.clause->name, j.missing);
        else if (j.clause && j.clause->outcome != ASSAY_EXPORT_DOMESTIC &&
                 j.clause->outcome != ASSAY_EXPORT_RENTED)
            cli_say("  %s: %s", assay_export_status_name(j.status), j.clause->name);
        else
            cli_say("  %s", assay_export_status_words(j.status));
        cli_say("%s\n", later ? " *" : "");
    }
    if (q->date)
        cli_say("\n* not to be had before that day\n");
    for (size_t i = 0; q->rule && i < q->rule->clause_count; i++)
        print_clause(&q->rule->clauses[i]);
}

static void print(const struct question *q)
{
    if (q->one)
        print_one(q);
    else
        print_all(q);
    cli_say("\nRules: data/export_rules.csv, with the source and grade of each threshold.\n");
    for (size_t i = 0; i < LIMITS; i++)
        cli_print_wrapped(limits[i], "");
}

/* ---- the command -------------------------------------------------------------------------- */

static assay_status understand(struct cli_call *call, struct question *q)
{
    const char *name = call->value[1];
    q->date = call->value[0];
    if (q->date && name)
        return assay_error_at(&call->error, ASSAY_ERROR_INPUT, NULL, 0,
                              "--date and --rule both choose a rule: give one of them");
    if (q->date && !assay_is_date(q->date))
        return assay_error_at(&call->error, ASSAY_ERROR_INPUT, NULL, 0,
                              "--date: found \"%.40s\", expected a day as 2023-11-17", q->date);
    q->one = q->date || name;
    if (q->date)
        q->rule = assay_export_rule_at(q->rules, q->date);
    if (!name)
        return ASSAY_OK;
    char known[160] = "";
    for (size_t i = 0; i < q->rules->count; i++) {
        if (strcmp(q->rules->rules[i].name, name) == 0)
            q->rule = &q->rules->rules[i];
        size_t used = strlen(known);
        snprintf(known + used, sizeof known - used, " %s", q->rules->rules[i].name);
    }
    return q->rule ? ASSAY_OK
                   : assay_error_at(&call->error, ASSAY_ERROR_INPUT, NULL, 0,
                                    "--rule: found \"%.40s\", expected one of%s", name, known);
}

static assay_status answer(struct cli_call *call, struct question *q)
{
    ASSAY_TRY(understand(call, q));
    if (call->json)
        return cli_print_json(call, to_json(q));
    print(q);
    return cli_finish_output(call);
}

static assay_status run_command(struct cli_call *call)
{
    struct assay_claim_data data;
    struct assay_export_rules rules;
    ASSAY_TRY(assay_claim_data_read(call->data_folder, &data, &call->error));
    assay_status status = assay_export_rules_read(call->data_folder, &rules, &call->error);
    if (status == ASSAY_OK) {
        struct question q = {.rules = &rules, .data = &data};
        status = answer(call, &q);
        assay_export_rules_free(&rules);
    }
    assay_claim_data_free(&data);
    return status;
}

const struct cli_command cli_chips = {
    .room = "chips",
    .verb = "",
    .arguments = "",
    .summary = "List accelerators and their status under each dated US export rule",
    .text =
        "Total processing performance (dense operations a second times bits, the largest over\n"
        "precisions), performance density, links both ways, and what each version of the rules\n"
        "says of sending the accelerator to China. Rules are data (data/export_rules.csv), each\n"
        "threshold with its source and whether the text was read or only recalled. A status that\n"
        "hangs on a fact that the table lacks is `unknown`, and --rule names the fact.\n",
    .least = 0,
    .most = 0,
    .options = {{"date", "YYYY-MM-DD", "the rule in force on that day, with its clauses"},
                {"rule", "NAME", "one version, such as 2023-10, with its clauses"}},
    .run = run_command,
};
