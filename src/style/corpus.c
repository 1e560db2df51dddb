/* SPDX-License-Identifier: Apache-2.0 */
#include "style/corpus.h"

#include <stdlib.h>
#include <string.h>

struct work {
    struct assay_responses *const *sets;
    struct style_corpus *corpus;
    uint64_t *prompts; /* hashes of keys, sorted */
    bool *failed;
};

static int by_hash(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* The distinct keys of all sets, sorted; NULL if memory is short. */
static uint64_t *all_prompts(struct assay_responses *const *sets, size_t n, size_t *count)
{
    size_t total = 0, at = 0, kept = 0;
    for (size_t i = 0; i < n; i++)
        total += sets[i]->n;
    uint64_t *all = calloc(total + 1, sizeof *all);
    for (size_t i = 0; all && i < n; i++)
        for (size_t k = 0; k < sets[i]->n; k++)
            all[at++] = sets[i]->answers[k].key_hash;
    if (all)
        qsort(all, total, sizeof *all, by_hash);
    for (size_t i = 0; all && i < total; i++)
        if (kept == 0 || all[kept - 1] != all[i])
            all[kept++] = all[i];
    *count = kept;
    return all;
}

static struct style_text *text_of(const struct work *w, size_t model, uint64_t key)
{
    const struct style_corpus *c = w->corpus;
    const uint64_t *prompt = bsearch(&key, w->prompts, c->prompts, sizeof key, by_hash);
    return &c->texts[(size_t)(prompt - w->prompts) * c->models + model]; /* all keys are there */
}

static void place_fingerprint(const struct work *w, size_t model)
{
    const struct assay_responses *set = w->sets[model];
    for (size_t i = 0; i < set->n; i++)
        *text_of(w, model, set->answers[i].key_hash) =
            (struct style_text){NULL, set->fingerprint->prompts[i].tokens, (uint32_t)i};
}

/* Tokens first, then where each answer's lie: the block may move when it is cut to size. */
static void tokenise_model(void *data, size_t model)
{
    struct work *w = data;
    const struct assay_responses *set = w->sets[model];
    struct style_corpus *c = w->corpus;
    size_t total = 1, used = 0;
    if (set->fingerprint) {
        place_fingerprint(w, model);
        return;
    }
    for (size_t i = 0; i < set->n; i++)
        total += set->answers[i].bytes;
    uint32_t *storage = malloc(total * sizeof *storage);
    uint32_t *counts = calloc(set->n + 1, sizeof *counts);
    w->failed[model] = !storage || !counts;
    for (size_t i = 0; i < set->n && !w->failed[model]; i++) {
        counts[i] =
            (uint32_t)style_tokenise(set->answers[i].text, set->answers[i].bytes, storage + used);
        used += counts[i];
    }
    uint32_t *fitted = storage ? realloc(storage, (used + 1) * sizeof *storage) : NULL;
    c->storage[model] = fitted ? fitted : storage;
    used = 0;
    for (size_t i = 0; i < set->n && !w->failed[model]; i++) {
        if (counts[i] > 0)
            *text_of(w, model, set->answers[i].key_hash) =
                (struct style_text){c->storage[model] + used, counts[i], 0};
        used += counts[i];
    }
    free(counts);
}

/* Of several fingerprints the lowest rate: what one does not hold cannot be compared. */
static void find_rates(const struct work *w)
{
    struct style_corpus *c = w->corpus;
    for (size_t k = 0; k < ASSAY_FINGERPRINT_KINDS; k++)
        c->rate[k] = ASSAY_FINGERPRINT_ALL;
    for (size_t i = 0; i < c->models; i++) {
        const struct assay_fingerprint *f = c->fingerprints[i] = w->sets[i]->fingerprint;
        c->sampled = c->sampled || f;
        for (size_t k = 0; f && k < ASSAY_FINGERPRINT_KINDS; k++)
            c->rate[k] = f->rate[k] < c->rate[k] ? f->rate[k] : c->rate[k];
    }
    for (size_t p = 0; p < c->prompts; p++)
        c->block[p] = (unsigned char)(w->prompts[p] % STYLE_BLOCKS);
}

static assay_status no_memory(struct assay_error *error)
{
    return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

assay_status style_corpus_make(const struct assay_context *context,
                               struct assay_responses *const *sets, size_t n,
                               struct style_corpus *corpus, struct assay_error *error)
{
    size_t cells = 0;
    struct work w = {.sets = sets, .corpus = corpus};
    assay_status status = ASSAY_OK;
    *corpus = (struct style_corpus){.models = n};
    w.prompts = all_prompts(sets, n, &corpus->prompts);
    w.failed = calloc(n + 1, sizeof *w.failed);
    if (assay_size_multiply(n, corpus->prompts + 1, &cells))
        corpus->texts = calloc(cells + 1, sizeof *corpus->texts);
    corpus->storage = calloc(n + 1, sizeof *corpus->storage);
    corpus->block = calloc(corpus->prompts + 1, sizeof *corpus->block);
    corpus->fingerprints = calloc(n + 1, sizeof *corpus->fingerprints);
    if (!w.prompts || !w.failed || !corpus->texts || !corpus->storage || !corpus->block ||
        !corpus->fingerprints)
        status = no_memory(error);
    else
        find_rates(&w);
    if (status == ASSAY_OK)
        status = assay_parallel_for(context, "models", n, tokenise_model, &w, error);
    for (size_t i = 0; i < n && status == ASSAY_OK; i++)
        if (w.failed[i])
            status = no_memory(error);
    free(w.prompts);
    free(w.failed);
    if (status != ASSAY_OK)
        style_corpus_free(corpus);
    return status;
}

/* Whether a model besides `model` answered prompt `p`. */
static bool others_answered(const struct style_corpus *corpus, size_t p, size_t model)
{
    for (size_t i = 0; i < corpus->models; i++)
        if (i != model && style_text_at(corpus, p, i)->n > 0)
            return true;
    return false;
}

void style_corpus_keep_prompts_of(struct style_corpus *corpus, size_t model)
{
    bool common = false;
    for (size_t p = 0; p < corpus->prompts && !common; p++)
        common = style_text_at(corpus, p, model)->n > 0 && others_answered(corpus, p, model);
    for (size_t p = 0; p < corpus->prompts && common; p++)
        if (style_text_at(corpus, p, model)->n == 0)
            memset(&corpus->texts[p * corpus->models], 0, corpus->models * sizeof *corpus->texts);
}

void style_corpus_free(struct style_corpus *corpus)
{
    for (size_t i = 0; corpus->storage && i < corpus->models; i++)
        free(corpus->storage[i]);
    free(corpus->storage);
    free(corpus->texts);
    free(corpus->block);
    free(corpus->fingerprints);
    *corpus = (struct style_corpus){.models = 0};
}
