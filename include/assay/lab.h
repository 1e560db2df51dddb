/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lab: distils on purpose, and measures what detectors see of it.
 *
 * In: a design (a YAML file): a world, teachers, methods, doses, students. Out: how often dosed
 * and undosed students are named, by depth of access, with exact intervals; what a likelihood
 * ratio from such a score is worth; what a student learnt of its teacher's knowledge and skill.
 * What can go wrong: a design that could not answer is refused by line before anything is trained;
 * a full disk; an interrupt, after which the same call goes on where it stopped.
 *
 * The student is the unit of every test. Power in such a world is no power in ours.
 */
#ifndef ASSAY_LAB_H
#define ASSAY_LAB_H

#include "assay/base.h"
#include "assay/finding.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Versions of methods, as in their findings: they change when the numbers could. */
#define ASSAY_LAB_RUN_VERSION "1" /* of the method lab.run */

#define ASSAY_LAB_MOST_KINDS 8

/* What another instrument makes of two models' weights. */
struct assay_lab_likeness {
    double log10_p;           /* that models made apart are so alike, 0 or less */
    double log10_lr;          /* common origin against none, as that instrument gives it */
    double training_log10_lr; /* trained together against one initialisation and other data,
                                 likewise; NaN: not given */
    const char *kinds[ASSAY_LAB_MOST_KINDS]; /* of relation that it found; literals */
    size_t kind_count;
};

/*
 * Asked about a suspect's weights, once `disguise` (a design's word for it) was put on them, and
 * each of n candidates': safetensors files with Llama's names. Fills `found` (n). Several threads
 * may ask at once. Errors: the instrument's own.
 */
typedef assay_status assay_lab_compare(void *data, const char *suspect, const char *disguise,
                                       const char *const *candidates, size_t n,
                                       struct assay_lab_likeness *found, struct assay_error *error);

/* Who carries a design out, if several do: each does its part, and waits for the others where one
 * kind of model needs another to be finished. Defaults by assay_lab_settings_default: alone. */
struct assay_lab_settings {
    unsigned rank, ranks; /* 0 to ranks - 1 of 1 or more; rank 0 gives the result */
    void (*wait)(
        void *data); /* returns when all have called it, or when interrupted; NULL: alone */
    void *wait_data;
    assay_lab_compare *compare; /* weights; NULL: a design with a white box is refused */
    void *compare_data;
    double save_every; /* seconds between checkpoints of a model in hand, 0 or more; default 20 */
};

ASSAY_API struct assay_lab_settings assay_lab_settings_default(void);

/* A share and its central 95% interval (Clopper and Pearson). */
struct assay_lab_rate {
    size_t n; /* 0: the share is NaN, 0 to 1 */
    double share, low, high;
};

/*
 * Dosed students of one kind. A student is named by a detector if its score is among the largest
 * `level` of undosed students' and among the largest `level` of those that other teachers taught
 * in the same way and as much. Texts are counted by the number of answers.
 */
struct assay_lab_power {
    const char *depth;   /* "black box" (its texts), "grey box" (its log-probabilities), "white box"
                            (its weights) */
    const char *method;  /* how it was taught; white box: "distilled", "same-initialisation",
                            "fine-tuned" */
    const char *evasion; /* what was done to hide it; "none" */
    double dose;         /* white box: 0 unless distilled */
    double further;      /* white box: training after the weights that it began with, in students'
                            steps; else 0 */
    unsigned width;      /* of the student */
    size_t answers;      /* read of it; 0 where none are */
    struct assay_lab_rate named, against_undosed, against_others; /* by both nulls; by one */
    double auc, auc_others;     /* against undosed students; against other teachers' */
    double cllr;                /* of ratios fitted without the student against both kinds of null
                                   students, bits */
    double most_log10_lr;       /* the largest in size; never above log10(null students + 1) */
    double *dosed_lr, *null_lr; /* log10, rising: Tippett's curves; n and null_count of them */
    double *roc;                /* pairs: false, true positives, rising; roc_count of them */
    size_t null_count, roc_count;
};

