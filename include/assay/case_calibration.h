/* SPDX-License-Identifier: Apache-2.0 */
/*
 * case_calibration: are a case's likelihood ratios worth what they say? Cases are simulated whose
 * truth is known, combined as any case is, and judged: how often a ratio points the wrong way,
 * and how far stated probabilities are from what is so. docs/case.md says what is simulated.
 */
#ifndef ASSAY_CASE_CALIBRATION_H
#define ASSAY_CASE_CALIBRATION_H

#include <assay/base.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ASSAY_TIPPETT_POINTS 9     /* log10 ratios -4 to 4 */
#define ASSAY_RELIABILITY_CELLS 10 /* of probability, 0 to 1 */

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
    size_t cases;
    size_t true_ratios, false_ratios; /* of true hypotheses and of false ones, each against the
                                         others taken as equally probable */
    double cllr;                      /* bits: 0 perfect, 1 worth nothing */
    double min_cllr;                  /* after the best monotone recalibration: discrimination */
    double misleading_true;           /* share of ratios of true hypotheses below 1/10 */
    double misleading_false;          /* share of ratios of false hypotheses above 10 */
    double wrong_above_ten;   /* of hypotheses with ratios above 10, the share that is false */
    double claimed_above_ten; /* what their stated probabilities say it is */
    /* Tippett plot: shares of ratios above 10^-4 ... 10^4, of true and of false hypotheses. */
    double tippett_true[ASSAY_TIPPETT_POINTS], tippett_false[ASSAY_TIPPETT_POINTS];
    /* Reliability diagram: by stated probability from equal priors. */
    struct assay_reliability_cell {
        size_t count;
        double stated, realised; /* means; NaN if empty */
    } cells[ASSAY_RELIABILITY_CELLS];
};

#define ASSAY_CALIBRATION_METHODS 3

struct assay_case_calibration {
    uint64_t seed;
    size_t cases;
    struct assay_case_calibration_row rows[ASSAY_CALIBRATION_METHODS * ASSAY_WORLD_COUNT];
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

#ifdef __cplusplus
}
#endif
#endif
