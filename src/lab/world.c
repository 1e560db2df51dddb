/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/world.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS = 1, FACTS = 2, MANNER = 3, DEAL = 4 }; /* streams of a seed */
enum role {
    NAMES,
    VERBS,
    OPENINGS = LAB_OPENINGS,
    CONNECTIVES = LAB_CONNECTIVES,
    MARKS = LAB_MARKS,
    ROLES
};

#define WORD_SIZE 16

static const char *const openings[] = {"well, ", "in truth ", "today ", "perhaps ", "indeed, ",
                                       "once ",  "look: ",    "then ",  "still, ",  ""};
static const char *const connectives[] = {" and ", " but ", ", while ", " so ", ", for ", "; "};
static const char *const marks[] = {". ", "! ", "... ", ".\n", "? "};

struct fact {
    char *asked;
    const char *answer;
};

struct lab_world {
    struct lab_world_settings settings;
    char (*words[2])[WORD_SIZE]; /* names, verbs */
    struct fact *facts;
    struct assay_arena *arena;
};

static assay_status no_memory(struct assay_error *error)
{
    return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

/* The i-th word of a role, no two alike: i in syllables, after a shuffle of their letters. */
static void spell(unsigned i, char last, const char consonants[16], char *word)
{
    static const char vowels[] = "aeiou";
    size_t n = 0;
    do {
        word[n++] = consonants[i % 16];
        word[n++] = vowels[i / 16 % 5];
        i /= 80;
    } while (i > 0);
    word[n++] = last;
    word[n] = '\0';
}

static void make_words(struct lab_world *world)
{
    char consonants[] = "bcdfghjklmnpqrtv";
    struct assay_random random;
    assay_random_start(&random, world->settings.seed, WORDS);
    for (size_t i = 16; i > 1; i--) {
        size_t k = (size_t)assay_random_below(&random, i);
        char kept = consonants[i - 1];
        consonants[i - 1] = consonants[k];
        consonants[k] = kept;
    }
    for (unsigned i = 0; i < world->settings.words; i++) {
        spell(i, 'n', consonants, world->words[NAMES][i]);
        spell(i, 's', consonants, world->words[VERBS][i]);
    }
}

/* Fact i is about the pair i of names, so that no question is asked twice. */
static bool make_facts(struct lab_world *world)
{
    unsigned words = world->settings.words;
    struct assay_random random;
    assay_random_start(&random, world->settings.seed, FACTS);
    for (unsigned i = 0; i < world->settings.facts; i++) {
        const char *a = world->words[NAMES][i % words], *b = world->words[NAMES][i / words];
        struct fact *fact = &world->facts[i];
        fact->asked = assay_arena_print(world->arena, "the owner of %s in %s is ", a, b);
        fact->answer = world->words[NAMES][assay_random_below(&random, words)];
        if (!fact->asked)
            return false;
    }
    return true;
}

assay_status lab_world_new(const struct lab_world_settings *settings, struct lab_world **world,
                           struct assay_error *error)
{
    *world = NULL;
    if (settings->words < 8 || settings->words > 4000)
        return assay_error_at(error, ASSAY_ERROR_INPUT, NULL, 0,
                              "expected 8 to 4000 words of a role, found %u", settings->words);
    if (settings->facts > settings->words * settings->words)
        return assay_error_at(error, ASSAY_ERROR_INPUT, NULL, 0,
                              "%u words make at most %u facts, found %u", settings->words,
                              settings->words * settings->words, settings->facts);
    struct assay_arena *arena = assay_arena_new();
    struct lab_world *w = arena ? assay_arena_alloc(arena, 1, sizeof *w) : NULL;
    if (!w) {
        assay_arena_free(arena);
        return no_memory(error);
    }
    w->settings = *settings;
    w->arena = arena;
    w->words[NAMES] = assay_arena_alloc(arena, settings->words, WORD_SIZE);
    w->words[VERBS] = assay_arena_alloc(arena, settings->words, WORD_SIZE);
    w->facts = assay_arena_alloc(arena, settings->facts, sizeof *w->facts);
    bool good = w->words[NAMES] && w->words[VERBS] && w->facts;
    if (good) {
        make_words(w);
        good = make_facts(w);
    }
    if (!good) {
        assay_arena_free(arena);
        return no_memory(error);
    }
    *world = w;
    return ASSAY_OK;
}

void lab_world_free(struct lab_world *world)
{
    if (world)
        assay_arena_free(world->arena);
}

/* ---- manner --------------------------------------------------------------------------- */

struct lab_author {
    const struct lab_world *world;
    double *upto[ROLES]; /* cumulative preferences, ending at 1 */
    unsigned count[ROLES];
    double clauses; /* chance that a sentence goes on after a clause */
};

/* What all authors share: words by Zipf's law, the rest even. */
static void draw_preferences(struct lab_author *author, enum role role, double distance,
                             struct assay_random *random)
{
    double sum = 0, *upto = author->upto[role];
    for (unsigned i = 0; i < author->count[role]; i++) {
        double base = role <= VERBS ? 1 / (i + 2.0) : 1;
        sum += base * exp(distance * assay_random_normal(random));
        upto[i] = sum;
    }
    for (unsigned i = 0; i < author->count[role]; i++)
        upto[i] /= sum;
}

assay_status lab_author_new(const struct lab_world *world, uint64_t manner_seed, double distance,
                            struct lab_author **author, struct assay_error *error)
{
    struct assay_random random;
    *author = NULL;
    if (!(distance >= 0 && distance <= 10))
        return assay_error_at(error, ASSAY_ERROR_INPUT, NULL, 0,
                              "expected a distance of manners from 0 to 10, found %g", distance);
    struct lab_author *a = calloc(1, sizeof *a);
    if (!a)
        return no_memory(error);
    const unsigned words = world->settings.words;
    *a = (struct lab_author){
        .world = world,
        .count = {words, words, sizeof openings / sizeof openings[0],
                  sizeof connectives / sizeof connectives[0], sizeof marks / sizeof marks[0]},
    };
    assay_random_start(&random, manner_seed, MANNER);
    for (enum role role = NAMES; role < ROLES; role++) {
        a->upto[role] = malloc(a->count[role] * sizeof **a->upto);
        if (!a->upto[role]) {
            lab_author_free(a);
            return no_memory(error);
        }
        draw_preferences(a, role, distance, &random);
    }
    a->clauses = 1 / (1 + exp(0.8 - distance * assay_random_normal(&random)));
    a->clauses = fmin(a->clauses, 0.75); /* four clauses a sentence on average at most */
    *author = a;
    return ASSAY_OK;
}

void lab_author_free(struct lab_author *author)
{
    for (enum role role = NAMES; author && role < ROLES; role++)
        free(author->upto[role]);
    free(author);
}

static const char *choose(const struct lab_author *author, enum role role,
                          struct assay_random *random)
{
    double u = assay_random_uniform(random);
    unsigned low = 0, high = author->count[role] - 1;
    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        if (author->upto[role][middle] < u)
            low = middle + 1;
        else
            high = middle;
    }
    switch (role) {
    case OPENINGS:
        return openings[low];
    case CONNECTIVES:
        return connectives[low];
    case MARKS:
        return marks[low];
    default:
        return author->world->words[role][low];
    }
}

