/* SPDX-License-Identifier: Apache-2.0 */
/* assay claim explain */
#include "cli/claim.h"
#include "cli/commands.h"

#include <assay/fence.h>

#include "base/json.h"

#include <math.h>
#include <string.h>

enum option { SAID, ACTIVE };

static const char *const limits[] = {
    "Factors are shares of a model's prediction: simulation informs, it does not determine. What "
    "the model gets wrong of both runs alike cancels; the rest is in `unexplained`.",
    "A factor is what its group contributes to the rate on average over all orders of change; it "
    "is not what "
    "one technique alone would save in some other run.",
    "Quality is not in it: a cheaper run may have made a lesser model.",
};
#define LIMITS (sizeof limits / sizeof limits[0])

struct answer {
    const struct assay_run *a, *b;
    const struct assay_explanation *x;
    double said; /* NaN: nothing was said */
};

static const char *name_of(const struct assay_run *run)
{
    return run->name[0] ? run->name : run->path;
}

/* ---- what has no evidence ------------------------------------------------------------------ */

static const struct assay_explain_factor *find(const struct assay_explanation *x, const char *name)
{
    for (size_t i = 0; i < x->count; i++)
        if (strcmp(x->factors[i].name, name) == 0)
            return &x->factors[i];
    return NULL;
}

static void sentence(const struct answer *w, char *text, size_t size)
{
    const struct assay_explanation *x = w->x;
    const struct assay_explain_factor *left = find(x, "unexplained");
    int used;
    if (!left) {
        used = snprintf(text, size,
                        "Not both runs state their hours: the ratio of %.3g is the model's own, "
                        "and no hours are evidence for it.",
                        x->ratio);
    } else {
        double size_of_left = fmax(left->factor, 1 / left->factor);
        used = snprintf(text, size,
                        "A factor of %.2f is left unexplained, %s the factor of %.2f by which the "
                        "model's ratio of two runs errs in 1 of 5 cases%s.",
                        left->factor, size_of_left <= x->doubt ? "inside" : "outside", x->doubt,
                        size_of_left <= x->doubt ? ": no sign of a false statement"
                                                 : ": a layout, a clock or a statement is amiss");
    }
    if (!isfinite(w->said) || used < 0 || (size_t)used >= size)
        return;
    double missing = w->said / x->ratio;
    if (missing > 1)
        snprintf(text + used, size - (size_t)used,
                 " Of the %.3gx that was said, %s %.3gx; a factor of %.2g has no evidence in "
                 "device-hours.",
                 w->said, left ? "stated hours bear out" : "the model makes", x->ratio, missing);
    else
        snprintf(text + used, size - (size_t)used,
                 " The %.3gx that was said is less than the ratio of hours.", w->said);
}

/* ---- JSON ---------------------------------------------------------------------------------- */

static json_t *pair(const double values[2])
{
    json_t *array = json_array();
    json_array_append_new(array, json_number_or_null(values[0]));
    json_array_append_new(array, json_number_or_null(values[1]));
    return array;
}

static json_t *to_json(const struct cli_call *call, const struct answer *w)
{
    const struct assay_explanation *x = w->x;
    json_t *o = json_object(), *factors = json_array(), *published = json_object();
    char evidence[600];

    json_set_text(o, "a", name_of(w->a));
    json_set_text(o, "b", name_of(w->b));
    json_set_number(o, "ratio", x->ratio);
    json_object_set_new(o, "stated", json_boolean(x->stated));
    json_object_set_new(o, "device_hours", pair(x->hours));
    json_set_number(o, "predicted_ratio", x->predicted);
    for (size_t i = 0; i < x->count; i++) {
        json_t *entry = json_object();
        json_set_text(entry, "name", x->factors[i].name);
        json_set_number(entry, "factor", x->factors[i].factor);
        json_set_number(entry, "low", x->factors[i].low);
        json_set_number(entry, "high", x->factors[i].high);
        json_set_text(entry, "what", x->factors[i].what);
        json_array_append_new(factors, entry);
    }
    json_object_set_new(o, "factors", factors);
    json_object_set_new(published, "active_parameters", pair(x->active));
    json_object_set_new(published, "tokens", pair(x->tokens));
    json_object_set_new(published, "flops_per_device_6n", pair(x->rate));
    json_set_number(published, "active_ratio", x->active_ratio);
    json_set_number(published, "tokens_ratio", x->tokens_ratio);
    json_set_number(published, "rate_ratio", x->rate_ratio);
    json_object_set_new(o, "published", x->stated ? published : json_null());
    if (!x->stated)
        json_decref(published);
    json_set_number(o, "model_doubt", x->doubt);
    json_set_number(o, "hybrids", (double)x->hybrids);
    json_set_number(o, "hybrids_laid_out_anew", (double)x->rechosen);
    json_set_number(o, "hybrids_that_do_not_fit", (double)x->misfits);
    if (isfinite(w->said)) {
        json_set_number(o, "said", w->said);
        json_set_number(o, "without_evidence", w->said / x->ratio);
    }
    sentence(w, evidence, sizeof evidence);
    json_set_text(o, "evidence", evidence);
    json_set_number(o, "seed", (double)call->context.seed);
    json_object_set_new(o, "limits", json_texts(limits, LIMITS));
    return o;
}

/* ---- text ---------------------------------------------------------------------------------- */

