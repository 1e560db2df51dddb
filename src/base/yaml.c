/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML read into nodes with their places, on libyaml's events. Only maps, lists and scalars:
 * whatever else YAML has is refused, since each has been used to attack a reader.
 */
#include <assay/base.h>

#include "base/utf8.h"

#include <stdio.h>
#include <string.h>
#include <yaml.h>

#define MOST_BYTES ((size_t)16 << 20)
#define MOST_SCALAR ((size_t)1 << 20)
#define MOST_DEPTH 64
#define MOST_NODES 1000000

struct builder {
    const char *path;
    yaml_parser_t parser;
    struct assay_arena *arena;
    size_t nodes;
    struct assay_error *error;
};

static assay_status fail(const struct builder *b, const yaml_event_t *event, const char *message)
{
    return assay_error_at(b->error, ASSAY_ERROR_INPUT, b->path, (long)event->start_mark.line + 1,
                          "%s", message);
}

static assay_status memory(const struct builder *b)
{
    return assay_error_at(b->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

static assay_status next_event(struct builder *b, yaml_event_t *event)
{
    if (yaml_parser_parse(&b->parser, event))
        return ASSAY_OK;
    if (b->parser.error == YAML_MEMORY_ERROR)
        return memory(b);
    return assay_error_at(b->error, ASSAY_ERROR_INPUT, b->path,
                          (long)b->parser.problem_mark.line + 1, "not YAML: %s%s%s",
                          b->parser.context ? b->parser.context : "", b->parser.context ? ", " : "",
                          b->parser.problem ? b->parser.problem : "unreadable");
}

static assay_status new_node(struct builder *b, const yaml_event_t *event,
                             enum assay_yaml_kind kind, struct assay_yaml **node)
{
    if (++b->nodes > MOST_NODES)
        return fail(b, event, "expected at most 1,000,000 nodes");
    *node = assay_arena_alloc(b->arena, 1, sizeof **node);
    if (!*node)
        return memory(b);
    (*node)->kind = kind;
    (*node)->file = b->path;
    (*node)->arena = b->arena;
    (*node)->line = (long)event->start_mark.line + 1;
    return ASSAY_OK;
}

/* ---- building ------------------------------------------------------------------------------ */

static assay_status build(struct builder *b, const yaml_event_t *event, int depth,
                          struct assay_yaml **node);

static assay_status scalar_text(struct builder *b, const yaml_event_t *event, const char **text)
{
    const char *value = (const char *)event->data.scalar.value;
    size_t length = event->data.scalar.length;
    if (event->data.scalar.anchor || event->data.scalar.tag)
        return fail(b, event, "anchors and tags are not accepted: write the value itself");
    if (length > MOST_SCALAR)
        return fail(b, event, "expected a value of at most 1 MiB");
    if (memchr(value, '\0', length))
        return fail(b, event, "a value holds a NUL byte");
    bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    if (plain && (strcmp(value, "~") == 0 || strcmp(value, "null") == 0))
        length = 0;
    *text = assay_arena_copy_bytes(b->arena, value, length);
    return *text ? ASSAY_OK : memory(b);
}

static void append(struct assay_yaml *parent, struct assay_yaml **last, struct assay_yaml *child)
{
    if (*last)
        (*last)->next = child;
    else
        parent->child = child;
    *last = child;
    parent->count++;
}

static assay_status build_list(struct builder *b, int depth, struct assay_yaml *list)
{
    struct assay_yaml *last = NULL;
    for (;;) {
        yaml_event_t event;
        struct assay_yaml *child = NULL;
        ASSAY_TRY(next_event(b, &event));
        bool end = event.type == YAML_SEQUENCE_END_EVENT;
        assay_status status = end ? ASSAY_OK : build(b, &event, depth, &child);
        yaml_event_delete(&event);
        if (status != ASSAY_OK || end)
            return status;
        append(list, &last, child);
    }
}

/* Distinct keys by a walk: maps that people write are short, and MOST_KEYS keeps it so. */
#define MOST_KEYS 4096

static assay_status read_key(struct builder *b, const struct assay_yaml *map,
                             const yaml_event_t *event, const char **key)
{
    if (event->type != YAML_SCALAR_EVENT)
        return fail(b, event, "expected a key of plain text");
    ASSAY_TRY(scalar_text(b, event, key));
    if (strcmp(*key, "<<") == 0)
        return fail(b, event, "merge keys are not accepted: write the values themselves");
    if (map->count >= MOST_KEYS)
        return fail(b, event, "expected at most 4,096 keys in a map");
    for (const struct assay_yaml *other = map->child; other; other = other->next)
        if (strcmp(other->key, *key) == 0)
            return assay_error_at(
                b->error, ASSAY_ERROR_INPUT, b->path, (long)event->start_mark.line + 1,
                "key \"%.80s\" stands twice, first in line %ld", *key, other->line);
    return ASSAY_OK;
}

static assay_status build_map(struct builder *b, int depth, struct assay_yaml *map)
{
    struct assay_yaml *last = NULL;
    for (;;) {
        yaml_event_t event;
        const char *key = NULL;
        struct assay_yaml *child = NULL;
        ASSAY_TRY(next_event(b, &event));
        bool end = event.type == YAML_MAPPING_END_EVENT;
        long line = (long)event.start_mark.line + 1;
        assay_status status = end ? ASSAY_OK : read_key(b, map, &event, &key);
        yaml_event_delete(&event);
        if (status != ASSAY_OK || end)
            return status;
        ASSAY_TRY(next_event(b, &event));
        status = build(b, &event, depth, &child);
        yaml_event_delete(&event);
        ASSAY_TRY(status);
        child->key = key;
        child->line = line;
        append(map, &last, child);
    }
}

static assay_status build(struct builder *b, const yaml_event_t *event, int depth,
                          struct assay_yaml **node)
{
    if (depth > MOST_DEPTH)
        return fail(b, event, "expected at most 64 levels");
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        ASSAY_TRY(new_node(b, event, ASSAY_YAML_SCALAR, node));
        return scalar_text(b, event, &(*node)->text);
    case YAML_SEQUENCE_START_EVENT:
        if (event->data.sequence_start.anchor || event->data.sequence_start.tag)
            return fail(b, event, "anchors and tags are not accepted: write the value itself");
        ASSAY_TRY(new_node(b, event, ASSAY_YAML_LIST, node));
        return build_list(b, depth + 1, *node);
    case YAML_MAPPING_START_EVENT:
        if (event->data.mapping_start.anchor || event->data.mapping_start.tag)
            return fail(b, event, "anchors and tags are not accepted: write the value itself");
        ASSAY_TRY(new_node(b, event, ASSAY_YAML_MAP, node));
        return build_map(b, depth + 1, *node);
    case YAML_ALIAS_EVENT:
        return fail(b, event, "aliases are not accepted: write the value itself");
    default:
        return fail(b, event, "expected a value");
    }
}

static assay_status build_document(struct builder *b, struct assay_yaml **root)
{
    yaml_event_t event;
    bool document = false;
    *root = NULL;
    for (;;) {
        assay_status status = next_event(b, &event);
        ASSAY_TRY(status);
        yaml_event_type_t type = event.type;
        if (type == YAML_DOCUMENT_START_EVENT) {
            if (document)
                status = fail(b, &event, "expected one document, found a second");
            document = true;
        } else if (type != YAML_STREAM_START_EVENT && type != YAML_DOCUMENT_END_EVENT &&
                   type != YAML_STREAM_END_EVENT) {
            status = build(b, &event, 0, root);
        }
        yaml_event_delete(&event);
        ASSAY_TRY(status);
        if (type == YAML_STREAM_END_EVENT)
            return *root ? ASSAY_OK
                         : assay_error_at(b->error, ASSAY_ERROR_INPUT, b->path, 1,
                                          "the file is empty: expected YAML");
    }
}

assay_status assay_yaml_parse(const char *path, const void *bytes, size_t size,
                              struct assay_arena *arena, struct assay_yaml **root,
                              struct assay_error *error)
{
    struct builder b = {.arena = arena, .error = error};
    size_t valid = utf8_valid_prefix(bytes, size);
    if (size > MOST_BYTES)
        return assay_error_at(error, ASSAY_ERROR_LIMIT, path, 1,
                              "found %zu bytes, expected at most %zu", size, MOST_BYTES);
    if (valid < size) {
        long line = 1;
        for (size_t i = 0; i < valid; i++)
            line += ((const char *)bytes)[i] == '\n';
        return assay_error_at(error, ASSAY_ERROR_INPUT, path, line,
                              "expected UTF-8 without NUL bytes");
    }
    b.path = assay_arena_copy(arena, path);
    if (!b.path || !yaml_parser_initialize(&b.parser))
        return memory(&b);
    yaml_parser_set_input_string(&b.parser, bytes, size);
    assay_status status = build_document(&b, root);
    yaml_parser_delete(&b.parser);
    return status;
}

assay_status assay_yaml_open(const char *path, struct assay_file *file, struct assay_error *error)
{
    assay_status status = assay_file_open(path, MOST_BYTES, file, error);
    if (status == ASSAY_ERROR_LIMIT && error)
        error->line = 1; /* such a file is one long line, or made to hurt */
    return status;
}

assay_status assay_yaml_read(const char *path, struct assay_arena *arena, struct assay_yaml **root,
                             struct assay_error *error)
{
    struct assay_file file;
    ASSAY_TRY(assay_yaml_open(path, &file, error));
    assay_status status = assay_yaml_parse(path, file.bytes, file.size, arena, root, error);
    assay_file_close(&file);
    return status;
}
