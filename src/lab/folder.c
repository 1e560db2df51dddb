/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define LEAST_TEXTS 32 /* of a training text's length, in every part */
#define MOST_LEVELS 32

/* ---- files below a folder ------------------------------------------------------------ */

struct list {
    char **paths;
    size_t count, room;
    struct assay_error *error;
};

static assay_status no_memory(struct list *l)
{
    return assay_error_at(l->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

static assay_status add(struct list *l, const char *path)
{
    if (l->count == LAB_MOST_FILES)
        return assay_error_at(l->error, ASSAY_ERROR_LIMIT, path, 0, "more than %d files",
                              LAB_MOST_FILES);
    if (l->count == l->room) {
        size_t room = 2 * l->room + 64;
        char **paths = realloc(l->paths, room * sizeof *paths);
        if (!paths)
            return no_memory(l);
        l->paths = paths;
        l->room = room;
    }
    l->paths[l->count] = strdup(path);
    return l->paths[l->count] ? (l->count++, ASSAY_OK) : no_memory(l);
}

/* Links are not followed. */
static assay_status walk(struct list *l, const char *folder, int level)
{
    char path[4096];
    struct dirent *entry;
    struct stat info;
    DIR *dir = opendir(folder);
    if (!dir)
        return assay_error_at(l->error, ASSAY_ERROR_IO, folder, 0, "cannot read the folder: %s",
                              strerror(errno));
    assay_status status = ASSAY_OK;
    while (status == ASSAY_OK && (entry = readdir(dir)) != NULL) {
        int n = snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (entry->d_name[0] == '.' || n < 0 || (size_t)n >= sizeof path || lstat(path, &info) != 0)
            continue;
        if (S_ISDIR(info.st_mode) && level < MOST_LEVELS)
            status = walk(l, path, level + 1);
        else if (S_ISREG(info.st_mode))
            status = add(l, path);
    }
    closedir(dir);
    return status;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Appends a file, unless it is no text. */
static assay_status append(struct list *l, const char *path, char **text, size_t *size)
{
    struct assay_file file;
    ASSAY_TRY(assay_file_open(path, LAB_MOST_TEXT, &file, l->error));
    assay_status status = ASSAY_OK;
    if (!memchr(file.bytes, 0, file.size)) {
        char *more =
            file.size > LAB_MOST_TEXT - *size ? NULL : realloc(*text, *size + file.size + 1);
        if (more) {
            *text = more;
            memcpy(more + *size, file.bytes, file.size);
            *size += file.size;
        } else {
            status = assay_error_at(l->error, ASSAY_ERROR_LIMIT, path, 0,
                                    "more text than %zu bytes", LAB_MOST_TEXT);
        }
    }
    assay_file_close(&file);
    return status;
}

assay_status lab_design_read_text(const struct assay_yaml *node, const char *folder,
                                  struct lab_design *d, struct assay_error *error)
{
    struct list list = {.error = error};
    char *path = assay_path_beside(d->arena, node->file, folder), *text = NULL;
    assay_status status = path ? walk(&list, path, 0) : no_memory(&list);
    if (status == ASSAY_OK)
        qsort(list.paths, list.count, sizeof *list.paths, by_path);
    for (size_t i = 0; status == ASSAY_OK && i < list.count; i++)
        status = append(&list, list.paths[i], &text, &d->text_size);
    if (status == ASSAY_OK) {
        d->text = assay_arena_copy_bytes(d->arena, text ? text : "", d->text_size);
        if (d->text)
            assay_sha256_bytes(d->text, d->text_size, d->text_digest);
        else
            status = no_memory(&list);
    }
    for (size_t i = 0; i < list.count; i++)
        free(list.paths[i]);
    free(list.paths);
    free(text);
    return status;
}

/* ---- parts --------------------------------------------------------------------------- */

/* Candidates that come before and share the manner. */
static unsigned twins_before(const struct lab_design *d, unsigned t)
{
    unsigned n = 0;
    for (unsigned u = 0; u < t; u++)
        n += d->teachers[u].manner == d->teachers[t].manner;
    return n;
}

/* Parts after the prose: the human author's, one a manner of candidates, one a control teacher. */
struct lab_part lab_design_part(const struct lab_design *d, int author)
{
    unsigned manners = 0, before = 0, twins = 0;
    uint64_t manner =
        author >= 0 && author < (int)d->teacher_count ? d->teachers[author].manner : 0;
    bool found = false;
    for (unsigned t = 0; t < d->teacher_count; t++) {
        found = found || d->teachers[t].manner == manner;
        twins += d->teachers[t].manner == manner;
        before += !found && twins_before(d, t) == 0;
        manners += twins_before(d, t) == 0;
    }
    size_t prose = d->text_size / 2;
    size_t parts = 1 + (size_t)manners + d->control_teachers;
    size_t one = (d->text_size - prose) / parts;
    const char *rest = d->text + prose;
    if (author == LAB_PROSE)
        return (struct lab_part){d->text, prose};
    if (author == LAB_HUMAN_AUTHOR)
        return (struct lab_part){rest, one};
    if (author >= (int)d->teacher_count)
        return (struct lab_part){rest + (1 + manners + (unsigned)author - d->teacher_count) * one,
                                 one};
    size_t mine = one / (twins > 0 ? twins : 1);
    return (struct lab_part){rest + (1 + before) * one + twins_before(d, (unsigned)author) * mine,
                             mine};
}

assay_status lab_design_check_text(const struct assay_yaml *world, const struct lab_design *d,
                                   struct assay_error *error)
{
    size_t least = (size_t)LEAST_TEXTS * d->length;
    for (int author = LAB_HUMAN_AUTHOR; author < (int)(d->teacher_count + d->control_teachers);
         author++)
        if (lab_design_part(d, author).size < least)
            return assay_error_at(error, ASSAY_ERROR_INPUT, world->file, world->line,
                                  "world: the folder's text is too small: of %zu bytes some "
                                  "author's part has %zu, expected %zu or more",
                                  d->text_size, lab_design_part(d, author).size, least);
    return ASSAY_OK;
}
