/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chart: a figure of a finding as an SVG picture of horizontal bars with whiskers, and as the
 * table behind it. Colours come from the page's style by class, so that light, dark and paper
 * each have theirs.
 */
#ifndef REPORT_CHART_H
#define REPORT_CHART_H

#include <assay/finding.h>

#include <stdio.h>

/* `id` is unique on the page. */
void chart_print(FILE *to, const struct assay_figure *figure, const char *id);

#endif
