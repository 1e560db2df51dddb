/* SPDX-License-Identifier: Apache-2.0 */
/* assay lineage tokenizers */
#include "cli/commands.h"

#include "base/json.h"

#include <assay/lineage.h>

#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MOST_OTHERS 48

/* ---- other vocabularies, to see what is odd ------------------------------------------- */

struct others {
    struct assay_vocabulary list[MOST_OTHERS];
    size_t count;
};

static int by_name(const void *x, const void *y)
{
    return strcmp(*(char *const *)x, *(char *const *)y);
}

/* Files of a folder in the order of their names, but not A and B themselves. */
static assay_status list_files(struct cli_call *call, const char *folder, struct assay_arena *arena,
                               char **paths, size_t *count)
{
    DIR *dir = opendir(folder);
    struct stat a, b, info;
    if (!dir || stat(call->positional[0], &a) != 0 || stat(call->positional[1], &b) != 0) {
        if (dir)
            closedir(dir);
        return assay_error_at(&call->error, ASSAY_ERROR_INPUT, folder, 0,
                              "cannot be read as a folder of vocabularies");
    }
    for (struct dirent *entry; (entry = readdir(dir)) && *count < MOST_OTHERS;) {
        char *path = assay_arena_print(arena, "%s/%s", folder, entry->d_name);
        if (path && stat(path, &info) == 0 && S_ISREG(info.st_mode) && entry->d_name[0] != '.' &&
            !(info.st_ino == a.st_ino && info.st_dev == a.st_dev) &&
            !(info.st_ino == b.st_ino && info.st_dev == b.st_dev))
            paths[(*count)++] = path;
    }
    closedir(dir);
    if (*count > 0)
        qsort(paths, *count, sizeof *paths, by_name);
    return ASSAY_OK;
}

static assay_status read_others(struct cli_call *call, const char *folder,
                                struct assay_arena *arena, struct others *others)
{
    char *paths[MOST_OTHERS];
    size_t count = 0;
    ASSAY_TRY(list_files(call, folder, arena, paths, &count));
    for (size_t i = 0; i < count; i++) {
        ASSAY_TRY(assay_vocabulary_read(paths[i], &others->list[others->count], &call->error));
        others->count++;
    }
    return others->count >= 2
               ? ASSAY_OK
               : assay_error_at(&call->error, ASSAY_ERROR_UNANSWERABLE, folder, 0,
                                "holds %zu vocabularies besides A and B; two at least are needed",
                                others->count);
}

static json_t *odd_json(const struct assay_odd_pieces *odd, size_t others)
{
    json_t *o = json_object(), *examples = json_array();
    json_set_number(o, "pieces", (double)odd->count);
    json_set_number(o, "share", odd->share);
    json_set_number(o, "others", (double)others);
    json_set_number(o, "pairs_of_others", (double)odd->pairs);
    json_set_number(o, "pairs_as_odd", (double)odd->as_odd);
    json_set_number(o, "p_value", odd->p);
    for (size_t i = 0; i < odd->shown; i++) {
        json_t *text = json_stringn(odd->examples[i].bytes, odd->examples[i].size);
        if (text) /* a piece of bytes need not be UTF-8 */
            json_array_append_new(examples, text);
    }
    json_object_set_new(o, "examples", examples);
    return o;
}

static void print_odd(const struct assay_odd_pieces *odd, size_t others)
{
    cli_say("  odd: %zu pieces (%.3f of the smaller vocabulary) are in none of %zu others; %zu of "
            "%zu pairs of these share as many among the rest: p = %.3f\n",
            odd->count, odd->share, others, odd->as_odd, odd->pairs, odd->p);
}

/* ---- two vocabularies ------------------------------------------------------------------ */

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
    cli_say("%s\n  %zu and %zu pieces, %zu of them shared (Jaccard %.3f), %zu under one number\n"
            "  most frequent shift of numbers: %lld, of %zu pieces; rank correlation %.4f\n",
            l->note, l->count_a, l->count_b, l->shared, l->jaccard, l->same_number,
            (long long)l->shift, l->shifted, l->order);
    if (!isnan(l->merge_order))
        cli_say("  %zu merges shared, rank correlation of their order %.4f\n", l->merges_shared,
                l->merge_order);
}

static assay_status tell(struct cli_call *call, const struct assay_vocabulary *a,
                         const struct assay_vocabulary *b, struct assay_arena *arena,
                         struct others *others)
{
    struct assay_tokenizer_likeness likeness;
    struct assay_odd_pieces odd;
    ASSAY_TRY(assay_lineage_tokenizers(a, b, &likeness, &call->error));
    if (call->value[0]) {
        ASSAY_TRY(read_others(call, call->value[0], arena, others));
        ASSAY_TRY(assay_lineage_odd_pieces(a, b, others->list, others->count, &odd, &call->error));
    }
    if (call->json) {
        json_t *object = to_json(call, &likeness);
        if (call->value[0])
            json_object_set_new(object, "odd", odd_json(&odd, others->count));
        return cli_print_json(call, object);
    }
    print(&likeness);
    if (call->value[0])
        print_odd(&odd, others->count);
    return cli_finish_output(call);
}

static assay_status run_command(struct cli_call *call)
{
    struct assay_vocabulary a, b;
    struct assay_arena *arena = assay_arena_new();
    struct others *others = arena ? assay_arena_alloc(arena, 1, sizeof *others) : NULL;
    if (!others) {
        assay_arena_free(arena);
        return assay_error_at(&call->error, ASSAY_ERROR_MEMORY, NULL, 0, "out of memory");
    }
    assay_status status = assay_vocabulary_read(call->positional[0], &a, &call->error);
    if (status == ASSAY_OK) {
        status = assay_vocabulary_read(call->positional[1], &b, &call->error);
        if (status == ASSAY_OK) {
            status = tell(call, &a, &b, arena, others);
            assay_vocabulary_free(&b);
        }
        assay_vocabulary_free(&a);
    }
    for (size_t i = 0; i < others->count; i++)
        assay_vocabulary_free(&others->list[i]);
    assay_arena_free(arena);
    return status;
}

const struct cli_command cli_lineage_tokenizers = {
    .room = "lineage",
    .verb = "tokenizers",
    .arguments = "A B",
    .summary = "Compare two vocabularies: pieces, numbers, order of merges",
    .text =
        "Reads SentencePiece models, tokenizer.json, vocab.json with merges.txt, tiktoken's ranks\n"
        "and the vocabulary inside GGUF files. Says how many pieces are shared, whether under\n"
        "the same numbers or shifted, and whether merges come in one order. Tokenizers are\n"
        "public goods: sharing one is no sign that weights are shared. With a folder of other\n"
        "vocabularies, pieces that A and B share and none of the others has are counted, and\n"
        "ranked among what pairs of the others share: that says whether the tokenizers are kin,\n"
        "and no more.\n",
    .least = 2,
    .most = 2,
    .options = {{"against", "DIR", "other vocabularies, one a file, to see which pieces are odd"}},
    .run = run_command,
};
