/* SPDX-License-Identifier: Apache-2.0 */
/*
 * style: whose outputs a model was trained on, from texts alone.
 *
 * In: what a suspect, candidate teachers and a panel of other models answered, best to the same
 * prompts. Out: for each candidate how alike it is to the suspect beyond how alike both are to
 * everyone, how often models that have nothing to do with the candidate look as alike, and
 * whether the question can be answered at all. What can go wrong: too few models to compare
 * with, no prompts in common, a lineage in the panel that nobody told about.
 *
 * The null is at the level of models, never of prompts: prompts are no independent witnesses of
 * a lineage. A p-value is conformal (Vovk, Gammerman and Shafer 2005, section 2.2): with n
 * unrelated lineages none is below 1 / (n + 1).
 */
#ifndef ASSAY_STYLE_H
#define ASSAY_STYLE_H

#include "assay/finding.h"
#include "assay/responses.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Versions of methods, as in their findings: they change when the numbers could. */
#define ASSAY_STYLE_RANK_VERSION "4" /* of the method style.rank */

enum assay_style_question {
    ASSAY_STYLE_IDENTIFY, /* which candidate wrote these texts? */
    ASSAY_STYLE_PARENT,   /* is it a candidate under a wrapper, its self-play or merged child? */
    ASSAY_STYLE_RANK,     /* whose outputs was it tuned on? */
};

/* A candidate: one model, or a group of models that stand for one teacher. */
struct assay_style_candidate {
    const char *name;
    struct assay_responses *const *members;
    size_t member_count; /* at least 1 */
};

/*
 * Groups `sets`, read from the list that assay_responses_list made of the paths `roots`, into
 * candidates: a file, or a folder of texts, is one; in a folder, so is each file, and each folder
 * in it with all its sets together. Named after the file or folder. `sets` must outlive them.
 * ASSAY_ERROR_MEMORY.
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_style_candidates_group(
    const char *const *roots, size_t root_count, struct assay_responses *const *sets, size_t n,
    struct assay_arena *arena, struct assay_style_candidate **candidates, size_t *count,
    struct assay_error *error);

/* Sets of public models as candidates, and those that are only good as a panel. */
struct assay_style_known {
    struct assay_style_candidate *candidates;
    size_t candidate_count;
    struct assay_responses **panel;
    size_t panel_count;
};

/*
 * Groups sets by what `models` (style_models.csv) knows of their names: for rank a candidate is a
 * family of models, for parent a model that has one, for identify every set; what is left is the
 * panel. `sets` must outlive it. Errors: of reading the table; ASSAY_ERROR_INPUT without its
 * columns model and family.
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_style_candidates_known(
    const char *models, enum assay_style_question question, struct assay_responses *const *sets,
    size_t n, struct assay_arena *arena, struct assay_style_known *known,
    struct assay_error *error);

struct assay_style_settings {
    double level;            /* q at or below which a candidate is named; default 0.05 */
    int replicates;          /* of the prompt bootstrap, 0 to 1000; default 40; 0: no intervals */
    const char *models;      /* style_models.csv: what is known of public models, or NULL */
    const char *calibration; /* style_calibration.csv, or NULL: no likelihood ratios */
    const char *lab;         /* lab_calibration.csv, of log-probabilities; or NULL: likewise */
};

ASSAY_API struct assay_style_settings assay_style_settings_default(void);

/* One view of the likeness of suspect and candidate, in standard deviations of unrelated models. */
struct assay_style_channel {
    const char *name; /* "words", "phrases", "openings", "frequent words", "length" ...; static */
    double raw, residual; /* before and after length and layout were taken out; NaN: not used */
    bool counts;          /* part of the score */
};

#define ASSAY_STYLE_CHANNELS 8

