/* SPDX-License-Identifier: Apache-2.0 */
/* A finding's curve by the id of its figure and its own name; the test fails where it is not there.
 * Include cmocka.h before. */
#ifndef TESTS_FINDING_CURVE_H
#define TESTS_FINDING_CURVE_H

#include <assay/finding.h>

#include <string.h>

static inline const struct assay_series *curve_of(const struct assay_finding *f, const char *figure,
                                                  const char *name)
{
    for (size_t i = 0; i < f->figure_count; i++)
        for (size_t k = 0; strcmp(f->figures[i].id, figure) == 0 && f->figures[i].curves &&
                           k < f->figures[i].curves->series_count;
             k++)
            if (strcmp(f->figures[i].curves->series[k].name, name) == 0)
                return &f->figures[i].curves->series[k];
    fail_msg("no curve %s in %s", name, figure);
    return NULL;
}

#endif
