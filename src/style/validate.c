/* SPDX-License-Identifier: Apache-2.0 */
/* Error rates on models of known descent, each in turn the suspect. */
#include "style/calibration.h"
#include "style/verdict.h"

#include "base/csv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LEAST_STUDENTS 5

struct pair {
    double score;
    bool taught;
    size_t lineage; /* of the student */
};

struct outcome {
    double best_q; /* of the best candidate */
    bool present;
};

struct work {
    const struct assay_context *context;
    enum assay_style_question question;
    struct assay_responses *const *sets;
    size_t n;
    struct csv csv;
    const struct csv_row **rows; /* by model; NULL: unknown */
    int family, taught, teachers, how;
    struct style_population population;
    const char **candidates; /* names */
    size_t *maker_of;        /* by candidate: the makers' index */
    double *scores;
    struct pair *pairs;
    size_t pair_count;
    struct outcome *outcomes;
    size_t outcome_count;
    struct assay_arena *arena;
    struct assay_style_validation *v;
    struct assay_error *error;
};

static assay_status no_memory(struct work *w)
{
    return assay_error_at(w->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

/* ---- who is who ---------------------------------------------------------------------- */

/* Whether `name` is one of those in a list apart by ';'. */
static bool listed(const char *list, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = list; length > 0 && (at = strstr(at, name)); at += length)
        if ((at == list || at[-1] == ';') && (at[length] == ';' || at[length] == 0))
            return true;
    return false;
}

static bool has_teacher(const struct work *w, size_t model)
{
    return w->rows[model] && strcmp(w->rows[model]->cells[w->taught], "yes") == 0 &&
           w->rows[model]->cells[w->teachers][0];
}

/* Whether some student of the set names this model as its teacher. */
static bool is_teacher(const struct work *w, size_t model)
{
    for (size_t s = 0; s < w->n; s++)
        if (has_teacher(w, s) && listed(w->rows[s]->cells[w->teachers], w->population.names[model]))
            return true;
    return false;
}

/* For rankings a candidate is a family; for parents it is each untaught model and each teacher. */
static const char *candidate_name(const struct work *w, size_t model)
{
    if (!w->rows[model])
        return NULL;
    const char *family = w->rows[model]->cells[w->family];
    if (w->question == ASSAY_STYLE_RANK)
        return family[0] ? family : NULL;
    return family[0] || is_teacher(w, model) ? w->population.names[model] : NULL;
}

static bool make_candidates(struct work *w)
{
    struct style_population *p = &w->population;
    w->candidates = assay_arena_alloc(w->arena, w->n, sizeof *w->candidates);
    w->maker_of = assay_arena_alloc(w->arena, w->n, sizeof *w->maker_of);
    for (size_t i = 0; i < w->n && w->candidates && w->maker_of; i++) {
        const char *name = candidate_name(w, i);
        size_t c = 0;
        p->candidate[i] = STYLE_NOBODY;
        if (!name)
            continue;
        while (c < p->candidates && strcmp(w->candidates[c], name) != 0)
            c++;
        p->candidates += c == p->candidates;
        w->candidates[c] = name;
        w->maker_of[c] = p->maker[i];
        p->candidate[i] = c;
    }
    return w->candidates && w->maker_of;
}

/* Whether candidate c taught the student: it, or one of its members, is named as its teacher.
 * A tuning on answers that were only scored or merged is no teaching to rank. */
static bool taught_by(const struct work *w, size_t student, size_t c)
{
    if (!has_teacher(w, student))
        return false;
    const char *teachers = w->rows[student]->cells[w->teachers];
    if (w->question == ASSAY_STYLE_RANK && strncmp(w->rows[student]->cells[w->how], "sft", 3) != 0)
        return false;
    if (w->question == ASSAY_STYLE_PARENT && strcmp(w->rows[student]->cells[w->how], "sft") == 0)
        return false;
    if (listed(teachers, w->candidates[c]))
        return true;
    for (size_t m = 0; m < w->n; m++)
        if (w->population.candidate[m] == c && listed(teachers, w->population.names[m]))
            return true;
    return false;
}

/* ---- one suspect --------------------------------------------------------------------- */

/* The best candidate for s, or STYLE_NOBODY, and its q; kin of s are no nulls for it. */
static size_t verdict(struct work *w, size_t s, double *q)
{
    struct style_population *p = &w->population;
    bool *kept = malloc(p->n * sizeof *kept);
    size_t best = STYLE_NOBODY;
    double top = NAN;
    *q = 1;
    if (!kept)
        return STYLE_NOBODY;
    memcpy(kept, p->null, p->n * sizeof *kept);
    for (size_t i = 0; i < p->n; i++)
        p->null[i] = p->null[i] && p->lineage[i] != p->lineage[s];
    for (size_t c = 0; c < p->candidates; c++) {
        double score = style_candidate_score(p, w->scores, s, c);
        if (!isnan(score) && !(score <= top)) {
            top = score;
            best = c;
        }
    }
    if (best != STYLE_NOBODY)
        *q = fmax(style_null_share(p, w->scores, s, STYLE_NOBODY, top).p,
                  style_null_share(p, w->scores, s, best, top).p);
    memcpy(p->null, kept, p->n * sizeof *kept);
    free(kept);
    return best;
}

/* The same with the candidates of some makers taken out. */
static double verdict_without(struct work *w, size_t s, const bool *makers_out)
{
    struct style_population *p = &w->population;
    size_t *kept = malloc(p->n * sizeof *kept);
    double q = 1;
    if (!kept)
        return 1;
    memcpy(kept, p->candidate, p->n * sizeof *kept);
    for (size_t i = 0; i < p->n; i++)
        if (p->candidate[i] != STYLE_NOBODY && makers_out[w->maker_of[p->candidate[i]]])
            p->candidate[i] = STYLE_NOBODY;
    verdict(w, s, &q);
    memcpy(p->candidate, kept, p->n * sizeof *kept);
    free(kept);
    return q;
}

struct tally {
    double top1, reciprocal, right, wrong, absent_named;
    size_t students, absent;
    double *hits, *asked; /* by candidate */
};

static void ask_student(struct work *w, size_t s, const bool *is_true, struct tally *t,
                        bool *makers_out)
{
    struct style_population *p = &w->population;
    double q = 1, truth = NAN;
    size_t rank = 1, true_one = 0, best = verdict(w, s, &q);
    for (size_t c = 0; c < p->candidates; c++)
        if (is_true[c]) {
            double score = style_candidate_score(p, w->scores, s, c);
            true_one = !(score <= truth) ? c : true_one;
            truth = fmax(truth, score);
            makers_out[w->maker_of[c]] = true;
        }
    for (size_t c = 0; c < p->candidates; c++)
        rank += !is_true[c] && style_candidate_score(p, w->scores, s, c) > truth;
    t->students++;
    t->top1 += rank == 1;
    t->reciprocal += 1 / (double)rank;
    t->asked[true_one]++;
    t->hits[true_one] += rank == 1;
    if (q <= w->v->level && best != STYLE_NOBODY) {
        t->right += is_true[best];
        t->wrong += !is_true[best] && !makers_out[w->maker_of[best]];
    }
    w->outcomes[w->outcome_count++] = (struct outcome){q, true};
}

static void ask(struct work *w, size_t s, struct tally *t)
{
    struct style_population *p = &w->population;
    bool *is_true = calloc(p->candidates + 1, sizeof *is_true);
    bool *makers_out = calloc(w->n + 1, sizeof *makers_out);
    size_t trues = 0;
    for (size_t c = 0; is_true && makers_out && c < p->candidates; c++) {
        is_true[c] = taught_by(w, s, c) && !isnan(style_candidate_score(p, w->scores, s, c));
        trues += is_true[c];
    }
    if (is_true && makers_out && trues > 0)
        ask_student(w, s, is_true, t, makers_out);
    bool untaught = w->rows[s] && strcmp(w->rows[s]->cells[w->taught], "no") == 0;
    if (is_true && makers_out && (trues > 0 || untaught)) {
        makers_out[p->maker[s]] = true; /* kin of one maker are alike for good reasons */
        double q = verdict_without(w, s, makers_out);
        t->absent++;
        t->absent_named += q <= w->v->level;
        w->outcomes[w->outcome_count++] = (struct outcome){q, false};
        for (size_t c = 0; c < p->candidates; c++) {
            double score = style_candidate_score(p, w->scores, s, c);
            if (!isnan(score) && (is_true[c] || !makers_out[w->maker_of[c]]))
                w->pairs[w->pair_count++] = (struct pair){score, is_true[c], p->lineage[s]};
        }
    }
    free(is_true);
    free(makers_out);
}

/* ---- summing up ---------------------------------------------------------------------- */

static int by_score(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    return (x->score < y->score) - (x->score > y->score);
}

/* Area under the curve and true-positive rates; pairs are sorted from the highest score. */
static void sum_up_pairs(struct work *w)
{
    struct assay_style_validation *v = w->v;
    size_t trues = 0, falses = 0;
    double area = 0;
    for (size_t i = 0; i < w->pair_count; i++)
        w->pairs[i].taught ? v->true_pairs++ : v->false_pairs++;
    v->true_positive_1 = v->true_positive_01 = 0;
    for (size_t i = 0; i < w->pair_count; i++) {
        if (!w->pairs[i].taught) {
            falses++;
            area += (double)trues;
            continue;
        }
        trues++;
        if ((double)falses <= 0.01 * (double)v->false_pairs)
            v->true_positive_1 = (double)trues / (double)v->true_pairs;
        if ((double)falses <= 0.001 * (double)v->false_pairs)
            v->true_positive_01 = (double)trues / (double)v->true_pairs;
    }
    v->auc = area / ((double)v->true_pairs * (double)v->false_pairs);
}

static void sum_up_outcomes(struct work *w)
{
    double wins = 0, present = 0, absent = 0;
    for (size_t i = 0; i < w->outcome_count; i++) {
        present += w->outcomes[i].present;
        absent += !w->outcomes[i].present;
        for (size_t k = 0; k < w->outcome_count && w->outcomes[i].present; k++)
            if (!w->outcomes[k].present)
                wins += w->outcomes[i].best_q < w->outcomes[k].best_q    ? 1
                        : w->outcomes[i].best_q == w->outcomes[k].best_q ? 0.5
                                                                         : 0;
    }
    w->v->open_set_auc = wins / (present * absent);
}

/* Two students with one teacher each, different: row and column effects cancel. */
static void sum_up_quartets(struct work *w)
{
    const struct style_population *p = &w->population;
    double wins = 0;
    for (size_t a = 0; a < w->n; a++)
        for (size_t b = 0; b < a; b++)
            for (size_t ta = 0; ta < p->candidates; ta++)
                for (size_t tb = 0; taught_by(w, a, ta) && tb < p->candidates; tb++) {
                    if (!taught_by(w, b, tb) || taught_by(w, b, ta) || taught_by(w, a, tb))
                        continue;
                    double straight = style_candidate_score(p, w->scores, a, ta) +
                                      style_candidate_score(p, w->scores, b, tb);
                    double crossed = style_candidate_score(p, w->scores, a, tb) +
                                     style_candidate_score(p, w->scores, b, ta);
                    if (isnan(straight) || isnan(crossed))
                        continue;
                    w->v->quartets++;
                    wins += straight > crossed;
                }
    w->v->quartet = wins / (double)w->v->quartets;
}

static double log2_1p(double x)
{
    return log1p(x) / 0.6931471805599453;
}

/* Each side of the pairs weighs by lineages: one lineage's pairs of a side count as one. */
static void weigh_pairs(struct work *w, size_t out, double *weights)
{
    for (size_t i = 0; i < w->pair_count; i++) {
        double same = 0;
        for (size_t k = 0; k < w->pair_count; k++)
            same += w->pairs[k].lineage == w->pairs[i].lineage &&
                    w->pairs[k].taught == w->pairs[i].taught;
        weights[i] = w->pairs[i].lineage == out ? 0 : 1 / same;
    }
}

static bool fit(struct work *w, size_t out, double *scores, double *weights, bool *taught,
                struct style_calibration *c)
{
    weigh_pairs(w, out, weights);
    for (size_t i = 0; i < w->pair_count; i++) {
        scores[i] = w->pairs[i].score;
        taught[i] = w->pairs[i].taught;
    }
    return style_calibration_fit(scores, weights, taught, w->pair_count, c);
}

static bool calibrate(struct work *w)
{
    double *scores = malloc((w->pair_count + 1) * sizeof *scores);
    double *weights = malloc((w->pair_count + 1) * sizeof *weights);
    bool *taught = malloc((w->pair_count + 1) * sizeof *taught);
    struct style_calibration c = {.known = false};
    double cost[2] = {0, 0}, total[2] = {0, 0};
    bool good = scores && weights && taught;
    for (size_t l = 0; l < w->n && good; l++) {
        bool fitted = false;
        for (size_t i = 0; i < w->pair_count; i++) {
            if (w->pairs[i].lineage != l)
                continue;
            if (!fitted && !fit(w, l, scores, weights, taught, &c))
                break;
            fitted = true;
            double lr = pow(10, c.intercept + c.slope * w->pairs[i].score);
            bool side = w->pairs[i].taught;
            cost[side] += side ? log2_1p(1 / lr) : log2_1p(lr);
            total[side]++;
        }
    }
    w->v->cllr = (cost[0] / total[0] + cost[1] / total[1]) / 2;
    good = good && fit(w, STYLE_NOBODY, scores, weights, taught, &c);
    for (size_t l = 0; l < w->n; l++)
        for (size_t i = 0; i < w->pair_count; i++)
            if (w->pairs[i].lineage == l && w->pairs[i].taught) {
                w->v->lineages++;
                break;
            }
    w->v->fit =
        (struct assay_style_fit){c.intercept,      c.slope,      c.intercept_variance,
                                 c.slope_variance, c.covariance, log10(1 + (double)w->v->lineages)};
    free(scores);
    free(weights);
    free(taught);
    return good;
}

static assay_status ask_all(struct work *w)
{
    struct assay_style_validation *v = w->v;
    struct tally t = {.hits = assay_arena_alloc(w->arena, w->n + 1, sizeof *t.hits),
                      .asked = assay_arena_alloc(w->arena, w->n + 1, sizeof *t.asked)};
    double balanced = 0;
    w->pairs = assay_arena_alloc(w->arena, w->n * w->population.candidates + 1, sizeof *w->pairs);
    w->outcomes = assay_arena_alloc(w->arena, 2 * w->n, sizeof *w->outcomes);
    if (!t.hits || !t.asked || !w->pairs || !w->outcomes)
        return no_memory(w);
    for (size_t s = 0; s < w->n; s++)
        ask(w, s, &t);
    if (t.students < LEAST_STUDENTS)
        return assay_error_at(w->error, ASSAY_ERROR_UNANSWERABLE, w->csv.path, 0,
                              "knows the teachers of %zu of these models, expected at least %d",
                              t.students, LEAST_STUDENTS);
    for (size_t c = 0; c < w->population.candidates; c++)
        if (t.asked[c] > 0) {
            v->teachers++;
            balanced += t.hits[c] / t.asked[c];
        }
    double students = (double)t.students;
    v->students = t.students;
    v->candidates = w->population.candidates;
    v->top1 = t.top1 / students;
    v->mean_reciprocal_rank = t.reciprocal / students;
    v->balanced = balanced / (double)v->teachers;
    v->named_right = t.right / students;
    v->named_wrong = t.wrong / students;
    v->absent = t.absent;
    v->absent_named = t.absent_named / (double)t.absent;
    qsort(w->pairs, w->pair_count, sizeof *w->pairs, by_score);
    sum_up_pairs(w);
    sum_up_outcomes(w);
    sum_up_quartets(w);
    return calibrate(w) ? ASSAY_OK
                        : assay_error_at(w->error, ASSAY_ERROR_UNANSWERABLE, w->csv.path, 0,
                                         "the likelihood ratios could not be calibrated");
}

/* ---- the whole ----------------------------------------------------------------------- */

static assay_status look_up(struct work *w, const char *models)
{
    static const char *const needed[] = {"model",  "maker", "lineage", "family",
                                         "taught", "how",   "teachers"};
    ASSAY_TRY(csv_read(models, w->arena, &w->csv, w->error));
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++)
        if (csv_column(&w->csv, needed[i]) < 0)
            return assay_error_at(w->error, ASSAY_ERROR_INPUT, models, 1, "expected a column %s",
                                  needed[i]);
    w->family = csv_column(&w->csv, "family");
    w->taught = csv_column(&w->csv, "taught");
    w->teachers = csv_column(&w->csv, "teachers");
    w->how = csv_column(&w->csv, "how");
    w->rows = assay_arena_alloc(w->arena, w->n, sizeof *w->rows);
    if (!w->rows || !style_population_start(w->arena, w->n, 0, &w->population))
        return no_memory(w);
    for (size_t i = 0; i < w->n; i++) {
        w->population.names[i] = w->sets[i]->name;
        for (size_t k = 0; k < w->csv.count; k++)
            if (strcmp(w->csv.rows[k].cells[csv_column(&w->csv, "model")], w->sets[i]->name) == 0)
                w->rows[i] = &w->csv.rows[k];
    }
    ASSAY_TRY(style_population_look_up(models, &w->population, w->error));
    return make_candidates(w) ? ASSAY_OK : no_memory(w);
}