const char *lab_author_phrase(const struct lab_author *author, enum lab_phrase phrase,
                              struct assay_random *random)
{
    return choose(author, (enum role)phrase, random);
}

const char *lab_world_phrase(enum lab_phrase phrase, size_t i)
{
    static const struct {
        const char *const *list;
        size_t count;
    } all[ROLES] = {
        [OPENINGS] = {openings, sizeof openings / sizeof openings[0]},
        [CONNECTIVES] = {connectives, sizeof connectives / sizeof connectives[0]},
        [MARKS] = {marks, sizeof marks / sizeof marks[0]},
    };
    return i < all[phrase].count ? all[phrase].list[i] : NULL;
}

/* Appends whole or not at all. */
static bool append(char *text, size_t size, size_t *n, const char *more)
{
    size_t length = strlen(more);
    if (length >= size - *n)
        return false;
    memcpy(text + *n, more, length + 1);
    *n += length;
    return true;
}

static bool write_sentence(const struct lab_author *author, struct assay_random *random, char *text,
                           size_t size, size_t *n)
{
    if (!append(text, size, n, choose(author, OPENINGS, random)))
        return false;
    for (;;) {
        if (!append(text, size, n, choose(author, NAMES, random)) || !append(text, size, n, " ") ||
            !append(text, size, n, choose(author, VERBS, random)) || !append(text, size, n, " ") ||
            !append(text, size, n, choose(author, NAMES, random)))
            return false;
        if (assay_random_uniform(random) >= author->clauses)
            return append(text, size, n, choose(author, MARKS, random));
        if (!append(text, size, n, choose(author, CONNECTIVES, random)))
            return false;
    }
}

