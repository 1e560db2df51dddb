/* SPDX-License-Identifier: Apache-2.0 */
/* assay case run, check, show, new */
#include "cli/commands.h"

#include <assay/report.h>

#include "base/folder.h"
#include "report/report_json.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- run ------------------------------------------------------------------------------------ */

static assay_status out_folder(struct cli_call *call, char *folder, size_t size)
{
    const char *stated = call->value[0];
    int length = stated ? snprintf(folder, size, "%s", stated)
                        : snprintf(folder, size, "%s/out", call->positional[0]);
    if (length < 0 || (size_t)length >= size)
        return assay_error_at(&call->error, ASSAY_ERROR_INPUT, NULL, 0, "the path is too long");
    return folder_make(folder, &call->error);
}

static assay_status give(struct cli_call *call, const struct assay_assessment *assessment,
                         const char *folder)
{
    char *text = NULL;
    ASSAY_TRY(assay_report_write(assessment, folder, &call->error));
    cli_progress_end();
    if (call->json)
        return cli_print_json(call, report_to_json(assessment));
    ASSAY_TRY(assay_report_text(assessment, &text, &call->error));
    fputs(text, stdout); /* made safe line by line */
    cli_say("\nWritten: %s/report.html\n         %s/report.json\n", folder, folder);
    free(text);
    return cli_finish_output(call);
}

/* Removes the kept findings of earlier runs, and nothing else. */
static void forget(const char *kept)
{
    DIR *directory = opendir(kept);
    char path[8192];
    for (struct dirent *entry; directory && (entry = readdir(directory)) != NULL;) {
        const char *dot = strrchr(entry->d_name, '.');
        snprintf(path, sizeof path, "%s/%s", kept, entry->d_name);
        if (dot && strcmp(dot, ".json") == 0)
            unlink(path);
    }
    if (directory)
        closedir(directory);
}

static assay_status run_case(struct cli_call *call)
{
    struct assay_case subject;
    struct assay_assessment assessment;
    char folder[4000], kept[4096];
    ASSAY_TRY(assay_case_read(call->positional[0], &subject, &call->error));
    assay_status status = out_folder(call, folder, sizeof folder);
    snprintf(kept, sizeof kept, "%s/findings", folder);
    bool keeps = status == ASSAY_OK && (mkdir(kept, 0777) == 0 || errno == EEXIST);
    if (keeps && call->value[1])
        forget(kept);
    if (status == ASSAY_OK)
        status = assay_case_run_kept(&subject, call->data_folder, keeps ? kept : NULL,
                                     &call->context, &assessment, &call->error);
    if (status == ASSAY_OK) {
        status = give(call, &assessment, folder);
        assay_assessment_free(&assessment);
    }
    assay_case_free(&subject);
    return status;
}

const struct cli_command cli_case_run = {
    .room = "case",
    .verb = "run",
    .arguments = "DIR",
    .summary = "Run a case's instruments, print the assessment and write the report",
    .text =
        "Reads DIR/case.yaml, runs the instruments that it names, combines all findings, prints\n"
        "the assessment and writes report.html (one page, no network) and report.json (its schema "
        "is\n"
        "docs/report.schema.json). With --json the report object is printed as well. Nothing\n"
        "is written unless everything succeeded.\n",
    .least = 1,
    .most = 1,
    .options = {{"out", "DIR", "folder of the report (default: DIR/out)"},
                {"fresh", NULL, "run every instrument again"}},
    .run = run_case,
};

/* ---- check ---------------------------------------------------------------------------------- */

static assay_status check_case(struct cli_call *call)
{
    struct assay_case subject;
    ASSAY_TRY(assay_case_read(call->positional[0], &subject, &call->error));
    size_t questions = subject.question_count, exhibits = subject.exhibit_count;
    assay_case_free(&subject);
    if (call->json)
        return cli_print_json(call,
                              json_pack("{s:b,s:I,s:I}", "valid", 1, "questions",
                                        (json_int_t)questions, "exhibits", (json_int_t)exhibits));
    cli_say("%s/case.yaml: %zu question%s and %zu exhibit%s, nothing wrong\n", call->positional[0],
            questions, questions == 1 ? "" : "s", exhibits, exhibits == 1 ? "" : "s");
    return cli_finish_output(call);
}

const struct cli_command cli_case_check = {
    .room = "case",
    .verb = "check",
    .arguments = "DIR",
    .summary = "Read a case and say what is wrong with it, without running anything",
    .text = "Names the first thing that is wrong by file and line, with exit status 2.\n",
    .least = 1,
    .most = 1,
    .run = check_case,
};

