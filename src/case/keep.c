/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A kept file is JSON: what the finding depends on, then the finding and what its input states.
 * A file of up to 64 MiB is known by its SHA-256; of a larger one the size, the inode and the
 * time of change must be the same, or else its SHA-256. Paths are noted from the case's folder or
 * from that of the facts, so that it does not matter by which way a run came to them.
 */
#include "case/keep.h"

#include "base/json.h"
#include "finding/finding_json.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FORMAT "kept-finding/2"
#define MOST_BYTES (256u << 20)
#define DIGESTED_ALWAYS (64 << 20)

/* ---- what a finding depends on ----------------------------------------------------------------
 */

static const char *kept_path(const struct keeping *k)
{
    return assay_arena_print(k->arena, "%s/%s.%s.json", k->folder, k->question, k->task->id);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The folder that a file is in, "." for one without a slash. */
static char *folder_of(struct assay_arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? assay_arena_copy_bytes(arena, path, (size_t)(slash - path) + (slash == path))
                 : assay_arena_copy(arena, ".");
}

/* What is left of a path inside `folder`; NULL if it is not inside. */
static const char *inside(const char *folder, const char *path)
{
    size_t length = strlen(folder);
    if (strncmp(path, folder, length) != 0 || (path[length] && path[length] != '/'))
        return strcmp(folder, ".") == 0 && path[0] != '/' ? path : NULL;
    path += length + strspn(path + length, "/");
    return *path ? path : ".";
}

/* A path with the folder that it is noted from: "case", "facts", or none. */
static void set_place(const struct keeping *k, json_t *o, const char *path)
{
    const char *own = folder_of(k->arena, k->case_path);
    const char *in_case = own ? inside(own, path) : NULL;
    const char *in_facts = in_case ? NULL : inside(k->data_folder, path);
    json_set_text(o, "in", in_case ? "case" : in_facts ? "facts" : NULL);
    json_set_text(o, "path", in_case ? in_case : in_facts ? in_facts : path);
}

/* The same as this run would open it; NULL if it is none. */
static const char *place_of(const struct keeping *k, const json_t *o)
{
    const char *in = json_string_value(json_object_get(o, "in"));
    const char *path = json_string_value(json_object_get(o, "path"));
    if (!in || !path)
        return path;
    const char *folder =
        strcmp(in, "case") == 0 ? folder_of(k->arena, k->case_path) : k->data_folder;
    return folder ? assay_arena_print(k->arena, "%s/%s", folder, path) : NULL;
}

/* The names in a folder, less those that a run makes; NULL if it cannot be read. */
static json_t *names_in(struct assay_arena *arena, const char *folder, const char *ends)
{
    DIR *directory = opendir(folder);
    const char **names = NULL;
    size_t count = 0, room = 0;
    json_t *list = directory ? json_array() : NULL;
    for (struct dirent *entry; directory && (entry = readdir(directory)) != NULL;) {
        size_t length = strlen(entry->d_name), end = strlen(ends);
        if (entry->d_name[0] == '.' || strcmp(entry->d_name, "out") == 0 || length < end ||
            strcmp(entry->d_name + length - end, ends) != 0)
            continue;
        if (count == room) {
            room = room ? 2 * room : 64;
            const char **grown = assay_arena_alloc(arena, room, sizeof *grown);
            if (!grown)
                break;
            if (count)
                memcpy(grown, names, count * sizeof *grown);
            names = grown;
        }
        names[count++] = assay_arena_copy(arena, entry->d_name);
    }
    if (directory)
        closedir(directory);
    if (count)
        qsort(names, count, sizeof *names, by_text);
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_string(names[i]));
    return list;
}

