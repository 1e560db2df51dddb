/* SPDX-License-Identifier: Apache-2.0 */
/* common: identifiers, times and sentences that the forms share. */
#ifndef EXCHANGE_COMMON_H
#define EXCHANGE_COMMON_H

#include <assay/case.h>

#include <jansson.h>

/* Room for "indicator--" and a UUID, with its NUL. */
#define EXCHANGE_ID 96

/* The namespace of the identifiers that Assay makes: a random UUID, drawn once. */
extern const unsigned char exchange_namespace[16];
/* That of STIX cyber-observable objects (STIX 2.1, section 2.9). */
extern const unsigned char exchange_stix_namespace[16];

/* UUIDv5 (RFC 9562, section 5.5) of `name` in `space`: 36 characters and NUL. */
void exchange_uuid(const unsigned char space[16], const char *name, char uuid[37]);

/* "2026-02-24T00:00:00.000Z" of a date of a case; where month or day are not given, the first. */
void exchange_time(const char *date, char time[32]);

/* The latest date among the exhibits as such a time; 1970 without exhibits. */
void exchange_case_time(const struct assay_case *subject, char time[32]);

/* "log10 likelihood ratio against X: 1.31 (80% interval 1.07 to 1.48), moderate support" */
void exchange_ratio(const struct assay_combination *combination,
                    const struct assay_combined_hypothesis *hypothesis, char *text, size_t size);

/*
 * Marks the exhibits that bear on the question: those that it lists, and those on which its
 * findings rest. One a exhibit of the case, in order; free() it. NULL if memory is short.
 */
bool *exchange_bearing(const struct assay_case *subject,
                       const struct assay_case_question *question);

/* The words for an Admiralty grade: "fairly reliable source, possibly true". */
void exchange_grade(const char *grade, char *text, size_t size);

#endif
