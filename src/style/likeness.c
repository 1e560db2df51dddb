/* SPDX-License-Identifier: Apache-2.0 */
#include "style/likeness.h"

#include "style/shapes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FREQUENT 500
#define CHOOSING_BLOCKS                                                                            \
    4 /* of prompts: sentence patterns are many, the frequent ones are the same */

const char *const style_channel_names[STYLE_CHANNEL_COUNT] = {
    "words", "phrases", "openings", "frequent words", "length", "layout", "sentences", "odd signs"};

const unsigned style_every_block[STYLE_BLOCKS] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};

/* ---- lengths and what both answered ---------------------------------------------------- */

struct work {
    const struct style_corpus *corpus;
    struct style_likeness *l;
};

static void compare_lengths(void *data, size_t block)
{
    struct work *w = data;
    const struct style_corpus *c = w->corpus;
    size_t n = c->models;
    float *sums = w->l->length + block * n * n;
    uint16_t *shared = w->l->shared + block * n * n;
    for (size_t p = 0; p < c->prompts; p++)
        for (size_t a = 1; a < n && c->block[p] == block; a++) {
            const struct style_text *x = style_text_at(c, p, a);
            for (size_t b = 0; b < a && x->n > 0; b++) {
                const struct style_text *y = style_text_at(c, p, b);
                if (y->n == 0 || shared[a * n + b] == UINT16_MAX)
                    continue;
                shared[a * n + b]++;
                sums[a * n + b] += fabsf(logf((float)x->n / (float)y->n));
            }
        }
    for (size_t a = 1; a < n; a++)
        for (size_t b = 0; b < a; b++) {
            sums[b * n + a] = sums[a * n + b];
            shared[b * n + a] = shared[a * n + b];
        }
}

/* The layout's profile is one of marks and line ends alone. */
static assay_status make_layout(const struct style_profile *frequent, struct style_profile *layout,
                                struct assay_error *error)
{
    size_t n = frequent->models, kept = 0;
    *layout = (struct style_profile){.models = n};
    layout->tokens = calloc(frequent->features + 1, sizeof *layout->tokens);
    layout->counts = calloc(STYLE_BLOCKS * n * (frequent->features + 1), sizeof *layout->counts);
    layout->totals = malloc(STYLE_BLOCKS * n * sizeof *layout->totals);
    if (!layout->tokens || !layout->counts || !layout->totals)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    memcpy(layout->totals, frequent->totals, STYLE_BLOCKS * n * sizeof *layout->totals);
    for (size_t f = 0; f < frequent->features; f++)
        if (style_kind_of(frequent->tokens[f]) >= STYLE_MARK)
            layout->tokens[kept++] = (uint32_t)f;
    layout->features = kept;
    for (size_t row = 0; row < STYLE_BLOCKS * n; row++)
        for (size_t f = 0; f < kept; f++)
            layout->counts[row * kept + f] =
                frequent->counts[row * frequent->features + layout->tokens[f]];
    for (size_t f = 0; f < kept; f++)
        layout->tokens[f] = frequent->tokens[layout->tokens[f]];
    return ASSAY_OK;
}

static assay_status make_shapes(const struct assay_context *context,
                                const struct style_corpus *corpus, enum style_shape shape,
                                struct style_profile *profile, struct assay_error *error)
{
    struct style_corpus shapes;
    ASSAY_TRY(style_shapes_make(context, corpus, shape, &shapes, error));
    assay_status status =
        style_profile_make(context, &shapes, FREQUENT, CHOOSING_BLOCKS, profile, error);
    style_corpus_free(&shapes);
    return status;
}

