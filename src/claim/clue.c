/* SPDX-License-Identifier: Apache-2.0 */
#include "claim/clue.h"

#include "base/csv.h"

#include <math.h>
#include <string.h>

static const struct {
    const char *name;
    enum assay_unit unit;
} kinds[ASSAY_CLUE_COUNT] = {
    [ASSAY_CLUE_POWER] = {"power", ASSAY_UNIT_WATTS},
    [ASSAY_CLUE_ENERGY] = {"energy", ASSAY_UNIT_JOULES},
    [ASSAY_CLUE_SERVERS] = {"servers", ASSAY_UNIT_NONE},
    [ASSAY_CLUE_TRANSCEIVERS] = {"transceivers", ASSAY_UNIT_NONE},
    [ASSAY_CLUE_NICS] = {"nics", ASSAY_UNIT_NONE},
    [ASSAY_CLUE_HBM] = {"hbm", ASSAY_UNIT_BYTES},
    [ASSAY_CLUE_SHIPPED] = {"shipped", ASSAY_UNIT_NONE},
    [ASSAY_CLUE_INSPECTED] = {"inspected", ASSAY_UNIT_NONE},
    [ASSAY_CLUE_STAFF] = {"staff", ASSAY_UNIT_NONE},
    [ASSAY_CLUE_CAPITAL] = {"capital", ASSAY_UNIT_US_DOLLARS},
    [ASSAY_CLUE_RENT] = {"rent", ASSAY_UNIT_US_DOLLARS},
    [ASSAY_CLUE_SPEED] = {"speed", ASSAY_UNIT_SECONDS},
};

/* A device whose rating the table lacks draws what one of its day draws. */
static const double usual_watts = 600;
static const double staffed_devices = 2048;

const char *assay_clue_kind_name(enum assay_clue_kind kind)
{
    return (unsigned)kind < ASSAY_CLUE_COUNT ? kinds[kind].name : "unknown";
}

enum assay_unit clue_unit(enum assay_clue_kind kind)
{
    return kinds[kind].unit;
}

/* ---- what a cluster leaves behind --------------------------------------------------------- */

static double watts_of(const struct assay_accelerator *a)
{
    return a->tdp_watts > 0 ? a->tdp_watts : usual_watts;
}

static double both_halves(const struct cluster *c, double (*of)(const struct assay_accelerator *))
{
    return c->other ? (of(c->accelerator) + of(c->other)) / 2 : of(c->accelerator);
}

static double memory_of(const struct assay_accelerator *a)
{
    return a->memory_bytes;
}

double clue_predict(const struct assay_clue_fact *fact, enum assay_clue_kind kind,
                    const struct cluster *c, double site)
{
    double usual = log(fact->median) + fact->log_sd * site, devices = log(c->devices);
    switch (kind) {
    case ASSAY_CLUE_POWER:
        return usual + devices + log(both_halves(c, watts_of));
    case ASSAY_CLUE_ENERGY: /* idle days cost nearly as much */
        return usual + c->log_hours - log(c->share_used) + log(3600 * both_halves(c, watts_of));
    case ASSAY_CLUE_HBM:
        return usual + devices + log(both_halves(c, memory_of));
    case ASSAY_CLUE_STAFF:
        return usual + 0.5 * (devices - log(staffed_devices));
    case ASSAY_CLUE_RENT:
        return usual + c->log_hours;
    case ASSAY_CLUE_SPEED:
        return usual + c->log_step_seconds + c->log_step_sd * site;
    default: /* pieces and money a device */
        return usual + devices;
    }
}

/* ---- likelihoods ----------------------------------------------------------------------------- */

static bool has_kind(const struct cluster *c, const struct assay_accelerator *kind)
{
    return strcmp(c->accelerator->name, kind->name) == 0 ||
           (c->other && strcmp(c->other->name, kind->name) == 0);
}

