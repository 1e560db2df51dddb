/* SPDX-License-Identifier: Apache-2.0 */
/* assay style tree */
#include "cli/commands.h"
#include "cli/style.h"

#include "base/json.h"

#include <string.h>

enum { SVG, REPLICATES };

static json_t *to_json(const struct cli_call *call, const struct style_inputs *in,
                       const struct assay_style_tree *tree)
{
    json_t *object = json_object(), *support = json_array();
    for (size_t i = 0; i < tree->support_count; i++)
        json_array_append_new(support, json_real(tree->support[i]));
    json_set_text(object, "newick", tree->newick);
    json_object_set_new(object, "support", support);
    json_set_number(object, "models", (double)in->set_count);
    json_set_number(object, "files_not_read", (double)in->left_out);
    json_set_number(object, "seed", (double)call->context.seed);
    return object;
}

static assay_status run_command(struct cli_call *call)
{
    struct style_inputs in;
    struct assay_style_tree tree;
    int64_t replicates = 100;
    ASSAY_TRY(cli_number(call, REPLICATES, 0, 1000, &replicates));
    ASSAY_TRY(style_inputs_read(call, NULL, NULL, NULL, &in));
    assay_status status = assay_style_tree_make(&call->context, in.sets, in.set_count,
                                                (int)replicates, &tree, &call->error);
    if (status == ASSAY_OK) {
        if (call->value[SVG])
            status = assay_file_write(call->value[SVG], tree.svg, strlen(tree.svg), &call->error);
        if (status == ASSAY_OK && call->json) {
            status = cli_print_json(call, to_json(call, &in, &tree));
        } else if (status == ASSAY_OK) {
            cli_say("%s\n", tree.newick);
            status = cli_finish_output(call);
        }
        assay_style_tree_free(&tree);
    }
    style_inputs_free(&in);
    return status;
}

const struct cli_command cli_style_tree = {
    .room = "style",
    .verb = "tree",
    .arguments = "DIR|FILE...",
    .summary = "Draw which models write alike",
    .text = "Neighbour joining on words shared over the same prompts, printed as Newick with\n"
            "bootstrap support in percent. The tree has no root, and it is one of likeness: kin\n"
            "stand together, but so do models of one length and quality.\n",
    .least = 1,
    .most = CLI_MOST_POSITIONALS,
    .options = {{"svg", "FILE", "also draw it"},
                {"replicates", "N", "bootstrap draws of prompts; default 100"}},
    .run = run_command,
};