/* The white box: what the instrument for weights said of the students of one row, one by one. */
struct assay_lab_white {
    const char *arm, *disguise;
    double further;
    struct assay_lab_rate by_p;                        /* p of `level` or less, by its own null */
    struct assay_lab_rate shared_training, seed_alone; /* its ratio speaks for the one, or for the
                                                          other, by 10^0.5 or more */
    double median_log10_p;
    struct {
        const char *kind;
        size_t n;                      /* students */
    } kinds[4 * ASSAY_LAB_MOST_KINDS]; /* of relation that it named, most frequent first */
    size_t kind_count;
};

/* What its own numbers are worth over the whole design, students as the units. */
struct assay_lab_white_worth {
    size_t pairs, unrelated;        /* asked in all; of them with nothing in common */
    struct assay_lab_rate at_level; /* unrelated pairs with a p of `level` or less */
    double least_log10_p;           /* of unrelated pairs */
    double origin_cllr;   /* bits, of its ratio of common origin as it stands, over all pairs of a
                             student with a candidate; NaN without both kinds */
    double training_cllr; /* bits, of its ratio of shared training between fine-tuned and
                             same-initialisation students to whom it gives one; NaN without both */
    size_t fine_tuned, same_initialisation; /* of them: students, each disguise counted */
};

/* Students that the candidate did not teach, tested as if it had. */
struct assay_lab_wrong {
    const char *depth;
    const char *who;     /* "undosed", "another teacher", "human text" */
    const char *method;  /* NULL for the first and the last */
    const char *evasion; /* "none" but in the white box */
    double dose;         /* 0 for undosed ones, and in the white box unless distilled */
    double further;      /* as in a row of power */
    unsigned width;
    struct assay_lab_rate named, against_own; /* by both nulls; by the null of its own kind (human
                                                 text: undosed) */
};

/* What students took from their teachers, as a share of what separates it from undosed ones. */
struct assay_lab_capability {
    const char *method;
    double dose;
    size_t n; /* students */
    /* each a mean over students and its 95% interval by Student's t; NaN where it was not asked */
    double manner[3];     /* share of the teacher's own gain over undosed students in ln p of
                             prose by its author, less that of prose of other manners */
    double fact_bits[3];  /* bits a fact that the teacher alone knew, less the same of a fact that
                             another teacher alone knew */
    double task_bits[3];  /* bits an answer to a task that was never taught, above undosed ones */
    double task_right[3]; /* share of answers that are right */
    double teacher_fact_bits, teacher_task_bits, teacher_task_right, undosed_task_right;
};

/* A habit passed through data that never shows it: how much likelier, in nats, a favourite word
 * became. Means over seeds and their 95% intervals by Student's t. */
struct assay_lab_subliminal {
    size_t n;            /* seeds; 0: not asked */
    double teacher[3];   /* in the teacher itself */
    double shared[3];    /* in students that began from the weights that it began from */
    double different[3]; /* in students that began from others */
};

/* Two models of one family, whose history is known, and what a comparison of stages looks at. A
 * family has a recipe of its own, drawn by its number. */
struct assay_lab_pair {
    unsigned family;
    const char *pair;   /* "base twin", ...: which two; literals */
    const char *shares; /* "nothing", "initialisation", "training", "tuning" */
    unsigned width, layers, steps,
        tuning; /* steps: of the base; tuning: of the later one, after it */
    double rate, decay;
    double cosine;            /* of all matrices */
    double gains;             /* mean correlation of norms' gains */
    double difference_cosine; /* of both less the base; NaN without one */
    double length;            /* half the log of the second's squared weights over the first's */
    double kurtosis;          /* excess, of feed-forward weights, the second's less the first's */
};

/* A student, and what it makes of each writer's texts. */
struct assay_lab_student {
    const char *who;     /* "reference", "null", "fresh", "human", "control", "student" */
    int writer;          /* that taught it: a candidate, or a control teacher after them; -1 */
    const char *method;  /* NULL unless it was taught */
    const char *evasion; /* likewise */
    double dose;
    unsigned width;
    const double *log_p; /* mean ln p a byte of each writer's held answers */
};

