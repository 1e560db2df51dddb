/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bundle: a manifest as an in-toto statement, and a signed statement as a Sigstore bundle. In and
 * out: text. What can go wrong on reading: a stranger wrote it; every field that matters is checked
 * and any that is not known is refused.
 *
 * Sources: in-toto Attestation Framework, Statement v1; OpenSSF model-signing 1.0, "Model Signature
 * Specification" (predicate https://model_signing/signature/v1.0); DSSE protocol v1.0, section
 * "Signature Definition"; Sigstore bundle v0.3.
 */
#ifndef CUSTODY_BUNDLE_H
#define CUSTODY_BUNDLE_H

#include <assay/custody.h>

/* The statement over `manifest`, made with those paths left out; free() it. NULL: no memory. */
char *statement_text(const struct assay_manifest *manifest, const char *const *ignored,
                     size_t ignored_count);

/*
 * The manifest in a statement of `size` bytes whose signature has been checked; `path` is for
 * messages. Its digests must add up to its root. `ignored` gets what was left out, in the arena.
 */
ASSAY_MUST_USE assay_status statement_read(const char *path, const void *text, size_t size,
                                           struct assay_manifest *manifest,
                                           const char *const **ignored, size_t *ignored_count,
                                           struct assay_error *error);

/* DSSE: the bytes that are signed for a payload; free() them. NULL: no memory. */
unsigned char *envelope_signed_bytes(const void *payload, size_t payload_size, size_t *size);

/* A bundle taken apart. */
struct custody_bundle {
    unsigned char *payload, *signature;
    size_t payload_size, signature_size;
    char hint[65]; /* SHA-256 of the public key in PEM, "" if none is given */
};

/* The text of a bundle, one line without an end; free() it. NULL: no memory. */
char *bundle_text(const struct custody_bundle *bundle);

/* Free with bundle_free, which accepts a zeroed one. */
ASSAY_MUST_USE assay_status bundle_read(const char *path, const void *text, size_t size,
                                        struct custody_bundle *bundle, struct assay_error *error);
void bundle_free(struct custody_bundle *bundle);

#endif
