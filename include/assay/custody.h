/* SPDX-License-Identifier: Apache-2.0 */
/*
 * custody: whether a folder is still what somebody signed. A manifest lists every file of the
 * folder with its SHA-256; a signature binds the manifest to a key; a check names each file that
 * is not as it was signed. docs/custody.md documents it for users.
 *
 * The signature file is a Sigstore bundle (media type
 * application/vnd.dev.sigstore.bundle.v0.3+json) with a DSSE envelope around an in-toto Statement
 * v1 of predicate type https://model_signing/signature/v1.0: the form of OpenSSF model-signing 1.0,
 * whose program verifies what is signed here with an elliptic-curve key, and the other way round.
 * Keys are PEM files.
 *
 * What a signature cannot say: when it was made, and who holds the key.
 */
#ifndef ASSAY_CUSTODY_H
#define ASSAY_CUSTODY_H

#include <assay/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The signature's name inside a folder unless the caller says otherwise. */
#define ASSAY_CUSTODY_FILE "case.sig"

/*
 * Findings that `assay case run` keeps for a quicker next run; nothing rests on them, they change
 * with the machine, and a signature leaves them out.
 */
#define ASSAY_CUSTODY_KEPT "out/findings"

/* ---- manifests ----------------------------------------------------------------------------- */

struct assay_manifest_file {
    const char *path; /* relative to the folder, with '/', UTF-8 */
    char sha256[65];
};

struct assay_manifest {
    const char *name;                        /* of the folder, without its parents */
    const struct assay_manifest_file *files; /* by path, in the order of bytes; each path once */
    size_t count;
    char root_sha256[65]; /* SHA-256 of the files' digests, as bytes, one after another */
    struct assay_arena *arena;
};

/*
 * Takes the digest of every regular file below `folder`, hidden ones too, except those paths
 * (relative to it; a folder stands for all below it) that are in `ignored`. ASSAY_ERROR_INPUT for a
 * symbolic link, a device, or a name that is not UTF-8: a signature over them would say less than
 * it seems to. ASSAY_ERROR_LIMIT beyond 1,000,000 files or 64 levels. Free with
 * assay_manifest_free, which accepts a zeroed one.
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_manifest_read(const char *folder,
                                                          const char *const *ignored,
                                                          size_t ignored_count,
                                                          const struct assay_context *context,
                                                          struct assay_manifest *manifest,
                                                          struct assay_error *error);
ASSAY_API void assay_manifest_free(struct assay_manifest *manifest);

/* ---- signing ------------------------------------------------------------------------------- */

/*
 * Signs the folder's manifest with the private key in the PEM file `key` and writes the bundle to
 * `signature` (replaced whole). Left out of the manifest are the signature itself, where it lies in
 * the folder, and ASSAY_CUSTODY_KEPT. A key
 * is Ed25519 (RFC 8032) or ECDSA on P-256, P-384 or P-521 (FIPS 186-5) with SHA-256, -384, -512.
 * `password` opens an encrypted key; NULL for a plain one. On success `manifest` is what was
 * signed.
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_custody_sign(const char *folder, const char *signature,
                                                         const char *key, const char *password,
                                                         const struct assay_context *context,
                                                         struct assay_manifest *manifest,
                                                         struct assay_error *error);

/* ---- checking ------------------------------------------------------------------------------ */

enum assay_custody_change {
    ASSAY_CUSTODY_CHANGED, /* other bytes than were signed */
    ASSAY_CUSTODY_MISSING, /* signed, and not there now */
    ASSAY_CUSTODY_ADDED,   /* there now, and not signed */
};

/* "changed", "missing" or "added"; never NULL. */
ASSAY_API const char *assay_custody_change_name(enum assay_custody_change change);

struct assay_custody_difference {
    enum assay_custody_change change;
    const char *path;
    const char *signed_sha256, *found_sha256; /* NULL where there is none */
};

struct assay_custody_check {
    bool signature_holds;  /* the key made this signature over this manifest */
    const char *reason;    /* why it does not, in words; NULL if it does */
    const char *algorithm; /* "Ed25519", "ECDSA P-256 with SHA-256", ... */
    char key_sha256[65];   /* SHA-256 of the public key in PEM: its fingerprint */
    const char *name;      /* of the folder when it was signed; NULL unless the signature holds */
    size_t file_count;     /* signed */
    const struct assay_custody_difference *differences; /* by path; none without a good signature */
    size_t difference_count;
    struct assay_arena *arena;
};

/*
 * Checks `folder` against the bundle in the file `signature` with the public key in the PEM file
 * `key`. A signature that does not hold is an answer, not an error; nothing of its manifest is then
 * believed. ASSAY_ERROR_INPUT if a file is not a bundle or a key. Free with
 * assay_custody_check_free, which accepts a zeroed one.
 */
ASSAY_API ASSAY_MUST_USE assay_status assay_custody_verify(const char *folder,
                                                           const char *signature, const char *key,
                                                           const struct assay_context *context,
                                                           struct assay_custody_check *check,
                                                           struct assay_error *error);
ASSAY_API void assay_custody_check_free(struct assay_custody_check *check);

#ifdef __cplusplus
}
#endif
#endif
