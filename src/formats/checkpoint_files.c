/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a path to the files of a checkpoint. In: a file, an index.json, one part of a split GGUF
 * file, or a folder. Out: a draft with every file mapped and read. Refused: an index and shards
 * that do not agree, parts that are missing or there twice, a folder that holds several.
 */
#include "formats/checkpoint.h"

#include "base/json.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MOST_FILE ((size_t)1 << 46)
#define MOST_SHARDS 4096
#define MOST_INDEX ((size_t)64 << 20)

static assay_status open_one(struct checkpoint_draft *draft, const char *path)
{
    struct assay_checkpoint *c = draft->checkpoint;
    struct assay_file *file = &c->files[c->file_count];
    ASSAY_TRY(assay_file_open(path, MOST_FILE, file, draft->error));
    c->file_count++;
    draft->path = path;
    draft->bytes = file->bytes;
    draft->size = file->size;
    return ASSAY_OK;
}

static assay_status make_room(struct checkpoint_draft *draft, size_t files)
{
    struct assay_checkpoint *c = draft->checkpoint;
    c->files = assay_arena_alloc(c->arena, files, sizeof *c->files);
    return c->files ? ASSAY_OK : checkpoint_no_memory(draft);
}

static bool ends_in(const char *text, const char *ending)
{
    size_t n = strlen(text), m = strlen(ending);
    return n > m && strcmp(text + n - m, ending) == 0;
}

/* ---- shards: {"weight_map": {"tensor": "file", ...}} ----------------------------------------- */

static assay_status read_shard(struct checkpoint_draft *draft, const char *index, const char *name)
{
    struct assay_checkpoint *c = draft->checkpoint;
    if (strchr(name, '/') || strcmp(name, "..") == 0 || !name[0])
        return assay_error_at(draft->error, ASSAY_ERROR_INPUT, index, 0,
                              "a shard must be a file beside the index, found \"%.100s\"", name);
    char *path = assay_path_beside(c->arena, index, name);
    if (!path)
        return checkpoint_no_memory(draft);
    ASSAY_TRY(open_one(draft, path));
    return checkpoint_read_one(draft);
}

/* Distinct file names, so that a long map over few shards stays cheap. */
static assay_status shard_names(struct checkpoint_draft *draft, json_t *map, json_t *names)
{
    const char *key;
    json_t *value;
    json_object_foreach(map, key, value)
    {
        const char *name = json_string_value(value);
        if (!name || json_object_set_new(names, name, json_true()) != 0)
            return assay_error_at(draft->error, ASSAY_ERROR_INPUT, draft->path, 0,
                                  "weight_map gives no file for \"%.100s\"", key);
        if (json_object_size(names) > MOST_SHARDS)
            return assay_error_at(draft->error, ASSAY_ERROR_LIMIT, draft->path, 0,
                                  "more than %d shards", MOST_SHARDS);
    }
    return ASSAY_OK;
}

static assay_status read_shards(struct checkpoint_draft *draft, json_t *map, json_t *names)
{
    struct assay_checkpoint *c = draft->checkpoint;
    const char *index = c->path, *name;
    json_t *value;
    ASSAY_TRY(shard_names(draft, map, names));
    ASSAY_TRY(make_room(draft, json_object_size(names)));
    json_object_foreach(names, name, value) ASSAY_TRY(read_shard(draft, index, name));
    if (c->count != json_object_size(map))
        return assay_error_at(draft->error, ASSAY_ERROR_INPUT, index, 0,
                              "weight_map lists %zu tensors, the shards hold %zu",
                              json_object_size(map), c->count);
    for (size_t i = 0; i < c->count; i++)
        if (!json_object_get(map, c->tensors[i].name))
            return assay_error_at(draft->error, ASSAY_ERROR_INPUT, index, 0,
                                  "\"%.100s\" stands in a shard but not in weight_map",
                                  c->tensors[i].name);
    return ASSAY_OK;
}

static assay_status open_index(struct checkpoint_draft *draft)
{
    json_t *root, *names = json_object();
    assay_status status = json_read(draft->path, MOST_INDEX, &root, draft->error);
    if (status == ASSAY_OK) {
        json_t *map = json_object_get(root, "weight_map");
        status = json_is_object(map) && json_object_size(map) > 0
                     ? read_shards(draft, map, names)
                     : assay_error_at(draft->error, ASSAY_ERROR_INPUT, draft->path, 0,
                                      "expected an object weight_map with a file for each tensor");
        json_decref(root);
    }
    json_decref(names);
    return status;
}

