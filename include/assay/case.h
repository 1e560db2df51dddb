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
    ASSAY_QUESTION_OTHER,    /* the author's own */
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
    const char *origin;    /* whose word it is: `origin`, else said_by, else source */
    const struct assay_case_exhibit *repeats; /* the exhibit that it only passes on; or NULL */
    double informative;              /* chance that it depends on the truth; NaN: by its grade */
    const char *informative_because; /* NULL unless stated */
    long line;
};

/* One of the mutually exclusive answers to a question. */
struct assay_case_hypothesis {
    const char *id;             /* as findings and priors name it */
    const char *text;           /* NULL: the id says it */
    bool none;                  /* this is "none of these" */
    const char *const *matches; /* names or patterns (* any text) of an instrument's hypotheses */
    size_t match_count;         /* 0: the instrument's hypothesis of this id */
    long line;
};

/* An instrument to run on one input file. */
struct assay_case_task {
    const char *id;                                   /* of its finding; unique in the question */
    const char *instrument;                           /* "claim.infer" */
    const char *input;                                /* as in case.yaml, relative to its folder */
    const char *path;                                 /* as the program opens it */
    const struct assay_case_exhibit *const *exhibits; /* those that the finding rests on */
    size_t exhibit_count;
    long line;
};

/* A finding that a person enters: how probable is what was observed under each hypothesis? */
struct assay_case_entry {
    const char *id;      /* unique in the question, among instruments' findings too */
    const char *text;    /* what was observed */
    const char *because; /* why these numbers */
    const struct assay_interval *log10_likelihoods; /* one a hypothesis, in their order */
    const bool *others; /* one a hypothesis: it has the likelihood given to all others */
    const struct assay_case_exhibit *const *exhibits;
    size_t exhibit_count;
    long line;
};

/*
 * Findings that share a cause. With `correlation` c, each of n counts 1 / (1 + (n - 1) c) (1: all
 * together count once; 0: separately). With `informative` below 1, all of them depend on the
 * truth only with that chance, together.
 */
struct assay_case_group {
    const char *id;
    const char *because;
    const char *const *findings; /* ids, two or more, or one with `informative` */
    size_t finding_count;
    double correlation; /* 0 to 1; default 1 */
    double informative; /* above 0, to 1; default 1 */
    long line;
};

/* Something taken for granted; without it the findings that rest on it fall. */
struct assay_case_assumption {
    const char *id, *text;
    const char *const *findings;
    size_t finding_count;
    long line;
};

struct assay_case_prior {
    const char *hypothesis;
    double probability; /* in (0, 1); those of a holder sum to 1 */
};

/* What one holder believed before the evidence. */
struct assay_case_priors {
    const char *held_by, *reason;
    const struct assay_case_prior *priors;
    size_t count;
    long line;
};

/* One thing that an obtainable exhibit could show, and how probable each hypothesis makes it. */
struct assay_case_outcome {
    const char *text;
    const double *probabilities; /* one a hypothesis; of all outcomes of one they sum to 1 */
};

/* What would be so under a hypothesis, as a measurement of an instrument names it. */
struct assay_case_condition {
    const char *name;
    double share; /* of a hypothesis's conditions; they sum to 1 */
};

/* Evidence that could be had. */
struct assay_case_obtainable {
    const char *id, *text;
    const char *because;                /* why these probabilities */
    const char *instrument;             /* that would weigh it; NULL: none of this library */
    double cost;                        /* NaN: not stated */
    const char *cost_unit;              /* "USD", "hours"; NULL: not stated */
    const char *from_finding, *from_id; /* the offer of an instrument's finding whose
                                           probabilities it has; NULL: its own */
    const char *measured; /* the measurement (data/instrument_power.csv) that gives its outcomes */
    const struct assay_case_condition *const *conditions; /* by hypothesis; with `measured` */
    const size_t *condition_counts;
    const struct assay_case_outcome *outcomes; /* two or more; none with `from` and `measured` */
    size_t outcome_count;
    long line;
};

