/* SPDX-License-Identifier: Apache-2.0 */
#include "style/classify.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PLAIN_WORDS 150
#define BUCKETS ((size_t)1 << 18)
#define FEWER_BUCKETS ((size_t)1 << 16) /* with very many classes */
#define MANY_CLASSES 250
#define MOST_ANSWERS 24000 /* trained on; each model gives as many as it may */
#define EPOCHS 12
#define FAMILIES 3
#define LONGEST_MASKED 4

/* One feature of an answer. */
struct feature {
    uint32_t bucket;
    float value;
};

struct bag {
    struct feature *list;
    size_t n, room;
};

static bool put(struct bag *bag, uint64_t hash, size_t buckets)
{
    if (bag->n == bag->room) {
        size_t room = bag->room ? 2 * bag->room : 1024;
        struct feature *list = realloc(bag->list, room * sizeof *list);
        if (!list)
            return false;
        bag->list = list;
        bag->room = room;
    }
    hash = (hash ^ hash >> 31) * UINT64_C(0xD6E8FEB86659FD93);
    bag->list[bag->n++] = (struct feature){(uint32_t)(hash >> 32) & (uint32_t)(buckets - 1), 1};
    return true;
}

static int by_bucket(const void *a, const void *b)
{
    const struct feature *x = a, *y = b;
    return (x->bucket > y->bucket) - (x->bucket < y->bucket);
}

/* Counts become (1 + ln count) x rarity. `rarity` NULL: only the buckets are wanted. */
static void finish_family(struct bag *bag, size_t start, const float *rarity)
{
    size_t kept = start;
    double square = 0;
    qsort(bag->list + start, bag->n - start, sizeof *bag->list, by_bucket);
    for (size_t i = start; i < bag->n; i++) {
        if (kept > start && bag->list[kept - 1].bucket == bag->list[i].bucket)
            bag->list[kept - 1].value++;
        else
            bag->list[kept++] = bag->list[i];
    }
    bag->n = kept;
    for (size_t i = start; i < kept && rarity; i++) {
        float v = (1 + logf(bag->list[i].value)) * rarity[bag->list[i].bucket];
        bag->list[i].value = v;
        square += (double)v * (double)v;
    }
    float scale = square > 0 ? (float)(1 / sqrt(square * FAMILIES)) : 0;
    for (size_t i = start; i < kept && rarity; i++)
        bag->list[i].value *= scale;
}

static bool words(const struct style_classifier *c, const struct style_text *text, struct bag *bag)
{
    bool good = true;
    for (uint32_t i = 0; i < text->n && good; i++) {
        good = put(bag, style_mix(1, text->tokens[i]), c->buckets);
        if (i > 0 && good)
            good =
                put(bag, style_mix(style_mix(2, text->tokens[i - 1]), text->tokens[i]), c->buckets);
    }
    return good;
}

static bool sentences(const struct style_classifier *c, const struct style_text *text,
                      struct bag *bag)
{
    uint32_t last[LONGEST_MASKED] = {0};
    bool good = true;
    for (uint32_t i = 0; i < text->n && good; i++) {
        memmove(last + 1, last, (LONGEST_MASKED - 1) * sizeof *last);
        last[0] = style_masked(text->tokens[i], &c->plain);
        uint64_t hash = 16;
        for (uint32_t k = 0; k < LONGEST_MASKED && k <= i && good; k++) {
            hash = style_mix(hash + 1, last[k]);
            good = put(bag, hash, c->buckets);
        }
    }
    return good;
}

static bool shape(const struct style_classifier *c, const struct style_text *text, struct bag *bag)
{
    uint32_t counts[STYLE_SYMBOL + 1] = {0};
    uint64_t head = 32, tail = 33;
    bool good = true;
    for (uint32_t i = 0; i < text->n; i++)
        counts[style_kind_of(text->tokens[i])]++;
    for (uint32_t i = 0; i < 4 && i < text->n && good; i++) {
        head = style_mix(head, text->tokens[i]);
        tail = style_mix(tail, text->tokens[text->n - 1 - i]);
        good = put(bag, head, c->buckets) && put(bag, tail, c->buckets);
    }
    for (int k = 0; k <= STYLE_SYMBOL && good; k++) {
        uint32_t share = (uint32_t)(2 * log2(1 + 1000.0 * counts[k] / text->n));
        good = put(bag, style_mix(style_mix(34, (uint32_t)k), share), c->buckets);
    }
    return good && put(bag, style_mix(35, (uint32_t)(3 * log2(text->n))), c->buckets) &&
           put(bag, style_mix(36, (uint32_t)(2 * log2(1 + counts[STYLE_LINE]))), c->buckets) &&
           put(bag, style_mix(37, (uint32_t)(2 * log2(1 + counts[STYLE_PARAGRAPH]))), c->buckets);
}

