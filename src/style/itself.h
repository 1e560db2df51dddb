/* SPDX-License-Identifier: Apache-2.0 */
/*
 * itself: whether a set of answers is the suspect's own, come in with its candidates. In: two
 * sets. Out: true if they have one name and nine tenths of the answers to common prompts are
 * equal; where one is a fingerprint, equally long. Under another name it is a finding, not an
 * accident.
 */
#ifndef STYLE_ITSELF_H
#define STYLE_ITSELF_H

#include <assay/responses.h>

/* How many answers to common prompts are the same; `shared` gets how many are common. */
size_t style_same_answers(const struct assay_responses *a, const struct assay_responses *b,
                          size_t *shared);

/* Nine tenths of them, whatever the names. */
bool style_answers_alike(const struct assay_responses *a, const struct assay_responses *b);

bool style_is_itself(const struct assay_responses *suspect, const struct assay_responses *other);

#endif