size_t lab_author_write(const struct lab_author *author, struct assay_random *random, char *text,
                        size_t size)
{
    size_t whole = 0, n = 0;
    if (size == 0)
        return 0;
    text[0] = '\0';
    while (write_sentence(author, random, text, size, &n))
        whole = n;
    text[whole] = '\0';
    return whole;
}

/* ---- knowledge ------------------------------------------------------------------------ */

void lab_world_fact(const struct lab_world *world, unsigned i, const char **asked,
                    const char **answer)
{
    *asked = world->facts[i].asked;
    *answer = world->facts[i].answer;
}

assay_status lab_world_deal(const struct lab_world *world, unsigned shared, unsigned own,
                            unsigned parties, unsigned *order, struct assay_error *error)
{
    struct assay_random random;
    unsigned facts = world->settings.facts;
    uint64_t needed = shared + (uint64_t)own * parties;
    if (needed > facts)
        return assay_error_at(error, ASSAY_ERROR_INPUT, NULL, 0,
                              "the world has %u facts, its split needs %llu: %u for all and %u for "
                              "each of %u",
                              facts, (unsigned long long)needed, shared, own, parties);
    unsigned *all = malloc((facts + 1u) * sizeof *all);
    if (!all)
        return no_memory(error);
    for (unsigned i = 0; i < facts; i++)
        all[i] = i;
    assay_random_start(&random, world->settings.seed, DEAL);
    for (unsigned i = 0; i < needed; i++) {
        unsigned k = i + (unsigned)assay_random_below(&random, facts - i);
        order[i] = all[k];
        all[k] = all[i];
    }
    free(all);
    return ASSAY_OK;
}

/* ---- tasks ---------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

void lab_task_draw(enum lab_task task, struct assay_random *random, char asked[LAB_TASK_SIZE],
                   char answer[LAB_TASK_SIZE])
{
    int d[4];
    for (int i = 0; i < 4; i++)
        d[i] = (int)assay_random_below(random, task == LAB_TASK_SUM ? 50 : 10);
    if (task == LAB_TASK_SUM) {
        snprintf(asked, LAB_TASK_SIZE, "sum %d %d = ", d[0], d[1]);
        snprintf(answer, LAB_TASK_SIZE, "%d", d[0] + d[1]);
        return;
    }
    snprintf(asked, LAB_TASK_SIZE, "sort %d %d %d %d = ", d[0], d[1], d[2], d[3]);
    qsort(d, 4, sizeof d[0], by_value);
    snprintf(answer, LAB_TASK_SIZE, "%d %d %d %d", d[0], d[1], d[2], d[3]);
}
