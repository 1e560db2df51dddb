/* SPDX-License-Identifier: Apache-2.0 */
#include "server/instruments.h"

#include "base/json.h"
#include "server/folder.h"
#include "server/guard.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOST_CASE ((size_t)16 << 20)
#define MOST_FINDING ((size_t)256 << 20)
#define MOST_LISTED 1000

/* out/findings, or -1. */
static int open_kept(int descriptor)
{
    int out = folder_open_inside(descriptor, "out");
    int kept = out < 0 ? -1 : folder_open_inside(out, "findings");
    if (out >= 0)
        close(out);
    return kept;
}

static void kept_name(char name[160], const char *question, const char *finding)
{
    snprintf(name, 160, "%s.%s.json", question, finding);
}

static const char *text_of(struct assay_yaml *map, const char *key)
{
    struct assay_error error;
    const char *text = NULL;
    const struct assay_yaml *node = assay_yaml_get(map, key);
    return node && assay_yaml_text(node, &text, &error) == ASSAY_OK ? text : NULL;
}

static json_t *instrument_to_json(const char *question, struct assay_yaml *task, int kept)
{
    const char *instrument = text_of(task, "instrument"), *input = text_of(task, "input");
    const char *finding = text_of(task, "id");
    char name[160];
    struct stat what;
    finding = finding ? finding : instrument;
    if (!question || !finding || !guard_name(question) || !guard_name(finding))
        return NULL;
    kept_name(name, question, finding);
    json_t *o = json_object();
    json_set_text(o, "question", question);
    json_set_text(o, "finding", finding);
    json_set_text(o, "instrument", instrument);
    json_set_text(o, "input", input);
    json_object_set_new(o, "kept",
                        json_boolean(kept >= 0 &&
                                     fstatat(kept, name, &what, AT_SYMLINK_NOFOLLOW) == 0 &&
                                     S_ISREG(what.st_mode)));
    return o;
}

static void list_from(struct assay_yaml *root, int kept, json_t *list)
{
    struct assay_yaml *questions = assay_yaml_get(root, "questions");
    for (struct assay_yaml *q = questions ? questions->child : NULL; q; q = q->next) {
        struct assay_yaml *tasks =
            q->kind == ASSAY_YAML_MAP ? assay_yaml_get(q, "instruments") : NULL;
        for (struct assay_yaml *t = tasks ? tasks->child : NULL; t; t = t->next) {
            json_t *o = t->kind == ASSAY_YAML_MAP && json_array_size(list) < MOST_LISTED
                            ? instrument_to_json(text_of(q, "id"), t, kept)
                            : NULL;
            if (o)
                json_array_append_new(list, o);
        }
    }
}

static void list_exhibit_files(struct assay_yaml *root, json_t *list)
{
    const struct assay_yaml *exhibits = assay_yaml_get(root, "exhibits");
    for (struct assay_yaml *e = exhibits ? exhibits->child : NULL; e; e = e->next) {
        const char *file = e->kind == ASSAY_YAML_MAP ? text_of(e, "file") : NULL;
        if (file && json_array_size(list) < MOST_LISTED)
            json_array_append_new(list, json_string(file));
    }
}

void instruments_list(int descriptor, json_t *to)
{
    json_t *list = json_array(), *files = json_array();
    struct assay_arena *arena = assay_arena_new();
    struct assay_yaml *root = NULL;
    struct assay_error error;
    size_t size = 0;
    char *bytes = folder_read(descriptor, "case.yaml", MOST_CASE, &size);
    int kept = open_kept(descriptor);
    if (bytes && arena &&
        assay_yaml_parse("case.yaml", bytes, size, arena, &root, &error) == ASSAY_OK &&
        root->kind == ASSAY_YAML_MAP) {
        list_from(root, kept, list);
        list_exhibit_files(root, files);
    }
    if (kept >= 0)
        close(kept);
    assay_arena_free(arena);
    free(bytes);
    json_object_set_new(to, "instruments", list);
    json_object_set_new(to, "exhibit_files", files);
}

json_t *instruments_finding(int descriptor, const char *question, const char *finding)
{
    char name[160];
    size_t size = 0;
    json_t *root = NULL, *found = NULL;
    struct assay_error error;
    int kept = open_kept(descriptor);
    kept_name(name, question, finding);
    char *bytes = kept < 0 ? NULL : folder_read(kept, name, MOST_FINDING, &size);
    if (bytes && json_parse(name, bytes, size, &root, &error) == ASSAY_OK) {
        found = json_incref(json_object_get(root, "finding"));
        json_decref(root);
    }
    if (kept >= 0)
        close(kept);
    free(bytes);
    return found;
}
