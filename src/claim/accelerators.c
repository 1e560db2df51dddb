/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accelerators from a table of one fact a line. Each field has one unit, so that a factor of
 * eight or a thousand cannot slip in unseen; the header of data/accelerators.csv tells what the
 * fields mean.
 */
#include "base/csv.h"
#include "claim/accelerator_name.h"

#include "claim/accelerators.h"

#include <limits.h>
#include <string.h>

#define GIB 1073741824.0

enum field_kind { TEXT, DATE, NUMBER, COUNT, ALIAS };

struct field {
    const char *name;
    const char *unit;
    enum field_kind kind;
    size_t offset; /* in struct assay_accelerator, or UNKEPT: checked, but not needed here */
    double scale;  /* what one unit is, in the unit of the struct */
    bool needed;
};

#define UNKEPT SIZE_MAX
#define AT(member) offsetof(struct assay_accelerator, member)

static const struct field fields[] = {
    {"vendor", "", TEXT, AT(vendor), 0, true},
    {"generation", "", TEXT, AT(generation), 0, true},
    {"alias", "", ALIAS, UNKEPT, 0, false},
    {"launch_date", "", DATE, AT(launch_date), 0, false},
    {"release_status", "", TEXT, AT(release_status), 0, false},
    {"foundry", "", TEXT, UNKEPT, 0, false},
    {"peak_dense_fp32", "TFLOP/s", NUMBER, AT(flops_fp32), 1e12, false},
    {"peak_dense_tf32", "TFLOP/s", NUMBER, AT(flops_tf32), 1e12, false},
    {"peak_dense_bf16", "TFLOP/s", NUMBER, AT(flops_bf16), 1e12, true},
    {"peak_dense_fp8", "TFLOP/s", NUMBER, AT(flops_fp8), 1e12, false},
    {"peak_dense_fp4", "TFLOP/s", NUMBER, AT(flops_fp4), 1e12, false},
    {"max_achieved_matmul_bf16", "TFLOP/s", NUMBER, UNKEPT, 0, false},
    {"max_achieved_matmul_fp8", "TFLOP/s", NUMBER, UNKEPT, 0, false},
    {"memory", "GB", NUMBER, AT(memory_bytes), 1e9, true},
    {"memory_usable", "GiB", NUMBER, AT(memory_usable_bytes), GIB, false},
    {"memory_bandwidth", "GB/s", NUMBER, AT(memory_bandwidth), 1e9, true},
    {"scaleup_unidir", "GB/s", NUMBER, AT(scale_up_bandwidth), 1e9, false},
    {"scaleup_effective", "GB/s", NUMBER, UNKEPT, 0, false},
    {"scaleup_domain", "devices", COUNT, AT(scale_up_domain), 1, false},
    {"scaleout_per_device", "Gb/s", NUMBER, AT(scale_out_bandwidth), 1e9 / 8, false},
    {"compute_units", "units", NUMBER, AT(compute_units), 1, false},
    {"tdp", "W", NUMBER, AT(tdp_watts), 1, false},
    {"idle_power", "W", NUMBER, AT(idle_watts), 1, false},
    {"node_power_training", "W", NUMBER, UNKEPT, 0, false},
    {"die_area", "mm2", NUMBER, AT(die_area_mm2), 1, false},
    {"process", "nm", NUMBER, UNKEPT, 0, false},
    {"cumulative_units_p05", "devices", NUMBER, UNKEPT, 0, false},
    {"cumulative_units_median", "devices", NUMBER, UNKEPT, 0, false},
    {"cumulative_units_p95", "devices", NUMBER, UNKEPT, 0, false},
};
#define FIELD_COUNT (sizeof fields / sizeof fields[0])

static const char *const columns[] = {"accelerator", "field", "value",      "unit",
                                      "source",      "date",  "confidence", "note"};
enum column { ACCELERATOR, FIELD, VALUE, UNIT, SOURCE, DATE_READ, CONFIDENCE, COLUMN_COUNT = 8 };

static const char *const grades[] = {"quoted", "derived", "recalled", "own"};

