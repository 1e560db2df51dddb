/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base: what every room stands on. Status and messages, memory, files, digests,
 * what people write (YAML with units), random streams, parallel loops, progress.
 *
 * Conventions of the whole library
 *   - A function that can fail returns assay_status and takes a struct assay_error *,
 *     which may be NULL. On failure its outputs are unspecified unless said otherwise,
 *     and nothing is leaked. Nothing aborts, nothing prints.
 *   - Strings are UTF-8 and NUL-terminated. Numbers are SI units and natural fractions;
 *     a name or a comment carries the unit.
 *   - Nothing is global: a function works on what it is handed and is safe to call from
 *     several threads on different objects.
 */
#ifndef ASSAY_BASE_H
#define ASSAY_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define ASSAY_API __attribute__((visibility("default")))
#define ASSAY_MUST_USE __attribute__((warn_unused_result))
#define ASSAY_PRINTF(format_at, first_at) __attribute__((format(printf, format_at, first_at)))
#else
#define ASSAY_API
#define ASSAY_MUST_USE
#define ASSAY_PRINTF(format_at, first_at)
#endif

/* ---- status and messages ------------------------------------------------------------- */

typedef enum assay_status {
    ASSAY_OK = 0,
    ASSAY_ERROR_INPUT,        /* malformed, out of range, contradictory: the user can mend it */
    ASSAY_ERROR_IO,           /* the system refused: missing file, permission, full disk */
    ASSAY_ERROR_MEMORY,       /* an allocation failed */
    ASSAY_ERROR_LIMIT,        /* larger than Assay accepts; the limit is in the message */
    ASSAY_ERROR_UNSUPPORTED,  /* well-formed, but of a kind that Assay does not handle */
    ASSAY_ERROR_UNANSWERABLE, /* good input, but the question has no answer on it (exit 1) */
    ASSAY_ERROR_INTERRUPTED,  /* the caller's progress function asked to stop */
} assay_status;

/* One short English word for a status ("input", "io", ...); never NULL. */
ASSAY_API const char *assay_status_name(assay_status status);

/*
 * What went wrong and where. `file` is the path as the caller gave it ("" when the place is
 * not a file), `line` counts from 1 (0: unknown), `offset` is in bytes from 0 (-1: unknown).
 * `message` is one line, without the place: what was found and what was expected.
 */
struct assay_error {
    assay_status status;
    long line;
    long long offset;
    char file[512];
    char message[512];
};

/*
 * Fills `error` (when not NULL) and returns `status`, so that a failing function ends with
 *     return assay_error_at(error, ASSAY_ERROR_INPUT, path, line, "expected ..., found ...");
 * `file` may be NULL. Control characters, those that reorder text and bytes that are not UTF-8
 * become U+FFFD in the formatted message, for it may quote a hostile file on somebody's terminal.
 */
ASSAY_API assay_status assay_error_at(struct assay_error *error, assay_status status,
                                      const char *file, long line, const char *format, ...)
    ASSAY_PRINTF(5, 6);

/* The same for a place that is a byte offset in a binary file. */
ASSAY_API assay_status assay_error_at_offset(struct assay_error *error, assay_status status,
                                             const char *file, long long offset, const char *format,
                                             ...) ASSAY_PRINTF(5, 6);

/* "file:line: message" or "file: byte N: message" or "message", the file made safe to show like
 * the message. Returns what snprintf would. */
ASSAY_API int assay_error_format(const struct assay_error *error, char *text, size_t size);

/* Forwards a failure to the caller. For functions that hold nothing that needs freeing. */
#define ASSAY_TRY(call)                                                                            \
    do {                                                                                           \
        assay_status assay_try_status_ = (call);                                                   \
        if (assay_try_status_ != ASSAY_OK)                                                         \
            return assay_try_status_;                                                              \
    } while (0)

/* ---- sizes: the one place where sizes from a file are added and multiplied ------------ */

/* Each returns false, leaving *result unspecified, if the true value does not fit. */
static inline ASSAY_MUST_USE bool assay_size_add(size_t a, size_t b, size_t *result)
{
    return !__builtin_add_overflow(a, b, result);
}

static inline ASSAY_MUST_USE bool assay_size_multiply(size_t a, size_t b, size_t *result)
{
    return !__builtin_mul_overflow(a, b, result);
}

/* ---- memory: one arena a result ------------------------------------------------------- */

struct assay_arena;

