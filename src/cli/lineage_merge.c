/* SPDX-License-Identifier: Apache-2.0 */
/* assay lineage merge */
#include "cli/commands.h"

#include "base/json.h"

#include <assay/lineage.h>

static const char *const kinds[] = {[ASSAY_MERGE_NONE] = "none",
                                    [ASSAY_MERGE_ONE] = "one",
                                    [ASSAY_MERGE_KIN] = "kin",
                                    [ASSAY_MERGE_MERGED] = "merged",
                                    [ASSAY_MERGE_STACKED] = "stacked"};

static json_t *to_json(const struct cli_call *call, const struct assay_lineage_merge *m)
{
    json_t *o = json_object(), *parents = json_array(), *layers = json_array();
    json_set_text(o, "child", call->positional[0]);
    json_set_text(o, "kind", kinds[m->kind]);
    json_set_text(o, "note", m->note);
    for (size_t i = 0; i < m->parent_count; i++) {
        json_t *p = json_object();
        json_set_text(p, "path", m->parents[i].path);
        json_set_interval(p, "share", m->parents[i].share);
        json_array_append_new(parents, p);
    }
    json_object_set_new(o, "parents", parents);
    json_set_number(o, "explained", m->explained);
    for (size_t l = 0; l < m->layer_count; l++) {
        json_t *layer = json_object(), *shares = json_array();
        json_set_text(layer, "layer", m->layers[l].layer);
        for (size_t i = 0; i < m->parent_count; i++)
            json_array_append_new(shares, json_number_or_null(m->layers[l].shares[i]));
        json_object_set_new(layer, "shares", shares);
        json_set_number(layer, "explained", m->layers[l].explained);
        json_array_append_new(layers, layer);
    }
    json_object_set_new(o, "layers", layers);
    json_set_number(o, "tensors", (double)m->tensors);
    json_set_number(o, "coordinates", (double)m->coordinates);
    json_object_set_new(o, "limits", json_texts(m->limits, m->limit_count));
    json_set_number(o, "seed", (double)call->context.seed);
    return o;
}

static void print(const struct assay_lineage_merge *m)
{
    cli_say("%s\n\n    share  (80%% of draws of tensors)   parent\n", m->note);
    for (size_t i = 0; i < m->parent_count; i++)
        cli_say("    %5.3f  (%.3f to %.3f)            %s\n", m->parents[i].share.median,
                m->parents[i].share.low, m->parents[i].share.high, m->parents[i].path);
    cli_say("\n    layer   explained   shares\n");
    for (size_t l = 0; l < m->layer_count; l++) {
        cli_say("    %-6s  %9.5f  ", m->layers[l].layer[0] ? m->layers[l].layer : "others",
                m->layers[l].explained);
        for (size_t i = 0; i < m->parent_count; i++)
            cli_say("  %.3f", m->layers[l].shares[i]);
        cli_say("\n");
    }
    cli_say("\n%zu matrices, %llu values of each file.\n", m->tensors,
            (unsigned long long)m->coordinates);
    for (size_t i = 0; i < m->limit_count; i++)
        cli_say("Limit: %s\n", m->limits[i]);
}

static assay_status run_command(struct cli_call *call)
{
    struct assay_checkpoint files[1 + ASSAY_LINEAGE_MOST_PARENTS] = {{.tensors = NULL}};
    const struct assay_checkpoint *parents[ASSAY_LINEAGE_MOST_PARENTS];
    struct assay_lineage_merge merge;
    assay_status status = ASSAY_OK;
    for (size_t i = 0; i < call->positionals && status == ASSAY_OK; i++)
        status = assay_checkpoint_open(call->positional[i], &files[i], &call->error);
    for (size_t i = 1; i < call->positionals; i++)
        parents[i - 1] = &files[i];
    if (status == ASSAY_OK)
        status = assay_lineage_merge_find(&files[0], parents, call->positionals - 1, &call->context,
                                          &merge, &call->error);
    if (status == ASSAY_OK && call->json)
        status = cli_print_json(call, to_json(call, &merge));
    else if (status == ASSAY_OK)
        print(&merge);
    if (status == ASSAY_OK)
        assay_lineage_merge_free(&merge);
    for (size_t i = 0; i < call->positionals; i++)
        assay_checkpoint_close(&files[i]);
    return status == ASSAY_OK && !call->json ? cli_finish_output(call) : status;
}

const struct cli_command cli_lineage_merge = {
    .room = "lineage",
    .verb = "merge",
    .arguments = "CHILD PARENT [PARENT...]",
    .summary = "Say in what shares a checkpoint is made of others",
    .text =
        "Least squares of the child's matrices on those of the parents, no share negative, over\n"
        "the whole and layer by layer. 'one': a parent alone is enough; 'merged': a weighted\n"
        "sum; 'stacked': whole layers of different parents; 'none': too little is explained.\n"
        "Whether a single pair is related at all, with a p-value, is what `compare` says.\n",
    .least = 2,
    .most = 1 + ASSAY_LINEAGE_MOST_PARENTS,
    .run = run_command,
};
