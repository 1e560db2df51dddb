/* SPDX-License-Identifier: Apache-2.0 */
#include "style/calibration.h"

#include "base/csv.h"

#include <math.h>
#include <string.h>

#define LN10 2.302585092994046
#define Z80 1.2815515655446004 /* the normal quantile of an 80% interval */

static const char *const questions[] = {"identify", "parent", "rank"};

static assay_status read_row(const struct csv *csv, const struct csv_row *row,
                             struct style_calibration *c, struct assay_error *error)
{
    const struct {
        const char *name;
        double least, *to;
    } columns[] = {
        {"intercept", -1000, &c->intercept},
        {"slope", 0, &c->slope},
        {"intercept_variance", 0, &c->intercept_variance},
        {"slope_variance", 0, &c->slope_variance},
        {"covariance", -1000, &c->covariance},
        {"bound", 0, &c->bound},
    };
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++)
        ASSAY_TRY(csv_number_within(csv, row, csv_column(csv, columns[i].name), columns[i].least,
                                    1000, columns[i].to, error));
    c->known = true;
    return ASSAY_OK;
}

/* Of the rows of a question the one with the largest `key` that is no more than `amount`; nor may
 * `other`, another column, be more than `other_amount`. */
static assay_status read_row_for(const char *path, const char *question, const char *key,
                                 size_t amount, const char *other, size_t other_amount,
                                 struct style_calibration *c, struct assay_error *error)
{
    double most = -1, least = 0, least_other = 0;
    const char *const needed[] = {"question",       key,          other,
                                  "intercept",      "slope",      "intercept_variance",
                                  "slope_variance", "covariance", "bound"};
    struct csv csv;
    *c = (struct style_calibration){.known = false};
    if (!path)
        return ASSAY_OK;
    struct assay_arena *arena = assay_arena_new();
    assay_status status = arena
                              ? csv_read(path, arena, &csv, error)
                              : assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    for (size_t i = 0; i < sizeof needed / sizeof needed[0] && status == ASSAY_OK; i++)
        if (csv_column(&csv, needed[i]) < 0)
            status = assay_error_at(error, ASSAY_ERROR_INPUT, path, 1, "expected a column %s",
                                    needed[i]);
    for (size_t i = 0; status == ASSAY_OK && i < csv.count; i++) {
        if (strcmp(csv.rows[i].cells[csv_column(&csv, "question")], question) != 0)
            continue;
        status =
            csv_number_within(&csv, &csv.rows[i], csv_column(&csv, key), 0, 1e9, &least, error);
        if (status == ASSAY_OK)
            status = csv_number_within(&csv, &csv.rows[i], csv_column(&csv, other), 0, 1e9,
                                       &least_other, error);
        if (status != ASSAY_OK || least > (double)amount || least <= most ||
            least_other > (double)other_amount)
            continue;
        most = least;
        status = read_row(&csv, &csv.rows[i], c, error);
    }
    assay_arena_free(arena);
    return status;
}

assay_status style_calibration_read(const char *path, enum assay_style_question question,
                                    size_t answers, struct style_calibration *c,
                                    struct assay_error *error)
{
    return read_row_for(path, questions[question], "answers", answers, "answers", answers, c,
                        error);
}

assay_status style_calibration_read_contrast(const char *path, size_t scorers, size_t writers,
                                             struct style_calibration *c, struct assay_error *error)
{
    return read_row_for(path, "contrast", "scorers", scorers, "writers", writers, c, error);
}

static double within(double value, double bound)
{
    return fmin(fmax(value, -bound), bound);
}

struct assay_interval style_calibration_at(const struct style_calibration *c, double score)
{
    if (!c->known || isnan(score))
        return (struct assay_interval){NAN, NAN, NAN, 0.8};
    double value = c->intercept + c->slope * score;
    double variance =
        c->intercept_variance + 2 * score * c->covariance + score * score * c->slope_variance;
    double reach = Z80 * sqrt(fmax(variance, 0));
    return (struct assay_interval){within(value, c->bound), within(value - reach, c->bound),
                                   within(value + reach, c->bound), 0.8};
}

bool style_calibration_fit(const double *scores, const double *weights, const bool *taught,
                           size_t n, struct style_calibration *c)
{
    double a = 0, b = 0, total[2] = {0, 0};
    double haa = 0, hab = 0, hbb = 0;
    for (size_t i = 0; i < n; i++)
        total[taught[i]] += weights[i];
    if (total[0] <= 0 || total[1] <= 0)
        return false;
    double effective = fmin(total[0], total[1]); /* of observations, to a side */
    for (int step = 0; step < 100; step++) {
        double ga = 0, gb = -b / effective; /* the ridge keeps separable data finite */
        haa = hab = 0;
        hbb = 1 / effective;
        for (size_t i = 0; i < n; i++) {
            double w = weights[i] / total[taught[i]] * effective;
            double p = 1 / (1 + exp(-(a + b * scores[i])));
            ga += w * ((taught[i] ? 1.0 : 0.0) - p);
            gb += w * ((taught[i] ? 1.0 : 0.0) - p) * scores[i];
            haa += w * p * (1 - p);
            hab += w * p * (1 - p) * scores[i];
            hbb += w * p * (1 - p) * scores[i] * scores[i];
        }
        double determinant = haa * hbb - hab * hab;
        if (!(determinant > 0))
            return false;
        double da = (ga * hbb - gb * hab) / determinant, db = (gb * haa - ga * hab) / determinant;
        double shrink = fmin(1, 2 / fmax(1e-9, fabs(da) + fabs(db)));
        a += shrink * da;
        b += shrink * db;
        if (fabs(da) + fabs(db) > 1e-10)
            continue;
        *c = (struct style_calibration){.known = true,
                                        .intercept = a / LN10,
                                        .slope = b / LN10,
                                        .intercept_variance = hbb / determinant / (LN10 * LN10),
                                        .slope_variance = haa / determinant / (LN10 * LN10),
                                        .covariance = -hab / determinant / (LN10 * LN10)};
        return true;
    }
    return false;
}
