/* SPDX-License-Identifier: Apache-2.0 */
/* vocabulary_lines: vocabularies that are written a line each: tiktoken's ranks, merges.txt. */
#ifndef FORMATS_VOCABULARY_LINES_H
#define FORMATS_VOCABULARY_LINES_H

#include <assay/checkpoint.h>

/* Whether a file begins like tiktoken's ranks: base64, a space, a number, a line end. */
bool vocabulary_is_ranks(const void *bytes, size_t size);

/*
 * Such a file as pieces by rank, each byte as the character that byte-level BPE writes for it, so
 * that they can be set beside those of a tokenizer.json. Refused by line where a line is no such
 * pair, or a rank is far beyond the number of lines.
 */
ASSAY_MUST_USE assay_status vocabulary_ranks(const char *path, const void *bytes, size_t size,
                                             struct assay_vocabulary *vocabulary,
                                             struct assay_error *error);

#endif