/* What is known about one candidate. */
struct assay_style_result {
    const char *name;
    double score;                 /* mean of the counting channels' residual likeness */
    double score_low, score_high; /* 80% of bootstrap replicates over blocks of prompts, their mean
                                     at the score: they repeat prompts, which lowers likeness */
    double p_value;               /* conformal, this candidate alone */
    double q_value; /* the same for the largest over all candidates (Westfall and Young
                       1993, single step): holds the chance of naming any wrongly */
    struct assay_interval log10_lr; /* trained on it against unrelated; NaN without calibration */
    /* If another candidate is named: this score less how alike that other is to this candidate, so
       at most 0 where the one explains the other; 80% of bootstrap replicates; else NaN. */
    struct assay_interval rest;
    const char *explained_by; /* that other, if the score is unusual and the rest's interval reaches
                                 0; else NULL. The likelihood ratio is then at most 1 */
    size_t shared_prompts;    /* with the suspect, the most over members */
    struct assay_style_channel channels[ASSAY_STYLE_CHANNELS];
    size_t channel_count;
};

struct assay_style_comparison {
    enum assay_style_question question;
    bool abstain;                       /* no candidate can be named */
    const char *reason;                 /* why, or why not; a sentence */
    struct assay_style_result *results; /* best first */
    size_t count;
    size_t null_models, null_lineages; /* that q-values are over */
    size_t prompts;                    /* answered by the suspect */
    const char *const *left_out;       /* models set aside, and why, a sentence each */
    size_t left_out_count;
    const char *const *limits;
    size_t limit_count;
    struct assay_arena *arena;
};

/*
 * `panel` are models that are no candidates; it may be empty. A model whose texts or name are
 * the suspect's is set aside, wherever it is. ASSAY_ERROR_INPUT without a candidate;
 * ASSAY_ERROR_UNANSWERABLE when fewer than three models are left to compare with. Free the
 * result with assay_style_comparison_free.
 */
ASSAY_API ASSAY_MUST_USE assay_status
assay_style_compare(const struct assay_context *context, enum assay_style_question question,
                    struct assay_responses *suspect, const struct assay_style_candidate *candidates,
                    size_t candidate_count, struct assay_responses *const *panel,
                    size_t panel_count, const struct assay_style_settings *settings,
                    struct assay_style_comparison *comparison, struct assay_error *error);
ASSAY_API void assay_style_comparison_free(struct assay_style_comparison *comparison);

/*
 * Ranks the writers of `texts` by how probable the suspect finds what they wrote, a prompt's mean
 * over writers taken away, against how probable other models (the other scorers) find it. With
 * the suspect's weights or an interface that tells them, this sees smaller doses than its own
 * texts do. `suspect` names the scorer; NULL: "suspect". Each result's score is in standard
 * deviations of the other scorers; its one channel is the contrast in nats a byte. Likelihood
 * ratios come from the lab's experiments (settings->lab), which are small. ASSAY_ERROR_UNANSWERABLE
 * for fewer than two writers or three other scorers.
 */
ASSAY_API ASSAY_MUST_USE assay_status
assay_style_rank_scored(const struct assay_context *context, const struct assay_scored_texts *texts,
                        const char *suspect, const struct assay_style_settings *settings,
                        struct assay_style_comparison *comparison, struct assay_error *error);

/*
 * A comparison as a finding. `path` is a YAML file with the keys `question` (identify, parent or
 * rank), `suspect` (a path), `candidates` (paths) and, if there is one, `panel` (paths), each
 * relative to it; `data_folder` holds style_models.csv and style_calibration.csv. One hypothesis a
 * candidate, and "none of these"; where the question has no calibration nothing is weighed.
 * Errors: of reading any of the files, and those of assay_style_compare.
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_style_finding(const char *path, const char *data_folder,
                                                          const struct assay_context *context,
                                                          struct assay_finding *finding,
                                                          struct assay_error *error);

/* ---- error rates --------------------------------------------------------------------- */

/* log10 LR = intercept + slope x score, within +-bound: a row of style_calibration.csv. */
struct assay_style_fit {
    double intercept, slope, intercept_variance, slope_variance, covariance, bound;
};