assay_status style_likeness_make(const struct assay_context *context,
                                 const struct style_corpus *corpus, bool all,
                                 struct style_likeness *l, struct assay_error *error)
{
    size_t n = corpus->models, cells = STYLE_BLOCKS * n * n;
    struct work w = {corpus, l};
    assay_status status = ASSAY_OK;
    *l = (struct style_likeness){.models = n};
    l->length = calloc(cells, sizeof *l->length);
    l->shared = calloc(cells, sizeof *l->shared);
    if (!l->length || !l->shared)
        status = assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    for (int k = 0; k < 3 && status == ASSAY_OK; k++) {
        l->grams[k] = malloc(cells * sizeof *l->grams[k]);
        status = l->grams[k] ? style_grams_compare(context, corpus, (enum style_run_kind)k,
                                                   l->grams[k], error)
                             : assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    }
    if (status == ASSAY_OK)
        status = assay_parallel_for(context, "lengths", STYLE_BLOCKS, compare_lengths, &w, error);
    if (status == ASSAY_OK)
        status = style_profile_make(context, corpus, FREQUENT, STYLE_BLOCKS, &l->frequent, error);
    if (status == ASSAY_OK)
        status = make_layout(&l->frequent, &l->layout, error);
    all = all && !corpus->sampled;
    if (status == ASSAY_OK && all)
        status = make_shapes(context, corpus, STYLE_SHAPE_SENTENCES, &l->sentences, error);
    if (status == ASSAY_OK && all)
        status = make_shapes(context, corpus, STYLE_SHAPE_ODD, &l->odd, error);
    if (status != ASSAY_OK)
        style_likeness_free(l);
    return status;
}

void style_likeness_free(struct style_likeness *l)
{
    for (int k = 0; k < 3; k++)
        free(l->grams[k]);
    free(l->length);
    free(l->shared);
    style_profile_free(&l->frequent);
    style_profile_free(&l->layout);
    style_profile_free(&l->sentences);
    style_profile_free(&l->odd);
    *l = (struct style_likeness){.models = 0};
}

size_t style_likeness_shared(const struct style_likeness *l, size_t a, size_t b)
{
    size_t sum = 0, n = l->models;
    for (size_t k = 0; k < STYLE_BLOCKS; k++)
        sum += l->shared[(k * n + a) * n + b];
    return sum;
}

/* How many words a model wrote: of feature `f`, or of any kind where `f` is beyond. */
static double words_of(const struct style_profile *p, size_t model, size_t f)
{
    double sum = 0;
    for (size_t b = 0; b < STYLE_BLOCKS; b++) {
        size_t row = b * p->models + model;
        sum += f < p->features ? (double)p->counts[row * p->features + f] : (double)p->totals[row];
    }
    return sum;
}

bool style_likeness_is_foreign(const struct style_likeness *l, size_t model)
{
    const struct style_profile *p = &l->frequent;
    double least = INFINITY, own = 0, *common = calloc(p->models + 1, sizeof *common);
    for (size_t f = 0; f < p->features && common; f++) {
        size_t users = 0;
        for (size_t m = 0; m < p->models; m++)
            users += words_of(p, m, f) > 0;
        for (size_t m = 0; m < p->models && 2 * users > p->models; m++)
            common[m] += words_of(p, m, f);
    }
    for (size_t m = 0; m < p->models && common; m++) {
        double all = words_of(p, m, p->features), share = all > 0 ? common[m] / all : (double)NAN;
        own = m == model ? share : own;
        least = m == model || isnan(share) ? least : fmin(least, share);
    }
    free(common);
    return own < 0.5 * least;
}

/* ---- matrices ------------------------------------------------------------------------ */

/* The mean over shared prompts of drawn blocks; NaN where there are none. */
static void mean_over_prompts(const struct style_likeness *l, const float *sums,
                              const unsigned times[STYLE_BLOCKS], double *matrix)
{
    size_t n = l->models;
    for (size_t i = 0; i < n * n; i++) {
        double sum = 0, shared = 0;
        for (size_t b = 0; b < STYLE_BLOCKS; b++) {
            sum += times[b] * (double)sums[b * n * n + i];
            shared += times[b] * (double)l->shared[b * n * n + i];
        }
        matrix[i] = shared > 0 && i % (n + 1) != 0 ? sum / shared : (double)NAN;
    }
}

void style_likeness_words(const struct style_likeness *l, const unsigned times[STYLE_BLOCKS],
                          double *matrix)
{
    mean_over_prompts(l, l->grams[STYLE_WORDS], times, matrix);
}

/*
 * Takes from each pair how close each of the two is to everyone: the additive effects of a
 * two-way table without its diagonal, by alternating means. What is not known becomes 0.
 */
