/* SPDX-License-Identifier: Apache-2.0 */
/* Which response sets lie where, and reading all of them. */
#include <assay/responses.h>

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MOST_SETS 100000

struct listing {
    struct assay_arena *arena;
    char **found;
    size_t n, room, left_out;
    struct assay_error *error;
};

static assay_status no_memory(struct assay_error *error)
{
    return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

static assay_status add(struct listing *l, const char *path)
{
    if (l->n == MOST_SETS)
        return assay_error_at(l->error, ASSAY_ERROR_LIMIT, path, 0, "more than %d response sets",
                              MOST_SETS);
    if (l->n == l->room) {
        size_t room = l->room ? 2 * l->room : 64;
        char **found = assay_arena_alloc(l->arena, room, sizeof *found);
        if (!found)
            return no_memory(l->error);
        if (l->n > 0)
            memcpy(found, l->found, l->n * sizeof *found);
        l->found = found;
        l->room = room;
    }
    l->found[l->n] = assay_arena_copy(l->arena, path);
    return l->found[l->n++] ? ASSAY_OK : no_memory(l->error);
}

static bool ends_with(const char *name, const char *ending)
{
    size_t n = strlen(name), m = strlen(ending);
    return n > m && strcmp(name + n - m, ending) == 0;
}

static bool is_set_name(const char *name)
{
    static const char *const endings[] = {".json",     ".jsonl",     ".json.gz",    ".jsonl.gz",
                                          ".json.zst", ".jsonl.zst", ".fingerprint"};
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++)
        if (ends_with(name, endings[i]))
            return true;
    return false;
}

static int visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int in_byte_order(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static bool holds_texts(struct dirent *const *names, int n)
{
    bool texts = false;
    for (int i = 0; i < n; i++) {
        if (is_set_name(names[i]->d_name))
            return false;
        texts = texts || ends_with(names[i]->d_name, ".txt") || ends_with(names[i]->d_name, ".md");
    }
    return texts;
}

static assay_status look(struct listing *l, const char *path, int depth);

static assay_status look_inside(struct listing *l, const char *folder, int depth)
{
    struct dirent **names = NULL;
    int n = scandir(folder, &names, visible, in_byte_order);
    assay_status status = ASSAY_OK;
    if (n < 0)
        return assay_error_at(l->error, ASSAY_ERROR_IO, folder, 0, "cannot list this folder");
    if (holds_texts(names, n)) {
        status = add(l, folder);
    } else {
        for (int i = 0; i < n && status == ASSAY_OK; i++) {
            struct stat info;
            char *path = assay_arena_print(l->arena, "%s/%s", folder, names[i]->d_name);
            if (!path)
                status = no_memory(l->error);
            else if (stat(path, &info) == 0 && S_ISDIR(info.st_mode))
                status = depth > 0 ? look(l, path, depth - 1) : ASSAY_OK;
            else if (is_set_name(names[i]->d_name))
                status = add(l, path);
            else
                l->left_out++;
        }
    }
    for (int i = 0; i < n; i++)
        free(names[i]);
    free(names);
    return status;
}

static assay_status look(struct listing *l, const char *path, int depth)
{
    struct stat info;
    if (stat(path, &info) != 0)
        return assay_error_at(l->error, ASSAY_ERROR_IO, path, 0, "no such file or folder");
    return S_ISDIR(info.st_mode) ? look_inside(l, path, depth) : add(l, path);
}

assay_status assay_responses_list(const char *const *paths, size_t n_paths,
                                  struct assay_arena *arena, char ***found, size_t *n,
                                  size_t *left_out, struct assay_error *error)
{
    struct listing l = {.arena = arena, .error = error};
    for (size_t i = 0; i < n_paths; i++) {
        size_t before = l.n;
        ASSAY_TRY(look(&l, paths[i], 1));
        if (l.n == before)
            return assay_error_at(error, ASSAY_ERROR_INPUT, paths[i], 0,
                                  "holds no response sets: expected .json or .jsonl files (plain, "
                                  ".gz or .zst), fingerprints, or folders of .txt files");
    }
    *found = l.found;
    *n = l.n;
    *left_out = l.left_out;
    return ASSAY_OK;
}

/* ---- reading all --------------------------------------------------------------------- */

struct many {
    char *const *paths;
    struct assay_responses **results;
    struct assay_error *errors;
    assay_status *status;
};

static void read_one(void *data, size_t i)
{
    struct many *m = data;
    m->status[i] = assay_responses_read(m->paths[i], &m->results[i], &m->errors[i]);
}

assay_status assay_responses_read_all(const struct assay_context *context, char *const *paths,
                                      size_t n, struct assay_responses **results,
                                      struct assay_error *error)
{
    struct many m = {paths, results, calloc(n + 1, sizeof *m.errors),
                     calloc(n + 1, sizeof *m.status)};
    memset(results, 0, n * sizeof *results);
    assay_status status = m.errors && m.status
                              ? assay_parallel_for(context, "response sets", n, read_one, &m, error)
                              : no_memory(error);
    for (size_t i = 0; i < n && status == ASSAY_OK; i++) {
        status = m.status[i];
        if (status != ASSAY_OK && error)
            *error = m.errors[i];
    }
    for (size_t i = 0; i < n && status != ASSAY_OK; i++) {
        assay_responses_free(results[i]);
        results[i] = NULL;
    }
    free(m.errors);
    free(m.status);
    return status;
}
