/* SPDX-License-Identifier: Apache-2.0 */
/* assay lineage tokenizers */
#include "cli/commands.h"

#include "base/json.h"

#include <assay/lineage.h>

#include <math.h>

static json_t *to_json(const struct cli_call *call, const struct assay_tokenizer_likeness *l)
{
    json_t *o = json_object();
    json_set_text(o, "a", call->positional[0]);
    json_set_text(o, "b", call->positional[1]);
    json_set_number(o, "pieces_a", (double)l->count_a);
    json_set_number(o, "pieces_b", (double)l->count_b);
    json_set_number(o, "shared", (double)l->shared);
    json_set_number(o, "jaccard", l->jaccard);
    json_set_number(o, "same_id", (double)l->same_number);
    json_set_number(o, "id_shift", (double)l->shift);
    json_set_number(o, "shifted", (double)l->shifted);
    json_set_number(o, "order", l->order);
    json_set_number(o, "merges_shared", (double)l->merges_shared);
    json_set_number(o, "merge_order", l->merge_order);
    json_set_text(o, "note", l->note);
    return o;
}

static void print(const struct assay_tokenizer_likeness *l)
{
    printf("%s\n  %zu and %zu pieces, %zu of them shared (Jaccard %.3f), %zu under one number\n"
           "  most frequent shift of numbers: %lld, of %zu pieces; rank correlation %.4f\n",
           l->note, l->count_a, l->count_b, l->shared, l->jaccard, l->same_number,
           (long long)l->shift, l->shifted, l->order);
    if (!isnan(l->merge_order))
        printf("  %zu merges shared, rank correlation of their order %.4f\n", l->merges_shared,
               l->merge_order);
}

static assay_status run_command(struct cli_call *call)
{
    struct assay_vocabulary a, b;
    struct assay_tokenizer_likeness likeness;
    ASSAY_TRY(assay_vocabulary_read(call->positional[0], &a, &call->error));
    assay_status status = assay_vocabulary_read(call->positional[1], &b, &call->error);
    if (status == ASSAY_OK) {
        status = assay_lineage_tokenizers(&a, &b, &likeness, &call->error);
        assay_vocabulary_free(&b);
    }
    assay_vocabulary_free(&a);
    ASSAY_TRY(status);
    if (call->json)
        return cli_print_json(call, to_json(call, &likeness));
    print(&likeness);
    return cli_finish_output(call);
}

const struct cli_command cli_lineage_tokenizers = {
    .room = "lineage",
    .verb = "tokenizers",
    .arguments = "A B",
    .summary = "Compare two vocabularies: pieces, numbers, order of merges",
    .text =
        "Reads SentencePiece models, tokenizer.json and the vocabulary inside GGUF files. Says\n"
        "how many pieces are shared, whether under the same numbers or shifted, and whether\n"
        "merges come in one order. Tokenizers are public goods: sharing one is no sign that\n"
        "weights are shared, and no p-value is given.\n",
    .least = 2,
    .most = 2,
    .run = run_command,
};
