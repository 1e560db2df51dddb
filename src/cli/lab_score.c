/* SPDX-License-Identifier: Apache-2.0 */
/* assay lab score */
#include "cli/commands.h"

#include "base/json.h"

#include <assay/lab.h>

#include <math.h>

static json_t *to_json(const struct cli_call *call, const struct assay_lab_score *s, double sum)
{
    json_t *o = json_object(), *tokens = json_array(), *log_p = json_array();
    for (size_t i = 0; i < s->count; i++) {
        json_array_append_new(tokens, json_integer(s->tokens[i]));
        json_array_append_new(log_p, json_number_or_null((double)s->log_p[i]));
    }
    json_set_text(o, "model", call->positional[0]);
    json_set_text(o, "text", call->positional[1]);
    json_set_number(o, "nats_per_token", -sum / (double)s->count);
    json_set_number(o, "bits_per_byte", -sum / log(2) / (double)s->bytes);
    json_object_set_new(o, "tokens", tokens);
    json_object_set_new(o, "log_p", log_p);
    return o;
}

static assay_status run_command(struct cli_call *call)
{
    struct assay_file file;
    struct assay_lab_score score;
    ASSAY_TRY(assay_file_open(call->positional[1], (size_t)1 << 30, &file, &call->error));
    if (file.size == 0) {
        assay_file_close(&file);
        return assay_error_at(&call->error, ASSAY_ERROR_UNANSWERABLE, call->positional[1], 0,
                              "the text is empty: there is nothing to score");
    }
    assay_status status = assay_lab_score(call->positional[0], (const char *)file.bytes, file.size,
                                          &score, &call->error);
    assay_file_close(&file);
    ASSAY_TRY(status);
    double sum = 0;
    for (size_t i = 0; i < score.count; i++)
        sum += (double)score.log_p[i];
    if (call->json) {
        status = cli_print_json(call, to_json(call, &score, sum));
    } else {
        cli_say("%zu tokens, %zu bytes: %.4f nats a token, %.4f bits a byte.\n", score.count,
                score.bytes, -sum / (double)score.count, -sum / log(2) / (double)score.bytes);
        status = cli_finish_output(call);
    }
    assay_lab_score_free(&score);
    return status;
}

const struct cli_command cli_lab_score = {
    .room = "lab",
    .verb = "score",
    .arguments = "MODEL TEXT",
    .summary = "How probable a model of the lab finds a text",
    .text =
        "MODEL is a folder of assay lab train, or what assay lab export wrote. The text is cut\n"
        "into rows of the model's length, each read by itself from the beginning token on.\n"
        "With --json, every token and the natural logarithm of its probability.\n",
    .least = 2,
    .most = 2,
    .run = run_command,
};