/* Every table of facts by digest, and the program by size and time. */
static json_t *surroundings(const struct keeping *k)
{
    json_t *o = json_object(), *facts = json_array();
    json_t *names = names_in(k->arena, k->data_folder, ".csv");
    struct stat program;
    char seed[24], sha256[65];
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)k->seed);
    for (size_t i = 0; i < json_array_size(names); i++) {
        const char *name = json_string_value(json_array_get(names, i));
        char *path = assay_arena_print(k->arena, "%s/%s", k->data_folder, name);
        if (path && assay_sha256_file(path, sha256, NULL) == ASSAY_OK)
            json_array_append_new(facts, json_pack("[s,s]", name, sha256));
    }
    json_decref(names);
    json_set_text(o, "format", FORMAT);
    json_set_text(o, "assay", ASSAY_VERSION);
    json_set_text(o, "instrument", k->instrument->name);
    json_set_text(o, "instrument_version", k->instrument->version);
    json_set_text(o, "input", k->task->input);
    json_set_text(o, "seed", seed);
    json_object_set_new(o, "facts", facts);
    if (stat("/proc/self/exe", &program) == 0)
        json_object_set_new(o, "program",
                            json_pack("[I,I,I]", (json_int_t)program.st_size,
                                      (json_int_t)program.st_mtim.tv_sec,
                                      (json_int_t)program.st_mtim.tv_nsec));
    return o;
}

static json_t *times_of(const struct stat *s)
{
    return json_pack("[I,I,I,I]", (json_int_t)s->st_size, (json_int_t)s->st_ino,
                     (json_int_t)s->st_mtim.tv_sec, (json_int_t)s->st_mtim.tv_nsec);
}

static json_t *file_to_json(const struct keeping *k, const struct assay_exhibit *file)
{
    struct stat s;
    if (stat(file->path, &s) != 0)
        return NULL;
    json_t *o = json_object();
    set_place(k, o, file->path);
    json_set_text(o, "sha256", file->sha256);
    json_object_set_new(o, "times", times_of(&s));
    return o;
}

static bool file_stands(const struct keeping *k, const json_t *o)
{
    const char *path = place_of(k, o);
    const char *recorded = json_string_value(json_object_get(o, "sha256"));
    struct stat s;
    char sha256[65];
    if (!path || !recorded || stat(path, &s) != 0)
        return false;
    json_t *times = times_of(&s);
    bool same = json_equal(times, json_object_get(o, "times"));
    json_decref(times);
    if (same && s.st_size > DIGESTED_ALWAYS)
        return true;
    return assay_sha256_file(path, sha256, NULL) == ASSAY_OK && strcmp(sha256, recorded) == 0;
}

/* What stands in the folders of the files that were read; the case's own folder is not asked. */
static json_t *folders_to_json(const struct keeping *k, const struct assay_finding *finding)
{
    json_t *folders = json_array(), *seen = json_object();
    const char *own = folder_of(k->arena, k->case_path);
    for (size_t i = 0; i < finding->exhibit_count; i++) {
        const char *folder = folder_of(k->arena, finding->exhibits[i].path);
        if (!folder || !own || strcmp(folder, own) == 0 || strcmp(folder, k->data_folder) == 0 ||
            json_object_get(seen, folder))
            continue;
        json_t *o = json_object(), *names = names_in(k->arena, folder, "");
        set_place(k, o, folder);
        json_object_set_new(o, "names", names ? names : json_array());
        json_array_append_new(folders, o);
        json_object_set_new(seen, folder, json_true());
    }
    json_decref(seen);
    return folders;
}

static bool folders_stand(const struct keeping *k, const json_t *folders)
{
    for (size_t i = 0; i < json_array_size(folders); i++) {
        const json_t *o = json_array_get(folders, i);
        const char *folder = place_of(k, o);
        json_t *names = folder ? names_in(k->arena, folder, "") : NULL;
        bool same = names && json_equal(names, json_object_get(o, "names"));
        json_decref(names);
        if (!same)
            return false;
    }
    return json_is_array(folders);
}

/* ---- what the input states --------------------------------------------------------------------
 */

static json_t *stated_to_json(const struct assay_case_stated *s)
{
    json_t *o = json_object();
    json_set_text(o, "name", s->name);
    json_set_text(o, "value", s->value);
    json_set_text(o, "source", s->source);
    json_set_text(o, "date", s->date);
    json_object_set_new(o, "line", json_integer(s->line));
    return o;
}

static const char *text_of(const struct keeping *k, const json_t *o, const char *key)
{
    const char *text = json_string_value(json_object_get(o, key));
    return text ? assay_arena_copy(k->arena, text) : NULL;
}