double clue_log_likelihood(const struct assay_clue_fact *facts, const struct assay_clue *clue,
                           const struct cluster *c, double site)
{
    double sd = clue->log_sd, z;
    switch (clue->kind) {
    case ASSAY_CLUE_INSPECTED: /* else one of some ten other kinds */
        return log(has_kind(c, clue->accelerator) ? clue->value : (1 - clue->value) / 10);
    case ASSAY_CLUE_SHIPPED: /* no more can have run than came in; of other kinds it says nothing */
        if (!has_kind(c, clue->accelerator))
            return 0;
        z = (log(clue->value) - log(c->devices / (c->other ? 2 : 1))) / sd;
        return log(fmax(1e-12, 0.5 * erfc(-z / sqrt(2))));
    default:
        z = (log(clue->value) - clue_predict(&facts[clue->kind], clue->kind, c, site)) / sd;
        return -0.5 * z * z;
    }
}

/* ---- data/clues.csv ----------------------------------------------------------------------------
 */

enum { KIND, MEDIAN, LOG_SD, OBSERVED, ENVIRONMENT, BASIS, SOURCE, GRADE, OBTAINED, COST, COLUMNS };

static assay_status read_row(const struct csv *csv, const struct csv_row *row, const int *at,
                             struct assay_clue_fact *facts, struct assay_error *error)
{
    size_t kind = 0;
    double environment;
    while (kind < ASSAY_CLUE_COUNT && strcmp(kinds[kind].name, row->cells[at[KIND]]) != 0)
        kind++;
    if (kind == ASSAY_CLUE_COUNT)
        return assay_error_at(error, ASSAY_ERROR_INPUT, csv->path, row->line,
                              "unknown kind of clue \"%.40s\"", row->cells[at[KIND]]);
    struct assay_clue_fact *f = &facts[kind];
    if (f->basis)
        return assay_error_at(error, ASSAY_ERROR_INPUT, csv->path, row->line,
                              "%s stands here twice", kinds[kind].name);
    ASSAY_TRY(csv_number_within(csv, row, at[MEDIAN], 1e-6, 1e9, &f->median, error));
    ASSAY_TRY(csv_number_within(csv, row, at[LOG_SD], 0, 3, &f->log_sd, error));
    ASSAY_TRY(csv_number_within(csv, row, at[OBSERVED], 0.001, 3, &f->observed_log_sd, error));
    ASSAY_TRY(csv_number_within(csv, row, at[ENVIRONMENT], 0, 1, &environment, error));
    ASSAY_TRY(csv_number_within(csv, row, at[COST], 1, 1e12, &f->cost_usd, error));
    f->environment = environment > 0;
    f->obtained = row->cells[at[OBTAINED]];
    f->basis = row->cells[at[BASIS]];
    f->source = row->cells[at[SOURCE]];
    f->grade = row->cells[at[GRADE]];
    return ASSAY_OK;
}

assay_status clue_facts_read(const char *path, struct assay_arena *arena,
                             const struct assay_clue_fact **facts, struct assay_error *error)
{
    static const char *const names[COLUMNS] = {
        "kind",  "median", "log_sd", "observed_log_sd", "environment",
        "basis", "source", "grade",  "obtained",        "cost_usd"};
    struct csv csv;
    int at[COLUMNS];
    struct assay_clue_fact *list = assay_arena_alloc(arena, ASSAY_CLUE_COUNT, sizeof *list);
    if (!list)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    ASSAY_TRY(csv_read(path, arena, &csv, error));
    for (size_t c = 0; c < COLUMNS; c++)
        if ((at[c] = csv_column(&csv, names[c])) < 0)
            return assay_error_at(error, ASSAY_ERROR_INPUT, path, 0, "no column is named \"%s\"",
                                  names[c]);
    for (size_t i = 0; i < csv.count; i++)
        ASSAY_TRY(read_row(&csv, &csv.rows[i], at, list, error));
    for (size_t kind = 0; kind < ASSAY_CLUE_COUNT; kind++)
        if (!list[kind].basis)
            return assay_error_at(error, ASSAY_ERROR_INPUT, path, 0, "no row for %s",
                                  kinds[kind].name);
    *facts = list;
    return ASSAY_OK;
}
