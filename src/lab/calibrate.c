/* SPDX-License-Identifier: Apache-2.0 */
/* What another instrument's scores of the lab's students are worth. */
#include "lab/judge.h"

#include <assay/lab.h>

#include <math.h>
#include <stdlib.h>

struct work {
    const double *scores;
    const bool *taught;
    const size_t *student;
    size_t n, most;
    double *some; /* scores that are fitted on, and which they are */
    bool *of;
    double *ratios;
    size_t *seen; /* [2 x student]: asked falsely, truly */
};

/* The curve of all students but one (`most`: of all); false if a kind is missing. */
static bool fit_without(struct work *w, size_t without, struct lab_curve *curve)
{
    size_t students[2] = {0, 0}, k = 0;
    for (size_t i = 0; i < 2 * w->most; i++)
        w->seen[i] = 0;
    for (size_t i = 0; i < w->n; i++) {
        if (w->student[i] == without)
            continue;
        size_t at = 2 * w->student[i] + w->taught[i];
        students[w->taught[i]] += w->seen[at]++ == 0;
        w->some[k] = w->scores[i];
        w->of[k++] = w->taught[i];
    }
    if (students[0] < 2 || students[1] < 2)
        return false;
    lab_curve_fit(w->some, w->of, k, students, curve);
    return true;
}

static bool run(struct work *w, double bound, struct assay_lab_curve *to)
{
    struct lab_curve c;
    for (size_t s = 0; s < w->most; s++) {
        if (!fit_without(w, s, &c))
            return false;
        for (size_t i = 0; i < w->n; i++)
            if (w->student[i] == s)
                w->ratios[i] = fmin(fmax(c.intercept + c.slope * w->scores[i], -bound), bound);
    }
    if (!fit_without(w, w->most, &c))
        return false;
    *to = (struct assay_lab_curve){.intercept = c.intercept,
                                   .slope = c.slope,
                                   .intercept_variance = c.intercept_variance,
                                   .slope_variance = c.slope_variance,
                                   .covariance = c.covariance,
                                   .bound = bound,
                                   .cllr = lab_cllr(w->ratios, w->taught, w->n)};
    return true;
}

assay_status assay_lab_calibrate(const double *scores, const bool *taught, const size_t *student,
                                 size_t n, size_t most, size_t null_students,
                                 struct assay_lab_curve *curve, struct assay_error *error)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(scores[i]) || student[i] >= most)
            return assay_error_at(error, ASSAY_ERROR_INPUT, NULL, 0, "a student has no score");
    struct work w = {scores,
                     taught,
                     student,
                     n,
                     most,
                     malloc((n + 1) * sizeof *w.some),
                     malloc((n + 1) * sizeof *w.of),
                     malloc((n + 1) * sizeof *w.ratios),
                     malloc((2 * most + 1) * sizeof *w.seen)};
    assay_status status = w.some && w.of && w.ratios && w.seen
                              ? ASSAY_OK
                              : assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    if (status == ASSAY_OK && !run(&w, log10((double)null_students + 1), curve))
        status = assay_error_at(error, ASSAY_ERROR_UNANSWERABLE, NULL, 0,
                                "too few students to calibrate on: expected three of which the "
                                "question is true and three of which it is not");
    free(w.some);
    free(w.of);
    free(w.ratios);
    free(w.seen);
    return status;
}
