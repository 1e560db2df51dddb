/* SPDX-License-Identifier: Apache-2.0 */
/*
 * finding: what every instrument hands on, and the only type that crosses from the instruments
 * to a case. A finding says how well each hypothesis predicts what was observed (a likelihood,
 * never a probability of the hypothesis), by which method, from which exhibits, and what it
 * cannot say.
 */
#ifndef ASSAY_FINDING_H
#define ASSAY_FINDING_H

#include <assay/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * How far a graded source is trusted (data/source_reliability.csv): the chance that what it says
 * depends on the truth at all, by the letter A to F of the source and the digit 1 to 6 of what it
 * says (Admiralty grades).
 */
struct assay_grades {
    double letters[6], digits[6];
};

/* The smaller of a letter's and a digit's chance; NaN if they are no grade. */
ASSAY_API double assay_grades_chance(const struct assay_grades *grades, char letter, int digit);

/* A quantile interval: `level` is its coverage, 0.8 unless an output says otherwise. */
struct assay_interval {
    double median, low, high;
    double level;
};

/* The weight that the evidence gives one hypothesis. */
struct assay_weight {
    const char *hypothesis;
    struct assay_interval log10_likelihood; /* relative to the best hypothesis: its median is 0 */
    const char *note;                       /* NULL, or why it could not be weighed */
    bool weighed;                           /* false: not evaluated; the likelihood means nothing */
};

/* Two hypotheses that this evidence cannot separate, with the number that says so. */
struct assay_tie {
    const char *a, *b;
    double log10_likelihood_ratio; /* of a over b */
};

/* A named number for the reader. */
struct assay_quantity {
    const char *name;
    const char *unit;            /* SI or natural, as written for a reader: "s", "hours", "" */
    struct assay_interval value; /* low == high where the number is exact */
};

/* One bar: a label, a value with its interval, and the group that colours it. */
struct assay_bar {
    const char *label;
    const char *group;       /* NULL or a short word, the same for bars that belong together */
    double value, low, high; /* in the figure's unit; low == high: no whisker */
};

/* Numbers by row and column, none below 0: a heat map. */
struct assay_grid {
    const char *row_axis, *column_axis; /* what rows and columns are: "base.gguf" */
    const char *const *rows;            /* labels */
    size_t row_count;
    const char *const *columns;
    size_t column_count;
    const double *values; /* [row][column], in the figure's unit; NaN: not known */
};

/* A place on a curve and the interval of what was measured there. */
struct assay_point {
    double x, y;
    double low, high; /* in the figure's unit; low == high, or NaN: none is known */
};

/* One curve: its points in the order in which they are joined. */
struct assay_series {
    const char *name; /* unique within its figure */
    const struct assay_point *points;
    size_t point_count;
    bool reference; /* what the others are to be read against: drawn thinner and dashed */
};

/* Curves over one axis, such as power against dose. */
struct assay_curves {
    const char *x_axis, *y_axis; /* what they are, with x's unit: "dose, share of tokens" */
    bool x_logarithmic;          /* then every x is above 0 */
    double level;                /* that the points' intervals cover; NaN: they have none */
    const struct assay_series *series;
    size_t series_count;
};

/* A figure to draw: curves, a grid, a tree, or horizontal bars in the order given. */
struct assay_figure {
    const char *id;    /* short, unique within the finding: "time" */
    const char *title; /* a sentence for the reader */
    const char *unit;
    const struct assay_bar *bars;
    size_t bar_count;
    /* At most one of these is there; none: bars. */
    const struct assay_grid *grid;
    const char *newick; /* an unrooted tree as Newick text */
    const struct assay_curves *curves;
};

/* One thing that evidence could show. */
struct assay_outcome {
    const char *text;
    const double *probabilities; /* by weight: how probable it is under that hypothesis, given what
                                    the finding rests on; NaN where it was not weighed */
};

/* Evidence that could be had, and what the instrument expects it to show. */
struct assay_obtainable {
    const char *id;                       /* short, unique within the finding: "power" */
    const char *text;                     /* what it is and how it is got */
    const char *basis;                    /* where its probabilities and its cost come from */
    double cost;                          /* of getting and weighing it; NaN: not known */
    const char *cost_unit;                /* "USD", "hours"; NULL: cost not known */
    const struct assay_outcome *outcomes; /* exclusive; under each hypothesis they sum to 1 */
    size_t outcome_count;
};

/* A file that was read, by digest. */
struct assay_exhibit {
    const char *path;
    char sha256[65];
};

struct assay_finding {
    const char *id;             /* short, unique within a case: "hours" */
    const char *question;       /* the id of the case's question that it bears on */
    const char *method;         /* "claim.infer" */
    const char *method_version; /* changes when the numbers could */
    uint64_t seed;
    const char *const *answers; /* plain sentences: what follows, in order of importance */
    size_t answer_count;
    const char *const *cannot_tell; /* plain sentences: what does not follow */
    size_t cannot_tell_count;
    const struct assay_weight *weights;
    size_t weight_count;
    const struct assay_tie *ties;
    size_t tie_count;
    const struct assay_quantity *quantities;
    size_t quantity_count;
    const struct assay_figure *figures;
    size_t figure_count;
    const struct assay_obtainable *obtainables; /* not known yet; empty if nothing is offered */
    size_t obtainable_count;
    const struct assay_exhibit *exhibits;
    size_t exhibit_count;
    const char *const *limits; /* what the method assumes and where it fails */
    size_t limit_count;
    struct assay_arena *arena; /* owns all of the above */
};

/* Frees what the finding owns; harmless on a zeroed one. */
ASSAY_API void assay_finding_free(struct assay_finding *finding);

#ifdef __cplusplus
}
#endif
#endif
