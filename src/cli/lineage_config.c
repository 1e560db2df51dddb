/* SPDX-License-Identifier: Apache-2.0 */
/* assay lineage config */
#include "cli/commands.h"
#include "cli/lineage_beside.h"

#include "base/json.h"

#include <math.h>
#include <string.h>

static json_t *to_json(const struct cli_call *call, const struct assay_configuration *a,
                       const struct assay_configuration *b,
                       const struct assay_configuration_likeness *l)
{
    json_t *o = json_object(), *keys = json_array();
    json_set_text(o, "a", call->positional[0]);
    json_set_text(o, "b", call->positional[1]);
    for (size_t k = 0; k < ASSAY_KEY_COUNT; k++) {
        json_t *key = json_object();
        json_set_text(key, "key", assay_configuration_key_name((enum assay_configuration_key)k));
        json_set_number(key, "a", a->value[k]);
        json_set_number(key, "b", b->value[k]);
        json_object_set_new(key, "equal", json_boolean(l->keys[k].equal));
        json_set_number(key, "families", (double)l->keys[k].families);
        json_set_number(key, "stated", (double)l->keys[k].stated);
        json_array_append_new(keys, key);
    }
    json_object_set_new(o, "keys", keys);
    json_set_number(o, "known", (double)l->known);
    json_set_number(o, "equal", (double)l->equal);
    json_set_number(o, "families", (double)l->families);
    json_set_number(o, "families_alike", (double)l->alike);
    json_set_number(o, "log10_lr", l->log10_lr);
    return o;
}

static void print(const struct assay_configuration *a, const struct assay_configuration *b,
                  const struct assay_configuration_likeness *l)
{
    cli_say("%-12s %14s %14s   families of public models with A's value\n", "", "A", "B");
    for (size_t k = 0; k < ASSAY_KEY_COUNT; k++) {
        char of_a[32] = "not known", of_b[32] = "not known";
        if (!isnan(a->value[k]))
            snprintf(of_a, sizeof of_a, "%.10g", a->value[k]);
        if (!isnan(b->value[k]))
            snprintf(of_b, sizeof of_b, "%.10g", b->value[k]);
        cli_say("%-12s %14s %14s   ", assay_configuration_key_name((enum assay_configuration_key)k),
                of_a, of_b);
        if (l->keys[k].known)
            cli_say("%zu of %zu", l->keys[k].families, l->keys[k].stated);
        cli_say("\n");
    }
    cli_say("\n%zu of %zu families have a model with all that A and B share.\n", l->alike,
            l->families);
    if (isnan(l->log10_lr))
        cli_say("No likelihood ratio: they differ, or fewer than four keys are known of both.\n");
    else
        cli_say("log10 of the likelihood ratio of copying against chance: %.2f\n", l->log10_lr);
}

/* A config.json as such, everything else as a checkpoint. */
static assay_status read_one(struct cli_call *call, const char *path, struct assay_configuration *c)
{
    struct assay_checkpoint checkpoint;
    size_t n = strlen(path);
    if (n >= 11 && strcmp(path + n - 11, "config.json") == 0)
        return assay_configuration_read(path, NULL, c, &call->error);
    ASSAY_TRY(assay_checkpoint_open(path, &checkpoint, &call->error));
    assay_status status = assay_configuration_read(path, &checkpoint, c, &call->error);
    assay_checkpoint_close(&checkpoint);
    return status;
}

static assay_status run_command(struct cli_call *call)
{
    struct assay_configuration a, b;
    struct assay_configuration_likeness likeness;
    char models[4200];
    snprintf(models, sizeof models, "%s/models.csv", call->data_folder);
    ASSAY_TRY(read_one(call, call->positional[0], &a));
    ASSAY_TRY(read_one(call, call->positional[1], &b));
    ASSAY_TRY(assay_configurations_compare(&a, &b, models, &likeness, &call->error));
    if (call->json)
        return cli_print_json(call, to_json(call, &a, &b, &likeness));
    print(&a, &b, &likeness);
    return cli_finish_output(call);
}

const struct cli_command cli_lineage_config = {
    .room = "lineage",
    .verb = "config",
    .arguments = "A B",
    .summary = "Compare two configurations, and say how common it is to have the same",
    .text =
        "Reads config.json, GGUF keys, or names and shapes of tensors. Sharing a value says the\n"
        "less the more public models have it (data/models.csv; models whose configuration was\n"
        "chosen together count once), so a public recipe counts for nearly nothing. That\n"
        "somebody copied a public recipe on purpose is not in the ratio.\n",
    .least = 2,
    .most = 2,
    .run = run_command,
};
