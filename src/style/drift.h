/* SPDX-License-Identifier: Apache-2.0 */
/*
 * drift: what any teacher does to a model that scores texts, taken out. In: how probable each
 * scorer finds each writer's texts, less what all scorers find. Out: how far a writer stands off
 * from what the scorer's drift alone would make of it. What can go wrong: memory; too few writers
 * to tell a drift from a teacher, and then nothing is taken out.
 *
 * Whoever a model was taught by, the texts of models become more probable to it, and some
 * writers' more than others': scorers differ first of all in how far they went that way. It is
 * the first principal direction of the other scorers (each scorer is judged by all others, so that
 * scorers can still change places). A scorer's deviations are fitted by a straight line on it,
 * without the writer that is asked about; that writer's distance from the line is what is left.
 * With no scorer that was ever taught among them the direction is mere chance, and little is lost.
 */
#ifndef STYLE_DRIFT_H
#define STYLE_DRIFT_H

#include <assay/base.h>

#define STYLE_DRIFT_LEAST 6 /* writers that a scorer is known of, for a line */

struct style_drift {
    size_t scorers, writers;
    const double *deviation;   /* [scorer * writers + writer], NaN: not known; borrowed */
    double *moment;            /* [writer * writers + writer], sums over scorers */
    double *direction, *other; /* room */
};

/* Free with style_drift_end, also when it fails: memory is short. */
ASSAY_MUST_USE bool style_drift_start(size_t scorers, size_t writers, const double *deviation,
                                      struct style_drift *drift);
void style_drift_end(struct style_drift *drift);

/* off[writer] of one scorer: its distance from the line, or, with fewer writers than
 * STYLE_DRIFT_LEAST, the deviation itself; NaN where that is not known. */
void style_drift_off(const struct style_drift *drift, size_t scorer, double *off);

#endif
