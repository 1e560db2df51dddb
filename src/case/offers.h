/* SPDX-License-Identifier: Apache-2.0 */
/*
 * offers: everything that could be had on a question. In: a combination with its findings. Out:
 * the case's own obtainables and those that instruments' findings offer, all with a probability of
 * each outcome under each hypothesis of the question. What can go wrong: memory; an obtainable
 * `from` something that its finding does not offer.
 */
#ifndef CASE_OFFERS_H
#define CASE_OFFERS_H

#include "case/combine.h"

ASSAY_MUST_USE assay_status offers_list(const struct weighing *w,
                                        const struct assay_case_obtainable **list, size_t *count);

#endif