/* What is known while the table is read. */
struct reading {
    const struct csv *csv;
    int at[COLUMN_COUNT];
    struct assay_accelerator *accelerators;
    bool (*known)[FIELD_COUNT]; /* an accelerator's facts so far */
    size_t count;
    struct assay_accelerator_alias *aliases;
    size_t alias_count;
    struct assay_arena *arena;
    struct assay_error *error;
};

/* ---- one fact --------------------------------------------------------------------------- */

static bool is_date(const char *text)
{
    static const char form[] = "dddd-dd-dd";
    size_t i = 0;
    for (; form[i]; i++)
        if (form[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != form[i])
            return false;
    int month = 10 * (text[5] - '0') + text[6] - '0', day = 10 * (text[8] - '0') + text[9] - '0';
    return !text[i] && month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

static assay_status find_field(const struct reading *r, const struct csv_row *row, size_t *which)
{
    const char *name = row->cells[r->at[FIELD]], *unit = row->cells[r->at[UNIT]];
    const char *grade = row->cells[r->at[CONFIDENCE]];
    size_t f = 0, g = 0;
    while (f < FIELD_COUNT && strcmp(fields[f].name, name) != 0)
        f++;
    if (f == FIELD_COUNT)
        return assay_error_at(r->error, ASSAY_ERROR_INPUT, r->csv->path, row->line,
                              "no field is named \"%.60s\"", name);
    if (strcmp(fields[f].unit, unit) != 0)
        return assay_error_at(r->error, ASSAY_ERROR_INPUT, r->csv->path, row->line,
                              "found unit \"%.30s\", expected \"%s\" for %s", unit, fields[f].unit,
                              name);
    while (g < sizeof grades / sizeof grades[0] && strcmp(grades[g], grade) != 0)
        g++;
    if (g == sizeof grades / sizeof grades[0])
        return assay_error_at(
            r->error, ASSAY_ERROR_INPUT, r->csv->path, row->line,
            "found confidence \"%.30s\", expected quoted, derived, recalled or own", grade);
    if (!row->cells[r->at[SOURCE]][0] || !row->cells[r->at[DATE_READ]][0])
        return assay_error_at(r->error, ASSAY_ERROR_INPUT, r->csv->path, row->line,
                              "a fact without a source or a date");
    *which = f;
    return ASSAY_OK;
}

static assay_status add_alias(struct reading *r, long line, const char *text, size_t accelerator)
{
    struct assay_accelerator_alias *alias = &r->aliases[r->alias_count];
    char key[ACCELERATOR_KEY_SIZE];
    if (!accelerator_key(text, key, &alias->memory_bytes))
        return assay_error_at(r->error, ASSAY_ERROR_INPUT, r->csv->path, line,
                              "\"%.60s\" names no kind of accelerator", text);
    alias->key = assay_arena_copy(r->arena, key);
    alias->accelerator = accelerator;
    r->alias_count++;
    return alias->key ? ASSAY_OK
                      : assay_error_at(r->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

static assay_status set_number(const struct reading *r, const struct csv_row *row,
                               const struct field *field, char *accelerator)
{
    const char *text = row->cells[r->at[VALUE]];
    double number;
    if (!csv_number(text, &number) || !(number > 0) || number > 1e15)
        return assay_error_at(r->error, ASSAY_ERROR_INPUT, r->csv->path, row->line,
                              "found \"%.40s\" for %s, expected a number above 0", text,
                              field->name);
    if (field->kind == COUNT && (number > INT_MAX || number != (double)(int)number))
        return assay_error_at(r->error, ASSAY_ERROR_INPUT, r->csv->path, row->line,
                              "found \"%.40s\" for %s, expected a whole number", text, field->name);
    if (field->offset == UNKEPT)
        return ASSAY_OK;
    if (field->kind == COUNT) {
        int count = (int)number;
        memcpy(accelerator + field->offset, &count, sizeof count);
    } else {
        number *= field->scale;
        memcpy(accelerator + field->offset, &number, sizeof number);
    }
    return ASSAY_OK;
}

static assay_status add_fact(struct reading *r, const struct csv_row *row)
{
    const char *name = row->cells[r->at[ACCELERATOR]], *value = row->cells[r->at[VALUE]];
    size_t f = 0, i = 0;
    ASSAY_TRY(find_field(r, row, &f));
    if (!name[0] || !value[0])
        return assay_error_at(r->error, ASSAY_ERROR_INPUT, r->csv->path, row->line,
                              "a fact without %s", name[0] ? "a value" : "an accelerator");
    while (i < r->count && strcmp(r->accelerators[i].name, name) != 0)
        i++;
    if (i == r->count) {
        r->count++;
        r->accelerators[i].name = name;
        ASSAY_TRY(add_alias(r, row->line, name, i));
    }
    if (fields[f].kind == ALIAS)
        return add_alias(r, row->line, value, i);
    if (r->known[i][f])
        return assay_error_at(r->error, ASSAY_ERROR_INPUT, r->csv->path, row->line,
                              "%s of %s stands twice", fields[f].name, name);
    r->known[i][f] = true;
    char *accelerator = (char *)&r->accelerators[i];
    if (fields[f].kind == NUMBER || fields[f].kind == COUNT)
        return set_number(r, row, &fields[f], accelerator);
    if (fields[f].kind == DATE && !is_date(value))
        return assay_error_at(r->error, ASSAY_ERROR_INPUT, r->csv->path, row->line,
                              "found \"%.40s\" for %s, expected a date as 2023-03-21", value,
                              fields[f].name);
    if (fields[f].offset != UNKEPT)
        memcpy(accelerator + fields[f].offset, &value, sizeof value);
    return ASSAY_OK;
}

/* ---- the table -------------------------------------------------------------------------- */

static assay_status find_columns(struct reading *r)
{
    for (size_t c = 0; c < COLUMN_COUNT; c++) {
        r->at[c] = csv_column(r->csv, columns[c]);
        if (r->at[c] < 0)
            return assay_error_at(r->error, ASSAY_ERROR_INPUT, r->csv->path, 0,
                                  "no column is named \"%s\"", columns[c]);
    }
    if (r->csv->columns != COLUMN_COUNT)
        return assay_error_at(r->error, ASSAY_ERROR_INPUT, r->csv->path, 0,
                              "found %zu columns, expected %d", r->csv->columns, COLUMN_COUNT);
    return ASSAY_OK;
}

static assay_status read_facts(struct reading *r)
{
    size_t n = r->csv->count;
    ASSAY_TRY(find_columns(r));
    r->accelerators = assay_arena_alloc(r->arena, n, sizeof *r->accelerators);
    r->known = assay_arena_alloc(r->arena, n, sizeof *r->known);
    r->aliases = assay_arena_alloc(r->arena, 2 * n, sizeof *r->aliases); /* a name and an alias */
    if (!r->accelerators || !r->known || !r->aliases)
        return assay_error_at(r->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    for (size_t i = 0; i < n; i++)
        ASSAY_TRY(add_fact(r, &r->csv->rows[i]));
    for (size_t i = 0; i < r->count; i++)
        for (size_t f = 0; f < FIELD_COUNT; f++)
            if (fields[f].needed && !r->known[i][f])
                return assay_error_at(r->error, ASSAY_ERROR_INPUT, r->csv->path, 0, "%s has no %s",
                                      r->accelerators[i].name, fields[f].name);
    return ASSAY_OK;
}

assay_status accelerators_read(const char *path, struct assay_claim_data *data,
                               struct assay_error *error)
{
    struct csv csv;
    struct reading r = {.csv = &csv, .arena = data->arena, .error = error};
    ASSAY_TRY(csv_read(path, data->arena, &csv, error));
    ASSAY_TRY(read_facts(&r));
    data->accelerators = r.accelerators;
    data->accelerator_count = r.count;
    data->aliases = r.aliases;
    data->alias_count = r.alias_count;
    data->accelerators_file.path = path;
    return assay_sha256_file(path, data->accelerators_file.sha256, error);
}
