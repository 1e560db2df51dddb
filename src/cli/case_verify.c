/* SPDX-License-Identifier: Apache-2.0 */
/* assay case verify */
#include "cli/commands.h"

#include <assay/custody.h>

#include "base/json.h"
#include "custody/replay.h"

#include <string.h>

enum { PUBLIC_KEY, SIGNATURE, REPORT, NO_REPLAY };

#define SHOWN 20

/* ---- as JSON ------------------------------------------------------------------------------- */

static json_t *differences_to_json(const struct json_differences *found)
{
    json_t *list = json_array();
    for (size_t i = 0; i < found->count; i++) {
        const struct json_difference *d = &found->list[i];
        json_t *entry = json_object();
        json_set_text(entry, "place", d->place);
        json_object_set_new(entry, "stored", d->first ? json_deep_copy(d->first) : json_null());
        json_object_set_new(entry, "recomputed",
                            d->second ? json_deep_copy(d->second) : json_null());
        json_array_append_new(list, entry);
    }
    return list;
}

static json_t *replay_to_json(const struct replay *replay)
{
    json_t *o = json_object();
    json_object_set_new(o, "same_bytes", json_boolean(replay->same));
    json_set_number(o, "findings", (double)replay->finding_count);
    json_object_set(o, "stored_version", json_object_get(replay->stored, "version"));
    json_set_text(o, "version", ASSAY_VERSION);
    json_object_set(o, "seed", json_object_get(replay->stored, "seed"));
    json_object_set_new(o, "differences", differences_to_json(&replay->found));
    return o;
}

static json_t *check_to_json(const struct assay_custody_check *check)
{
    json_t *o = json_object(), *files = json_array();
    json_object_set_new(o, "holds", json_boolean(check->signature_holds));
    json_set_text(o, "reason", check->reason);
    json_set_text(o, "algorithm", check->algorithm);
    json_set_text(o, "key_sha256", check->key_sha256);
    json_set_text(o, "name", check->name);
    json_set_number(o, "files", (double)check->file_count);
    for (size_t i = 0; i < check->difference_count; i++) {
        const struct assay_custody_difference *d = &check->differences[i];
        json_t *entry = json_object();
        json_set_text(entry, "path", d->path);
        json_set_text(entry, "change", assay_custody_change_name(d->change));
        json_set_text(entry, "signed_sha256", d->signed_sha256);
        json_set_text(entry, "found_sha256", d->found_sha256);
        json_array_append_new(files, entry);
    }
    json_object_set_new(o, "differences", files);
    return o;
}

/* ---- as text ------------------------------------------------------------------------------- */

static void print_check(const struct assay_custody_check *check)
{
    if (!check->signature_holds) {
        cli_say("Signature: does NOT hold: %s\n", check->reason);
        return;
    }
    cli_say("Signature: holds (%s, key %.16s...), over %zu file%s of %s\n", check->algorithm,
            check->key_sha256, check->file_count, check->file_count == 1 ? "" : "s", check->name);
    if (check->difference_count == 0)
        cli_say("Files:     all as they were signed\n");
    for (size_t i = 0; i < check->difference_count; i++)
        cli_say("Files:     %s: %s\n", assay_custody_change_name(check->differences[i].change),
                check->differences[i].path);
}

static void print_replay(const struct replay *replay)
{
    const char *version = json_string_value(json_object_get(replay->stored, "version"));
    const char *seed = json_string_value(json_object_get(replay->stored, "seed"));
    cli_say(
        "Report:    made by version %s, seed %s; %zu finding%s of instruments computed again by "
        "version %s\n",
        version ? version : "?", seed ? seed : "?", replay->finding_count,
        replay->finding_count == 1 ? "" : "s", ASSAY_VERSION);
    if (replay->same) {
        cli_say("Replay:    the same bytes\n");
        return;
    }
    if (replay->found.count == 0)
        cli_say("Replay:    the same values in other bytes: the file was written by another "
                "program\n");
    for (size_t i = 0; i < replay->found.count && i < SHOWN; i++) {
        char stored[200], recomputed[200];
        json_difference_value(replay->found.list[i].first, stored, sizeof stored);
        json_difference_value(replay->found.list[i].second, recomputed, sizeof recomputed);
        cli_say("Replay:    %s: stored %s, computed %s\n", replay->found.list[i].place, stored,
                recomputed);
    }
    if (replay->found.count > SHOWN)
        cli_say("Replay:    and %zu more; --json lists all\n", replay->found.count - SHOWN);
}

