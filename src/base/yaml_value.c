/* SPDX-License-Identifier: Apache-2.0 */
/* Values taken from YAML nodes: checked, converted, and the keys nobody asked for named. */
#include <assay/base.h>

#include "base/near.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* ---- entries ------------------------------------------------------------------------------- */

/* Remembers that the map was asked for a key that it lacks, for the message about unknown ones. */
static void remember(struct assay_yaml *map, const char *key)
{
    struct assay_yaml **last = &map->absent;
    while (*last && strcmp((*last)->key, key) != 0)
        last = &(*last)->next;
    if (*last)
        return;
    struct assay_yaml *asked = assay_arena_alloc(map->arena, 1, sizeof *asked);
    const char *copy = assay_arena_copy(map->arena, key);
    if (!asked || !copy)
        return; /* the message will be shorter */
    asked->key = copy;
    *last = asked;
}

struct assay_yaml *assay_yaml_get(struct assay_yaml *map, const char *key)
{
    if (!map || map->kind != ASSAY_YAML_MAP)
        return NULL;
    for (struct assay_yaml *entry = map->child; entry; entry = entry->next)
        if (strcmp(entry->key, key) == 0) {
            entry->used = true;
            return entry;
        }
    remember(map, key);
    return NULL;
}

/* What is written in the place of a key that must be there: the nearest that nobody asked for. */
static const struct assay_yaml *slip_of(const struct assay_yaml *map, const char *key)
{
    for (const struct assay_yaml *entry = map->child; entry; entry = entry->next)
        if (!entry->used && near_enough(entry->key, key))
            return entry;
    return NULL;
}

assay_status assay_yaml_need(struct assay_yaml *map, const char *key, struct assay_yaml **node,
                             struct assay_error *error)
{
    if (map->kind != ASSAY_YAML_MAP)
        return assay_error_at(error, ASSAY_ERROR_INPUT, map->file, map->line,
                              "%s: expected a map with \"%s\"", map->key ? map->key : "document",
                              key);
    *node = assay_yaml_get(map, key);
    if (*node)
        return ASSAY_OK;
    const struct assay_yaml *slip = slip_of(map, key);
    if (slip)
        return assay_error_at(error, ASSAY_ERROR_INPUT, slip->file, slip->line,
                              "unknown key \"%.80s\" in %s; did you mean \"%s\", which is missing?",
                              slip->key, map->key ? map->key : "the document", key);
    return assay_error_at(error, ASSAY_ERROR_INPUT, map->file, map->line,
                          "%s%sexpected a key \"%s\", which is missing", map->key ? map->key : "",
                          map->key ? ": " : "", key);
}

/* The known key that is nearest to an unknown one, if any is near. */
static const char *nearest(const struct assay_yaml *map, const char *typed)
{
    const char *near = NULL;
    size_t least = SIZE_MAX;
    for (int absent = 0; absent < 2; absent++)
        for (const struct assay_yaml *known = absent ? map->absent : map->child; known;
             known = known->next)
            if ((absent || known->used) && near_enough(typed, known->key) &&
                near_distance(typed, known->key) < least) {
                least = near_distance(typed, known->key);
                near = known->key;
            }
    return near;
}

/* The keys that a map may have besides those it has, as many as a message holds. */
static void list_absent(const struct assay_yaml *map, char *list, size_t size)
{
    size_t used = 0;
    list[0] = '\0';
    for (const struct assay_yaml *known = map->absent; known; known = known->next) {
        size_t more = strlen(known->key) + 2;
        if (used + more + 6 > size) {
            snprintf(list + used, size - used, ", ...");
            return;
        }
        used += (size_t)snprintf(list + used, size - used, "%s%s",
                                 used ? ", " : "; it may also have ", known->key);
    }
}

static assay_status refuse_key(const struct assay_yaml *map, const struct assay_yaml *entry,
                               struct assay_error *error)
{
    const char *near = nearest(map, entry->key), *where = map->key ? map->key : "the document";
    char list[300];
    if (near)
        return assay_error_at(error, ASSAY_ERROR_INPUT, entry->file, entry->line,
                              "unknown key \"%.80s\" in %.80s; did you mean \"%.80s\"?", entry->key,
                              where, near);
    list_absent(map, list, sizeof list);
    return assay_error_at(error, ASSAY_ERROR_INPUT, entry->file, entry->line,
                          "unknown key \"%.80s\" in %.80s%s", entry->key, where, list);
}

assay_status assay_yaml_finish(const struct assay_yaml *node, struct assay_error *error)
{
    for (const struct assay_yaml *entry = node->child; entry; entry = entry->next) {
        if (node->kind == ASSAY_YAML_MAP && !entry->used)
            return refuse_key(node, entry, error);
        ASSAY_TRY(assay_yaml_finish(entry, error));
    }
    return ASSAY_OK;
}

/* ---- values -------------------------------------------------------------------------------- */

static assay_status refuse(const struct assay_yaml *node, struct assay_error *error,
                           const char *expected)
{
    static const char *const kinds[] = {"", "a map", "a list"};
    const char *key = node->key ? node->key : "value";
    if (node->kind != ASSAY_YAML_SCALAR)
        return assay_error_at(error, ASSAY_ERROR_INPUT, node->file, node->line,
                              "%s: found %s, expected %s", key, kinds[node->kind], expected);
    if (!node->text[0])
        return assay_error_at(error, ASSAY_ERROR_INPUT, node->file, node->line,
                              "%s: found nothing, expected %s", key, expected);
    return assay_error_at(error, ASSAY_ERROR_INPUT, node->file, node->line,
                          "%s: found \"%.60s\", expected %s", key, node->text, expected);
}

