/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exchange: an assessment in the forms that other programs take. Nothing is computed and nothing is
 * concluded: what a form has no word for goes into its free text. Identifiers (UUIDv5) and times
 * come from the case, so that the same case gives the same bytes. docs/exchange.md says what is
 * mapped to what.
 */
#ifndef ASSAY_EXCHANGE_H
#define ASSAY_EXCHANGE_H

#include <assay/case.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A STIX 2.1 bundle (OASIS, 10 June 2021): exhibits as notes, files and indicators, their grades as
 * opinions, hypotheses with their likelihood ratios as notes, questions as groupings, all of it in
 * one report. NUL-terminated; free() it.
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_exchange_stix(const struct assay_assessment *assessment,
                                                          char **text, struct assay_error *error);

/*
 * A CycloneDX 1.6 bill of materials (ECMA-424, first edition) of the model that the case is about:
 * its exhibits as components, each hypothesis as a claim with evidence, what is said of descent as
 * pedigree. `model` names the model; NULL: the case's title. NUL-terminated; free() it.
 */
ASSAY_API ASSAY_MUST_USE assay_status
assay_exchange_cyclonedx(const struct assay_assessment *assessment, const char *model, char **text,
                         struct assay_error *error);

#ifdef __cplusplus
}
#endif
#endif