/* How a question fared on models of known descent. Shares are 0 to 1, NaN over none. */
struct assay_style_validation {
    enum assay_style_question question; /* parent or rank */
    size_t students, teachers;          /* taught by a candidate; different ones among those */
    size_t lineages, candidates;
    double top1, mean_reciprocal_rank;
    double balanced;     /* top-1, each teacher's students weighing the same together */
    double named_right;  /* of students, the true one named at the level: power */
    double named_wrong;  /* of students, another maker's named */
    size_t absent;       /* suspects without a true candidate: untaught models, and students whose
                            teacher's maker was taken out */
    double absent_named; /* of those, any named: false flags */
    double open_set_auc; /* of -q of the best, true teacher present against absent */
    double auc;          /* of scores, true pairs against pairs of different makers */
    double true_positive_1, true_positive_01; /* at 1% and 0.1% false positives over those pairs */
    size_t true_pairs, false_pairs;
    double quartet; /* share of student pairs with s11 + s22 > s12 + s21 */
    size_t quartets;
    double cllr; /* of likelihood ratios fitted without the student's lineage, bits */
    double level;
    struct assay_style_fit fit; /* on all */
};

/*
 * Asks about each model of `sets` that `models` (style_models.csv) knows to be taught, as if it
 * were a suspect among the others; its own lineage is left out of its null. `prompts` of all the
 * prompts are used, drawn by the context's seed; 0: all. ASSAY_ERROR_INPUT
 * for a table without the columns; ASSAY_ERROR_UNANSWERABLE if it knows fewer than five students.
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_style_validate(
    const struct assay_context *context, enum assay_style_question question,
    struct assay_responses *const *sets, size_t count, const char *models, size_t prompts,
    double level, struct assay_style_validation *validation, struct assay_error *error);

#define ASSAY_STYLE_IDENTIFICATIONS 3 /* with 1, 10 and 50 answers */

/* How often the writer of answers to prompts that it was not trained on is known. */
struct assay_style_identification {
    size_t answers, suspects;   /* in a group; groups asked about */
    struct assay_interval top1; /* share in which the writer is first; 80% of draws of models */
    size_t lineages, true_pairs, false_pairs;
    double cllr; /* of likelihood ratios fitted without the suspect's lineage, bits */
    struct assay_style_fit fit;
};

/*
 * Trains the classifier of `identify` on three quarters of the prompts, every set a class, and
 * asks about groups of 1, 10 and 50 answers to the others. `models` (style_models.csv) tells which
 * are of one lineage, or is NULL. ASSAY_ERROR_INPUT for fingerprints; ASSAY_ERROR_UNANSWERABLE
 * for fewer than three sets or about two hundred prompts.
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_style_validate_identify(
    const struct assay_context *context, struct assay_responses *const *sets, size_t count,
    const char *models, struct assay_style_identification rows[ASSAY_STYLE_IDENTIFICATIONS],
    struct assay_error *error);

/* ---- fingerprints -------------------------------------------------------------------- */

struct assay_style_fingerprint_settings {
    double share[ASSAY_FINGERPRINT_KINDS]; /* of runs to keep: words, phrases, openings; above 0, to
                                              1; default 1/4, 1/8, 1 */
    size_t most_prompts; /* with runs; those of the lowest key_hash; default 1000 */
    size_t most_words;   /* whose counts are kept, over all answers; default 2000 */
};

ASSAY_API struct assay_style_fingerprint_settings assay_style_fingerprint_settings_default(void);

/*
 * What can be shared of `set` without its texts; assay_fingerprint_write makes it a file. It can
 * stand wherever a response set can, but for copies and for the classifier of an identification.
 * Free it with assay_responses_free. NULL settings: the defaults. ASSAY_ERROR_INPUT for what is a
 * fingerprint already or has no words.
 */
