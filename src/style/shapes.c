/* SPDX-License-Identifier: Apache-2.0 */
#include "style/shapes.h"

#include "style/profile.h"

#include <stdlib.h>
#include <string.h>

#define PLAIN_WORDS 150
#define ASCII_MARKS 33
#define RUN 3

struct work {
    const struct style_corpus *corpus;
    struct style_corpus *shapes;
    enum style_shape shape;
    struct style_plain plain;
    uint32_t marks[ASCII_MARKS]; /* tokens of ASCII punctuation */
    size_t mark_count;
    bool *failed;
};

static bool is_odd(const struct work *w, uint32_t token)
{
    enum style_kind kind = style_kind_of(token);
    bool common = kind != STYLE_MARK;
    for (size_t i = 0; i < w->mark_count && !common; i++)
        common = w->marks[i] == token;
    return kind == STYLE_UPPER || kind == STYLE_SYMBOL || !common;
}

/* Shapes are tokens of the plainest kind, so that counting folds nothing. */
static uint32_t as_token(uint64_t hash)
{
    return (uint32_t)(hash >> 20) & STYLE_HASH_MASK;
}

static uint32_t odd_shapes(const struct work *w, const struct style_text *text, uint32_t *to)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < text->n; i++)
        if (is_odd(w, text->tokens[i]))
            to[n++] = as_token(style_mix(51, text->tokens[i]));
    return n;
}

static uint32_t sentence_shapes(const struct work *w, const struct style_text *text, uint32_t *to)
{
    uint32_t last[RUN] = {0}, n = 0;
    for (uint32_t i = 0; i < text->n; i++) {
        uint64_t hash = 52;
        memmove(last, last + 1, (RUN - 1) * sizeof *last);
        last[RUN - 1] = style_masked(text->tokens[i], &w->plain);
        for (size_t k = 0; k < RUN; k++)
            hash = style_mix(hash, last[k]);
        if (i + 1 >= RUN)
            to[n++] = as_token(hash);
    }
    return n;
}

/* A model's shapes, in the places of its tokens. */
static void sieve(void *data, size_t model)
{
    struct work *w = data;
    const struct style_corpus *c = w->corpus;
    size_t total = 1, used = 0;
    for (size_t p = 0; p < c->prompts; p++)
        total += style_text_at(c, p, model)->tokens ? style_text_at(c, p, model)->n : 0;
    uint32_t *storage = w->shapes->storage[model] = malloc(total * sizeof *storage);
    w->failed[model] = !storage;
    for (size_t p = 0; p < c->prompts && storage; p++) {
        const struct style_text *text = style_text_at(c, p, model);
        if (!text->tokens)
            continue;
        uint32_t n = w->shape == STYLE_SHAPE_ODD ? odd_shapes(w, text, storage + used)
                                                 : sentence_shapes(w, text, storage + used);
        if (n > 0)
            w->shapes->texts[p * c->models + model] = (struct style_text){storage + used, n, 0};
        used += n;
    }
}

static void find_marks(struct work *w)
{
    for (char c = '!'; c < 0x7F; c++) {
        uint32_t token;
        if (style_tokenise(&c, 1, &token) == 1 && style_kind_of(token) == STYLE_MARK)
            w->marks[w->mark_count++] = token;
    }
}

assay_status style_shapes_make(const struct assay_context *context,
                               const struct style_corpus *corpus, enum style_shape shape,
                               struct style_corpus *shapes, struct assay_error *error)
{
    struct work w = {.corpus = corpus, .shapes = shapes, .shape = shape};
    size_t n = corpus->models, cells = n * corpus->prompts; /* the corpus has as many */
    assay_status status = ASSAY_OK;
    *shapes = (struct style_corpus){.models = n, .prompts = corpus->prompts};
    if (shape == STYLE_SHAPE_SENTENCES)
        ASSAY_TRY(style_plain_words(context, corpus, PLAIN_WORDS, &w.plain, error));
    find_marks(&w);
    shapes->texts = calloc(cells + 1, sizeof *shapes->texts);
    shapes->storage = calloc(n + 1, sizeof *shapes->storage);
    shapes->block = malloc(corpus->prompts + 1);
    shapes->fingerprints = calloc(n + 1, sizeof *shapes->fingerprints);
    w.failed = calloc(n + 1, sizeof *w.failed);
    bool good =
        shapes->texts && shapes->storage && shapes->block && shapes->fingerprints && w.failed;
    if (good) {
        memcpy(shapes->block, corpus->block, corpus->prompts);
        status = assay_parallel_for(context, "shapes", n, sieve, &w, error);
    }
    for (size_t i = 0; i < n && good; i++)
        good = !w.failed[i];
    free(w.failed);
    if (status == ASSAY_OK && !good)
        status = assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    if (status != ASSAY_OK)
        style_corpus_free(shapes);
    return status;
}
