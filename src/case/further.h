/* SPDX-License-Identifier: Apache-2.0 */
/*
 * further: what another instrument could add to a finding. No instrument knows another, so the
 * case does: texts to a comparison of weights, weights and log-probabilities to a comparison of
 * texts. In: a finding as its instrument made it. Out: offers added to it, by data/offers.csv and
 * data/instrument_power.csv. What can go wrong: memory; those tables.
 */
#ifndef CASE_FURTHER_H
#define CASE_FURTHER_H

#include <assay/finding.h>

ASSAY_MUST_USE assay_status further_offers(struct assay_finding *finding, const char *data_folder,
                                           struct assay_error *error);

#endif
