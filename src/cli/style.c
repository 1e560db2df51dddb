/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/style.h"

#include <stdlib.h>
#include <string.h>

static assay_status no_memory(struct cli_call *call)
{
    return assay_error_at(&call->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
}

struct listed {
    char **paths;
    size_t count, left_out;
};

static assay_status list(struct cli_call *call, const char *const *paths, size_t n,
                         struct assay_arena *arena, struct listed *listed)
{
    *listed = (struct listed){NULL, 0, 0};
    return n == 0 ? ASSAY_OK
                  : assay_responses_list(paths, n, arena, &listed->paths, &listed->count,
                                         &listed->left_out, &call->error);
}

/* The last part of what is between start and end, which excludes trailing slashes. */
static const char *last_part(const char *start, const char *end)
{
    const char *at = end;
    while (at > start && at[-1] != '/')
        at--;
    return at;
}

/*
 * The folder between `root` and the file, as a length of `path`; 0 if the file lies in `root`
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
static assay_status group(struct cli_call *call, struct style_inputs *in, const char *const *roots,
                          size_t n_roots, struct assay_responses **sets, size_t n)
{
    in->candidates = assay_arena_alloc(in->arena, n, sizeof *in->candidates);
    if (!in->candidates)
        return no_memory(call);
    for (size_t i = 0; i < n;) {
        const char *path = sets[i]->path;
        size_t length = group_length(path, roots, n_roots), next = i + 1;
        const char *name = sets[i]->name;
        if (length > 0) {
            const char *part = last_part(path, path + length);
            name = assay_arena_copy_bytes(in->arena, part, (size_t)(path + length - part));
            while (next < n && group_length(sets[next]->path, roots, n_roots) == length &&
                   strncmp(sets[next]->path, path, length) == 0)
                next++;
        }
        if (!name)
            return no_memory(call);
        in->candidates[in->candidate_count++] =
            (struct assay_style_candidate){name, sets + i, next - i};
        i = next;
    }
    return ASSAY_OK;
}

static assay_status read_all(struct cli_call *call, const char *suspect, const struct listed *of,
                             const struct listed *panel, struct style_inputs *in)
{
    size_t first = suspect ? 1 : 0, n = first + of->count + panel->count;
    char **paths = assay_arena_alloc(in->arena, n, sizeof *paths);
    in->sets = assay_arena_alloc(in->arena, n, sizeof *in->sets);
    if (!paths || !in->sets)
        return no_memory(call);
    if (suspect && !(paths[0] = assay_arena_copy(in->arena, suspect)))
        return no_memory(call);
    if (of->count > 0)
        memcpy(paths + first, of->paths, of->count * sizeof *paths);
    if (panel->count > 0)
        memcpy(paths + first + of->count, panel->paths, panel->count * sizeof *paths);
    ASSAY_TRY(assay_responses_read_all(&call->context, paths, n, in->sets, &call->error));
    in->set_count = n;
    in->suspect = suspect ? in->sets[0] : NULL;
    in->panel = in->sets + first + of->count;
    in->panel_count = panel->count;
    return ASSAY_OK;
}

assay_status style_inputs_read(struct cli_call *call, const char *suspect, const char *candidates,
                               const char *panel, struct style_inputs *in)
{
    const char *roots[CLI_MOST_POSITIONALS + 1];
    size_t n = 0;
    struct listed of, beside;
    *in = (struct style_inputs){.arena = assay_arena_new()};
    assay_status status = in->arena ? ASSAY_OK : no_memory(call);
    for (size_t i = 0; i <= call->positionals && status == ASSAY_OK; i++) {
        const char *root = i == 0 ? candidates : call->positional[i - 1];
        if (!root)
            continue;
        size_t length = strlen(root);
        while (length > 1 && root[length - 1] == '/')
            length--;
        roots[n] = assay_arena_copy_bytes(in->arena, root, length);
        status = roots[n++] ? ASSAY_OK : no_memory(call);
    }
    if (status == ASSAY_OK)
        status = list(call, roots, n, in->arena, &of);
    if (status == ASSAY_OK)
        status = list(call, &panel, panel ? 1 : 0, in->arena, &beside);
    if (status == ASSAY_OK)
        status = read_all(call, suspect, &of, &beside, in);
    if (status == ASSAY_OK && of.count > 0)
        status = group(call, in, roots, n, in->sets + (suspect ? 1 : 0), of.count);
    if (status == ASSAY_OK)
        in->left_out = of.left_out + beside.left_out;
    else
        style_inputs_free(in);
    return status;
}

void style_inputs_free(struct style_inputs *in)
{
    for (size_t i = 0; i < in->set_count; i++)
        assay_responses_free(in->sets[i]);
    assay_arena_free(in->arena);
    *in = (struct style_inputs){.suspect = NULL};
}
