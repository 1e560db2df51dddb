/* SPDX-License-Identifier: Apache-2.0 */
/*
 * case_calibration: are a case's likelihood ratios worth what they say? Cases are simulated whose
 * truth is known, combined as any case is, and judged: how often a ratio points the wrong way,
 * and how far stated probabilities are from what is so. docs/case.md says what is simulated.
 */
#ifndef ASSAY_CASE_CALIBRATION_H
#define ASSAY_CASE_CALIBRATION_H

#include <assay/finding.h>
#include <assay/stats.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ASSAY_TIPPETT_POINTS 81    /* log10 ratios -4 to 4, ten to a decade */
#define ASSAY_RELIABILITY_CELLS 10 /* of probability, 0 to 1 */
#define ASSAY_ENTROPY_POINTS 51    /* log10 prior odds -2.5 to 2.5, ten to a decade */
#define ASSAY_CALIBRATION_PARTS 20 /* of the cases, left out one at a time for intervals */

/* The log10 ratio of a point of Tippett's curves; the log10 prior odds of one of cross-entropy. */
static inline double assay_tippett_ratio(size_t point)
{
    return ((double)point - (ASSAY_TIPPETT_POINTS - 1) / 2.0) / 10;
}
static inline double assay_entropy_odds(size_t point)
{
    return ((double)point - (ASSAY_ENTROPY_POINTS - 1) / 2.0) / 10;
}

/* How the world of the simulation departs from what the method takes for granted. */
enum assay_case_world {
    ASSAY_WORLD_AS_GRADED, /* sources mislead as often as their grades say */
    ASSAY_WORLD_MISGRADED, /* each is one letter worse than its grade */
    ASSAY_WORLD_COUNT
};

/* What simulated cases ask. */
enum assay_case_form {
    ASSAY_FORM_HARDWARE,
    ASSAY_FORM_TEACHER,
    ASSAY_FORM_DESCENT,
    ASSAY_FORM_STATEMENTS, /* without an instrument */
    ASSAY_FORM_COUNT       /* all of them, in turns */
};

/* One way of combining, in one world. */
struct assay_case_calibration_row {
    const char *world;  /* "as graded", "one letter worse" */
    const char *method; /* "network"; "product": without grades or dependence, for comparison;
                           "all known": with every cause and likelihood known exactly, which is
                           the most that the evidence could tell */
    const char *kind;   /* "hardware", "teacher", "descent", "statements"; NULL: of all kinds */
    size_t cases;
    size_t true_ratios, false_ratios; /* of true hypotheses and of false ones, each against the
                                         others taken as equally probable */
    double cllr;                      /* bits: 0 perfect, 1 worth nothing */
    double min_cllr;                  /* after the best monotone recalibration: discrimination */
    double cllr_interval[2], min_cllr_interval[2]; /* 95%, over cases; NaN: too few of them */
    /* Shares with their 95% intervals, which take the hypotheses of one case for independent: where
       false ones of a case fall together, they are too narrow, by a factor of 1.7 at most. */
    struct assay_share misleading_true;  /* of true hypotheses: ratio below 1/10 */
    struct assay_share misleading_false; /* of false hypotheses: ratio above 10 */
    struct assay_share below_one_true;   /* of true hypotheses: ratio below 1 */
    struct assay_share above_one_false;  /* of false hypotheses: ratio above 1 */
    struct assay_share wrong_above_ten;  /* of hypotheses with ratios above 10: false */
    double claimed_above_ten;            /* what their stated probabilities say it is */
    /* Tippett plot: shares of ratios above each point, of true and of false hypotheses. */
    struct assay_share tippett_true[ASSAY_TIPPETT_POINTS], tippett_false[ASSAY_TIPPETT_POINTS];
    /* log10 of what a ratio of each point is worth, pooled (PAV): infinite where pooled ratios are
       all of true or all of false hypotheses, NaN beyond all ratios. */
    double worth[ASSAY_TIPPETT_POINTS];
    /* Empirical cross-entropy, bits: of the ratios, of the pooled ones, of the prior alone. */
    struct assay_entropy {
        double as_stated, least, without;
    } entropy[ASSAY_ENTROPY_POINTS];
    /* Reliability diagram: by stated probability from equal priors. */
    struct assay_reliability_cell {
        double stated;               /* mean; NaN if empty */
        struct assay_share realised; /* true ones */
    } cells[ASSAY_RELIABILITY_CELLS];
};

#define ASSAY_CALIBRATION_METHODS 3

struct assay_case_calibration {
    uint64_t seed;
    size_t cases;
    enum assay_case_form form; /* ASSAY_FORM_COUNT: all kinds */
    struct assay_case_calibration_row rows[ASSAY_CALIBRATION_METHODS * ASSAY_WORLD_COUNT];
    /* The network's by kind, world by world; none where cases of one kind alone were asked. */
    struct assay_case_calibration_row kinds[ASSAY_FORM_COUNT * ASSAY_WORLD_COUNT];
    size_t kind_count;
};

/*
 * Simulates `cases` cases (at least 10) in each world, of one form or of all: a quarter of
 * hardware, whose finding is drawn by the forward model of the claim in `claim_path`
 * (assay_claim_simulate_claims), a quarter of teachers, whose finding is drawn by
 * data/style_calibration.csv, a quarter of descent, whose finding is of a pair of small models of
 * known history (assay_lineage_simulate_stages), a quarter of statements alone; all with statements
 * of several sources. Errors as of what it calls.
 */
ASSAY_API ASSAY_MUST_USE assay_status
assay_case_calibrate(const char *claim_path, const char *data_folder, size_t cases,
                     enum assay_case_form form, const struct assay_context *context,
                     struct assay_case_calibration *calibration, struct assay_error *error);

/* "hardware", "teacher", "descent", "statements"; NULL for ASSAY_FORM_COUNT. */
ASSAY_API const char *assay_case_form_name(enum assay_case_form form);

/*
 * What a calibration gave as a finding that stands in no case: Tippett and reliability diagrams,
 * cross-entropy, what ratios are worth, all of it by kind where several were simulated. It weighs
 * no hypothesis. `claim_path` and the tables in `data_folder` are its exhibits. Free the finding
 * with assay_finding_free; `calibration` may go before it.
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_case_calibration_describe(
    const struct assay_case_calibration *calibration, const char *claim_path,
    const char *data_folder, struct assay_finding *finding, struct assay_error *error);

#ifdef __cplusplus
}
#endif
#endif
