/* SPDX-License-Identifier: Apache-2.0 */
/* Simulated cases, in every world, by every method: what goes in, the loop, and what is judged. */
#include "case/judgement.h"
#include "case/match.h"
#include "case/trial.h"

#include "base/csv.h"
#include "case/grades.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LEAST_CLAIMS 200 /* simulated, to draw those of the cases from */
#define LN10 2.302585092994045684

struct running {
    const struct trial_materials *materials;
    struct judged *lists[ASSAY_CALIBRATION_METHODS]; /* cases x TRIAL_HYPOTHESES each */
    size_t *counts;                                  /* by case: its hypotheses */
    size_t forms;                                    /* that take turns */
    struct assay_error *errors;                      /* by case; status OK: none */
};

/* ---- materials ---------------------------------------------------------------------------------
 */

/* Cllr of log-likelihood ratios that are normal: variance s^2, means s^2/2 and -s^2/2. */
static double normal_cllr(double s)
{
    double sum = 0, weight = 0;
    for (int i = -400; i <= 400; i++) {
        double z = i / 50.0, density = exp(-z * z / 2), x = s * s / 2 + s * z;
        sum += density * log1p(exp(-x)) / log(2);
        weight += density;
    }
    return sum / weight;
}

/* The s that gives the Cllr of the table. */
static double spread_of(double cllr)
{
    double low = 0.01, high = 20;
    for (int i = 0; i < 60; i++) {
        double middle = (low + high) / 2;
        if (normal_cllr(middle) > cllr)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}

static assay_status read_style(const char *data_folder, struct assay_arena *arena,
                               struct trial_materials *m, struct assay_error *error)
{
    static const char *const columns[] = {
        "intercept", "slope", "intercept_variance", "slope_variance", "covariance",
        "bound",     "cllr"};
    double cllr,
        *to[] = {
            &m->intercept, &m->slope, &m->intercept_variance, &m->slope_variance, &m->covariance,
            &m->bound,     &cllr};
    struct csv csv;
    char *path = assay_arena_print(arena, "%s/style_calibration.csv", data_folder);
    if (!path)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    ASSAY_TRY(csv_read(path, arena, &csv, error));
    int question = csv_column(&csv, "question");
    for (size_t i = 0; i < csv.count && question >= 0; i++) {
        if (strcmp(csv.rows[i].cells[question], "rank") != 0)
            continue;
        for (size_t c = 0; c < sizeof columns / sizeof columns[0]; c++) {
            int column = csv_column(&csv, columns[c]);
            if (column < 0)
                return assay_error_at(error, ASSAY_ERROR_INPUT, path, 1, "expected a column \"%s\"",
                                      columns[c]);
            ASSAY_TRY(csv_number_within(&csv, &csv.rows[i], column, -1e6, 1e6, to[c], error));
        }
        m->spread = spread_of(cllr);
        return ASSAY_OK;
    }
    return assay_error_at(error, ASSAY_ERROR_INPUT, path, 0,
                          "expected a row for question \"rank\"");
}

/* Claims by what ran: the stated machine, another count of it, another kind. */
static assay_status sort_claims(struct trial_materials *m, struct assay_arena *arena,
                                struct assay_error *error)
{
    const char *stated[] = {m->stated}, *kind[] = {m->stated_kind};
    struct assay_case_hypothesis groups[TRIAL_GROUPS] = {
        {.id = "", .matches = stated, .match_count = 1},
        {.id = "", .matches = kind, .match_count = 1},
        {.id = "", .none = true}};
    for (size_t g = 0; g < TRIAL_GROUPS; g++)
        if (!(m->by_group[g] = assay_arena_alloc(arena, m->claims->claims, sizeof **m->by_group)))
            return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    for (size_t i = 0; i < m->claims->claims; i++) {
        size_t g = match_hypothesis(groups, TRIAL_GROUPS, m->claims->names[m->claims->truths[i]]);
        m->by_group[g][m->group_counts[g]++] = i;
    }
    for (size_t g = 0; g < TRIAL_GROUPS; g++)
        if (m->group_counts[g] == 0)
            return assay_error_at(error, ASSAY_ERROR_UNANSWERABLE, NULL, 0,
                                  "no simulated claim of the %s: expected more cases, or priors "
                                  "that allow it",
                                  g == 0   ? "stated machine"
                                  : g == 1 ? "stated kind in another number"
                                           : "other kinds");
    return ASSAY_OK;
}

static assay_status sort_pairs(struct trial_materials *m, struct assay_arena *arena,
                               struct assay_error *error)
{
    for (size_t g = 0; g < TRIAL_GROUPS; g++)
        if (!(m->by_truth[g] = assay_arena_alloc(arena, m->stages->count, sizeof **m->by_truth)))
            return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    for (size_t i = 0; i < m->stages->count; i++)
        m->by_truth[m->stages->pairs[i].truth][m->truth_counts[m->stages->pairs[i].truth]++] = i;
    for (size_t g = 0; g < TRIAL_GROUPS; g++)
        if (m->truth_counts[g] == 0)
            return assay_error_at(error, ASSAY_ERROR_INPUT, NULL, 0,
                                  "stage_pairs.csv: expected pairs that share training, an "
                                  "initialisation, and nothing");
    return ASSAY_OK;
}

static assay_status name_stated(const char *path, const struct assay_claim_data *data,
                                struct assay_arena *arena, struct trial_materials *m,
                                struct assay_error *error)
{
    struct assay_run run;
    ASSAY_TRY(assay_run_read(path, data, &run, error));
    m->stated = assay_arena_print(arena, "%lld x %s", (long long)run.machine.devices,
                                  run.machine.accelerator.name);
    m->stated_kind = assay_arena_print(arena, "* x %s", run.machine.accelerator.name);
    assay_run_free(&run);
    return m->stated && m->stated_kind
               ? ASSAY_OK
               : assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

/* ---- the loop ----------------------------------------------------------------------------------
 */

/* One hypothesis of a trial against the others, from log10 likelihoods. */
static struct judged judged_of(const double *z, const struct trial *trial, size_t h, size_t unit)
{
    size_t n = trial->n;
    double top = -INFINITY, others = 0;
    for (size_t g = 0; g < n; g++)
        top = g == h ? top : fmax(top, z[g]);
    for (size_t g = 0; g < n; g++)
        others += g == h ? 0 : pow(10, z[g] - top);
    double ratio = z[h] - top - log10(others / (double)(n - 1));
    return (struct judged){ratio, 1 / (1 + (double)(n - 1) * pow(10, -ratio)), unit,
                           h == trial->truth};
}

static void run_one(void *user, size_t i)
{
    struct running *r = user;
    struct assay_arena *arena = assay_arena_new();
    struct trial trial = {.n = 0};
    assay_status status =
        arena ? trial_run(r->materials, i, arena, &trial, &r->errors[i])
              : assay_error_at(&r->errors[i], ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    for (size_t h = 0; status == ASSAY_OK && h < trial.n; h++) {
        const struct assay_combined_hypothesis *c = &trial.combination->hypotheses[h];
        double ratio = c->log10_ratio_others.median;
        size_t at = i * TRIAL_HYPOTHESES + h;
        r->lists[0][at] = (struct judged){ratio, 1 / (1 + (double)(trial.n - 1) * pow(10, -ratio)),
                                          i / r->forms, h == trial.truth};
        r->lists[1][at] = judged_of(trial.product, &trial, h, i / r->forms);
        r->lists[2][at] = judged_of(trial.exact, &trial, h, i / r->forms);
    }
    r->counts[i] = trial.n;
    assay_arena_free(arena);
}

/*
 * Judges every case, or each `step`th from `first` on. Cases have three or four hypotheses: `room`
 * takes them without gaps.
 */
static assay_status judge_cases(const struct running *r, const struct judged *list, size_t cases,
                                size_t first, size_t step, struct judged *room,
                                struct assay_case_calibration_row *row, struct assay_error *error)
{
    size_t kept = 0;
    for (size_t i = first; i < cases; i += step, row->cases++)
        for (size_t h = 0; h < r->counts[i]; h++)
            room[kept++] = list[i * TRIAL_HYPOTHESES + h];
    return judge(room, kept, row, error);
}

static assay_status run_world(struct trial_materials *m, size_t cases, struct assay_arena *arena,
                              const struct assay_context *context,
                              struct assay_case_calibration_row *rows,
                              struct assay_case_calibration_row *kinds, struct assay_error *error)
{
    static const char *const worlds[] = {"as graded", "one letter worse"};
    static const char *const methods[] = {"network", "product", "all known"};
    struct running r = {.materials = m, .forms = kinds ? ASSAY_FORM_COUNT : 1};
    struct judged *room = assay_arena_alloc(arena, cases * TRIAL_HYPOTHESES, sizeof *room);
    r.counts = assay_arena_alloc(arena, cases, sizeof *r.counts);
    r.errors = assay_arena_alloc(arena, cases, sizeof *r.errors);
    for (size_t k = 0; k < ASSAY_CALIBRATION_METHODS; k++)
        r.lists[k] = assay_arena_alloc(arena, cases * TRIAL_HYPOTHESES, sizeof **r.lists);
    if (!room || !r.counts || !r.errors || !r.lists[0] || !r.lists[1] || !r.lists[2])
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    ASSAY_TRY(assay_parallel_for(context, "simulated cases", cases, run_one, &r, error));
    for (size_t i = 0; i < cases; i++)
        if (r.errors[i].status != ASSAY_OK)
            return assay_error_at(error, r.errors[i].status, NULL, 0, "simulated case %zu: %s", i,
                                  r.errors[i].message);
    for (size_t k = 0; k < ASSAY_CALIBRATION_METHODS; k++) {
        rows[k].world = worlds[m->world];
        rows[k].method = methods[k];
        rows[k].kind = assay_case_form_name(m->form);
        ASSAY_TRY(judge_cases(&r, r.lists[k], cases, 0, 1, room, &rows[k], error));
    }
    for (size_t f = 0; kinds && f < ASSAY_FORM_COUNT; f++) {
        kinds[f].world = worlds[m->world];
        kinds[f].method = methods[0];
        kinds[f].kind = assay_case_form_name((enum assay_case_form)f);
        ASSAY_TRY(judge_cases(&r, r.lists[0], cases, f, ASSAY_FORM_COUNT, room, &kinds[f], error));
    }
    return ASSAY_OK;
}

static assay_status calibrate(const char *claim_path, const struct assay_claim_data *data,
                              const char *data_folder, enum assay_case_form form,
                              const struct assay_context *context, struct assay_arena *arena,
                              struct assay_case_calibration *out, struct assay_error *error)
{
    static const struct assay_case no_case;
    struct assay_case_reliability none;
    struct assay_simulated_claims claims;
    struct assay_simulated_stages stages;
    struct trial_materials m = {.seed = context->seed, .form = form};
    struct assay_case plain = no_case;
    char sha256[65];
    size_t claims_needed = out->cases > LEAST_CLAIMS ? out->cases : LEAST_CLAIMS;
    for (size_t i = 0; i < 6; i++)
        none.letters[i] = none.digits[i] = NAN;
    none.because = NULL;
    plain.reliability = none;
    ASSAY_TRY(grades_read(data_folder, &plain, &m.reliability, sha256, error));
    ASSAY_TRY(read_style(data_folder, arena, &m, error));
    char *pairs = assay_arena_print(arena, "%s/stage_pairs.csv", data_folder);
    if (!pairs)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    ASSAY_TRY(name_stated(claim_path, data, arena, &m, error));
    ASSAY_TRY(
        assay_claim_simulate_claims(claim_path, data, context, claims_needed, &claims, error));
    m.claims = &claims;
    m.stages = &stages;
    assay_status status = assay_lineage_simulate_stages(pairs, &stages, error);
    if (status != ASSAY_OK) {
        assay_simulated_claims_free(&claims);
        return status;
    }
    status = sort_claims(&m, arena, error);
    if (status == ASSAY_OK)
        status = sort_pairs(&m, arena, error);
    for (int w = 0; w < ASSAY_WORLD_COUNT && status == ASSAY_OK; w++) {
        m.world = (enum assay_case_world)w;
        status =
            run_world(&m, out->cases, arena, context, &out->rows[w * ASSAY_CALIBRATION_METHODS],
                      out->kind_count ? &out->kinds[w * ASSAY_FORM_COUNT] : NULL, error);
    }
    assay_simulated_stages_free(&stages);
    assay_simulated_claims_free(&claims);
    return status;
}

const char *assay_case_form_name(enum assay_case_form form)
{
    static const char *const names[] = {"hardware", "teacher", "descent", "statements"};
    return form < ASSAY_FORM_COUNT ? names[form] : NULL;
}

assay_status assay_case_calibrate(const char *claim_path, const char *data_folder, size_t cases,
                                  enum assay_case_form form, const struct assay_context *context,
                                  struct assay_case_calibration *calibration,
                                  struct assay_error *error)
{
    struct assay_claim_data data;
    memset(calibration, 0, sizeof *calibration);
    calibration->cases = cases < 10 ? 10 : cases;
    calibration->seed = context->seed;
    calibration->form = form;
    calibration->kind_count = form == ASSAY_FORM_COUNT ? ASSAY_FORM_COUNT * ASSAY_WORLD_COUNT : 0;
    struct assay_arena *arena = assay_arena_new();
    if (!arena)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    assay_status status = assay_claim_data_read(data_folder, &data, error);
    if (status == ASSAY_OK) {
        status =
            calibrate(claim_path, &data, data_folder, form, context, arena, calibration, error);
        assay_claim_data_free(&data);
    }
    assay_arena_free(arena);
    return status;
}