/* An empty arena, or NULL. Free it with assay_arena_free, which accepts NULL. */
ASSAY_API struct assay_arena *assay_arena_new(void);
ASSAY_API void assay_arena_free(struct assay_arena *arena);

/*
 * count * size zeroed bytes, aligned for any type, that live as long as the arena; NULL if
 * the product overflows or memory is short. A zero product gives a valid, unusable pointer.
 */
ASSAY_API void *assay_arena_alloc(struct assay_arena *arena, size_t count, size_t size);

/* A copy of `text` (or of its first `length` bytes, NUL added), or NULL. */
ASSAY_API char *assay_arena_copy(struct assay_arena *arena, const char *text);
ASSAY_API char *assay_arena_copy_bytes(struct assay_arena *arena, const char *text, size_t length);

/* printf into the arena, or NULL. */
ASSAY_API char *assay_arena_print(struct assay_arena *arena, const char *format, ...)
    ASSAY_PRINTF(2, 3);

/* ---- files ---------------------------------------------------------------------------- */

/* A file mapped read-only, or a small one read whole. Fields are for reading. */
struct assay_file {
    const unsigned char *bytes; /* never NULL after a successful open, even when size is 0 */
    size_t size;
    void *mapping; /* private */
};

/*
 * Opens a regular file of at most `most_bytes`. ASSAY_ERROR_IO if it cannot be read,
 * ASSAY_ERROR_LIMIT if it is larger, ASSAY_ERROR_INPUT if it is a directory or a device.
 * `file` must be closed (closing a zeroed or closed one is harmless). It must stay as it is until
 * then: where somebody makes it shorter, reading what is gone raises SIGBUS, as with any mapping
 * (the program assay turns that into an error that names the file).
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_file_open(const char *path, size_t most_bytes,
                                                      struct assay_file *file,
                                                      struct assay_error *error);
ASSAY_API void assay_file_close(struct assay_file *file);

/* Tells the system that small parts will be read here and there, so that it reads nothing more in
 * advance; with false, that things are as usual again. */
ASSAY_API void assay_file_expect_scattered(const struct assay_file *file, bool scattered);

/* Tells the system that these bytes of a mapped file will soon be read: it begins to fetch them,
 * and this does not wait. */
ASSAY_API void assay_file_expect(const unsigned char *bytes, size_t size);

/*
 * Writes `size` bytes to `path` so that a reader sees the old file or the whole new one: a file
 * without a name is written, flushed to disk and given the name. On failure the old file is
 * untouched and nothing else is there; so too if the program is killed, but for the moment of a
 * rename (and on systems without O_TMPFILE, where it may leave PATH.XXXXXX).
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_file_write(const char *path, const void *bytes,
                                                       size_t size, struct assay_error *error);

/* Hexadecimal SHA-256 (64 characters and NUL) of a file of any size, or of bytes. */
ASSAY_API ASSAY_MUST_USE assay_status assay_sha256_file(const char *path, char hex[65],
                                                        struct assay_error *error);
ASSAY_API void assay_sha256_bytes(const void *bytes, size_t size, char hex[65]);

/*
 * `name` as seen from the folder of the file `from`: itself if absolute, else joined to that
 * folder. In the arena; NULL if memory is short.
 */
ASSAY_API char *assay_path_beside(struct assay_arena *arena, const char *from, const char *name);

/* ---- random streams ------------------------------------------------------------------- */

/*
 * Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC'11): draw
 * number i of stream s of seed k is a function of (k, s, i) alone, so a loop may hand each
 * iteration its own stream and give the same bytes on any number of threads.
 */
struct assay_random {
    uint32_t key[2];
    uint32_t counter[4];
    uint32_t block[4];
    unsigned used; /* words of `block` already handed out */
};

ASSAY_API void assay_random_start(struct assay_random *random, uint64_t seed, uint64_t stream);
ASSAY_API uint32_t assay_random_u32(struct assay_random *random);
ASSAY_API uint64_t assay_random_u64(struct assay_random *random);
/* Uniform on the open interval (0, 1), 53 bits. */
ASSAY_API double assay_random_uniform(struct assay_random *random);
/* Uniform on 0 .. n-1 without bias; n must be at least 1. */
ASSAY_API uint64_t assay_random_below(struct assay_random *random, uint64_t n);
/* Standard normal, by the cosine half of Box-Muller: two uniforms a draw. */
ASSAY_API double assay_random_normal(struct assay_random *random);
/* One raw Philox4x32-10 block, for known-answer tests. */
ASSAY_API void assay_random_philox(const uint32_t counter[4], const uint32_t key[2],
                                   uint32_t block[4]);