/* ---- the command --------------------------------------------------------------------------- */

struct verified {
    struct assay_custody_check check;
    struct replay replay;
    bool checked, replayed;
};

static bool holds(const struct verified *v)
{
    return (!v->checked || (v->check.signature_holds && v->check.difference_count == 0)) &&
           (!v->replayed || v->replay.same);
}

static assay_status give(struct cli_call *call, const struct verified *v)
{
    assay_status status;
    cli_progress_end();
    if (call->json) {
        json_t *o = json_object();
        json_object_set_new(o, "holds", json_boolean(holds(v)));
        json_object_set_new(o, "signature", v->checked ? check_to_json(&v->check) : json_null());
        json_object_set_new(o, "replay", v->replayed ? replay_to_json(&v->replay) : json_null());
        status = cli_print_json(call, o);
    } else {
        if (v->checked)
            print_check(&v->check);
        if (v->replayed)
            print_replay(&v->replay);
        status = cli_finish_output(call);
    }
    call->answered = true;
    if (status != ASSAY_OK || holds(v))
        return status;
    return assay_error_at(&call->error, ASSAY_ERROR_UNANSWERABLE, call->positional[0], 0,
                          "is not what was signed or stored");
}

static assay_status path_of(struct cli_call *call, int option, const char *name, char *path,
                            size_t size)
{
    int length = call->value[option] ? snprintf(path, size, "%s", call->value[option])
                                     : snprintf(path, size, "%s/%s", call->positional[0], name);
    if (length < 0 || (size_t)length >= size)
        return assay_error_at(&call->error, ASSAY_ERROR_INPUT, NULL, 0, "the path is too long");
    return ASSAY_OK;
}

static assay_status verify(struct cli_call *call, struct verified *v)
{
    char signature[4200], report[4200];
    const char *folder = call->positional[0], *key = call->value[PUBLIC_KEY];
    if (!key && (call->value[SIGNATURE] || call->value[NO_REPLAY]))
        return assay_error_at(&call->error, ASSAY_ERROR_INPUT, NULL, 0,
                              "--public-key: expected the key that the signature is checked with");
    ASSAY_TRY(path_of(call, SIGNATURE, ASSAY_CUSTODY_FILE, signature, sizeof signature));
    ASSAY_TRY(path_of(call, REPORT, "out/report.json", report, sizeof report));
    if (key) {
        ASSAY_TRY(
            assay_custody_verify(folder, signature, key, &call->context, &v->check, &call->error));
        v->checked = true;
    }
    /* A case that somebody altered is not run. */
    if (!call->value[NO_REPLAY] && holds(v)) {
        ASSAY_TRY(replay_run(folder, report, call->data_folder, &call->context, &v->replay,
                             &call->error));
        v->replayed = true;
    }
    return give(call, v);
}

static assay_status verify_case(struct cli_call *call)
{
    struct verified v = {0};
    assay_status status = verify(call, &v);
    if (v.checked)
        assay_custody_check_free(&v.check);
    if (v.replayed)
        replay_free(&v.replay);
    return status;
}

const struct cli_command cli_case_verify = {
    .room = "case",
    .verb = "verify",
    .arguments = "DIR",
    .summary =
        "Compute a case's findings again and compare them with its report; check its signature",
    .text = "Runs every instrument afresh with the seed of DIR/out/report.json and compares the\n"
            "bytes; where they differ, names the places with both values (another version, other\n"
            "tables of facts, a changed input). With --public-key the signature is checked first,\n"
            "and a case whose files are not as they were signed is not run: each such file is\n"
            "named. Writes nothing. Exit status 1 if anything differs.\n",
    .least = 1,
    .most = 1,
    .options = {{"public-key", "FILE", "check DIR/" ASSAY_CUSTODY_FILE " with this key, in PEM"},
                {"signature", "FILE", "another signature file"},
                {"report", "FILE", "another report (default: DIR/out/report.json)"},
                {"no-replay", NULL, "check the signature alone"}},
    .run = verify_case,
};
