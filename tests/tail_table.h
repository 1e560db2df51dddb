/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compares tails with a table of references, tests/data/tails_NAME.csv: parameters, then log10
 * of the lower and of the upper tail. Include after cmocka.h.
 */
#ifndef TAIL_TABLE_H
#define TAIL_TABLE_H

#include <assay/stats.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One row of at most four parameters and two references. */
struct tail_row {
    double values[6];
    int count;
};

typedef double tail_function(const double *parameters, enum assay_tail tail);
typedef void tail_visitor(const struct tail_row *row);

static int tail_table_each(const char *name, tail_visitor *visit)
{
    char path[4096], line[512];
    const char *source = getenv("ASSAY_SOURCE");
    snprintf(path, sizeof path, "%s/tests/data/tails_%s.csv", source ? source : ".", name);
    FILE *file = fopen(path, "r");
    if (!file)
        fail_msg("cannot read %s", path);
    int rows = 0;
    while (fgets(line, sizeof line, file)) {
        struct tail_row row = {.count = 0};
        char *next = line, *end;
        while (row.count < 6) {
            row.values[row.count] = strtod(next, &end);
            if (end == next)
                break;
            row.count++;
            if (*end != ',')
                break;
            next = end + 1;
        }
        if (row.count < 3)
            continue; /* comment or header */
        visit(&row);
        rows++;
    }
    fclose(file);
    return rows;
}

/* The largest relative errors seen: of p where log10 p >= -1100, of log10 p below. */
struct tail_errors {
    double p, log10_p;
    struct tail_row worst;
};

static inline void tail_compare(double found, double expected, const struct tail_row *row,
                                struct tail_errors *errors)
{
    double error = found == expected ? 0 : fabs(found - expected);
    if (!(error >= 0))
        error = HUGE_VAL;
    if (expected >= -1100) {
        error *= 2.302585092994046;
        if (expected > -0.1 &&
            expected < -1e-300) /* then it is the other tail's digits that count */
            error = fmax(error, fabs(found / expected - 1));
        if (error > errors->p) {
            errors->p = error;
            errors->worst = *row;
        }
    } else {
        errors->log10_p = fmax(errors->log10_p, error / fabs(expected));
    }
}

static inline void tail_report(const char *name, int rows, const struct tail_errors *errors)
{
    printf("# %s: %d rows, relative error of p %.1e (", name, rows, errors->p);
    for (int i = 0; i < errors->worst.count; i++)
        printf("%s%.17g", i ? " " : "", errors->worst.values[i]);
    printf("), of log10 p below 1e-1100 %.1e\n", errors->log10_p);
}

#endif
