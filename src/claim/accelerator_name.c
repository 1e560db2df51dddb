/* SPDX-License-Identifier: Apache-2.0 */
#include "claim/accelerator_name.h"

#include "base/near.h"

#include <assay/claim.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Words that tell the maker or the form, not the kind. */
static const char *const idle_words[] = {
    "nvidia",      "amd",    "intel", "google", "huawei", "amazon",   "aws",
    "habana",      "metax",  "gpu",   "gpus",   "npu",    "instinct", "tesla",
    "accelerator", "tensor", "core",  "card",   "module", "oam",      "cloud",
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter_or_digit(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Copies `name` in lower case with a space for each sign, with or without what is in brackets. */
static bool spread(const char *name, bool brackets, char *words)
{
    int depth = 0;
    size_t n = 0;
    bool some = false;
    for (; *name; name++) {
        depth += *name == '(';
        bool keep = is_letter_or_digit(*name) && (brackets || depth == 0);
        if (n == ACCELERATOR_KEY_SIZE - 1)
            return false;
        words[n++] = !keep ? ' ' : *name >= 'A' && *name <= 'Z' ? (char)(*name + 32) : *name;
        some |= keep;
        depth -= *name == ')' && depth > 0;
    }
    words[n] = '\0';
    return some;
}

/* Bytes of "80gb", or of "80" before a word "gb"; *used tells how many words that took. */
static double memory_of(const char *word, const char *next, int *used)
{
    char *end;
    if (!is_digit(word[0]))
        return 0;
    double number = (double)strtoul(word, &end, 10);
    const char *unit = *end ? end : next;
    *used = *end ? 1 : 2;
    if (!unit)
        return 0;
    if (strcmp(unit, "gb") == 0 || (*end && strcmp(unit, "g") == 0))
        return number * 1e9;
    return strcmp(unit, "gib") == 0 ? number * 1073741824.0 : 0;
}

static bool is_idle(const char *word)
{
    for (size_t i = 0; i < sizeof idle_words / sizeof idle_words[0]; i++)
        if (strcmp(word, idle_words[i]) == 0)
            return true;
    return strncmp(word, "hbm", 3) == 0;
}

bool accelerator_key(const char *name, char key[ACCELERATOR_KEY_SIZE], double *memory_bytes)
{
    char text[ACCELERATOR_KEY_SIZE], *words[ACCELERATOR_KEY_SIZE / 2 + 1], *rest = NULL;
    size_t count = 0, length = 0;
    *memory_bytes = 0;
    key[0] = '\0';
    if (!spread(name, false, text) && !spread(name, true, text))
        return false;
    for (char *word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        words[count++] = word;
    for (size_t i = 0; i < count; i++) {
        int used = 1;
        double memory = memory_of(words[i], i + 1 < count ? words[i + 1] : NULL, &used);
        if (memory > 0) {
            if (*memory_bytes > 0 && fabs(memory - *memory_bytes) > 0)
                return false;
            *memory_bytes = memory;
            i += (size_t)used - 1;
            continue;
        }
        if (is_idle(words[i]))
            continue;
        size_t n = strlen(words[i]);
        if (n == 4 && strncmp(words[i], "sxm", 3) == 0 && is_digit(words[i][3]))
            n = 3;
        memcpy(key + length, words[i], n);
        length += n;
    }
    key[length] = '\0';
    return length > 0;
}

/* ---- the accelerator that a name means --------------------------------------------------- */

/* 2: the alias is for a device with just the memory stated; 1: for any; 0: not this one. */
static int match(const struct assay_accelerator_alias *alias, const char *key, double memory)
{
    if (strcmp(alias->key, key) != 0)
        return 0;
    if (!(alias->memory_bytes > 0))
        return 1;
    return memory > 0 && fabs(memory / alias->memory_bytes - 1) < 0.08 ? 2 : 0; /* GB or GiB */
}

const struct assay_accelerator *assay_accelerator_find(const struct assay_claim_data *data,
                                                       const char *name, double *memory_bytes)
{
    char key[ACCELERATOR_KEY_SIZE];
    double memory = 0;
    int best = 0;
    bool tie = false;
    size_t found = 0;
    if (memory_bytes)
        *memory_bytes = 0;
    if (!name || !accelerator_key(name, key, &memory))
        return NULL;
    for (size_t i = 0; i < data->alias_count; i++) {
        int fit = match(&data->aliases[i], key, memory);
        if (fit > best) {
            tie = false;
            found = data->aliases[i].accelerator;
        } else if (fit == best && fit > 0 && found != data->aliases[i].accelerator) {
            tie = true;
        }
        best = fit > best ? fit : best;
    }
    if (best == 0 || tie)
        return NULL;
    if (memory_bytes)
        *memory_bytes = memory;
    return &data->accelerators[found];
}

void assay_accelerator_near(const struct assay_claim_data *data, const char *name, char *list,
                            size_t size)
{
    size_t used = 0, listed = 0;
    list[0] = '\0';
    for (size_t off = 0; off <= NEAR_MOST; off++)
        for (size_t i = 0; i < data->accelerator_count && listed < 5; i++) {
            const char *other = data->accelerators[i].name;
            if (near_distance(name, other) != off || used + strlen(other) + 3 > size)
                continue;
            used += (size_t)snprintf(list + used, size - used, "%s%s", listed++ ? ", " : "", other);
        }
}