/* ---- the context of a computation ----------------------------------------------------- */

/*
 * Called now and then from the thread that started the work, never from a worker. `done` of
 * `total` units of `what`. Returning false asks the work to stop: it then returns
 * ASSAY_ERROR_INTERRUPTED.
 */
typedef bool assay_progress_function(void *user, const char *what, uint64_t done, uint64_t total);

/* How to compute, not what: the same in every room. Defaults by assay_context_default. */
struct assay_context {
    uint64_t seed;                     /* any value; default 1; repeated in every output */
    int threads;                       /* 1 to 1024; default 0: as many as the machine has */
    assay_progress_function *progress; /* default NULL: silent and not interruptible */
    void *progress_user;
};

ASSAY_API struct assay_context assay_context_default(void);

/* Work on item `i`; writes only to what belongs to item i. */
typedef void assay_parallel_function(void *data, size_t i);

/*
 * Calls function(data, i) once for every i in 0 .. n-1, on context->threads threads, in no
 * order. Results must not depend on the order, so whoever sums does so afterwards, by index.
 * Reports progress as `what` when that is not NULL. ASSAY_ERROR_INTERRUPTED leaves some
 * items undone.
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_parallel_for(const struct assay_context *context,
                                                         const char *what, size_t n,
                                                         assay_parallel_function *function,
                                                         void *data, struct assay_error *error);

/* ---- what people write: quantities and YAML ------------------------------------------- */

/* What a number measures. A quantity is read in its SI or natural unit, named here. */
enum assay_unit {
    ASSAY_UNIT_NONE,                   /* a bare number: 0.85 */
    ASSAY_UNIT_TOKENS,                 /* tokens: "14.8T tokens", "4096 tokens" */
    ASSAY_UNIT_SEQUENCES,              /* sequences: "15360 sequences" */
    ASSAY_UNIT_PARAMETERS,             /* parameters: "671B parameters" */
    ASSAY_UNIT_SECONDS,                /* seconds: "54 days", "3.2 ms", "2 h" */
    ASSAY_UNIT_BYTES,                  /* bytes: "80 GB" = 80e9, "80 GiB" = 80 * 2^30 */
    ASSAY_UNIT_BYTES_PER_SECOND,       /* bytes/s: "400 GB/s", "400 Gb/s" = 50e9 */
    ASSAY_UNIT_FLOPS,                  /* operations/s: "989 TFLOP/s", also TFLOPS */
    ASSAY_UNIT_WATTS,                  /* watts: "700 W", "1.4 MW" */
    ASSAY_UNIT_JOULES,                 /* joules: "3 GWh", "5 MJ" */
    ASSAY_UNIT_DEVICE_HOURS,           /* device-hours: "2.664M H800-hours", "30.84M GPU-hours" */
    ASSAY_UNIT_DEVICE_HOURS_PER_TOKEN, /* "180K H800-hours per trillion tokens" */
    ASSAY_UNIT_SECONDS_PER_TOKEN,      /* "3.7 days per trillion tokens" */
    ASSAY_UNIT_TOKENS_PER_SECOND,      /* tokens/s: "1543 tokens/s" */
    ASSAY_UNIT_US_DOLLARS,             /* US dollars: "5.576M USD" */
    ASSAY_UNIT_PERCENT,                /* a fraction: "38.5 %" = 0.385; a bare number is refused */
};

/*
 * Reads "NUMBER[K|M|B|T|P|E] UNIT" (the magnitude letter joined to the number, '_' between digits
 * and ',' before groups of three allowed, spaces before the unit optional). The unit must be there,
 * except for ASSAY_UNIT_NONE, where none may be. Refuses NaN, infinities, trailing text and what
 * may be a decimal comma ("14,8").
 * On refusal returns false and writes to `expected` (size >= 1) what a right one looks like.
 */
ASSAY_API ASSAY_MUST_USE bool assay_quantity_read(const char *text, enum assay_unit unit,
                                                  double *value, char *expected, size_t size);

enum assay_yaml_kind { ASSAY_YAML_SCALAR, ASSAY_YAML_MAP, ASSAY_YAML_LIST };

/*
 * A node of a YAML document, with its place. Maps keep the order of the file. The `used` mark
 * is set by every assay_yaml_get, so that assay_yaml_finish can name a key that nobody knows.
 */
