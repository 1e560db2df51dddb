/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judgement: likelihood ratios against known truth. In: log10 ratios and which hypotheses were
 * true. Out: Cllr and min Cllr (Brummer and du Preez, "Application-independent evaluation of
 * speaker detection", 2006) with their intervals, empirical cross-entropy (Ramos and
 * Gonzalez-Rodriguez, "Reliable support: measuring calibration of likelihood ratios", 2013),
 * shares of misleading ratios, Tippett and reliability tables. What can go wrong: memory.
 */
#ifndef CASE_JUDGEMENT_H
#define CASE_JUDGEMENT_H

#include <assay/case_calibration.h>

struct judged {
    double log10_ratio; /* of the hypothesis against the others, equally probable */
    double probability; /* of it, from equal priors */
    size_t unit;        /* of its case: those of one are left out together for intervals */
    bool is_true;
};

/* Sorts `list`. Fills all of the row but world, method, kind and cases. Needs true and false ones.
 */
ASSAY_MUST_USE assay_status judge(struct judged *list, size_t count,
                                  struct assay_case_calibration_row *row,
                                  struct assay_error *error);

#endif