static void centre(size_t n, double *matrix)
{
    for (size_t i = 0; i < n; i++)
        matrix[i * n + i] = NAN;
    for (int pass = 0; pass < 8; pass++)
        for (size_t i = 0; i < n; i++) {
            double sum = 0, known = 0;
            for (size_t k = 0; k < n; k++)
                if (!isnan(matrix[i * n + k])) {
                    sum += matrix[i * n + k];
                    known++;
                }
            for (size_t k = 0; k < n && known > 0; k++) { /* row and column: it is symmetric */
                matrix[i * n + k] -= sum / known;
                if (k != i)
                    matrix[k * n + i] -= sum / known;
            }
        }
    for (size_t i = 0; i < n * n; i++)
        matrix[i] = isnan(matrix[i]) ? 0.0 : matrix[i];
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* What 70% of the |y| do not exceed: pairs beyond are kin, who are alike in length and layout
 * too, and must not teach how the two go together. NaN if memory is short. */
static double usual(size_t cells, const double *y)
{
    double *sorted = malloc(cells * sizeof *sorted + 1), level = NAN;
    for (size_t i = 0; sorted && i < cells; i++)
        sorted[i] = fabs(y[i]);
    if (sorted && cells > 0) {
        qsort(sorted, cells, sizeof *sorted, by_value);
        level = sorted[(cells - 1) * 7 / 10];
    }
    free(sorted);
    return level;
}

/* y less its regression on a and b, all of them centred; b may be NULL. */
static bool take_out(size_t cells, const double *y, const double *a, const double *b, double *rest)
{
    double aa = 1e-12, ab = 0, bb = 1e-12, ya = 0, yb = 0, most = usual(cells, y);
    for (size_t i = 0; i < cells; i++) {
        if (fabs(y[i]) > most)
            continue;
        double second = b ? b[i] : 0;
        aa += a[i] * a[i];
        ab += a[i] * second;
        bb += second * second;
        ya += y[i] * a[i];
        yb += y[i] * second;
    }
    double determinant = aa * bb - ab * ab;
    bool both = b && determinant > 1e-9 * aa * bb;
    double on_a = both ? (ya * bb - yb * ab) / determinant : ya / aa;
    double on_b = both ? (yb * aa - ya * ab) / determinant : 0;
    for (size_t i = 0; i < cells; i++)
        rest[i] = y[i] - on_a * a[i] - (both ? on_b * b[i] : 0);
    return !isnan(most);
}

bool style_likeness_at(const struct style_likeness *l, const unsigned times[STYLE_BLOCKS],
                       struct style_matrices *m)
{
    size_t n = l->models, cells = n * n;
    bool good = true, whole = times == style_every_block; /* draws need only what counts */
    m->memory = calloc(2 * STYLE_CHANNEL_COUNT * cells + 1, sizeof *m->memory);
    if (!m->memory)
        return false;
    for (size_t k = 0; k < STYLE_CHANNEL_COUNT; k++) {
        m->raw[k] = m->memory + 2 * k * cells;
        m->residual[k] = m->memory + (2 * k + 1) * cells;
    }
    for (size_t k = 0; k < 3; k++)
        mean_over_prompts(l, l->grams[k], times, m->raw[k]);
    mean_over_prompts(l, l->length, times, m->raw[STYLE_LENGTH]);
    if (!style_profile_compare(&l->frequent, times, m->raw[STYLE_FREQUENT]) ||
        !style_profile_compare(&l->layout, times, m->raw[STYLE_LAYOUT]) ||
        (whole && l->sentences.counts &&
         !style_profile_compare(&l->sentences, times, m->raw[STYLE_SENTENCES])) ||
        (whole && l->odd.counts && !style_profile_compare(&l->odd, times, m->raw[STYLE_ODD]))) {
        style_matrices_free(m);
        return false;
    }
    for (size_t i = 0; i < cells; i++)
        m->raw[STYLE_LENGTH][i] = -m->raw[STYLE_LENGTH][i]; /* a likeness, not a distance */
    for (size_t k = 0; k < STYLE_CHANNEL_COUNT; k++)
        centre(n, m->raw[k]);
    for (size_t k = 0; k < STYLE_CHANNEL_COUNT; k++)
        good = good && take_out(cells, m->raw[k], m->raw[STYLE_LAYOUT],
                                k == STYLE_FREQUENT ? NULL : m->raw[STYLE_LENGTH], m->residual[k]);
    for (size_t i = 0; i < cells && good; i++) /* without a common prompt there is no evidence */
        for (size_t k = 0; k < STYLE_FREQUENT && m->raw[STYLE_WORDS][i] == 0; k++)
            m->residual[k][i] = 0;
    if (!good)
        style_matrices_free(m);
    return good;
}

void style_matrices_free(struct style_matrices *m)
{
    free(m->memory);
    m->memory = NULL;
}
