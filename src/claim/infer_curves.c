/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A kind's density of device-hours h is the mean over draws d of efficiency of
 *     N(ln h; ln hours_d, s), in ln h,
 * with s what is not explained of a run: what `claim.infer` weighs claimed hours by (posterior.c).
 * Its interval is that of the mean over the draws, 80% of a normal.
 */
#include "claim/infer_curves.h"

#include "claim/run.h"
#include "finding/curves.h"

#include <math.h>
#include <string.h>

#define MOST_KINDS 5 /* beside the stated one */
#define PLACES 101   /* of hours */
#define WIDE 2.0794  /* ln 8: as far on either side of the claim and of the middles */
#define LEAST -6.0   /* log10 ratio that is drawn: below, nothing is left to tell */
#define NORMAL_TENTH 1.2815515655446004

static const char *kind_of(const struct hypothesis *h)
{
    return h->run.machine.accelerator.name;
}

/* The stated machine's kind, then the best others: those of the list with the count of the stated
   machine, or each kind once. Halves of two kinds are left out. */
static size_t choose(const struct hypothesis *list, size_t count, const struct hypothesis *stated,
                     bool stated_count, const struct hypothesis *kinds[MOST_KINDS + 1])
{
    size_t n = 0;
    kinds[n++] = stated;
    for (size_t i = 0; i < count && n <= MOST_KINDS; i++) {
        const struct hypothesis *h = &list[i];
        bool fresh = h->weighed && !h->other &&
                     (!stated_count || h->run.machine.devices == stated->run.machine.devices);
        for (size_t k = 0; k < n; k++)
            fresh = fresh && strcmp(kind_of(kinds[k]), kind_of(h)) != 0;
        if (fresh)
            kinds[n++] = h;
    }
    return n;
}

/* ---- hours ------------------------------------------------------------------------------------
 */

/* The density at ln hours and its standard error over the draws. */
static double density(const struct hypothesis *h, double log_hours, double *error)
{
    double sum = 0, squares = 0, middle = log_hours - log(h->run.tokens);
    double scale = 1 / (h->run_sd * sqrt(2 * acos(-1)));
    for (size_t d = 0; d < INFER_DRAWS; d++) {
        double z = (middle - h->log_hours_per_token[d]) / h->run_sd;
        double one = scale * exp(-z * z / 2);
        sum += one;
        squares += one * one;
    }
    double mean = sum / INFER_DRAWS;
    *error = sqrt(fmax(0, squares / INFER_DRAWS - mean * mean) / INFER_DRAWS);
    return mean;
}

static bool draw_hours(struct finding_writer *to, const struct assay_run *run,
                       const struct hypothesis *list, size_t count, const struct hypothesis *stated,
                       struct assay_figure *figure)
{
    const struct hypothesis *kinds[MOST_KINDS + 1];
    double claimed = run_claimed_hours(run), top = 0;
    if (!(claimed > 0) || !(run->tokens > 0))
        return false;
    size_t n = choose(list, count, stated, true, kinds);
    struct curves s = curves_begin(to, n + 1);
    double least = log(claimed), most = least;
    for (size_t k = 0; k < n; k++) {
        least = fmin(least, fmax(log(kinds[k]->hours.median), log(claimed) - WIDE));
        most = fmax(most, fmin(log(kinds[k]->hours.median), log(claimed) + WIDE));
    }
    least -= log(2);
    most += log(2);
    for (size_t k = 0; k < n; k++) {
        struct assay_point *points =
            curves_add(&s, finding_keep(to, kinds[k]->name), false, PLACES);
        for (size_t i = 0; points && i < PLACES; i++) {
            double x = least + (most - least) * (double)i / (PLACES - 1), error;
            double y = density(kinds[k], x, &error), wide = NORMAL_TENTH * error;
            top = fmax(top, y);
            curves_put(&s, points, exp(x), y, fmax(0, y - wide), y + wide);
        }
    }
    struct assay_point *claim = curves_add(&s, "as claimed", true, 2);
    if (claim) {
        curves_put(&s, claim, claimed, 0, NAN, NAN);
        curves_put(&s, claim, claimed, top, NAN, NAN);
    }
    const struct curves_axes axes = {"device-hours", "density, per factor e", true, 0.8};
    return curves_end(&s, "hours",
                      "How probable each hardware makes a number of device-hours, at the stated "
                      "count, and what was claimed",
                      &axes, figure);
}

/* ---- counts -----------------------------------------------------------------------------------
 */

static bool draw_counts(struct finding_writer *to, const struct hypothesis *list, size_t count,
                        const struct hypothesis *stated, struct assay_figure *figure)
{
    const struct hypothesis *kinds[MOST_KINDS + 1];
    size_t n = choose(list, count, stated, false, kinds);
    struct curves s = curves_begin(to, n + 1);
    double least = INFINITY, most = -INFINITY;
    for (size_t k = 0; k < n; k++) {
        const struct hypothesis *of[COUNT_FACTORS];
        size_t found = 0;
        for (size_t i = 0; i < count && found < COUNT_FACTORS; i++)
            if (list[i].weighed && !list[i].other &&
                strcmp(kind_of(&list[i]), kind_of(kinds[k])) == 0)
                of[found++] = &list[i];
        struct assay_point *points =
            curves_add(&s, finding_keep(to, kind_of(kinds[k])), false, COUNT_FACTORS);
        for (size_t j = 0; points && j < found; j++) { /* by count */
            size_t next = j;
            for (size_t i = j; i < found; i++)
                next = of[i]->run.machine.devices < of[next]->run.machine.devices ? i : next;
            const struct hypothesis *h = of[next];
            of[next] = of[j];
            double x = (double)h->run.machine.devices;
            double y = h->log10_likelihood - stated->log10_likelihood;
            double wide = NORMAL_TENTH * h->monte_carlo_sd;
            if (y < LEAST)
                continue;
            least = fmin(least, x);
            most = fmax(most, x);
            curves_put(&s, points, x, y, y - wide, y + wide);
        }
    }
    struct assay_point *level =
        !(least < most) ? NULL : curves_add(&s, "as well as the stated machine", true, 2);
    if (level) {
        curves_put(&s, level, least, 0, NAN, NAN);
        curves_put(&s, level, most, 0, NAN, NAN);
    }
    const struct curves_axes axes = {"devices", "log10 likelihood ratio", true, 0.8};
    return curves_end(&s, "counts",
                      "How well other counts predict the claim and the clues, against the stated "
                      "machine (down to a millionth): a flat curve is a count that they do not fix",
                      &axes, figure);
}

size_t infer_curves_draw(struct finding_writer *to, const struct assay_run *run,
                         const struct hypothesis *list, size_t count,
                         const struct hypothesis *stated, struct assay_figure *figures)
{
    size_t n = 0;
    n += draw_hours(to, run, list, count, stated, &figures[n]);
    n += draw_counts(to, list, count, stated, &figures[n]);
    return n;
}
