/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared runs, prompt by prompt: every window of `least` bytes of the suspect's answer stands in
 * a hash table (Karp and Rabin 1987); each other answer is rolled over it, every hit is compared
 * byte by byte and followed to its end.
 */
#include "style/itself.h"

#include <assay/style.h>

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define BASE UINT64_C(0x100000001B3)
#define POPULATION_SHARE 20 /* one in so many of the others may have a run that counts */
#define MOST_ALIKE                                                                                 \
    16 /* places of one window that are remembered: "aaaa..." has as many as                       \
          it is long */

struct found {
    uint32_t bytes, start; /* the longest run, in the suspect's normal text; 0: none */
    uint32_t characters, others;
};

struct work {
    struct assay_responses *suspect;
    struct assay_responses *const *models;
    size_t count, least;
    bool *itself;        /* by model: the suspect's own set, not compared */
    struct found *found; /* [prompt * count + model] */
    bool *failed;        /* by prompt */
};

static const struct assay_answer *answer_of(const struct assay_responses *r, const char *key)
{
    size_t low = 0, high = r->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(r->answers[middle].key, key);
        if (order == 0)
            return &r->answers[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* White space made one, ends trimmed. */
static unsigned char *normal(const struct assay_answer *a, size_t *size)
{
    unsigned char *out = malloc(a->bytes + 1);
    size_t n = 0;
    for (size_t i = 0; out && i < a->bytes; i++) {
        unsigned char c = (unsigned char)a->text[i];
        if (!isspace(c))
            out[n++] = c;
        else if (n > 0 && out[n - 1] != ' ')
            out[n++] = ' ';
    }
    *size = n > 0 && out[n - 1] == ' ' ? n - 1 : n;
    return out;
}

/* ---- windows of the suspect's answer --------------------------------------------------- */

struct windows {
    const unsigned char *text;
    size_t size, count, least, mask;
    uint64_t *hashes; /* by start */
    uint32_t *slots;  /* start + 1; 0: free */
    uint32_t *having; /* models that have the window, by start */
};

static uint64_t first_hash(const unsigned char *text, size_t least)
{
    uint64_t hash = 0;
    for (size_t i = 0; i < least; i++)
        hash = hash * BASE + text[i] + 1;
    return hash;
}

static uint64_t roll(uint64_t hash, uint64_t power, unsigned char out, unsigned char in)
{
    return (hash - power * ((uint64_t)out + 1)) * BASE + in + 1;
}

static uint64_t power_of(size_t least)
{
    uint64_t power = 1;
    for (size_t i = 1; i < least; i++)
        power *= BASE;
    return power;
}

static size_t slot_of(const struct windows *w, uint64_t hash)
{
    return (size_t)((hash ^ hash >> 29) * UINT64_C(0x9E3779B97F4A7C15) >> 20) & w->mask;
}

static bool index_windows(struct windows *w)
{
    size_t room = 16;
    w->count = w->size - w->least + 1;
    while (room < 2 * w->count)
        room *= 2;
    w->mask = room - 1;
    w->hashes = malloc(w->count * sizeof *w->hashes);
    w->slots = calloc(room, sizeof *w->slots);
    w->having = calloc(w->count, sizeof *w->having);
    if (!w->hashes || !w->slots || !w->having)
        return false;
    uint64_t hash = first_hash(w->text, w->least), power = power_of(w->least);
    for (size_t i = 0; i < w->count; i++) {
        size_t at = slot_of(w, hash), alike = 0;
        for (; w->slots[at]; at = (at + 1) & w->mask)
            alike += w->hashes[w->slots[at] - 1] == hash;
        w->hashes[i] = hash;
        if (alike < MOST_ALIKE)
            w->slots[at] = (uint32_t)(i + 1);
        if (i + 1 < w->count)
            hash = roll(hash, power, w->text[i], w->text[i + w->least]);
    }
    return true;
}

/* ---- runs ---------------------------------------------------------------------------- */

struct run {
    uint32_t start, bytes; /* in the suspect's text */
};

struct runs {
    struct run *list;
    size_t n, room;
};

static bool add_run(struct runs *runs, struct run run)
{
    if (runs->n == runs->room) {
        size_t room = runs->room ? 2 * runs->room : 16;
        struct run *list = realloc(runs->list, room * sizeof *list);
        if (!list)
            return false;
        runs->list = list;
        runs->room = room;
    }
    runs->list[runs->n++] = run;
    return true;
}

/* The longest run that begins with this window of the other text; bytes 0 if none does. */
static struct run longest_from(const struct windows *w, uint64_t hash, const unsigned char *text,
                               size_t left)
{
    struct run best = {0, 0};
    for (size_t at = slot_of(w, hash); w->slots[at]; at = (at + 1) & w->mask) {
        size_t start = w->slots[at] - 1, n = 0;
        if (w->hashes[start] != hash)
            continue;
        while (n < left && start + n < w->size && w->text[start + n] == text[n])
            n++;
        if (n >= w->least && n > best.bytes)
            best = (struct run){(uint32_t)start, (uint32_t)n};
    }
    return best;
}

/* Every run of the other text that stands in the suspect's, from left to right; what a run has
 * covered is not looked at again, so that a copied page costs no more than its length. */
static bool match(struct windows *w, const unsigned char *text, size_t size, struct runs *runs)
{
    uint64_t power = power_of(w->least);
    size_t i = 0;
    while (i + w->least <= size) {
        uint64_t hash = first_hash(text + i, w->least);
        struct run run = {0, 0};
        while (!(run = longest_from(w, hash, text + i, size - i)).bytes && i + w->least < size) {
            hash = roll(hash, power, text[i], text[i + w->least]);
            i++;
        }
        if (!run.bytes)
            break;
        if (!add_run(runs, run))
            return false;
        i += run.bytes - w->least + 1;
    }
    return true;
}

/* ---- one prompt ---------------------------------------------------------------------- */

static uint32_t characters(const unsigned char *text, size_t bytes)
{
    uint32_t n = 0;
    for (size_t i = 0; i < bytes; i++)
        n += (text[i] & 0xC0) != 0x80;
    return n;
}

/* Adds one to the windows of the runs, each window once a model. */
static void count_windows(struct windows *w, const struct runs *runs, uint32_t *last,
                          uint32_t model)
{
    for (size_t r = 0; r < runs->n; r++)
        for (size_t i = runs->list[r].start;
             i + w->least <= runs->list[r].start + runs->list[r].bytes; i++) {
            w->having[i] += last[i] != model;
            last[i] = model;
        }
}

/* The longest run with a window that few have. */
static struct found longest(const struct windows *w, const struct runs *runs, uint32_t most_others)
{
    struct found best = {0, 0, 0, 0};
    for (size_t r = 0; r < runs->n; r++) {
        const struct run *run = &runs->list[r];
        uint32_t least_having = UINT32_MAX, length = characters(w->text + run->start, run->bytes);
        for (size_t i = run->start; i + w->least <= run->start + run->bytes; i++)
            least_having = w->having[i] < least_having ? w->having[i] : least_having;
        if (length >= w->least && least_having - 1 <= most_others && length > best.characters)
            best = (struct found){run->bytes, run->start, length, least_having - 1};
    }
    return best;
}

static bool compare_prompt(struct work *w, size_t prompt, struct windows *windows,
                           struct runs *runs)
{
    const char *key = w->suspect->answers[prompt].key;
    uint32_t *last = calloc(windows->count, sizeof *last); /* model + 1 that a window had last */
    bool good = last != NULL;
    for (size_t m = 0; m < w->count && good; m++) {
        const struct assay_answer *a = w->itself[m] ? NULL : answer_of(w->models[m], key);
        size_t size = 0;
        unsigned char *text = a ? normal(a, &size) : NULL;
        good = !a || (text && match(windows, text, size, &runs[m]));
        count_windows(windows, &runs[m], last, (uint32_t)m + 1);
        free(text);
    }
    uint32_t most_others = (uint32_t)(w->count / POPULATION_SHARE);
    for (size_t m = 0; m < w->count && good; m++)
        w->found[prompt * w->count + m] = longest(windows, &runs[m], most_others);
    free(last);
    return good;
}

static void look_at_prompt(void *data, size_t prompt)
{
    struct work *w = data;
    struct windows windows = {.least = w->least};
    unsigned char *text = normal(&w->suspect->answers[prompt], &windows.size);
    struct runs *runs = calloc(w->count + 1, sizeof *runs);
    windows.text = text;
    w->failed[prompt] = !text || !runs;
    if (text && runs && windows.size >= w->least && windows.size < UINT32_MAX / 2)
        w->failed[prompt] = !index_windows(&windows) || !compare_prompt(w, prompt, &windows, runs);
    for (size_t m = 0; runs && m < w->count; m++)
        free(runs[m].list);
    free(runs);
    free(text);
    free(windows.hashes);
    free(windows.slots);
    free(windows.having);
}

/* ---- summing up ---------------------------------------------------------------------- */

static bool keep_example(const struct work *w, struct assay_style_copies *r, size_t prompt,
                         const struct found *f, struct assay_style_copy *copy)
{
    size_t at = copy->example_count, size = 0;
    while (at > 0 && copy->examples[at - 1].characters < f->characters)
        at--;
    if (at == ASSAY_STYLE_EXAMPLES)
        return true;
    unsigned char *text = normal(&w->suspect->answers[prompt], &size);
    struct assay_style_run run = {
        assay_arena_copy(r->arena, w->suspect->answers[prompt].key),
        text ? assay_arena_copy_bytes(r->arena, (const char *)text + f->start, f->bytes) : NULL,
        f->characters, f->others};
    free(text);
    if (copy->example_count < ASSAY_STYLE_EXAMPLES)
        copy->example_count++;
    for (size_t i = copy->example_count - 1; i > at; i--)
        copy->examples[i] = copy->examples[i - 1];
    copy->examples[at] = run;
    return run.prompt && run.text;
}

static int by_prompts(const void *a, const void *b)
{
    const struct assay_style_copy *x = a, *y = b;
    if (x->prompts_with_long_runs != y->prompts_with_long_runs)
        return x->prompts_with_long_runs > y->prompts_with_long_runs ? -1 : 1;
    if (x->longest_run_characters != y->longest_run_characters)
        return x->longest_run_characters > y->longest_run_characters ? -1 : 1;
    return strcmp(x->name, y->name);
}

static bool sum_up(const struct work *w, struct assay_style_copies *r)
{
    r->count = 0;
    for (size_t m = 0; m < w->count; m++) {
        struct assay_style_copy *copy = &r->list[r->count];
        if (w->itself[m])
            continue;
        r->count++;
        copy->name = assay_arena_copy(r->arena, w->models[m]->name);
        for (size_t p = 0; p < w->suspect->n; p++) {
            const struct found *f = &w->found[p * w->count + m];
            copy->shared_prompts += answer_of(w->models[m], w->suspect->answers[p].key) != NULL;
            if (f->bytes == 0)
                continue;
            copy->prompts_with_long_runs++;
            if (f->characters > copy->longest_run_characters)
                copy->longest_run_characters = f->characters;
            if (!keep_example(w, r, p, f, copy))
                return false;
        }
        if (!copy->name)
            return false;
    }
    qsort(r->list, r->count, sizeof *r->list, by_prompts);
    return true;
}

static assay_status refuse_fingerprints(const struct assay_responses *suspect,
                                        struct assay_responses *const *models, size_t count,
                                        struct assay_error *error)
{
    for (size_t i = 0; i <= count; i++) {
        const struct assay_responses *set = i < count ? models[i] : suspect;
        if (set->fingerprint)
            return assay_error_at(error, ASSAY_ERROR_INPUT, set->path, 0,
                                  "is a fingerprint: to find copies, give its texts");
    }
    return ASSAY_OK;
}

assay_status assay_style_copies_find(const struct assay_context *context,
                                     struct assay_responses *suspect,
                                     struct assay_responses *const *models, size_t count,
                                     size_t least, struct assay_style_copies *copies,
                                     struct assay_error *error)
{
    size_t cells = 0;
    struct work w = {.suspect = suspect, .models = models, .count = count, .least = least};
    *copies = (struct assay_style_copies){.least = least, .count = count};
    if (least < 20 || least > 100000 || count == 0)
        return assay_error_at(error, ASSAY_ERROR_INPUT, NULL, 0,
                              "expected candidates and runs of 20 to 100000 characters, found %zu "
                              "and %zu",
                              count, least);
    ASSAY_TRY(refuse_fingerprints(suspect, models, count, error));
    copies->arena = assay_arena_new();
    if (copies->arena)
        copies->list = assay_arena_alloc(copies->arena, count, sizeof *copies->list);
    if (assay_size_multiply(suspect->n, count, &cells))
        w.found = calloc(cells + 1, sizeof *w.found);
    w.failed = calloc(suspect->n + 1, sizeof *w.failed);
    w.itself = calloc(count + 1, sizeof *w.itself);
    for (size_t m = 0; w.itself && m < count; m++)
        w.itself[m] = style_is_itself(suspect, models[m]);
    assay_status status = ASSAY_OK;
    bool good = copies->list && w.found && w.failed && w.itself;
    if (good)
        status = assay_parallel_for(context, "prompts", suspect->n, look_at_prompt, &w, error);
    for (size_t p = 0; p < suspect->n && good; p++)
        good = !w.failed[p];
    good = good && (status != ASSAY_OK || sum_up(&w, copies));
    free(w.found);
    free(w.failed);
    free(w.itself);
    if (!good)
        status = assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    if (status != ASSAY_OK)
        assay_style_copies_free(copies);
    return status;
}

void assay_style_copies_free(struct assay_style_copies *copies)
{
    assay_arena_free(copies->arena);
    *copies = (struct assay_style_copies){.count = 0};
}