/* ---- a GGUF file that is split: NAME-00001-of-00003.gguf and so on -----------------------------
 */

/* The number of files and the length of NAME; false: the name is none of a split. */
static bool is_split(const char *path, unsigned *files, size_t *name)
{
    static const char ending[] = "-00001-of-00001.gguf";
    size_t length = strlen(path), tail = sizeof ending - 1;
    unsigned number;
    if (length <= tail)
        return false;
    *name = length - tail;
    return sscanf(path + *name, "-%5u-of-%5u.gguf", &number, files) == 2 &&
           strcmp(path + length - 5, ".gguf") == 0 && number >= 1 && number <= *files &&
           *files > 1 && *files <= MOST_SHARDS;
}

static assay_status open_split(struct checkpoint_draft *draft, unsigned files, size_t name)
{
    struct assay_checkpoint *c = draft->checkpoint;
    ASSAY_TRY(make_room(draft, files));
    for (unsigned i = 1; i <= files; i++) {
        char *path =
            assay_arena_print(c->arena, "%.*s-%05u-of-%05u.gguf", (int)name, c->path, i, files);
        if (!path)
            return checkpoint_no_memory(draft);
        ASSAY_TRY(open_one(draft, path));
        if (draft->size < 4 || memcmp(draft->bytes, "GGUF", 4) != 0)
            return assay_error_at_offset(draft->error, ASSAY_ERROR_INPUT, path, 0,
                                         "a part of a split GGUF file that is no GGUF file");
        ASSAY_TRY(checkpoint_read_one(draft));
    }
    return ASSAY_OK;
}

/* ---- a folder of parts without an index: NAME-00001-of-00003.safetensors and so on -------------
 */

/* The parts of one checkpoint in a folder, by what their names say. */
struct parts {
    const char *ending; /* ".safetensors" or ".bin" */
    const char *first;  /* the name found first, which the others must resemble */
    size_t stem;        /* length of NAME, the same in all */
    unsigned long count;
    const char **names; /* [count]; NULL: not there */
};

/* The digits that end at `end`: where they begin; false: there are none, or more than 9. */
static bool digits_before(const char *text, size_t end, size_t *begin)
{
    for (*begin = end; *begin > 0 && text[*begin - 1] >= '0' && text[*begin - 1] <= '9';)
        --*begin;
    return *begin < end && end - *begin <= 9;
}

bool assay_checkpoint_part(const char *name, size_t *stem, unsigned long *part,
                           unsigned long *count)
{
    const char *ending = strrchr(name, '.');
    size_t n, k;
    if (!ending || !digits_before(name, (size_t)(ending - name), &n) || n < 4 ||
        strncmp(name + n - 4, "-of-", 4) != 0 || !digits_before(name, n - 4, &k) || k < 2 ||
        name[k - 1] != '-')
        return false;
    *part = strtoul(name + k, NULL, 10);
    *count = strtoul(name + n, NULL, 10);
    *stem = k - 1;
    return true;
}

/* A file of the folder, if it is a part, put to its place. */
static assay_status note_part(struct checkpoint_draft *draft, struct parts *p, const char *name)
{
    struct assay_checkpoint *c = draft->checkpoint;
    size_t stem;
    unsigned long part, count;
    if (name[0] == '.' || !ends_in(name, p->ending) ||
        !assay_checkpoint_part(name, &stem, &part, &count))
        return ASSAY_OK;
    const char *copy = assay_arena_copy(c->arena, name);
    if (!copy)
        return checkpoint_no_memory(draft);
    if (part < 1 || part > count || count > MOST_SHARDS)
        return assay_error_at(draft->error, ASSAY_ERROR_INPUT, c->path, 0,
                              "\"%.200s\": expected a part from 1 to the number of parts, of %d "
                              "at most",
                              name, MOST_SHARDS);
    if (!p->names) {
        p->first = copy;
        p->stem = stem;
        p->count = count;
        p->names = assay_arena_alloc(c->arena, count, sizeof *p->names);
        if (!p->names)
            return checkpoint_no_memory(draft);
    }
    if (count != p->count || stem != p->stem || strncmp(name, p->first, stem) != 0)
        return assay_error_at(draft->error, ASSAY_ERROR_INPUT, c->path, 0,
                              "\"%.150s\" and \"%.150s\" are parts of different checkpoints: keep "
                              "one of them in this folder",
                              p->first, name);
    if (p->names[part - 1])
        return assay_error_at(draft->error, ASSAY_ERROR_INPUT, c->path, 0,
                              "part %lu of %lu is there twice: \"%.150s\" and \"%.150s\"", part,
                              count, p->names[part - 1], name);
    p->names[part - 1] = copy;
    return ASSAY_OK;
}

