/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/detect.h"

#include <assay/stats.h>

#include <math.h>
#include <stdlib.h>

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

static double log_p_of(const struct lab_grams *g, struct lab_text answer)
{
    double sum = 0;
    for (size_t at = 0; at < answer.size; at++)
        sum += lab_grams_log_at(g, answer, at);
    return sum;
}

/* ---- black box ----------------------------------------------------------------------- */

/* ln p of an answer's being something else than the writer's. */
static double log_else(const struct lab_study *s, const struct lab_cell *c, unsigned t,
                       const double *log_p, double undosed, double *room)
{
    size_t n = 0;
    for (unsigned w = 0; w < lab_writers(s->d); w++)
        if (is_other(s, c, t, w))
            room[n++] = log_p[w];
    double both[2] = {undosed, n > 0 ? assay_stats_log_sum_exp(room, n) - log((double)n) : undosed};
    return assay_stats_log_sum_exp(both, 2) - log(2);
}

/* The best share's log likelihood ratio, over the first `n` answers. */
static double best_share(const double *ratio, size_t n)
{
    static const double shares[] = {0.003, 0.01, 0.03, 0.1, 0.2, 0.4, 0.6, 0.8, 0.95};
    double best = -INFINITY;
    for (size_t k = 0; k < sizeof shares / sizeof shares[0]; k++) {
        double sum = 0;
        for (size_t i = 0; i < n; i++) {
            double terms[2] = {log1p(-shares[k]), log(shares[k]) + ratio[i]};
            sum += assay_stats_log_sum_exp(terms, 2);
        }
        best = fmax(best, sum);
    }
    return best / (double)n;
}

static assay_status black(const struct lab_study *s, const struct lab_cell *c,
                          const struct lab_examined *e, const struct lab_undosed *u,
                          struct lab_scores *scores, struct assay_error *error)
{
    const struct lab_design *d = s->d;
    size_t writers = lab_writers(d), answers = d->answers;
    double *log_p = malloc((writers + 1) * sizeof *log_p);
    double *room = malloc((writers + 1) * sizeof *room);
    double *ratio = malloc((answers * writers + 1) * sizeof *ratio);
    bool good = log_p && room && ratio;
    for (size_t i = 0; good && i < answers; i++) {
        struct lab_text answer = {e->texts + i * d->length, d->length};
        double undosed = log_p_of(u->grams, answer);
        for (size_t w = 0; w < writers; w++)
            log_p[w] = log_p_of(s->writers[w].grams, answer);
        for (unsigned w = 0; w < writers; w++)
            ratio[w * answers + i] = log_p[w] - log_else(s, c, w, log_p, undosed, room);
    }
    for (int level = 0; good && level < LAB_LEVELS; level++)
        for (unsigned w = 0; w < writers; w++)
            scores->near[level][w] = best_share(ratio + w * answers, lab_level_answers(d, level));
    free(log_p);
    free(room);
    free(ratio);
    return good ? ASSAY_OK : assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

/* ---- both ---------------------------------------------------------------------------- */

assay_status lab_detect_near(const struct lab_study *s, const struct lab_cell *c,
                             const struct lab_examined *e, const struct lab_undosed *u,
                             struct lab_scores *scores, struct assay_error *error)
{
    for (unsigned w = 0; w < lab_writers(s->d); w++)
        scores->near[LAB_LEVELS][w] = e->log_p[w] - u->log_p[w];
    return black(s, c, e, u, scores, error);
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
