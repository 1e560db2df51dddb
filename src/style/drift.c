/* SPDX-License-Identifier: Apache-2.0 */
#include "style/drift.h"

#include <math.h>
#include <stdlib.h>

#define MOST_STEPS 200

static double known(double value)
{
    return isnan(value) ? 0 : value;
}

bool style_drift_start(size_t scorers, size_t writers, const double *deviation,
                       struct style_drift *d)
{
    *d = (struct style_drift){.scorers = scorers,
                              .writers = writers,
                              .deviation = deviation,
                              .moment = calloc(writers * writers + 1, sizeof *d->moment),
                              .direction = malloc((writers + 1) * sizeof *d->direction),
                              .other = malloc((writers + 1) * sizeof *d->other)};
    if (!d->moment || !d->direction || !d->other)
        return false;
    for (size_t s = 0; s < scorers; s++)
        for (size_t a = 0; a < writers; a++)
            for (size_t b = 0; b < writers; b++)
                d->moment[a * writers + b] +=
                    known(deviation[s * writers + a]) * known(deviation[s * writers + b]);
    return true;
}

void style_drift_end(struct style_drift *d)
{
    free(d->moment);
    free(d->direction);
    free(d->other);
}

/* to = M x, M being the moments without one scorer's; returns to's length. */
static double turn(const struct style_drift *d, const double *row, const double *x, double *to)
{
    double along = 0, square = 0;
    for (size_t w = 0; w < d->writers; w++)
        along += known(row[w]) * x[w];
    for (size_t a = 0; a < d->writers; a++) {
        to[a] = -known(row[a]) * along;
        for (size_t b = 0; b < d->writers; b++)
            to[a] += d->moment[a * d->writers + b] * x[b];
        square += to[a] * to[a];
    }
    return sqrt(square);
}

/* The first principal direction of the other scorers, by powers of their moments. */
static void find_direction(const struct style_drift *d, const double *row)
{
    size_t n = d->writers, first = 0;
    double most = 0;
    for (size_t w = 0; w < n; w++) {
        double own = d->moment[w * n + w] - known(row[w]) * known(row[w]);
        first = own > most ? w : first;
        most = fmax(most, own);
    }
    for (size_t w = 0; w < n; w++)
        d->direction[w] = w == first ? 1 : 0;
    for (int step = 0; step < MOST_STEPS; step++) {
        double length = turn(d, row, d->direction, d->other), moved = 0;
        if (!(length > 0))
            return;
        for (size_t w = 0; w < n; w++) {
            double x = d->other[w] / length;
            moved = fmax(moved, fabs(x - d->direction[w]));
            d->direction[w] = x;
        }
        if (moved < 1e-10)
            return;
    }
}

/* The distance of writer `c` from the line through the others. */
static double off_line(const struct style_drift *d, const double *row, size_t c)
{
    double n = 0, x = 0, y = 0, xx = 0, xy = 0;
    for (size_t w = 0; w < d->writers; w++)
        if (w != c && !isnan(row[w])) {
            n++;
            x += d->direction[w];
            y += row[w];
        }
    for (size_t w = 0; w < d->writers; w++)
        if (w != c && !isnan(row[w])) {
            xx += (d->direction[w] - x / n) * (d->direction[w] - x / n);
            xy += (d->direction[w] - x / n) * (row[w] - y / n);
        }
    return row[c] - y / n - (xx > 0 ? xy / xx : 0) * (d->direction[c] - x / n);
}

void style_drift_off(const struct style_drift *d, size_t scorer, double *off)
{
    const double *row = d->deviation + scorer * d->writers;
    size_t there = 0;
    for (size_t w = 0; w < d->writers; w++)
        there += !isnan(row[w]);
    bool line = there >= STYLE_DRIFT_LEAST;
    if (line)
        find_direction(d, row);
    for (size_t w = 0; w < d->writers; w++)
        off[w] = line && !isnan(row[w]) ? off_line(d, row, w) : row[w];
}
