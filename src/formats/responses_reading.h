/* SPDX-License-Identifier: Apache-2.0 */
/*
 * responses_reading: a response set while it is read, shared by the readers of JSON and of folders.
 * In: bytes, or a folder. Out: answers in the order of the file, and what is odd about them, in
 * `r`. What can go wrong: memory, the limits of a set, a record of an unknown form, broken JSON;
 * the caller frees `r` then.
 */
#ifndef FORMATS_RESPONSES_READING_H
#define FORMATS_RESPONSES_READING_H

#include "formats/responses_record.h"

#define RESPONSES_MOST_FILE ((size_t)1 << 30)
#define RESPONSES_REPLACEMENT "\xEF\xBF\xBD"
#define RESPONSES_MOST_WRITERS 64 /* told apart while counting */

struct responses_reading {
    const char *path;
    struct assay_responses *r;
    size_t room; /* of r->answers */
    const char *writers[RESPONSES_MOST_WRITERS];
    bool mended; /* the document had bytes that are no UTF-8 */
    struct assay_error *error;
};

assay_status responses_no_memory(struct responses_reading *w);

/* Adds the answer of a record, or counts that it has none. */
assay_status responses_add(struct responses_reading *w, const struct response_record *record);

/*
 * A copy of bytes in which what no JSON may hold (bytes that are no UTF-8, NULs, lone surrogate
 * escapes) is U+FFFD; free() it. NULL if memory is short.
 */
unsigned char *responses_mend(const unsigned char *bytes, size_t size, size_t *mended_size);

/* One JSON document, or JSON lines. */
assay_status responses_read_document(struct responses_reading *w, const unsigned char *bytes,
                                     size_t size);

/* The .txt and .md files of a folder, one answer each; r->sha256 is of all of them. */
assay_status responses_read_folder(struct responses_reading *w, const char *folder);

#endif
