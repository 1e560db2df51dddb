/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rules: data/export_rules.csv read and applied. In: rows of conditions; an accelerator. Out:
 * versions of the rule with their clauses; what a version says of the accelerator. What can go
 * wrong: see assay_export_rules_read. No threshold stands here: all are in the table.
 */
#include "base/csv.h"

#include <assay/fence.h>

#include <math.h>
#include <string.h>

static const char every_version[] = "every version";

/* ---- what a condition measures ----------------------------------------------------------- */

enum measure {
    PERFORMANCE,
    DENSITY,
    LINKS_ALL,
    LINKS_SCALE_UP,
    MEMORY_BANDWIDTH,
    VENDOR,
    MEASURE_COUNT
};

static const struct {
    const char *name, *unit, *words;
    double scale;
} measures[MEASURE_COUNT] = {
    [PERFORMANCE] = {"tpp", "TPP", "total processing performance", 1},
    [DENSITY] = {"performance_density", "TPP/mm2", "die area", 1},
    [LINKS_ALL] = {"io_bandwidth", "GB/s", "bandwidth of links", 1e9},
    [LINKS_SCALE_UP] = {"scale_up_bandwidth", "GB/s", "bandwidth of links", 1e9},
    [MEMORY_BANDWIDTH] = {"memory_bandwidth", "GB/s", "memory bandwidth", 1e9},
    [VENDOR] = {"vendor", "", "vendor", 0},
};

/* NaN where the table of accelerators lacks what it takes. */
static double measure(enum measure which, const struct assay_accelerator *a)
{
    switch (which) {
    case PERFORMANCE:
        return assay_processing_performance(a);
    case DENSITY:
        return assay_performance_density(a);
    case LINKS_ALL:
        return a->scale_up_bandwidth > 0 ? 2 * (a->scale_up_bandwidth + a->scale_out_bandwidth)
                                         : (double)NAN;
    case LINKS_SCALE_UP:
        return a->scale_up_bandwidth > 0 ? 2 * a->scale_up_bandwidth : (double)NAN;
    case MEMORY_BANDWIDTH:
        return a->memory_bandwidth > 0 ? a->memory_bandwidth : (double)NAN;
    default:
        return NAN;
    }
}

/* ---- judgement: three-valued, for facts that are missing --------------------------------- */

enum truth { NO, MAYBE, YES };

static enum truth holds(const struct assay_export_condition *c, const struct assay_accelerator *a)
{
    if (c->measure == VENDOR)
        return a->vendor && strcmp(a->vendor, c->threshold) == 0 ? YES : NO;
    double value = measure((enum measure)c->measure, a);
    if (isnan(value))
        return MAYBE;
    return (c->comparison[0] == '<' ? value < c->limit : value >= c->limit) ? YES : NO;
}

static enum truth all_hold(const struct assay_export_clause *clause,
                           const struct assay_accelerator *a, const char **missing)
{
    enum truth all = YES;
    for (size_t i = 0; i < clause->condition_count; i++) {
        enum truth one = holds(&clause->conditions[i], a);
        if (one == MAYBE)
            *missing = measures[clause->conditions[i].measure].words;
        all = one < all ? one : all;
    }
    return all;
}

struct assay_export_judgement assay_export_judge(const struct assay_export_rules *rules,
                                                 const struct assay_export_rule *rule,
                                                 const struct assay_accelerator *a)
{
    struct assay_export_judgement found = {.status = ASSAY_EXPORT_FREE}, open = {0};
    size_t own = rule ? rule->clause_count : 0;

    for (size_t i = 0; i < rules->always_count + own; i++) {
        const struct assay_export_clause *clause =
            i < rules->always_count ? &rules->always[i] : &rule->clauses[i - rules->always_count];
        const char *missing = NULL;
        enum truth truth = all_hold(clause, a, &missing);
        if (truth == MAYBE && !open.clause)
            open = (struct assay_export_judgement){clause->outcome, clause, missing};
        if (truth == YES) {
            found = (struct assay_export_judgement){clause->outcome, clause, NULL};
            break;
        }
    }
    if (open.clause && open.status != found.status) {
        open.status = ASSAY_EXPORT_UNKNOWN;
        return open;
    }
    return found;
}

