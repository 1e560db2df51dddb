/* SPDX-License-Identifier: Apache-2.0 */
/* Values taken from YAML nodes: checked, converted, and the keys nobody asked for named. */
#include <assay/base.h>

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- entries ------------------------------------------------------------------------------- */

struct assay_yaml *assay_yaml_get(struct assay_yaml *map, const char *key)
{
    if (!map || map->kind != ASSAY_YAML_MAP)
        return NULL;
    for (struct assay_yaml *entry = map->child; entry; entry = entry->next)
        if (strcmp(entry->key, key) == 0) {
            entry->used = true;
            return entry;
        }
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
    if (!*node)
        return assay_error_at(error, ASSAY_ERROR_INPUT, map->file, map->line,
                              "%s%sexpected a key \"%s\", which is missing",
                              map->key ? map->key : "", map->key ? ": " : "", key);
    return ASSAY_OK;
}

/* Edit distance, for words of at most 47 letters; longer ones are far from everything. */
static size_t distance(const char *a, const char *b)
{
    size_t row[48], n = strlen(b);
    if (n >= 48 || strlen(a) >= 48)
        return 48;
    for (size_t j = 0; j <= n; j++)
        row[j] = j;
    for (size_t i = 1; *a; a++, i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            size_t change = diagonal + (*a != b[j - 1]);
            size_t either = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            diagonal = row[j];
            row[j] = change < either ? change : either;
        }
    }
    return row[n];
}

assay_status assay_yaml_finish(const struct assay_yaml *node, struct assay_error *error)
{
    for (const struct assay_yaml *entry = node->child; entry; entry = entry->next) {
        if (node->kind == ASSAY_YAML_MAP && !entry->used) {
            const char *near = NULL;
            size_t least = 4;
            for (const struct assay_yaml *other = node->child; other; other = other->next) {
                size_t d = distance(entry->key, other->key);
                if (other->used && d < least) {
                    least = d;
                    near = other->key;
                }
            }
            return assay_error_at(error, ASSAY_ERROR_INPUT, entry->file, entry->line,
                                  "unknown key \"%.80s\" in %s%s%s%s", entry->key,
                                  node->key ? node->key : "the document",
                                  near ? "; did you mean \"" : "", near ? near : "",
                                  near ? "\"?" : "");
        }
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
        if (node->kind == ASSAY_YAML_SCALAR && strcmp(node->text, names[i]) == 0) {
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
