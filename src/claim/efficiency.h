/* SPDX-License-Identifier: Apache-2.0 */
/*
 * efficiency: data/efficiency.csv, the parameters of the forward model and how well they are
 * known. In: rows (parameter, scope, value, log_sd, prior_value, prior_log_sd, basis). A row with
 * an empty scope is the parameter's value; a row with a scope is a factor on it, for runs that
 * the scope names ("generation:hopper", "software:megatron-2021", "precision:fp8", several
 * joined by '+'). log_sd is the standard deviation of the natural logarithm of what the row
 * gives. value and log_sd are the posterior of the last calibration, prior_* what went in;
 * data/efficiency_factor.csv beside it is the Cholesky factor of the posterior covariance, a
 * line a row, so that draws respect what the data tie together.
 * What can go wrong: an unknown parameter, a parameter without a base row, a number that is
 * not positive, a factor of another shape: ASSAY_ERROR_INPUT with file and line.
 */
#ifndef CLAIM_EFFICIENCY_H
#define CLAIM_EFFICIENCY_H

#include <assay/claim.h>

#define EFFICIENCY_MOST_ROWS 512

struct efficiency_row {
    const char *parameter, *scope;
    size_t field;     /* index among efficiency_fields */
    double log_value; /* natural logarithm of the value or factor */
    double log_sd;
    double prior_log_value, prior_log_sd;
    const char *basis; /* what the prior rests on */
    long line;
};

struct assay_efficiency_table {
    struct efficiency_row *rows;
    size_t count;
    const double *factor; /* count x count, lower triangle; NULL: rows are independent */
};

/* The parameters by name, and where each lives in struct assay_efficiency. */
struct efficiency_field {
    const char *name;
    size_t offset;
    double least, most; /* a resolved value is kept inside */
};
extern const struct efficiency_field efficiency_fields[];
extern const size_t efficiency_field_count;

/* Whether a row's scope names this run. An empty scope names every run. */
bool efficiency_applies(const char *scope, const struct assay_run *run);

/*
 * Resolves with the rows' logarithms moved by `shift` (one number a row, or NULL for none).
 */
void efficiency_resolve_shifted(const struct assay_efficiency_table *table,
                                const struct assay_run *run, const double *shift,
                                struct assay_efficiency *efficiency);

/* The same rows with their priors in the place of the posterior, and no factor. */
struct assay_efficiency_table *efficiency_priors(const struct assay_efficiency_table *table,
                                                 struct assay_arena *arena);

/* Writes `folder`/efficiency.csv and `folder`/efficiency_factor.csv. */
assay_status efficiency_write(const char *folder, const struct assay_efficiency_table *table,
                              struct assay_error *error);

/* Reads both files; the factor's may be absent. */
assay_status efficiency_read(const char *path, const char *factor_path, struct assay_arena *arena,
                             struct assay_efficiency_table **table, struct assay_error *error);

#endif
