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
    ASSAY_RESPONSES_CHAT_LOG,    /* OpenAI chat completions with their request; conversations */
    ASSAY_RESPONSES_LM_EVAL,     /* lm-evaluation-harness samples_*.jsonl */
    ASSAY_RESPONSES_FASTCHAT,    /* FastChat model_answer: {question_id, choices[].turns[]} */
    ASSAY_RESPONSES_TEXTS,       /* a folder of .txt or .md files, one answer each */
    ASSAY_RESPONSES_FINGERPRINT, /* counts and sketches in place of texts, see below */
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
    uint64_t key_hash; /* the first eight bytes of the key's SHA-256, the highest first */
    const char *text;  /* "" in a fingerprint */
    size_t bytes;
    size_t order;   /* in the file, from 0 */
    bool truncated; /* the file itself says that the answer was cut (finish_reason: length) */
};

#define ASSAY_FINGERPRINT_BLOCKS 16  /* a prompt is in block key_hash mod 16 */
#define ASSAY_FINGERPRINT_KINDS 3    /* of runs: words, phrases, openings */
#define ASSAY_FINGERPRINT_ALL 65536  /* the rate that keeps every run */
#define ASSAY_FINGERPRINT_ID_BITS 26 /* of a run's hash */

/*
 * What stands for texts in a fingerprint: of each answer its length in tokens, and of its runs
 * of words those whose hash is below a bound, `rate` in 65,536 of them, so that two fingerprints
 * keep the same runs and one of a higher rate can be thinned to a lower one; over all answers
 * how often the most frequent words came, by block of prompts. Texts cannot be read back from
 * it, but that a guessed text is among the answers can be checked.
 */
struct assay_fingerprint_run {
    uint32_t id, count;
};

struct assay_fingerprint_prompt {
    uint32_t tokens;
    uint32_t runs[ASSAY_FINGERPRINT_KINDS];
    size_t first[ASSAY_FINGERPRINT_KINDS]; /* index of the kind's first run, ids ascending */
};

struct assay_fingerprint {
    uint32_t rate[ASSAY_FINGERPRINT_KINDS];
    struct assay_fingerprint_prompt *prompts; /* one an answer */
    struct assay_fingerprint_run *run;
    size_t run_count;
    size_t word_count;
    uint32_t *words;                           /* ascending */
    uint32_t *counts;                          /* [block * word_count + word] */
    uint32_t totals[ASSAY_FINGERPRINT_BLOCKS]; /* tokens of any kind */
};

/* What one model answered. Everything lives in `arena`. */
struct assay_responses {
    char *name;   /* the file's or folder's name without .json, .jsonl, .gz, .zst */
    char *path;   /* as given */
    char *writer; /* who the file itself says wrote it (generator, model), "" if it does not;
                     the first of several, then `writers` > 1 */
    enum assay_responses_format format;
    bool keyed_by_prompt;   /* keys are prompts' texts, not ids or names */
    char sha256[65];        /* of the file as it lies; of a folder, of its files' digests in order
                               of name */
    char source_sha256[65]; /* of the texts: the same, but as a fingerprint states it */
    const struct assay_fingerprint *fingerprint; /* NULL: the answers have texts */
    size_t n;                                    /* distinct prompts answered */
    struct assay_answer *answers;                /* sorted by key (strcmp), each key once */
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
 * Writes a set that has a fingerprint, packed by Zstandard, beside and renamed; `size` gets the
 * file's bytes. ASSAY_ERROR_INPUT for a set of texts.
 */
ASSAY_API ASSAY_MUST_USE assay_status
assay_fingerprint_write(const struct assay_responses *responses, const char *path, size_t *size,
                        struct assay_error *error);

/* Prompts that both answered. */
ASSAY_API size_t assay_responses_shared(const struct assay_responses *a,
                                        const struct assay_responses *b);

/* The key_hash of a key. */
ASSAY_API uint64_t assay_responses_key_hash(const char *key);

/*
 * The response sets to be found at `paths`: a file is one; a folder of texts is one; any other
 * folder gives its files and its folders of texts, in order of name, hidden ones and files
 * that are no .json, .jsonl (plain, .gz, .zst) or .fingerprint left out and counted in `left_out`.
 * Strings and the list are in `arena`. ASSAY_ERROR_INPUT if a path holds none.
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

/* ---- log-probabilities ---------------------------------------------------------------- */

/* How probable one model finds what another wrote. */
struct assay_scored_text {
    const char *scorer; /* "suspect" where the file does not say */
    const char *writer;
    uint64_t prompt;        /* key_hash of the prompt */
    double log_probability; /* of the text given the prompt, nats; at most 0 */
    double bytes;           /* of the text, above 0 */
    long line;
};

struct assay_scored_texts {
    struct assay_scored_text *list; /* in the order of the file */
    size_t count;
    char sha256[65];
    char *path;
    struct assay_arena *arena;
};

/*
 * Reads JSON lines {"scorer": NAME, "writer": NAME, "prompt": TEXT, "log_probability": NATS,
 * "bytes": N}, plain, gzip or Zstandard. ASSAY_ERROR_INPUT with the line for broken JSON, a
 * missing key, a probability above 1, a text of no bytes; ASSAY_ERROR_LIMIT beyond
 * ASSAY_RESPONSES_MOST_ANSWERS lines. Free with assay_scored_texts_free.
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_scored_texts_read(const char *path,
                                                              struct assay_scored_texts *texts,
                                                              struct assay_error *error);
ASSAY_API ASSAY_MUST_USE assay_status assay_scored_texts_parse(const char *path, const void *bytes,
                                                               size_t size,
                                                               struct assay_scored_texts *texts,
                                                               struct assay_error *error);
ASSAY_API void assay_scored_texts_free(struct assay_scored_texts *texts);

#ifdef __cplusplus
}
#endif
#endif