const struct assay_export_rule *assay_export_rule_at(const struct assay_export_rules *rules,
                                                     const char *date)
{
    const struct assay_export_rule *at = NULL;
    for (size_t i = 0; i < rules->count; i++)
        if (strcmp(rules->rules[i].in_force, date) <= 0)
            at = &rules->rules[i];
    return at;
}

bool assay_is_date(const char *text)
{
    static const char form[] = "dddd-dd-dd";
    if (strlen(text) != sizeof form - 1)
        return false;
    for (size_t i = 0; form[i]; i++)
        if (form[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != '-')
            return false;
    int month = 10 * (text[5] - '0') + text[6] - '0', day = 10 * (text[8] - '0') + text[9] - '0';
    int year =
        1000 * (text[0] - '0') + 100 * (text[1] - '0') + 10 * (text[2] - '0') + text[3] - '0';
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    int days = month == 2 ? 28 + leap : 30 + (month + month / 8) % 2;
    return month >= 1 && month <= 12 && day >= 1 && day <= days;
}

/* ---- the table ---------------------------------------------------------------------------- */

enum column {
    RULE,
    IN_FORCE,
    CLAUSE,
    OUTCOME,
    QUANTITY,
    COMPARISON,
    THRESHOLD,
    UNIT,
    SOURCE,
    DATE_READ,
    GRADE,
    NOTE,
    COLUMN_COUNT
};
static const char *const columns[COLUMN_COUNT] = {
    "rule",      "in_force", "clause", "outcome", "quantity", "operator",
    "threshold", "unit",     "source", "date",    "grade",    "note",
};

struct reading {
    const struct csv *csv;
    int at[COLUMN_COUNT];
    struct assay_export_condition *conditions;
    struct assay_export_clause *clauses;
    struct assay_export_rule *rules;
    size_t condition_count, clause_count, rule_count, always_count;
    struct assay_error *error;
};

static const char *cell(const struct reading *r, const struct csv_row *row, enum column c)
{
    return row->cells[r->at[c]];
}

/* Refuses a cell that is none of `n` names, else its index. */
static assay_status one_of(const struct reading *r, const struct csv_row *row, enum column c,
                           const char *const *names, size_t n, const char *expected, size_t *which)
{
    for (*which = 0; *which < n; ++*which)
        if (strcmp(cell(r, row, c), names[*which]) == 0)
            return ASSAY_OK;
    return assay_error_at(r->error, ASSAY_ERROR_INPUT, r->csv->path, row->line,
                          "found %s \"%.40s\", expected %s", columns[c], cell(r, row, c), expected);
}

static assay_status read_condition(struct reading *r, const struct csv_row *row)
{
    static const char *const comparisons[] = {">=", "<", "="};
    struct assay_export_condition *c = &r->conditions[r->condition_count++];
    const char *names[MEASURE_COUNT];
    size_t which, comparison;

    for (size_t i = 0; i < MEASURE_COUNT; i++)
        names[i] = measures[i].name;
    ASSAY_TRY(one_of(r, row, QUANTITY, names, MEASURE_COUNT,
                     "tpp, performance_density, io_bandwidth, scale_up_bandwidth, "
                     "memory_bandwidth or vendor",
                     &which));
    ASSAY_TRY(one_of(r, row, COMPARISON, comparisons, 3, ">=, < or =", &comparison));
    *c = (struct assay_export_condition){cell(r, row, QUANTITY),
                                         cell(r, row, COMPARISON),
                                         cell(r, row, THRESHOLD),
                                         cell(r, row, UNIT),
                                         (int)which,
                                         NAN};
    if (strcmp(c->unit, measures[which].unit) != 0)
        return assay_error_at(r->error, ASSAY_ERROR_INPUT, r->csv->path, row->line,
                              "found unit \"%.20s\", expected \"%s\" for %s", c->unit,
                              measures[which].unit, c->quantity);
    if ((comparison == 2) != (which == VENDOR))
        return assay_error_at(r->error, ASSAY_ERROR_INPUT, r->csv->path, row->line,
                              "%s cannot be compared by \"%s\"; expected %s", c->quantity,
                              c->comparison, which == VENDOR ? "=" : ">= or <");
    if (which == VENDOR)
        return c->threshold[0] ? ASSAY_OK
                               : assay_error_at(r->error, ASSAY_ERROR_INPUT, r->csv->path,
                                                row->line, "expected a vendor as threshold");
    if (!csv_number(c->threshold, &c->limit) || !(c->limit > 0) || c->limit > 1e12)
        return assay_error_at(r->error, ASSAY_ERROR_INPUT, r->csv->path, row->line,
                              "found threshold \"%.40s\", expected a number above 0", c->threshold);
    c->limit *= measures[which].scale;
    return ASSAY_OK;
}

/* Whether the row goes on with the clause of the row before it. */
static bool continues(const struct reading *r, const struct csv_row *row)
{
    const struct csv_row *before = row - 1;
    return row > r->csv->rows && strcmp(cell(r, row, RULE), cell(r, before, RULE)) == 0 &&
           strcmp(cell(r, row, CLAUSE), cell(r, before, CLAUSE)) == 0;
}

static assay_status read_rule(struct reading *r, const struct csv_row *row)
{
    const char *name = cell(r, row, RULE), *day = cell(r, row, IN_FORCE);
    struct assay_export_rule *last = r->rule_count ? &r->rules[r->rule_count - 1] : NULL;

    if (strcmp(name, every_version) == 0) {
        if (last)
            return assay_error_at(r->error, ASSAY_ERROR_INPUT, r->csv->path, row->line,
                                  "rows of \"%s\" must stand first", every_version);
        r->always_count++;
        return ASSAY_OK;
    }
    if (!name[0] || !assay_is_date(day))
        return assay_error_at(r->error, ASSAY_ERROR_INPUT, r->csv->path, row->line,
                              "found in_force \"%.20s\" of rule \"%.20s\", expected a name and a "
                              "day as 2023-11-17",
                              day, name);
    if (!last || strcmp(last->name, name) != 0) {
        if (last && strcmp(last->in_force, day) >= 0)
            return assay_error_at(r->error, ASSAY_ERROR_INPUT, r->csv->path, row->line,
                                  "found %s after %s, expected rules in order of date", day,
                                  last->in_force);
        last = &r->rules[r->rule_count++];
        *last = (struct assay_export_rule){name, day, &r->clauses[r->clause_count], 0};
    }
    if (strcmp(last->in_force, day) != 0)
        return assay_error_at(r->error, ASSAY_ERROR_INPUT, r->csv->path, row->line,
                              "found %s for rule %s, which began on %s", day, name, last->in_force);
    last->clause_count++;
    return ASSAY_OK;
}

static assay_status read_row(struct reading *r, const struct csv_row *row)
{
    static const char *const grades[] = {"read", "quoted", "recalled", "own"};
    const char *outcomes[ASSAY_EXPORT_UNKNOWN];
    size_t outcome, grade;

    for (int i = 0; i < ASSAY_EXPORT_UNKNOWN; i++)
        outcomes[i] = assay_export_status_name((enum assay_export_status)i);
    ASSAY_TRY(one_of(r, row, OUTCOME, outcomes, ASSAY_EXPORT_UNKNOWN,
                     "free, notify, case, licence, denial, domestic or rented", &outcome));
    ASSAY_TRY(one_of(r, row, GRADE, grades, 4, "read, quoted, recalled or own", &grade));
    if (!cell(r, row, CLAUSE)[0] || !cell(r, row, SOURCE)[0] || !cell(r, row, DATE_READ)[0])
        return assay_error_at(r->error, ASSAY_ERROR_INPUT, r->csv->path, row->line,
                              "a condition without a clause, a source or a date");
    if (!continues(r, row)) {
        ASSAY_TRY(read_rule(r, row));
        r->clauses[r->clause_count++] = (struct assay_export_clause){
            .name = cell(r, row, CLAUSE),
            .outcome = (enum assay_export_status)outcome,
            .conditions = &r->conditions[r->condition_count],
            .source = cell(r, row, SOURCE),
            .date = cell(r, row, DATE_READ),
            .grade = cell(r, row, GRADE),
            .note = cell(r, row, NOTE),
        };
    }
    struct assay_export_clause *clause = &r->clauses[r->clause_count - 1];
    if (clause->outcome != (enum assay_export_status)outcome)
        return assay_error_at(r->error, ASSAY_ERROR_INPUT, r->csv->path, row->line,
                              "clause %s has outcome %s, and %s a row before", clause->name,
                              cell(r, row, OUTCOME), assay_export_status_name(clause->outcome));
    clause->condition_count++;
    return read_condition(r, row);
}

static assay_status read_rows(struct assay_export_rules *rules, const struct csv *csv,
                              struct assay_error *error)
{
    struct reading r = {.csv = csv, .error = error};
    if (csv->columns != COLUMN_COUNT)
        return assay_error_at(error, ASSAY_ERROR_INPUT, csv->path, 0,
                              "found %zu columns, expected %d", csv->columns, COLUMN_COUNT);
    for (int c = 0; c < COLUMN_COUNT; c++) {
        r.at[c] = csv_column(csv, columns[c]);
        if (r.at[c] < 0)
            return assay_error_at(error, ASSAY_ERROR_INPUT, csv->path, 0,
                                  "no column is named \"%s\"", columns[c]);
    }
    r.conditions = assay_arena_alloc(rules->arena, csv->count + 1, sizeof *r.conditions);
    r.clauses = assay_arena_alloc(rules->arena, csv->count + 1, sizeof *r.clauses);
    r.rules = assay_arena_alloc(rules->arena, csv->count + 1, sizeof *r.rules);
    if (!r.conditions || !r.clauses || !r.rules)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    for (size_t i = 0; i < csv->count; i++)
        ASSAY_TRY(read_row(&r, &csv->rows[i]));
    if (r.rule_count == 0)
        return assay_error_at(error, ASSAY_ERROR_INPUT, csv->path, 0, "no rule is in the table");
    rules->always = r.clauses;
    rules->always_count = r.always_count;
    rules->rules = r.rules;
    rules->count = r.rule_count;
    return ASSAY_OK;
}

static assay_status read_all(const char *folder, struct assay_export_rules *rules,
                             struct assay_error *error)
{
    struct csv csv;
    char *path = assay_arena_print(rules->arena, "%s/export_rules.csv", folder);
    if (!path)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    ASSAY_TRY(csv_read(path, rules->arena, &csv, error));
    ASSAY_TRY(read_rows(rules, &csv, error));
    rules->file.path = path;
    return assay_sha256_file(path, rules->file.sha256, error);
}

assay_status assay_export_rules_read(const char *folder, struct assay_export_rules *rules,
                                     struct assay_error *error)
{
    memset(rules, 0, sizeof *rules);
    rules->arena = assay_arena_new();
    if (!rules->arena)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    assay_status status = read_all(folder, rules, error);
    if (status != ASSAY_OK)
        assay_export_rules_free(rules);
    return status;
}

void assay_export_rules_free(struct assay_export_rules *rules)
{
    assay_arena_free(rules->arena);
    memset(rules, 0, sizeof *rules);
}
