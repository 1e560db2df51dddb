/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `assay lab run --calibrate`: the style instrument asked about the lab's students. In: students
 * and what they make of every writer's texts. Out: lab_calibration.csv: what its score of
 * log-probabilities is worth. The suspect is scored beside the undosed students, once a candidate:
 * the writers are the candidate and the control teachers, but for the suspect's own.
 */
#include "cli/lab.h"

#include <assay/style.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BYTES                                                                                      \
    1000 /* of a writer's texts, as the instrument is told; scores do not depend on it             \
          */

struct work {
    const struct assay_lab_result *r;
    struct cli_call *call;
    struct assay_scored_text *texts; /* suspect and null students, by writer */
    char (*names)[24];               /* of scorers and writers */
    double *scores;
    bool *taught;
    size_t *student;
    size_t n, students[2]; /* questions; students of whom one is false, true */
    double least_dose, most_dose;
};

/* Whether a student is a suspect that a calibration may ask about: not of the nulls. */
static bool is_suspect(const struct assay_lab_student *s, unsigned width)
{
    return s->width == width && (!s->evasion || strcmp(s->evasion, "none") == 0) &&
           (strcmp(s->who, "fresh") == 0 || strcmp(s->who, "control") == 0 ||
            strcmp(s->who, "student") == 0);
}

static bool is_null(const struct assay_lab_student *s, unsigned width)
{
    return s->width == width && strcmp(s->who, "null") == 0;
}

static size_t add_scorer(struct work *w, size_t n, size_t scorer, const struct assay_lab_student *s,
                         size_t t, int own)
{
    const struct assay_lab_result *r = w->r;
    for (size_t k = 0; k < r->writers; k++) {
        bool counts = k == t || (k >= r->candidates && (int)k != own);
        if (counts)
            w->texts[n++] = (struct assay_scored_text){.scorer = w->names[scorer],
                                                       .writer = w->names[200 + k],
                                                       .log_probability = BYTES * s->log_p[k],
                                                       .bytes = BYTES,
                                                       .line = 1};
    }
    return n;
}

/* One question: did candidate `t` teach student `i`? */
static assay_status ask(struct work *w, size_t i, size_t t, unsigned width)
{
    const struct assay_lab_result *r = w->r;
    const struct assay_lab_student *suspect = &r->students[i];
    struct assay_style_settings settings = assay_style_settings_default();
    struct assay_style_comparison c;
    size_t scorer = 0, n = add_scorer(w, 0, scorer++, suspect, t, suspect->writer);
    char path[] = "the lab's students";
    for (size_t k = 0; k < r->student_count && scorer < 200; k++)
        if (is_null(&r->students[k], width))
            n = add_scorer(w, n, scorer++, &r->students[k], t, suspect->writer);
    struct assay_scored_texts texts = {.list = w->texts, .count = n, .path = path};
    settings.replicates = 0;
    ASSAY_TRY(assay_style_rank_scored(&w->call->context, &texts, w->names[0], &settings, &c,
                                      &w->call->error));
    for (size_t k = 0; k < c.count; k++)
        if (strcmp(c.results[k].name, w->names[200 + t]) == 0)
            w->scores[w->n] = c.results[k].score;
    w->taught[w->n] = suspect->writer == (int)t;
    w->student[w->n++] = i;
    assay_style_comparison_free(&c);
    return ASSAY_OK;
}

static assay_status ask_all(struct work *w, unsigned width)
{
    const struct assay_lab_result *r = w->r;
    for (size_t i = 0; i < r->student_count; i++) {
        const struct assay_lab_student *s = &r->students[i];
        bool asked[2] = {false, false};
        for (size_t t = 0; t < r->candidates && is_suspect(s, width); t++) {
            /* a twin's student is neither taught by the candidate nor strange to it */
            if (s->writer >= 0 && s->writer != (int)t && r->manners[s->writer] == r->manners[t])
                continue;
            ASSAY_TRY(ask(w, i, t, width));
            asked[s->writer == (int)t] = true;
        }
        w->students[0] += asked[0];
        w->students[1] += asked[1];
        if (asked[1]) {
            w->least_dose = fmin(w->least_dose, s->dose);
            w->most_dose = fmax(w->most_dose, s->dose);
        }
    }
    return ASSAY_OK;
}

static assay_status write_file(struct work *w, const char *path,
                               const struct assay_lab_curve *curve)
{
    char text[2048];
    int n = snprintf(
        text, sizeof text,
        "# What the style instrument's score of log-probabilities is worth in the lab's world:\n"
        "# log10 LR = intercept + slope x score, within +-bound. Written by `assay lab run %s\n"
        "# --calibrate`: %zu small students taught at doses of %g to %g, each dose weighing "
        "alike,\n"
        "# and %zu that were not taught by the candidate; %zu undosed students to compare with.\n"
        "# scorers: other scorers, at least. cllr: of ratios fitted without the student, bits.\n"
        "question,answers,scorers,intercept,slope,intercept_variance,slope_variance,covariance,"
        "bound,taught,others,cllr\n"
        "contrast,0,%zu,%.5g,%.5g,%.5g,%.5g,%.5g,%.5g,%zu,%zu,%.3f\n",
        w->call->positional[0], w->students[1], w->least_dose, w->most_dose, w->students[0],
        w->r->null_students, w->r->null_students / 2, curve->intercept, curve->slope,
        curve->intercept_variance, curve->slope_variance, curve->covariance, curve->bound,
        w->students[1], w->students[0], curve->cllr);
    return assay_file_write(path, text, (size_t)n, &w->call->error);
}

assay_status cli_lab_calibrate(struct cli_call *call, const struct assay_lab_result *r,
                               const char *path, double *cllr)
{
    size_t most = r->student_count * r->candidates + 1;
    struct work w = {.r = r,
                     .call = call,
                     .texts = calloc(201 * r->writers + 1, sizeof *w.texts),
                     .names = calloc(201 + r->writers, sizeof *w.names),
                     .scores = calloc(most, sizeof *w.scores),
                     .taught = calloc(most, sizeof *w.taught),
                     .student = calloc(most, sizeof *w.student),
                     .least_dose = INFINITY};
    struct assay_lab_curve curve = {.cllr = NAN};
    assay_status status = ASSAY_OK;
    if (!w.texts || !w.names || !w.scores || !w.taught || !w.student)
        status = assay_error_at(&call->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    for (size_t i = 0; status == ASSAY_OK && i < 200; i++)
        snprintf(w.names[i], sizeof *w.names, "s%zu", i);
    for (size_t k = 0; status == ASSAY_OK && k < r->writers; k++)
        snprintf(w.names[200 + k], sizeof *w.names, "w%zu", k);
    if (status == ASSAY_OK)
        status = ask_all(&w, r->students[0].width);
    if (status == ASSAY_OK)
        status = assay_lab_calibrate(w.scores, w.taught, w.student, w.n, r->student_count,
                                     r->null_students, &curve, &call->error);
    if (status == ASSAY_OK)
        status = write_file(&w, path, &curve);
    *cllr = curve.cllr;
    free(w.texts);
    free(w.names);
    free(w.scores);
    free(w.taught);
    free(w.student);
    return status;
}
