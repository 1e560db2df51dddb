/* SPDX-License-Identifier: Apache-2.0 */
/* What answers say of their writer in plain words: names, refusals, languages. */
#include <assay/style.h>

#include "base/csv.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define REACH 160        /* bytes of a sentence after the words that speak of oneself */
#define REFUSAL_HEAD 200 /* bytes in which a refusal is looked for */
#define MOST_EXAMPLE 200
#define LOOKED_AT 16384 /* bytes of an answer in which names are looked for */

static bool same_letter(char a, char b)
{
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* Where `word` stands in `text`, no letter or digit beside it; letters' case is no matter. */
static const char *find_word(const char *text, size_t size, const char *word)
{
    size_t n = strlen(word);
    for (size_t i = 0; i + n <= size; i++) {
        size_t k = 0;
        while (k < n && same_letter(text[i + k], word[k]))
            k++;
        if (k == n && (i == 0 || (!isalnum((unsigned char)text[i - 1]) && text[i - 1] != '-')) &&
            (i + n == size || !isalnum((unsigned char)text[i + n])))
            return text + i;
    }
    return NULL;
}

/* ---- names --------------------------------------------------------------------------- */

static size_t sentence_length(const char *text, size_t size)
{
    size_t n = 0;
    for (; n < size && n < REACH; n++)
        if (text[n] == '\n' || text[n] == '!' || text[n] == '?' ||
            (text[n] == '.' && (n + 1 == size || isspace((unsigned char)text[n + 1]))))
            break;
    return n;
}

/* The next sentence part in which the answer speaks of itself, from `at`; NULL: none. */
static const char *speaks_of_itself(const char *at, const char *end)
{
    static const char *const words[] = {
        "I am",    "I'm",           "I\xE2\x80\x99m",  "as an AI",
        "my name", "I was trained", "I was developed", "I was created"};
    const char *first = NULL;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        const char *found = find_word(at, (size_t)(end - at), words[i]);
        if (found && (!first || found < first))
            first = found;
    }
    return first;
}

struct names {
    const struct csv *csv;
    int name, maker;
};

static bool note(struct assay_style_says *says, struct assay_arena *arena, const char *maker,
                 const char *sentence, size_t length)
{
    for (size_t i = 0; i < says->name_count; i++)
        if (strcmp(says->names[i].maker, maker) == 0) {
            says->names[i].answers++;
            return true;
        }
    struct assay_style_name *n = &says->names[says->name_count++];
    n->maker = assay_arena_copy(arena, maker);
    n->example =
        assay_arena_copy_bytes(arena, sentence, length < MOST_EXAMPLE ? length : MOST_EXAMPLE);
    n->answers = 1;
    return n->maker && n->example;
}

/* Each maker counts once in an answer. */
static bool find_names(const struct names *names, const struct assay_answer *a, size_t *last_answer,
                       struct assay_style_says *says, struct assay_arena *arena)
{
    const char *end = a->text + (a->bytes < LOOKED_AT ? a->bytes : LOOKED_AT), *at = a->text;
    for (; (at = speaks_of_itself(at, end)) != NULL; at += 2) {
        size_t length = sentence_length(at, (size_t)(end - at));
        for (size_t i = 0; i < names->csv->count; i++) {
            const struct csv_row *row = &names->csv->rows[i];
            size_t maker = i; /* the first row of the same maker stands for it */
            if (!find_word(at, length, row->cells[names->name]))
                continue;
            while (maker > 0 && strcmp(names->csv->rows[maker - 1].cells[names->maker],
                                       row->cells[names->maker]) == 0)
                maker--;
            if (last_answer[maker] == a->order + 1)
                continue;
            last_answer[maker] = a->order + 1;
            if (!note(says, arena, row->cells[names->maker], at, length))
                return false;
        }
    }
    return true;
}

static bool is_refusal(const struct assay_answer *a)
{
    static const char *const words[] = {"I'm sorry, but",
                                        "I am sorry, but",
                                        "I apologize, but",
                                        "Sorry, but",
                                        "I cannot",
                                        "I can't",
                                        "I\xE2\x80\x99m sorry, but",
                                        "I\xE2\x80\x99m unable",
                                        "I'm unable",
                                        "I am unable",
                                        "I am not able",
                                        "I'm not able",
                                        "as an AI"};
    size_t size = a->bytes < REFUSAL_HEAD ? a->bytes : REFUSAL_HEAD;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (find_word(a->text, size, words[i]))
            return true;
    return false;
}

/* ---- languages ----------------------------------------------------------------------- */

enum { ENGLISH, GERMAN, FRENCH, SPANISH, ITALIAN, PORTUGUESE, DUTCH, LATIN_LANGUAGES };

static const struct {
    const char *name;
    const char *words; /* frequent, and rare in the others; apart by spaces */
} latin[LATIN_LANGUAGES] = {
    [ENGLISH] = {"English", " the and of is that you with for this are "},
    [GERMAN] = {"German", " der und ist nicht das ein mit sie auf sich "},
    [FRENCH] = {"French", " le les et des est une dans pour vous qui "},
    [SPANISH] = {"Spanish", " el los y las es que una para con su "},
    [ITALIAN] = {"Italian", " il di che della per sono gli nel anche non "},
    [PORTUGUESE] = {"Portuguese", " o os e uma para com mais ao voc\xC3\xAA n\xC3\xA3o "},
    [DUTCH] = {"Dutch", " het een van en dat niet zijn voor op je "},
};

