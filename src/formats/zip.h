/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zip: the central directory of a zip archive, with zip64, read in place. Nothing is unpacked, so
 * nothing can grow. Source: PKWARE's APPNOTE.TXT 6.3.
 */
#ifndef FORMATS_ZIP_H
#define FORMATS_ZIP_H

#include <assay/base.h>

struct zip_entry {
    const char *name; /* not terminated */
    size_t name_size;
    uint64_t offset, size; /* of the stored data */
    bool stored;           /* false: compressed, and of no use here */
};

struct zip {
    struct zip_entry *entries; /* sorted by name; in the arena */
    size_t count;
};

ASSAY_MUST_USE assay_status zip_read(const char *path, const unsigned char *bytes, size_t size,
                                     struct assay_arena *arena, struct zip *zip,
                                     struct assay_error *error);

/* NULL if there is none. */
const struct zip_entry *zip_find(const struct zip *zip, const char *name, size_t name_size);

#endif
