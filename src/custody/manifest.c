/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every file below a folder with its SHA-256. In: a folder. Out: paths in the order of their bytes,
 * so that the same folder gives the same manifest everywhere. What can go wrong: links, devices,
 * names that no text can carry, files that vanish while being read.
 */
#define _XOPEN_SOURCE 700 /* realpath */
#include "custody/manifest.h"

#include "base/escape.h"
#include "base/utf8.h"

#include <dirent.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MOST_FILES ((size_t)1000000)
#define MOST_LEVELS 64

struct walk {
    const char *folder;
    const char *const *ignored;
    size_t ignored_count;
    struct assay_arena *arena;
    struct assay_manifest_file *files; /* malloc */
    size_t count, room;
    struct assay_error *error;
};

static assay_status out_of_memory(struct assay_error *error)
{
    return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

static bool is_ignored(const struct walk *walk, const char *path)
{
    for (size_t i = 0; i < walk->ignored_count; i++)
        if (strcmp(walk->ignored[i], path) == 0)
            return true;
    return false;
}

bool manifest_is_plain(const char *path)
{
    size_t size = strlen(path);
    if (utf8_valid_prefix((const unsigned char *)path, size) != size)
        return false;
    for (size_t i = 0; i < size; i++)
        if (((unsigned char)path[i] & 0xC0) != 0x80 && escape_unsafe(path + i))
            return false;
    return true;
}

/* Quotes the name with every byte that is not plain ASCII as '?'. */
static assay_status refuse_name(struct walk *walk, const char *path)
{
    char shown[200];
    size_t i = 0;
    for (; path[i] && i < sizeof shown - 1; i++)
        shown[i] = (char)(path[i] >= ' ' && path[i] <= '~' ? path[i] : '?');
    shown[i] = '\0';
    return assay_error_at(walk->error, ASSAY_ERROR_INPUT, walk->folder, 0,
                          "\"%s\": the name is not UTF-8 text without control characters", shown);
}

static assay_status add_file(struct walk *walk, const char *path)
{
    if (walk->count == MOST_FILES)
        return assay_error_at(walk->error, ASSAY_ERROR_LIMIT, walk->folder, 0,
                              "found more than %zu files", MOST_FILES);
    if (walk->count == walk->room) {
        size_t room = walk->room ? walk->room * 2 : 64;
        struct assay_manifest_file *grown = realloc(walk->files, room * sizeof *grown);
        if (!grown)
            return out_of_memory(walk->error);
        walk->files = grown;
        walk->room = room;
    }
    walk->files[walk->count++] = (struct assay_manifest_file){.path = path};
    return ASSAY_OK;
}

static assay_status walk_folder(struct walk *walk, const char *below, int level);

/* `path` is relative to the folder that is signed. */
static assay_status walk_entry(struct walk *walk, const char *path, int level)
{
    struct stat status;
    char *full = assay_arena_print(walk->arena, "%s/%s", walk->folder, path);
    if (!full)
        return out_of_memory(walk->error);
    if (!manifest_is_plain(path))
        return refuse_name(walk, path);
    if (is_ignored(walk, path))
        return ASSAY_OK;
    if (lstat(full, &status) != 0)
        return assay_error_at(walk->error, ASSAY_ERROR_IO, full, 0, "cannot inspect: %s",
                              strerror(errno));
    if (S_ISDIR(status.st_mode))
        return walk_folder(walk, path, level + 1);
    if (!S_ISREG(status.st_mode))
        return assay_error_at(
            walk->error, ASSAY_ERROR_INPUT, full, 0,
            "found %s, expected only files and folders: put the file itself there",
            S_ISLNK(status.st_mode) ? "a symbolic link" : "a device or pipe");
    return add_file(walk, path);
}

/* `below` is "" for the folder itself. */
static assay_status walk_folder(struct walk *walk, const char *below, int level)
{
    char *full = assay_arena_print(walk->arena, "%s%s%s", walk->folder, below[0] ? "/" : "", below);
    if (!full)
        return out_of_memory(walk->error);
    if (level > MOST_LEVELS)
        return assay_error_at(walk->error, ASSAY_ERROR_LIMIT, full, 0,
                              "expected at most %d folders one in another", MOST_LEVELS);
    DIR *directory = opendir(full);
    if (!directory)
        return assay_error_at(walk->error, ASSAY_ERROR_IO, full, 0, "cannot open the folder: %s",
                              strerror(errno));
    assay_status status = ASSAY_OK;
    for (;;) {
        errno = 0;
        struct dirent *entry = readdir(directory);
        if (!entry)
            break;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        char *path =
            assay_arena_print(walk->arena, "%s%s%s", below, below[0] ? "/" : "", entry->d_name);
        status = path ? walk_entry(walk, path, level) : out_of_memory(walk->error);
        if (status != ASSAY_OK)
            break;
    }
    if (status == ASSAY_OK && errno != 0)
        status = assay_error_at(walk->error, ASSAY_ERROR_IO, full, 0, "cannot list the folder: %s",
                                strerror(errno));
    closedir(directory);
    return status;
}

static int by_path(const void *a, const void *b)
{
    const struct assay_manifest_file *x = a, *y = b;
    return strcmp(x->path, y->path);
}

/* ---- digests ------------------------------------------------------------------------------- */

struct digests {
    const char *folder;
    struct assay_manifest_file *files;
    struct assay_error *errors; /* one a file; status ASSAY_OK where it went well */
};

static void take_digest(void *data, size_t i)
{
    struct digests *d = data;
    char full[8192];
    int length = snprintf(full, sizeof full, "%s/%s", d->folder, d->files[i].path);
    if (length < 0 || (size_t)length >= sizeof full)
        (void)assay_error_at(&d->errors[i], ASSAY_ERROR_LIMIT, d->folder, 0,
                             "a path is longer than %zu bytes", sizeof full);
    else
        (void)!assay_sha256_file(full, d->files[i].sha256, &d->errors[i]);
}

static assay_status take_digests(const struct walk *walk, const struct assay_context *context)
{
    struct digests d = {walk->folder, walk->files, NULL};
    if (walk->count == 0)
        return ASSAY_OK;
    d.errors = calloc(walk->count, sizeof *d.errors);
    if (!d.errors)
        return out_of_memory(walk->error);
    assay_status status =
        assay_parallel_for(context, "files hashed", walk->count, take_digest, &d, walk->error);
    for (size_t i = 0; status == ASSAY_OK && i < walk->count; i++)
        if (d.errors[i].status != ASSAY_OK) {
            status = d.errors[i].status;
            if (walk->error)
                *walk->error = d.errors[i];
        }
    free(d.errors);
    return status;
}

static int nibble(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool manifest_root(struct assay_manifest *manifest)
{
    unsigned char digest[32];
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good = context && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1;
    for (size_t i = 0; good && i < manifest->count; i++) {
        for (int k = 0; k < 32 && good; k++) {
            int high = nibble(manifest->files[i].sha256[2 * k]);
            int low = nibble(manifest->files[i].sha256[2 * k + 1]);
            good = high >= 0 && low >= 0;
            digest[k] = (unsigned char)((unsigned)(high & 15) << 4 | (unsigned)(low & 15));
        }
        good = good && EVP_DigestUpdate(context, digest, sizeof digest) == 1;
    }
    good = good && EVP_DigestFinal_ex(context, digest, NULL) == 1;
    for (int k = 0; k < 32; k++)
        snprintf(manifest->root_sha256 + (size_t)2 * (size_t)k, 3, "%02x", digest[k]);
    EVP_MD_CTX_free(context);
    return good;
}

/* ---- the manifest -------------------------------------------------------------------------- */

/* "b" of "a/b", "a/b/" and "b"; of "." or "/" the name that the folder really has. */
static char *folder_name(struct assay_arena *arena, const char *folder)
{
    char *real = realpath(folder, NULL), *name = NULL;
    if (real) {
        const char *slash = strrchr(real, '/');
        name = assay_arena_copy(arena, slash && slash[1] ? slash + 1 : real);
    }
    free(real);
    return name;
}

static assay_status fill(struct walk *walk, const struct assay_context *context,
                         struct assay_manifest *manifest)
{
    ASSAY_TRY(walk_folder(walk, "", 0));
    if (walk->count > 0)
        qsort(walk->files, walk->count, sizeof *walk->files, by_path);
    ASSAY_TRY(take_digests(walk, context));
    struct assay_manifest_file *files =
        assay_arena_alloc(walk->arena, walk->count, sizeof *walk->files);
    manifest->name = folder_name(walk->arena, walk->folder);
    if (!files || !manifest->name)
        return out_of_memory(walk->error);
    if (!manifest_is_plain(manifest->name))
        return refuse_name(walk, manifest->name);
    if (walk->count > 0)
        memcpy(files, walk->files, walk->count * sizeof *files);
    manifest->files = files;
    manifest->count = walk->count;
    return manifest_root(manifest) ? ASSAY_OK
                                   : assay_error_at(walk->error, ASSAY_ERROR_MEMORY, NULL, 0,
                                                    "libcrypto cannot take a digest");
}

assay_status assay_manifest_read(const char *folder, const char *const *ignored,
                                 size_t ignored_count, const struct assay_context *context,
                                 struct assay_manifest *manifest, struct assay_error *error)
{
    memset(manifest, 0, sizeof *manifest);
    manifest->arena = assay_arena_new();
    if (!manifest->arena)
        return out_of_memory(error);
    struct walk walk = {.folder = folder,
                        .ignored = ignored,
                        .ignored_count = ignored_count,
                        .arena = manifest->arena,
                        .error = error};
    assay_status status = fill(&walk, context, manifest);
    free(walk.files);
    if (status != ASSAY_OK)
        assay_manifest_free(manifest);
    return status;
}

void assay_manifest_free(struct assay_manifest *manifest)
{
    if (!manifest)
        return;
    assay_arena_free(manifest->arena);
    memset(manifest, 0, sizeof *manifest);
}