static bool extract(const struct style_classifier *c, const struct style_text *text,
                    const float *rarity, struct bag *bag)
{
    bool (*const families[FAMILIES])(const struct style_classifier *, const struct style_text *,
                                     struct bag *) = {words, sentences, shape};
    bag->n = 0;
    for (int f = 0; f < FAMILIES; f++) {
        size_t start = bag->n;
        if (!families[f](c, text, bag))
            return false;
        finish_family(bag, start, rarity);
    }
    return true;
}

/* ---- training ------------------------------------------------------------------------ */

struct answer {
    const struct style_text *text;
    size_t class;
    struct feature *features;
    size_t n;
    float square; /* of its length, the constant included */
};

struct work {
    const struct assay_context *context;
    struct style_classifier *c;
    struct answer *answers;
    size_t n;
    bool *failed;
};

static void extract_answer(void *data, size_t i)
{
    struct work *w = data;
    struct bag bag = {.list = NULL};
    w->failed[i] = !extract(w->c, w->answers[i].text, w->c->rarity, &bag);
    struct feature *fitted =
        w->failed[i] ? NULL : realloc(bag.list, (bag.n + 1) * sizeof *bag.list);
    w->answers[i].features = fitted ? fitted : bag.list;
    w->answers[i].n = bag.n;
    w->answers[i].square = 1;
    for (size_t k = 0; k < bag.n && !w->failed[i]; k++)
        w->answers[i].square += w->answers[i].features[k].value * w->answers[i].features[k].value;
}

static float dot(const float *weights, size_t buckets, const struct answer *a)
{
    float sum = weights[buckets];
    for (size_t i = 0; i < a->n; i++)
        sum += weights[a->features[i].bucket] * a->features[i].value;
    return sum;
}

static void train_class(void *data, size_t class)
{
    struct work *w = data;
    size_t buckets = w->c->buckets;
    float *weights = w->c->weights + class * (buckets + 1);
    float *alpha = calloc(w->n + 1, sizeof *alpha);
    uint32_t *order = malloc((w->n + 1) * sizeof *order);
    struct assay_random random;
    assay_random_start(&random, w->context->seed, class);
    w->failed[class] = !alpha || !order;
    for (size_t i = 0; i < w->n && !w->failed[class]; i++)
        order[i] = (uint32_t)i;
    for (int epoch = 0; epoch < EPOCHS && !w->failed[class]; epoch++) {
        for (size_t i = w->n; i > 1; i--) {
            size_t k = (size_t)assay_random_below(&random, i);
            uint32_t kept = order[i - 1];
            order[i - 1] = order[k];
            order[k] = kept;
        }
        for (size_t at = 0; at < w->n; at++) {
            const struct answer *a = &w->answers[order[at]];
            float side = a->class == class ? 1.0f : -1.0f;
            float gradient =
                side * dot(weights, buckets, a) - 1 + alpha[order[at]] * 0.5f; /* 1 / (2 C) */
            float before = alpha[order[at]];
            float after = before - gradient / (a->square + 0.5f);
            after = after > 0 ? after : 0;
            float step = (after - before) * side;
            alpha[order[at]] = after;
            if (step == 0)
                continue;
            weights[buckets] += step;
            for (size_t k = 0; k < a->n; k++)
                weights[a->features[k].bucket] += step * a->features[k].value;
        }
    }
    free(alpha);
    free(order);
}

/* In how many answers each bucket is. */
static bool measure_rarity(struct work *w)
{
    struct bag bag = {.list = NULL};
    float *rarity = calloc(w->c->buckets, sizeof *rarity);
    bool good = rarity != NULL;
    for (size_t i = 0; i < w->n && good; i++) {
        good = extract(w->c, w->answers[i].text, NULL, &bag);
        for (size_t k = 0; k < bag.n && good; k++)
            rarity[bag.list[k].bucket]++;
    }
    for (size_t b = 0; b < w->c->buckets && good; b++)
        rarity[b] = 1 + logf((float)(1 + w->n) / (1 + rarity[b]));
    free(bag.list);
    w->c->rarity = rarity;
    return good;
}