assay_status assay_yaml_text(const struct assay_yaml *node, const char **text,
                             struct assay_error *error)
{
    if (node->kind != ASSAY_YAML_SCALAR || !node->text[0])
        return refuse(node, error, "text");
    *text = node->text;
    return ASSAY_OK;
}

assay_status assay_yaml_flag(const struct assay_yaml *node, bool *flag, struct assay_error *error)
{
    bool yes = node->kind == ASSAY_YAML_SCALAR && strcmp(node->text, "true") == 0;
    bool no = node->kind == ASSAY_YAML_SCALAR && strcmp(node->text, "false") == 0;
    if (!yes && !no)
        return refuse(node, error, "true or false");
    *flag = yes;
    return ASSAY_OK;
}

assay_status assay_yaml_choice(const struct assay_yaml *node, const char *const *names, size_t n,
                               size_t *index, struct assay_error *error)
{
    char list[256] = "one of ";
    for (size_t i = 0; i < n; i++)
        if (node->kind == ASSAY_YAML_SCALAR && strcasecmp(node->text, names[i]) == 0) {
            *index = i;
            return ASSAY_OK;
        }
    for (size_t i = 0; i < n; i++) {
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", names[i]);
    }
    return refuse(node, error, list);
}

/* ---- quantities, bare or with their source --------------------------------------------------- */

/* YYYY, YYYY-MM or YYYY-MM-DD. */
static bool is_date(const char *text)
{
    static const char form[] = "dddd-dd-dd";
    size_t n = strlen(text);
    if (n != 4 && n != 7 && n != 10)
        return false;
    for (size_t i = 0; i < n; i++)
        if (form[i] == 'd' ? !isdigit((unsigned char)text[i]) : text[i] != '-')
            return false;
    int month = n >= 7 ? (text[5] - '0') * 10 + text[6] - '0' : 1;
    int day = n == 10 ? (text[8] - '0') * 10 + text[9] - '0' : 1;
    return month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

/* The node that holds the number itself, and what stands beside it. */
static assay_status value_of(struct assay_yaml *node, struct assay_yaml **value,
                             struct assay_source *source, struct assay_error *error)
{
    *source = (struct assay_source){.line = node->line};
    *value = node;
    if (node->kind != ASSAY_YAML_MAP)
        return ASSAY_OK;
    struct assay_yaml *from = assay_yaml_get(node, "source"), *date = assay_yaml_get(node, "date");
    ASSAY_TRY(assay_yaml_need(node, "value", value, error));
    if (from)
        ASSAY_TRY(assay_yaml_text(from, &source->source, error));
    if (date) {
        ASSAY_TRY(assay_yaml_text(date, &source->date, error));
        if (!is_date(source->date))
            return refuse(date, error, "a date such as 2024-12-27");
    }
    return ASSAY_OK;
}

/* Messages name the quantity's own key, also when it stands under `value`. */
static struct assay_yaml named(const struct assay_yaml *value, const struct assay_yaml *node)
{
    struct assay_yaml copy = *value;
    copy.key = node->key;
    return copy;
}

assay_status assay_yaml_sourced(struct assay_yaml *node, enum assay_unit unit, double least,
                                double most, double *value, struct assay_source *source,
                                struct assay_error *error)
{
    struct assay_yaml *holder;
    char expected[160];
    double number;
    ASSAY_TRY(value_of(node, &holder, source, error));
    struct assay_yaml shown = named(holder, node);
    if (holder->kind != ASSAY_YAML_SCALAR ||
        !assay_quantity_read(holder->text, unit, &number, expected, sizeof expected)) {
        if (holder->kind != ASSAY_YAML_SCALAR)
            snprintf(expected, sizeof expected, "a number");
        return refuse(&shown, error, expected);
    }
    if (!(number >= least && number <= most)) {
        snprintf(expected, sizeof expected, "between %g and %g in SI or natural units", least,
                 most);
        return refuse(&shown, error, expected);
    }
    *value = number;
    return ASSAY_OK;
}

assay_status assay_yaml_quantity(struct assay_yaml *node, enum assay_unit unit, double least,
                                 double most, double *value, struct assay_error *error)
{
    struct assay_source source;
    return assay_yaml_sourced(node, unit, least, most, value, &source, error);
}

assay_status assay_yaml_count(struct assay_yaml *node, int64_t least, int64_t most, int64_t *count,
                              struct assay_error *error)
{
    struct assay_source source;
    struct assay_yaml *holder;
    char expected[120];
    double number;
    ASSAY_TRY(value_of(node, &holder, &source, error));
    struct assay_yaml shown = named(holder, node);
    bool read =
        holder->kind == ASSAY_YAML_SCALAR &&
        assay_quantity_read(holder->text, ASSAY_UNIT_NONE, &number, expected, sizeof expected);
    snprintf(expected, sizeof expected, "a whole number from %" PRId64 " to %" PRId64, least, most);
    /* doubles hold whole numbers exactly up to 2^53, far above any limit here */
    if (!read || number != floor(number) || !(number >= (double)least && number <= (double)most) ||
        fabs(number) > 0x1p53)
        return refuse(&shown, error, expected);
    *count = (int64_t)number;
    return ASSAY_OK;
}
