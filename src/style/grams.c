/* SPDX-License-Identifier: Apache-2.0 */
#include "style/grams.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct style_grams style_grams_kinds[STYLE_RUN_KINDS] = {
    [STYLE_RUN_WORDS] = {.order = 1, .most_share = 1},
    [STYLE_RUN_PHRASES] = {.order = 4, .most_share = 0.25},
    [STYLE_RUN_OPENINGS] = {.order = 3, .most_share = 1, .first = 12},
};

/* One run of words in one prompt: who has it. */
struct slot {
    uint64_t hash; /* 0: free */
    uint32_t feature;
    uint32_t posting; /* of the model that had it last */
};

struct posting {
    uint32_t feature, model, count;
};

/* What one prompt needs; grows, and is kept from prompt to prompt. */
struct bench {
    struct slot *slots;
    size_t slot_room;
    struct posting *postings;
    size_t postings_used, posting_room;
    uint32_t *starts, *model; /* by feature; postings sorted by feature */
    float *weight;
    size_t features;
    float *norms; /* by model */
    uint32_t *words;
    uint64_t *hashes;
};

struct work {
    const struct style_corpus *corpus;
    enum style_run_kind kind;
    float *sums;
    bool failed[STYLE_BLOCKS];
};

static bool widen(void **memory, size_t count, size_t size)
{
    size_t bytes = 0;
    void *wider = assay_size_multiply(count, size, &bytes) ? realloc(*memory, bytes) : NULL;
    *memory = wider ? wider : *memory;
    return wider != NULL;
}

/* Room for a prompt with `total` runs in all answers. */
static bool prepare(struct bench *b, size_t total, size_t models)
{
    size_t slots = 64;
    while (slots < 2 * total)
        slots *= 2;
    if (total + 1 > b->posting_room) {
        b->posting_room = total + 1;
        if (!widen((void **)&b->postings, b->posting_room, sizeof *b->postings) ||
            !widen((void **)&b->starts, b->posting_room + 1, sizeof *b->starts) ||
            !widen((void **)&b->model, b->posting_room, sizeof *b->model) ||
            !widen((void **)&b->weight, b->posting_room, sizeof *b->weight) ||
            !widen((void **)&b->words, b->posting_room, sizeof *b->words) ||
            !widen((void **)&b->hashes, b->posting_room, sizeof *b->hashes))
            return false;
    }
    if (slots > b->slot_room && !widen((void **)&b->slots, slots, sizeof *b->slots))
        return false;
    b->slot_room = slots; /* may shrink: fewer to clear */
    memset(b->slots, 0, slots * sizeof *b->slots);
    if (!b->norms)
        b->norms = malloc((models + 1) * sizeof *b->norms);
    b->postings_used = b->features = 0;
    return b->norms != NULL;
}

static void count(struct bench *b, uint64_t hash, uint32_t model, uint32_t times)
{
    size_t mask = b->slot_room - 1, at = (size_t)(hash >> 20) & mask;
    hash |= 1;
    while (b->slots[at].hash != 0 && b->slots[at].hash != hash)
        at = (at + 1) & mask;
    struct slot *s = &b->slots[at];
    if (s->hash == 0) {
        s->hash = hash;
        s->feature = (uint32_t)b->features++;
    } else if (b->postings[s->posting].model == model) {
        b->postings[s->posting].count += times;
        return;
    }
    s->posting = (uint32_t)b->postings_used;
    b->postings[b->postings_used++] = (struct posting){s->feature, model, times};
}

size_t style_grams_runs(const struct style_grams *g, const struct style_text *text, uint32_t *words,
                        uint64_t *hashes)
{
    size_t n = 0, runs = 0;
    uint32_t most = g->first && g->first < text->n ? g->first : text->n;
    for (uint32_t i = 0; i < text->n && n < most; i++)
        if (style_is_word(text->tokens[i]))
            words[n++] = style_folded(text->tokens[i]);
    for (size_t i = 0; i + g->order <= n; i++) {
        uint64_t hash = g->order;
        for (unsigned k = 0; k < g->order; k++)
            hash = style_mix(hash, words[i + k]);
        hashes[runs++] = hash;
    }
    return runs;
}

/* An id as a hash: one to one, spread over all bits. */
static uint64_t spread(uint32_t id)
{
    return ((uint64_t)id + 1) * UINT64_C(0x9E3779B97F4A7C15) << 1;
}

static void count_text(struct bench *b, const struct work *w, const struct style_text *text,
                       uint32_t model)
{
    const struct style_corpus *c = w->corpus;
    size_t n = style_grams_runs(&style_grams_kinds[w->kind], text, b->words, b->hashes);
    for (size_t i = 0; i < n; i++) {
        if (!c->sampled)
            count(b, b->hashes[i], model, 1);
        else if (style_run_id(b->hashes[i]) < style_run_end(c->rate[w->kind]))
            count(b, spread(style_run_id(b->hashes[i])), model, 1);
    }
}

