/* SPDX-License-Identifier: Apache-2.0 */
/* assay lab train */
#include "cli/commands.h"

#include "base/json.h"

#include <assay/lab.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    OUT,
    VOCABULARY,
    WIDTH,
    LAYERS,
    HEADS,
    KV_HEADS,
    HIDDEN,
    EXPERTS,
    PER_TOKEN,
    BALANCE,
    LENGTH,
    FREE_HEAD,
    STEPS,
    ROWS,
    RATE,
    COOLDOWN,
    BFLOAT16,
    TILES,
    SAVE
};

static assay_status count_option(struct cli_call *call, size_t option, int64_t least, int64_t most,
                                 unsigned *to)
{
    int64_t value = *to;
    ASSAY_TRY(cli_number(call, option, least, most, &value));
    *to = (unsigned)value;
    return ASSAY_OK;
}

static assay_status share_option(struct cli_call *call, size_t option, double *to)
{
    const char *text = call->value[option];
    char *end;
    if (!text)
        return ASSAY_OK;
    errno = 0;
    *to = strtod(text, &end);
    if (errno || end == text || *end || !(*to >= 0 && *to <= 1))
        return assay_error_at(&call->error, ASSAY_ERROR_INPUT, NULL, 0,
                              "--%s: expected a number from 0 to 1, found \"%.40s\"",
                              call->command->options[option].name, text);
    return ASSAY_OK;
}

static assay_status read_settings(struct cli_call *call, struct assay_lab_training *s)
{
    ASSAY_TRY(count_option(call, VOCABULARY, 257, 65536, &s->vocabulary));
    ASSAY_TRY(count_option(call, WIDTH, 2, 4096, &s->width));
    ASSAY_TRY(count_option(call, LAYERS, 1, 64, &s->layers));
    ASSAY_TRY(count_option(call, HEADS, 1, 256, &s->heads));
    ASSAY_TRY(count_option(call, KV_HEADS, 1, 256, &s->kv_heads));
    ASSAY_TRY(count_option(call, HIDDEN, 1, 16384, &s->hidden));
    ASSAY_TRY(count_option(call, EXPERTS, 2, 64, &s->experts));
    ASSAY_TRY(count_option(call, PER_TOKEN, 1, 64, &s->experts_per_token));
    ASSAY_TRY(share_option(call, BALANCE, &s->balance));
    if (s->experts_per_token > s->experts)
        return assay_error_at(&call->error, ASSAY_ERROR_INPUT, NULL, 0,
                              "--experts-per-token: expected at most the number of --experts, %u, "
                              "found %u",
                              s->experts, s->experts_per_token);
    ASSAY_TRY(count_option(call, LENGTH, 2, 4096, &s->length));
    ASSAY_TRY(count_option(call, STEPS, 1, 100000000, &s->steps));
    ASSAY_TRY(count_option(call, ROWS, 2, 65536, &s->rows));
    ASSAY_TRY(count_option(call, SAVE, 0, 86400, &s->save_every));
    ASSAY_TRY(share_option(call, RATE, &s->rate));
    ASSAY_TRY(share_option(call, COOLDOWN, &s->cooldown));
    s->warmup = s->steps / 20;
    s->free_head = call->value[FREE_HEAD] != NULL;
    s->products = call->value[TILES]      ? ASSAY_LAB_BFLOAT16_TILES
                  : call->value[BFLOAT16] ? ASSAY_LAB_BFLOAT16
                                          : ASSAY_LAB_FLOAT32;
    return ASSAY_OK;
}

