/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judgement: likelihood ratios against known truth. In: log10 ratios and which hypotheses were
 * true. Out: Cllr and min Cllr (Brummer and du Preez, "Application-independent evaluation of
 * speaker detection", 2006), shares of misleading ratios, Tippett and reliability tables.
 */
#ifndef CASE_JUDGEMENT_H
#define CASE_JUDGEMENT_H

#include <assay/case_calibration.h>

struct judged {
    double log10_ratio; /* of the hypothesis against the others, equally probable */
    double probability; /* of it, from equal priors */
    bool is_true;
};

/* Sorts `list`. Fills all of the row but world, method and cases. Needs true and false ones. */
void judge(struct judged *list, size_t count, struct assay_case_calibration_row *row);

#endif
