/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fingerprint: a response set without its texts. In: the bytes of a stranger's file, unpacked,
 * or a fingerprint to write. Out: a response set whose answers have no text. What can go wrong:
 * a count that the bytes cannot hold, runs out of order or more than there are words: refused
 * with the byte. docs/formats.md has the layout.
 */
#ifndef FORMATS_FINGERPRINT_H
#define FORMATS_FINGERPRINT_H

#include <assay/responses.h>

/* Whether these bytes begin as a fingerprint of any version does. */
bool fingerprint_is(const unsigned char *bytes, size_t size);

/* Fills `r`, whose name, path and arena are set; r->answers is malloc'd, the rest is in the arena.
 */
ASSAY_MUST_USE assay_status fingerprint_parse(const char *path, const unsigned char *bytes,
                                              size_t size, struct assay_responses *r,
                                              struct assay_error *error);

#endif
