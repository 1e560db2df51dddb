/* SPDX-License-Identifier: Apache-2.0 */
/* relations: what a comparison amounts to, in the writing. */
#ifndef LINEAGE_RELATIONS_H
#define LINEAGE_RELATIONS_H

#include "lineage/compare.h"

struct relation_writer {
    struct comparing *c;
    struct compare_summary s;
    struct assay_lineage_relation *relations;
    bool short_of_memory;
};

/* Adds a relation; a note of NULL means that memory is short. `kind` and the direction's note are
 * literals. */
void relation_add(struct relation_writer *w, const char *kind, double share, const char *note);
void relation_direction(struct relation_writer *w, enum assay_lineage_direction to,
                        const char *note);
/* NaN where one of the two is nothing. */
double relation_cosine(const struct likeness *likeness);

/* Of units under a disguise: what turning and rounding leave. */
#define RELATION_SAME_COSINE 0.9995

/* relations_rounding.c: says which side is the other, rounded; *explained is the cosine that this
 * leaves at least, so that below it more was done; 0: nothing was rounded. */
ASSAY_MUST_USE assay_status relations_rounding(struct relation_writer *w, double *explained);

/* relations_structure.c: whether anything but values was changed; what it was. */
bool relations_disguised(const struct disguise_seen *seen);
void relations_structure(struct relation_writer *w);

#endif
