/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/style.h"

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
        status = assay_style_candidates_group(roots, n, in->sets + (suspect ? 1 : 0), of.count,
                                              in->arena, &in->candidates, &in->candidate_count,
                                              &call->error);
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