static json_t *to_json(const struct cli_call *call, const char *folder,
                       const struct assay_lab_trained *r)
{
    json_t *o = json_object();
    json_set_text(o, "out", folder);
    json_set_number(o, "seed", (double)call->context.seed);
    json_set_number(o, "parameters", (double)r->parameters);
    json_set_number(o, "tokens", (double)r->tokens);
    json_set_number(o, "step", r->step);
    json_set_number(o, "resumed_at", r->resumed_at);
    json_set_number(o, "loss", r->loss);
    json_set_number(o, "held_out", r->held_out);
    json_set_number(o, "bits_per_byte", r->bits_a_byte);
    if (r->balance > 0)
        json_set_number(o, "balance", r->balance);
    json_set_number(o, "tokens_per_second", r->tokens_a_second);
    return o;
}

static void print(const char *folder, const struct assay_lab_trained *r)
{
    cli_say("%llu parameters, %llu tokens of text; %u steps", (unsigned long long)r->parameters,
            (unsigned long long)r->tokens, r->step);
    if (r->resumed_at)
        cli_say(", of which %u were done before", r->resumed_at);
    cli_say(".\nloss of the last step   %.4f nats a token\n", r->loss);
    if (isfinite(r->held_out))
        cli_say("on text it never read   %.4f nats a token, %.4f bits a byte (one text's end: no "
                "interval)\n",
                r->held_out, r->bits_a_byte);
    if (r->balance > 0)
        cli_say("balance of experts      %.3f (1: each as many places as another)\n", r->balance);
    cli_say("speed                   %.0f tokens a second\nThe model is in %s.\n",
            r->tokens_a_second, folder);
}

static assay_status run_command(struct cli_call *call)
{
    struct assay_lab_training settings = assay_lab_training_default();
    struct assay_lab_trained trained;
    const char *folder = call->value[OUT] ? call->value[OUT] : "lab-model";
    ASSAY_TRY(read_settings(call, &settings));
    cli_catch_interrupt();
    ASSAY_TRY(assay_lab_train(&call->context, call->positional, call->positionals, folder,
                              &settings, &trained, &call->error));
    if (call->json)
        return cli_print_json(call, to_json(call, folder, &trained));
    cli_progress_end();
    print(folder, &trained);
    return cli_finish_output(call);
}

const struct cli_command cli_lab_train = {
    .room = "lab",
    .verb = "train",
    .arguments = "TEXT...",
    .summary = "Train a small Llama on texts, from scratch",
    .text = "Learns a byte-level vocabulary and a model from the files, and keeps both in the\n"
            "folder. Interrupted or killed, the same command goes on from the last checkpoint and\n"
            "gives the same model to the bit. The last twentieth of the text is never trained on.\n"
            "assay lab export writes the model for other programs.\n",
    .least = 1,
    .most = CLI_MOST_POSITIONALS,
    .options = {{"out", "DIR", "where the model is kept; default lab-model"},
                {"vocabulary", "N", "tokens, from 257 (bytes alone); default 1024"},
                {"width", "N", "of the residual stream; default 128"},
                {"layers", "N", "default 4"},
                {"heads", "N", "of attention; default 4"},
                {"kv-heads", "N", "heads of keys and values; default: as many"},
                {"hidden", "N", "of the gated layers; default 8/3 of the width"},
                {"experts", "N", "gated layers side by side, 2 to 64; default: one for all"},
                {"experts-per-token", "K", "of the experts that a place goes through; default 2"},
                {"balance", "X", "weight of the experts' balance in what is learnt; default 0.01"},
                {"length", "N", "tokens of a text; default 256"},
                {"free-head", NULL, "a head that is no copy of the embedding"},
                {"steps", "N", "default 1000"},
                {"rows", "N", "texts a step, an even number; default 8"},
                {"rate", "X", "the highest learning rate; default 0.003"},
                {"cooldown", "X",
                 "steady rate, falling over this share of the steps, at their "
                 "end; default: a cosine"},
                {"bfloat16", NULL,
                 "products in bfloat16: faster with AVX512-BF16, and another "
                 "result"},
                {"tiles", NULL,
                 "products in bfloat16 summed as AMX does: fast with AMX alone, and a third "
                 "result"},
                {"save", "SECONDS", "between checkpoints; default 60"}},
    .run = run_command,
};
