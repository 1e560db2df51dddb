/* SPDX-License-Identifier: Apache-2.0 */
/* assay lab export */
#include "cli/commands.h"

#include "base/json.h"

#include <assay/lab.h>

#include <string.h>

enum { FORMAT };

static assay_status run_command(struct cli_call *call)
{
    const char *format = call->value[FORMAT] ? call->value[FORMAT] : "hf";
    bool gguf = strcmp(format, "gguf") == 0;
    if (!gguf && strcmp(format, "hf") != 0)
        return assay_error_at(&call->error, ASSAY_ERROR_INPUT, NULL, 0,
                              "--format: expected hf or gguf, found \"%.40s\"", format);
    ASSAY_TRY(assay_lab_export(call->positional[0], gguf ? ASSAY_LAB_GGUF : ASSAY_LAB_HUGGING_FACE,
                               call->positional[1], &call->error));
    if (call->json) {
        json_t *o = json_object();
        json_set_text(o, "from", call->positional[0]);
        json_set_text(o, "format", format);
        json_set_text(o, "to", call->positional[1]);
        return cli_print_json(call, o);
    }
    cli_say("%s %s is written.\n", gguf ? "The GGUF file" : "The folder", call->positional[1]);
    return cli_finish_output(call);
}

const struct cli_command cli_lab_export = {
    .room = "lab",
    .verb = "export",
    .arguments = "MODEL TO",
    .summary = "Write a model of the lab for other programs",
    .text =
        "MODEL is a folder of assay lab train, or what this command wrote. TO is a folder\n"
        "(model.safetensors, config.json and tokenizer.json, as Hugging Face has Llamas, or\n"
        "Mixtrals if there are experts) or a GGUF file for llama.cpp. All weights stay float32.\n",
    .least = 2,
    .most = 2,
    .options = {{"format", "hf|gguf", "default hf"}},
    .run = run_command,
};