/* What a unit of cost is worth, so that costs can be compared. */
struct assay_case_rate {
    const char *unit; /* "hours" */
    double usd;
};

struct assay_case_question {
    const char *id, *text;
    enum assay_question_kind kind;
    const char *stated; /* the hypothesis as claimed, against which others are weighed; or NULL */
    long stated_line;
    const struct assay_case_hypothesis *hypotheses; /* none: those that the instruments list */
    size_t hypothesis_count;
    const struct assay_case_task *tasks;
    size_t task_count;
    const struct assay_case_entry *entries; /* tasks and entries: at least one together */
    size_t entry_count;
    const struct assay_case_group *groups;
    size_t group_count;
    const struct assay_case_assumption *assumptions;
    size_t assumption_count;
    const struct assay_case_obtainable *obtainables;
    size_t obtainable_count;
    const struct assay_case_exhibit *const *exhibits; /* those that bear on it */
    size_t exhibit_count;
    const struct assay_case_priors *holders; /* none: no probabilities are given */
    size_t holder_count;
    const char *confidence; /* "low", "moderate", "high", or NULL: not stated */
    const char *confidence_reason;
    long line;
};

/* How far a grade is trusted: chances for A to F and 1 to 6, from data/ or the case. */
struct assay_case_reliability {
    double letters[6], digits[6];
    const char *because; /* NULL: as shipped, in data/source_reliability.csv */
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
    struct assay_case_reliability reliability; /* NaN where the case does not change it */
    const struct assay_case_rate *rates;       /* of units other than USD */
    size_t rate_count;
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

/* A file of the case's folder that is to be an exhibit. */
struct assay_case_new_exhibit {
    const char *id;      /* one that no exhibit has */
    const char *file;    /* in the folder itself */
    const char *sha256;  /* of the file: recorded, so that a file changed later is refused */
    const char *source;  /* where it is from */
    const char *date;    /* YYYY, YYYY-MM or YYYY-MM-DD */
    const char *grade;   /* Admiralty: "B2" */
    const char *said_by; /* NULL where a file has no single author */
};

/*
 * Writes the exhibit into `folder`/case.yaml, after the last that is there; every other byte of the
 * file, comments too, stays. What would be written is read as a case first, and takes the file's
 * place only if it is one, at once: whenever this is killed, the old file or the new one is there.
 * ASSAY_ERROR_INPUT if the case or the exhibit is wrong, with the line of the new text, or if
 * case.yaml has not the digest `case_sha256` (NULL: any), which is for a page that showed another;
 * ASSAY_ERROR_UNSUPPORTED if exhibits are written on one line, [{...}].
 */
ASSAY_API ASSAY_MUST_USE assay_status
assay_case_add_exhibit(const char *folder, const struct assay_case_new_exhibit *exhibit,
                       const char *case_sha256, struct assay_error *error);

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

/* ---- a question's findings combined: docs/case.md, "What is computed" ------------------------ */

enum assay_node_kind {
    ASSAY_NODE_SOURCE,  /* does this source's word depend on the truth? */
    ASSAY_NODE_EXHIBIT, /* does this exhibit, given that its source's does? */
    ASSAY_NODE_CAUSE,   /* does what these findings share? */
};

/* A yes-or-no cause in the network, independent of the others and of the hypotheses. */
struct assay_node {
    enum assay_node_kind kind;
    const char *name;   /* the origin, the exhibit's id, the group's id */
    double probability; /* of yes: the findings below it depend on the truth */
};

/* A finding in the network: it depends on the truth only if all its parents say yes. */
struct assay_combined_finding {
    const char *id, *text; /* text: what was observed; of an instrument, its first answer or NULL */
    const char *because;   /* NULL for an instrument's */
    const struct assay_case_result *result; /* NULL: entered by hand */
    const struct assay_case_entry *entry;   /* NULL: an instrument's */
    const struct assay_case_exhibit *const *exhibits;
    size_t exhibit_count;
    const uint32_t *parents; /* indices of nodes, ascending */
    size_t parent_count;
    int group;     /* index of its dependence group, or -1 */
    double weight; /* to which its log-likelihoods are multiplied: 1 unless in a group */
    const struct assay_interval *log10_likelihoods; /* one a hypothesis, best 0, undiscounted */
    const bool *assumed; /* one a hypothesis: not weighed, taken as the average of the others */
    const bool *shared;  /* one a hypothesis: the same number, and draw, for all that have this */
    const struct assay_interval *log10_ratios; /* against the reference, discounted, by itself */
    size_t best, worst;                        /* hypotheses that it separates most */
    struct assay_interval log10_most;          /* of best over worst, discounted, by itself */
    double bits; /* information it gave on the question: divergence of posterior from prior over
                    equal priors, by itself */
};

/* Findings not counted as if they were independent. */
struct assay_dependence {
    const char *id, *because;
    bool declared; /* false: found, for they rest on the same exhibit */
    double correlation, informative;
    const uint32_t *findings;
    size_t finding_count;
};

/* A hypothesis after all findings. */
struct assay_combined_hypothesis {
    const char *id, *text; /* text may be NULL */
    bool none;
    bool reference;
    struct assay_interval log10_ratio; /* against the reference, all findings together */
    const char *words;
    int favours;                              /* as in struct assay_comparison */
    struct assay_interval log10_ratio_others; /* against all others, equally probable */
    size_t rank;                              /* 0: the best */
};

struct assay_posterior_row {
    double prior;
    struct assay_interval posterior;
    const char *words; /* ICD 203, of the median */
};

struct assay_posterior {
    const char *held_by, *reason;
    const struct assay_posterior_row *rows; /* one a hypothesis; NaN without a prior */
    /* The leading hypothesis by this holder, and the prior at which it would be 50%, the others
       sharing the rest in proportion. */
    size_t leading;
    double even_prior;
};

/* Posterior against prior of one hypothesis, the others sharing the rest equally. */
struct assay_curve {
    size_t hypothesis;
    const double *priors;
    const struct assay_interval *posteriors;
    size_t count;
};

enum assay_left_out_kind {
    ASSAY_LEFT_FINDING,
    ASSAY_LEFT_EXHIBIT,
    ASSAY_LEFT_SOURCE,
    ASSAY_LEFT_ASSUMPTION, /* the case's, or a rule of the method: grades, a dependence, a fill-in
                            */
};

/* What becomes of the leading hypothesis against the next best if one thing is left out. */
struct assay_left_out {
    enum assay_left_out_kind kind;
    const char *id, *text; /* text may be NULL */
    double log10_ratio;    /* of the leading over the runner-up, without it */
    double change;         /* that less the ratio with everything */
    const char *words;
    size_t leading; /* the best hypothesis without it */
    bool overturns; /* it is another one */
};

/* The evidence of every finding on one pair of hypotheses. */
struct assay_pair {
    size_t a, b;
    const double *log10_ratios; /* of a over b, one a finding, discounted, by itself */
    double log10_ratio;         /* all together */
};

/* A change that would make another hypothesis lead. */
struct assay_overturn {
    const char *kind; /* "finding", "reliability", "exhibits", "prior" */
    const char *text; /* a sentence */
    double value;     /* the log10 ratio, the chance, the number of exhibits, the probability */
};

/* What an obtainable exhibit is expected to tell. */
struct assay_next {
    const struct assay_case_obtainable *obtainable; /* the case's, or made of an instrument's offer:
                                                       then its id is FINDING/OFFER */
    double bits;                 /* expected information about the question, in bits */
    double bits_per_cost;        /* NaN without a cost */
    double cost_usd;             /* NaN where the case does not say what its unit is worth */
    bool efficient;              /* nothing else that costs no more is expected to tell as much */
    const double *probabilities; /* of each outcome, as things stand */
    const double *log10_ratios;  /* of the leading over the runner-up after each outcome */
    double overturn;             /* probability that another hypothesis leads after it */
};

struct assay_combination {
    const char *reference;  /* the stated hypothesis, or the best */
    size_t reference_index; /* in hypotheses */
    bool reference_is_best;
    uint32_t draws; /* of the likelihoods within their intervals */
    struct assay_combined_hypothesis *hypotheses;
    size_t hypothesis_count;
    size_t leading, runner_up; /* hypotheses */
    double log10_lead;         /* of the one over the other, at the medians */
    const struct assay_node *nodes;
    size_t node_count;
    struct assay_combined_finding *findings;
    size_t finding_count;
    const struct assay_dependence *dependences;
    size_t dependence_count;
    const struct assay_posterior *posteriors; /* one a holder */
    size_t posterior_count;
    const struct assay_curve *curves;
    size_t curve_count;
    const struct assay_left_out *left_out; /* the largest change first */
    size_t left_out_count;                 /* listed: 1,000 at most, of left_out_total */
    size_t left_out_total;
    const struct assay_pair *pairs;
    size_t pair_count;
    const struct assay_overturn *overturns;
    size_t overturn_count;
    const struct assay_next *next; /* most bits first */
    size_t next_count;
    const char *confidence; /* the most that the evidence allows: "low", "moderate", "high" */
    const char *const *confidence_reasons;
    size_t confidence_reason_count;
};

struct assay_case_reply {
    const struct assay_case_question *question;
    struct assay_case_result *results; /* one a task, in the order of the tasks */
    size_t result_count;
    const struct assay_case_obtainable *obtainables; /* the question's, those measured with their
                                                        outcomes; NULL: as the question has them */
    const struct assay_combination *combination;     /* NULL: nothing could be weighed */
};

struct assay_assessment {
    const struct assay_case *subject; /* must outlive the assessment, */
    const char *data_folder;          /* and so must this: of the facts that were used */
    uint64_t seed;
    struct assay_case_reliability reliability; /* as used */
    char reliability_sha256[65];               /* of the table in data/ */
    struct assay_case_reply *replies;          /* one a question, in order */
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
/*
 * The same, but keeps the findings of instruments in `kept_folder` (which must be there; one file
 * a finding) and takes them from there as long as all that they depend on is as it was:
 * instrument and version, seed, program, facts, and every file that was read. NULL keeps none.
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_case_run_kept(const struct assay_case *subject,
                                                          const char *data_folder,
                                                          const char *kept_folder,
                                                          const struct assay_context *context,
                                                          struct assay_assessment *assessment,
                                                          struct assay_error *error);
ASSAY_API void assay_assessment_free(struct assay_assessment *assessment);

/* ---- one instrument by itself ------------------------------------------------------------- */

/* An instrument's task and the question that it is of. */
struct assay_case_task_place {
    const struct assay_case_question *question;
    const struct assay_case_task *task;
};

/* The task with this id in the question with that one; false: there is none. */
ASSAY_API bool assay_case_task_find(const struct assay_case *subject, const char *question,
                                    const char *id, struct assay_case_task_place *place);

/*
 * Runs one instrument, whether or not its finding is kept, and keeps it in `kept_folder`, as
 * assay_case_run_kept does. ASSAY_ERROR_IO if it cannot be kept.
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_case_task_run(const struct assay_case *subject,
                                                          const struct assay_case_task_place *place,
                                                          const char *data_folder,
                                                          const char *kept_folder,
                                                          const struct assay_context *context,
                                                          struct assay_error *error);

/*
 * Whether a run with this seed would take its finding from `kept_folder`. Then `finding` is to be
 * freed.
 */
ASSAY_API bool assay_case_task_kept(const struct assay_case *subject,
                                    const struct assay_case_task_place *place,
                                    const char *data_folder, const char *kept_folder, uint64_t seed,
                                    struct assay_finding *finding);

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
