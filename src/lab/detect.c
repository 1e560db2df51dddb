/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/detect.h"

#include <math.h>
#include <stdlib.h>

#define RUN 2     /* words */
#define SHARE 0.2 /* of a student's runs; what is found depends little on it from 0.05 to 0.5 */

static assay_status no_memory(struct assay_error *error)
{
    return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

size_t lab_level_answers(const struct lab_design *d, int level)
{
    size_t n = (size_t)d->answers >> (LAB_LEVELS - 1 - level);
    return n > 0 ? n : 1;
}

/* Whether writer `w` stands for other manners when the student is asked about writer `t`. */
static bool is_other(const struct lab_study *s, const struct lab_cell *c, unsigned t, unsigned w)
{
    uint64_t manner = s->writers[w].manner;
    bool own = c->writer >= 0 && manner == s->writers[c->writer].manner;
    return manner != s->writers[t].manner && !own;
}

/* ---- black box ----------------------------------------------------------------------- */

/* Where the runs of a text begin, and its end after them; returns how many runs there are. */
static size_t cut_runs(struct lab_text text, size_t *starts)
{
    size_t n = 0, words = 0;
    for (size_t at = 0; at < text.size; at++) {
        char before = at > 0 ? text.bytes[at - 1] : ' ';
        if ((before == ' ' || before == '\n') && words++ % RUN == 0)
            starts[n++] = at;
    }
    starts[n] = text.size;
    return n;
}

struct black_work {
    struct lab_places places; /* of all answers */
    double *undosed, *writer; /* ln p of a kind of place */
    size_t *starts;           /* of one answer's runs */
};

static void black_end(struct black_work *w)
{
    lab_places_free(&w->places);
    free(w->undosed);
    free(w->writer);
    free(w->starts);
}

static assay_status black_start(const struct lab_study *s, const struct lab_examined *e,
                                const struct lab_undosed *u, struct black_work *w,
                                struct assay_error *error)
{
    size_t length = s->d->length, answers = s->d->answers;
    struct lab_text *texts = malloc(answers * sizeof *texts);
    for (size_t i = 0; texts && i < answers; i++)
        texts[i] = (struct lab_text){e->texts + i * length, length};
    assay_status status = texts
                              ? lab_places_find(LAB_GRAMS_ORDER, texts, answers, &w->places, error)
                              : no_memory(error);
    free(texts);
    ASSAY_TRY(status);
    w->undosed = malloc((w->places.kinds + 1) * sizeof *w->undosed);
    w->writer = malloc((w->places.kinds + 1) * sizeof *w->writer);
    w->starts = malloc((length + 1) * sizeof *w->starts);
    if (!w->undosed || !w->writer || !w->starts)
        return no_memory(error);
    lab_grams_log_kinds(u->grams, &w->places, w->undosed);
    return ASSAY_OK;
}

/* `w->writer` has been filled in. */
static void black_near(const struct lab_design *d, const struct lab_examined *e,
                       const struct black_work *w, unsigned writer, struct lab_scores *scores)
{
    double sum = 0;
    size_t runs = 0, level = 0;
    for (size_t i = 0; i < d->answers; i++) {
        struct lab_text answer = {e->texts + i * d->length, d->length};
        const uint32_t *kind = w->places.kind + i * d->length;
        size_t n = cut_runs(answer, w->starts);
        for (size_t k = 0; k < n; k++) {
            double ratio = 0;
            for (size_t at = w->starts[k]; at < w->starts[k + 1]; at++)
                ratio += w->writer[kind[at]] - w->undosed[kind[at]];
            sum += ratio > 30 ? ratio + log(SHARE) : log1p(SHARE * expm1(ratio));
        }
        runs += n;
        for (; level < LAB_LEVELS && i + 1 == lab_level_answers(d, (int)level); level++)
            scores->near[level][writer] = sum / (double)runs;
    }
}

static assay_status black(const struct lab_study *s, const struct lab_examined *e,
                          const struct lab_undosed *u, struct lab_scores *scores,
                          struct assay_error *error)
{
    struct black_work w = {.undosed = NULL};
    assay_status status = black_start(s, e, u, &w, error);
    for (unsigned t = 0; status == ASSAY_OK && t < lab_writers(s->d); t++) {
        lab_grams_log_kinds(s->writers[t].grams, &w.places, w.writer);
        black_near(s->d, e, &w, t, scores);
    }
    black_end(&w);
    return status;
}

/* ---- both ---------------------------------------------------------------------------- */

assay_status lab_detect_near(const struct lab_study *s, const struct lab_examined *e,
                             const struct lab_undosed *u, struct lab_scores *scores,
                             struct assay_error *error)
{
    for (unsigned w = 0; w < lab_writers(s->d); w++)
        scores->near[LAB_LEVELS][w] = e->log_p[w] - u->log_p[w];
    return black(s, e, u, scores, error);
}

double lab_detect_score(const struct lab_study *s, const struct lab_cell *c, unsigned t,
                        const double *near, const double *moved)
{
    double n = 0, x = 0, y = 0, xx = 0, xy = 0, square = 0;
    for (unsigned w = 0; w < lab_writers(s->d); w++)
        if (is_other(s, c, t, w)) {
            n++;
            x += moved[w];
            y += near[w];
        }
    if (n < 4)
        return 0;
    for (unsigned w = 0; w < lab_writers(s->d); w++)
        if (is_other(s, c, t, w)) {
            xx += (moved[w] - x / n) * (moved[w] - x / n);
            xy += (moved[w] - x / n) * (near[w] - y / n);
        }
    double slope = xx > 0 ? xy / xx : 0;
    for (unsigned w = 0; w < lab_writers(s->d); w++)
        if (is_other(s, c, t, w)) {
            double off = near[w] - y / n - slope * (moved[w] - x / n);
            square += off * off / (n - 2);
        }
    return (near[t] - y / n - slope * (moved[t] - x / n)) / sqrt(fmax(square, 1e-24));
}