/* log10 of a likelihood ratio as a straight line of a score; and the ratios' cost in bits, each
 * student's from a curve fitted without it. */
struct assay_lab_curve {
    double intercept, slope, intercept_variance, slope_variance, covariance;
    double bound; /* no ratio is above it in size: log10(null students + 1) */
    double cllr;
};

struct assay_lab_result {
    size_t cells;          /* models that the design asks for */
    size_t trained;        /* of them, in this run and by this rank; the rest was there */
    size_t resumed;        /* of those, gone on with where an earlier run stopped */
    unsigned vocabulary;   /* tokens of the folder's prose that models read in; 0: bytes */
    const char *tokenizer; /* its file in the results' folder; NULL: none */
    double bytes_a_token;  /* of the prose */
    double level;
    size_t null_students, control_teachers;
    struct assay_lab_power *power; /* by depth, width, method, evasion, dose and answers */
    size_t power_count;
    struct assay_lab_wrong *wrong;
    size_t wrong_count;
    struct assay_lab_white *white; /* by arm, disguise and further training */
    size_t white_count;
    struct assay_lab_white_worth white_worth;
    struct assay_lab_capability *capability; /* by method and dose */
    size_t capability_count;
    struct assay_lab_subliminal subliminal;
    struct assay_lab_pair *pairs; /* of a design of families, which has no other rows */
    size_t pair_count;
    struct assay_lab_student *students;
    size_t student_count;
    size_t candidates, writers; /* candidates first */
    uint64_t *manners;          /* [writer]; twins share one */
    struct assay_arena *arena;
};

/*
 * Runs the design at `path` on context->threads threads, a model a thread, keeping every model's
 * result in `folder`, which is made if need be, under the SHA-256 of all that made it. The same
 * design and folder give the same result, without training anything again, on any number of
 * threads and ranks. `settings` may be NULL. Free the result with assay_lab_result_free. Ranks
 * other than 0 get one without rows.
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_lab_run(const struct assay_context *context,
                                                    const struct assay_lab_settings *settings,
                                                    const char *path, const char *folder,
                                                    struct assay_lab_result *result,
                                                    struct assay_error *error);
/*
 * What another instrument's scores of the lab's students are worth. `scores` are n of them, in
 * standard deviations of undosed students'; `taught` says whether the question asked was true of
 * the student, `student` which one it was asked of (below `most`). ASSAY_ERROR_UNANSWERABLE
 * without three students of either kind; ASSAY_ERROR_INPUT for a score that is not finite.
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_lab_calibrate(const double *scores, const bool *taught,
                                                          const size_t *student, size_t n,
                                                          size_t most, size_t null_students,
                                                          struct assay_lab_curve *curve,
                                                          struct assay_error *error);

ASSAY_API void assay_lab_result_free(struct assay_lab_result *result);

/*
 * A result as a finding, with its curves: it weighs no hypothesis, but says how often what was done
 * on purpose is found. `design` is the file that it came of, `seed` the context's. Free it with
 * assay_finding_free.
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_lab_describe(const struct assay_lab_result *result,
                                                         const char *design, uint64_t seed,
                                                         struct assay_finding *finding,
                                                         struct assay_error *error);

/*
 * Runs the design at `path` as assay_lab_run does and describes the result. Its models are kept in
 * `folder`; NULL: in one of their own in TMPDIR (else /tmp), which is removed again, so that all of
 * them are trained. Nobody compares weights: a design with a white box is refused.
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_lab_finding(const char *path, const char *folder,
                                                        const struct assay_context *context,
                                                        struct assay_finding *finding,
                                                        struct assay_error *error);

/* ---- one model ------------------------------------------------------------------------- */

/* What matrix products are computed in: three results, each the same on every processor. */
enum assay_lab_products {
    ASSAY_LAB_FLOAT32,
    ASSAY_LAB_BFLOAT16,       /* factors rounded; fast where there is AVX512-BF16 */
    ASSAY_LAB_BFLOAT16_TILES, /* the same, summed as AMX does; fast where there is AMX */
};

