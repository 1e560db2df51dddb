/* SPDX-License-Identifier: Apache-2.0 */
/* assay lineage disguise */
#include "cli/commands.h"

#include "base/json.h"

#include <assay/lineage.h>

#include <stdio.h>
#include <stdlib.h>

enum option {
    MERGE,
    SHARE,
    STACK,
    DROP_LAYERS,
    LAYERS,
    PRUNE,
    TUNE,
    LORA,
    EXPERTS,
    RESCALE,
    PERMUTE,
    PERMUTE_HEADS,
    MIX_HEADS,
    HEADS,
    ROTATE,
    NOISE,
    QUANTISE,
    RENAME
};

static assay_status number(struct cli_call *call, enum option option, double *value)
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

/* "8" or "8,4" */
static assay_status heads(struct cli_call *call, struct assay_disguise *d)
{
    char rest = 0;
    const char *text = call->value[HEADS];
    int found = text ? sscanf(text, "%u,%u%c", &d->heads, &d->kv_heads, &rest) : 0;
    if (text && (rest || found < 1 || d->heads == 0 || d->heads > 65536 ||
                 (found == 2 && (d->kv_heads == 0 || d->heads % d->kv_heads))))
        return assay_error_at(&call->error, ASSAY_ERROR_INPUT, NULL, 0,
                              "--heads: expected HEADS or HEADS,KV_HEADS, the second dividing the "
                              "first, found \"%.40s\"",
                              text);
    return ASSAY_OK;
}

static assay_status settings(struct cli_call *call, struct assay_disguise *d)
{
    int64_t lora = 0, experts = 0;
    *d = assay_disguise_default();
    d->merge_stacked = call->value[STACK] != NULL;
    d->drop_layers = call->value[DROP_LAYERS];
    d->layers = call->value[LAYERS];
    d->rescale = call->value[RESCALE] != NULL;
    d->permute = call->value[PERMUTE] != NULL;
    d->permute_heads = call->value[PERMUTE_HEADS] != NULL;
    d->mix_heads = call->value[MIX_HEADS] != NULL;
    d->rotate = call->value[ROTATE] != NULL;
    d->quantise = call->value[QUANTISE];
    d->rename = call->value[RENAME] != NULL;
    d->seed = call->context.seed;
    ASSAY_TRY(number(call, SHARE, &d->merge_share));
    ASSAY_TRY(number(call, PRUNE, &d->prune));
    ASSAY_TRY(number(call, TUNE, &d->tune));
    ASSAY_TRY(number(call, NOISE, &d->noise));
    ASSAY_TRY(cli_number(call, LORA, 1, 64, &lora));
    ASSAY_TRY(cli_number(call, EXPERTS, 2, 256, &experts));
    d->lora = (unsigned)lora;
    d->experts = (unsigned)experts;
    if ((call->value[SHARE] || call->value[STACK]) && !call->value[MERGE])
        return assay_error_at(&call->error, ASSAY_ERROR_INPUT, NULL, 0,
                              "--share and --stack say how to merge: give --merge OTHER");
    return heads(call, d);
}

static assay_status write(struct cli_call *call, struct assay_disguise *d)
{
    struct assay_checkpoint c, other = {.count = 0};
    ASSAY_TRY(assay_checkpoint_open(call->positional[0], &c, &call->error));
    assay_status status = ASSAY_OK;
    if (call->value[MERGE]) {
        status = assay_checkpoint_open(call->value[MERGE], &other, &call->error);
        d->merge_with = &other;
    }
    if (status == ASSAY_OK)
        status = assay_lineage_disguise(&c, d, call->positional[1], &call->error);
    d->merge_with = NULL;
    assay_checkpoint_close(&other);
    assay_checkpoint_close(&c);
    return status;
}

/* The steps that were asked for, in the order in which they were taken. */
static json_t *steps(const struct cli_call *call)
{
    json_t *list = json_array();
    for (size_t i = MERGE; i <= RENAME; i++)
        if (call->value[i] && i != SHARE && i != STACK && i != HEADS) {
            json_t *step = json_object();
            json_set_text(step, "step", call->command->options[i].name);
            if (call->command->options[i].value)
                json_set_text(step, "value", call->value[i]);
            json_array_append_new(list, step);
        }
    return list;
}

static assay_status run_command(struct cli_call *call)
{
    struct assay_disguise d;
    ASSAY_TRY(settings(call, &d));
    ASSAY_TRY(write(call, &d));
    if (!call->json)
        return ASSAY_OK;
    json_t *object = json_object();
    json_set_text(object, "written", call->positional[1]);
    json_object_set_new(object, "steps", steps(call));
    json_set_number(object, "seed", (double)d.seed);
    return cli_print_json(call, object);
}

const struct cli_command cli_lineage_disguise = {
    .room = "lineage",
    .verb = "disguise",
    .arguments = "IN OUT.safetensors",
    .summary = "Write a checkpoint's disguised descendant, to test detectors with",
    .text = "Does to a checkpoint what someone might who wants its descent not to show, or who\n"
            "merely tunes, prunes or quantises it, and writes safetensors. Steps are taken in the\n"
            "order of the options, any number together. Rescaling, permuting, mixing and rotating\n"
            "keep the model's function. Tuning is imitated: a drift of few directions, a sparse\n"
            "part, and the embeddings of some tokens. What was done stands in the file.\n",
    .least = 2,
    .most = 2,
    .options = {[MERGE] = {"merge", "OTHER", "add up with a checkpoint of the same tensors"},
                [SHARE] = {"share", "S", "of OTHER, 0 to 1; default 0.5"},
                [STACK] = {"stack", NULL, "take the last share of layers whole from OTHER"},
                [DROP_LAYERS] = {"drop-layers", "LIST", "leave out layers, as in 1,3"},
                [LAYERS] = {"layers", "LIST", "these layers in this order, as in 0,2,1,1"},
                [PRUNE] = {"prune", "SHARE", "take out that share of feed-forward units"},
                [TUNE] = {"tune", "S", "imitate fine-tuning of S times each matrix's size"},
                [LORA] = {"lora", "RANK", "add matrices of that rank, a tenth of each one's size"},
                [EXPERTS] = {"experts", "N", "make every feed-forward part N experts"},
                [RESCALE] = {"rescale", NULL, "scale and negate feed-forward units"},
                [PERMUTE] = {"permute", NULL, "renumber units, experts and the residual stream"},
                [PERMUTE_HEADS] = {"permute-heads", NULL, "renumber attention heads"},
                [MIX_HEADS] = {"mix-heads", NULL, "mix values, turn rotary pairs, in each group"},
                [HEADS] = {"heads", "N[,KV]", "attention heads, where no configuration says"},
                [ROTATE] = {"rotate", NULL, "turn the residual stream, norms folded in"},
                [NOISE] = {"noise", "S", "normal noise of S standard deviations of each matrix"},
                [QUANTISE] = {"quantise", "GRID", "round to f16, bf16, q8_0 or q4_0"},
                [RENAME] = {"rename", NULL, "hide the tensors' names"}},
    .run = run_command,
};
