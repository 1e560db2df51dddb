/* SPDX-License-Identifier: Apache-2.0 */
/* assay style inspect: what was read. */
#include "cli/commands.h"
#include "cli/style.h"

#include "base/json.h"

#include <stdlib.h>
#include <string.h>

/* Quantiles of lengths, and the share of letters beyond ASCII: enough to see another language. */
struct lengths {
    size_t least, median, most;
    double other_letters;
};

static int by_size(const void *a, const void *b)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return (x > y) - (x < y);
}

static bool measure(const struct assay_responses *r, struct lengths *lengths)
{
    size_t *sizes = malloc((r->n + 1) * sizeof *sizes), ascii = 0, other = 0;
    if (!sizes)
        return false;
    for (size_t i = 0; i < r->n; i++) {
        sizes[i] = r->answers[i].bytes;
        for (const unsigned char *c = (const unsigned char *)r->answers[i].text; *c; c++) {
            ascii += (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z');
            other += *c >= 0xC3 && *c != 0xE2 && *c != 0xF0; /* leads of letters, not of marks */
        }
    }
    qsort(sizes, r->n, sizeof *sizes, by_size);
    *lengths = (struct lengths){sizes[0], sizes[r->n / 2], sizes[r->n - 1],
                                ascii + other ? (double)other / (double)(ascii + other) : 0};
    free(sizes);
    return true;
}

/* Prompts that set `i` has in common with the others: the most with any. */
static size_t overlap(const struct style_inputs *in, size_t i)
{
    size_t best = 0;
    for (size_t k = 0; k < in->set_count; k++) {
        size_t shared = k == i ? 0 : assay_responses_shared(in->sets[i], in->sets[k]);
        best = shared > best ? shared : best;
    }
    return best;
}

static json_t *languages_json(const struct assay_style_says *says)
{
    json_t *list = json_array();
    for (size_t i = 0; i < says->language_count; i++) {
        json_t *o = json_object();
        json_set_text(o, "language", says->languages[i].name);
        json_set_number(o, "answers", (double)says->languages[i].answers);
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *names_json(const struct assay_style_says *says)
{
    json_t *list = json_array();
    for (size_t i = 0; i < says->name_count; i++) {
        json_t *o = json_object();
        json_set_text(o, "maker", says->names[i].maker);
        json_set_number(o, "answers", (double)says->names[i].answers);
        json_set_text(o, "example", says->names[i].example);
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *set_json(const struct style_inputs *in, size_t i, const struct lengths *lengths,
                        const struct assay_style_says *says)
{
    const struct assay_responses *r = in->sets[i];
    json_t *o = json_object();
    json_set_text(o, "name", r->name);
    json_set_text(o, "path", r->path);
    json_set_text(o, "writer", r->writer);
    json_set_text(o, "format", assay_responses_format_name(r->format));
    json_set_text(o, "sha256", r->sha256);
    json_object_set_new(o, "keyed_by_prompt", json_boolean(r->keyed_by_prompt));
    json_set_number(o, "prompts", (double)r->n);
    json_set_number(o, "most_prompts_shared", (double)overlap(in, i));
    json_set_number(o, "records", (double)r->notes.records);
    json_set_number(o, "duplicates", (double)r->notes.duplicates);
    json_set_number(o, "empty", (double)r->notes.empty);
    json_set_number(o, "truncated", (double)r->notes.truncated);
    json_set_number(o, "whitespace_led", (double)r->notes.whitespace_led);
    json_set_number(o, "replaced", (double)r->notes.replaced);
    json_set_number(o, "without_answer", (double)r->notes.without_answer);
    json_set_number(o, "writers", (double)r->notes.writers);
    json_set_number(o, "least_bytes", (double)lengths->least);
    json_set_number(o, "median_bytes", (double)lengths->median);
    json_set_number(o, "most_bytes", (double)lengths->most);
    json_set_number(o, "letters_beyond_ascii", lengths->other_letters);
    json_object_set_new(o, "languages", languages_json(says));
    json_set_number(o, "refusals", (double)says->refusals);
    json_object_set_new(o, "names_itself", names_json(says));
    return o;
}

static void print_says(const struct assay_style_says *says)
{
    for (size_t i = 0; i < says->language_count; i++)
        cli_say("%s%zu %s", i == 0 ? "    languages, answers in each: " : ", ",
                says->languages[i].answers, says->languages[i].name);
    if (says->language_count > 0)
        cli_say("\n");
    if (says->refusals > 0)
        cli_say("    %zu answers refuse, or plead to be an AI\n", says->refusals);
    for (size_t i = 0; i < says->name_count; i++)
        cli_say("    %zu answers speak of themselves and of %s, as in \"%s\"\n",
                says->names[i].answers, says->names[i].maker, says->names[i].example);
}

static void print_set(const struct style_inputs *in, size_t i, const struct lengths *lengths)
{
    const struct assay_responses *r = in->sets[i];
    cli_say("%s: %s, %zu prompts (%s), %zu of them in another set\n", r->name,
            assay_responses_format_name(r->format), r->n,
            r->keyed_by_prompt ? "by their text" : "by id or name", overlap(in, i));
    if (r->fingerprint)
        cli_say(
            "    words %.3g, phrases %.3g, openings %.3g of the runs; of texts with SHA-256 %s\n",
            r->fingerprint->rate[0] / 65536.0, r->fingerprint->rate[1] / 65536.0,
            r->fingerprint->rate[2] / 65536.0, r->source_sha256);
    else
        cli_say("    bytes an answer %zu to %zu, median %zu; letters beyond ASCII %.1f %%\n",
                lengths->least, lengths->most, lengths->median, 100 * lengths->other_letters);
    const struct {
        const char *what;
        size_t count;
    } notes[] = {{"duplicate prompts, set aside", r->notes.duplicates},
                 {"records without an answer, set aside", r->notes.without_answer},
                 {"empty answers", r->notes.empty},
                 {"answers cut off", r->notes.truncated},
                 {"answers led by white space", r->notes.whitespace_led},
                 {"answers with bytes replaced", r->notes.replaced}};
    for (size_t k = 0; k < sizeof notes / sizeof notes[0]; k++)
        if (notes[k].count > 0)
            cli_say("    %zu %s\n", notes[k].count, notes[k].what);
    if (r->notes.writers > 1)
        cli_say("    %zu writers are named in one set: is it one model's?\n", r->notes.writers);
}

static assay_status look_at(struct cli_call *call, const struct style_inputs *in, size_t i,
                            json_t *list)
{
    struct lengths lengths;
    struct assay_style_says says;
    char names[4200];
    snprintf(names, sizeof names, "%s/style_names.csv", call->data_folder);
    if (!measure(in->sets[i], &lengths))
        return assay_error_at(&call->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    ASSAY_TRY(assay_style_says_read(in->sets[i], names, in->arena, &says, &call->error));
    if (call->json) {
        json_array_append_new(list, set_json(in, i, &lengths, &says));
    } else {
        print_set(in, i, &lengths);
        print_says(&says);
    }
    return ASSAY_OK;
}

static assay_status run_command(struct cli_call *call)
{
    struct style_inputs in;
    assay_status status = ASSAY_OK;
    ASSAY_TRY(style_inputs_read(call, NULL, NULL, NULL, &in));
    json_t *list = json_array();
    for (size_t i = 0; i < in.set_count && status == ASSAY_OK; i++)
        status = look_at(call, &in, i, list);
    if (status != ASSAY_OK) {
        style_inputs_free(&in);
        json_decref(list);
        return status;
    }
    if (!call->json && in.left_out > 0)
        cli_say("%zu files there are no response sets and were not read.\n", in.left_out);
    json_t *object = json_object();
    json_object_set_new(object, "sets", list);
    json_set_number(object, "files_not_read", (double)in.left_out);
    style_inputs_free(&in);
    if (call->json)
        return cli_print_json(call, object);
    json_decref(object);
    return cli_finish_output(call);
}

const struct cli_command cli_style_inspect = {
    .room = "style",
    .verb = "inspect",
    .arguments = "FILE|DIR...",
    .summary = "Say what answers a file or folder holds",
    .text = "Names the format, counts prompts, those shared with the other sets, and what is odd:\n"
            "duplicates, empty or cut answers, stray white space, bytes that are no UTF-8. Then\n"
            "languages, refusals, and whom answers name as themselves or their maker: a clue to\n"
            "look at, no evidence, for assistants say that they are others. Reads\n"
            "AlpacaEval, {id, output}, JSON lines with a prompt and an answer, chat-completion\n"
            "logs, lm-evaluation-harness samples, FastChat answers, fingerprints and folders of\n"
            "texts; plain, .gz or .zst.\n",
    .least = 1,
    .most = CLI_MOST_POSITIONALS,
    .run = run_command,
};
