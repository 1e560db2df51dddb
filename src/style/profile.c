/* SPDX-License-Identifier: Apache-2.0 */
#include "style/profile.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    uint32_t token;
    float value; /* a count while counting, then a sum of rates; 0: free */
};

struct table {
    struct entry *entries;
    size_t room, used;
};

static struct entry *find(struct table *t, uint32_t token)
{
    size_t at = (token * 2654435761u >> 7) & (t->room - 1);
    while (t->entries[at].value > 0 && t->entries[at].token != token)
        at = (at + 1) & (t->room - 1);
    return &t->entries[at];
}

static bool add(struct table *t, uint32_t token, float value)
{
    if (2 * t->used >= t->room) {
        struct table wider = {NULL, t->room ? 2 * t->room : 4096, 0};
        wider.entries = calloc(wider.room, sizeof *wider.entries);
        if (!wider.entries)
            return false;
        for (size_t i = 0; i < t->room; i++)
            if (t->entries[i].value > 0) {
                *find(&wider, t->entries[i].token) = t->entries[i];
                wider.used++;
            }
        free(t->entries);
        *t = wider;
    }
    struct entry *e = find(t, token);
    t->used += e->value <= 0;
    e->token = token;
    e->value += value;
    return true;
}

/* ---- which words --------------------------------------------------------------------- */

struct work {
    const struct style_corpus *corpus;
    struct style_profile *profile;
    unsigned blocks;      /* on which the features are chosen */
    struct table *tables; /* one a model */
    struct table index;   /* token to feature + 1 */
    bool *failed;
};

static void count_model(void *data, size_t model)
{
    struct work *w = data;
    const struct assay_fingerprint *f = w->corpus->fingerprints[model];
    for (size_t i = 0; f && i < f->word_count && !w->failed[model]; i++) {
        uint64_t sum = 0;
        for (size_t b = 0; b < STYLE_BLOCKS; b++)
            sum += f->counts[b * f->word_count + i];
        w->failed[model] = sum > 0 && !add(&w->tables[model], f->words[i], (float)sum);
    }
    for (size_t p = 0; p < w->corpus->prompts; p++) {
        const struct style_text *text = style_text_at(w->corpus, p, model);
        if (w->corpus->block[p] >= w->blocks)
            continue;
        for (uint32_t i = 0; text->tokens && i < text->n && !w->failed[model]; i++)
            w->failed[model] = !add(&w->tables[model], style_folded(text->tokens[i]), 1);
    }
}

static int by_rate(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    if (x->value != y->value)
        return x->value > y->value ? -1 : 1;
    return (x->token > y->token) - (x->token < y->token);
}

/* The tokens with the highest mean rate over models: a model that talks much counts once. */
static bool choose(struct work *w, size_t most)
{
    struct table all = {NULL, 0, 0};
    bool good = true;
    for (size_t m = 0; m < w->corpus->models && good; m++) {
        const struct table *t = &w->tables[m];
        const struct assay_fingerprint *f = w->corpus->fingerprints[m];
        float total = 0;
        for (size_t i = 0; i < t->room && !f; i++)
            total += t->entries[i].value;
        for (size_t b = 0; f && b < STYLE_BLOCKS; b++)
            total += (float)f->totals[b];
        for (size_t i = 0; i < t->room && good; i++)
            if (t->entries[i].value >= 3) /* rarer ones are no habit, and most of the table */
                good = add(&all, t->entries[i].token, t->entries[i].value / total);
    }
    if (good && all.room > 0)
        qsort(all.entries, all.room, sizeof *all.entries, by_rate);
    size_t n = all.used < most ? all.used : most;
    w->profile->features = n;
    w->profile->tokens = calloc(n + 1, sizeof *w->profile->tokens);
    good = good && w->profile->tokens;
    for (size_t i = 0; i < n && good; i++) {
        w->profile->tokens[i] = all.entries[i].token;
        good = add(&w->index, all.entries[i].token, (float)(i + 1));
    }
    free(all.entries);
    return good;
}

