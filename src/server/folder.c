/* SPDX-License-Identifier: Apache-2.0 */
#define _XOPEN_SOURCE 700 /* realpath */
#include "server/folder.h"

#include "base/json.h"
#include "server/guard.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOST_REPORT ((size_t)512 << 20)

int folder_open_inside(int from, const char *name)
{
    return openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int open_file(int from, const char *name)
{
    struct stat what;
    int descriptor = openat(from, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (descriptor >= 0 && (fstat(descriptor, &what) != 0 || !S_ISREG(what.st_mode))) {
        close(descriptor);
        return -1;
    }
    return descriptor;
}

char *folder_read(int from, const char *name, size_t most, size_t *size)
{
    struct stat what;
    int descriptor = open_file(from, name);
    char *bytes = NULL;
    *size = 0;
    if (descriptor < 0)
        return NULL;
    if (fstat(descriptor, &what) == 0 && what.st_size >= 0 && (uint64_t)what.st_size <= most)
        bytes = malloc((size_t)what.st_size + 1);
    while (bytes && *size < (size_t)what.st_size) {
        ssize_t got = read(descriptor, bytes + *size, (size_t)what.st_size - *size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        *size += (size_t)got;
    }
    if (bytes)
        bytes[*size] = '\0';
    close(descriptor);
    return bytes;
}

static bool holds_case(int descriptor)
{
    int file = open_file(descriptor, "case.yaml");
    if (file >= 0)
        close(file);
    return file >= 0;
}

assay_status folder_open(const char *path, struct folder *folder, struct assay_error *error)
{
    memset(folder, 0, sizeof *folder);
    folder->descriptor = -1;
    char *real = realpath(path, NULL);
    if (!real || strlen(real) >= sizeof folder->path) {
        free(real);
        return assay_error_at(error, ASSAY_ERROR_INPUT, path, 0, "cannot open the folder: %s",
                              strerror(errno));
    }
    snprintf(folder->path, sizeof folder->path, "%s", real);
    free(real);
    folder->descriptor = folder_open_inside(AT_FDCWD, folder->path);
    if (folder->descriptor < 0)
        return assay_error_at(error, ASSAY_ERROR_INPUT, path, 0,
                              "cannot open the folder: %s (expected a folder of cases, or a case)",
                              strerror(errno));
    folder->single = holds_case(folder->descriptor);
    const char *last = strrchr(folder->path, '/');
    snprintf(folder->name, sizeof folder->name, "%.64s", last && last[1] ? last + 1 : "case");
    if (!guard_name(folder->name))
        snprintf(folder->name, sizeof folder->name, "case");
    return ASSAY_OK;
}

void folder_close(struct folder *folder)
{
    if (folder->descriptor >= 0)
        close(folder->descriptor);
    folder->descriptor = -1;
}

int folder_case(const struct folder *folder, const char *name)
{
    if (!guard_name(name))
        return -1;
    int descriptor = folder->single
                         ? (strcmp(name, folder->name) == 0 ? dup(folder->descriptor) : -1)
                         : folder_open_inside(folder->descriptor, name);
    if (descriptor >= 0 && !holds_case(descriptor)) {
        close(descriptor);
        return -1;
    }
    return descriptor;
}

void folder_case_path(const struct folder *folder, const char *name, char path[PATH_MAX])
{
    if (folder->single)
        snprintf(path, PATH_MAX, "%s", folder->path);
    else if (snprintf(path, PATH_MAX, "%s/%s", folder->path, name) >= PATH_MAX)
        path[0] = '\0';
}

/* ---- lists ---------------------------------------------------------------------------------- */

struct names {
    char (*name)[65];
    size_t count, room;
};

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Names in a folder that guard_name accepts, sorted. free() names->name. */
static void list(int descriptor, struct names *names)
{
    memset(names, 0, sizeof *names);
    int again = openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = again < 0 ? NULL : fdopendir(again);
    for (struct dirent *entry; stream && (entry = readdir(stream)) != NULL;) {
        if (!guard_name(entry->d_name))
            continue;
        if (names->count == names->room) {
            size_t room = names->room ? 2 * names->room : 64;
            void *larger = realloc(names->name, room * sizeof *names->name);
            if (!larger)
                break;
            names->name = larger;
            names->room = room;
        }
        snprintf(names->name[names->count++], sizeof *names->name, "%.64s", entry->d_name);
    }
    if (stream)
        closedir(stream);
    else if (again >= 0)
        close(again);
    if (names->count)
        qsort(names->name, names->count, sizeof *names->name, by_name);
}

/* Only the title: reading all of a case takes the digests of its files. */
static json_t *case_line(const char *name, int descriptor)
{
    json_t *o = json_object();
    size_t size;
    char *bytes = folder_read(descriptor, "case.yaml", (size_t)16 << 20, &size);
    struct assay_arena *arena = assay_arena_new();
    struct assay_yaml *root = NULL;
    struct assay_error error = {0};
    const char *title = NULL;
    assay_status status =
        bytes && arena ? assay_yaml_parse("case.yaml", bytes, size, arena, &root, &error)
                       : assay_error_at(&error, ASSAY_ERROR_IO, "case.yaml", 0, "cannot be read");
    struct assay_yaml *node = status == ASSAY_OK ? assay_yaml_get(root, "title") : NULL;
    if (node)
        status = assay_yaml_text(node, &title, &error);
    char problem[1100];
    assay_error_format(&error, problem, sizeof problem);
    int out = folder_open_inside(descriptor, "out");
    int report = out < 0 ? -1 : open_file(out, "report.json");
    json_set_text(o, "name", name);
    json_set_text(o, "title", title);
    json_object_set_new(o, "reported", json_boolean(report >= 0));
    if (status != ASSAY_OK)
        json_set_text(o, "problem", problem);
    if (report >= 0)
        close(report);
    if (out >= 0)
        close(out);
    assay_arena_free(arena);
    free(bytes);
    return o;
}

json_t *folder_cases(const struct folder *folder)
{
    json_t *cases = json_array();
    struct names names = {0};
    if (folder->single)
        json_array_append_new(cases, case_line(folder->name, folder->descriptor));
    else
        list(folder->descriptor, &names);
    for (size_t i = 0; i < names.count; i++) {
        int descriptor = folder_case(folder, names.name[i]);
        if (descriptor < 0)
            continue;
        json_array_append_new(cases, case_line(names.name[i], descriptor));
        close(descriptor);
    }
    free(names.name);
    return cases;
}

json_t *folder_files(int descriptor)
{
    json_t *files = json_array();
    struct names names;
    list(descriptor, &names);
    for (size_t i = 0; i < names.count; i++) {
        struct stat what;
        if (fstatat(descriptor, names.name[i], &what, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(what.st_mode))
            json_array_append_new(files, json_pack("{s:s,s:I}", "name", names.name[i], "bytes",
                                                   (json_int_t)what.st_size));
    }
    free(names.name);
    return files;
}

json_t *folder_report(int descriptor)
{
    size_t size = 0;
    int out = folder_open_inside(descriptor, "out");
    char *bytes = out < 0 ? NULL : folder_read(out, "report.json", MOST_REPORT, &size);
    json_t *report = NULL;
    struct assay_error error;
    if (!bytes || json_parse("report.json", bytes, size, &report, &error) != ASSAY_OK)
        report = json_null();
    free(bytes);
    if (out >= 0)
        close(out);
    return report;
}

bool folder_digest(int descriptor, char hex[65])
{
    size_t size;
    char *bytes = folder_read(descriptor, "case.yaml", (size_t)16 << 20, &size);
    if (bytes)
        assay_sha256_bytes(bytes, size, hex);
    free(bytes);
    return bytes != NULL;
}

/* A folder of that name, made if it is missing; -1 if something else has the name. */
static int make_folder(int from, const char *name)
{
    return mkdirat(from, name, 0777) == 0 || errno == EEXIST ? folder_open_inside(from, name) : -1;
}

bool folder_make_out(int descriptor)
{
    int out = make_folder(descriptor, "out");
    int findings = out < 0 ? -1 : make_folder(out, "findings");
    if (findings >= 0)
        close(findings);
    if (out >= 0)
        close(out);
    return findings >= 0;
}
