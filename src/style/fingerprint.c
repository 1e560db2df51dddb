/* SPDX-License-Identifier: Apache-2.0 */
/* A response set's texts as counts and sketches, to share without sharing the texts. */
#include "style/profile.h"

#include <assay/style.h>

#include <stdlib.h>
#include <string.h>

struct work {
    const struct assay_style_fingerprint_settings *settings;
    const struct style_corpus *corpus; /* of the one model */
    const struct assay_responses *set;
    struct assay_responses *r;
    struct assay_fingerprint *f;
    uint32_t *words;
    uint64_t *hashes;
    struct assay_error *error;
};

struct assay_style_fingerprint_settings assay_style_fingerprint_settings_default(void)
{
    return (struct assay_style_fingerprint_settings){
        .share = {0.25, 0.125, 1}, .most_prompts = 1000, .most_words = 2000};
}

static assay_status no_memory(struct work *w)
{
    return assay_error_at(w->error, ASSAY_ERROR_MEMORY, w->set->path, 0, "out of memory");
}

/* ---- frequent words ------------------------------------------------------------------ */

static int by_word(const void *a, const void *b)
{
    const uint32_t *x = *(const uint32_t *const *)a, *y = *(const uint32_t *const *)b;
    return (*x > *y) - (*x < *y);
}

static assay_status copy_words(struct work *w, const struct style_profile *p)
{
    struct assay_fingerprint *f = w->f;
    const uint32_t **order = calloc(p->features + 1, sizeof *order);
    f->word_count = p->features;
    f->words = assay_arena_alloc(w->r->arena, p->features + 1, sizeof *f->words);
    f->counts = assay_arena_alloc(w->r->arena, STYLE_BLOCKS * p->features + 1, sizeof *f->counts);
    bool good = order && f->words && f->counts;
    for (size_t i = 0; i < p->features && good; i++)
        order[i] = &p->tokens[i];
    if (good)
        qsort(order, p->features, sizeof *order, by_word);
    for (size_t i = 0; i < p->features && good; i++) {
        f->words[i] = *order[i];
        for (size_t b = 0; b < STYLE_BLOCKS; b++)
            f->counts[b * p->features + i] =
                (uint32_t)p->counts[b * p->features + (size_t)(order[i] - p->tokens)];
    }
    for (size_t b = 0; b < STYLE_BLOCKS; b++)
        f->totals[b] = (uint32_t)p->totals[b];
    free(order);
    return good ? ASSAY_OK : no_memory(w);
}

static assay_status add_words(struct work *w, const struct assay_context *context)
{
    struct style_profile profile;
    ASSAY_TRY(style_profile_make(context, w->corpus, w->settings->most_words, STYLE_BLOCKS,
                                 &profile, w->error));
    assay_status status = copy_words(w, &profile);
    style_profile_free(&profile);
    return status;
}

/* ---- prompts ------------------------------------------------------------------------- */

static int by_hash(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* The answer's runs of one kind that are kept, by id, equal ones counted. */
static void add_runs(struct work *w, const struct style_text *text, size_t kind,
                     struct assay_fingerprint_prompt *p)
{
    struct assay_fingerprint *f = w->f;
    size_t n = style_grams_runs(&style_grams_kinds[kind], text, w->words, w->hashes), kept = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t id = style_run_id(w->hashes[i]);
        if (id < style_run_end(f->rate[kind]))
            w->hashes[kept++] = id;
    }
    if (kept > 0)
        qsort(w->hashes, kept, sizeof *w->hashes, by_hash);
    p->first[kind] = f->run_count;
    for (size_t i = 0; i < kept; i++) {
        if (i > 0 && w->hashes[i] == w->hashes[i - 1])
            f->run[f->run_count - 1].count++;
        else
            f->run[f->run_count++] = (struct assay_fingerprint_run){(uint32_t)w->hashes[i], 1};
    }
    p->runs[kind] = (uint32_t)(f->run_count - p->first[kind]);
}

static assay_status add_prompt(struct work *w, const uint64_t hash, const struct style_text *text)
{
    struct assay_responses *r = w->r;
    struct assay_fingerprint_prompt *p = &w->f->prompts[r->n];
    char *key = assay_arena_print(r->arena, "%016llx", (unsigned long long)hash);
    if (!key)
        return no_memory(w);
    p->tokens = text->n;
    for (size_t k = 0; k < STYLE_RUN_KINDS; k++)
        add_runs(w, text, k, p);
    r->answers[r->n] =
        (struct assay_answer){.key = key, .key_hash = hash, .text = "", .order = r->n};
    r->n++;
    return ASSAY_OK;
}

