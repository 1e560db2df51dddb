/* SPDX-License-Identifier: Apache-2.0 */
/* assay lineage stages */
#include "cli/commands.h"
#include "cli/lineage_beside.h"

#include "base/json.h"

#include <math.h>

static json_t *to_json(const struct cli_call *call, const struct assay_lineage_comparison *r,
                       const struct lineage_stages *s)
{
    json_t *object = json_object(), *related = json_object();
    json_set_text(object, "a", call->positional[0]);
    json_set_text(object, "b", call->positional[1]);
    json_set_text(object, "base", call->value[0]);
    json_set_number(related, "log10_p", r->log10_p);
    json_set_number(related, "log10_lr", r->log10_lr);
    json_object_set_new(object, "related", related);
    json_object_set_new(object, "stages", lineage_stages_json(s));
    json_set_text(object, "direction", lineage_direction_name(r->direction));
    json_set_number(object, "direction_log10_lr", r->direction_log10_lr);
    json_set_text(object, "direction_note", r->direction_note);
    json_object_set_new(object, "limits", json_texts(r->limits, r->limit_count));
    json_set_number(object, "seed", (double)call->context.seed);
    return object;
}

static void print(const struct assay_lineage_comparison *r, const struct lineage_stages *s)
{
    lineage_stages_print(s);
    cli_say("\nDirection: %s", lineage_direction_name(r->direction));
    if (!isnan(r->direction_log10_lr))
        cli_say(" (likelihood ratio of A to B against B to A: 10^%.2f)", r->direction_log10_lr);
    cli_say(". %s\n", r->direction_note);
}

static assay_status stages(struct cli_call *call, const struct assay_checkpoint *a,
                           const struct assay_checkpoint *b)
{
    struct assay_lineage_settings settings = assay_lineage_settings_default();
    struct assay_lineage_comparison result;
    struct lineage_stages s;
    ASSAY_TRY(assay_lineage_compare(a, b, &settings, &call->context, &result, &call->error));
    assay_status status = lineage_stages_of(call, a, b, call->value[0], &result, true, &s);
    if (status == ASSAY_OK && call->json) {
        status = cli_print_json(call, to_json(call, &result, &s));
    } else if (status == ASSAY_OK) {
        print(&result, &s);
        status = cli_finish_output(call);
    }
    assay_lineage_comparison_free(&result);
    return status;
}

static assay_status run_command(struct cli_call *call)
{
    return lineage_open_both(call, stages);
}

const struct cli_command cli_lineage_stages = {
    .room = "lineage",
    .verb = "stages",
    .arguments = "A B",
    .summary = "Say which stages of their development two checkpoints share",
    .text =
        "Tokenizer and configuration (in the files or beside them), architecture, embedding,\n"
        "initialisation, pre-training, tuning, and which of the two is older: each with a\n"
        "p-value or a likelihood ratio where there is one, and why where there is none. Ratios\n"
        "of training and tuning come from pairs of small models that the lab trained\n"
        "(data/stage_pairs.csv); no real model is among them. One seed with other data is told\n"
        "from shared training; one seed with like data hardly is.\n",
    .least = 2,
    .most = 2,
    .options = {{"base", "FILE", "a checkpoint that both may have been tuned from"}},
    .run = run_command,
};