/* Keeps `keep` prompts, any ones, of the corpus. */
static bool thin_out(const struct work *w, struct style_corpus *corpus, size_t keep)
{
    size_t n = corpus->prompts;
    struct assay_random random;
    size_t *order = malloc((n + 1) * sizeof *order);
    assay_random_start(&random, w->context->seed, 0);
    for (size_t i = 0; i < n && order; i++)
        order[i] = i;
    for (size_t i = 0; i < n && order && keep > 0; i++) {
        size_t k = i + (size_t)assay_random_below(&random, n - i), kept = order[i];
        order[i] = order[k];
        order[k] = kept;
        if (i >= keep)
            memset(&corpus->texts[order[i] * corpus->models], 0,
                   corpus->models * sizeof *corpus->texts);
    }
    bool good = order != NULL;
    free(order);
    return good;
}

static assay_status run(struct work *w, const char *models, size_t prompts)
{
    struct style_corpus corpus;
    struct style_likeness likeness;
    struct style_matrices m;
    ASSAY_TRY(look_up(w, models));
    ASSAY_TRY(style_corpus_make(w->context, w->sets, w->n, &corpus, w->error));
    assay_status status = thin_out(w, &corpus, prompts)
                              ? style_likeness_make(w->context, &corpus, false, &likeness, w->error)
                              : no_memory(w);
    style_corpus_free(&corpus);
    ASSAY_TRY(status);
    w->scores = assay_arena_alloc(w->arena, w->n * w->n, sizeof *w->scores);
    bool good = w->scores && style_likeness_at(&likeness, style_every_block, &m);
    style_likeness_free(&likeness);
    if (!good)
        return no_memory(w);
    good = style_scores(&m, w->n, w->question, w->scores);
    style_matrices_free(&m);
    return good ? ask_all(w) : no_memory(w);
}

assay_status assay_style_validate(const struct assay_context *context,
                                  enum assay_style_question question,
                                  struct assay_responses *const *sets, size_t count,
                                  const char *models, size_t prompts, double level,
                                  struct assay_style_validation *validation,
                                  struct assay_error *error)
{
    struct work w = {.context = context,
                     .question = question,
                     .sets = sets,
                     .n = count,
                     .v = validation,
                     .error = error};
    *validation = (struct assay_style_validation){.question = question, .level = level};
    w.arena = assay_arena_new();
    assay_status status = w.arena ? run(&w, models, prompts) : no_memory(&w);
    assay_arena_free(w.arena);
    return status;
}