/* ---- how often ----------------------------------------------------------------------- */

static void fill_from_fingerprint(struct work *w, const struct assay_fingerprint *f, size_t model)
{
    struct style_profile *profile = w->profile;
    for (size_t b = 0; b < STYLE_BLOCKS; b++) {
        size_t row = b * profile->models + model;
        profile->totals[row] = (float)f->totals[b];
        for (size_t i = 0; i < f->word_count; i++) {
            const struct entry *e = find(&w->index, f->words[i]);
            if (e->value > 0)
                profile->counts[row * profile->features + (size_t)e->value - 1] =
                    (float)f->counts[b * f->word_count + i];
        }
    }
}

static void fill_model(void *data, size_t model)
{
    struct work *w = data;
    struct style_profile *profile = w->profile;
    if (w->corpus->fingerprints[model] && profile->features > 0) {
        fill_from_fingerprint(w, w->corpus->fingerprints[model], model);
        return;
    }
    for (size_t p = 0; p < w->corpus->prompts && profile->features > 0; p++) {
        const struct style_text *text = style_text_at(w->corpus, p, model);
        size_t row = w->corpus->block[p] * profile->models + model;
        float *counts = profile->counts + row * profile->features;
        profile->totals[row] += (float)text->n;
        for (uint32_t i = 0; i < text->n; i++) {
            const struct entry *e = find(&w->index, style_folded(text->tokens[i]));
            if (e->value > 0)
                counts[(size_t)e->value - 1]++;
        }
    }
}

