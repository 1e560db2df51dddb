/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unpack: files as people keep them, gzip (RFC 1952) or Zstandard (RFC 8878) or plain. In: the
 * bytes of a stranger's file. Out: what is in it. What can go wrong: a stream that is broken or
 * ends early (ASSAY_ERROR_INPUT), one that expands beyond `most` (ASSAY_ERROR_LIMIT, found while
 * expanding, so that a bomb costs no more than that), a Zstandard window over 128 MiB
 * (ASSAY_ERROR_UNSUPPORTED).
 */
#ifndef FORMATS_UNPACK_H
#define FORMATS_UNPACK_H

#include <assay/base.h>

struct unpacked {
    const unsigned char *bytes; /* never NULL after success */
    size_t size;
    unsigned char *owned; /* private: NULL where `bytes` are the caller's own */
};

/* Recognised by the first bytes. `path` is for messages. Free with unpacked_free. */
ASSAY_MUST_USE assay_status unpack(const char *path, const unsigned char *bytes, size_t size,
                                   size_t most, struct unpacked *unpacked,
                                   struct assay_error *error);
void unpacked_free(struct unpacked *unpacked);

#endif