static void print(const struct answer *w)
{
    const struct assay_explanation *x = w->x;
    char text[600];

    cli_say("A: %s, %.4g thousand device-hours\nB: %s, %.4g thousand device-hours\n\n",
            name_of(w->a), x->hours[0] / 1e3, name_of(w->b), x->hours[1] / 1e3);
    cli_say("A costs %.4g times what B does (%s; the model says %.4g).\n\n", x->ratio,
            x->stated ? "hours stated by both" : "predicted", x->predicted);
    cli_say("%-14s %7s  %-15s %s\n", "factor", "", "80%", "what differs");
    for (size_t i = 0; i < x->count; i++) {
        const struct assay_explain_factor *f = &x->factors[i];
        snprintf(text, sizeof text, "%.3g to %.3g", f->low, f->high);
        if (f->factor == 1 && f->low == 1 && f->high == 1)
            snprintf(text, sizeof text, "the same");
        cli_say("%-14s %7.3f  %-15s %.41s\n", f->name, f->factor, text, f->what);
    }
    cli_say("%-14s %7.3f\n", "product", x->ratio);
    if (x->stated) {
        cli_say("\nOf published figures alone, at 6 operations a parameter and token:\n"
                "%.4g = %.4g (active parameters) x %.4g (tokens) x %.3f (rate)\n",
                x->ratio, x->active_ratio, x->tokens_ratio, x->rate_ratio);
        cli_say("active %.4g and %.4g billion; %.1f and %.1f TFLOP/s a device\n",
                x->active[0] / 1e9, x->active[1] / 1e9, x->rate[0] / 1e12, x->rate[1] / 1e12);
    }
    cli_say("\n");
    sentence(w, text, sizeof text);
    cli_print_wrapped(text, "");
    snprintf(text, sizeof text,
             "%zu hybrids of the two runs were predicted; %zu of them could not keep the layout "
             "that is stated and got the best one found%s.",
             x->hybrids, x->rechosen,
             x->misfits ? ", some of which need more memory than there is" : "");
    cli_print_wrapped(text, "");
    for (size_t i = 0; i < LIMITS; i++)
        cli_print_wrapped(limits[i], "");
}

/* ---- the command --------------------------------------------------------------------------- */

static assay_status read_options(struct cli_call *call, double *said, double active[2])
{
    char expected[80], first[64];
    *said = active[0] = active[1] = (double)NAN;
    if (call->value[SAID] && (!assay_quantity_read(call->value[SAID], ASSAY_UNIT_NONE, said,
                                                   expected, sizeof expected) ||
                              !(*said > 0)))
        return assay_error_at(&call->error, ASSAY_ERROR_INPUT, NULL, 0,
                              "--said: found \"%.40s\", expected a ratio such as 45",
                              call->value[SAID]);
    if (!call->value[ACTIVE])
        return ASSAY_OK;
    const char *comma = strchr(call->value[ACTIVE], ',');
    size_t length = comma ? (size_t)(comma - call->value[ACTIVE]) : sizeof first;
    bool good = length < sizeof first;
    if (good) {
        memcpy(first, call->value[ACTIVE], length);
        first[length] = '\0';
        good = assay_quantity_read(first, ASSAY_UNIT_NONE, &active[0], expected, sizeof expected) &&
               assay_quantity_read(comma + 1, ASSAY_UNIT_NONE, &active[1], expected,
                                   sizeof expected) &&
               active[0] > 0 && active[1] > 0;
    }
    return good ? ASSAY_OK
                : assay_error_at(&call->error, ASSAY_ERROR_INPUT, NULL, 0,
                                 "--active: found \"%.40s\", expected the active parameters of A "
                                 "and B such as 405.85B,37B",
                                 call->value[ACTIVE]);
}

static assay_status explain(struct cli_call *call, const struct assay_claim_data *data,
                            const struct assay_run *a, const struct assay_run *b)
{
    struct assay_explanation explanation;
    struct answer answer = {a, b, &explanation, (double)NAN};
    double active[2];
    ASSAY_TRY(read_options(call, &answer.said, active));
    ASSAY_TRY(assay_claim_explain(data, a, b, active, &call->context, &explanation, &call->error));
    cli_progress_end();
    if (call->json)
        return cli_print_json(call, to_json(call, &answer));
    print(&answer);
    return cli_finish_output(call);
}

static assay_status read_runs(struct cli_call *call, const struct assay_claim_data *data)
{
    struct assay_run a, b;
    ASSAY_TRY(assay_run_read(call->positional[0], data, &a, &call->error));
    assay_status status = assay_run_read(call->positional[1], data, &b, &call->error);
    if (status == ASSAY_OK) {
        status = explain(call, data, &a, &b);
        assay_run_free(&b);
    }
    assay_run_free(&a);
    return status;
}

static assay_status run_command(struct cli_call *call)
{
    struct assay_claim_data data;
    ASSAY_TRY(assay_claim_data_read(call->data_folder, &data, &call->error));
    assay_status status = read_runs(call, &data);
    assay_claim_data_free(&data);
    return status;
}

const struct cli_command cli_claim_explain = {
    .room = "claim",
    .verb = "explain",
    .arguments = "A.yaml B.yaml",
    .summary = "Split the ratio of cost between two runs into factors",
    .text =
        "Device-hours of A over those of B, as stated where both state them, else as predicted.\n"
        "Tokens and operations a token are factors; the other groups (model, attention, batch,\n"
        "precision, schedule, recomputation, network, accelerator) say how they change the rate\n"
        "of operations, as Shapley values over the forward model: order does not matter, and all\n"
        "multiply to the ratio. A hybrid of the two runs whose layout does not divide or fit\n"
        "gets the best plan found; how many is printed. What is left is `unexplained`.\n"
        "Below stands the plain split of published figures.\n",
    .least = 2,
    .most = 2,
    .options = {{"said", "RATIO", "a ratio that was said: print what has no evidence"},
                {"active", "A,B", "active parameters as published, for the plain split"}},
    .run = run_command,
};
