/* SPDX-License-Identifier: Apache-2.0 */
/* draw: some bars of a figure as one SVG picture. */
#ifndef REPORT_DRAW_H
#define REPORT_DRAW_H

#include <assay/finding.h>

#include <stdio.h>

/* Measures in the picture's own units, about a pixel. */
struct draw_measures {
    const char *name; /* class of the picture: "wide" or "narrow" */
    double width, label, value, row, font;
    size_t most_label; /* characters of a label before it is cut */
};

extern const struct draw_measures draw_wide, draw_narrow;

/* Bars `from` to `until`, on the scale of the whole figure. Ids start with `id`. */
void draw_svg(FILE *to, const struct assay_figure *figure, const char *id,
              const struct draw_measures *measures, size_t from, size_t until);

/* The number of a group's colour: 0 to 5. */
size_t draw_group(const struct assay_figure *figure, const char *group);

#endif
