/* SPDX-License-Identifier: Apache-2.0 */
#include "custody/json_difference.h"

#include <stdlib.h>
#include <string.h>

static assay_status out_of_memory(struct assay_error *error)
{
    return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

static assay_status note(struct json_differences *found, const char *place, const json_t *first,
                         const json_t *second, struct assay_error *error)
{
    if (found->count == found->room) {
        size_t room = found->room ? found->room * 2 : 16;
        struct json_difference *grown = realloc(found->list, room * sizeof *grown);
        if (!grown)
            return out_of_memory(error);
        found->list = grown;
        found->room = room;
    }
    char *section = assay_arena_copy_bytes(found->arena, place, strcspn(place, ".["));
    if (!section)
        return out_of_memory(error);
    found->list[found->count++] = (struct json_difference){place, section, first, second};
    return ASSAY_OK;
}

/* The key whose texts name the entries of both lists, each once; NULL if there is none. */
static const char *naming_key(const json_t *first, const json_t *second)
{
    static const char *const keys[] = {"id",      "hypothesis", "name", "holder",
                                       "held_by", "label",      "path", "input"};
    const json_t *const lists[] = {first, second};
    for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++) {
        json_t *seen = json_object();
        bool good = seen != NULL;
        for (int l = 0; l < 2 && good; l++) {
            json_object_clear(seen);
            for (size_t i = 0; i < json_array_size(lists[l]) && good; i++) {
                const char *name =
                    json_string_value(json_object_get(json_array_get(lists[l], i), keys[k]));
                good = name && !json_object_get(seen, name) &&
                       json_object_set_new(seen, name, json_true()) == 0;
            }
        }
        json_decref(seen);
        if (good)
            return keys[k];
    }
    return NULL;
}

static assay_status walk(const char *place, const json_t *first, const json_t *second,
                         struct json_differences *found, struct assay_error *error);

static assay_status walk_objects(const char *place, const json_t *first, const json_t *second,
                                 struct json_differences *found, struct assay_error *error)
{
    for (int turn = 0; turn < 2; turn++) {
        json_t *own = (json_t *)(uintptr_t)(turn == 0 ? first : second);
        for (void *i = json_object_iter(own); i; i = json_object_iter_next(own, i)) {
            const char *key = json_object_iter_key(i);
            if (turn == 1 && json_object_get(first, key))
                continue;
            char *below =
                assay_arena_print(found->arena, "%s%s%s", place, place[0] ? "." : "", key);
            if (!below)
                return out_of_memory(error);
            ASSAY_TRY(walk(below, json_object_get(first, key), json_object_get(second, key), found,
                           error));
        }
    }
    return ASSAY_OK;
}

static assay_status walk_positions(const char *place, const json_t *first, const json_t *second,
                                   struct json_differences *found, struct assay_error *error)
{
    for (size_t i = 0; i < json_array_size(first) || i < json_array_size(second); i++) {
        char *below = assay_arena_print(found->arena, "%s[%zu]", place, i + 1);
        if (!below)
            return out_of_memory(error);
        ASSAY_TRY(walk(below, json_array_get(first, i), json_array_get(second, i), found, error));
    }
    return ASSAY_OK;
}

/* name -> entry, borrowed from the list */
static json_t *by_name(const json_t *list, const char *key)
{
    json_t *names = json_object();
    for (size_t i = 0; names && i < json_array_size(list); i++) {
        json_t *entry = json_array_get(list, i);
        json_object_set(names, json_string_value(json_object_get(entry, key)), entry);
    }
    return names;
}

static assay_status walk_named(const char *place, const char *key, const json_t *first,
                               const json_t *second, struct json_differences *found,
                               struct assay_error *error)
{
    json_t *in_first = by_name(first, key), *in_second = by_name(second, key);
    assay_status status = in_first && in_second ? ASSAY_OK : out_of_memory(error);
    for (int turn = 0; turn < 2 && status == ASSAY_OK; turn++) {
        const json_t *own = turn == 0 ? first : second;
        for (size_t i = 0; i < json_array_size(own) && status == ASSAY_OK; i++) {
            const char *name = json_string_value(json_object_get(json_array_get(own, i), key));
            if (turn == 1 && json_object_get(in_first, name))
                continue;
            char *below = assay_arena_print(found->arena, "%s[%s]", place, name);
            status = below ? walk(below, json_object_get(in_first, name),
                                  json_object_get(in_second, name), found, error)
                           : out_of_memory(error);
        }
    }
    json_decref(in_first);
    json_decref(in_second);
    return status;
}

static assay_status walk(const char *place, const json_t *first, const json_t *second,
                         struct json_differences *found, struct assay_error *error)
{
    if (first && second && json_equal(first, second))
        return ASSAY_OK;
    if (json_is_object(first) && json_is_object(second))
        return walk_objects(place, first, second, found, error);
    if (json_is_array(first) && json_is_array(second)) {
        const char *key = naming_key(first, second);
        return key ? walk_named(place, key, first, second, found, error)
                   : walk_positions(place, first, second, found, error);
    }
    return note(found, place, first, second, error);
}

assay_status json_differences_find(const json_t *first, const json_t *second,
                                   struct json_differences *found, struct assay_error *error)
{
    memset(found, 0, sizeof *found);
    found->arena = assay_arena_new();
    if (!found->arena)
        return out_of_memory(error);
    assay_status status = walk("", first, second, found, error);
    if (status != ASSAY_OK)
        json_differences_free(found);
    return status;
}

void json_differences_free(struct json_differences *found)
{
    if (!found)
        return;
    free(found->list);
    assay_arena_free(found->arena);
    memset(found, 0, sizeof *found);
}

void json_difference_value(const json_t *value, char *text, size_t size)
{
    if (!value || json_is_null(value)) {
        snprintf(text, size, "-");
    } else if (json_is_string(value)) {
        snprintf(text, size, "%s", json_string_value(value));
    } else {
        char *whole = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(6));
        snprintf(text, size, "%s", whole ? whole : "?");
        free(whole);
    }
}
