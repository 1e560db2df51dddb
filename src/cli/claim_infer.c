/* SPDX-License-Identifier: Apache-2.0 */
/* assay claim infer */
#include "cli/claim.h"
#include "cli/commands.h"

#include "base/json.h"

#include <stdlib.h>
#include <string.h>

/* A hypothesis is named "COUNT x ACCELERATOR". */
static json_t *hypothesis(const struct assay_weight *w)
{
    json_t *o = json_object();
    char *after;
    double count = strtod(w->hypothesis, &after);
    json_set_text(o, "accelerator", strncmp(after, " x ", 3) == 0 ? after + 3 : w->hypothesis);
    json_set_number(o, "count", count);
    if (w->weighed)
        json_set_interval(o, "log10_lr", w->log10_likelihood);
    else
        json_object_set_new(o, "log10_lr", json_null());
    if (w->note)
        json_set_text(o, "note", w->note);
    return o;
}

static json_t *texts(const char *const *list, size_t n)
{
    json_t *array = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(array, json_string(list[i]));
    return array;
}

static json_t *to_json(const struct assay_finding *f)
{
    json_t *o = json_object(), *hypotheses = json_array(), *ties = json_array();
    for (size_t i = 0; i < f->weight_count; i++)
        json_array_append_new(hypotheses, hypothesis(&f->weights[i]));
    for (size_t i = 0; i < f->tie_count; i++) {
        json_t *tie = json_array();
        json_array_append_new(tie, json_string(f->ties[i].a));
        json_array_append_new(tie, json_string(f->ties[i].b));
        json_array_append_new(tie, json_number_or_null(f->ties[i].log10_likelihood_ratio));
        json_array_append_new(ties, tie);
    }
    json_object_set_new(o, "answers", texts(f->answers, f->answer_count));
    json_object_set_new(o, "cannot_tell", texts(f->cannot_tell, f->cannot_tell_count));
    json_object_set_new(o, "hypotheses", hypotheses);
    json_object_set_new(o, "indistinguishable", ties);
    json_object_set_new(o, "limits", texts(f->limits, f->limit_count));
    json_set_text(o, "method", f->method);
    json_set_text(o, "method_version", f->method_version);
    json_set_number(o, "seed", (double)f->seed);
    return o;
}

static void print(const struct assay_finding *f)
{
    for (size_t i = 0; i < f->answer_count; i++)
        printf("%s\n", f->answers[i]);
    printf("\nWhat this cannot tell:\n");
    for (size_t i = 0; i < f->cannot_tell_count; i++)
        printf("- %s\n", f->cannot_tell[i]);
    printf("\nlog10 likelihood, relative to the best:\n");
    for (size_t i = 0; i < f->weight_count; i++) {
        const struct assay_weight *w = &f->weights[i];
        if (w->weighed)
            printf("  %-28s %8.2f   (80%% Monte-Carlo: %.2f to %.2f)\n", w->hypothesis,
                   w->log10_likelihood.median, w->log10_likelihood.low, w->log10_likelihood.high);
        else
            printf("  %-28s        -   %s\n", w->hypothesis, w->note ? w->note : "");
    }
}

static assay_status run_command(struct cli_call *call)
{
    struct assay_claim_data data;
    struct assay_finding finding;
    ASSAY_TRY(assay_claim_data_read(call->data_folder, &data, &call->error));
    assay_status status =
        assay_claim_infer(call->positional[0], &data, &call->context, &finding, &call->error);
    if (status == ASSAY_OK) {
        if (call->json) {
            status = cli_print_json(call, to_json(&finding));
        } else {
            print(&finding);
            status = cli_finish_output(call);
        }
        assay_finding_free(&finding);
    }
    assay_claim_data_free(&data);
    return status;
}

const struct cli_command cli_claim_infer = {
    .room = "claim",
    .verb = "infer",
    .arguments = "CLAIM.yaml",
    .summary = "Weigh which accelerators and counts predict what a run claims",
    .text =
        "Reads a run with a `claimed` section and asks of every accelerator in the table, at a\n"
        "quarter to four times the stated count, how well the forward model on it predicts the\n"
        "claimed hours and time. The likelihood is coarse: it weighs the claim's own numbers\n"
        "and no clue from outside. It also says what the claim alone cannot tell apart.\n",
    .least = 1,
    .most = 1,
    .run = run_command,
};
