/* SPDX-License-Identifier: Apache-2.0 */
/*
 * population: who is compared, and what is known of them. In: names and a table of public
 * models. Out: for each model its lineage, its candidate, and whether it may stand for "has
 * nothing to do with any of them". What can go wrong: a broken table. A model that the table
 * does not know is a lineage of its own and may be such a null: that is the cautious side, for
 * an unknown relative only makes p-values larger.
 */
#ifndef STYLE_POPULATION_H
#define STYLE_POPULATION_H

#include <assay/base.h>

#define STYLE_NOBODY SIZE_MAX

struct style_population {
    size_t n;
    const char **names; /* borrowed */
    size_t *lineage;    /* an index, the same for models of one base; see above */
    size_t *maker;      /* an index, the same for models of one maker */
    size_t *candidate;  /* index of the candidate it is a member of, or STYLE_NOBODY */
    bool *null;         /* not known to be taught by another */
    size_t candidates;
};

/* Rooms for `n` models in `arena`, nothing known. NULL fields when memory is short: false. */
ASSAY_MUST_USE bool style_population_start(struct assay_arena *arena, size_t n, size_t candidates,
                                           struct style_population *population);

/* Looks the names up in `path` (style_models.csv), or only tells them apart when it is NULL. */
ASSAY_MUST_USE assay_status style_population_look_up(const char *path,
                                                     struct style_population *population,
                                                     struct assay_error *error);

#endif