/* By the first and last code point. */
static const struct {
    const char *name;
    uint32_t first, last;
} scripts[] = {{"Greek", 0x370, 0x3FF},
               {"Cyrillic script", 0x400, 0x52F},
               {"Hebrew", 0x590, 0x5FF},
               {"Arabic script", 0x600, 0x6FF},
               {"Devanagari script", 0x900, 0x97F},
               {"Thai", 0xE00, 0xE7F},
               {"Japanese", 0x3040, 0x30FF},
               {"Chinese", 0x4E00, 0x9FFF},
               {"Korean", 0xAC00, 0xD7AF}};

#define SCRIPTS (sizeof scripts / sizeof scripts[0])

static const char *latin_language(const char *text, size_t size)
{
    size_t hits[LATIN_LANGUAGES] = {0}, best = ENGLISH, second = 0;
    for (size_t at = 0; at < size;) {
        char word[24] = " ";
        size_t n = 1;
        while (at < size && (isalpha((unsigned char)text[at]) || (unsigned char)text[at] >= 0x80)) {
            if (n < sizeof word - 2)
                word[n++] = (char)tolower((unsigned char)text[at]);
            at++;
        }
        word[n] = ' ';
        word[n + 1] = 0;
        for (size_t l = 0; n > 1 && l < LATIN_LANGUAGES; l++)
            hits[l] += strstr(latin[l].words, word) != NULL;
        at += n == 1;
    }
    for (size_t l = 0; l < LATIN_LANGUAGES; l++)
        best = hits[l] > hits[best] ? l : best;
    for (size_t l = 0; l < LATIN_LANGUAGES; l++)
        second = l != best && hits[l] > second ? hits[l] : second;
    return hits[best] >= 2 && hits[best] > second ? latin[best].name : "Latin script";
}

static const char *language_of(const struct assay_answer *a)
{
    size_t letters = 0, counts[SCRIPTS] = {0}, best = 0, others = 0;
    const unsigned char *at = (const unsigned char *)a->text, *end = at + a->bytes;
    while (at < end) {
        size_t n = *at < 0x80 ? 1 : *at < 0xE0 ? 2 : *at < 0xF0 ? 3 : 4;
        uint32_t c = *at & (n == 1 ? 0x7Fu : 0xFFu >> (n + 1));
        for (size_t i = 1; i < n && at + i < end; i++)
            c = c << 6 | (at[i] & 0x3F);
        letters += n == 1 ? isalpha((int)c) != 0 : c >= 0xC0 && c < 0x250;
        for (size_t s = 0; s < SCRIPTS; s++)
            counts[s] += c >= scripts[s].first && c <= scripts[s].last;
        at += n;
    }
    for (size_t s = 0; s < SCRIPTS; s++) {
        others += counts[s];
        best = counts[s] > counts[best] ? s : best;
    }
    if (letters + others == 0)
        return "no letters";
    if (others * 4 <= letters) /* a letter of these scripts is worth several */
        return latin_language(a->text, a->bytes);
    /* Japanese is written with Chinese characters as well */
    return counts[6] * 10 > counts[7] && counts[6] > 0 && best == 7 ? scripts[6].name
                                                                    : scripts[best].name;
}

static void count_language(struct assay_style_says *says, const char *language)
{
    size_t i = 0;
    while (i < says->language_count && strcmp(says->languages[i].name, language) != 0)
        i++;
    if (i == ASSAY_STYLE_LANGUAGES)
        return;
    says->languages[i].name = language;
    says->languages[i].answers++;
    says->language_count += i == says->language_count;
}

/* ---- the whole ----------------------------------------------------------------------- */

static int by_answers(const void *a, const void *b)
{
    const struct assay_style_name *x = a, *y = b;
    return (x->answers < y->answers) - (x->answers > y->answers);
}

static int by_count(const void *a, const void *b)
{
    const struct assay_style_language *x = a, *y = b;
    return (x->answers < y->answers) - (x->answers > y->answers);
}

static assay_status look(const struct assay_responses *set, const struct names *names,
                         struct assay_arena *arena, struct assay_style_says *says,
                         struct assay_error *error)
{
    size_t *last = calloc(names->csv->count + 1, sizeof *last);
    says->names = assay_arena_alloc(arena, names->csv->count + 1, sizeof *says->names);
    bool good = last && says->names;
    for (size_t i = 0; i < set->n && good; i++) {
        const struct assay_answer *a = &set->answers[i];
        good = find_names(names, a, last, says, arena);
        says->refusals += is_refusal(a);
        count_language(says, language_of(a));
    }
    free(last);
    if (!good)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    qsort(says->names, says->name_count, sizeof *says->names, by_answers);
    qsort(says->languages, says->language_count, sizeof *says->languages, by_count);
    return ASSAY_OK;
}

assay_status assay_style_says_read(const struct assay_responses *set, const char *names_path,
                                   struct assay_arena *arena, struct assay_style_says *says,
                                   struct assay_error *error)
{
    struct csv csv;
    struct assay_arena *own = assay_arena_new();
    *says = (struct assay_style_says){.refusals = 0};
    assay_status status = own ? csv_read(names_path, own, &csv, error)
                              : assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    struct names names = {&csv, -1, -1};
    if (status == ASSAY_OK) {
        names.name = csv_column(&csv, "name");
        names.maker = csv_column(&csv, "maker");
        if (names.name < 0 || names.maker < 0)
            status = assay_error_at(error, ASSAY_ERROR_INPUT, names_path, 1,
                                    "expected the columns name and maker");
    }
    if (status == ASSAY_OK && !set->fingerprint)
        status = look(set, &names, arena, says, error);
    assay_arena_free(own);
    return status;
}
