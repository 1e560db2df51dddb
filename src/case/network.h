/* SPDX-License-Identifier: Apache-2.0 */
/*
 * network: the Bayesian network of a question. Hypotheses at the top; below them findings, which
 * depend on the hypothesis only if every one of their causes says yes: the sources of their
 * exhibits, the exhibits, what a declared group shares. The causes are independent of one another
 * and of the hypotheses. In: a question with its results. Out: nodes and findings (the fields of
 * struct assay_combination that name them). What can go wrong: memory; more links than fit.
 */
#ifndef CASE_NETWORK_H
#define CASE_NETWORK_H

#include <assay/case.h>

/*
 * Fills hypotheses (id, text, none), nodes, findings (but not what is computed of them) and
 * dependences. A finding that weighs nothing is left out; with none at all finding_count is 0.
 */
ASSAY_MUST_USE assay_status network_build(const struct assay_case *subject,
                                          const struct assay_case_reply *reply,
                                          const struct assay_case_reliability *reliability,
                                          struct assay_arena *arena,
                                          struct assay_combination *combination,
                                          struct assay_error *error);

/* The chance that an exhibit depends on the truth, whatever its source's other words. */
double network_informative(const struct assay_case_exhibit *exhibit,
                           const struct assay_case_reliability *reliability);

/* The factor by which each of n findings of correlation c counts. */
double network_weight(size_t n, double correlation);

#endif
