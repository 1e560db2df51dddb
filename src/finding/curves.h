/* SPDX-License-Identifier: Apache-2.0 */
/*
 * curves: a figure of curves made point by point. In: a writer, names, points. Out: a figure in
 * the writer's arena. What can go wrong: memory, noted in the writer; then series and figures are
 * left out.
 */
#ifndef FINDING_CURVES_H
#define FINDING_CURVES_H

#include "finding/writer.h"

/* A figure on its way. */
struct curves {
    struct finding_writer *to;
    struct assay_series *series;
    size_t count, room;
};

/* With room for `most` series. */
struct curves curves_begin(struct finding_writer *to, size_t most);

/* A new series with room for `most` points, which the following curves_put take; NULL if there is
 * none. `name` must live as long as the finding; NULL adds none. */
struct assay_point *curves_add(struct curves *curves, const char *name, bool reference,
                               size_t most);

/* A point of the series that was added last; low and high NaN: no interval is known. */
void curves_put(struct curves *curves, struct assay_point *points, double x, double y, double low,
                double high);

/* What the axes say; all of it must live as long as the finding. */
struct curves_axes {
    const char *x, *y;
    bool logarithmic; /* x */
    double level;     /* of the intervals; NaN: there are none */
};

/* Fills `figure`; false, and nothing is done, if all points stand at one place of the axis or
 * memory was short. */
bool curves_end(const struct curves *curves, const char *id, const char *title,
                const struct curves_axes *axes, struct assay_figure *figure);

#endif