/* ---- show ---------------------------------------------------------------------------------- */

static json_t *case_to_json(const struct assay_case *subject)
{
    json_t *questions = json_array(), *exhibits = json_array();
    for (size_t i = 0; i < subject->question_count; i++) {
        const struct assay_case_question *q = &subject->questions[i];
        json_t *tasks = json_array();
        for (size_t t = 0; t < q->task_count; t++)
            json_array_append_new(tasks,
                                  json_pack("{s:s,s:s}", "instrument", q->tasks[t].instrument,
                                            "input", q->tasks[t].input));
        json_array_append_new(questions,
                              json_pack("{s:s,s:s,s:s,s:s?,s:o}", "id", q->id, "text", q->text,
                                        "kind", assay_question_kind_name(q->kind), "stated",
                                        q->stated, "instruments", tasks));
    }
    for (size_t i = 0; i < subject->exhibit_count; i++) {
        const struct assay_case_exhibit *e = &subject->exhibits[i];
        json_array_append_new(exhibits, json_pack("{s:s,s:s?,s:s?,s:s?,s:s,s:s,s:s}", "id", e->id,
                                                  "statement", e->statement, "file", e->file,
                                                  "said_by", e->said_by, "source", e->source,
                                                  "date", e->date, "grade", e->grade));
    }
    return json_pack("{s:s,s:s?,s:s,s:o,s:o}", "title", subject->title, "summary", subject->summary,
                     "case_sha256", subject->sha256, "questions", questions, "exhibits", exhibits);
}

static assay_status show_case(struct cli_call *call)
{
    struct assay_case subject;
    char *text = NULL;
    ASSAY_TRY(assay_case_read(call->positional[0], &subject, &call->error));
    assay_status status = call->json ? cli_print_json(call, case_to_json(&subject))
                                     : assay_report_case_text(&subject, &text, &call->error);
    assay_case_free(&subject);
    if (status != ASSAY_OK || call->json)
        return status;
    fputs(text, stdout);
    free(text);
    return cli_finish_output(call);
}

const struct cli_command cli_case_show = {
    .room = "case",
    .verb = "show",
    .arguments = "DIR",
    .summary = "Print what a case asks and what it rests on, without running anything",
    .text = "Questions with the instruments that would run, and exhibits with their grades.\n",
    .least = 1,
    .most = 1,
    .run = show_case,
};

/* ---- new ------------------------------------------------------------------------------------ */