static assay_status no_memory(struct assay_error *error)
{
    return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

static assay_status count_all(const struct assay_context *context, struct work *w, size_t most,
                              struct assay_error *error)
{
    size_t cells = 0, models = w->corpus->models;
    ASSAY_TRY(assay_parallel_for(context, "vocabularies", models, count_model, w, error));
    for (size_t m = 0; m < models; m++)
        if (w->failed[m])
            return no_memory(error);
    if (!choose(w, most))
        return no_memory(error);
    if (!assay_size_multiply(STYLE_BLOCKS * models, w->profile->features + 1, &cells))
        return no_memory(error);
    w->profile->counts = calloc(cells, sizeof *w->profile->counts);
    w->profile->totals = calloc(STYLE_BLOCKS * models + 1, sizeof *w->profile->totals);
    if (!w->profile->counts || !w->profile->totals)
        return no_memory(error);
    return assay_parallel_for(context, "profiles", models, fill_model, w, error);
}

assay_status style_profile_make(const struct assay_context *context,
                                const struct style_corpus *corpus, size_t most, unsigned blocks,
                                struct style_profile *profile, struct assay_error *error)
{
    struct work w = {.corpus = corpus, .profile = profile, .blocks = blocks};
    *profile = (struct style_profile){.models = corpus->models};
    w.tables = calloc(corpus->models + 1, sizeof *w.tables);
    w.failed = calloc(corpus->models + 1, sizeof *w.failed);
    assay_status status =
        w.tables && w.failed ? count_all(context, &w, most, error) : no_memory(error);
    for (size_t m = 0; w.tables && m < corpus->models; m++)
        free(w.tables[m].entries);
    free(w.tables);
    free(w.failed);
    free(w.index.entries);
    if (status != ASSAY_OK)
        style_profile_free(profile);
    return status;
}

void style_profile_free(struct style_profile *profile)
{
    free(profile->tokens);
    free(profile->counts);
    free(profile->totals);
    *profile = (struct style_profile){.models = 0};
}

/* Rates of the drawn blocks, one row a model. */
static void rates(const struct style_profile *p, const unsigned times[STYLE_BLOCKS], double *rows)
{
    for (size_t m = 0; m < p->models; m++) {
        double total = 0, *row = rows + m * p->features;
        memset(row, 0, p->features * sizeof *row);
        for (size_t b = 0; b < STYLE_BLOCKS; b++) {
            const float *counts = p->counts + (b * p->models + m) * p->features;
            total += times[b] * (double)p->totals[b * p->models + m];
            for (size_t f = 0; f < p->features && times[b] > 0; f++)
                row[f] += times[b] * (double)counts[f];
        }
        for (size_t f = 0; f < p->features && total > 0; f++)
            row[f] /= total;
    }
}

static void standardise(size_t models, size_t features, double *rows)
{
    for (size_t f = 0; f < features; f++) {
        double mean = 0, square = 0;
        for (size_t m = 0; m < models; m++)
            mean += rows[m * features + f] / (double)models;
        for (size_t m = 0; m < models; m++) {
            double d = rows[m * features + f] -= mean;
            square += d * d / (double)models;
        }
        for (size_t m = 0; m < models && square > 0; m++)
            rows[m * features + f] /= sqrt(square);
    }
}

bool style_profile_compare(const struct style_profile *p, const unsigned times[STYLE_BLOCKS],
                           double *likeness)
{
    size_t n = p->models, f = p->features;
    double *rows = calloc(n * f + 1, sizeof *rows);
    if (!rows)
        return false;
    rates(p, times, rows);
    standardise(n, f, rows);
    for (size_t m = 0; m < n; m++) {
        double square = 0;
        for (size_t i = 0; i < f; i++)
            square += rows[m * f + i] * rows[m * f + i];
        for (size_t i = 0; i < f && square > 0; i++)
            rows[m * f + i] /= sqrt(square);
    }
    for (size_t a = 0; a < n; a++) {
        likeness[a * n + a] = 1;
        for (size_t b = 0; b < a; b++) {
            double sum[4] = {0, 0, 0, 0}; /* four chains: the compiler may not reorder one */
            const double *x = rows + a * f, *y = rows + b * f;
            size_t i = 0;
            for (; i + 4 <= f; i += 4)
                for (size_t k = 0; k < 4; k++)
                    sum[k] += x[i + k] * y[i + k];
            for (; i < f; i++)
                sum[0] += x[i] * y[i];
            likeness[a * n + b] = likeness[b * n + a] = sum[0] + sum[1] + sum[2] + sum[3];
        }
    }
    free(rows);
    return true;
}

/* ---- plain words --------------------------------------------------------------------- */

static uint32_t *plain_slot(struct style_plain *plain, uint32_t word)
{
    size_t at = (word * 2654435761u >> 7) % STYLE_PLAIN_SLOTS;
    while (plain->slots[at] != 0 && plain->slots[at] != word)
        at = (at + 1) % STYLE_PLAIN_SLOTS;
    return &plain->slots[at];
}

assay_status style_plain_words(const struct assay_context *context,
                               const struct style_corpus *corpus, size_t most,
                               struct style_plain *plain, struct assay_error *error)
{
    struct style_profile profile;
    size_t taken = 0;
    *plain = (struct style_plain){{0}};
    ASSAY_TRY(style_profile_make(context, corpus, 2 * most, STYLE_BLOCKS, &profile, error));
    for (size_t i = 0; i < profile.features && taken < most; i++)
        if (style_kind_of(profile.tokens[i]) <= STYLE_UPPER) {
            *plain_slot(plain, profile.tokens[i]) = profile.tokens[i];
            taken++;
        }
    style_profile_free(&profile);
    return ASSAY_OK;
}

uint32_t style_masked(uint32_t token, const struct style_plain *plain)
{
    uint32_t folded = style_folded(token);
    size_t at = (folded * 2654435761u >> 7) % STYLE_PLAIN_SLOTS;
    if (!style_is_word(token))
        return token;
    for (; plain->slots[at] != 0; at = (at + 1) % STYLE_PLAIN_SLOTS)
        if (plain->slots[at] == folded)
            return token;
    return token & ~STYLE_HASH_MASK;
}
