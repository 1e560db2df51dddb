/* SPDX-License-Identifier: Apache-2.0 */
/*
 * case: a folder with what is asked, what was said and found, and which instruments to run; and
 * the assessment that they give together. docs/case.md documents case.yaml.
 *
 * An assessment weighs: it never concludes. Each hypothesis gets the likelihood ratio of the
 * evidence against the stated one, in numbers and in the words of the ENFSI guideline. A
 * probability of a hypothesis appears only where the case states priors, and says whose.
 */
#ifndef ASSAY_CASE_H
#define ASSAY_CASE_H

#include <assay/base.h>
#include <assay/finding.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- the case as written --------------------------------------------------------------- */

enum assay_question_kind {
    ASSAY_QUESTION_HARDWARE, /* what was it trained on? */
    ASSAY_QUESTION_TEACHER,  /* whose outputs was it trained on? */
    ASSAY_QUESTION_DESCENT,  /* was it made from another's weights? */
    ASSAY_QUESTION_STAGES,   /* from which stage of another's development? */
};

/* "hardware", "teacher", ...; never NULL. */
ASSAY_API const char *assay_question_kind_name(enum assay_question_kind kind);

/* Something that was said, or a file, with how far it can be trusted. */
struct assay_case_exhibit {
    const char *id;        /* unique: 1 to 64 of A-Z a-z 0-9 . _ - */
    const char *statement; /* the words of a statement, or NULL for a file */
    const char *file;      /* as in case.yaml, relative to its folder; NULL for a statement */
    char sha256[65];       /* of the file; "" for a statement */
    const char *said_by;   /* NULL where a file has no single author */
    const char *source;    /* document and place in it */
    const char *date;      /* ISO 8601: YYYY, YYYY-MM or YYYY-MM-DD */
    char grade[3];         /* Admiralty: reliability A to F of the source, credibility 1 to 6 */
    long line;
};

/* An instrument to run on one input file. */
struct assay_case_task {
    const char *instrument; /* "claim.infer" */
    const char *input;      /* as in case.yaml, relative to its folder */
    const char *path;       /* as the program opens it */
    long line;
};

struct assay_case_prior {
    const char *hypothesis;
    double probability; /* in (0, 1); those of a question sum to 1 */
};

struct assay_case_question {
    const char *id, *text;
    enum assay_question_kind kind;
    const char *stated; /* the hypothesis as claimed, against which others are weighed; or NULL */
    long stated_line;
    const struct assay_case_task *tasks; /* at least one */
    size_t task_count;
    const struct assay_case_exhibit *const *exhibits; /* those that bear on it */
    size_t exhibit_count;
    const struct assay_case_prior *priors; /* none: no probabilities are given */
    size_t prior_count;
    const char *priors_held_by, *priors_reason; /* NULL without priors */
    const char *confidence;                     /* "low", "moderate", "high", or NULL: not stated */
    const char *confidence_reason;
    long line;
};

struct assay_case {
    const char *path; /* of case.yaml */
    const char *title;
    const char *summary;                         /* NULL: none */
    const struct assay_case_question *questions; /* at least one */
    size_t question_count;
    const struct assay_case_exhibit *exhibits;
    size_t exhibit_count;
    char sha256[65]; /* of case.yaml */
    struct assay_arena *arena;
};

/*
 * Reads and checks `folder`/case.yaml: every exhibit and input must be there (a relative path
 * that stays inside the folder), ids unique, instruments known. ASSAY_ERROR_INPUT with file and
 * line for the first thing that is wrong. Free with assay_case_free (harmless on a zeroed one).
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_case_read(const char *folder,
                                                      struct assay_case *subject,
                                                      struct assay_error *error);
ASSAY_API void assay_case_free(struct assay_case *subject);

/* ---- the assessment ---------------------------------------------------------------------- */

/* How one hypothesis stands against the reference. */
struct assay_comparison {
    const char *hypothesis;
    bool weighed;     /* false: not evaluated, `note` says why, the numbers mean nothing */
    const char *note; /* NULL, or a remark of the instrument */
    bool reference;   /* this is the reference itself */
    bool tied;        /* the instrument says that it cannot be told from the reference */
    /*
     * log10 of the likelihood of the evidence under this hypothesis over that under the
     * reference. The half-widths of the two intervals are added in quadrature, as if what is
     * uncertain about the two were independent.
     */
    struct assay_interval log10_likelihood_ratio;
    const char *words; /* ENFSI (2015) for its median: "no support", "weak support", ... */
    int favours;       /* 1: this hypothesis; -1: the reference; 0: neither */
    double posterior;  /* NaN without a prior for it */
    const char *posterior_words; /* ICD 203 (2015), or NULL */
};

/* What was stated in an input file, with its source. */
struct assay_case_stated {
    const char *name, *value, *source, *date; /* source and date may be NULL */
    const char *file;
    long line;
};

/* What one instrument gave on one input. */
struct assay_case_result {
    const struct assay_case_task *task;
    struct assay_finding finding;
    const char *reference;  /* the question's stated hypothesis, else the best weighed; or NULL */
    bool reference_is_best; /* no hypothesis is stated: the best one stands in */
    const struct assay_comparison *comparisons; /* best first; those not weighed last */
    size_t comparison_count;
    const struct assay_case_stated *stated;
    size_t stated_count;
};

struct assay_case_reply {
    const struct assay_case_question *question;
    struct assay_case_result *results; /* one a task, in the order of the tasks */
    size_t result_count;
};

struct assay_assessment {
    const struct assay_case *subject; /* must outlive the assessment */
    uint64_t seed;
    struct assay_case_reply *replies; /* one a question, in order */
    size_t reply_count;
    struct assay_arena *arena;
};

/*
 * Runs every instrument of the case with the facts in `data_folder` and compares hypotheses. The
 * first instrument that fails ends it; ASSAY_ERROR_INPUT also if the stated hypothesis or a
 * prior names one that an instrument did not weigh. Writes no file. Free with
 * assay_assessment_free, before the case.
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_case_run(const struct assay_case *subject,
                                                     const char *data_folder,
                                                     const struct assay_context *context,
                                                     struct assay_assessment *assessment,
                                                     struct assay_error *error);
ASSAY_API void assay_assessment_free(struct assay_assessment *assessment);

/* ---- words ------------------------------------------------------------------------------- */

/*
 * The words for a likelihood ratio of 10^|log10_ratio| in the ENFSI guideline for evaluative
 * reporting in forensic science (2015), table of verbal equivalents: below 2 "no support", then
 * weak to 10, moderate to 100, moderately strong to 1,000, strong to 10,000, very strong to
 * 1,000,000, extremely strong above. Whom it supports is the sign. NaN: "not weighed".
 */
ASSAY_API const char *assay_words_likelihood_ratio(double log10_ratio);

/*
 * The words for a probability in ICD 203 (US ODNI, 2015): "almost no chance" to 5%, "very
 * unlikely" to 20%, "unlikely" to 45%, "roughly even chance" to 55%, "likely" to 80%, "very
 * likely" to 95%, "almost certain" above. NaN: "no probability".
 */
ASSAY_API const char *assay_words_probability(double probability);

#ifdef __cplusplus
}
#endif
#endif