/* The answers to train on: spread over prompts, as many of each model. */
static bool choose(struct work *w, const struct style_corpus *corpus, const size_t *class_of,
                   const bool use[STYLE_FOLDS])
{
    size_t models = 0;
    for (size_t m = 0; m < corpus->models; m++)
        models += class_of[m] != SIZE_MAX;
    size_t each = models ? MOST_ANSWERS / models : 0;
    w->answers = calloc(MOST_ANSWERS + 1, sizeof *w->answers);
    for (size_t m = 0; m < corpus->models && w->answers; m++) {
        size_t answered = 0, seen = 0, taken = 0;
        for (size_t p = 0; p < corpus->prompts; p++)
            answered += use[p % STYLE_FOLDS] && style_text_at(corpus, p, m)->tokens;
        for (size_t p = 0; p < corpus->prompts && class_of[m] != SIZE_MAX; p++) {
            const struct style_text *text = style_text_at(corpus, p, m);
            if (!use[p % STYLE_FOLDS] || !text->tokens)
                continue;
            /* the k-th is taken when k x each / answered passes a whole number */
            bool take = answered <= each || (seen + 1) * each / answered > taken;
            seen++;
            taken += take;
            if (take && w->n < MOST_ANSWERS)
                w->answers[w->n++] = (struct answer){.text = text, .class = class_of[m]};
        }
    }
    return w->answers != NULL;
}

static assay_status train(const struct assay_context *context, struct work *w,
                          struct assay_error *error)
{
    size_t most = w->n > w->c->classes ? w->n : w->c->classes;
    w->failed = calloc(most + 1, sizeof *w->failed);
    w->c->weights = calloc(w->c->classes * (w->c->buckets + 1), sizeof *w->c->weights);
    bool good = w->failed && w->c->weights && measure_rarity(w);
    if (good)
        ASSAY_TRY(assay_parallel_for(context, "features", w->n, extract_answer, w, error));
    for (size_t i = 0; i < w->n && good; i++)
        good = !w->failed[i];
    if (good)
        ASSAY_TRY(assay_parallel_for(context, "classes", w->c->classes, train_class, w, error));
    for (size_t i = 0; i < w->c->classes && good; i++)
        good = !w->failed[i];
    return good ? ASSAY_OK : assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

assay_status style_classifier_train(const struct assay_context *context,
                                    const struct style_corpus *corpus, const size_t *class_of,
                                    size_t classes, const bool use[STYLE_FOLDS],
                                    struct style_classifier *c, struct assay_error *error)
{
    struct work w = {.context = context, .c = c};
    *c = (struct style_classifier){.classes = classes,
                                   .buckets = classes > MANY_CLASSES ? FEWER_BUCKETS : BUCKETS};
    assay_status status = style_plain_words(context, corpus, PLAIN_WORDS, &c->plain, error);
    if (status == ASSAY_OK)
        status = choose(&w, corpus, class_of, use)
                     ? train(context, &w, error)
                     : assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    for (size_t i = 0; w.answers && i < w.n; i++)
        free(w.answers[i].features);
    free(w.answers);
    free(w.failed);
    if (status != ASSAY_OK)
        style_classifier_free(c);
    return status;
}

void style_classifier_free(struct style_classifier *c)
{
    free(c->weights);
    free(c->rarity);
    *c = (struct style_classifier){.classes = 0};
}

bool style_classifier_margins(const struct style_classifier *c, const struct style_text *text,
                              double *margins)
{
    struct bag bag = {.list = NULL};
    memset(margins, 0, c->classes * sizeof *margins);
    if (!text->tokens)
        return true;
    bool good = extract(c, text, c->rarity, &bag);
    struct answer answer = {.features = bag.list, .n = bag.n};
    for (size_t k = 0; k < c->classes && good; k++)
        margins[k] = (double)dot(c->weights + k * (c->buckets + 1), c->buckets, &answer);
    free(bag.list);
    return good;
}
