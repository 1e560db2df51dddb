/* SPDX-License-Identifier: Apache-2.0 */
/* The efficiency table on disk: read, and written after a calibration. */
#include "claim/efficiency.h"

#include "base/csv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PARAMETER, SCOPE, VALUE, LOG_SD, PRIOR_VALUE, PRIOR_LOG_SD, BASIS, COLUMNS };
static const char *const columns[COLUMNS] = {"parameter",   "scope",        "value", "log_sd",
                                             "prior_value", "prior_log_sd", "basis"};

/* ---- reading -------------------------------------------------------------------------------- */

static assay_status read_row(const struct csv *csv, const struct csv_row *row, const int *at,
                             struct efficiency_row *out, struct assay_error *error)
{
    double value, prior;
    out->parameter = row->cells[at[PARAMETER]];
    out->scope = row->cells[at[SCOPE]];
    out->basis = row->cells[at[BASIS]];
    out->line = row->line;
    for (out->field = 0; out->field < efficiency_field_count; out->field++)
        if (strcmp(efficiency_fields[out->field].name, out->parameter) == 0)
            break;
    if (out->field == efficiency_field_count)
        return assay_error_at(error, ASSAY_ERROR_INPUT, csv->path, row->line,
                              "unknown parameter \"%.60s\"", out->parameter);
    ASSAY_TRY(csv_number_within(csv, row, at[VALUE], 1e-12, 1e15, &value, error));
    ASSAY_TRY(csv_number_within(csv, row, at[LOG_SD], 0, 5, &out->log_sd, error));
    ASSAY_TRY(csv_number_within(csv, row, at[PRIOR_VALUE], 1e-12, 1e15, &prior, error));
    ASSAY_TRY(csv_number_within(csv, row, at[PRIOR_LOG_SD], 0, 5, &out->prior_log_sd, error));
    out->log_value = log(value);
    out->prior_log_value = log(prior);
    return ASSAY_OK;
}

static assay_status check_bases(const char *path, const struct assay_efficiency_table *table,
                                struct assay_error *error)
{
    for (size_t f = 0; f < efficiency_field_count; f++) {
        size_t bases = 0;
        for (size_t i = 0; i < table->count; i++)
            bases += table->rows[i].field == f && table->rows[i].scope[0] == '\0';
        if (bases != 1)
            return assay_error_at(error, ASSAY_ERROR_INPUT, path, 0,
                                  "parameter %s has %zu rows without a scope, expected one",
                                  efficiency_fields[f].name, bases);
    }
    return ASSAY_OK;
}

/* A line of the factor's file holds one row of its lower triangle, spaces between numbers. */
static assay_status read_factor(const char *path, struct assay_arena *arena,
                                struct assay_efficiency_table *table, struct assay_error *error)
{
    struct csv csv;
    size_t n = table->count;
    double *factor = assay_arena_alloc(arena, n * n, sizeof *factor);
    if (!factor)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    ASSAY_TRY(csv_read(path, arena, &csv, error));
    if (csv.columns != 1 || csv.count != n)
        return assay_error_at(error, ASSAY_ERROR_INPUT, path, 0,
                              "found %zu rows of %zu columns, expected %zu of 1: calibrate again",
                              csv.count, csv.columns, n);
    for (size_t i = 0; i < n; i++) {
        const char *text = csv.rows[i].cells[0];
        for (size_t k = 0; k <= i; k++) {
            char *end;
            factor[i * n + k] = strtod(text, &end);
            if (end == text || !isfinite(factor[i * n + k]) || fabs(factor[i * n + k]) > 10)
                return assay_error_at(error, ASSAY_ERROR_INPUT, path, csv.rows[i].line,
                                      "expected %zu numbers from -10 to 10", i + 1);
            text = end;
        }
    }
    table->factor = factor;
    return ASSAY_OK;
}

assay_status efficiency_read(const char *path, const char *factor_path, struct assay_arena *arena,
                             struct assay_efficiency_table **table, struct assay_error *error)
{
    struct csv csv;
    int at[COLUMNS];