struct assay_yaml {
    enum assay_yaml_kind kind;
    const char *file;          /* the path as given, for messages */
    long line;                 /* from 1 */
    const char *key;           /* the key under which a map holds this node, else NULL */
    const char *text;          /* scalars: the text, "" for an empty or null one; else NULL */
    struct assay_yaml *child;  /* maps and lists: the first entry, else NULL */
    struct assay_yaml *next;   /* the next entry of the same map or list, else NULL */
    size_t count;              /* entries */
    bool used;                 /* a map's entry: assay_yaml_get has asked for it */
    struct assay_yaml *absent; /* maps: keys that were asked for and are not there; key, next */
    struct assay_arena *arena; /* where this node lives */
};

/*
 * Reads one YAML document of at most 16 MiB, 64 levels, 1,000,000 nodes and 1 MiB a scalar.
 * Refuses anchors, aliases, tags, merge keys, duplicate keys, NUL bytes and invalid UTF-8:
 * nobody needs them here, and each has been used to attack a reader. Nodes live in `arena`.
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_yaml_read(const char *path, struct assay_arena *arena,
                                                      struct assay_yaml **root,
                                                      struct assay_error *error);

/* Opens a file for assay_yaml_parse, refusing at its first line one that is too large. */
ASSAY_API ASSAY_MUST_USE assay_status assay_yaml_open(const char *path, struct assay_file *file,
                                                      struct assay_error *error);

/* The same from memory; `path` is for messages. */
ASSAY_API ASSAY_MUST_USE assay_status assay_yaml_parse(const char *path, const void *bytes,
                                                       size_t size, struct assay_arena *arena,
                                                       struct assay_yaml **root,
                                                       struct assay_error *error);

/* The entry `key` of a map, marked used, or NULL (also when `map` is NULL or not a map). */
ASSAY_API struct assay_yaml *assay_yaml_get(struct assay_yaml *map, const char *key);

/* Like assay_yaml_get, but an absent key is an error that names the map's line, or the line of an
 * entry that nobody asked for and whose key looks like a slip of it. */
ASSAY_API ASSAY_MUST_USE assay_status assay_yaml_need(struct assay_yaml *map, const char *key,
                                                      struct assay_yaml **node,
                                                      struct assay_error *error);

/*
 * ASSAY_ERROR_INPUT naming the first key below `node` that was never asked for, and the
 * nearest key that was, else the keys that the map lacks. Call it once a document has been read.
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_yaml_finish(const struct assay_yaml *node,
                                                        struct assay_error *error);

/*
 * Values. Each refuses a node of the wrong kind, an empty text, and a value outside
 * [least, most], naming file, line, key, what was found and what was expected.
 * A *quantity* or *count* may also be written as a map {value: ..., source: ..., date: ...};
 * use assay_yaml_sourced to read all three.
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_yaml_text(const struct assay_yaml *node,
                                                      const char **text, struct assay_error *error);
ASSAY_API ASSAY_MUST_USE assay_status assay_yaml_count(struct assay_yaml *node, int64_t least,
                                                       int64_t most, int64_t *count,
                                                       struct assay_error *error);
ASSAY_API ASSAY_MUST_USE assay_status assay_yaml_quantity(struct assay_yaml *node,
                                                          enum assay_unit unit, double least,
                                                          double most, double *value,
                                                          struct assay_error *error);
ASSAY_API ASSAY_MUST_USE assay_status assay_yaml_flag(const struct assay_yaml *node, bool *flag,
                                                      struct assay_error *error);
/* A scalar that must equal one of `names` (n of them), capitals aside: its index. */
ASSAY_API ASSAY_MUST_USE assay_status assay_yaml_choice(const struct assay_yaml *node,
                                                        const char *const *names, size_t n,
                                                        size_t *index, struct assay_error *error);

/* Where a stated number comes from. */
struct assay_source {
    const char *source; /* document and place in it; NULL if not given */
    const char *date;   /* ISO 8601 date (YYYY, YYYY-MM or YYYY-MM-DD); NULL if not given */
    long line;          /* of the value, in the file that states it */
};

/* As assay_yaml_quantity; `source` gets what stands beside the value. */
ASSAY_API ASSAY_MUST_USE assay_status assay_yaml_sourced(struct assay_yaml *node,
                                                         enum assay_unit unit, double least,
                                                         double most, double *value,
                                                         struct assay_source *source,
                                                         struct assay_error *error);

#ifdef __cplusplus
}
#endif
#endif
