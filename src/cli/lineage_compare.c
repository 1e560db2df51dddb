/* SPDX-License-Identifier: Apache-2.0 */
/* assay lineage compare */
#include "cli/commands.h"
#include "cli/lineage_beside.h"

#include "base/json.h"

#include <math.h>

static json_t *matches(const struct assay_lineage_comparison *r)
{
    json_t *list = json_array();
    for (size_t i = 0; i < r->match_count; i++) {
        const struct assay_lineage_match *m = &r->matches[i];
        json_t *o = json_object();
        json_set_text(o, "a", m->a);
        json_set_text(o, "b", m->b);
        json_set_text(o, "axis", m->axis);
        json_set_text(o, "method", m->method);
        json_set_number(o, "units_a", (double)m->units_a);
        json_set_number(o, "units_b", (double)m->units_b);
        json_set_number(o, "fixed", (double)m->fixed);
        json_set_number(o, "increasing", (double)m->increasing);
        json_set_number(o, "agreeing", (double)m->agreeing);
        json_set_number(o, "cosine", m->cosine);
        json_set_number(o, "log10_p", m->log10_p);
        json_object_set_new(o, "exact", json_boolean(m->exact));
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *relations(const struct assay_lineage_comparison *r)
{
    json_t *list = json_array();
    for (size_t i = 0; i < r->relation_count; i++) {
        json_t *o = json_object();
        json_set_text(o, "kind", r->relations[i].kind);
        json_set_number(o, "share", r->relations[i].share);
        if (!isnan(r->relations[i].rank))
            json_set_number(o, "rank", r->relations[i].rank);
        json_set_text(o, "note", r->relations[i].note);
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *ignored(const struct assay_lineage_comparison *r)
{
    json_t *list = json_array();
    for (size_t i = 0; i < r->ignored_count; i++) {
        json_t *o = json_object();
        json_set_text(o, "tensor", r->ignored[i].tensor);
        json_set_text(o, "in", r->ignored[i].in);
        json_set_text(o, "reason", r->ignored[i].reason);
        json_array_append_new(list, o);
    }
    return list;
}

static const char nothing[] = "nothing of the two could be compared: no units of a tensor with "
                              "numbers in both, of one length";

/* Whether anything of the two could be set side by side. */
static bool is_answered(const struct assay_lineage_comparison *r)
{
    return r->tests > 0 || r->relation_count > 0 || r->equal_share > 0;
}

/* NaN where the clock did not move. */
static double rate(const struct assay_lineage_comparison *r)
{
    return r->seconds > 0 ? (double)r->bytes_read / r->seconds : (double)NAN;
}

static json_t *to_json(const struct cli_call *call, const struct assay_lineage_comparison *r,
                       const struct lineage_stages *s)
{
    json_t *object = json_object(), *related = json_object();
    json_set_text(object, "a", call->positional[0]);
    json_set_text(object, "b", call->positional[1]);
    json_set_number(related, "log10_p", r->log10_p);
    json_set_number(related, "log10_lr", r->log10_lr);
    json_set_number(related, "tests", (double)r->tests);
    json_object_set_new(related, "exact", json_boolean(r->exact));
    json_object_set_new(object, "related", related);
    json_object_set_new(object, "relations", relations(r));
    if (!is_answered(r))
        json_set_text(object, "reason", nothing);
    json_set_text(object, "direction", lineage_direction_name(r->direction));
    json_set_text(object, "direction_note", r->direction_note);
    json_set_number(object, "direction_log10_lr", r->direction_log10_lr);
    json_object_set_new(object, "stages", lineage_stages_json(s));
    json_set_number(object, "equal_share", r->equal_share);
    json_set_number(object, "cosine", r->cosine);
    json_object_set_new(object, "matches", matches(r));
    json_object_set_new(object, "ignored", ignored(r));
    json_object_set_new(object, "limits", json_texts(r->limits, r->limit_count));
    json_object_set_new(object, "bytes_read", json_integer((json_int_t)r->bytes_read));
    json_set_number(object, "seconds", r->seconds);
    json_set_number(object, "bytes_per_second", rate(r));
    json_set_number(object, "seed", (double)call->context.seed);
    return object;
}

static void print(const struct assay_lineage_comparison *r, const struct lineage_stages *stages)
{
    cli_say("That independent models look so related: p = 10^%.2f (%zu tests, corrected); log10 of "
            "the likelihood ratio for a common origin at least %.2f.\n",
            r->log10_p, r->tests, r->log10_lr);
    for (size_t i = 0; i < r->relation_count; i++)
        cli_say("\n%s: %s\n", r->relations[i].kind, r->relations[i].note);
    if (r->relation_count == 0)
        cli_say("\nNo relation was found.\n");
    cli_say("\nDirection: %s. %s\n\nStages:\n", lineage_direction_name(r->direction),
            r->direction_note);
    lineage_stages_print(stages);
    if (r->ignored_count > 0)
        cli_say("\nNot counted as evidence:\n");
    for (size_t i = 0; i < r->ignored_count; i++)
        cli_say("  %s in %s: %s\n", r->ignored[i].tensor, r->ignored[i].in, r->ignored[i].reason);
    cli_say("\nWhat this rests on:\n");
    for (size_t i = 0; i < r->limit_count; i++)
        cli_say("- %s\n", r->limits[i]);
    cli_say("\n%.3g MB read in %.3g s, %.3g GB/s.\n", (double)r->bytes_read / 1e6, r->seconds,
            rate(r) / 1e9);
}

static assay_status compare(struct cli_call *call, const struct assay_checkpoint *a,
                            const struct assay_checkpoint *b)
{
    struct assay_lineage_settings settings = assay_lineage_settings_default();
    struct assay_lineage_comparison result;
    int64_t units = (int64_t)settings.most_units;
    ASSAY_TRY(cli_number(call, 0, 16, 65536, &units));
    settings.most_units = (size_t)units;
    settings.quick = call->value[1] != NULL;
    ASSAY_TRY(assay_lineage_compare(a, b, &settings, &call->context, &result, &call->error));
    struct lineage_stages s;
    assay_status status =
        lineage_stages_of(call, a, b, call->value[2], &result, !settings.quick, &s);
    if (status == ASSAY_OK && call->json) {
        status = cli_print_json(call, to_json(call, &result, &s));
    } else if (status == ASSAY_OK) {
        print(&result, &s);
        status = cli_finish_output(call);
    }
    if (status == ASSAY_OK && !is_answered(&result)) {
        call->answered = true;
        status = assay_error_at(&call->error, ASSAY_ERROR_UNANSWERABLE, NULL, 0, "%s", nothing);
    }
    assay_lineage_comparison_free(&result);
    return status;
}

static assay_status run_command(struct cli_call *call)
{
    return lineage_open_both(call, compare);
}

const struct cli_command cli_lineage_compare = {
    .room = "lineage",
    .verb = "compare",
    .arguments = "A B",
    .summary = "Ask whether one checkpoint was made from another",
    .text =
        "Matches the hidden units of two checkpoints by cosine and counts those that keep their\n"
        "number, or their order. Models made independently have no reason to number units\n"
        "alike, so the probability of the count has an exact bound, given as a power of ten.\n"
        "Says what was done in between, which side was first where something tells, which\n"
        "stages are shared, and which tensors are no evidence because a formula made them.\n",
    .least = 2,
    .most = 2,
    .options = {{"units", "N", "hidden units compared per axis; default 512"},
                {"quick", NULL, "related or not from 64 units of a few tensors: no more is read"},
                {"base", "FILE",
                 "a checkpoint that both may have been tuned from, for the stages"}},
    .run = run_command,
};