    ASSAY_TRY(csv_read(path, arena, &csv, error));
    for (int i = 0; i < COLUMNS; i++)
        if ((at[i] = csv_column(&csv, columns[i])) < 0)
            return assay_error_at(error, ASSAY_ERROR_INPUT, path, 1, "no column is named \"%s\"",
                                  columns[i]);
    if (csv.count > EFFICIENCY_MOST_ROWS)
        return assay_error_at(error, ASSAY_ERROR_LIMIT, path, 0,
                              "found %zu rows, expected at most %d", csv.count,
                              EFFICIENCY_MOST_ROWS);
    *table = assay_arena_alloc(arena, 1, sizeof **table);
    if (!*table || !((*table)->rows = assay_arena_alloc(arena, csv.count, sizeof *(*table)->rows)))
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    (*table)->count = csv.count;
    for (size_t i = 0; i < csv.count; i++)
        ASSAY_TRY(read_row(&csv, &csv.rows[i], at, &(*table)->rows[i], error));
    ASSAY_TRY(check_bases(path, *table, error));
    if (access(factor_path, F_OK) != 0)
        return ASSAY_OK;
    return read_factor(factor_path, arena, *table, error);
}

struct assay_efficiency_table *efficiency_priors(const struct assay_efficiency_table *table,
                                                 struct assay_arena *arena)
{
    struct assay_efficiency_table *priors = assay_arena_alloc(arena, 1, sizeof *priors);
    if (!priors || !(priors->rows = assay_arena_alloc(arena, table->count, sizeof *priors->rows)))
        return NULL;
    priors->count = table->count;
    for (size_t i = 0; i < table->count; i++) {
        priors->rows[i] = table->rows[i];
        priors->rows[i].log_value = table->rows[i].prior_log_value;
        priors->rows[i].log_sd = table->rows[i].prior_log_sd;
    }
    return priors;
}

/* ---- writing -------------------------------------------------------------------------------- */

static const char head[] =
    "# Efficiency parameters of the forward model: what share of a data-sheet rate training\n"
    "# software achieves. A row with an empty scope is the parameter's value (its unit is in\n"
    "# include/assay/claim.h, struct assay_efficiency); a row with a scope is a factor on it for\n"
    "# runs that the scope names. value and log_sd (of its natural logarithm) are the posterior "
    "of\n"
    "# `assay claim calibrate` on data/training_runs.csv, prior_* and basis what went in.\n"
    "parameter,scope,value,log_sd,prior_value,prior_log_sd,basis\n";

static void write_table(FILE *to, const struct assay_efficiency_table *table)
{
    fputs(head, to);
    for (size_t i = 0; i < table->count; i++) {
        const struct efficiency_row *r = &table->rows[i];
        fprintf(to, "%s,%s,%.6g,%.4g,%.6g,%.4g,\"", r->parameter, r->scope, exp(r->log_value),
                r->log_sd, exp(r->prior_log_value), r->prior_log_sd);
        for (const char *c = r->basis; *c; c++)
            fprintf(to, *c == '"' ? "\"\"" : "%c", *c);
        fputs("\"\n", to);
    }
}

static void write_factor(FILE *to, const struct assay_efficiency_table *table)
{
    fputs("# Cholesky factor of the covariance of the logarithms in efficiency.csv, a line a row.\n"
          "lower_triangle\n",
          to);
    for (size_t i = 0; i < table->count; i++) {
        for (size_t k = 0; k <= i; k++)
            fprintf(to, "%s%.5g", k ? " " : "", table->factor[i * table->count + k]);
        fputc('\n', to);
    }
}

static assay_status write_one(const char *folder, const char *name,
                              void (*write)(FILE *, const struct assay_efficiency_table *),
                              const struct assay_efficiency_table *table, struct assay_error *error)
{
    char path[4200], *text = NULL;
    size_t size = 0;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *to = open_memstream(&text, &size);
    if (!to)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    write(to, table);
    assay_status status = fclose(to) == 0
                              ? assay_file_write(path, text, size, error)
                              : assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    free(text);
    return status;
}

assay_status efficiency_write(const char *folder, const struct assay_efficiency_table *table,
                              struct assay_error *error)
{
    ASSAY_TRY(write_one(folder, "efficiency.csv", write_table, table, error));
    return table->factor ? write_one(folder, "efficiency_factor.csv", write_factor, table, error)
                         : ASSAY_OK;
}
