/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chart: a figure of a finding as SVG, and as the table behind it. A figure of amounts becomes
 * bars from zero with whiskers; one of log10 likelihood ratios becomes points on a scale whose
 * divisions are those of the ENFSI guideline, with what cannot be told apart in a bracket. Each
 * is drawn twice, for a wide page and for a phone; the style shows one. Colours come by class,
 * so that light, dark and paper each have theirs.
 */
#ifndef REPORT_CHART_H
#define REPORT_CHART_H

#include <assay/finding.h>

#include <stdio.h>

/* `id` is unique on the page. */
void chart_print(FILE *to, const struct assay_figure *figure, const char *id);

#endif