static const char skeleton_case[] =
    "# A case: what is asked, what was said and found, and what follows (docs/case.md).\n"
    "# `assay case check` reads it, `assay case run` assesses it. It runs as it stands; nobody "
    "ever said\n"
    "# what is in it. Everything below \"optional\" may go.\n"
    "title: Could the stated hardware have trained the model?\n"
    "exhibits:                     # what there is: statements and files\n"
    "  - id: E1\n"
    "    statement: It was trained on 2,048 H100s.\n"
    "    said_by: The makers\n"
    "    source: Technical report, page 1\n"
    "    date: 2026-01-01\n"
    "    grade: C3                 # source A to F, statement 1 to 6; it discounts what is said\n"
    "  - id: E2\n"
    "    file: claim.yaml          # the claim, as numbers; its digest is taken\n"
    "    source: Entered by hand from the sources that it names\n"
    "    date: 2026-01-01\n"
    "    grade: B2\n"
    "costs: {days: 800 USD}        # optional: what units of cost are worth, to compare them\n"
    "questions:\n"
    "  - id: hardware\n"
    "    text: Would that hardware give the hours that were claimed, and which other would?\n"
    "    kind: hardware            # hardware, teacher, descent, stages or other\n"
    "    stated: as-stated         # optional: the hypothesis as claimed\n"
    "    hypotheses:               # they exclude one another; one is none of these\n"
    "      - {id: as-stated, text: 2048 H100s, matches: [2048 x H100-SXM]}\n"
    "      - {id: other-count, text: Another number of H100s, matches: [\"* x H100-SXM\"]}\n"
    "      - {id: none, text: None of these, none_of_these: true}\n"
    "    instruments:\n"
    "      - instrument: claim.infer\n"
    "        input: claim.yaml\n"
    "        id: hours\n"
    "        exhibits: [E2]\n"
    "    findings:                 # optional: what no instrument weighs, as probabilities of "
    "seeing it\n"
    "      - id: said\n"
    "        text: The makers say that it was 2,048 H100s.\n"
    "        exhibits: [E1]\n"
    "        because: They would say so if it were true, and might if it were not.\n"
    "        likelihoods:          # under each hypothesis, with the interval that you would "
    "defend\n"
    "          as-stated: 0.9 (0.8 to 0.97)\n"
    "          others: 0.4 (0.2 to 0.6)\n"
    "    dependence:               # optional: findings that share a cause\n"
    "      - id: report\n"
    "        findings: [hours, said]\n"
    "        because: The same people state both.\n"
    "        correlation: 0.5      # 1: together they count once; 0: apart\n"
    "    assumptions:              # optional: what is taken for granted\n"
    "      - {id: entered, text: claim.yaml says what its sources say., findings: [hours]}\n"
    "    obtainable:               # optional: what could be had, to rank what to look for next\n"
    "      - id: invoices\n"
    "        text: Invoices of the network\n"
    "        because: About three transceivers an accelerator.\n"
    "        cost: 3 days\n"
    "        from: hours/transceivers  # what the finding `hours` expects them to show\n"
    "      - id: witness\n"
    "        text: A witness who saw the machine room\n"
    "        because: Rows of racks can be counted, kinds of accelerators hardly.\n"
    "        cost: 1500 USD\n"
    "        outcomes:             # under each hypothesis they sum to 100 %\n"
    "          - {text: About so many, probabilities: {as-stated: 80 %, others: 30 %}}\n"
    "          - {text: Far more or fewer, probabilities: {as-stated: 20 %, others: 70 %}}\n"
    "    priors:                   # optional: without them there are no probabilities\n"
    "      - held_by: A reader who is named here\n"
    "        reason: Equal for want of better.\n"
    "        probabilities:\n"
    "          - {hypothesis: as-stated, probability: 40 %}\n"
    "          - {hypothesis: other-count, probability: 40 %}\n"
    "          - {hypothesis: none, probability: 20 %}\n"
    "    confidence:               # optional: yours, in the sources and the reasoning\n"
    "      level: low\n"
    "      because: One interested source states every number.\n";

static const char skeleton_claim[] =
    "# A training run and what was claimed of it (docs/claim.md). Every number may be written as\n"
    "# {value: ..., source: ..., date: ...}; units are part of the number.\n"
    "assay: run/1\n"
    "name: An example\n"
    "model:                        # or: {config: config.json}\n"
    "  layers: 32\n"
    "  hidden: 4096\n"
    "  vocabulary: 128256\n"
    "  heads: 32\n"
    "  kv_heads: 8\n"
    "  ffn: 14336\n"
    "training:\n"
    "  tokens: {value: 15T tokens, source: Say where, date: 2024-04-18}\n"
    "  sequence: 8192 tokens\n"
    "  global_batch: 2048 sequences\n"
    "  precision: bf16\n"
    "hardware:\n"
    "  accelerator: H100-SXM\n"
    "  devices: 2048\n"
    "claimed:\n"
    "  device_hours: {value: 1.3M H100-hours, source: Say where, date: 2024-04-18}\n";

static assay_status put(struct cli_call *call, const char *name, const char *text)
{
    char path[4200];
    struct stat there;
    snprintf(path, sizeof path, "%s/%s", call->positional[0], name);
    if (stat(path, &there) == 0)
        return assay_error_at(&call->error, ASSAY_ERROR_INPUT, path, 0,
                              "is there already: a new case starts in a new folder");
    return assay_file_write(path, text, strlen(text), &call->error);
}

static assay_status new_case(struct cli_call *call)
{
    const char *folder = call->positional[0];
    ASSAY_TRY(folder_make(folder, &call->error));
    ASSAY_TRY(put(call, "case.yaml", skeleton_case));
    ASSAY_TRY(put(call, "claim.yaml", skeleton_claim));
    if (call->json)
        return cli_print_json(call, json_pack("{s:s}", "case", folder));
    cli_say("Written: %s/case.yaml and claim.yaml. Fill them in, then: assay case run %s\n", folder,
            folder);
    return cli_finish_output(call);
}

const struct cli_command cli_case_new = {
    .room = "case",
    .verb = "new",
    .arguments = "DIR",
    .summary = "Write a commented case to start from",
    .text =
        "Makes DIR with a case.yaml and a claim.yaml that run as they are. Never writes over a\n"
        "file.\n",
    .least = 1,
    .most = 1,
    .run = new_case,
};
