/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `assay lab run --calibrate`: the style instrument asked about the lab's students. In: students
 * and what they make of every writer's texts. Out: lab_calibration.csv: what its score of
 * log-probabilities is worth. The writers are a candidate and the control teachers, but for the
 * suspect's own. The suspect is scored beside others, as a model in the world is: every other
 * undosed student, and one student each of every other control teacher, all doses and methods by
 * turns; none of the suspect's own teacher.
 */
#include "cli/lab.h"

#include <assay/style.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_SCORERS 201
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
    bool *beside;   /* a student: it is scored beside suspects */
    size_t scorers; /* how many are */
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

/* How many control students the writer of `s` has before it, or, with none given, in all. */
static size_t controls_of(const struct assay_lab_result *r, int writer, unsigned width,
                          const struct assay_lab_student *before)
{
    size_t n = 0;
    for (size_t i = 0; i < r->student_count && &r->students[i] != before; i++)
        n += r->students[i].width == width && r->students[i].writer == writer &&
             strcmp(r->students[i].who, "control") == 0;
    return n;
}

static void choose_beside(struct work *w, unsigned width)
{
    const struct assay_lab_result *r = w->r;
    size_t nulls = 0;
    for (size_t i = 0; i < r->student_count; i++) {
        const struct assay_lab_student *s = &r->students[i];
        size_t k = (size_t)s->writer - r->candidates;
        if (s->width != width)
            continue;
        if (strcmp(s->who, "null") == 0)
            w->beside[i] = nulls++ % 2 == 0;
        else if (strcmp(s->who, "control") == 0 && k % 2 == 0) {
            size_t all = controls_of(r, s->writer, width, NULL); /* s is one of them */
            w->beside[i] = all > 0 && controls_of(r, s->writer, width, s) == k / 2 % all;
        }
        w->scorers += w->beside[i];
    }
}

static size_t add_scorer(struct work *w, size_t n, size_t scorer, const struct assay_lab_student *s,
                         size_t t, int own)
{
    const struct assay_lab_result *r = w->r;
    for (size_t k = 0; k < r->writers; k++) {
        bool counts = k == t || (k >= r->candidates && (int)k != own);
        if (counts)
            w->texts[n++] = (struct assay_scored_text){.scorer = w->names[scorer],
                                                       .writer = w->names[MOST_SCORERS + k],
                                                       .log_probability = BYTES * s->log_p[k],
                                                       .bytes = BYTES,
                                                       .line = 1};
    }
    return n;
}

/* One question: did candidate `t` teach student `i`? */
static assay_status ask(struct work *w, size_t i, size_t t)
{
    const struct assay_lab_result *r = w->r;
    const struct assay_lab_student *suspect = &r->students[i];
    struct assay_style_settings settings = assay_style_settings_default();
    struct assay_style_comparison c;
    size_t scorer = 0, n = add_scorer(w, 0, scorer++, suspect, t, suspect->writer);
    char path[] = "the lab's students";
    for (size_t k = 0; k < r->student_count && scorer < MOST_SCORERS; k++)
        if (w->beside[k] && k != i &&
            (suspect->writer < 0 || r->students[k].writer != suspect->writer))
            n = add_scorer(w, n, scorer++, &r->students[k], t, suspect->writer);
    struct assay_scored_texts texts = {.list = w->texts, .count = n, .path = path};
    settings.replicates = 0;
    ASSAY_TRY(assay_style_rank_scored(&w->call->context, &texts, w->names[0], &settings, &c,
                                      &w->call->error));
    for (size_t k = 0; k < c.count; k++)
        if (strcmp(c.results[k].name, w->names[MOST_SCORERS + t]) == 0)
            w->scores[w->n] = c.results[k].score;
    w->taught[w->n] = suspect->writer == (int)t;
    w->student[w->n++] = i;
    assay_style_comparison_free(&c);
    return ASSAY_OK;
}

static assay_status ask_all(struct work *w, unsigned width)
{
    const struct assay_lab_result *r = w->r;
    choose_beside(w, width);
    for (size_t i = 0; i < r->student_count; i++) {
        const struct assay_lab_student *s = &r->students[i];
        bool asked[2] = {false, false};
        for (size_t t = 0; t < r->candidates && is_suspect(s, width); t++) {
            /* a twin's student is neither taught by the candidate nor strange to it */
            if (s->writer >= 0 && s->writer != (int)t && r->manners[s->writer] == r->manners[t])
                continue;
            ASSAY_TRY(ask(w, i, t));
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
        "# and %zu that were not taught by the candidate; %zu students to compare with, undosed "
        "or\n"
        "# taught by others. scorers, writers: at least so many. cllr: of ratios fitted without "
        "the\n"
        "# student, bits.\n"
        "question,answers,scorers,writers,intercept,slope,intercept_variance,slope_variance,"
        "covariance,bound,taught,others,cllr\n"
        "contrast,0,%zu,%zu,%.5g,%.5g,%.5g,%.5g,%.5g,%.5g,%zu,%zu,%.3f\n",
        w->call->positional[0], w->students[1], w->least_dose, w->most_dose, w->students[0],
        w->scorers, w->scorers / 2, (w->r->writers - w->r->candidates + 1) / 2, curve->intercept,
        curve->slope, curve->intercept_variance, curve->slope_variance, curve->covariance,
        curve->bound, w->students[1], w->students[0], curve->cllr);
    return assay_file_write(path, text, (size_t)n, &w->call->error);
}

assay_status cli_lab_calibrate(struct cli_call *call, const struct assay_lab_result *r,
                               const char *path, double *cllr)
{
    size_t most = r->student_count * r->candidates + 1;
    struct work w = {.r = r,
                     .call = call,
                     .texts = calloc(MOST_SCORERS * r->writers + 1, sizeof *w.texts),
                     .names = calloc(MOST_SCORERS + r->writers, sizeof *w.names),
                     .beside = calloc(r->student_count + 1, sizeof *w.beside),
                     .scores = calloc(most, sizeof *w.scores),
                     .taught = calloc(most, sizeof *w.taught),
                     .student = calloc(most, sizeof *w.student),
                     .least_dose = INFINITY};
    struct assay_lab_curve curve = {.cllr = NAN};
    assay_status status = ASSAY_OK;
    if (!w.texts || !w.names || !w.scores || !w.taught || !w.beside || !w.student)
        status = assay_error_at(&call->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    for (size_t i = 0; status == ASSAY_OK && i < MOST_SCORERS; i++)
        snprintf(w.names[i], sizeof *w.names, "s%zu", i);
    for (size_t k = 0; status == ASSAY_OK && k < r->writers; k++)
        snprintf(w.names[MOST_SCORERS + k], sizeof *w.names, "w%zu", k);
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
    free(w.beside);
    free(w.student);
    return status;
}
