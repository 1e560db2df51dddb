/* SPDX-License-Identifier: Apache-2.0 */
#include "style/grams.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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
};

struct work {
    const struct style_corpus *corpus;
    const struct style_grams *grams;
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

/* Room for a prompt with `total` tokens in all answers. */
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
            !widen((void **)&b->words, b->posting_room, sizeof *b->words))
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

static void count(struct bench *b, uint64_t hash, uint32_t model)
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
        b->postings[s->posting].count++;
        return;
    }
    s->posting = (uint32_t)b->postings_used;
    b->postings[b->postings_used++] = (struct posting){s->feature, model, 1};
}

static void count_text(struct bench *b, const struct style_grams *g, const struct style_text *text,
                       uint32_t model)
{
    size_t n = 0;
    uint32_t most = g->first && g->first < text->n ? g->first : text->n;
    for (uint32_t i = 0; i < text->n && n < most; i++)
        if (!g->words_only || style_is_word(text->tokens[i]))
            b->words[n++] = style_folded(text->tokens[i]);
    for (size_t i = 0; i + g->order <= n; i++) {
        uint64_t hash = g->order;
        for (unsigned k = 0; k < g->order; k++)
            hash = style_mix(hash, b->words[i + k]);
        count(b, hash, model);
    }
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

static void compare_block(void *data, size_t block)
{
    struct work *w = data;
    const struct style_corpus *c = w->corpus;
    float *sums = w->sums + block * c->models * c->models;
    struct bench b = {.slots = NULL};
    memset(sums, 0, c->models * c->models * sizeof *sums);
    for (size_t p = block; p < c->prompts && !w->failed[block]; p += STYLE_BLOCKS) {
        size_t total = 0, answered = 0;
        for (size_t m = 0; m < c->models; m++) {
            total += style_text_at(c, p, m)->n;
            answered += style_text_at(c, p, m)->n > 0;
        }
        if (answered < 2)
            continue;
        w->failed[block] = !prepare(&b, total, c->models);
        for (size_t m = 0; m < c->models && !w->failed[block]; m++)
            count_text(&b, w->grams, style_text_at(c, p, m), (uint32_t)m);
        if (w->failed[block])
            break;
        invert(&b, c->models, answered, w->grams->most_share);
        add_pairs(&b, c->models, sums);
    }
    for (size_t i = 0; i < c->models; i++) /* the lower triangle was filled */
        for (size_t k = 0; k < i; k++)
            sums[k * c->models + i] = sums[i * c->models + k];
    free(b.slots);
    free(b.postings);
    free(b.starts);
    free(b.model);
    free(b.weight);
    free(b.words);
    free(b.norms);
}

assay_status style_grams_compare(const struct assay_context *context,
                                 const struct style_corpus *corpus, const struct style_grams *grams,
                                 float *sums, struct assay_error *error)
{
    struct work w = {.corpus = corpus, .grams = grams, .sums = sums};
    ASSAY_TRY(
        assay_parallel_for(context, "blocks of prompts", STYLE_BLOCKS, compare_block, &w, error));
    for (size_t i = 0; i < STYLE_BLOCKS; i++)
        if (w.failed[i])
            return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    return ASSAY_OK;
}