/* Of more prompts than may be those with the lowest hashes: the same ones for every model. */
static assay_status add_prompts(struct work *w)
{
    const struct style_corpus *c = w->corpus;
    size_t most = w->settings->most_prompts, runs = 1, longest = 0;
    uint64_t *keys = malloc((w->set->n + 1) * sizeof *keys);
    most = most < c->prompts ? most : c->prompts;
    for (size_t p = 0; p < c->prompts; p++) {
        size_t n = style_text_at(c, p, 0)->n;
        runs += p < most ? STYLE_RUN_KINDS * n : 0;
        longest = n > longest ? n : longest;
    }
    w->words = malloc((longest + 1) * sizeof *w->words);
    w->hashes = malloc((longest + 1) * sizeof *w->hashes);
    w->r->answers = calloc(most + 1, sizeof *w->r->answers);
    w->f->prompts = assay_arena_alloc(w->r->arena, most + 1, sizeof *w->f->prompts);
    w->f->run = assay_arena_alloc(w->r->arena, runs, sizeof *w->f->run);
    bool good = keys && w->words && w->hashes && w->r->answers && w->f->prompts && w->f->run;
    assay_status status = good ? ASSAY_OK : no_memory(w);
    for (size_t i = 0; i < w->set->n && good; i++)
        keys[i] = w->set->answers[i].key_hash;
    if (good)
        qsort(keys, w->set->n, sizeof *keys, by_hash); /* as the corpus has its prompts */
    for (size_t p = 0; p < most && status == ASSAY_OK; p++)
        if (style_text_at(c, p, 0)->n > 0)
            status = add_prompt(w, keys[p], style_text_at(c, p, 0));
    free(keys);
    free(w->words);
    free(w->hashes);
    return status;
}

/* ---- the whole ----------------------------------------------------------------------- */

static assay_status start(struct work *w)
{
    struct assay_responses *r = w->r;
    r->arena = assay_arena_new();
    if (!r->arena)
        return no_memory(w);
    r->name = assay_arena_copy(r->arena, w->set->name);
    r->path = assay_arena_copy(r->arena, w->set->path);
    r->writer = assay_arena_copy(r->arena, w->set->writer);
    r->fingerprint = w->f = assay_arena_alloc(r->arena, 1, sizeof *w->f);
    r->format = ASSAY_RESPONSES_FINGERPRINT;
    r->keyed_by_prompt = w->set->keyed_by_prompt;
    memcpy(r->sha256, w->set->sha256, sizeof r->sha256);
    memcpy(r->source_sha256, w->set->source_sha256, sizeof r->source_sha256);
    if (!r->name || !r->path || !r->writer || !w->f)
        return no_memory(w);
    for (size_t k = 0; k < STYLE_RUN_KINDS; k++) {
        double share = w->settings->share[k];
        if (!(share > 0 && share <= 1))
            return assay_error_at(w->error, ASSAY_ERROR_INPUT, NULL, 0,
                                  "expected shares of runs above 0 and up to 1, found %g", share);
        double rate = share * ASSAY_FINGERPRINT_ALL + 0.5;
        w->f->rate[k] = rate < 1 ? 1 : (uint32_t)rate;
    }
    return ASSAY_OK;
}

assay_status assay_style_fingerprint_make(const struct assay_context *context,
                                          struct assay_responses *set,
                                          const struct assay_style_fingerprint_settings *settings,
                                          struct assay_responses **fingerprint,
                                          struct assay_error *error)
{
    struct style_corpus corpus;
    struct assay_style_fingerprint_settings defaults = assay_style_fingerprint_settings_default();
    struct work w = {
        .settings = settings ? settings : &defaults, .corpus = &corpus, .set = set, .error = error};
    *fingerprint = NULL;
    if (set->fingerprint)
        return assay_error_at(error, ASSAY_ERROR_INPUT, set->path, 0, "is a fingerprint already");
    ASSAY_TRY(style_corpus_make(context, &set, 1, &corpus, error));
    w.r = calloc(1, sizeof *w.r);
    assay_status status = w.r ? start(&w) : no_memory(&w);
    if (status == ASSAY_OK)
        status = add_words(&w, context);
    if (status == ASSAY_OK)
        status = add_prompts(&w);
    if (status == ASSAY_OK && w.r->n == 0)
        status = assay_error_at(error, ASSAY_ERROR_INPUT, set->path, 0, "holds only empty answers");
    style_corpus_free(&corpus);
    if (status != ASSAY_OK) {
        assay_responses_free(w.r);
        return status;
    }
    w.r->notes.records = w.r->n;
    *fingerprint = w.r;
    return ASSAY_OK;
}
