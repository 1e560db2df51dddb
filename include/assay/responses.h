/* SPDX-License-Identifier: Apache-2.0 */
/*
 * responses: what a model answered to a list of prompts, read from the files that people have.
 *
 * In: a file or a folder from a stranger, in any of the formats below, plain, gzip or Zstandard.
 * Out: answers with the key by which another model's answer to the same prompt is found.
 * What can go wrong: broken JSON (the byte is named), a file that expands without end (refused
 * at ASSAY_RESPONSES_MOST_BYTES), invalid UTF-8 (replaced by U+FFFD and counted), NUL
 * characters (the same), duplicate prompts (the first answer counts, the rest are counted),
 * empty answers (kept and counted). Nothing is dropped without a count in `notes`.
 */
#ifndef ASSAY_RESPONSES_H
#define ASSAY_RESPONSES_H

#include "assay/base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ASSAY_RESPONSES_MOST_BYTES ((size_t)1 << 30) /* of one file once unpacked */
#define ASSAY_RESPONSES_MOST_ANSWERS ((size_t)1000000)

enum assay_responses_format {
    ASSAY_RESPONSES_ALPACA_EVAL, /* JSON array of {instruction, output, generator} */
    ASSAY_RESPONSES_ID_OUTPUT,   /* JSON array or lines of {id, output} */
    ASSAY_RESPONSES_LINES,       /* JSON lines of {instruction|prompt, output|response|...} */
    ASSAY_RESPONSES_CHAT_LOG,    /* JSON lines of OpenAI chat completions, with their request */
    ASSAY_RESPONSES_LM_EVAL,     /* lm-evaluation-harness samples_*.jsonl */
    ASSAY_RESPONSES_FASTCHAT,    /* FastChat model_answer: {question_id, choices[].turns[]} */
    ASSAY_RESPONSES_TEXTS,       /* a folder of .txt or .md files, one answer each */
};

/* A short English name ("AlpacaEval", "FastChat", ...); never NULL. */
ASSAY_API const char *assay_responses_format_name(enum assay_responses_format format);

/*
 * One answer. `key` tells which prompt was answered: the prompt's text where the file has it
 * (ends trimmed, runs of white space made one space), else its id, else its file's name.
 * FastChat's later turns have keys of their own. `text` is NUL-terminated UTF-8 without inner
 * NULs, `bytes` long.
 */
struct assay_answer {
    const char *key;
    const char *text;
    size_t bytes;
    size_t order;   /* in the file, from 0 */
    bool truncated; /* the file itself says that the answer was cut (finish_reason: length) */
};

/* What one model answered. Everything lives in `arena`. */
struct assay_responses {
    char *name;   /* the file's or folder's name without .json, .jsonl, .gz, .zst */
    char *path;   /* as given */
    char *writer; /* who the file itself says wrote it (generator, model), "" if it does not;
                     the first of several, then `writers` > 1 */
    enum assay_responses_format format;
    bool keyed_by_prompt; /* keys are prompts' texts, not ids or names */
    char sha256[65];      /* of the file as it lies; of a folder, of its files' digests in order
                             of name */
    size_t n;             /* distinct prompts answered */
    struct assay_answer *answers; /* sorted by key (strcmp), each key once */
    struct {
        size_t records;        /* answers seen, before duplicates were set aside */
        size_t duplicates;     /* set aside: a prompt answered again */
        size_t empty;          /* nothing but white space */
        size_t truncated;      /* see struct assay_answer */
        size_t whitespace_led; /* begins with white space, and is not empty */
        size_t replaced;       /* answers in which bytes were replaced by U+FFFD */
        size_t without_answer; /* records with a prompt and no answer at all: set aside */
        size_t writers;        /* distinct writers named */
    } notes;
    struct assay_arena *arena;
};

/*
 * Reads the answers of one model from a file, or from a folder of texts. The format is found
 * from the content, never from the name. ASSAY_ERROR_INPUT with the byte or line where it
 * breaks; ASSAY_ERROR_UNSUPPORTED when it is none of the formats (what was found is said);
 * ASSAY_ERROR_LIMIT. On success free it with assay_responses_free.
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_responses_read(const char *path,
                                                           struct assay_responses **responses,
                                                           struct assay_error *error);

/* The same from memory, already unpacked; `path` names it. For tests and fuzzing. */
ASSAY_API ASSAY_MUST_USE assay_status assay_responses_parse(const char *path, const void *bytes,
                                                            size_t size,
                                                            struct assay_responses **responses,
                                                            struct assay_error *error);

ASSAY_API void assay_responses_free(struct assay_responses *responses); /* NULL is accepted */

/*
 * The response sets to be found at `paths`: a file is one; a folder of texts is one; any other
 * folder gives its files and its folders of texts, in order of name, hidden ones and files
 * that are no .json, .jsonl (plain, .gz, .zst) left out and counted in `left_out`. Strings and
 * the list are in `arena`. ASSAY_ERROR_INPUT if a path holds none.
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_responses_list(const char *const *paths, size_t n_paths,
                                                           struct assay_arena *arena, char ***found,
                                                           size_t *n, size_t *left_out,
                                                           struct assay_error *error);

/*
 * Reads all of them, on context->threads threads, reporting progress. results[i] belongs to
 * paths[i]; on failure all are freed and the error is that of the first path that failed.
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_responses_read_all(const struct assay_context *context,
                                                               char *const *paths, size_t n,
                                                               struct assay_responses **results,
                                                               struct assay_error *error);

#ifdef __cplusplus
}
#endif
#endif