static void count_fingerprint(struct bench *b, const struct work *w, const struct style_text *text,
                              uint32_t model)
{
    const struct assay_fingerprint *f = w->corpus->fingerprints[model];
    const struct assay_fingerprint_prompt *p = &f->prompts[text->at];
    const struct assay_fingerprint_run *run = f->run + p->first[w->kind];
    for (uint32_t i = 0; i < p->runs[w->kind]; i++)
        if (run[i].id < style_run_end(w->corpus->rate[w->kind]))
            count(b, spread(run[i].id), model, run[i].count);
}

/* No more runs than this come of an answer. */
static size_t most_runs(const struct work *w, const struct style_text *text, size_t model)
{
    const struct assay_fingerprint *f = w->corpus->fingerprints[model];
    return f && text->n > 0 ? f->prompts[text->at].runs[w->kind] : text->n;
}

/* Postings by feature instead of by model, with their weights. */
static void invert(struct bench *b, size_t models, size_t answered, double most_share)
{
    memset(b->starts, 0, (b->features + 1) * sizeof *b->starts);
    memset(b->norms, 0, models * sizeof *b->norms);
    for (size_t i = 0; i < b->postings_used; i++)
        b->starts[b->postings[i].feature + 1]++;
    for (size_t f = 0; f < b->features; f++)
        b->starts[f + 1] += b->starts[f];
    for (size_t i = 0; i < b->postings_used; i++) {
        const struct posting *p = &b->postings[i];
        size_t at = b->starts[p->feature]++;
        b->model[at] = p->model;
        b->weight[at] = (float)p->count;
    }
    for (size_t f = b->features; f > 0; f--) /* the starts have moved by one list: back */
        b->starts[f] = b->starts[f - 1];
    b->starts[0] = 0;
    for (size_t f = 0; f < b->features; f++) {
        size_t has = b->starts[f + 1] - b->starts[f];
        bool counts = (double)has <= most_share * (double)answered;
        float rare = counts ? logf((float)answered / (float)has) : 0;
        for (size_t i = b->starts[f]; i < b->starts[f + 1]; i++) {
            b->weight[i] = rare * (b->weight[i] > 1 ? 1 + logf(b->weight[i]) : 1);
            b->norms[b->model[i]] += b->weight[i] * b->weight[i];
        }
    }
    for (size_t m = 0; m < models; m++)
        b->norms[m] = b->norms[m] > 0 ? 1 / sqrtf(b->norms[m]) : 0;
    for (size_t i = 0; i < b->postings_used; i++)
        b->weight[i] *= b->norms[b->model[i]];
}

static void add_pairs(const struct bench *b, size_t models, float *sums)
{
    for (size_t f = 0; f < b->features; f++) {
        size_t start = b->starts[f], end = b->starts[f + 1];
        if (end - start < 2 || b->weight[start] == 0)
            continue;
        for (size_t i = start + 1; i < end; i++) {
            float *row = sums + b->model[i] * models;
            float weight = b->weight[i];
            for (size_t k = start; k < i; k++)
                row[b->model[k]] += weight * b->weight[k];
        }
    }
}

static bool add_prompt(struct work *w, struct bench *b, size_t prompt, float *sums)
{
    const struct style_corpus *c = w->corpus;
    size_t total = 0, answered = 0;
    for (size_t m = 0; m < c->models; m++) {
        const struct style_text *text = style_text_at(c, prompt, m);
        total += most_runs(w, text, m);
        answered += text->n > 0;
    }
    if (answered < 2)
        return true;
    if (!prepare(b, total, c->models))
        return false;
    for (size_t m = 0; m < c->models; m++) {
        const struct style_text *text = style_text_at(c, prompt, m);
        if (text->tokens)
            count_text(b, w, text, (uint32_t)m);
        else if (text->n > 0)
            count_fingerprint(b, w, text, (uint32_t)m);
    }
    invert(b, c->models, answered, style_grams_kinds[w->kind].most_share);
    add_pairs(b, c->models, sums);
    return true;
}

static void compare_block(void *data, size_t block)
{
    struct work *w = data;
    const struct style_corpus *c = w->corpus;
    float *sums = w->sums + block * c->models * c->models;
    struct bench b = {.slots = NULL};
    memset(sums, 0, c->models * c->models * sizeof *sums);
    for (size_t p = 0; p < c->prompts && !w->failed[block]; p++)
        w->failed[block] = c->block[p] == block && !add_prompt(w, &b, p, sums);
    for (size_t i = 0; i < c->models; i++) /* the lower triangle was filled */
        for (size_t k = 0; k < i; k++)
            sums[k * c->models + i] = sums[i * c->models + k];
    free(b.slots);
    free(b.postings);
    free(b.starts);
    free(b.model);
    free(b.weight);
    free(b.words);
    free(b.hashes);
    free(b.norms);
}

assay_status style_grams_compare(const struct assay_context *context,
                                 const struct style_corpus *corpus, enum style_run_kind kind,
                                 float *sums, struct assay_error *error)
{
    struct work w = {.corpus = corpus, .kind = kind, .sums = sums};
    ASSAY_TRY(
        assay_parallel_for(context, "blocks of prompts", STYLE_BLOCKS, compare_block, &w, error));
    for (size_t i = 0; i < STYLE_BLOCKS; i++)
        if (w.failed[i])
            return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    return ASSAY_OK;
}