static assay_status list_parts(struct checkpoint_draft *draft, struct parts *p)
{
    DIR *folder = opendir(draft->checkpoint->path);
    assay_status status = ASSAY_OK;
    if (!folder)
        return assay_error_at(draft->error, ASSAY_ERROR_IO, draft->checkpoint->path, 0,
                              "cannot list this folder");
    for (struct dirent *e = readdir(folder); e && status == ASSAY_OK; e = readdir(folder))
        status = note_part(draft, p, e->d_name);
    closedir(folder);
    return status;
}

static assay_status check_parts(struct checkpoint_draft *draft, const struct parts *p)
{
    unsigned long missing = 0, first = 0;
    for (unsigned long i = p->count; i > 0; i--)
        if (!p->names[i - 1]) {
            missing++;
            first = i;
        }
    return missing == 0
               ? ASSAY_OK
               : assay_error_at(draft->error, ASSAY_ERROR_INPUT, draft->checkpoint->path, 0,
                                "part %lu of %lu is missing, as the name of \"%.200s\" says%s: "
                                "add it, or name a part to read it alone",
                                first, p->count, p->first, missing > 1 ? ", and others are" : "");
}

/* All parts in the order of their numbers; the checkpoint is called by its first. */
static assay_status open_parts(struct checkpoint_draft *draft, const struct parts *p)
{
    struct assay_checkpoint *c = draft->checkpoint;
    const char *folder = c->path;
    ASSAY_TRY(check_parts(draft, p));
    ASSAY_TRY(make_room(draft, p->count));
    for (unsigned long i = 0; i < p->count; i++) {
        const char *path = assay_arena_print(c->arena, "%s/%s", folder, p->names[i]);
        if (!path)
            return checkpoint_no_memory(draft);
        const char *format = c->format;
        c->path = i == 0 ? path : c->path;
        ASSAY_TRY(open_one(draft, path));
        ASSAY_TRY(checkpoint_read_one(draft));
        if (format && strcmp(format, c->format) != 0)
            return assay_error_at(draft->error, ASSAY_ERROR_INPUT, path, 0,
                                  "a part in the format %s after parts in %s", c->format, format);
    }
    return ASSAY_OK;
}

/* ---- which of them --------------------------------------------------------------------------- */

static assay_status open_file(struct checkpoint_draft *draft)
{
    struct assay_checkpoint *c = draft->checkpoint;
    unsigned files;
    size_t name;
    if (ends_in(c->path, ".index.json"))
        return open_index(draft);
    if (is_split(c->path, &files, &name))
        return open_split(draft, files, name);
    ASSAY_TRY(make_room(draft, 1));
    ASSAY_TRY(open_one(draft, c->path));
    return checkpoint_read_one(draft);
}

/* A folder stands for what Hugging Face tools would load from it; then for parts without index. */
static assay_status open_folder(struct checkpoint_draft *draft)
{
    static const char *const usual[] = {"model.safetensors.index.json", "model.safetensors",
                                        "pytorch_model.bin.index.json", "pytorch_model.bin"};
    struct assay_checkpoint *c = draft->checkpoint;
    struct stat status;
    for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++) {
        char *path = assay_arena_print(c->arena, "%s/%s", c->path, usual[i]);
        if (!path)
            return checkpoint_no_memory(draft);
        if (stat(path, &status) == 0) {
            c->path = draft->path = path;
            return open_file(draft);
        }
    }
    struct parts parts[] = {{.ending = ".safetensors"}, {.ending = ".bin"}};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        ASSAY_TRY(list_parts(draft, &parts[i]));
        if (parts[i].names)
            return open_parts(draft, &parts[i]);
    }
    return assay_error_at(draft->error, ASSAY_ERROR_INPUT, c->path, 0,
                          "no model.safetensors, pytorch_model.bin, index.json or parts of them in "
                          "this folder: name the file itself");
}

assay_status checkpoint_open_files(struct checkpoint_draft *draft)
{
    struct stat status;
    return stat(draft->checkpoint->path, &status) == 0 && S_ISDIR(status.st_mode)
               ? open_folder(draft)
               : open_file(draft);
}