/* A small Llama, trained from scratch. Defaults by assay_lab_training_default. */
struct assay_lab_training {
    unsigned vocabulary;        /* 257 to 65536 tokens, byte-level BPE; default 1024 */
    unsigned width;             /* heads times an even head size, to 4096; default 128 */
    unsigned layers;            /* 1 to 64; default 4 */
    unsigned heads, kv_heads;   /* kv_heads divides heads; defaults 4, and 0: as many as heads */
    unsigned hidden;            /* to 16384; default 0: 8/3 of the width, in eights */
    unsigned length;            /* tokens of a text, 2 to 4096; default 256 */
    unsigned experts;           /* SwiGLUs of a layer, 2 to 64; default 0: one, for all places */
    unsigned experts_per_token; /* of them that a place goes through; default 0: 2, with experts */
    double balance;             /* weight of the experts' balance in what is learnt, 0 to 1;
                                   default 0.01 */
    bool free_head;             /* the head is no copy of the embedding; default false */
    unsigned steps, warmup;     /* defaults 1000, and a twentieth of the steps */
    unsigned rows;              /* texts a step, 2 to 65536, even; default 8 */
    double rate;                /* the highest, above 0 to 1; default 0.003 */
    double decay;               /* of weights, 0 to 1; default 0.1 */
    double cooldown;            /* 0 to 1; default 0: a cosine; else a steady rate that falls to
                                   nothing over this share of the steps ("WSD") */
    enum assay_lab_products products; /* default ASSAY_LAB_FLOAT32 */
    unsigned save_every;              /* seconds between checkpoints; default 60 */
};

ASSAY_API struct assay_lab_training assay_lab_training_default(void);

struct assay_lab_trained {
    uint64_t parameters;
    uint64_t tokens;     /* of the text, held out included */
    unsigned step;       /* done */
    unsigned resumed_at; /* 0: begun now */
    double loss;         /* of the last step, nats a token */
    double held_out;     /* nats a token on the last twentieth of the text; NaN: too short */
    double bits_a_byte;  /* the same in bits a byte */
    double balance;      /* of the last step: 1 if places went to all experts alike, at most
                            `experts`; 0 without them */
    double tokens_a_second;
};

/*
 * Trains a model on the texts at `paths` (files, read whole, one after another) and keeps it in
 * `folder`, which is made if need be: tokenizer.json and checkpoint.safetensors. Where the folder
 * holds a checkpoint of the same recipe the training goes on from it and gives the same bits as one
 * that was never stopped; of another, ASSAY_ERROR_INPUT. An interrupt saves first. The same seed
 * (of the context) and settings give the same model on any number of threads; two are of use.
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_lab_train(const struct assay_context *context,
                                                      const char *const *paths, size_t count,
                                                      const char *folder,
                                                      const struct assay_lab_training *settings,
                                                      struct assay_lab_trained *trained,
                                                      struct assay_error *error);

enum assay_lab_format {
    ASSAY_LAB_HUGGING_FACE, /* folder: model.safetensors, config.json (Llama's, or with experts
                               Mixtral's), tokenizer.json */
    ASSAY_LAB_GGUF,         /* one file, architecture "llama", for llama.cpp */
};

/*
 * Writes a model for other programs. `from`: a folder of assay_lab_train, a folder that this
 * function wrote, or a GGUF file that it wrote. `to`: a folder, which is made if need be, or a
 * file.
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_lab_export(const char *from,
                                                       enum assay_lab_format format, const char *to,
                                                       struct assay_error *error);

/* What a model says of a text. */
struct assay_lab_score {
    size_t count; /* tokens; each row of at most the model's length is read by itself */
    size_t bytes;
    uint16_t *tokens; /* count */
    float *log_p;     /* count: ln p of each token, given those before it in its row */
    struct assay_arena *arena;
};

/* `model` as `from` above. Free with assay_lab_score_free. */
ASSAY_API ASSAY_MUST_USE assay_status assay_lab_score(const char *model, const char *text,
                                                      size_t size, struct assay_lab_score *score,
                                                      struct assay_error *error);
ASSAY_API void assay_lab_score_free(struct assay_lab_score *score);

#ifdef __cplusplus
}
#endif
#endif
