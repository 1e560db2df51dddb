/* SPDX-License-Identifier: Apache-2.0 */
/* assay model */
#include "cli/commands.h"

#include <assay/formats.h>

#include "base/json.h"

#include <inttypes.h>
#include <string.h>

static assay_status read_yaml(const char *path, struct assay_architecture *a,
                              struct assay_error *error)
{
    struct assay_arena *arena = assay_arena_new();
    struct assay_yaml *root;
    if (!arena)
        return assay_error_at(error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    assay_status status = assay_yaml_read(path, arena, &root, error);
    struct assay_yaml *model = status == ASSAY_OK ? assay_yaml_get(root, "model") : NULL;
    if (status == ASSAY_OK) /* a run's `model` section serves as well as a file of its own */
        status = assay_architecture_read_yaml(model ? model : root, a, error);
    assay_arena_free(arena);
    return status;
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

static assay_status run_command(struct cli_call *call)
{
    const char *path = call->positional[0];
    struct assay_architecture a;
    struct assay_parameters p;
    ASSAY_TRY(ends_with(path, ".json") ? assay_architecture_read_config(path, &a, &call->error)
                                       : read_yaml(path, &a, &call->error));
    assay_architecture_count(&a, &p);
    const struct {
        const char *name;
        int64_t count;
    } parts[] = {
        {"embedding", p.embedding}, {"head", p.head},       {"attention", p.attention},
        {"dense_mlp", p.dense_mlp}, {"experts", p.experts}, {"shared", p.shared},
        {"router", p.router},       {"norms", p.norms},     {"total", p.total},
        {"active", p.active},       {"mtp", p.mtp},
    };
    json_t *object = json_object();
    json_set_text(object, "name", a.name);
    json_set_text(object, "family", a.family);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        json_object_set_new(object, parts[i].name, json_integer(parts[i].count));
    if (call->json)
        return cli_print_json(call, object);
    json_decref(object);
    cli_say("%s%s%s: %" PRId64 " layers, width %" PRId64 "\n", a.name, a.name[0] ? ", " : "",
            a.family[0] ? a.family : "decoder-only transformer", a.layers, a.hidden);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (parts[i].count)
            cli_say("  %-10s %18" PRId64 "\n", parts[i].name, parts[i].count);
    return cli_finish_output(call);
}

const struct cli_command cli_model = {
    .room = "model",
    .verb = "",
    .arguments = "FILE",
    .summary = "Count the parameters of an architecture, total and active",
    .text =
        "FILE is a Hugging Face config.json, or Assay's own YAML (docs/formats.md). `active` is\n"
        "what one token passes through, embedding and head included; `mtp` counts the\n"
        "multi-token-prediction layers, which `total` leaves out as their makers do.\n",
    .least = 1,
    .most = 1,
    .run = run_command,
};