ASSAY_API ASSAY_MUST_USE assay_status
assay_style_fingerprint_make(const struct assay_context *context, struct assay_responses *set,
                             const struct assay_style_fingerprint_settings *settings,
                             struct assay_responses **fingerprint, struct assay_error *error);

/* ---- what answers say of their writer --------------------------------------------------- */

struct assay_style_name {
    const char *maker;   /* of a name that the answer gives itself or its maker */
    size_t answers;      /* that do */
    const char *example; /* the first such sentence, from the words that speak of itself */
};

struct assay_style_language {
    const char *name; /* a language, or a script where several use it; static */
    size_t answers;
};

#define ASSAY_STYLE_LANGUAGES 20

struct assay_style_says {
    struct assay_style_name *names; /* most answers first */
    size_t name_count;
    size_t refusals; /* answers whose first 200 bytes refuse or plead to be an AI */
    struct assay_style_language languages[ASSAY_STYLE_LANGUAGES]; /* most answers first */
    size_t language_count;
};

/*
 * Counts, over the answers of a set, the makers (style_names.csv) that are named in a sentence
 * that speaks of itself, refusals, and languages by script and by a few frequent words. A clue to
 * look at, no evidence by itself: assistants say that they are others, and are asked to. Nothing
 * is found in a fingerprint. What it points to is in `arena`. Errors: of reading the table;
 * ASSAY_ERROR_INPUT without its columns name and maker.
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_style_says_read(const struct assay_responses *set,
                                                            const char *names_path,
                                                            struct assay_arena *arena,
                                                            struct assay_style_says *says,
                                                            struct assay_error *error);

/* ---- copies -------------------------------------------------------------------------- */

#define ASSAY_STYLE_EXAMPLES 5

/* A run of characters that stands in both answers to a prompt, white space made one. */
struct assay_style_run {
    const char *prompt, *text;
    size_t characters;
    size_t others; /* other models whose answer to the prompt holds it as well */
};

struct assay_style_copy {
    const char *name;
    size_t shared_prompts;
    size_t prompts_with_long_runs; /* a run of `least` characters or more that no more than a
                                      twentieth of the other models has */
    size_t longest_run_characters;
    struct assay_style_run examples[ASSAY_STYLE_EXAMPLES]; /* the longest */
    size_t example_count;
};

struct assay_style_copies {
    size_t least;                  /* characters that make a long run */
    struct assay_style_copy *list; /* most prompts first */
    size_t count;
    struct assay_arena *arena;
};

/*
 * Exact runs that the suspect's answers share with each model's to the same prompt. `models` are
 * each other's population; one with the suspect's name and answers is the suspect and is left out.
 * `least` is 20 to 100,000 (200 is a paragraph).
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_style_copies_find(const struct assay_context *context,
                                                              struct assay_responses *suspect,
                                                              struct assay_responses *const *models,
                                                              size_t count, size_t least,
                                                              struct assay_style_copies *copies,
                                                              struct assay_error *error);
ASSAY_API void assay_style_copies_free(struct assay_style_copies *copies);

/* ---- tree ---------------------------------------------------------------------------- */

struct assay_style_tree {
    char *newick; /* unrooted, branch lengths in distance, support in percent at inner nodes */
    char *svg;
    double *support; /* of each inner branch, 0 to 1, in the order of the Newick text */
    size_t support_count;
    struct assay_arena *arena;
};

/*
 * Neighbour joining (Saitou and Nei 1987) on one minus the same-prompt word cosine, with
 * bootstrap support over blocks of prompts (Felsenstein 1985). Likeness of texts, not descent:
 * a tree is drawn of anything. 3 models or more, at most 1000.
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_style_tree_make(const struct assay_context *context,
                                                            struct assay_responses *const *models,
                                                            size_t count, int replicates,
                                                            struct assay_style_tree *tree,
                                                            struct assay_error *error);
ASSAY_API void assay_style_tree_free(struct assay_style_tree *tree);

#ifdef __cplusplus
}
#endif
#endif
