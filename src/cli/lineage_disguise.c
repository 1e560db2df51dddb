/* SPDX-License-Identifier: Apache-2.0 */
/* assay lineage disguise */
#include "cli/commands.h"

#include "base/json.h"

#include <assay/lineage.h>

#include <stdlib.h>

static assay_status number(struct cli_call *call, size_t option, double *value)
{
    char *end;
    if (!call->value[option])
        return ASSAY_OK;
    *value = strtod(call->value[option], &end);
    if (end == call->value[option] || *end)
        return assay_error_at(&call->error, ASSAY_ERROR_INPUT, NULL, 0,
                              "--%s: expected a number, found \"%.40s\"",
                              call->command->options[option].name, call->value[option]);
    return ASSAY_OK;
}

static assay_status run_command(struct cli_call *call)
{
    struct assay_checkpoint c;
    struct assay_disguise d = {.drop_layers = call->value[5],
                               .rescale = call->value[3] != NULL,
                               .permute = call->value[1] != NULL,
                               .rotate = call->value[2] != NULL,
                               .quantise = call->value[6],
                               .rename = call->value[7] != NULL,
                               .seed = call->context.seed};
    ASSAY_TRY(number(call, 0, &d.noise));
    ASSAY_TRY(number(call, 4, &d.prune));
    ASSAY_TRY(assay_checkpoint_open(call->positional[0], &c, &call->error));
    assay_status status = assay_lineage_disguise(&c, &d, call->positional[1], &call->error);
    assay_checkpoint_close(&c);
    if (status == ASSAY_OK && call->json) {
        json_t *object = json_object();
        json_set_text(object, "written", call->positional[1]);
        json_set_number(object, "seed", (double)d.seed);
        status = cli_print_json(call, object);
    }
    return status;
}

const struct cli_command cli_lineage_disguise = {
    .room = "lineage",
    .verb = "disguise",
    .arguments = "IN OUT.safetensors",
    .summary = "Write a checkpoint's disguised descendant, to test detectors with",
    .text = "Does to a checkpoint what someone might who wants its descent not to show, or who\n"
            "merely tunes, prunes or quantises it, and writes safetensors. Steps are taken in the\n"
            "order drop, prune, rescale, permute, rotate, noise, quantise, rename. Permuting,\n"
            "rotating and rescaling keep the model's function. What was done stands in the file.\n",
    .least = 2,
    .most = 2,
    .options = {{"noise", "S", "normal noise of S standard deviations of each matrix"},
                {"permute", NULL, "renumber feed-forward units and the residual stream"},
                {"rotate", NULL, "turn the residual stream, norms folded in"},
                {"rescale", NULL, "scale and negate feed-forward units"},
                {"prune", "SHARE", "take out that share of feed-forward units"},
                {"drop-layers", "LIST", "leave out layers, as in 1,3"},
                {"quantise", "GRID", "round to f16, bf16, q8_0 or q4_0"},
                {"rename", NULL, "hide the tensors' names"}},
    .run = run_command,
};
