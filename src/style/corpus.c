/* SPDX-License-Identifier: Apache-2.0 */
#include "style/corpus.h"

#include <stdlib.h>
#include <string.h>

struct work {
    struct assay_responses *const *sets;
    struct style_corpus *corpus;
    const char **prompts; /* sorted */
    bool *failed;
};

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The distinct keys of all sets, sorted; NULL if memory is short. */
static const char **all_prompts(struct assay_responses *const *sets, size_t n, size_t *count)
{
    size_t total = 0, at = 0, kept = 0;
    for (size_t i = 0; i < n; i++)
        total += sets[i]->n;
    const char **all = calloc(total + 1, sizeof *all);
    for (size_t i = 0; all && i < n; i++)
        for (size_t k = 0; k < sets[i]->n; k++)
            all[at++] = sets[i]->answers[k].key;
    if (all)
        qsort(all, total, sizeof *all, by_text);
    for (size_t i = 0; all && i < total; i++)
        if (kept == 0 || strcmp(all[kept - 1], all[i]) != 0)
            all[kept++] = all[i];
    *count = kept;
    return all;
}

/* Tokens first, then where each answer's lie: the block may move when it is cut to size. */
static void tokenise_model(void *data, size_t model)
{
    struct work *w = data;
    const struct assay_responses *set = w->sets[model];
    struct style_corpus *c = w->corpus;
    size_t total = 1, used = 0;
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
    for (size_t i = 0, prompt = 0; i < set->n && !w->failed[model]; i++) { /* both are sorted */
        while (strcmp(w->prompts[prompt], set->answers[i].key) != 0)
            prompt++;
        if (counts[i] > 0)
            c->texts[prompt * c->models + model] =
                (struct style_text){c->storage[model] + used, counts[i]};
        used += counts[i];
    }
    free(counts);
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
    if (!w.prompts || !w.failed || !corpus->texts || !corpus->storage)
        status = no_memory(error);
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

void style_corpus_free(struct style_corpus *corpus)
{
    for (size_t i = 0; corpus->storage && i < corpus->models; i++)
        free(corpus->storage[i]);
    free(corpus->storage);
    free(corpus->texts);
    *corpus = (struct style_corpus){.models = 0};
}
