/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report: an assessment as JSON, as one HTML page, as text. Nothing is computed here: a report
 * lays out what the case room gave. Text from a case stays text: a page runs no script but its
 * own, which its policy names by digest, and asks the network for nothing.
 */
#ifndef ASSAY_REPORT_H
#define ASSAY_REPORT_H

#include <assay/case.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Each gives a NUL-terminated text that the caller frees with free(), or ASSAY_ERROR_MEMORY.
 *   json: the object that docs/report.schema.json describes.
 *   html: one file with its figures, for a screen of any width and paper, light and dark.
 *   text: for a terminal, lines of at most 80 columns where words allow.
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_report_json(const struct assay_assessment *assessment,
                                                        char **text, struct assay_error *error);
ASSAY_API ASSAY_MUST_USE assay_status assay_report_html(const struct assay_assessment *assessment,
                                                        char **text, struct assay_error *error);
ASSAY_API ASSAY_MUST_USE assay_status assay_report_text(const struct assay_assessment *assessment,
                                                        char **text, struct assay_error *error);

/*
 * The page alone, with `json` (a report, or "null": `assay serve` fills it) inside; `json` must be
 * JSON, and no text in it can end the element that it stands in. free() the text.
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_report_page(const char *json, char **text,
                                                        struct assay_error *error);

/* The page of a finding that stands in no case, under this title; free() the text. */
ASSAY_API ASSAY_MUST_USE assay_status assay_report_finding(const struct assay_finding *finding,
                                                           const char *title, char **text,
                                                           struct assay_error *error);

/* What a case asks and rests on, for a terminal; free() it. Nothing has been run. */
ASSAY_API ASSAY_MUST_USE assay_status assay_report_case_text(const struct assay_case *subject,
                                                             char **text,
                                                             struct assay_error *error);

/* Writes report.html and report.json into `folder`, which must be there; each file whole. */
ASSAY_API ASSAY_MUST_USE assay_status assay_report_write(const struct assay_assessment *assessment,
                                                         const char *folder,
                                                         struct assay_error *error);

#ifdef __cplusplus
}
#endif
#endif
