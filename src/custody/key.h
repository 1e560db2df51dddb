/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key: keys from PEM files, and signatures by them, through libcrypto. In: PEM of at most 64 KiB.
 * What can go wrong: not a key, of a kind that is not taken here, encrypted under another password.
 */
#ifndef CUSTODY_KEY_H
#define CUSTODY_KEY_H

#include <assay/base.h>

struct custody_key;

/* A private key; `password` NULL for one that is not encrypted. Free with custody_key_free. */
ASSAY_MUST_USE assay_status custody_key_private(const char *path, const char *password,
                                                struct custody_key **key,
                                                struct assay_error *error);
/* A public key, or the public half of an unencrypted private one. */
ASSAY_MUST_USE assay_status custody_key_public(const char *path, struct custody_key **key,
                                               struct assay_error *error);
void custody_key_free(struct custody_key *key);

/* "Ed25519", "ECDSA P-256 with SHA-256", ... */
const char *custody_key_algorithm(const struct custody_key *key);
/* SHA-256 of the public key as a PEM SubjectPublicKeyInfo: 64 hexadecimal digits. */
const char *custody_key_sha256(const struct custody_key *key);

/* The signature of `size` bytes; free() it. */
ASSAY_MUST_USE assay_status custody_key_sign(const struct custody_key *key,
                                             const unsigned char *bytes, size_t size,
                                             unsigned char **signature, size_t *signature_size,
                                             struct assay_error *error);
/* Whether `signature` is one of `bytes` by this key. */
bool custody_key_verify(const struct custody_key *key, const unsigned char *bytes, size_t size,
                        const unsigned char *signature, size_t signature_size);

#endif
