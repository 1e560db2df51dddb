/* SPDX-License-Identifier: Apache-2.0 */
/*
 * offers: what more answers of the suspect could tell, from how often the true candidate came
 * first by the number of prompts (data/instrument_power.csv, made by `assay style power`). In: a
 * finding, the prompts that the suspect answered and those that candidates did. Out: an offer in
 * the finding, if more prompts were seen to tell more. What can go wrong: memory; the tables.
 */
#ifndef STYLE_OFFERS_H
#define STYLE_OFFERS_H

#include "finding/power.h"

/* `question`: "rank" or "parent"; others offer nothing. */
ASSAY_MUST_USE assay_status style_offer_answers(struct assay_finding *finding, const char *question,
                                                size_t answered, size_t could_be,
                                                const char *data_folder, struct assay_error *error);

/*
 * The chance that the true one of k candidates has the greatest of k log-likelihood ratios that
 * are normal with standard deviation s and means s^2/2 (true) and -s^2/2. From 1/k to 1.
 */
double style_first_of(double s, size_t k);

#endif
