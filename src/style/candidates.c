/* SPDX-License-Identifier: Apache-2.0 */
/* Which response sets stand together for one candidate. */
#include <assay/style.h>

#include <string.h>

/* The last part of what is between start and end, which excludes trailing slashes. */
static const char *last_part(const char *start, const char *end)
{
    const char *at = end;
    while (at > start && at[-1] != '/')
        at--;
    return at;
}

/*
 * The folder between a root and the file, as a length of `path`; 0 if the file lies in the root
 * itself or is what was asked for.
 */
static size_t group_length(const char *path, const char *const *roots, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t length = strlen(roots[i]);
        if (strncmp(path, roots[i], length) != 0 || path[length] != '/')
            continue;
        const char *slash = strchr(path + length + 1, '/');
        return slash ? (size_t)(slash - path) : 0;
    }
    return 0;
}

/* Sets of one folder follow one another, as they were listed. */
assay_status assay_style_candidates_group(const char *const *roots, size_t root_count,
                                          struct assay_responses *const *sets, size_t n,
                                          struct assay_arena *arena,
                                          struct assay_style_candidate **candidates, size_t *count,
                                          struct assay_error *error)
{
    struct assay_style_candidate *list = assay_arena_alloc(arena, n, sizeof *list);
    *candidates = list;
    *count = 0;
    for (size_t i = 0; i < n && list;) {
        const char *path = sets[i]->path, *name = sets[i]->name;
        size_t length = group_length(path, roots, root_count), next = i + 1;
        if (length > 0) {
            const char *part = last_part(path, path + length);
            name = assay_arena_copy_bytes(arena, part, (size_t)(path + length - part));
            while (next < n && group_length(sets[next]->path, roots, root_count) == length &&
                   strncmp(sets[next]->path, path, length) == 0)
                next++;
        }
        if (!name)
            list = NULL;
        else
            list[(*count)++] = (struct assay_style_candidate){name, sets + i, next - i};
        i = next;
    }
    return list ? ASSAY_OK : assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}