static bool stated_from_json(const struct keeping *k, const json_t *list,
                             const struct assay_case_stated **stated, size_t *count)
{
    *count = json_array_size(list);
    struct assay_case_stated *entries = assay_arena_alloc(k->arena, *count, sizeof *entries);
    for (size_t i = 0; entries && i < *count; i++) {
        const json_t *o = json_array_get(list, i);
        entries[i] = (struct assay_case_stated){
            .name = text_of(k, o, "name"),
            .value = text_of(k, o, "value"),
            .source = text_of(k, o, "source"),
            .date = text_of(k, o, "date"),
            .file = k->task->path,
            .line = (long)json_integer_value(json_object_get(o, "line")),
        };
        if (!entries[i].name || !entries[i].value)
            return false;
    }
    *stated = entries;
    return entries && json_is_array(list);
}

/* ---- reading and writing ----------------------------------------------------------------------
 */

static bool stands(const struct keeping *k, const json_t *root)
{
    const json_t *files = json_object_get(root, "files");
    json_t *now = surroundings(k);
    bool same = json_equal(now, json_object_get(root, "surroundings"));
    json_decref(now);
    for (size_t i = 0; same && i < json_array_size(files); i++)
        same = file_stands(k, json_array_get(files, i));
    return same && json_array_size(files) > 0 && folders_stand(k, json_object_get(root, "folders"));
}

/* The finding's files as this run would open them: they were noted as `files` are. */
static bool place_files(const struct keeping *k, const json_t *files, struct assay_finding *finding)
{
    struct assay_exhibit *placed =
        assay_arena_alloc(finding->arena, finding->exhibit_count, sizeof *placed);
    if (!placed || json_array_size(files) != finding->exhibit_count)
        return false;
    for (size_t i = 0; i < finding->exhibit_count; i++) {
        const char *path = place_of(k, json_array_get(files, i));
        placed[i] = finding->exhibits[i];
        placed[i].path = path ? assay_arena_copy(finding->arena, path) : NULL;
        if (!placed[i].path)
            return false;
    }
    finding->exhibits = placed;
    return true;
}

/* A finding as it is kept: its files as `files` have them. */
static json_t *finding_to_keep(const struct assay_finding *finding, const json_t *files)
{
    json_t *o = finding_to_json(finding), *exhibits = json_object_get(o, "exhibits");
    for (size_t i = 0; i < json_array_size(exhibits); i++)
        json_object_set(json_array_get(exhibits, i), "path",
                        json_object_get(json_array_get(files, i), "path"));
    return o;
}

bool keep_read(const struct keeping *keeping, struct assay_finding *finding,
               const struct assay_case_stated **stated, size_t *stated_count)
{
    const char *path = keeping->folder ? kept_path(keeping) : NULL;
    json_t *root = NULL;
    if (!path || access(path, R_OK) != 0 || json_read(path, MOST_BYTES, &root, NULL) != ASSAY_OK)
        return false;
    bool good =
        stands(keeping, root) &&
        stated_from_json(keeping, json_object_get(root, "stated"), stated, stated_count) &&
        finding_from_json(json_object_get(root, "finding"), path, finding, NULL) == ASSAY_OK;
    if (good && !place_files(keeping, json_object_get(root, "files"), finding)) {
        assay_finding_free(finding);
        good = false;
    }
    json_decref(root);
    return good;
}

void keep_write(const struct keeping *keeping, const struct assay_finding *finding,
                const struct assay_case_stated *stated, size_t stated_count)
{
    const char *path = keeping->folder ? kept_path(keeping) : NULL;
    if (!path || strcmp(finding->method_version, keeping->instrument->version) != 0 ||
        finding->exhibit_count == 0)
        return;
    json_t *root = json_object(), *files = json_array(), *list = json_array();
    json_object_set_new(root, "surroundings", surroundings(keeping));
    for (size_t i = 0; i < finding->exhibit_count; i++)
        json_array_append_new(files, file_to_json(keeping, &finding->exhibits[i]));
    for (size_t i = 0; i < stated_count; i++)
        json_array_append_new(list, stated_to_json(&stated[i]));
    bool whole = json_array_size(files) == finding->exhibit_count;
    json_object_set_new(root, "files", files);
    json_object_set_new(root, "folders", folders_to_json(keeping, finding));
    json_object_set_new(root, "stated", list);
    json_object_set_new(root, "finding", finding_to_keep(finding, files));
    /* All digits: what is read again must be what was written. */
    char *text = whole ? json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    if (text && assay_file_write(path, text, strlen(text), NULL) != ASSAY_OK)
        unlink(path); /* better none than an old one */
    free(text);
    json_decref(root);
}
