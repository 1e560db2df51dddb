/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stage_parts: what the stages of development rest on, one measurement a file. Each takes open
 * checkpoints and gives plain numbers, NaN where there is nothing to measure.
 */
#ifndef LINEAGE_STAGE_PARTS_H
#define LINEAGE_STAGE_PARTS_H

#include "lineage/roles.h"

#include <assay/lineage.h>

struct stage_input {
    const struct assay_checkpoint *a, *b, *base;                /* base: NULL if none was given */
    const struct assay_vocabulary *vocabulary_a, *vocabulary_b; /* NULL where not known */
    const struct assay_context *context;
};

/* embeddings.c: columns of shared tokens' embeddings that find their own number. Exact. */
struct embedding_test {
    size_t shared, tokens; /* of both; of them read */
    size_t columns, fixed; /* of A that were matched; that found their own number */
    bool by_pieces;        /* tokens are the same texts, not just the same numbers */
    double log10_p;        /* NaN where there is no test, with the reason: */
    const char *why;
};
ASSAY_MUST_USE assay_status stage_embedding(const struct stage_input *input,
                                            struct embedding_test *test, struct assay_error *error);

/*
 * gains.c: the mean correlation of norms' gains, which every training starts at one value whatever
 * its seed: what is alike in them was learnt. `norms`: pairs of vectors that it rests on.
 */
struct gain_likeness {
    double correlation;
    size_t norms;
};
ASSAY_MUST_USE assay_status stage_gains(const struct stage_input *input,
                                        struct gain_likeness *gains, struct assay_error *error);

/* differences.c: over tensors of one name and shape, the cosine of A - base and B - base, and
 * 0.5 ln(|B|^2 / |A|^2), which needs no base. */
struct difference_likeness {
    double cosine, length;
    size_t tensors;              /* of all three */
    double changed_a, changed_b; /* |A - base|^2 / |base|^2 */
};
ASSAY_MUST_USE assay_status stage_differences(const struct stage_input *input,
                                              struct difference_likeness *likeness,
                                              struct assay_error *error);

/*
 * stage_table.c: what such numbers are in pairs of known history (data/stage_pairs.csv). A
 * log10 likelihood ratio that two kinds of pairs have, both taken as normal with one spread, of
 * the values' inverse hyperbolic tangent; a value beyond all of the first kind counts as the
 * largest of them. Never beyond log10(groups + 1), for so few groups can carry no more.
 */
struct stage_kind {
    double n, mean, deviation, least, most; /* of the stretched values */
};
struct stage_table {
    struct stage_kind gains_together, gains_long, gains_seed, gains_like_data, tuning_shared,
        tuning_apart;
    size_t groups, longer, steps_on; /* later ones that are longer, of so many */
};
ASSAY_MUST_USE assay_status stage_table_read(const char *path, struct stage_table *table,
                                             struct assay_error *error);
/* The same without the pairs of `group`, as judging that group's pairs takes it. */
ASSAY_MUST_USE assay_status stage_table_read_without(const char *path, const char *group,
                                                     struct stage_table *table,
                                                     struct assay_error *error);
double stage_table_lr(const struct stage_table *table, const struct stage_kind *first,
                      const struct stage_kind *second, double value);

/*
 * The same of gains' correlation, of shared training against `apart`. Shared training is of two
 * kinds, each normal with its own spread and weighing as its pairs do: tuned for up to as long as
 * the base was trained, and for four times as long, when gains are hardly more alike than those of
 * one seed. A value below all that one seed and other data left counts as the least of them.
 */
double stage_table_training_lr(const struct stage_table *table, const struct stage_kind *apart,
                               double value);

/*
 * training.c: log10 likelihood ratios of shared training against one seed and other data, and
 * against one seed and like data; NaN with the reason `why` where gains cannot be compared or
 * `table` is NULL. Gains are compared only where the embedding's test (`embedding_log10_p`) finds
 * the residual stream numbered alike and no layer was moved.
 */
struct training_evidence {
    struct gain_likeness gains;
    double other_data, like_data;
    const char *why; /* NULL: there are ratios */
};
ASSAY_MUST_USE assay_status stage_training(const struct stage_input *input,
                                           const struct assay_lineage_comparison *comparison,
                                           double embedding_log10_p,
                                           const struct stage_table *table,
                                           struct training_evidence *evidence,
                                           struct assay_error *error);
/* Names fine-tuned, continued-training or shared-initialisation by that evidence, where it speaks
 * for one of them by 10^0.5 to 1, and adds to the note what it says. */
ASSAY_MUST_USE assay_status stage_name_training(struct assay_lineage_comparison *comparison,
                                                const struct training_evidence *evidence,
                                                struct assay_error *error);

/*
 * stages_finding.c: trained together, one initialisation but trained apart, made independently, as
 * lineage.stages weighs them. NaN ratios: gains cannot be compared. `tested`: some axis was.
 */
void stage_weights(double other_data, double like_data, double log10_lr_related, bool tested,
                   struct assay_weight weights[3]);

#endif
